//! A-priori rounding-error bounds for the `f64` passes, entry by entry and for a whole batch: of affine nodes from what
//! [`super::map::errors`] says of their maps, of kinks and maxima from their slopes. No sample's bounds depend on what
//! else is in the batch.

use super::backward_errors::BackwardErrors;
use super::graph::Node;
use super::map::Map;
pub(crate) use super::map::errors::Care;
use super::map::errors::{self, Bounds, Norms, STEP, Vectors, rounded};
use super::network::Network;
use super::op::{Affine, Kink, NodeId, Op};
use super::passes::{Slopes, Values};
use crate::matrix::all;
use crate::rounding::{TINY, add_up, gamma, max_abs, mul_up};

/// What stands for kinks and maxima in a forward pass.
#[derive(Clone, Copy)]
pub(crate) enum Meaning<'a> {
    /// Themselves.
    Function,
    /// Their lines, but for the `free` kinks.
    Lines { slopes: &'a Slopes<f64>, free: &'a [NodeId] },
}

/// Bounds of |computed − exact| for every node of an `f64` forward pass.
pub(crate) struct ForwardErrors {
    batch: usize,
    nodes: Vec<Bounds>,
    /// Where a node's bounds are of what itself rounds, given what has been computed of its inputs.
    alone: Vec<bool>,
}

/// Bounds of |computed − exact| for every node of an `f64` forward pass; for nodes that are `alone`, of what they round
/// themselves.
pub(crate) fn forward_errors(
    network: &Network,
    values: &Values<f64>,
    meaning: Meaning,
    care: Care,
    alone: Vec<bool>,
) -> ForwardErrors {
    let (graph, batch) = (network.graph(), values.batch);
    let lines = match meaning {
        Meaning::Function => None,
        Meaning::Lines { slopes, free } => Some((slopes, graph.marked(free))),
    };
    let mut errors = ForwardErrors { batch, nodes: Vec::with_capacity(graph.nodes().len()), alone };
    // Features are read by every layer, with their errors or without them.
    let mut norms: Vec<[Norms; 2]> = vec![[None, None]; graph.nodes().len()];
    for (id, node) in graph.nodes().iter().enumerate() {
        let error = match &node.op {
            Op::Input => None,
            Op::Affine(affine) => {
                let inputs: Vec<Vectors> = node.inputs.iter().map(|&x| errors.read(values, id, x)).collect();
                let without = usize::from(errors.alone[id]);
                let mut product =
                    |k: usize| errors::forward(&affine.maps[k], inputs[k], care, &mut norms[node.inputs[k]][without]);
                affine_errors(affine, &inputs, &values.nodes[id], &mut product)
            }
            Op::Kink(_) | Op::Max | Op::Smooth(_) => {
                let lines = lines.as_ref().filter(|(_, free)| !free[id]).map(|(slopes, _)| *slopes);
                let inputs: Vec<Vectors> = node.inputs.iter().map(|&x| errors.read(values, id, x)).collect();
                kink_errors(values, id, node, &inputs, lines)
            }
        };
        errors.nodes.push(error);
    }
    errors
}

impl ForwardErrors {
    /// Of entry `i` of one sample at a node with so many entries.
    pub fn of(&self, node: NodeId, sample: usize, size: usize, i: usize) -> f64 {
        self.nodes[node].as_ref().map_or(0.0, |errors| errors[sample * size + i])
    }

    fn vectors<'a>(&'a self, values: &'a Values<f64>, node: NodeId) -> Vectors<'a> {
        Vectors { x: &values.nodes[node], e: self.nodes[node].as_deref(), batch: self.batch }
    }

    /// What node `id` reads of another one.
    fn read<'a>(&'a self, values: &'a Values<f64>, id: NodeId, input: NodeId) -> Vectors<'a> {
        let all = self.vectors(values, input);
        if self.alone[id] { Vectors { e: None, ..all } } else { all }
    }

    /// A bound of the output's error for one sample: what each node rounds itself, and what nodes that are not alone have
    /// got, reaches the output through its adjoint, whose errors are bounded too.
    pub fn through(&self, adjoints: &[Option<Vec<f64>>], errors: &BackwardErrors, sample: usize) -> f64 {
        let (mut total, mut count) = (0.0, 8);
        for (id, v) in adjoints.iter().enumerate() {
            if let (Some(v), Some(own)) = (v, &self.nodes[id]) {
                let size = v.len() / self.batch;
                let range = sample * size..(sample + 1) * size;
                total += errors.weighted(id, sample, &v[range.clone()], &own[range]);
                count += size + 1;
            }
        }
        let nothing = total == 0.0 && self.nodes.iter().flatten().all(|own| max_abs(own) == 0.0);
        if nothing { 0.0 } else { total * (1.0 + gamma(count)) + count as f64 * TINY }
    }

    /// A bound of all errors of every node, for one sample.
    fn largest(&self, network: &Network, sample: usize) -> Vec<f64> {
        let mut all: Vec<f64> = Vec::with_capacity(self.nodes.len());
        for (id, node) in network.graph().nodes().iter().enumerate() {
            let own = self.nodes[id].as_ref().map_or(0.0, |own| max_abs(&own[sample * node.size()..][..node.size()]));
            let reached = |(k, &input): (usize, &NodeId)| match &node.op {
                Op::Affine(affine) => mul_up(affine.maps[k].gain(), all[input]),
                Op::Kink(kink) => mul_up(kink.below.abs().max(kink.above.abs()), all[input]),
                _ => f64::INFINITY,
            };
            let carried =
                if self.alone[id] { node.inputs.iter().enumerate().map(reached).fold(0.0, add_up) } else { 0.0 };
            all.push(if carried == 0.0 { own } else { add_up(own, carried) });
        }
        all
    }

    /// Whether the exact arguments of every kink lie where the computed ones do, for one sample, and no maximum is in
    /// doubt: then the tangent lines at the computed arguments meet the function at the sample.
    pub fn is_certain(&self, network: &Network, values: &Values<f64>, sample: usize) -> bool {
        let graph = network.graph();
        if graph.nodes().iter().any(|node| matches!(node.op, Op::Max | Op::Smooth(_))) {
            return false;
        }
        let largest = self.largest(network, sample);
        graph.nodes().iter().filter(|node| node.op.is_unit()).all(|node| {
            let error = largest[node.inputs[0]];
            let known = |t: f64| (t.abs() > error) | ((t == 0.0) & (error == 0.0));
            all(values.of(node.inputs[0], sample), known)
        })
    }
}

/// Of the computed sum `y` of the maps' products and the offset; `product` gives one product's own errors.
fn affine_errors(affine: &Affine, inputs: &[Vectors], y: &[f64], product: &mut dyn FnMut(usize) -> Bounds) -> Bounds {
    let total = match affine.maps.len() {
        0 => return None,
        1 => product(0),
        _ => sum_errors(affine, inputs, y, product),
    };
    if affine.offset.iter().all(|&offset| offset == 0.0) {
        return total;
    }
    let mut total = total.unwrap_or_else(|| vec![0.0; y.len()]);
    let size = affine.offset.len();
    for (sample, (total, y)) in total.chunks_exact_mut(size).zip(y.chunks_exact(size)).enumerate() {
        match &affine.maps[..] {
            [map @ Map::Identity(_)] => {
                let x = &inputs[0].x[sample * map.cols()..];
                add_offset(total, y, &affine.offset, x.iter().copied());
            }
            [map @ Map::Pick(pick)] => {
                let x = &inputs[0].x[sample * map.cols()..];
                add_offset(total, y, &affine.offset, (0..size).map(|i| pick.at(i).map_or(0.0, |col| x[col])));
            }
            [_] => add_offset(total, y, &affine.offset, std::iter::repeat_n(0.0, size)),
            _ => add_offset(total, y, &affine.offset, std::iter::repeat_n(f64::NAN, size)),
        }
    }
    Some(total)
}

/// The errors `total` of a sum to which an offset is added, with the result `y`. One that is added to exactly 0 rounds
/// nothing: without an error, and where `before` is 0, which is what has been computed of an entry that nothing has been
/// rounded of.
#[inline(always)]
fn add_offset(total: &mut [f64], y: &[f64], offset: &[f64], before: impl Iterator<Item = f64>) {
    for (((total, y), &offset), before) in total.iter_mut().zip(y).zip(offset).zip(before) {
        let nothing = (offset == 0.0) | ((*total == 0.0) & (before == 0.0));
        let more = (*total + STEP * y.abs()) * (1.0 + 4.0 * STEP) + TINY;
        *total = if nothing { *total } else { more };
    }
}

/// The products' errors, and those of adding them up; a row that reads one input alone adds nothing, and one that reads two
/// rounds their sum alone.
fn sum_errors(affine: &Affine, inputs: &[Vectors], y: &[f64], product: &mut dyn FnMut(usize) -> Bounds) -> Bounds {
    let rows = affine.rows();
    let (mut carried, mut count) = (vec![0.0; y.len()], vec![0; rows]);
    for (k, (map, &input)) in affine.maps.iter().zip(inputs).enumerate() {
        if map.each_place(|i, _| count[i] += 1).is_some() {
            if let Some(e) = input.e {
                map.add_forward(&mut carried, e, input.batch);
            }
            continue;
        }
        count.iter_mut().for_each(|count| *count += 1);
        if let Some(errors) = product(k) {
            carried.iter_mut().zip(errors).for_each(|(carried, error)| *carried += error);
        }
    }
    // Of two products y is the sum, but for what is added.
    let sizes = if count.iter().all(|&count| count <= 2) { y.to_vec() } else { sum_sizes(affine, inputs, y.len()) };
    let terms = affine.maps.len();
    let (g, raise) = (gamma(terms + 2), 1.0 + gamma(terms + 4));
    let added = |sums: &mut [f64], sizes: &[f64]| {
        let rows = count.iter().enumerate().map(|(i, &count)| (count < 2, affine.added(i).abs()));
        for ((sum, size), (nothing, offset)) in sums.iter_mut().zip(sizes).zip(rows) {
            *sum = if nothing { *sum } else { (*sum + g * (size.abs() + offset)) * raise };
        }
    };
    carried.chunks_exact_mut(rows).zip(sizes.chunks_exact(rows)).for_each(|(sums, sizes)| added(sums, sizes));
    Some(carried)
}

/// Upper bounds of the sums of the products' sizes.
fn sum_sizes(affine: &Affine, inputs: &[Vectors], entries: usize) -> Vec<f64> {
    let mut sum = vec![0.0; entries];
    for (map, &input) in affine.maps.iter().zip(inputs) {
        let sizes = input.samples().flat_map(|(x, _)| product_sizes(map, x));
        sum.iter_mut().zip(sizes).for_each(|(sum, size)| *sum += size);
    }
    sum
}

/// Upper bounds of the computed products' sizes.
fn product_sizes(map: &Map, x: &[f64]) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|x| x.abs()).collect();
    let (raise, underflow) = (1.0 + gamma(2 * map.terms() + 8), (map.terms() + 2) as f64 * TINY);
    map.sizes(&x).into_iter().map(|size| size * raise + underflow).collect()
}

fn kink_errors(
    values: &Values<f64>,
    id: NodeId,
    node: &Node,
    inputs: &[Vectors],
    lines: Option<&Slopes<f64>>,
) -> Bounds {
    let result = &values.nodes[id];
    match (lines, &node.op) {
        (Some(slopes), _) => line_errors(&values.nodes[id], node, inputs, &slopes.nodes[id]),
        (_, Op::Kink(kink)) => {
            let input = inputs[0];
            let error =
                |i: usize| rounded_kink(result[i], input.error(i), lipschitz(*kink, input.x[i], input.error(i)));
            Some((0..result.len()).map(error).collect())
        }
        (_, Op::Smooth(curve)) => {
            let at = |i: usize| inputs.iter().map(move |input| (input.x[i], input.error(i)));
            Some((0..result.len()).map(|i| curve.value_error(result[i], at(i))).collect())
        }
        // |max(u) − max(ũ)| ≤ max|u − ũ|, and choosing rounds nothing.
        _ => Some((0..result.len()).map(|i| largest(inputs.iter().map(|input| input.error(i)))).collect()),
    }
}

/// The maximum, or NaN when an entry is: `f64::max` would drop it, and with it an overflow.
fn largest(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, |m, e| if e.is_nan() || e > m { e } else { m })
}

/// The steepest slope of the kink over [t − e, t + e].
fn lipschitz(kink: Kink, t: f64, e: f64) -> f64 {
    if t.abs() > e { kink.slope(t).abs() } else { kink.below.abs().max(kink.above.abs()) }
}

/// As [`rounded`], but the slopes 0 and ±1 round nothing.
fn rounded_kink(y: f64, e: f64, slope: f64) -> f64 {
    if slope == 0.0 || slope == 1.0 { e * slope } else { rounded(y, e, slope) }
}

fn line_errors(result: &[f64], node: &Node, inputs: &[Vectors], slopes: &[f64]) -> Bounds {
    let entries = inputs[0].x.len();
    let g = gamma(inputs.len() + 4);
    if let Some(curve) = node.op.curve() {
        // The value at hand is the line's or the curve's own, which is above it: by what the slope, about the curve's, leaves,
        // and by a jump. Besides the products and their sum there is the conjugate, which is subtracted.
        let bound = |i: usize| {
            let own = (0..inputs.len()).map(|k| slopes[k * entries + i]);
            let (conjugate, error) = curve.conjugate(own);
            let (mut line, mut size, mut carried) = (-conjugate, conjugate.abs(), error);
            for (k, input) in inputs.iter().enumerate() {
                let s = slopes[k * entries + i];
                line += s * input.x[i];
                size += (s * input.x[i]).abs();
                carried += s.abs() * input.error(i);
            }
            (carried + g * size + (result[i] - line).abs()) * (1.0 + g) + 2.0 * (inputs.len() + 1) as f64 * TINY
        };
        return Some((0..entries).map(bound).collect());
    }
    if let [input] = *inputs {
        // The slopes 0 and 1 round nothing.
        if input.e.is_none() && all(slopes, |s| (s == 0.0) | (s == 1.0)) {
            return None;
        }
        let one = |i: usize| {
            let (s, e) = (slopes[i].abs(), input.error(i));
            let rounded = (s * e + g * s * input.x[i].abs()) * (1.0 + g) + TINY;
            if s == 0.0 || s == 1.0 { if s == 0.0 { 0.0 } else { e } } else { rounded }
        };
        return Some((0..entries).map(one).collect());
    }
    let bound = |i: usize| {
        let (mut total, mut inexact) = (0.0, false);
        for (k, input) in inputs.iter().enumerate() {
            let s = slopes[k * entries + i].abs();
            if s != 0.0 {
                total += s * input.error(i) + g * s * input.x[i].abs();
                inexact = true;
            }
        }
        total * (1.0 + g) + if inexact { inputs.len() as f64 * TINY } else { 0.0 }
    };
    Some((0..entries).map(bound).collect())
}
