//! Cutting planes: the best affine minorant instead of the first one.

mod branch;
mod cuts;
mod master;
mod moves;
mod piecewise;
mod places;
mod search;
mod smooth;

use crate::model::minorant::tangents_at;
use crate::model::passes::forward;
use crate::model::{Convexity, Model};
use crate::query::Perturbation;
use crate::query::Witness;
use crate::radius::{
    Cost, Evidence, Guarantee, Method, Needs, Outcome, Radius, Samples, Setting, Verdict, does_not_apply,
    not_certified, sharp,
};
pub use crate::radius::{EXACT_GAP, Limits};

/// What can be set about both methods.
const LIMITED: &[Setting] = &[Setting::Gap, Setting::Seconds, Setting::Passes];

/// Remarks of searches that end early; all but the third are limits.
const OUT_OF_TIME: &str = "out of time";
const OUT_OF_PASSES: &str = "out of passes";
const OUT_OF_REACH: &str = "no point with f ≤ 0 within reach";
const OUT_OF_PARTS: &str = "out of parts";

/// What a search proved, and how it went.
struct Found {
    lower: f64,
    /// What proved it, unless it was proven before.
    evidence: Option<Evidence>,
    witness: Option<Witness>,
    /// The nearest point where f is 0 as far as floats can tell.
    tie: Option<Witness>,
    passes: usize,
    /// Parts that the ball was cut into, where it was.
    parts: usize,
    remark: Option<&'static str>,
}

impl Found {
    fn new(lower: f64) -> Found {
        Found { lower, evidence: None, witness: None, tie: None, passes: 0, parts: 0, remark: None }
    }

    /// Whether a limit ended the search.
    fn is_cut_short(&self) -> bool {
        [OUT_OF_TIME, OUT_OF_PASSES, OUT_OF_PARTS].map(Some).contains(&self.remark)
    }

    /// For the `detail` column.
    fn detail(&self, wanted: f64) -> String {
        let gap = match self.gap() {
            Some(gap) if gap <= wanted => format!("gap {gap:.1e}"),
            Some(gap) => format!("not closed: gap {gap:.1e}"),
            None if self.lower == f64::INFINITY => "no point has f ≤ 0".into(),
            None => "not closed: no point with f ≤ 0 found".into(),
        };
        let remark = self.remark.map_or(String::new(), |remark| format!("; {remark}"));
        let parts = if self.parts > 0 { format!(", {} parts", self.parts) } else { String::new() };
        format!("{gap}, {} passes{parts}{remark}", self.passes)
    }

    /// How near f ≤ 0 is, or seems to be.
    fn upper(&self) -> f64 {
        self.witness.iter().chain(&self.tie).map(|witness| witness.distance).fold(f64::INFINITY, f64::min)
    }

    /// upper/lower − 1 when there are both.
    fn gap(&self) -> Option<f64> {
        self.witness.as_ref().filter(|_| self.lower > 0.0).map(|witness| witness.distance / self.lower - 1.0)
    }
}

/// The best affine minorant by cutting planes, for as long as it pays: an anytime bound.
///
/// - Requirement: f = g ∘ φ with g convex and φ coordinate-wise; every p ≥ 1.
/// - Guarantee: sound, and never below `sharp`. `detail` names the gap to the nearest witness.
/// - Method: every point evaluated adds its tangent plane; the next point is the nearest one that no plane excludes, moved
///   towards the nearest point known with f ≤ 0. The multipliers of the planes make one slope per unit, whose minorant is
///   evaluated with rigorous rounding; rays through the points give witnesses. Kinks of φ are branched on as in [`Exact`].
/// - Cost: a few passes, and a small problem in as many unknowns as there are planes after each of them.
/// - Reference: Kelley 1960; Ben-Ameur and Neto 2007 (in-out separation); METHOD: "the certificate ladder".
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
    let convexity = match model.convexity() {
        Ok(convexity) => convexity,
        Err(broken) => return does_not_apply(&format!("not convex: {}", broken.reason), model, samples),
    };
    (0..samples.count()).map(|i| one(model, convexity, samples.sample(i), perturbation, limits)).collect()
}

fn one(model: &Model, convexity: &Convexity, x: &[f64], perturbation: Perturbation, limits: Limits) -> Outcome {
    let values = forward(model.network(), x);
    let tangents = tangents_at(model.network(), &values, convexity.input_stops());
    let floor = sharp::radii(model, convexity, Samples::new(x, x.len()), perturbation, &tangents)[0];
    if floor == 0.0 {
        return Outcome::plain(not_certified(model, x));
    }
    let found = search::search(model, convexity, (x, values), perturbation, limits, floor);
    Outcome {
        detail: found.detail(limits.gap.max(EXACT_GAP)),
        tie: found.tie.filter(|tie| found.witness.as_ref().is_none_or(|witness| tie.distance < witness.distance)),
        witness: found.witness,
        evidence: found.evidence,
        ..Outcome::plain(Verdict::Certified(Radius::new(found.lower)))
    }
}
