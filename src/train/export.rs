//! A trained network as a model graph.

use super::architecture::{Affine, Shape, Step, Term, ValueId};
use super::feature_map::FeatureKind;
use super::network::Network;
use crate::model::map::{Map, Pick};
use crate::model::{Dense, Graph, Kink, Layer, Logit, Model, ModelError, NodeId, Sensitive};

/// The heads of f = g ∘ φ as a graph over inputs of `shape`, with exactly the f32 parameters that were trained.
///
/// # Errors
/// When a parameter is NaN or infinite.
pub fn graph(network: &Network<f32>, shape: &[usize]) -> Result<Graph, ModelError> {
    graph_of_raw(network, shape, None)
}

/// The same over raw coordinates, from which a mean is subtracted and which are multiplied by a scale first.
///
/// # Errors
/// As [`graph`].
pub fn graph_of_raw(
    network: &Network<f32>,
    shape: &[usize],
    raw: Option<(&[f32], &[f32])>,
) -> Result<Graph, ModelError> {
    let mut graph = Graph::new("input", shape);
    let mut input = 0;
    if let Some((means, scales)) = raw {
        let wide = |values: &[f32], sign: f64| values.iter().map(|&value| sign * f64::from(value)).collect();
        input = graph.push("mean", Layer::Shift(wide(means, -1.0)), &[input])?;
        input = graph.push("scale", Layer::Scale(wide(scales, 1.0)), &[input])?;
    }
    let psi = push_map(&mut graph, network, shape, input)?;
    let mut pushed = Pushed { graph, network, at: vec![psi], layers: 0 };
    for (k, step) in network.architecture.steps().iter().enumerate() {
        let last = k + 1 == network.architecture.steps().len();
        let node = pushed.step(step, last)?;
        pushed.at.push(node);
    }
    pushed.least()?;
    Ok(pushed.graph)
}

/// The model that a file of the network is read as.
///
/// # Errors
/// As [`graph`].
pub fn model(network: &Network<f32>, shape: &[usize]) -> Result<Model, ModelError> {
    Model::of_heads(Logit::from(Sensitive::Positive).heads(graph(network, shape)?)?)
}

fn push_map(graph: &mut Graph, network: &Network<f32>, shape: &[usize], input: NodeId) -> Result<NodeId, ModelError> {
    let flat = network.map.centre().len();
    let windows = network.architecture.terms().any(|term| matches!(term.shape, Shape::Windows { .. }));
    let input = if shape.len() == 1 || windows { input } else { graph.push_reshape("flatten", input, &[flat])? };
    if network.map.kind() == FeatureKind::Identity {
        return Ok(input);
    }
    let away = network.map.centre().iter().map(|&mu| -f64::from(mu)).collect();
    let y = graph.push("centre", Layer::Shift(away), &[input])?;
    if network.map.kind() == FeatureKind::Centred {
        return Ok(y);
    }
    let abs = graph.push("abs", Layer::Kink(Kink::ABS), &[y])?;
    graph.push("features", Layer::Concat { outer: 1 }, &[y, abs])
}

/// A graph that grows by the steps of a network.
struct Pushed<'a> {
    graph: Graph,
    network: &'a Network<f32>,
    /// The node of every value.
    at: Vec<NodeId>,
    /// Affine steps so far.
    layers: usize,
}

impl Pushed<'_> {
    fn step(&mut self, step: &Step, last: bool) -> Result<NodeId, ModelError> {
        match step {
            Step::Affine(affine) => {
                self.layers += 1;
                let name = if last { "output".to_string() } else { format!("layer{}", self.layers) };
                self.affine(affine, &name)
            }
            Step::Relu(from) => {
                let name = format!("layer{}.relu", self.layers);
                self.graph.push(&name, Layer::Kink(Kink::RELU), &[self.at[*from]])
            }
            Step::Sum(values) => {
                let name = format!("layer{}.residual", self.layers);
                self.graph.push(&name, Layer::Sum, &values.map(|value| self.at[value]))
            }
            Step::Norm(norm) => {
                let name = format!("layer{}.norm", self.layers);
                let each = self.network.architecture.size(norm.from) / norm.channels;
                let constants = self.network.inference_norm(norm);
                let spread = |of: fn(&(f32, f32)) -> f32| {
                    constants.iter().flat_map(|channel| vec![f64::from(of(channel)); each]).collect()
                };
                let scale = Layer::Scale(spread(|channel| channel.0));
                let scaled = self.graph.push(&format!("{name}.scale"), scale, &[self.at[norm.from]])?;
                self.graph.push(&format!("{name}.shift"), Layer::Shift(spread(|channel| channel.1)), &[scaled])
            }
        }
    }

    /// Σ W·value + b, the bias with the first term of free sign.
    fn affine(&mut self, affine: &Affine, name: &str) -> Result<NodeId, ModelError> {
        let biased = affine.terms.iter().position(|term| !term.nonnegative).unwrap_or(0);
        let mut parts = Vec::new();
        for (i, term) in affine.terms.iter().enumerate() {
            let role = if term.nonnegative { "hidden" } else { "pass" };
            let bias = if i == biased { self.network.parameters[affine.bias.clone()].to_vec() } else { vec![] };
            parts.push(self.term(term, &format!("{name}.{role}"), bias)?);
        }
        match parts[..] {
            [only] => Ok(only),
            _ => self.graph.push(&format!("{name}.sum"), Layer::Sum, &parts),
        }
    }

    fn term(&mut self, term: &Term, name: &str, bias: Vec<f32>) -> Result<NodeId, ModelError> {
        let weight = self.network.parameters[term.weight.clone()].to_vec();
        let from = self.node(term.from);
        match term.shape {
            Shape::Dense { rows, cols } => {
                let bias = if bias.is_empty() { vec![0.0; rows] } else { bias };
                self.graph.push(name, Layer::Dense(Dense { rows, cols, weight, bias }), &[from])
            }
            Shape::Windows { channels: [_, outputs], axes: [a, b] } => {
                let windows = term.shape.windows(&weight).expect("a convolution");
                let each = term.shape.rows() / bias.len().max(1);
                let offset = bias.iter().flat_map(|&b| vec![f64::from(b); each]).collect();
                let layer = Layer::Linear(Map::Windows(windows), offset);
                self.graph.push_shaped(name, layer, &[from], &[outputs, a.output, b.output])
            }
        }
    }

    fn node(&self, value: ValueId) -> NodeId {
        self.at[value]
    }

    /// Of several heads the least, as minus the greatest of what is minus them.
    fn least(&mut self) -> Result<(), ModelError> {
        let heads = self.network.architecture.heads();
        if heads == 1 {
            return Ok(());
        }
        let all = self.graph.output();
        let away = |graph: &mut Graph, from: NodeId| graph.push("negated", Layer::Scale(vec![-1.0]), &[from]);
        let mut minus = Vec::new();
        for head in 0..heads {
            let pick = Layer::Linear(Map::Pick(Pick::new(vec![Some(head)], heads)), vec![]);
            let one = self.graph.push(&format!("head{head}"), pick, &[all])?;
            minus.push(away(&mut self.graph, one)?);
        }
        let greatest = self.graph.push("heads", Layer::Max, &minus)?;
        away(&mut self.graph, greatest).map(|_| ())
    }
}
