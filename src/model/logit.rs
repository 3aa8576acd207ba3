//! From a network's output to the heads of f: the class and the threshold chosen, a minimum taken apart.

use super::error::ModelError;
use super::graph::{Graph, Node};
use super::layer::{Dense, Layer};
use super::live::live;
use super::map::Map;
use super::op::NodeId;
use super::sensitive::{Sensitive, difference};

/// Which function of a model's outputs is f.
#[derive(Clone, Debug, PartialEq)]
pub struct Logit {
    /// The sensitive class.
    pub sensitive: Sensitive,
    /// The output's name; a model of several needs one.
    pub output: Option<String>,
    /// What is taken off the logit, so that f > 0 where the logit exceeds it.
    pub threshold: Option<f32>,
    /// Whether the threshold is the logit of a probability, so that f must be one.
    pub of_probability: bool,
}

impl From<Sensitive> for Logit {
    fn from(sensitive: Sensitive) -> Logit {
        Logit { sensitive, output: None, threshold: None, of_probability: false }
    }
}

/// A threshold as a user writes it: the nearest float32.
///
/// # Errors
/// When it is no finite number.
pub fn threshold(text: &str) -> Result<f32, String> {
    let nearest = text.parse::<f32>().ok().filter(|nearest| nearest.is_finite());
    nearest.map(|nearest| nearest + 0.0).ok_or_else(|| format!("expected a finite number, found `{text}`"))
}

impl Logit {
    /// Refuses the threshold of a probability where f is not the logarithm of a probability's odds.
    ///
    /// # Errors
    /// Then.
    pub fn check_odds(&self, is_odds: bool) -> Result<(), ModelError> {
        if is_odds || !self.of_probability {
            return Ok(());
        }
        let what = "--probability is for models of one output, or of two under a softmax: the differences of these outputs \
                    are no logit of one probability; say --threshold, which is taken off the least difference";
        Err(ModelError::Model(what.into()))
    }

    /// The heads of f, which is their least: a graph of one output entry for each.
    ///
    /// Of several outputs a head is a difference, taken inside the last linear layers where there are some, so that the
    /// sign of every weight difference is there to see.
    ///
    /// # Errors
    /// When the class does not fit the number of outputs.
    pub fn heads(&self, mut graph: Graph) -> Result<Vec<Graph>, ModelError> {
        let mut heads: Vec<NodeId> = match self.chosen(&mut graph)?[..] {
            [one] => parts(&mut graph, one, false)?.unwrap_or_else(|| vec![one]),
            ref several => several.to_vec(),
        };
        if let Some(threshold) = self.threshold {
            for head in &mut heads {
                *head = graph.push("threshold", Layer::Shift(vec![-f64::from(threshold)]), &[*head])?;
            }
        }
        if let [only] = heads[..] {
            graph.set_output(only);
            return Ok(vec![live(graph)?]);
        }
        let with_output = |head: NodeId| {
            let mut graph = graph.clone();
            graph.set_output(head);
            live(graph)
        };
        heads.into_iter().map(with_output).collect()
    }

    /// The logit of the class, or, of more than two outputs, what its output is above each other one.
    fn chosen(&self, graph: &mut Graph) -> Result<Vec<NodeId>, ModelError> {
        let output = graph.output();
        let size = graph.node(output).size();
        let refuse = |expected: &str| {
            let (count, class) =
                (if size == 1 { "one output".into() } else { format!("{size} outputs") }, self.sensitive);
            Err(ModelError::Model(format!("the model has {count}, so the sensitive class is {expected}, not {class}")))
        };
        match self.sensitive {
            Sensitive::Positive if size == 1 => Ok(vec![margin(graph, output)?.unwrap_or(output)]),
            Sensitive::Negative if size == 1 => Ok(vec![graph.push("negated", Layer::Scale(vec![-1.0]), &[output])?]),
            Sensitive::Index(index) if size > 1 && index < size => {
                (0..size).filter(|&other| other != index).map(|other| difference(graph, output, index, other)).collect()
            }
            _ if size == 1 => refuse("positive or negative"),
            _ if size == 2 => refuse("0 or 1"),
            _ => refuse(&format!("an index from 0 to {}", size - 1)),
        }
    }
}

/// A node that is one entry of another minus a second one, taken as [`difference`] takes it.
fn margin(graph: &mut Graph, id: NodeId) -> Result<Option<NodeId>, ModelError> {
    let node = graph.node(id);
    let (Some(Layer::Sum), &[a, b]) = (node.layer(), &node.inputs[..]) else { return Ok(None) };
    match (entry(graph, a), entry(graph, b)) {
        (Some((of, plus, 1)), Some((same, minus, -1))) | (Some((same, minus, -1)), Some((of, plus, 1)))
            if of == same && plus != minus =>
        {
            difference(graph, of, plus, minus).map(Some)
        }
        _ => Ok(None),
    }
}

/// (node, entry, sign) where a node of one entry is ± one entry of another.
fn entry(graph: &Graph, id: NodeId) -> Option<(NodeId, usize, i32)> {
    let node = graph.node(id);
    match node.layer()? {
        Layer::Linear(Map::Pick(pick), offset) if node.size() == 1 && offset.is_empty() => {
            Some((node.inputs[0], pick.places().next()?.1, 1))
        }
        Layer::Reshape if node.size() == 1 => entry(graph, node.inputs[0]),
        Layer::Scale(factors) if factors == [-1.0] => {
            entry(graph, node.inputs[0]).map(|(of, at, sign)| (of, at, -sign))
        }
        _ => None,
    }
}

/// The nodes of which a node of one entry is the minimum (`falls`: of which minus it is), where it is one.
///
/// A minimum is a maximum behind a factor below 0, perhaps with more of its kind inside.
fn parts(graph: &mut Graph, id: NodeId, falls: bool) -> Result<Option<Vec<NodeId>>, ModelError> {
    let node = graph.node(id);
    if node.size() != 1 {
        return Ok(None);
    }
    let (name, inputs) = (node.name.clone(), node.inputs.clone());
    let layer = node.layer();
    let factor = match &layer {
        Some(Layer::Max) if falls => {
            let mut all = Vec::new();
            for input in inputs {
                all.extend(parts(graph, input, falls)?.unwrap_or_else(|| vec![input]));
            }
            return Ok(Some(all));
        }
        Some(Layer::Scale(factors)) => factors[0],
        Some(Layer::Divide(divisors)) => divisors[0],
        Some(Layer::Dense(Dense { cols: 1, weight, .. })) => f64::from(weight[0]),
        Some(Layer::Shift(_) | Layer::Reshape) => 1.0,
        _ => return Ok(None),
    };
    let Some(inner) = parts(graph, inputs[0], falls != (factor < 0.0))? else { return Ok(None) };
    let layer = layer.expect("it has been looked at");
    let again = |part: NodeId| graph.push(&name, layer.clone(), &[part]);
    inner.into_iter().map(again).collect::<Result<_, _>>().map(Some)
}

/// One graph of all heads, with an entry for each in its output.
pub(super) fn joined(heads: &[Graph]) -> Result<Graph, ModelError> {
    let input = heads[0].node(0);
    let mut whole = Graph::new(&input.name, &input.shape);
    let mut outputs = Vec::with_capacity(heads.len());
    for head in heads {
        let mut ids: Vec<NodeId> = vec![0];
        for node in &head.nodes()[1..] {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|&input| ids[input]).collect();
            ids.push(shared(&mut whole, node, &inputs)?);
        }
        outputs.push(whole.push_reshape("", ids[head.output()], &[1])?);
    }
    whole.push("heads", Layer::Concat { outer: 1 }, &outputs)?;
    Ok(whole)
}

/// The same node where it is there already, else a new one.
fn shared(graph: &mut Graph, node: &Node, inputs: &[NodeId]) -> Result<NodeId, ModelError> {
    let same = |other: &Node| other.name == node.name && other.inputs == inputs && other.op == node.op;
    match graph.nodes().iter().rposition(same) {
        Some(id) => Ok(id),
        None => graph.push_op(node, node.op.clone(), inputs),
    }
}
