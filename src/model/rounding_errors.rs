//! A-priori rounding-error bounds for the `f64` passes, entry by entry.
//!
//! For a linear layer the quick bound is γ_n·‖W_i‖₂·‖x̃‖₂ + ‖W_i‖₂·‖e‖₂ (Cauchy–Schwarz, with row norms computed once
//! per model), which costs as much as the layer has outputs. Where inputs or units differ by many orders of magnitude it
//! says nothing: the fine bound is γ_n·Σ|W_ij|·|x̃_j| + Σ|W_ij|·e_j, for as much as the layer itself costs. Every other
//! operation is bounded entry by entry.

use super::graph::{Dense, Kink, Node, NodeId, Op};
use super::map::Map;
use super::network::Network;
use super::passes::{Slopes, Values};
use crate::matrix::{joined, matrix_vector_and_size, part};
use crate::rounding::{TINY, gamma, norm2_up};

/// Twice the unit roundoff: covers one rounding and the rounding of the bound itself.
const STEP: f64 = f64::EPSILON;

/// How closely linear layers are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// By norms of rows and columns.
    Quick,
    /// Entry by entry.
    Fine,
}

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
    (meaning, care): (Meaning, Care),
) -> Vec<Vec<f64>> {
    let graph = network.graph();
    let lines = match meaning {
        Meaning::Function => None,
        Meaning::Lines { slopes, free } => Some((slopes, graph.marked(free))),
    };
    let mut errors: Vec<Vec<f64>> = Vec::with_capacity(graph.nodes().len());
    // (‖x̃‖₂, ‖e‖₂) of the nodes that linear layers read: features are read by every layer.
    let mut norms: Vec<Option<(f64, f64)>> = vec![None; graph.nodes().len()];
    for (id, node) in graph.nodes().iter().enumerate() {
        let error = match &node.op {
            Op::Dense(dense) if care == Care::Fine => {
                fine_errors(dense, values.of(node.inputs[0], sample), &errors[node.inputs[0]])
            }
            Op::Dense(dense) => {
                let x = node.inputs[0];
                let norms = norms[x].get_or_insert_with(|| (norm2_up(values.of(x, sample)), norm2_up(&errors[x])));
                dense_errors(dense, network.cache(id).row_norms(dense), *norms)
            }
            Op::Linear(map) => map_errors(map, values.of(node.inputs[0], sample), &errors[node.inputs[0]]),
            Op::Kink(_) | Op::Max => {
                let lines = lines.as_ref().filter(|(_, free)| !free[id]).map(|(slopes, _)| *slopes);
                kink_errors(values, sample, id, node, &errors, lines)
            }
            _ => elementwise_errors(values, sample, id, node, &errors),
        };
        errors.push(error);
    }
    errors
}

fn dense_errors(dense: &Dense, row_norms: &[f64], (size, carried): (f64, f64)) -> Vec<f64> {
    let g = gamma(dense.cols + 4) * (1.0 + 4.0 * STEP);
    let scale = g * size + carried * (1.0 + 4.0 * STEP);
    let underflow = (dense.cols + 2) as f64 * TINY;
    // Products vanish only where a factor is exactly 0: `scale` itself may have underflowed.
    let nothing = size == 0.0 && carried == 0.0;
    let bound = |norm: f64, bias: f32| {
        let size = norm * scale + g * f64::from(bias).abs();
        if size == 0.0 && (norm == 0.0 || nothing) { 0.0 } else { size * (1.0 + 8.0 * STEP) + underflow }
    };
    row_norms.iter().zip(&dense.bias).map(|(&norm, &bias)| bound(norm, bias)).collect()
}

/// Products of a weight and a number at least this large do not vanish.
const VISIBLE: f64 = 1e-200;

/// |v|, but no less than [`VISIBLE`] unless `v` and its error are 0.
fn visible(v: f64, e: f64) -> f64 {
    if v == 0.0 && e == 0.0 { 0.0 } else { v.abs().max(VISIBLE) }
}

fn fine_errors(dense: &Dense, x: &[f64], errors: &[f64]) -> Vec<f64> {
    let g = gamma(dense.cols + 4) * (1.0 + 4.0 * STEP);
    let size = |(&x, &e): (&f64, &f64)| visible(g * x.abs() + e * (1.0 + 4.0 * STEP), x.abs());
    let sizes: Vec<f64> = x.iter().zip(errors).map(size).collect();
    let (mut values, mut bounds) = (vec![0.0; dense.rows], vec![0.0; dense.rows]);
    matrix_vector_and_size(&mut values, &mut bounds, &dense.weight, x, &sizes);
    let underflow = (dense.cols + 2) as f64 * TINY;
    let bound = |(&size, &bias): (&f64, &f32)| match size == 0.0 {
        true => 0.0,
        false => (size + g * f64::from(bias).abs()) * (1.0 + g) + underflow,
    };
    bounds.iter().zip(&dense.bias).map(bound).collect()
}

/// The same bound for a map; where nothing is rounded, errors are carried.
fn map_errors(map: &Map, x: &[f64], errors: &[f64]) -> Vec<f64> {
    let terms = map.terms();
    if terms == 0 {
        return map.sizes(errors);
    }
    let g = gamma(terms + 4) * (1.0 + 4.0 * STEP);
    let size = |(&x, &e): (&f64, &f64)| visible(g * x.abs() + e * (1.0 + 4.0 * STEP), x.abs());
    let sizes: Vec<f64> = x.iter().zip(errors).map(size).collect();
    let underflow = (terms + 2) as f64 * TINY;
    let bound = |size: f64| if size == 0.0 { 0.0 } else { size * (1.0 + g) + underflow };
    map.sizes(&sizes).into_iter().map(bound).collect()
}

fn elementwise_errors(values: &Values<f64>, sample: usize, id: NodeId, node: &Node, errors: &[Vec<f64>]) -> Vec<f64> {
    let result = values.of(id, sample);
    let scaled = |factors: &mut dyn Iterator<Item = f64>| -> Vec<f64> {
        let e = &errors[node.inputs[0]];
        result.iter().zip(e).zip(factors).map(|((&y, &e), c)| rounded(y, e, c)).collect()
    };
    match &node.op {
        Op::Scale(c) => scaled(&mut c.iter().map(|c| c.abs())),
        Op::Divide(c) => scaled(&mut c.iter().map(|c| (1.0 / c.abs()).next_up())),
        Op::Shift(_) => scaled(&mut std::iter::repeat(1.0)),
        Op::Sum => sum_errors(values, sample, node, errors),
        Op::Concat { outer } => joined(&node.inputs.iter().map(|&id| &errors[id][..]).collect::<Vec<_>>(), *outer),
        Op::Reshape => errors[node.inputs[0]].clone(),
        _ => vec![0.0; result.len()],
    }
}

/// The error of y = c·x rounded once, where x carries the error e; 0 when nothing was rounded and nothing carried.
fn rounded(y: f64, e: f64, c: f64) -> f64 {
    let size = c * e + STEP * y.abs();
    if size == 0.0 && (e == 0.0 || c == 0.0) && y == 0.0 {
        // c·x may have underflowed to 0, unless a factor is 0: one TINY covers both.
        return if c == 0.0 { 0.0 } else { TINY };
    }
    size * (1.0 + 4.0 * STEP) + TINY
}

fn sum_errors(values: &Values<f64>, sample: usize, node: &Node, errors: &[Vec<f64>]) -> Vec<f64> {
    let size = errors[node.inputs[0]].len();
    let (mut carried, mut magnitude) = (vec![0.0; size], vec![0.0; size]);
    for &input in &node.inputs {
        let x = values.of(input, sample);
        for i in 0..size {
            carried[i] += errors[input][i];
            magnitude[i] += x[i].abs();
        }
    }
    let g = gamma(node.inputs.len() + 2);
    carried.iter().zip(magnitude).map(|(c, m)| (c + g * m) * (1.0 + gamma(node.inputs.len() + 4))).collect()
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
struct Incoming {
    /// Bounds of the contributions' own errors.
    carried: Vec<f64>,
    /// Bounds of the sum of the contributions' sizes.
    magnitude: Vec<f64>,
    terms: usize,
}

/// Bounds of |computed − exact| for the adjoints of one sample at the nodes of `stops`.
pub(crate) fn backward_errors(
    network: &Network,
    slopes: &Slopes<f64>,
    adjoints: &[Option<Vec<f64>>],
    sample: usize,
    (stops, care): (&[NodeId], Care),
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
        let mut before = 0;
        for k in 0..node.inputs.len() {
            let (carried, magnitude, terms) = match &node.op {
                Op::Dense(dense) if care == Care::Fine => fine_contributions(dense, v, &error),
                _ => contribution_errors(network, slopes, id, (k, before), v, &error, sample),
            };
            before += carried.len();
            let slot = &mut incoming[node.inputs[k]];
            match slot {
                None => *slot = Some(Incoming { carried, magnitude, terms }),
                Some(sum) => sum.add(&carried, &magnitude, terms),
            }
        }
    }
    let sizes = stops.iter().map(|&stop| graph.node(stop).size());
    done.into_iter().zip(sizes).map(|(error, size)| error.unwrap_or_else(|| vec![0.0; size])).collect()
}

impl Incoming {
    fn add(&mut self, carried: &[f64], magnitude: &[f64], terms: usize) {
        for i in 0..carried.len() {
            self.carried[i] += carried[i];
            self.magnitude[i] += magnitude[i];
        }
        self.terms += terms + 1;
    }

    fn total(self) -> Vec<f64> {
        // A single exact copy (0 terms) rounds nothing.
        let g = if self.terms == 0 { 0.0 } else { gamma(self.terms + 4) };
        let factor = 1.0 + gamma(self.terms + 8);
        self.carried.into_iter().zip(self.magnitude).map(|(c, m)| (c + g * m) * factor).collect()
    }
}

/// The same of what a linear layer's input receives, entry by entry.
fn fine_contributions(dense: &Dense, v: &[f64], error: &[f64]) -> (Vec<f64>, Vec<f64>, usize) {
    let (mut carried, mut magnitude) = (vec![0.0; dense.cols], vec![0.0; dense.cols]);
    for i in (0..dense.rows).filter(|&i| v[i] != 0.0 || error[i] != 0.0) {
        let (size, error) = (visible(v[i], error[i]), visible(error[i], 0.0));
        for ((carried, magnitude), &w) in carried.iter_mut().zip(&mut magnitude).zip(dense.row(i)) {
            let w = f64::from(w).abs();
            *carried += w * error;
            *magnitude += w * size;
        }
    }
    let underflow = dense.rows as f64 * TINY;
    carried
        .iter_mut()
        .zip(&magnitude)
        .for_each(|(carried, &size)| *carried += if size == 0.0 { 0.0 } else { underflow });
    (carried, magnitude, dense.rows)
}

/// The same of what a map's input receives.
fn map_contributions(map: &Map, v: &[f64], error: &[f64]) -> (Vec<f64>, Vec<f64>, usize) {
    let terms = map.transposed_terms();
    if map.terms() == 0 {
        let sizes: Vec<f64> = v.iter().map(|v| v.abs()).collect();
        return (map.transposed_sizes(error), map.transposed_sizes(&sizes), terms);
    }
    let pairs = || v.iter().zip(error);
    let sizes: Vec<f64> = pairs().map(|(&v, &e)| visible(v, e)).collect();
    // Where an adjoint or its error is not 0, neither vanishes.
    let carried: Vec<f64> = pairs().map(|(&v, &e)| if v == 0.0 && e == 0.0 { 0.0 } else { visible(e, 0.0) }).collect();
    let magnitude = map.transposed_sizes(&sizes);
    let underflow = terms as f64 * TINY;
    let raised = |(carried, &size): (f64, &f64)| carried + if size == 0.0 { 0.0 } else { underflow };
    (map.transposed_sizes(&carried).into_iter().zip(&magnitude).map(raised).collect(), magnitude, terms)
}

/// (errors carried, sizes, roundings per entry) of what input `k` of node `id` receives, which has `before` entries in
/// the inputs before it.
fn contribution_errors(
    network: &Network,
    slopes: &Slopes<f64>,
    id: NodeId,
    (k, before): (usize, usize),
    v: &[f64],
    error: &[f64],
    sample: usize,
) -> (Vec<f64>, Vec<f64>, usize) {
    let graph = network.graph();
    let node = graph.node(id);
    let scaled = |factors: &mut dyn Iterator<Item = f64>| {
        let (mut carried, mut magnitude) = (Vec::with_capacity(v.len()), Vec::with_capacity(v.len()));
        for ((&v, &e), c) in v.iter().zip(error).zip(factors) {
            // An adjoint that underflowed to 0 carries an error, and its product with c is not 0 either.
            let underflow = if c == 0.0 || (v == 0.0 && e == 0.0) { 0.0 } else { TINY };
            carried.push(c * e * (1.0 + 2.0 * STEP) + underflow);
            magnitude.push((c * v.abs() + underflow) * (1.0 + 2.0 * STEP));
        }
        (carried, magnitude, 1)
    };
    match &node.op {
        Op::Dense(dense) => {
            let norms = network.cache(id).col_norms(dense);
            let (size, carried) = (norm2_up(v), norm2_up(error));
            let underflow = if size == 0.0 && carried == 0.0 { 0.0 } else { dense.rows as f64 * TINY };
            let times = |x: f64| -> Vec<f64> {
                let x = x * (1.0 + STEP);
                norms.iter().map(|&norm| if norm == 0.0 { 0.0 } else { norm * x + underflow }).collect()
            };
            (times(carried), times(size), dense.rows)
        }
        Op::Linear(map) => map_contributions(map, v, error),
        Op::Scale(c) => scaled(&mut c.iter().map(|c| c.abs())),
        Op::Divide(c) => scaled(&mut c.iter().map(|c| (1.0 / c.abs()).next_up())),
        Op::Kink(_) | Op::Max => {
            let slopes = slopes.towards(id, sample, node, k);
            if slopes.iter().all(|&s| s == 0.0 || s.abs() == 1.0) {
                let kept = |x: &[f64]| x.iter().zip(slopes).map(|(&x, &s)| x.abs() * s.abs()).collect();
                (kept(error), kept(v), 0)
            } else {
                scaled(&mut slopes.iter().map(|s| s.abs()))
            }
        }
        Op::Concat { outer } => {
            let size = graph.node(node.inputs[k]).size();
            (part(error, before, size, *outer), part(v, before, size, *outer).iter().map(|v| v.abs()).collect(), 0)
        }
        _ => (error.to_vec(), v.iter().map(|v| v.abs()).collect(), 0),
    }
}
