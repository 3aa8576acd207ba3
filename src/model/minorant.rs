//! Affine minorants of the network with rigorous error bounds (METHOD §2).
//!
//! Replacing every kink by a line s·t with s between its two slopes, and every maximum by a convex combination of its
//! inputs, bounds a convex network below everywhere by an affine function. Its value at x and its coefficients are
//! computed in `f64` together with bounds of their rounding errors.

use super::network::Network;
use super::op::NodeId;
use super::passes::{Slopes, Values, adjoints, forward, forward_lines, lines_at, tangent_slopes};
use super::rounding_errors::{Care, Meaning, backward_errors, forward_errors};
use crate::rounding::{add_up, sub_down};

/// A real number within `error` of `value`. Both may be NaN or infinite after an overflow: then nothing is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enclosed {
    /// The computed number.
    pub value: f64,
    /// Bound of |computed − exact|.
    pub error: f64,
}

impl Enclosed {
    /// Not above the exact number; −∞ when nothing is known.
    pub fn lower(self) -> f64 {
        let lower = if self.error == 0.0 { self.value } else { sub_down(self.value, self.error) };
        if lower.is_nan() { f64::NEG_INFINITY } else { lower }
    }

    /// Not below the exact number; ∞ when nothing is known.
    pub fn upper(self) -> f64 {
        let upper = if self.error == 0.0 { self.value } else { add_up(self.value, self.error) };
        if upper.is_nan() { f64::INFINITY } else { upper }
    }
}

/// Coefficients of a minorant at one node.
#[derive(Clone, Debug)]
pub struct Part {
    /// The node that the coefficients multiply.
    pub node: NodeId,
    /// `[size]`.
    pub coefficients: Vec<f64>,
    /// `[size]`, bounds of their errors.
    pub errors: Vec<f64>,
}

/// f(x') ≥ value + Σ over the parts of coefficients · (node(x') − node(x)), for every x'.
#[derive(Clone, Debug)]
pub struct Minorant {
    /// The minorant's value at the sample that it was made for.
    pub value: Enclosed,
    /// One per stop, in order.
    pub parts: Vec<Part>,
}

/// Where a minorant's coefficients are collected, and which kinks stay themselves.
#[derive(Clone, Copy, Debug)]
pub struct Stops<'a> {
    /// Nodes at which the backward pass stops: together they separate the output from everything nonlinear below.
    pub nodes: &'a [NodeId],
    /// Kinks and maxima of the feature map, which are no lines.
    pub free: &'a [NodeId],
}

/// The output's exact value at every sample of `inputs` `[batch × input size]`, enclosed; finely where its sign is in
/// question.
pub fn enclose(network: &Network, inputs: &[f64]) -> Vec<Enclosed> {
    let values = forward(network, inputs);
    let with = |sample: usize, care: Care| {
        let errors = forward_errors(network, &values, sample, Meaning::Function, care);
        enclosed(&values, &errors, network.graph().output(), sample)[0]
    };
    let one = |sample: usize| {
        let quick = with(sample, Care::Quick);
        let known = quick.value.abs() > quick.error || !quick.value.is_finite();
        if known { quick } else { with(sample, Care::Fine) }
    };
    (0..values.batch).map(one).collect()
}

/// Samples per pass: enough for blocked products, few enough that a pass stays in the cache and in reused memory.
const CACHED: usize = 34;

/// The tangent minorant at every sample of `inputs` `[batch × input size]`.
pub fn tangents(network: &Network, inputs: &[f64], stops: Stops) -> Vec<Minorant> {
    let chunk = CACHED * network.graph().input_size();
    inputs.chunks(chunk).flat_map(|inputs| tangents_at(network, &forward(network, inputs), stops)).collect()
}

/// The same for samples that have been evaluated already.
pub fn tangents_at(network: &Network, values: &Values<f64>, stops: Stops) -> Vec<Minorant> {
    collect(network, values, &tangent_slopes(network, values), stops)
}

/// The minorant with the given slopes, one per sample of `inputs`. Slopes outside a kink's own interval are moved to
/// its nearest end, so that no slopes whatever can make the minorant unsound.
pub fn minorants(network: &Network, inputs: &[f64], mut slopes: Slopes<f64>, stops: Stops) -> Vec<Minorant> {
    legalise(network, &mut slopes);
    let values = forward_lines(network, inputs, &slopes, stops.free);
    collect(network, &values, &slopes, stops)
}

/// The same for samples that have been evaluated already.
pub fn minorants_at(network: &Network, known: &Values<f64>, mut slopes: Slopes<f64>, stops: Stops) -> Vec<Minorant> {
    legalise(network, &mut slopes);
    collect(network, &lines_at(network, known, &slopes, stops.free), &slopes, stops)
}

fn enclosed(values: &Values<f64>, errors: &[Vec<f64>], node: NodeId, sample: usize) -> Vec<Enclosed> {
    values.of(node, sample).iter().zip(&errors[node]).map(|(&value, &error)| Enclosed { value, error }).collect()
}

fn collect(network: &Network, values: &Values<f64>, slopes: &Slopes<f64>, stops: Stops) -> Vec<Minorant> {
    let adjoints = adjoints(network, slopes, stops.nodes);
    let with = |sample: usize, care: Care| {
        let meaning = Meaning::Lines { slopes, free: stops.free };
        let forward = forward_errors(network, values, sample, meaning, care);
        let backward = backward_errors(network, slopes, &adjoints, sample, stops.nodes, care);
        let parts = stops.nodes.iter().zip(backward).map(|(&node, errors)| Part {
            node,
            coefficients: match &adjoints[node] {
                None => vec![0.0; errors.len()],
                Some(all) => all[sample * errors.len()..(sample + 1) * errors.len()].to_vec(),
            },
            errors,
        });
        Minorant { value: enclosed(values, &forward, network.graph().output(), sample)[0], parts: parts.collect() }
    };
    let one = |sample: usize| {
        let quick = with(sample, Care::Quick);
        if quick.is_precise() || !quick.value.value.is_finite() { quick } else { with(sample, Care::Fine) }
    };
    (0..values.batch).map(one).collect()
}

/// Errors above this share are worth a finer look.
const PRECISE: f64 = 1e-9;

impl Minorant {
    /// Whether the errors hardly matter, to the value and to the slopes as a whole.
    fn is_precise(&self) -> bool {
        let sum = |of: fn(&Part) -> &[f64]| self.parts.iter().flat_map(of).map(|v| v.abs()).sum::<f64>();
        let (size, error) = (sum(|part| &part.coefficients), sum(|part| &part.errors));
        self.value.error <= PRECISE * self.value.value.abs() && error <= PRECISE * size
    }
}

/// Grid on which the weights of a maximum are exact and sum to exactly 1.
const WEIGHT_GRID: f64 = (1_u64 << 40) as f64;

fn legalise(network: &Network, slopes: &mut Slopes<f64>) {
    for (node, slopes) in network.graph().nodes().iter().zip(&mut slopes.nodes) {
        if let Some(kink) = node.op.kink() {
            let (low, high) = (kink.below.min(kink.above), kink.below.max(kink.above));
            slopes.iter_mut().for_each(|s| *s = if s.is_nan() { high } else { s.clamp(low, high) });
        } else if node.op.is_unit() {
            legalise_weights(slopes, node.inputs.len());
        }
    }
}

/// Rounds weights down to the grid and gives what is missing to the first input.
fn legalise_weights(weights: &mut [f64], inputs: usize) {
    let size = weights.len() / inputs;
    for i in 0..size {
        let total: f64 = (0..inputs).map(|k| weights[k * size + i].max(0.0)).sum();
        let mut left = WEIGHT_GRID;
        for k in 1..inputs {
            let share = (weights[k * size + i].max(0.0) / total * WEIGHT_GRID).floor();
            let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, left) };
            left -= share;
            weights[k * size + i] = share / WEIGHT_GRID;
        }
        weights[i] = left / WEIGHT_GRID;
    }
}
