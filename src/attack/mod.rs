//! The nearest point with f ≤ 0 that first-order search finds.
//!
//! An attack proves nothing about robustness; what it finds bounds every radius from above, after
//! [`witness`](crate::query::witness) has verified it with rigorous rounding. The search itself is in `f32`.

mod descent;
mod geometry;
mod majorant;
mod plane;
mod shrink;
mod starts;

use crate::model::Model;
use crate::model::passes::{backward, forward, tangent_slopes};
use crate::query::{Query, Witness};
use crate::radius::lp::Lp;
use crate::radius::{Method, Samples};
use std::fmt;

/// How hard to look. The same settings give the same witness, whatever the number of threads.
///
/// - Method: from the input, from points around it and on the way to samples of the other class, steps to the nearest
///   point of the current linearisation, pulled back towards the input (Croce & Hein, *Minimally distorted adversarial
///   examples with a fast adaptive boundary attack*, ICML 2020, for p = 1, 2, ∞); then the best points are pushed into
///   smaller and smaller balls by Polyak steps, and the crossing on the ray through each of them is verified.
/// - Cost: `starts` · (`descents` + `shrinks`) passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Points to start from.
    pub starts: usize,
    /// Steps from every start.
    pub descents: usize,
    /// Steps that shrink the distance.
    pub shrinks: usize,
    /// Rays on which the crossing is verified.
    pub rays: usize,
    /// Where φ has kinks: convex programs solved from the best points on, each for a convex function above f.
    pub programs: usize,
}

impl Default for Attack {
    fn default() -> Attack {
        Attack { starts: 8, descents: 40, shrinks: 160, rays: 3, programs: 1 }
    }
}

/// Constants of a network that counts as large.
const LARGE: usize = 160_000;

/// Relative progress below which no further program is solved.
const LITTLE: f64 = 1e-5;

/// A point with f ≤ 0 in floats, and its distance.
#[derive(Clone, Debug)]
struct Candidate {
    point: Vec<f64>,
    distance: f64,
}

impl Attack {
    /// What is worth its time on `model`: the smaller the network, the more starts; `thorough` takes several times as
    /// long.
    pub fn sized(model: &Model, thorough: bool) -> Attack {
        let plain = Attack::default();
        let factor = (LARGE / constants(model).max(1)).clamp(1, 8) * if thorough { 4 } else { 1 };
        let longer = if thorough { 3 } else { 1 };
        Attack {
            starts: plain.starts * factor,
            descents: plain.descents,
            shrinks: plain.shrinks * longer,
            rays: plain.rays + factor,
            programs: plain.programs * factor,
        }
    }

    /// The nearest verified point with f ≤ 0 that the search finds, inside the box if there is one.
    ///
    /// The query's index decides the random starts; `others` are samples of the other class, nearest first.
    pub fn nearest(&self, query: Query, others: &[&[f64]]) -> Option<Witness> {
        if !query.model.heads().is_empty() {
            let of_head = |head| self.nearest(Query { model: head, ..query }, others);
            let found = query.model.heads().iter().filter_map(of_head);
            return found.min_by(|a, b| a.distance.total_cmp(&b.distance));
        }
        let tangent = tangent_point(query);
        let starts = starts::starts(query, &tangent, others, self.starts.max(1));
        let mut found = descent::descend(query, starts, self.descents);
        nearest_first(&mut found);
        found.truncate(self.starts.max(1));
        let mut best = shrink::shrink(query, found, self.shrinks);
        nearest_first(&mut best);
        let points = best.iter().take(self.rays.max(1)).map(|candidate| candidate.point.as_slice());
        let rays = points.chain([tangent.as_slice()]).chain(others.iter().copied().take(1));
        let mut verified: Vec<Witness> = rays.filter_map(|point| query.along_ray(point)).collect();
        verified.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        convex_steps(query, verified, self.programs)
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Attack { starts, descents, shrinks, rays, programs } = self;
        write!(
            f,
            "{starts} starts, {descents} descent steps, {shrinks} shrinking steps, {rays} rays verified, at most \
             {programs} convex programs"
        )
    }
}

/// Number of constants of a network.
pub fn constants(model: &Model) -> usize {
    model.graph().nodes().iter().map(|node| node.op.constants()).sum()
}

fn nearest_first(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| a.distance.total_cmp(&b.distance));
}

/// f and a gradient at every point of `points` `[batch × size]`, in single precision.
fn slopes(query: Query, points: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let network = query.model.network();
    let points: Vec<f32> = points.iter().map(|&v| v as f32).collect();
    let values = forward(network, &points);
    let lines = tangent_slopes(network, &values);
    let gradients = backward(network, &lines, &[0]).remove(0);
    let logits = &values.nodes[network.graph().output()];
    let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect();
    (wide(logits), wide(&gradients))
}

/// The nearest of `witnesses`, nearest first, and of what `programs` convex programs make of them.
fn convex_steps(query: Query, witnesses: Vec<Witness>, mut programs: usize) -> Option<Witness> {
    let mut best = witnesses.first().cloned();
    for mut witness in witnesses {
        while programs > 0 {
            programs -= 1;
            let next = convex_step(query, &witness.point);
            let Some(next) = next.filter(|next| next.distance < witness.distance) else { break };
            let little = next.distance > witness.distance * (1.0 - LITTLE);
            witness = next;
            if little {
                break;
            }
        }
        if best.as_ref().is_none_or(|best| witness.distance < best.distance) {
            best = Some(witness);
        }
    }
    best
}

/// The nearest point at which the convex function above f that touches it at `point` is 0, for φ with kinks.
fn convex_step(query: Query, point: &[f64]) -> Option<Witness> {
    if query.model.convexity().is_ok_and(|convexity| convexity.free.is_empty()) {
        return None;
    }
    let above = majorant::majorant(query.model, &forward(query.model.network(), point))?;
    let samples = Samples::new(query.x, query.size());
    let nearest = Lp::default().certify(&above, samples, query.perturbation).remove(0).witness?;
    query.along_ray(&nearest.point)
}

/// The point nearest to x at which x's tangent plane is 0.
fn tangent_point(query: Query) -> Vec<f64> {
    let (values, gradient) = slopes(query, query.x);
    let rooms = geometry::Rooms::in_box(query.x, query.perturbation);
    let step = geometry::step(query.norm(), &gradient, values[0].max(0.0), &rooms);
    query.clipped(query.x.iter().zip(&step).map(|(x, d)| x + d).collect())
}
