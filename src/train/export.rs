//! A trained network as a model graph.

use super::feature_map::FeatureKind;
use super::network::{self, Network};
use crate::model::{Dense, Graph, Kink, Layer, ModelError, NodeId};

/// f = g ∘ φ as a graph over inputs of `shape`, with exactly the f32 parameters that were trained.
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
    let layers = network.architecture.layers();
    let mut below: Option<NodeId> = None;
    for (k, layer) in layers.iter().enumerate() {
        let last = k + 1 == layers.len();
        let name = if last { "output".to_string() } else { format!("layer{}", k + 1) };
        let mut at = push_linear(&mut graph, network, layer, &name, psi, below)?;
        if !last {
            at = graph.push(&format!("{name}.relu"), Layer::Kink(Kink::RELU), &[at])?;
            if let Some((a, b)) = network.inference_norm(k) {
                let (a, b) = (vec![f64::from(a); layer.rows], vec![f64::from(b); layer.rows]);
                at = graph.push(&format!("{name}.norm.scale"), Layer::Scale(a), &[at])?;
                at = graph.push(&format!("{name}.norm.shift"), Layer::Shift(b), &[at])?;
            }
        }
        below = Some(at);
    }
    Ok(graph)
}

fn push_map(graph: &mut Graph, network: &Network<f32>, shape: &[usize], input: NodeId) -> Result<NodeId, ModelError> {
    let flat = network.map.centre().len();
    let input = if shape.len() == 1 { input } else { graph.push_reshape("flatten", input, &[flat])? };
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

/// A·below + U·ψ + b.
fn push_linear(
    graph: &mut Graph,
    network: &Network<f32>,
    layer: &network::Layer,
    name: &str,
    psi: NodeId,
    below: Option<NodeId>,
) -> Result<NodeId, ModelError> {
    let take = |range: &std::ops::Range<usize>| network.parameters[range.clone()].to_vec();
    let dense = |weight: &std::ops::Range<usize>, cols: usize, bias: Vec<f32>| {
        Layer::Dense(Dense { rows: layer.rows, cols, weight: take(weight), bias })
    };
    let pass = dense(&layer.pass, network.architecture.inputs(), take(&layer.bias));
    let pass = graph.push(&format!("{name}.pass"), pass, &[psi])?;
    let Some(below) = below else {
        return Ok(pass);
    };
    let hidden = dense(&layer.hidden, layer.below, vec![0.0; layer.rows]);
    let hidden = graph.push(&format!("{name}.hidden"), hidden, &[below])?;
    graph.push(&format!("{name}.sum"), Layer::Sum, &[hidden, pass])
}
