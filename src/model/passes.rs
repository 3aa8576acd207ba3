//! Forward and backward passes in floats, over a batch: fast, and not rigorous by themselves.
//!
//! [`crate::model::minorant`] bounds the errors of the `f64` passes afterwards.

use super::curve::legalise_weights;
use super::graph::Node;
use super::map::Map;
use super::network::Network;
use super::op::{Affine, NodeId, Op};
use crate::matrix::{Scalar, mapped, update};

/// Every node's values for a batch, each `[batch × size]`, row-major.
#[derive(Clone, Debug)]
pub struct Values<T> {
    /// Number of samples.
    pub batch: usize,
    /// One buffer per node.
    pub nodes: Vec<Vec<T>>,
}

impl<T> Values<T> {
    /// The values of one sample at one node.
    pub fn of(&self, node: NodeId, sample: usize) -> &[T] {
        let size = self.nodes[node].len() / self.batch;
        &self.nodes[node][sample * size..(sample + 1) * size]
    }
}

impl<T: Scalar> Values<T> {
    /// One sample alone.
    pub fn only(&self, sample: usize) -> Values<T> {
        let nodes = (0..self.nodes.len()).map(|node| self.of(node, sample).to_vec());
        Values { batch: 1, nodes: nodes.collect() }
    }
}

impl<T: Scalar> Slopes<T> {
    /// One sample alone.
    pub fn only(&self, network: &Network, sample: usize) -> Slopes<T> {
        let one = |(id, all): (NodeId, &Vec<T>)| {
            let node = network.graph().node(id);
            let inputs = if node.op.is_unit() { node.inputs.len() } else { 1 };
            let size = all.len() / (inputs * self.batch);
            (0..inputs).flat_map(|k| &all[(k * self.batch + sample) * size..][..size]).copied().collect()
        };
        Slopes { batch: 1, nodes: self.nodes.iter().enumerate().map(one).collect() }
    }
}

/// For every unit of a kink the line s·t that stands for it, and for every maximum the weights of its inputs.
///
/// One buffer per node, empty where the node is neither: `[batch × size]` for a kink, `[inputs × batch × size]` with
/// weights that are ≥ 0 and sum to 1 over the inputs for a maximum.
#[derive(Clone, Debug, PartialEq)]
pub struct Slopes<T> {
    /// Number of samples.
    pub batch: usize,
    /// One buffer per node.
    pub nodes: Vec<Vec<T>>,
}

/// Evaluates the network at `inputs` `[batch × input size]`.
///
/// # Panics
/// When `inputs` does not hold whole samples.
pub fn forward<T: Scalar>(network: &Network, inputs: &[T]) -> Values<T> {
    let lines = |_, _: &[Vec<T>]| None;
    evaluate(network, inputs, lines)
}

/// Evaluates the network with every kink and maximum replaced by its line, those in `free` excepted.
///
/// # Panics
/// When `inputs` does not hold one sample for each of the slopes'.
pub fn forward_lines<T: Scalar>(network: &Network, inputs: &[T], slopes: &Slopes<T>, free: &[NodeId]) -> Values<T> {
    let free = network.graph().marked(free);
    let values = evaluate(network, inputs, |id, nodes| line_values(network, id, nodes, slopes, &free));
    assert_eq!(values.batch, slopes.batch, "samples and slopes");
    values
}

/// The same for samples whose values are `known`: nodes that no line changes keep theirs.
///
/// # Panics
/// When there is not one sample for each of the slopes'.
pub fn lines_at<T: Scalar>(network: &Network, known: &Values<T>, slopes: &Slopes<T>, free: &[NodeId]) -> Values<T> {
    assert_eq!(known.batch, slopes.batch, "samples and slopes");
    let graph = network.graph();
    let (mut changed, free) = (vec![false; graph.nodes().len()], graph.marked(free));
    let inputs = &known.nodes[0];
    evaluate(network, inputs, |id, nodes| {
        let line = line_values(network, id, nodes, slopes, &free);
        changed[id] = line.is_some() || graph.node(id).inputs.iter().any(|&input| changed[input]);
        if changed[id] { line } else { Some(known.nodes[id].clone()) }
    })
}

/// The values of node `id` where lines stand for it.
fn line_values<T: Scalar>(
    network: &Network,
    id: NodeId,
    nodes: &[Vec<T>],
    slopes: &Slopes<T>,
    free: &[bool],
) -> Option<Vec<T>> {
    let node = network.graph().node(id);
    let is_line = node.op.is_unit() && !free[id];
    is_line.then(|| lines(node, nodes, &slopes.nodes[id]))
}

/// Node by node; `given` values come before a node's own function.
fn evaluate<T: Scalar>(
    network: &Network,
    inputs: &[T],
    mut given: impl FnMut(NodeId, &[Vec<T>]) -> Option<Vec<T>>,
) -> Values<T> {
    let graph = network.graph();
    let size = graph.input_size();
    assert!(size > 0 && inputs.len().is_multiple_of(size), "inputs of {size} coordinates each");
    let batch = inputs.len() / size;
    let mut nodes: Vec<Vec<T>> = Vec::with_capacity(graph.nodes().len());
    for (id, node) in graph.nodes().iter().enumerate() {
        let value = match &node.op {
            Op::Input => inputs.to_vec(),
            _ => given(id, &nodes).unwrap_or_else(|| node_value(node, &nodes, batch)),
        };
        nodes.push(value);
    }
    Values { batch, nodes }
}

/// The value of a node, not the input, from those of the nodes that it reads.
pub(super) fn node_value<T: Scalar>(node: &Node, nodes: &[Vec<T>], batch: usize) -> Vec<T> {
    let input = |k: usize| &nodes[node.inputs[k]];
    match &node.op {
        Op::Input => unreachable!("the input is given"),
        Op::Affine(affine) => affine_value(affine, node, nodes, batch),
        Op::Kink(kink) => {
            let (below, above) = (T::of(kink.below), T::of(kink.above));
            let t = input(0);
            mapped(t, t, |t, _| t * if t < T::ZERO { below } else { above })
        }
        Op::Max => {
            let mut result = input(0).clone();
            for k in 1..node.inputs.len() {
                result.iter_mut().zip(input(k)).for_each(|(a, &b)| *a = if b > *a { b } else { *a });
            }
            result
        }
        Op::Smooth(curve) => {
            let inputs = |i: usize| node.inputs.iter().map(move |&k| nodes[k][i].wide());
            (0..input(0).len()).map(|i| T::of(curve.value(inputs(i)))).collect()
        }
    }
}

fn affine_value<T: Scalar>(affine: &Affine, node: &Node, nodes: &[Vec<T>], batch: usize) -> Vec<T> {
    let Some((first, rest)) = affine.maps.split_first() else {
        return affine.offset.iter().map(|&c| T::of(c)).cycle().take(batch * affine.offset.len()).collect();
    };
    let mut sum = first.forward(&nodes[node.inputs[0]], batch);
    for (map, &input) in rest.iter().zip(&node.inputs[1..]) {
        map.add_forward(&mut sum, &nodes[input], batch);
    }
    if !affine.offset.is_empty() {
        for sample in sum.chunks_exact_mut(affine.offset.len()) {
            update(sample, &affine.offset, |y, c| y + T::of(c));
        }
    }
    sum
}

/// What a change of the nodes that an affine node reads does to it, for one sample.
pub(super) fn affine_change(affine: &Affine, node: &Node, changes: &[Vec<f64>]) -> Vec<f64> {
    let Some((first, rest)) = affine.maps.split_first() else { return vec![0.0; affine.offset.len()] };
    let mut sum = first.sparse_forward(&changes[node.inputs[0]]);
    for (map, &input) in rest.iter().zip(&node.inputs[1..]) {
        map.add_forward(&mut sum, &changes[input], 1);
    }
    sum
}

fn lines<T: Scalar>(node: &Node, nodes: &[Vec<T>], slopes: &[T]) -> Vec<T> {
    let size = nodes[node.inputs[0]].len();
    let mut result = vec![T::ZERO; size];
    for (k, &input) in node.inputs.iter().enumerate() {
        for ((y, &x), &s) in result.iter_mut().zip(&nodes[input]).zip(&slopes[k * size..]) {
            *y += s * x;
        }
    }
    if let Some(curve) = node.op.curve() {
        for (i, y) in result.iter_mut().enumerate() {
            let own = (0..node.inputs.len()).map(|k| slopes[k * size + i].wide());
            *y = *y - T::of(curve.conjugate(own).0);
        }
    }
    result
}

/// The slopes of the tangent plane at the evaluated points.
pub fn tangent_slopes<T: Scalar>(network: &Network, values: &Values<T>) -> Slopes<T> {
    tangent_slopes_of(network, values, |_| true)
}

/// The same for some nodes alone.
pub(super) fn tangent_slopes_of<T: Scalar>(
    network: &Network,
    values: &Values<T>,
    wanted: impl Fn(NodeId) -> bool,
) -> Slopes<T> {
    let nodes = network.graph().nodes().iter().enumerate().map(|(id, node)| match &node.op {
        _ if !wanted(id) => Vec::new(),
        Op::Kink(kink) => {
            let (below, above) = (T::of(kink.below), T::of(kink.above));
            let t = &values.nodes[node.inputs[0]];
            mapped(t, t, |t, _| if t < T::ZERO { below } else { above })
        }
        Op::Max => first_largest(node, values),
        Op::Smooth(curve) => {
            let count = values.nodes[node.inputs[0]].len();
            let inputs = |i: usize| node.inputs.iter().map(move |&k| values.nodes[k][i].wide());
            let towards = |k: usize| (0..count).map(move |i| curve.legal(curve.slope(inputs(i), k)));
            let mut slopes: Vec<f64> = (0..node.inputs.len()).flat_map(towards).collect();
            if node.inputs.len() > 1 {
                legalise_weights(&mut slopes, node.inputs.len());
            }
            slopes.into_iter().map(T::of).collect()
        }
        _ => Vec::new(),
    });
    Slopes { batch: values.batch, nodes: nodes.collect() }
}

fn first_largest<T: Scalar>(node: &Node, values: &Values<T>) -> Vec<T> {
    let size = values.nodes[node.inputs[0]].len();
    let mut weights = vec![T::ZERO; node.inputs.len() * size];
    for i in 0..size {
        let mut best = 0;
        for (k, &input) in node.inputs.iter().enumerate() {
            if values.nodes[input][i] > values.nodes[node.inputs[best]][i] {
                best = k;
            }
        }
        weights[best * size + i] = T::ONE;
    }
    weights
}

/// Coefficients of the output's line at the nodes of `stops`, `[batch × size]` each, in the order of `stops`.
///
/// Nothing flows through a stop: what reaches it is collected there.
pub fn backward<T: Scalar>(network: &Network, slopes: &Slopes<T>, stops: &[NodeId]) -> Vec<Vec<T>> {
    let mut adjoints = adjoints(network, slopes, stops);
    stops
        .iter()
        .map(|&stop| {
            let size = network.graph().node(stop).size() * slopes.batch;
            adjoints[stop].take().unwrap_or_else(|| vec![T::ZERO; size])
        })
        .collect()
}

/// The adjoint of every node that the output depends on without passing through a stop.
pub(crate) fn adjoints<T: Scalar>(network: &Network, slopes: &Slopes<T>, stops: &[NodeId]) -> Vec<Option<Vec<T>>> {
    let output = network.graph().output();
    let ones = vec![T::ONE; slopes.batch * network.graph().node(output).size()];
    adjoints_from(network, slopes, stops, output, ones)
}

/// The adjoints of the combinations `seeds` `[batch × size]` of the entries of node `from`.
pub(crate) fn adjoints_from<T: Scalar>(
    network: &Network,
    slopes: &Slopes<T>,
    stops: &[NodeId],
    from: NodeId,
    seeds: Vec<T>,
) -> Vec<Option<Vec<T>>> {
    let mut adjoints: Vec<Option<Vec<T>>> = vec![None; network.graph().nodes().len()];
    adjoints[from] = Some(seeds);
    continue_adjoints(network, slopes, stops, &mut adjoints);
    adjoints
}

/// Lets the adjoints that are there flow on towards the input.
pub(super) fn continue_adjoints<T: Scalar>(
    network: &Network,
    slopes: &Slopes<T>,
    stops: &[NodeId],
    adjoints: &mut [Option<Vec<T>>],
) {
    let graph = network.graph();
    let (batch, stopped) = (slopes.batch, graph.marked(stops));
    for id in (0..adjoints.len()).rev() {
        if stopped[id] {
            continue;
        }
        let Some(v) = adjoints[id].take() else { continue };
        let node = graph.node(id);
        match &node.op {
            Op::Input => {}
            Op::Affine(affine) => {
                for (map, &input) in affine.maps.iter().zip(&node.inputs) {
                    receive(&mut adjoints[input], map, &v, batch);
                }
            }
            Op::Kink(_) | Op::Max | Op::Smooth(_) => {
                for (k, &input) in node.inputs.iter().enumerate() {
                    let slopes = &slopes.nodes[id][k * v.len()..];
                    add(&mut adjoints[input], mapped(&v, slopes, |v, s| v * s));
                }
            }
        }
        adjoints[id] = Some(v);
    }
}

fn receive<T: Scalar>(slot: &mut Option<Vec<T>>, map: &Map, v: &[T], batch: usize) {
    match slot {
        None => *slot = Some(map.transposed(v, batch)),
        Some(sum) => map.add_transposed(sum, v, batch),
    }
}

fn add<T: Scalar>(slot: &mut Option<Vec<T>>, contribution: Vec<T>) {
    match slot {
        None => *slot = Some(contribution),
        Some(sum) => update(sum, &contribution, |a, b| a + b),
    }
}
