//! Ends of classifiers: probabilities that rise with a logit are read as what they say of it, and taken off.
//!
//! σ(z) > 1/2 exactly where z > 0, and a softmax keeps the order of its entries. 1 − σ(z) = σ(−z), σ(z) beside
//! 1 − σ(z) is the softmax of (z, 0), and σ(z) beside σ(−z) that of (z/2, −z/2).

use super::call::{Call, Value, kind};
use super::exponentials;
use super::importer::Importer;
use super::layout::axis_of;
use super::tensor::Tensor;
use crate::model::Map;
use crate::model::sensitive::difference;
use crate::model::{Graph, Layer, ModelError, NodeId};

/// How probabilities come from the logits that a marked node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// 1/(1 + e⁻ᶻ), entry by entry.
    Sigmoid,
    /// Over all entries.
    Softmax,
    /// Its logarithm.
    LogSoftmax,
}

impl End {
    /// What its user should hear once it is the output.
    pub fn note(self, output: &str) -> String {
        let (name, meaning) = match self {
            End::Sigmoid => ("Sigmoid", "it is 0 where the probability is 1/2"),
            End::Softmax => ("Softmax", "it has the order of the probabilities"),
            End::LogSoftmax => ("LogSoftmax", "it has the order of the probabilities"),
        };
        format!("the {name} before the output `{output}` is taken off, and certified is the logit: {meaning}")
    }
}

pub(super) fn sigmoid(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    start(importer, call, End::Sigmoid)
}

pub(super) fn softmax(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    over_all(importer, call)?;
    start(importer, call, End::Softmax)
}

pub(super) fn log_softmax(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    over_all(importer, call)?;
    start(importer, call, End::LogSoftmax)
}

fn start(importer: &mut Importer, call: &Call, end: End) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Node(of) => ended(importer, call, *of, end),
        _ => Err(call.refuse(format!("{} of a constant is not supported", call.operator()))),
    }
}

/// The probabilities of logits: sigmoids of z and −z are a softmax.
pub(super) fn ended(importer: &mut Importer, call: &Call, logits: NodeId, end: End) -> Result<Value, ModelError> {
    if end != End::Sigmoid || !are_opposite(&importer.graph, logits) {
        return marked(importer, call, logits, end);
    }
    let halves = importer.push(call, Layer::Scale(vec![0.5; 2]), &[logits])?;
    marked(importer, call, halves, End::Softmax)
}

/// Whether a node [2] has z and −z as its entries, as its numbers say.
fn are_opposite(graph: &Graph, mut id: NodeId) -> bool {
    if graph.node(id).shape != [2] {
        return false;
    }
    loop {
        let node = graph.node(id);
        match node.layer() {
            Some(Layer::Dense(dense)) => {
                let (a, b) = (dense.row(0), dense.row(1));
                return dense.bias[0] == -dense.bias[1] && (0..dense.cols).all(|i| a[i] == -b[i]);
            }
            Some(Layer::Shift(offset)) if offset[0] == -offset[1] => {}
            Some(Layer::Scale(factors) | Layer::Divide(factors)) if factors[0] == factors[1] => {}
            Some(Layer::Reshape) => {}
            _ => return false,
        }
        id = node.inputs[0];
    }
}

/// A node of its own for probabilities, with the logits as its value.
pub(super) fn marked(importer: &mut Importer, call: &Call, logits: NodeId, end: End) -> Result<Value, ModelError> {
    let id = importer.push(call, Layer::Reshape, &[logits])?;
    importer.ends.insert(id, end);
    Ok(Value::Node(id))
}

/// Whether a softmax is over the only axis of a sample. Before opset 13 it is over that and all axes behind it, and the axis is
/// 1 where none is named: of [N, K] that is the same.
fn over_all(importer: &Importer, call: &Call) -> Result<(), ModelError> {
    let Value::Node(of) = call.input(0)? else { return Ok(()) };
    let shape = &importer.graph.node(*of).shape;
    match (&shape[..], call.int_attribute("axis").unwrap_or(-1)) {
        ([1], -1 | 1) => Err(call.refuse(format!("{} of one number is the same for every input", call.operator()))),
        ([_], -1 | 1) => Ok(()),
        _ => Err(call.misfit("[N, K], along axis 1", format!("[N, {shape:?}]"))),
    }
}

/// The node and what it is marked as.
fn end(importer: &Importer, value: Option<&Value>) -> Option<(NodeId, End)> {
    let Some(Value::Node(id)) = value else { return None };
    importer.ends.get(id).map(|&end| (*id, end))
}

/// Whether an operator reads a probability.
pub(super) fn reads_one(importer: &Importer, call: &Call) -> bool {
    (0..call.count()).any(|index| end(importer, call.optional(index)).is_some())
}

/// What an operator makes of probabilities; `import` is its import of what are none.
pub(super) fn go_on(
    importer: &mut Importer,
    call: &Call,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<Value, ModelError> {
    let refuse = || {
        let why =
            "behind a Sigmoid or Softmax, which are read at the end of a model alone: export the model without them";
        Err(call.refuse(format!("{} {why}", call.operator())))
    };
    let ends = [0, 1].map(|index| end(importer, call.optional(index)));
    match (call.operator(), ends) {
        ("Identity" | "Cast" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten", [Some((_, end)), None]) => {
            moved(importer, call, end, import)
        }
        ("Log", [Some((of, End::Sigmoid)), None]) => exponentials::log_sigmoid(importer, call, of),
        ("Log", [Some((of, End::Softmax)), None]) => marked(importer, call, of, End::LogSoftmax),
        // Probabilities are not negative, add up to 1 where they are all, and stay what they are divided by it.
        ("Abs", [Some((of, End::Sigmoid | End::Softmax)), None]) => Ok(Value::Node(of)),
        ("ReduceSum", [Some((_, End::Softmax)), None]) => match import(importer, call)? {
            Value::Node(sum) if importer.graph.node(sum).shape == [1] => {
                Ok(Value::Float(Tensor::new(vec![1, 1], vec![1.0])))
            }
            _ => refuse(),
        },
        ("Normalizer", [Some((of, End::Softmax)), None]) if call.text_attribute("norm") == Some("L1") => {
            Ok(Value::Node(of))
        }
        ("Div", [Some((of, _)), None]) => {
            let one = call.float(1, "what a probability is divided by")?;
            let is_wide = one.shape.len() > importer.graph.node(of).shape.len() + 1;
            if is_wide || one.iter().ne([1.0]) { refuse() } else { Ok(Value::Node(of)) }
        }
        ("Gather" | "Slice" | "ArrayFeatureExtractor", [Some((_, End::Sigmoid)), None]) => {
            moved(importer, call, End::Sigmoid, import)
        }
        ("Gather" | "Slice" | "ArrayFeatureExtractor", [Some((of, End::Softmax)), None])
            if importer.graph.node(of).size() == 2 =>
        {
            one_of_two(importer, call, of, import)
        }
        ("Sub", [None, Some((of, End::Sigmoid))]) => {
            let shape = importer.graph.node(of).shape.clone();
            let one = call.float(0, "what a probability is taken from")?;
            // With more axes it would spread the batch along another one.
            let is_wide = one.shape.len() > shape.len() + 1;
            if is_wide || (one.len() > 1 && one.shape != shape) || one.iter().any(|v| v != 1.0) {
                return refuse();
            }
            let minus = vec![-1.0; importer.graph.node(of).size()];
            let id = importer.push(call, Layer::Scale(minus), &[of])?;
            importer.ends.insert(id, End::Sigmoid);
            Ok(Value::Node(id))
        }
        ("Concat", [Some((a, End::Sigmoid)), Some((b, End::Sigmoid))]) if call.count() == 2 => {
            let (first, second) = (is_minus(importer, a, b), is_minus(importer, b, a));
            let mut shape = importer.graph.node(a).shape.clone();
            let along = call.int_attribute("axis").and_then(|axis| axis_of(call, axis, shape.len() + 1, false).ok());
            let is_single = shape == importer.graph.node(b).shape && shape.iter().all(|&size| size == 1);
            let Some(axis) = along.and_then(|axis| axis.checked_sub(1)).filter(|_| is_single && (first || second))
            else {
                return refuse();
            };
            shape[axis] = 2;
            let zero = importer.push(call, Layer::Constant(vec![0.0]), &[])?;
            let pair = if first { [zero, b] } else { [a, zero] };
            let pair = [importer.reshape(call, pair[0], &[1])?, importer.reshape(call, pair[1], &[1])?];
            let logits = importer.push(call, Layer::Concat { outer: 1 }, &pair)?;
            let logits = importer.reshape(call, logits, &shape)?;
            importer.ends.insert(logits, End::Softmax);
            Ok(Value::Node(logits))
        }
        _ => refuse(),
    }
}

/// An operator that moves entries alone moves those of the logits.
fn moved(
    importer: &mut Importer,
    call: &Call,
    end: End,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<Value, ModelError> {
    match import(importer, call)? {
        Value::Node(logits) => marked(importer, call, logits, end),
        other => Err(call.misfit("a value that depends on the input", kind(&other))),
    }
}

/// One probability of two is the sigmoid of its logit minus the other.
fn one_of_two(
    importer: &mut Importer,
    call: &Call,
    of: NodeId,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<Value, ModelError> {
    let Value::Node(picked) = import(importer, call)? else { return Err(call.misfit("an entry", "a constant")) };
    let node = importer.graph.node(picked);
    let shape = node.shape.clone();
    // Behind the choice may stand another shape.
    let choice = if node.inputs == [of] { node } else { importer.graph.node(node.inputs[0]) };
    let at = match choice.layer() {
        Some(Layer::Linear(Map::Pick(pick), offset)) if choice.inputs == [of] && offset.is_empty() => {
            pick.places().map(|(_, at)| at).collect::<Vec<_>>()
        }
        _ => vec![],
    };
    let &[at] = &at[..] else {
        return Err(call.refuse("another choice than one of two probabilities is not supported"));
    };
    let difference = difference(&mut importer.graph, of, at, 1 - at)?;
    let logit = importer.reshape(call, difference, &shape)?;
    marked(importer, call, logit, End::Sigmoid)
}

/// A node, whatever shape its entries were given.
fn unshaped(importer: &Importer, id: NodeId) -> NodeId {
    let node = importer.graph.node(id);
    if matches!(node.layer(), Some(Layer::Reshape)) { unshaped(importer, node.inputs[0]) } else { id }
}

/// Whether a node is minus another one.
fn is_minus(importer: &Importer, minus: NodeId, of: NodeId) -> bool {
    let node = importer.graph.node(unshaped(importer, minus));
    let of = unshaped(importer, of);
    node.inputs.iter().any(|&id| unshaped(importer, id) == of)
        && matches!(node.layer(), Some(Layer::Scale(factors)) if factors.iter().all(|&f| f == -1.0))
}
