//! A-priori rounding-error bounds for the `f64` passes, entry by entry: of affine nodes from what [`super::map::errors`]
//! says of their maps, of kinks and maxima from their slopes.

use super::graph::Node;
use super::map::Map;
pub(crate) use super::map::errors::Care;
use super::map::errors::{self, Contribution, Norms, STEP, rounded};
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

/// Bounds of |computed − exact| for every node of one sample of an `f64` forward pass.
pub(crate) fn forward_errors(
    network: &Network,
    values: &Values<f64>,
    sample: usize,
    meaning: Meaning,
    care: Care,
) -> Vec<Vec<f64>> {
    let graph = network.graph();
    let lines = match meaning {
        Meaning::Function => None,
        Meaning::Lines { slopes, free } => Some((slopes, graph.marked(free))),
    };
    let mut errors: Vec<Vec<f64>> = Vec::with_capacity(graph.nodes().len());
    // Features are read by every layer.
    let mut norms: Vec<Norms> = vec![None; graph.nodes().len()];
    for (id, node) in graph.nodes().iter().enumerate() {
        let error = match &node.op {
            Op::Input => vec![0.0; node.size()],
            Op::Affine(affine) => {
                let inputs: Vec<Input> =
                    node.inputs.iter().map(|&x| Input { x: values.of(x, sample), error: &errors[x] }).collect();
                let mut product = |k: usize| {
                    let Input { x, error } = inputs[k];
                    errors::forward(&affine.maps[k], x, error, care, &mut norms[node.inputs[k]])
                };
                affine_errors(affine, &inputs, values.of(id, sample), &mut product)
            }
            Op::Kink(_) | Op::Max => {
                let lines = lines.as_ref().filter(|(_, free)| !free[id]).map(|(slopes, _)| *slopes);
                kink_errors(values, sample, id, node, &errors, lines)
            }
        };
        errors.push(error);
    }
    errors
}

/// What a map is applied to.
#[derive(Clone, Copy)]
struct Input<'a> {
    x: &'a [f64],
    error: &'a [f64],
}

/// Of the computed sum `y` of the maps' products and the offset; `product` gives one product's own errors.
fn affine_errors(affine: &Affine, inputs: &[Input], y: &[f64], product: &mut dyn FnMut(usize) -> Vec<f64>) -> Vec<f64> {
    let mut total = match affine.maps.len() {
        0 => return vec![0.0; y.len()],
        1 => product(0),
        _ => sum_errors(affine, inputs, y.len(), product),
    };
    for (i, _) in affine.offset.iter().enumerate().filter(|(_, offset)| **offset != 0.0) {
        // An offset added to exactly 0 rounds nothing.
        let nothing = match &affine.maps[..] {
            [Map::Identity(_)] => total[i] == 0.0 && inputs[0].x[i] == 0.0,
            [Map::Pick(pick)] => total[i] == 0.0 && pick.at(i).is_none_or(|col| inputs[0].x[col] == 0.0),
            [_] => total[i] == 0.0,
            _ => false,
        };
        total[i] = if nothing { 0.0 } else { (total[i] + STEP * y[i].abs()) * (1.0 + 4.0 * STEP) + TINY };
    }
    total
}

/// The products' errors, and those of adding them up; a row that reads one input alone adds nothing.
fn sum_errors(affine: &Affine, inputs: &[Input], size: usize, product: &mut dyn FnMut(usize) -> Vec<f64>) -> Vec<f64> {
    let (mut carried, mut magnitude, mut count) = (vec![0.0; size], vec![0.0; size], vec![0; size]);
    let mut add = |i: usize, error: f64, size: f64| {
        carried[i] += error;
        magnitude[i] += size;
        count[i] += 1;
    };
    for (k, (map, input)) in affine.maps.iter().zip(inputs).enumerate() {
        if map.each_place(|i, j| add(i, input.error[j], input.x[j].abs())).is_none() {
            let (errors, sizes) = (product(k), product_sizes(map, input.x));
            errors.iter().zip(sizes).enumerate().for_each(|(i, (&error, size))| add(i, error, size));
        }
    }
    let terms = affine.maps.len();
    let (g, raise) = (gamma(terms + 2), 1.0 + gamma(terms + 4));
    let bound = |i: usize| if count[i] < 2 { carried[i] } else { (carried[i] + g * magnitude[i]) * raise };
    (0..size).map(bound).collect()
}

/// Upper bounds of the computed products' sizes.
fn product_sizes(map: &Map, x: &[f64]) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|x| x.abs()).collect();
    let (raise, underflow) = (1.0 + gamma(2 * map.terms() + 8), (map.terms() + 2) as f64 * TINY);
    map.sizes(&x).into_iter().map(|size| size * raise + underflow).collect()
}

fn kink_errors(
    values: &Values<f64>,
    sample: usize,
    id: NodeId,
    node: &Node,
    errors: &[Vec<f64>],
    lines: Option<&Slopes<f64>>,
) -> Vec<f64> {
    let result = values.of(id, sample);
    match (lines, &node.op) {
        (Some(slopes), _) => line_errors(values, sample, node, errors, slopes.of(id, sample, node)),
        (_, Op::Kink(kink)) => {
            let t = values.of(node.inputs[0], sample);
            let e = &errors[node.inputs[0]];
            (0..t.len()).map(|i| rounded_kink(result[i], e[i], lipschitz(*kink, t[i], e[i]))).collect()
        }
        // |max(u) − max(ũ)| ≤ max|u − ũ|, and choosing rounds nothing.
        _ => (0..result.len()).map(|i| largest(node.inputs.iter().map(|&k| errors[k][i]))).collect(),
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

fn line_errors(values: &Values<f64>, sample: usize, node: &Node, errors: &[Vec<f64>], slopes: Vec<&[f64]>) -> Vec<f64> {
    let size = errors[node.inputs[0]].len();
    let g = gamma(node.inputs.len() + 3);
    let bound = |i: usize| {
        let (mut total, mut inexact) = (0.0, false);
        for (k, &input) in node.inputs.iter().enumerate() {
            let s = slopes[k][i].abs();
            if s != 0.0 {
                let exact = s == 1.0 && node.inputs.len() == 1;
                let rounding = if exact { 0.0 } else { g * s * values.of(input, sample)[i].abs() };
                total += s * errors[input][i] + rounding;
                inexact |= !exact;
            }
        }
        total * (1.0 + g) + if inexact { node.inputs.len() as f64 * TINY } else { 0.0 }
    };
    (0..size).map(bound).collect()
}

impl Slopes<f64> {
    /// The slopes of one sample at one node, one slice per input of the node.
    pub fn of(&self, id: NodeId, sample: usize, node: &Node) -> Vec<&[f64]> {
        let inputs = if matches!(node.op, Op::Max) { node.inputs.len() } else { 1 };
        (0..inputs).map(|k| self.towards(id, sample, node, k)).collect()
    }

    /// The same for input `k` alone.
    fn towards(&self, id: NodeId, sample: usize, node: &Node, k: usize) -> &[f64] {
        let start = (k * self.batch + sample) * node.size();
        &self.nodes[id][start..start + node.size()]
    }
}

/// Adjoint errors of one node while contributions come in.
struct Incoming(Contribution);

/// Bounds of |computed − exact| for the adjoints of one sample at the nodes of `stops`.
pub(crate) fn backward_errors(
    network: &Network,
    slopes: &Slopes<f64>,
    adjoints: &[Option<Vec<f64>>],
    sample: usize,
    stops: &[NodeId],
    care: Care,
) -> Vec<Vec<f64>> {
    let graph = network.graph();
    let mut incoming: Vec<Option<Incoming>> = graph.nodes().iter().map(|_| None).collect();
    let mut done: Vec<Option<Vec<f64>>> = vec![None; stops.len()];
    let mut stop_at: Vec<Option<usize>> = vec![None; graph.nodes().len()];
    stops.iter().enumerate().for_each(|(k, &stop)| stop_at[stop] = Some(k));
    for id in (0..=graph.output()).rev() {
        let Some(v) = &adjoints[id] else { continue };
        let node = graph.node(id);
        let size = node.size();
        let v = &v[sample * size..(sample + 1) * size];
        let error = match incoming[id].take() {
            None => vec![0.0; size],
            Some(sum) => sum.total(),
        };
        if let Some(k) = stop_at[id] {
            done[k] = Some(error);
            continue;
        }
        for (k, &input) in node.inputs.iter().enumerate() {
            let received = match &node.op {
                Op::Input => continue,
                Op::Affine(affine) => errors::backward(&affine.maps[k], v, &error, care),
                Op::Kink(_) | Op::Max => line_contribution(slopes.towards(id, sample, node, k), v, &error),
            };
            match &mut incoming[input] {
                None => incoming[input] = Some(Incoming(received)),
                Some(sum) => sum.add(&received),
            }
        }
    }
    let sizes = stops.iter().map(|&stop| graph.node(stop).size());
    done.into_iter().zip(sizes).map(|(error, size)| error.unwrap_or_else(|| vec![0.0; size])).collect()
}

impl Incoming {
    fn add(&mut self, other: &Contribution) {
        let own = &mut self.0;
        own.carried.iter_mut().zip(&other.carried).for_each(|(a, b)| *a += b);
        own.magnitude.iter_mut().zip(&other.magnitude).for_each(|(a, b)| *a += b);
        own.terms += other.terms + 1;
    }

    fn total(self) -> Vec<f64> {
        let Contribution { carried, magnitude, terms } = self.0;
        // A single exact copy (0 terms) rounds nothing.
        let g = if terms == 0 { 0.0 } else { gamma(terms + 4) };
        let factor = 1.0 + gamma(terms + 8);
        carried.into_iter().zip(magnitude).map(|(c, m)| (c + g * m) * factor).collect()
    }
}

/// What an input of a kink or maximum receives through lines of these slopes.
fn line_contribution(slopes: &[f64], v: &[f64], error: &[f64]) -> Contribution {
    if slopes.iter().all(|&s| s == 0.0 || s.abs() == 1.0) {
        let kept = |x: &[f64]| x.iter().zip(slopes).map(|(&x, &s)| x.abs() * s.abs()).collect();
        return Contribution { carried: kept(error), magnitude: kept(v), terms: 0 };
    }
    errors::scaled(v, error, slopes.iter().map(|s| s.abs()))
}
