//! Forward and backward passes in floats, over a batch: fast, and not rigorous by themselves.
//!
//! [`crate::model::minorant`] bounds the errors of the `f64` passes afterwards.

use super::graph::{Node, NodeId, Op};
use super::network::Network;
use crate::matrix::{Scalar, Threads, View, add_transposed_product, joined, matrix_vector, multiply, parted};

/// Batches of at least this many samples go through matrix–matrix products …
const BATCHED: usize = 8;

/// … where the layer has at least this many rows: blocking a thinner one costs more than it saves.
const BLOCKED: usize = 4;

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
    let is_line = matches!(node.op, Op::Kink(_) | Op::Max) && !free[id];
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
            _ => given(id, &nodes).unwrap_or_else(|| node_value(network, id, &nodes, batch)),
        };
        nodes.push(value);
    }
    Values { batch, nodes }
}

/// The value of node `id`, not the input, from those of the nodes that it reads.
pub(super) fn node_value<T: Scalar>(network: &Network, id: NodeId, nodes: &[Vec<T>], batch: usize) -> Vec<T> {
    let node = network.graph().node(id);
    match &node.op {
        Op::Dense(_) => dense(network, id, &nodes[node.inputs[0]], batch),
        Op::Linear(map) => map.forward(&nodes[node.inputs[0]], batch),
        _ => elementwise(node, nodes, batch),
    }
}

fn dense<T: Scalar>(network: &Network, id: NodeId, x: &[T], batch: usize) -> Vec<T> {
    let Op::Dense(layer) = &network.graph().node(id).op else { unreachable!("a linear layer") };
    let mut out = vec![T::ZERO; batch * layer.rows];
    if batch >= BATCHED && layer.rows >= BLOCKED {
        let weight = T::weights(&layer.weight, &network.cache(id).wide);
        let weight = View::new(weight, layer.rows, layer.cols).transposed();
        multiply(&mut out, false, View::new(x, batch, layer.cols), weight, Threads::One);
    } else if layer.cols > 0 {
        for (out, x) in out.chunks_exact_mut(layer.rows.max(1)).zip(x.chunks_exact(layer.cols)) {
            matrix_vector(out, &layer.weight, x);
        }
    }
    for sample in out.chunks_exact_mut(layer.rows.max(1)) {
        for (y, &b) in sample.iter_mut().zip(&layer.bias) {
            *y += T::of_weight(b);
        }
    }
    out
}

pub(super) fn elementwise<T: Scalar>(node: &Node, nodes: &[Vec<T>], batch: usize) -> Vec<T> {
    let input = |k: usize| &nodes[node.inputs[k]];
    let with = |values: &[f64], f: fn(T, T) -> T| -> Vec<T> {
        let constants = values.iter().map(|&c| T::of(c)).cycle();
        input(0).iter().zip(constants).map(|(&x, c)| f(x, c)).collect()
    };
    match &node.op {
        Op::Constant(values) => values.iter().map(|&c| T::of(c)).cycle().take(batch * values.len()).collect(),
        Op::Scale(values) => with(values, |x, c| x * c),
        Op::Shift(values) => with(values, |x, c| x + c),
        Op::Divide(values) => with(values, |x, c| x / c),
        Op::Kink(kink) => {
            let (below, above) = (T::of(kink.below), T::of(kink.above));
            input(0).iter().map(|&t| if t < T::ZERO { below * t } else { above * t }).collect()
        }
        Op::Sum => fold(node, nodes, |a, b| a + b),
        Op::Max => fold(node, nodes, |a, b| if b > a { b } else { a }),
        Op::Concat { outer } => {
            joined(&node.inputs.iter().map(|&id| &nodes[id][..]).collect::<Vec<_>>(), batch * outer)
        }
        Op::Reshape => input(0).clone(),
        Op::Input | Op::Dense(_) | Op::Linear(_) => unreachable!("not elementwise"),
    }
}

fn lines<T: Scalar>(node: &Node, nodes: &[Vec<T>], slopes: &[T]) -> Vec<T> {
    let size = nodes[node.inputs[0]].len();
    let mut result = vec![T::ZERO; size];
    for (k, &input) in node.inputs.iter().enumerate() {
        for ((y, &x), &s) in result.iter_mut().zip(&nodes[input]).zip(&slopes[k * size..]) {
            *y += s * x;
        }
    }
    result
}

fn fold<T: Scalar>(node: &Node, nodes: &[Vec<T>], f: fn(T, T) -> T) -> Vec<T> {
    let mut result = nodes[node.inputs[0]].clone();
    for &input in &node.inputs[1..] {
        for (a, &b) in result.iter_mut().zip(&nodes[input]) {
            *a = f(*a, b);
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
            values.nodes[node.inputs[0]].iter().map(|&t| if t < T::ZERO { below } else { above }).collect()
        }
        Op::Max => first_largest(node, values),
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
            Op::Dense(_) => transposed(network, id, &v, batch, adjoints),
            Op::Linear(map) => add(&mut adjoints[node.inputs[0]], map.transposed(&v, batch)),
            Op::Concat { outer } => {
                let sizes = node.inputs.iter().map(|&input| batch * graph.node(input).size());
                for (part, &input) in parted(&v, sizes, batch * outer).into_iter().zip(&node.inputs) {
                    add(&mut adjoints[input], part);
                }
            }
            _ => {
                for (k, &input) in node.inputs.iter().enumerate() {
                    add(&mut adjoints[input], contribution(node, k, &v, &slopes.nodes[id]));
                }
            }
        }
        adjoints[id] = Some(v);
    }
}

fn contribution<T: Scalar>(node: &Node, k: usize, v: &[T], slopes: &[T]) -> Vec<T> {
    match &node.op {
        Op::Scale(values) => v.iter().zip(values.iter().map(|&c| T::of(c)).cycle()).map(|(&v, c)| v * c).collect(),
        Op::Divide(values) => v.iter().zip(values.iter().map(|&c| T::of(c)).cycle()).map(|(&v, c)| v / c).collect(),
        Op::Kink(_) => v.iter().zip(slopes).map(|(&v, &s)| v * s).collect(),
        Op::Max => v.iter().zip(&slopes[k * v.len()..]).map(|(&v, &s)| v * s).collect(),
        _ => v.to_vec(),
    }
}

fn add<T: Scalar>(slot: &mut Option<Vec<T>>, contribution: Vec<T>) {
    match slot {
        None => *slot = Some(contribution),
        Some(sum) => sum.iter_mut().zip(contribution).for_each(|(a, b)| *a += b),
    }
}

fn transposed<T: Scalar>(network: &Network, id: NodeId, v: &[T], batch: usize, adjoints: &mut [Option<Vec<T>>]) {
    let node = network.graph().node(id);
    let Op::Dense(layer) = &node.op else { unreachable!("a linear layer") };
    let target = adjoints[node.inputs[0]].get_or_insert_with(|| vec![T::ZERO; batch * layer.cols]);
    if batch >= BATCHED && layer.rows >= BLOCKED {
        let weight = View::new(T::weights(&layer.weight, &network.cache(id).wide), layer.rows, layer.cols);
        multiply(target, true, View::new(v, batch, layer.rows), weight, Threads::One);
    } else if layer.cols > 0 {
        for (out, v) in target.chunks_exact_mut(layer.cols).zip(v.chunks_exact(layer.rows.max(1))) {
            add_transposed_product(out, &layer.weight, v);
        }
    }
}
