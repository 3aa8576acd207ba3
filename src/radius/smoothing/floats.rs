//! A network in `f32`, with a bound of the rounding errors.
//!
//! The bound is one number per vector and node, ‖computed − exact‖₂ ≤ e. With u = 2⁻²⁴, γ_n = n·u/(1 − n·u), and N(M) at
//! least the ℓ2 norm of the matrix |M| (so of M, too):
//!
//! - an affine node Σ M_k·x_k + c is a sum of products of rounded constants, each rounded at most n times in any order of
//!   summation, fused or not, n the most terms of a map and one for each map, for c, and for the two constants:
//!   e = Σ N(M_k)·(e_k + γ_n·‖x̃_k‖₂) + γ_n·‖c‖₂;
//! - a kink with the steepest slope L: e = L·(e_0 + γ_2·‖x̃_0‖₂), without the second term where slopes are 0 and ±1;
//! - a maximum: |max − max~| ≤ Σ |x_k − x̃_k|, e = Σ e_k.
//!
//! What underflows is below `f32::MIN_POSITIVE` per product. An overflow makes an entry infinite or NaN, and it stays so
//! as far as the next kink or maximum, where the norm of the argument shows it; the norms of their arguments are looked at
//! for this reason alone where they are not part of a bound. Of the node that is wanted only finite entries are bounded.
//! Constants that are no normal floats are not bounded at all.

use crate::matrix::{dot, fill, mapped, update};
use crate::model::map::Map;
use crate::model::{Affine, Graph, Model, Node, NodeId, Op};
use crate::rounding::norm2_up;
use std::borrow::Cow;

/// Twice the unit roundoff of `f32`.
const STEP: f64 = f32::EPSILON as f64;
/// More than the error of a product that underflows.
pub(super) const TINY: f64 = f32::MIN_POSITIVE as f64;
/// Covers the roundings of a few operations in `f64`.
pub(super) const RAISE: f64 = 1.0 + 64.0 * f64::EPSILON;

/// A network that is evaluated in `f32`.
pub(super) struct Floats<'a> {
    model: &'a Model,
    bounds: Vec<Bound>,
}

/// What is known of a node before it is evaluated.
enum Bound {
    /// Nothing is rounded: the input, and maxima.
    Exact,
    /// The norms N(M_k), ‖c‖₂, γ_n, and what underflows.
    Affine { norms: Vec<f64>, offset: f64, gamma: f64, underflow: f64 },
    /// The steepest slope, γ_2 or 0, and what underflows.
    Kink { slope: f64, gamma: f64, underflow: f64 },
    /// Its constants are beyond `f32`.
    None,
}

/// An upper bound of γ_n for `f32`.
pub(super) fn gamma(n: usize) -> f64 {
    let nu = n as f64 * (0.5 * STEP);
    if nu < 0.5 { (nu / (1.0 - nu)) * RAISE } else { f64::INFINITY }
}

/// Whether rounding it to `f32` is a relative error of at most u.
fn is_normal(c: f64) -> bool {
    c == 0.0 || (c as f32).is_normal()
}

impl Bound {
    fn of(node: &Node) -> Bound {
        match &node.op {
            Op::Input | Op::Max => Bound::Exact,
            Op::Affine(affine) => Bound::affine(affine),
            // Left to the pass in f64.
            Op::Smooth(_) => Bound::None,
            Op::Kink(kink) => {
                let slopes = [kink.below, kink.above];
                let exact = slopes.iter().all(|s| *s == 0.0 || s.abs() == 1.0);
                let (gamma, underflow) = if exact { (0.0, 0.0) } else { (gamma(2), node.size() as f64 * TINY) };
                let slope = slopes[0].abs().max(slopes[1].abs());
                if slopes.into_iter().all(is_normal) { Bound::Kink { slope, gamma, underflow } } else { Bound::None }
            }
        }
    }

    fn affine(affine: &Affine) -> Bound {
        let constants = affine.maps.iter().all(|map| match map {
            Map::Diagonal(diagonal) => diagonal.factors.iter().copied().all(is_normal),
            _ => true,
        });
        if !constants || !affine.offset.iter().copied().all(is_normal) {
            return Bound::None;
        }
        let terms = affine.maps.iter().map(Map::roundings).max().unwrap_or(0) + affine.maps.len() + 3;
        let products = affine.maps.iter().map(Map::terms).sum::<usize>() + affine.maps.len() + 1;
        Bound::Affine {
            norms: affine.maps.iter().map(norm).collect(),
            offset: norm2_up(&affine.offset),
            gamma: gamma(terms),
            underflow: (affine.rows() * products) as f64 * TINY,
        }
    }
}

/// At least the ℓ2 norm of |M|.
fn norm(map: &Map) -> f64 {
    match map {
        Map::Identity(_) => 1.0,
        // Every entry of the argument stands at most so often in the result.
        Map::Pick(_) => (map.transposed_roundings().max(1) as f64).sqrt().next_up(),
        Map::Diagonal(diagonal) => diagonal.weights().map(|c| c.size()).fold(0.0, f64::max),
        Map::Dense(matrix) => norm2_up(matrix.row_norms()),
        Map::Windows(_) => {
            let row = |i: usize| norm2_up(&map.entries(i).map(|(_, w)| w.value).collect::<Vec<f64>>());
            norm2_up(&(0..map.rows()).map(row).collect::<Vec<f64>>())
        }
    }
}

/// Upper bounds of ‖x‖₂ of every vector of a batch; infinite or NaN where an entry is, or a square overflows.
fn lengths(x: &[f32], batch: usize) -> Vec<f64> {
    let size = x.len() / batch;
    let least = size as f64 * TINY;
    let length = |x: &[f32]| ((f64::from(dot(x, x)) * (1.0 + 2.0 * gamma(size + 2)) + least).sqrt()) * RAISE;
    x.chunks_exact(size.max(1)).map(length).collect()
}

/// A node's values for a batch, and bounds of their errors.
#[derive(Default)]
pub(super) struct Known<'a> {
    pub values: Cow<'a, [f32]>,
    pub errors: Vec<f64>,
    /// The vectors' lengths, once they have been asked for.
    lengths: Option<Vec<f64>>,
}

impl Known<'_> {
    /// Upper bounds of the vectors' lengths.
    pub fn lengths(&mut self) -> &[f64] {
        let batch = self.errors.len();
        self.lengths.get_or_insert_with(|| lengths(&self.values, batch))
    }
}

impl<'a> Floats<'a> {
    pub fn new(model: &'a Model) -> Floats<'a> {
        Floats { model, bounds: model.graph().nodes().iter().map(Bound::of).collect() }
    }

    /// The nodes of `wanted` at every vector of `inputs`, in order.
    pub fn evaluate<'b>(&self, inputs: &'b [f32], wanted: &[NodeId]) -> Vec<Known<'b>> {
        let graph = self.model.graph();
        let batch = inputs.len() / graph.input_size();
        let needed = ancestors(graph, wanted);
        let mut nodes: Vec<Known> = Vec::with_capacity(graph.nodes().len());
        for (id, (node, bound)) in graph.nodes().iter().zip(&self.bounds).enumerate() {
            if !needed[id] {
                nodes.push(Known::default());
                continue;
            }
            let values = match node.op {
                Op::Input => Cow::Borrowed(inputs),
                _ => Cow::Owned(value(node, &nodes, batch)),
            };
            let errors = errors(node, bound, &mut nodes, batch);
            nodes.push(Known { values, errors, lengths: None });
        }
        wanted.iter().map(|&id| std::mem::take(&mut nodes[id])).collect()
    }
}

/// Which nodes these ones depend on, themselves included.
fn ancestors(graph: &Graph, nodes: &[NodeId]) -> Vec<bool> {
    let mut needed = graph.marked(nodes);
    for id in (0..needed.len()).rev().filter(|&id| id < graph.nodes().len()) {
        if needed[id] {
            graph.node(id).inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    needed
}

/// Bounds of a node's errors, from what is known of the nodes that it reads.
fn errors(node: &Node, bound: &Bound, nodes: &mut [Known], batch: usize) -> Vec<f64> {
    let mut total = vec![0.0; batch];
    let mut add = |known: &mut Known, factor: f64, gamma: f64| {
        known.lengths();
        let lengths = known.lengths.as_deref().expect("just asked for");
        for ((total, &e), &length) in total.iter_mut().zip(&known.errors).zip(lengths) {
            // 0 · ∞ is NaN, which is no bound, as it should be.
            *total += factor * (e + gamma * length);
        }
    };
    let rest = match bound {
        Bound::None => f64::INFINITY,
        Bound::Exact => {
            node.inputs.iter().for_each(|&k| add(&mut nodes[k], 1.0, 0.0));
            0.0
        }
        Bound::Kink { slope, gamma, underflow } => {
            add(&mut nodes[node.inputs[0]], *slope, *gamma);
            *underflow
        }
        Bound::Affine { norms, offset, gamma, underflow } => {
            node.inputs.iter().zip(norms).for_each(|(&k, &norm)| add(&mut nodes[k], norm, *gamma));
            gamma * offset + underflow
        }
    };
    // The sum has as many roundings as there are inputs, and a few.
    let raise = RAISE * (1.0 + 4.0 * f64::EPSILON * node.inputs.len() as f64);
    total.iter_mut().for_each(|e| *e = (*e + rest) * raise);
    total
}

/// A node's values, from those of the nodes that it reads: every one a sum that does not depend on the batch.
fn value(node: &Node, nodes: &[Known], batch: usize) -> Vec<f32> {
    let input = |k: usize| &nodes[node.inputs[k]].values[..];
    match &node.op {
        Op::Input => unreachable!("the input is given"),
        Op::Affine(affine) => affine_value(affine, &|k| input(k), batch),
        Op::Kink(kink) => {
            let (below, above) = (kink.below as f32, kink.above as f32);
            mapped(input(0), input(0), |t, _| if t < 0.0 { below * t } else { above * t })
        }
        Op::Smooth(curve) => (0..input(0).len())
            .map(|i| curve.value((0..node.inputs.len()).map(|k| f64::from(input(k)[i]))) as f32)
            .collect(),
        Op::Max => (1..node.inputs.len())
            .fold(input(0).to_vec(), |largest, k| mapped(&largest, input(k), |a, b| if b > a { b } else { a })),
    }
}

fn affine_value<'a>(affine: &Affine, input: &dyn Fn(usize) -> &'a [f32], batch: usize) -> Vec<f32> {
    let offset: Vec<f32> = affine.offset.iter().map(|&c| c as f32).collect();
    let mut sum = match &affine.maps[..] {
        [] => return (0..batch).flat_map(|_| offset.iter().copied()).collect(),
        [Map::Identity(_)] if !offset.is_empty() => {
            let mut sum = vec![0.0; input(0).len()];
            let samples = sum.chunks_exact_mut(offset.len()).zip(input(0).chunks_exact(offset.len()));
            samples.for_each(|(sum, x)| fill(sum, x, &offset, |x, c| x + c));
            return sum;
        }
        maps => product(&maps[0], input(0), batch),
    };
    for (k, map) in affine.maps.iter().enumerate().skip(1) {
        match map {
            Map::Identity(_) | Map::Pick(_) => map.add_forward(&mut sum, input(k), batch),
            map => update(&mut sum, &product(map, input(k), batch), |a, b| a + b),
        }
    }
    if !offset.is_empty() {
        sum.chunks_exact_mut(offset.len()).for_each(|sample| update(sample, &offset, |y, c| y + c));
    }
    sum
}

fn product(map: &Map, x: &[f32], batch: usize) -> Vec<f32> {
    match map {
        Map::Dense(matrix) => matrix.steady_forward(x, batch),
        map => map.forward(x, batch),
    }
}
