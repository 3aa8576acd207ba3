//! Elementwise operators: arithmetic with numpy's broadcasting, activations, maxima.

use super::call::{Call, Value, kind};
use super::cancelled;
use super::exact;
use super::importer::Importer;
use super::integers;
use super::kinks;
use super::pick::pick;
use super::smooth;
use super::tensor::{Tensor, Walk, broadcast};
use crate::model::map::Map;
use crate::model::{Curve, Graph, Kink, Layer, ModelError, NodeId};

const PRODUCT: &str = "the product of two values that both depend on the input is not convex, but where both are the same: \
                       train a network of sums, constant factors and convex activations";

pub(super) fn add(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if let (&Value::Node(a), &Value::Node(b)) = (call.input(0)?, call.input(1)?) {
        let (a, b) = aligned(importer, call, a, b)?;
        for (a, b) in [(a, b), (b, a)] {
            if let Some(rest) = cancelled::regained(importer, call, a, b)? {
                return Ok(Value::Node(rest));
            }
            if let Some(u) = cancelled::softened(&importer.graph, a, b) {
                return Ok(Value::Node(importer.push(call, Layer::Smooth(Curve::SOFTPLUS), &[u])?));
            }
        }
        return joined(importer, call, a, b);
    }
    plus(importer, call, call.input(0)?, call.input(1)?)
}

/// The sum of any number of values.
pub(super) fn total(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let mut sum = call.input(0)?.clone();
    for index in 1..call.count() {
        sum = plus(importer, call, &sum, call.input(index)?)?;
    }
    Ok(sum)
}

/// The sum of two values, a leaky unit where they are the parts of one.
fn joined(importer: &mut Importer, call: &Call, a: NodeId, b: NodeId) -> Result<Value, ModelError> {
    let Some((y, slopes)) = kinks::rectified(&importer.graph, a, b) else { return sum(importer, call, a, b) };
    let mut sides = [y; 2];
    for (side, slopes) in sides.iter_mut().zip(slopes) {
        if slopes.iter().any(|&slope| slope != 1.0) {
            *side = importer.push(call, Layer::Scale(slopes), &[y])?;
        }
    }
    max_of_nodes(importer, call, &sides).map(Value::Node)
}

pub(super) fn plus(importer: &mut Importer, call: &Call, a: &Value, b: &Value) -> Result<Value, ModelError> {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => fold(importer, call, a, b, exact::add),
        (Value::Int(a), Value::Int(b)) => integers::add(importer, call, a, b),
        (Value::Node(a), Value::Node(b)) => {
            let (a, b) = aligned(importer, call, *a, *b)?;
            sum(importer, call, a, b)
        }
        (Value::Node(node), Value::Float(c)) | (Value::Float(c), Value::Node(node)) => {
            with_constant(importer, call, *node, c, Layer::Shift)
        }
        (a, b) => Err(mixed(call, a, b)),
    }
}

pub(super) fn sub(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match (call.input(0)?, call.input(1)?) {
        (Value::Float(a), Value::Float(b)) => fold(importer, call, a, b, |a, b| exact::add(a, -b)),
        (Value::Int(a), Value::Int(b)) => integers::sub(importer, call, a, b),
        (Value::Node(a), Value::Node(b)) => {
            let (a, b) = aligned(importer, call, *a, *b)?;
            let b = negated(importer, call, b)?;
            joined(importer, call, a, b)
        }
        (Value::Node(node), Value::Float(c)) => {
            with_constant(importer, call, *node, c, |values| Layer::Shift(values.into_iter().map(|v| -v).collect()))
        }
        (Value::Float(c), Value::Node(node)) => {
            let minus = negated(importer, call, *node)?;
            with_constant(importer, call, minus, c, Layer::Shift)
        }
        (a, b) => Err(mixed(call, a, b)),
    }
}

pub(super) fn mul(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match (call.input(0)?, call.input(1)?) {
        (Value::Float(a), Value::Float(b)) => fold(importer, call, a, b, exact::mul),
        (Value::Int(a), Value::Int(b)) => integers::mul(importer, call, a, b),
        (Value::Node(node), Value::Float(c)) | (Value::Float(c), Value::Node(node)) => {
            with_constant(importer, call, *node, c, Layer::Scale)
        }
        (Value::Node(a), Value::Node(b)) if a == b => smooth::square(importer, call, *a),
        (&Value::Node(a), &Value::Node(b)) => {
            let constant = |id| constant_at(&importer.graph, id).map(|_| same_for_all(&importer.graph, id));
            let (node, constant) = match (constant(a), constant(b)) {
                (Some(constant), _) => (b, constant),
                (None, Some(constant)) => (a, constant),
                (None, None) => return Err(call.refuse(PRODUCT)),
            };
            common(importer, call, &[a, b])?;
            with_constant(importer, call, node, &constant, Layer::Scale)
        }
        (a, b) => Err(mixed(call, a, b)),
    }
}

pub(super) fn div(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match (call.input(0)?, call.input(1)?) {
        (Value::Float(a), Value::Float(b)) => fold(importer, call, a, b, exact::div),
        (Value::Int(a), Value::Int(b)) => integers::div(importer, call, a, b),
        (Value::Node(node), Value::Float(c)) => with_constant(importer, call, *node, c, Layer::Divide),
        (_, Value::Node(_)) => Err(call.refuse("division by a value that depends on the input is not supported")),
        (a, b) => Err(mixed(call, a, b)),
    }
}

pub(super) fn neg(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Float(a) => map(importer, call, a, |v| -v),
        Value::Node(node) => Ok(Value::Node(negated(importer, call, *node)?)),
        other => Err(call.misfit("a float value", kind(other))),
    }
}

/// The maximum of any number of values; max(u, c) of a value and a constant is c + max(u − c, 0).
pub(super) fn max(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let values = (0..call.count()).map(|index| call.input(index).cloned()).collect::<Result<Vec<_>, _>>()?;
    max_of(importer, call, &values)
}

/// The maximum of these values.
pub(super) fn max_of(importer: &mut Importer, call: &Call, values: &[Value]) -> Result<Value, ModelError> {
    let mut constant: Option<Tensor> = None;
    let mut nodes: Vec<NodeId> = vec![];
    let all: Vec<NodeId> =
        values.iter().filter_map(|v| if let Value::Node(id) = v { Some(*id) } else { None }).collect();
    common(importer, call, &all)?;
    let is_varied =
        values.iter().any(|value| matches!(value, Value::Node(id) if constant_at(&importer.graph, *id).is_none()));
    for value in values {
        let c = match value {
            Value::Node(node) if is_varied && constant_at(&importer.graph, *node).is_some() => {
                &same_for_all(&importer.graph, *node)
            }
            Value::Node(node) => {
                nodes.push(*node);
                continue;
            }
            Value::Float(c) => c,
            other => return Err(call.misfit("float values", kind(other))),
        };
        constant = Some(match constant.take() {
            None => c.clone(),
            Some(other) => folded(importer, call, &other, c, |a, b| Some(a.max(b)))?,
        });
    }
    let Some((&first, rest)) = nodes.split_first() else {
        return constant.map(Value::Float).ok_or_else(|| call.misfit("an input", "none"));
    };
    let mut top = first;
    if !rest.is_empty() {
        top = max_of_nodes(importer, call, &nodes)?;
    }
    let Some(c) = constant else { return Ok(Value::Node(top)) };
    let (node, values) = spread_over(importer, call, top, &c)?;
    if values.iter().all(|&v| v == 0.0) {
        return Ok(Value::Node(importer.push(call, Layer::Kink(Kink::RELU), &[node])?));
    }
    let below = importer.push(call, Layer::Shift(values.iter().map(|v| -v).collect()), &[node])?;
    let excess = importer.push(call, Layer::Kink(Kink::RELU), &[below])?;
    Ok(Value::Node(importer.push(call, Layer::Shift(values), &[excess])?))
}

/// The entries of a node that is a constant, spread over the batch.
pub(super) fn constant_at(graph: &Graph, node: NodeId) -> Option<Vec<f64>> {
    let at = graph.node(node);
    match (&at.inputs[..], at.op.elementwise()) {
        ([], _) => match at.layer() {
            Some(Layer::Constant(values)) => Some(values),
            _ => None,
        },
        ([of], Some((Map::Identity(_), []))) => constant_at(graph, *of),
        _ => None,
    }
}

/// Such a constant, for a batch of one sample.
pub(super) fn same_for_all(graph: &Graph, node: NodeId) -> Tensor {
    let shape = std::iter::once(1).chain(graph.node(node).shape.iter().copied()).collect();
    Tensor::new(shape, constant_at(graph, node).unwrap_or_default())
}

/// The minimum of values of one shape as −max(−u, −v, …); of a value and a constant c it is c + min(u − c, 0).
pub(super) fn min(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if let [Some(&Value::Node(node)), Some(Value::Float(c))] | [Some(Value::Float(c)), Some(&Value::Node(node))] =
        [0, 1].map(|index| call.optional(index))
        && call.count() == 2
    {
        let (node, bounds) = spread_over(importer, call, node, c)?;
        return Ok(Value::Node(at_most(importer, call, node, bounds)?));
    }
    let mut nodes = Vec::with_capacity(call.count());
    for index in 0..call.count() {
        match call.input(index)? {
            Value::Node(node) => nodes.push(*node),
            other => return Err(call.misfit("values that depend on the input", kind(other))),
        }
    }
    let shapes = nodes.windows(2).map(|pair| [pair[0], pair[1]].map(|id| importer.graph.node(id).shape.clone()));
    if let Some([a, b]) = shapes.into_iter().find(|[a, b]| a != b) {
        return Err(call.misfit(format!("values of shape {a:?}"), format!("{b:?}")));
    }
    min_of_nodes(importer, call, &nodes).map(Value::Node)
}

/// min(u, 0).
pub(super) const BELOW: Kink = Kink { below: 1.0, above: 0.0 };

/// min(u, c), entry by entry.
pub(super) fn at_most(
    importer: &mut Importer,
    call: &Call,
    node: NodeId,
    bounds: Vec<f64>,
) -> Result<NodeId, ModelError> {
    if bounds.iter().all(|&bound| bound == 0.0) {
        return importer.push(call, Layer::Kink(BELOW), &[node]);
    }
    let below = importer.push(call, Layer::Shift(bounds.iter().map(|bound| -bound).collect()), &[node])?;
    let bent = importer.push(call, Layer::Kink(BELOW), &[below])?;
    importer.push(call, Layer::Shift(bounds), &[bent])
}

pub(super) fn min_of_nodes(importer: &mut Importer, call: &Call, nodes: &[NodeId]) -> Result<NodeId, ModelError> {
    if let [only] = nodes {
        return Ok(*only);
    }
    let below: Result<Vec<NodeId>, ModelError> = nodes.iter().map(|&node| negated(importer, call, node)).collect();
    let top = importer.push(call, Layer::Max, &below?)?;
    negated(importer, call, top)
}

pub(super) fn max_of_nodes(importer: &mut Importer, call: &Call, nodes: &[NodeId]) -> Result<NodeId, ModelError> {
    let shape = common(importer, call, nodes)?;
    let spread: Vec<NodeId> =
        nodes.iter().map(|&node| stretched(importer, call, node, &shape)).collect::<Result<_, _>>()?;
    if let [a, b] = spread[..]
        && let Some((kink, of)) = kinks::maximum(&importer.graph, a, b)
    {
        return importer.push(call, Layer::Kink(kink), &[of]);
    }
    importer.push(call, Layer::Max, &spread)
}

/// a + b, or |y| where a and b are relu(y) and relu(−y).
pub(super) fn sum(importer: &mut Importer, call: &Call, a: NodeId, b: NodeId) -> Result<Value, ModelError> {
    let (op, inputs) = match kinks::absolute(&importer.graph, a, b) {
        Some(of) => (Layer::Kink(Kink::ABS), vec![of]),
        None => (Layer::Sum, vec![a, b]),
    };
    Ok(Value::Node(importer.push(call, op, &inputs)?))
}

/// Both nodes under their common shape.
pub(super) fn aligned(
    importer: &mut Importer,
    call: &Call,
    a: NodeId,
    b: NodeId,
) -> Result<(NodeId, NodeId), ModelError> {
    let shape = common(importer, call, &[a, b])?;
    Ok((stretched(importer, call, a, &shape)?, stretched(importer, call, b, &shape)?))
}

/// The common shape of nodes. Their ranks must agree, or one's batch axis would meet another axis of the other.
fn common(importer: &Importer, call: &Call, nodes: &[NodeId]) -> Result<Vec<usize>, ModelError> {
    let mut shapes = nodes.iter().map(|&node| &importer.graph.node(node).shape[..]);
    let first = shapes.next().unwrap_or_default().to_vec();
    shapes.try_fold(first, |a, b| {
        let shape = if a.len() == b.len() { broadcast(&a, b) } else { None };
        shape.ok_or_else(|| call.misfit("shapes that broadcast", format!("[N, …] = {} and {}", full(&a), full(b))))
    })
}

fn stretched(importer: &mut Importer, call: &Call, node: NodeId, shape: &[usize]) -> Result<NodeId, ModelError> {
    let from = importer.graph.node(node).shape.clone();
    if from == shape {
        return Ok(node);
    }
    pick(importer, call, node, shape, Walk::broadcast(&from, shape))
}

/// An operation with a constant that broadcasts to the node's shape, or the node to the constant's.
pub(super) fn with_constant(
    importer: &mut Importer,
    call: &Call,
    node: NodeId,
    constant: &Tensor,
    layer: impl Fn(Vec<f64>) -> Layer,
) -> Result<Value, ModelError> {
    let (node, values) = spread_over(importer, call, node, constant)?;
    Ok(Value::Node(importer.push(call, layer(values), &[node])?))
}

fn spread_over(
    importer: &mut Importer,
    call: &Call,
    node: NodeId,
    constant: &Tensor,
) -> Result<(NodeId, Vec<f64>), ModelError> {
    let shape = importer.graph.node(node).shape.clone();
    let constant = without_batch(call, constant, shape.len())?;
    let target = broadcast(&shape, &constant.shape).ok_or_else(|| {
        call.misfit("shapes that broadcast", format!("{} and the constant's {:?}", full(&shape), constant.shape))
    })?;
    let node = stretched(importer, call, node, &target)?;
    let values = importer.spread(call, &constant, &target)?;
    Ok((node, values))
}

/// The constant without a batch axis of size 1 in front; `rank` counts the axes of the node behind its batch axis.
pub(super) fn without_batch(call: &Call, constant: &Tensor, rank: usize) -> Result<Tensor, ModelError> {
    match constant.shape.split_first() {
        Some((&batch, rest)) if rest.len() == rank => match batch {
            1 => Ok(constant.reshaped(rest.to_vec())),
            _ => {
                Err(call.misfit("a constant that is the same for every sample", format!("shape {:?}", constant.shape)))
            }
        },
        Some((_, rest)) if rest.len() > rank => {
            Err(call
                .misfit(format!("a constant with at most {} axes", rank + 1), format!("shape {:?}", constant.shape)))
        }
        _ => Ok(constant.clone()),
    }
}

fn negated(importer: &mut Importer, call: &Call, node: NodeId) -> Result<NodeId, ModelError> {
    let size = importer.graph.node(node).size();
    importer.push(call, Layer::Scale(vec![-1.0; size]), &[node])
}

pub(super) fn map(
    importer: &mut Importer,
    call: &Call,
    a: &Tensor,
    f: impl Fn(f64) -> f64,
) -> Result<Value, ModelError> {
    importer.spend_shape(call, &a.shape)?;
    Ok(Value::Float(a.map(f)))
}

pub(super) fn fold(
    importer: &mut Importer,
    call: &Call,
    a: &Tensor,
    b: &Tensor,
    f: impl Fn(f64, f64) -> Option<f64>,
) -> Result<Value, ModelError> {
    folded(importer, call, a, b, f).map(Value::Float)
}

/// A constant computed from two, where every entry is exactly an f64.
fn folded(
    importer: &mut Importer,
    call: &Call,
    a: &Tensor,
    b: &Tensor,
    f: impl Fn(f64, f64) -> Option<f64>,
) -> Result<Tensor, ModelError> {
    let shape = broadcast(&a.shape, &b.shape)
        .ok_or_else(|| call.misfit("shapes that broadcast", format!("{:?} and {:?}", a.shape, b.shape)))?;
    importer.spend_shape(call, &shape)?;
    let pairs = Walk::broadcast(&a.shape, &shape).zip(Walk::broadcast(&b.shape, &shape));
    let mut values = Vec::with_capacity(shape.iter().product());
    for (i, j) in pairs {
        let (x, y) = (a.get(i), b.get(j));
        values.push(f(x, y).ok_or_else(|| {
            let operator = call.operator();
            call.refuse(format!("{operator} of the constants {x} and {y} is not exact in 64-bit floats"))
        })?);
    }
    Ok(Tensor::new(shape, values))
}

fn mixed(call: &Call, a: &Value, b: &Value) -> ModelError {
    call.misfit("two float values or two integer constants", format!("{} and {}", kind(a), kind(b)))
}

/// A node's shape with its batch axis.
pub(super) fn full(shape: &[usize]) -> String {
    let dims: Vec<String> = std::iter::once("N".into()).chain(shape.iter().map(usize::to_string)).collect();
    format!("[{}]", dims.join(", "))
}
