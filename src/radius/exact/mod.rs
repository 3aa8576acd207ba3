//! Cutting planes: the best affine minorant instead of the first one.

mod cuts;
mod master;
mod moves;
mod piecewise;
mod places;
mod search;
mod smooth;

use super::sharp::Sharp;
use super::{Evidence, Guarantee, Method, Outcome, Radius, Samples, Verdict, Witness, does_not_apply, not_certified};
use crate::model::passes::Slopes;
use crate::model::{Convexity, Model};
use crate::perturbation::Perturbation;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Relative gap between both proven sides.
    pub gap: f64,
    /// Seconds per sample.
    pub seconds: f64,
    /// Master problems per sample.
    pub passes: usize,
}

/// Relative gap up to which both sides count as one radius.
pub const EXACT_GAP: f64 = 1e-6;

/// What a search proved, and how it went.
struct Found {
    lower: f64,
    /// The slopes that proved it, unless it was proven before.
    slopes: Option<Slopes<f64>>,
    witness: Option<Witness>,
    passes: usize,
    remark: Option<&'static str>,
}

impl Found {
    fn new(lower: f64) -> Found {
        Found { lower, slopes: None, witness: None, passes: 0, remark: None }
    }

    /// For the `detail` column.
    fn detail(&self) -> String {
        let gap = match self.gap() {
            Some(gap) if gap <= EXACT_GAP => format!("gap {gap:.1e}"),
            Some(gap) => format!("not exact: gap {gap:.1e}"),
            None if self.lower == f64::INFINITY => "no point has f ≤ 0".into(),
            None => "not exact: no point with f ≤ 0 found".into(),
        };
        let remark = self.remark.map_or(String::new(), |remark| format!("; {remark}"));
        format!("{gap}, {} passes{remark}", self.passes)
    }

    /// upper/lower − 1 when there are both.
    fn gap(&self) -> Option<f64> {
        self.witness.as_ref().filter(|_| self.lower > 0.0).map(|witness| witness.distance / self.lower - 1.0)
    }
}

/// Cutting planes until the gap is closed.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    /// When to stop.
    pub limits: Limits,
}

impl Default for Exact {
    fn default() -> Exact {
        Exact { limits: Limits { gap: EXACT_GAP, seconds: 60.0, passes: 2000 } }
    }
}

impl Method for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Exact
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        let convexity = match model.convexity() {
            Ok(convexity) => convexity,
            Err(broken) => return does_not_apply(&format!("not convex: {}", broken.reason), model, samples),
        };
        (0..samples.count()).map(|i| one(model, convexity, samples.sample(i), perturbation, self.limits)).collect()
    }
}

fn one(model: &Model, convexity: &Convexity, x: &[f64], perturbation: Perturbation, limits: Limits) -> Outcome {
    let sharp = Sharp.certify(model, Samples::new(x, x.len()), perturbation).remove(0);
    let Some(floor) = sharp.radius().map(Radius::value).filter(|floor| *floor > 0.0) else {
        return Outcome::plain(not_certified(model, x));
    };
    let found = search::search(model, convexity, x, perturbation, limits, floor);
    let detail = found.detail();
    Outcome {
        verdict: Verdict::Certified(Radius::new(found.lower)),
        witness: found.witness,
        detail,
        evidence: found.slopes.map(Evidence::from),
    }
}
