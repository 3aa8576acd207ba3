//! Cutting planes: the best affine minorant instead of the first one.

mod ball;
mod branch;
mod cuts;
mod found;
mod master;
mod moves;
mod piecewise;
mod places;
mod search;
mod smooth;
mod task;

use crate::model::Model;
use crate::model::passes::forward;
use crate::query::{Perturbation, Query};
use crate::radius::{
    Cost, Guarantee, Method, Needs, Outcome, Radius, Samples, Setting, Verdict, does_not_apply, not_certified, sharp,
};
pub use crate::radius::{EXACT_GAP, Limits};

/// What can be set about both methods.
const LIMITED: &[Setting] = &[Setting::Gap, Setting::Seconds, Setting::Passes];

/// Beyond this many radii known at the start no finite radius is claimed without a witness: slopes of 32 bits prove less.
const FAR: f64 = 1e8;

/// The best affine minorant by cutting planes, for as long as it pays: an anytime bound.
///
/// - Requirement: f = g ∘ φ with g convex and φ coordinate-wise; every p ≥ 1.
/// - Guarantee: sound, and never below `sharp`. `detail` names the gap to the nearest witness.
/// - Method: every point evaluated adds its tangent plane; the next point is the nearest one that no plane excludes, moved
///   towards the nearest point known with f ≤ 0. The multipliers of the planes make one slope per unit, whose minorant is
///   evaluated with rigorous rounding; rays through the points give witnesses. Kinks of φ are branched on as in [`Exact`].
/// - Cost: a few passes, and a small problem in as many unknowns as there are planes after each of them.
/// - Reference: Kelley 1960; Ben-Ameur and Neto 2007 (in-out separation); METHOD §3.
#[derive(Clone, Copy, Debug)]
pub struct Tightened {
    /// When to stop.
    pub limits: Limits,
}

/// The same until both sides meet, with branch and bound on the sides of φ's kinks where there are some.
///
/// - Requirement: as for [`Tightened`].
/// - Guarantee: exact where both sides are proven and agree to [`EXACT_GAP`] (`detail` names the gap), else sound.
/// - Method: as for [`Tightened`]. Where φ has kinks, f is not convex in x: the ball is cut at the kink that the solution
///   violates most, the weakest part first, and every part has its own minorant. Points with f ≤ 0 are drawn nearer on
///   their own sides of the kinks, where f is convex.
/// - Cost: 5 to 100 passes; with kinks that many per part, and up to 500 parts.
/// - Reference: as for [`Tightened`].
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    /// When to stop.
    pub limits: Limits,
}

impl Default for Tightened {
    fn default() -> Tightened {
        Tightened { limits: Limits { gap: 1e-3, ..Exact::default().limits } }
    }
}

impl Default for Exact {
    fn default() -> Exact {
        Exact { limits: Limits { gap: EXACT_GAP, seconds: 60.0, passes: 2000 } }
    }
}

impl Method for Tightened {
    fn name(&self) -> &'static str {
        "tightened"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Sound
    }

    fn needs(&self) -> Needs {
        Needs::FeatureConvex
    }

    fn cost(&self) -> Cost {
        Cost::Search
    }

    fn settings(&self) -> &'static [Setting] {
        LIMITED
    }

    fn limits(&self) -> Option<Limits> {
        Some(self.limits)
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        certify(model, samples, perturbation, self.limits)
    }
}

impl Method for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Exact
    }

    fn needs(&self) -> Needs {
        Needs::FeatureConvex
    }

    fn cost(&self) -> Cost {
        Cost::Search
    }

    fn settings(&self) -> &'static [Setting] {
        LIMITED
    }

    fn limits(&self) -> Option<Limits> {
        Some(self.limits)
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        certify(model, samples, perturbation, self.limits)
    }
}

fn certify(model: &Model, samples: Samples, perturbation: Perturbation, limits: Limits) -> Vec<Outcome> {
    match model.convexity() {
        Ok(_) => (0..samples.count()).map(|i| one(samples.query(i, model, perturbation), limits)).collect(),
        Err(broken) => does_not_apply(&broken.to_string(), model, samples),
    }
}

fn one(query: Query, limits: Limits) -> Outcome {
    let Query { model, x, .. } = query;
    let planes = &model.planes(x)[0];
    let lipschitz = query.split().map.lipschitz(query.norm());
    let floor = sharp::radius(query, query.split(), lipschitz, planes);
    if floor == 0.0 {
        return Outcome::plain(not_certified(planes.logit));
    }
    let found = ball::search(query, forward(model.network(), x), limits, floor);
    Outcome {
        detail: found.detail(limits.gap.max(EXACT_GAP)),
        tie: found.tie.filter(|tie| found.witness.as_ref().is_none_or(|witness| tie.distance < witness.distance)),
        witness: found.witness,
        evidence: found.evidence,
        ..Outcome::plain(Verdict::Certified(Radius::new(found.lower)))
    }
}
