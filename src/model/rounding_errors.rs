//! A-priori rounding-error bounds for the `f64` passes, entry by entry and for a whole batch: of affine nodes from what
//! [`super::map::errors`] says of their maps, of kinks and maxima from their slopes. No sample's bounds depend on what
//! else is in the batch.

use super::graph::Node;
use super::map::Map;
pub(crate) use super::map::errors::Care;
use super::map::errors::{self, Bounds, Contribution, Incoming, Norms, STEP, Vectors, rounded};
use super::network::Network;
use super::op::{Affine, Kink, NodeId, Op};
use super::passes::{Slopes, Values};
use crate::rounding::{TINY, gamma};

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
}

/// Bounds of |computed − exact| for every node of an `f64` forward pass.
pub(crate) fn forward_errors(network: &Network, values: &Values<f64>, meaning: Meaning, care: Care) -> ForwardErrors {
    let (graph, batch) = (network.graph(), values.batch);
    let lines = match meaning {
        Meaning::Function => None,
        Meaning::Lines { slopes, free } => Some((slopes, graph.marked(free))),
    };
    let mut errors = ForwardErrors { batch, nodes: Vec::with_capacity(graph.nodes().len()) };
    // Features are read by every layer.
    let mut norms: Vec<Norms> = vec![None; graph.nodes().len()];
    for (id, node) in graph.nodes().iter().enumerate() {
        let error = match &node.op {
            Op::Input => None,
            Op::Affine(affine) => {
                let inputs: Vec<Vectors> = node.inputs.iter().map(|&x| errors.vectors(values, x)).collect();
                let mut product =
                    |k: usize| errors::forward(&affine.maps[k], inputs[k], care, &mut norms[node.inputs[k]]);
                affine_errors(affine, &inputs, &values.nodes[id], &mut product)
            }
            Op::Kink(_) | Op::Max | Op::Smooth(_) => {
                let lines = lines.as_ref().filter(|(_, free)| !free[id]).map(|(slopes, _)| *slopes);
                kink_errors(values, id, node, &errors, lines)
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

    /// Whether the exact arguments of every kink lie where the computed ones do, for one sample, and no maximum is in
    /// doubt: then the tangent lines at the computed arguments meet the function at the sample.
    pub fn is_certain(&self, network: &Network, values: &Values<f64>, sample: usize) -> bool {
        let graph = network.graph();
        graph.nodes().iter().all(|node| match &node.op {
            Op::Input | Op::Affine(_) => true,
            Op::Max | Op::Smooth(_) => false,
            Op::Kink(_) => {
                let (input, t) = (node.inputs[0], values.of(node.inputs[0], sample));
                let error = |i: usize| self.of(input, sample, t.len(), i);
                (0..t.len()).all(|i| t[i].abs() > error(i) || (t[i] == 0.0 && error(i) == 0.0))
            }
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
                add_offset(total, y, &affine.offset, |i| x[i]);
            }
            [map @ Map::Pick(pick)] => {
                let x = &inputs[0].x[sample * map.cols()..];
                add_offset(total, y, &affine.offset, |i| pick.at(i).map_or(0.0, |col| x[col]));
            }
            [_] => add_offset(total, y, &affine.offset, |_| 0.0),
            _ => add_offset(total, y, &affine.offset, |_| f64::NAN),
        }
    }
    Some(total)
}

/// The errors `total` of a sum to which an offset is added, with the result `y`. One that is added to exactly 0 rounds
/// nothing: without an error, and where `before` is 0, which is what has been computed of an entry that nothing has been
/// rounded of.
#[inline(always)]
fn add_offset(total: &mut [f64], y: &[f64], offset: &[f64], before: impl Fn(usize) -> f64) {
    for i in 0..total.len().min(y.len()).min(offset.len()) {
        let nothing = offset[i] == 0.0 || (total[i] == 0.0 && before(i) == 0.0);
        let more = (total[i] + STEP * y[i].abs()) * (1.0 + 4.0 * STEP) + TINY;
        total[i] = if nothing { total[i] } else { more };
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
    let magnitude = match count.iter().all(|&count| count <= 2) {
        true => y.iter().enumerate().map(|(i, y)| y.abs() + affine.added(i % rows).abs()).collect(),
        false => sum_sizes(affine, inputs, y.len()),
    };
    let terms = affine.maps.len();
    let (g, raise) = (gamma(terms + 2), 1.0 + gamma(terms + 4));
    let bound = |i: usize| if count[i % rows] < 2 { carried[i] } else { (carried[i] + g * magnitude[i]) * raise };
    Some((0..y.len()).map(bound).collect())
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
    errors: &ForwardErrors,
    lines: Option<&Slopes<f64>>,
) -> Bounds {
    let result = &values.nodes[id];
    match (lines, &node.op) {
        (Some(slopes), _) => line_errors(values, id, node, errors, &slopes.nodes[id]),
        (_, Op::Kink(kink)) => {
            let input = errors.vectors(values, node.inputs[0]);
            let error =
                |i: usize| rounded_kink(result[i], input.error(i), lipschitz(*kink, input.x[i], input.error(i)));
            Some((0..result.len()).map(error).collect())
        }
        (_, Op::Smooth(curve)) => {
            let inputs: Vec<Vectors> = node.inputs.iter().map(|&k| errors.vectors(values, k)).collect();
            let at = |i: usize| inputs.iter().map(move |input| (input.x[i], input.error(i)));
            Some((0..result.len()).map(|i| curve.value_error(result[i], at(i))).collect())
        }
        // |max(u) − max(ũ)| ≤ max|u − ũ|, and choosing rounds nothing.
        _ => {
            let inputs: Vec<Vectors> = node.inputs.iter().map(|&k| errors.vectors(values, k)).collect();
            Some((0..result.len()).map(|i| largest(inputs.iter().map(|input| input.error(i)))).collect())
        }
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

fn line_errors(values: &Values<f64>, id: NodeId, node: &Node, errors: &ForwardErrors, slopes: &[f64]) -> Bounds {
    let (result, entries) = (&values.nodes[id], values.nodes[node.inputs[0]].len());
    let inputs: Vec<Vectors> = node.inputs.iter().map(|&input| errors.vectors(values, input)).collect();
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
    if let [input] = inputs[..] {
        // The slopes 0 and 1 round nothing.
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

impl Slopes<f64> {
    /// The slopes of one sample at one node, one slice per input of the node.
    pub fn of(&self, id: NodeId, sample: usize, node: &Node) -> Vec<&[f64]> {
        let inputs = if node.op.is_unit() { node.inputs.len() } else { 1 };
        (0..inputs).map(|k| self.towards(id, sample, node, k)).collect()
    }

    /// The same for input `k` alone.
    fn towards(&self, id: NodeId, sample: usize, node: &Node, k: usize) -> &[f64] {
        let start = (k * self.batch + sample) * node.size();
        &self.nodes[id][start..start + node.size()]
    }
}

/// Bounds of |computed − exact| for the adjoints at the nodes of `wanted`, `[batch × size]` each; nothing flows through
/// `stops`.
pub(crate) fn backward_errors(
    network: &Network,
    slopes: &Slopes<f64>,
    adjoints: &[Option<Vec<f64>>],
    wanted: &[NodeId],
    stops: &[NodeId],
    care: Care,
) -> Vec<Bounds> {
    let (graph, batch) = (network.graph(), slopes.batch);
    let (stopped, is_wanted) = (graph.marked(stops), graph.marked(wanted));
    let mut incoming: Vec<Vec<Incoming>> = graph.nodes().iter().map(|_| Vec::new()).collect();
    let mut done: Vec<Bounds> = vec![None; graph.nodes().len()];
    for id in (0..=graph.output()).rev() {
        let Some(v) = &adjoints[id] else { continue };
        let (node, size) = (graph.node(id), graph.node(id).size());
        let sums = std::mem::take(&mut incoming[id]);
        let error: Bounds = (!sums.is_empty()).then(|| {
            let mut all = vec![0.0; batch * size];
            all.chunks_exact_mut(size).zip(sums).for_each(|(out, sum)| sum.total(out));
            all
        });
        if !stopped[id] {
            for (k, &input) in node.inputs.iter().enumerate() {
                incoming[input].resize_with(batch, Incoming::default);
                for sample in 0..batch {
                    let v = &v[sample * size..(sample + 1) * size];
                    let error = error.as_ref().map(|error| &error[sample * size..(sample + 1) * size]);
                    let received = match &node.op {
                        Op::Input => continue,
                        Op::Affine(affine) => errors::backward(&affine.maps[k], v, error, care),
                        Op::Kink(_) | Op::Max | Op::Smooth(_) => {
                            line_contribution(slopes.towards(id, sample, node, k), v, error)
                        }
                    };
                    incoming[input][sample].add(received);
                }
            }
        }
        if is_wanted[id] {
            done[id] = error;
        }
    }
    wanted.iter().map(|&node| done[node].take()).collect()
}

/// What an input of a kink or maximum receives through lines of these slopes.
fn line_contribution<'a>(slopes: &[f64], v: &[f64], error: Option<&[f64]>) -> Contribution<'a> {
    if slopes.iter().all(|&s| s == 0.0 || s.abs() == 1.0) {
        let kept = |x: &[f64]| x.iter().zip(slopes).map(|(&x, &s)| x.abs() * s.abs()).collect();
        return Contribution::Entries {
            carried: error.map_or_else(|| vec![0.0; v.len()], kept),
            magnitude: kept(v),
            terms: 0,
        };
    }
    errors::scaled(v, error, slopes.iter().map(|s| s.abs()))
}
