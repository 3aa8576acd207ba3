//! Affine minorants of the network with rigorous error bounds (METHOD §2).
//!
//! Replacing every kink by a line s·t with s between its two slopes, and every maximum by a convex combination of its
//! inputs, bounds a convex network below everywhere by an affine function. Its value at x and its coefficients are
//! computed in `f64` together with bounds of their rounding errors.

use super::backward_errors::{BackwardErrors, backward_errors};
use super::curvature::ancestors;
use super::curve;
use super::network::Network;
use super::op::NodeId;
use super::passes::{Slopes, Values, adjoints, forward, forward_lines, lines_at, tangent_slopes};
use super::rounding_errors::{Care, ForwardErrors, Meaning, forward_errors};
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

    /// The smaller one of two numbers.
    pub fn min(self, other: Enclosed) -> Enclosed {
        if other.lower() == f64::NEG_INFINITY || self.lower() == f64::NEG_INFINITY {
            return Enclosed { value: f64::NAN, error: f64::NAN };
        }
        let value = self.value.min(other.value);
        let (below, above) = (self.lower().min(other.lower()), self.upper().min(other.upper()));
        let error = [value - below, above - value].map(|side| if side > 0.0 { side.next_up() } else { 0.0 });
        Enclosed { value, error: error[0].max(error[1]) }
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

impl Part {
    /// Upper bounds of the coefficients' absolute values.
    pub fn sizes(&self) -> impl Iterator<Item = f64> {
        self.coefficients.iter().zip(&self.errors).map(|(&c, &e)| steepness(c, e))
    }
}

/// An upper bound of |c| for a slope within `e` of `c`; without an error |c| itself.
#[inline(always)]
pub fn steepness(c: f64, e: f64) -> f64 {
    // Two roundings, and one of the bound; a sum that is subnormal is exact.
    let sum = (c.abs() + e) * (1.0 + 2.0 * f64::EPSILON);
    if e == 0.0 { c.abs() } else { sum }
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
    in_chunks(network, inputs, |inputs| enclosed_outputs(network, &forward(network, inputs)))
}

fn enclosed_outputs(network: &Network, values: &Values<f64>) -> Vec<Enclosed> {
    let quick = forward_errors(network, values, Meaning::Function, Care::Quick, vec![false; values.nodes.len()]);
    let one = |sample: usize| {
        let quick = enclosed(network, values, &quick, sample);
        let known = quick.value.abs() > quick.error || !quick.value.is_finite();
        if known { quick } else { finely(network, values, sample) }
    };
    (0..values.batch).map(one).collect()
}

/// The output at one sample, by the finest bounds.
fn finely(network: &Network, values: &Values<f64>, sample: usize) -> Enclosed {
    let values = values.only(sample);
    enclosed(
        network,
        &values,
        &forward_errors(network, &values, Meaning::Function, Care::Fine, vec![false; values.nodes.len()]),
        0,
    )
}

/// Values of a node in one pass: few enough that a pass stays in the cache and in memory that is used again …
const CACHED: usize = 1 << 15;

/// … for samples enough for blocked products, where matrices are more than the values, and no more than pay.
const SAMPLES: std::ops::RangeInclusive<usize> = 8..=34;

/// Where the constants do not stay in the cache, samples enough to make up for reading them.
const STREAMED: usize = 128;

/// Constants that stay in the cache.
const MOST_CACHED: usize = 1 << 20;

/// Samples with more values than this are passed one by one.
const MOST_VALUES: usize = 1 << 22;

/// How many samples a pass takes at once.
fn chunk(network: &Network) -> usize {
    let nodes = network.graph().nodes();
    let constants = nodes.iter().map(|node| node.op.constants()).sum::<usize>();
    let sizes = || nodes.iter().map(|node| node.size());
    let least = if constants > sizes().sum() { *SAMPLES.start() } else { 1 };
    let cached = (CACHED / sizes().max().unwrap_or(1)).clamp(least, *SAMPLES.end());
    let most = if constants > MOST_CACHED { STREAMED } else { cached };
    most.min(MOST_VALUES / sizes().sum::<usize>()).max(1)
}

fn in_chunks<T>(network: &Network, inputs: &[f64], pass: impl Fn(&[f64]) -> Vec<T>) -> Vec<T> {
    inputs.chunks(chunk(network) * network.graph().input_size()).flat_map(pass).collect()
}

/// The tangent minorant at every sample of `inputs` `[batch × input size]`.
pub fn tangents(network: &Network, inputs: &[f64], stops: Stops) -> Vec<Minorant> {
    in_chunks(network, inputs, |inputs| tangents_at(network, &forward(network, inputs), stops))
}

/// The tangent plane at a sample of a feature-convex network, as one forward and one backward pass have it.
#[derive(Clone, Debug)]
pub struct Planes {
    /// f(x), as [`enclose`] has it.
    pub logit: Enclosed,
    /// The tangent minorant in the features.
    pub features: Minorant,
    /// The tangent minorant in x; `None` where it is the same.
    below: Option<Minorant>,
}

impl Planes {
    /// The tangent minorant in x and φ's bent nodes.
    pub fn inputs(&self) -> &Minorant {
        self.below.as_ref().unwrap_or(&self.features)
    }
}

/// The planes at every sample of `inputs` `[batch × input size]`, in the `features` and in what is `below` them.
pub fn planes(network: &Network, inputs: &[f64], features: Stops, below: Stops) -> Vec<Planes> {
    in_chunks(network, inputs, |inputs| planes_at(network, &forward(network, inputs), features, below))
}

fn planes_at(network: &Network, values: &Values<f64>, features: Stops, below: Stops) -> Vec<Planes> {
    let slopes = tangent_slopes(network, values);
    let apart = features.nodes != below.nodes;
    let together = apart && one_after_the_other(network, features.nodes, below.nodes);
    let wanted = [features.nodes, if together { below.nodes } else { &[] }].concat();
    let first = Passed::new(network, values, &slopes, if together { below } else { features });
    let (minorants, errors) = first.collect(&wanted);
    let apart = (apart && !together).then(|| Passed::new(network, values, &slopes, below).collect(below.nodes).0);
    let mut apart = apart.map(Vec::into_iter);
    let one = |(sample, mut minorant): (usize, Minorant)| {
        let logit = match minorant.value {
            value if errors.is_certain(network, values, sample) && value.value.abs() > value.error => value,
            _ => enclosed_outputs(network, &values.only(sample))[0],
        };
        let parts = minorant.parts.split_off(features.nodes.len());
        let below = match &mut apart {
            Some(all) => all.next(),
            None => together.then_some(Minorant { value: minorant.value, parts }),
        };
        Planes { logit, features: minorant, below }
    };
    minorants.into_iter().enumerate().map(one).collect()
}

/// Whether what flows from the `features` down to `below` passes through no other feature.
fn one_after_the_other(network: &Network, features: &[NodeId], below: &[NodeId]) -> bool {
    let graph = network.graph();
    let (is_feature, stopped) = (graph.marked(features), graph.marked(below));
    let mut reached = vec![false; graph.nodes().len()];
    for id in (0..reached.len()).rev().filter(|&id| !stopped[id]) {
        if reached[id] || is_feature[id] {
            graph.node(id).inputs.iter().for_each(|&input| reached[input] = true);
        }
    }
    features.iter().all(|&feature| stopped[feature] || !reached[feature])
}

/// The same for samples that have been evaluated already.
pub fn tangents_at(network: &Network, values: &Values<f64>, stops: Stops) -> Vec<Minorant> {
    Passed::new(network, values, &tangent_slopes(network, values), stops).collect(stops.nodes).0
}

/// The minorant with the given slopes, one per sample of `inputs`. Slopes outside a kink's own interval are moved to
/// its nearest end, so that no slopes whatever can make the minorant unsound.
pub fn minorants(network: &Network, inputs: &[f64], mut slopes: Slopes<f64>, stops: Stops) -> Vec<Minorant> {
    legalise(network, &mut slopes);
    let values = forward_lines(network, inputs, &slopes, stops.free);
    Passed::new(network, &values, &slopes, stops).collect(stops.nodes).0
}

/// The same for samples that have been evaluated already.
pub fn minorants_at(network: &Network, known: &Values<f64>, mut slopes: Slopes<f64>, stops: Stops) -> Vec<Minorant> {
    legalise(network, &mut slopes);
    let values = lines_at(network, known, &slopes, stops.free);
    Passed::new(network, &values, &slopes, stops).collect(stops.nodes).0
}

fn enclosed(network: &Network, values: &Values<f64>, errors: &ForwardErrors, sample: usize) -> Enclosed {
    let output = network.graph().output();
    Enclosed { value: values.of(output, sample)[0], error: errors.of(output, sample, 1, 0) }
}

/// A batch passed forwards and backwards through the lines of its slopes.
struct Passed<'a> {
    network: &'a Network,
    values: &'a Values<f64>,
    slopes: &'a Slopes<f64>,
    stops: Stops<'a>,
    adjoints: Vec<Option<Vec<f64>>>,
}

impl<'a> Passed<'a> {
    fn new(network: &'a Network, values: &'a Values<f64>, slopes: &'a Slopes<f64>, stops: Stops<'a>) -> Passed<'a> {
        Passed { network, values, slopes, stops, adjoints: adjoints(network, slopes, stops.nodes) }
    }

    /// The minorants with their coefficients at the `wanted` nodes, and the quick bounds of the forward pass.
    fn collect(&self, wanted: &[NodeId]) -> (Vec<Minorant>, ForwardErrors) {
        let (forward, backward) = self.errors(Care::Quick);
        let one = |sample: usize| {
            let quick = self.minorant(wanted, sample, &forward, &backward);
            if quick.is_precise() || !quick.value.value.is_finite() { quick } else { self.finely(wanted, sample) }
        };
        ((0..self.values.batch).map(one).collect(), forward)
    }

    fn finely(&self, wanted: &[NodeId], sample: usize) -> Minorant {
        let (values, slopes) = (&self.values.only(sample), &self.slopes.only(self.network, sample));
        let batch = self.values.batch;
        let only = |all: &Option<Vec<f64>>| all.as_ref().map(|all| all[part(all.len(), batch, sample)].to_vec());
        let adjoints = self.adjoints.iter().map(only).collect();
        let alone = Passed { values, slopes, adjoints, ..*self };
        let (forward, backward) = alone.errors(Care::Fine);
        alone.minorant(wanted, 0, &forward, &backward)
    }

    /// Below the stops errors are carried on, above them each node's own ones reach the output through its adjoint.
    fn errors(&self, care: Care) -> (ForwardErrors, BackwardErrors) {
        let Passed { network, slopes, stops, .. } = *self;
        let meaning = Meaning::Lines { slopes, free: stops.free };
        let alone = ancestors(network.graph(), stops.nodes).into_iter().map(|below| !below).collect();
        let backward = backward_errors(network, slopes, &self.adjoints, stops.nodes, care);
        (forward_errors(network, self.values, meaning, care, alone), backward)
    }

    fn minorant(
        &self,
        wanted: &[NodeId],
        sample: usize,
        forward: &ForwardErrors,
        backward: &BackwardErrors,
    ) -> Minorant {
        let part = |&node: &NodeId| {
            let size = self.network.graph().node(node).size();
            let all = self.adjoints[node].as_ref();
            let coefficients =
                all.map_or_else(|| vec![0.0; size], |all| all[sample * size..(sample + 1) * size].to_vec());
            let errors = backward.of(node, sample, &coefficients).unwrap_or_else(|| vec![0.0; size]);
            Part { node, coefficients, errors }
        };
        let value = self.values.of(self.network.graph().output(), sample)[0];
        let error = forward.through(&self.adjoints, backward, sample);
        Minorant { value: Enclosed { value, error }, parts: wanted.iter().map(part).collect() }
    }
}

/// Where one sample's entries are among those of a batch.
fn part(entries: usize, batch: usize, sample: usize) -> std::ops::Range<usize> {
    let size = entries / batch;
    sample * size..(sample + 1) * size
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

fn legalise(network: &Network, slopes: &mut Slopes<f64>) {
    for (node, slopes) in network.graph().nodes().iter().zip(&mut slopes.nodes) {
        if let Some(kink) = node.op.kink() {
            let (low, high) = (kink.below.min(kink.above), kink.below.max(kink.above));
            slopes.iter_mut().for_each(|s| *s = if s.is_nan() { high } else { s.clamp(low, high) });
        } else if let (Some(curve), 1) = (node.op.curve(), node.inputs.len()) {
            slopes.iter_mut().for_each(|s| *s = curve.legal(*s));
        } else if node.op.is_unit() {
            curve::legalise_weights(slopes, node.inputs.len());
        }
    }
}
