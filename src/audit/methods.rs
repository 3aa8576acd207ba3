//! The methods that an audit runs, and what each of them needs.

use crate::model::Model;
use crate::norm::Norm;
use crate::query::Perturbation;
use crate::radius::Method;
use crate::radius::closed_form::ClosedForm;
use crate::radius::exact::{Exact, Limits, Tightened};
use crate::radius::ibp::Ibp;
use crate::radius::lp::{Lp, LpSolver};
use crate::radius::sharp::Sharp;
use crate::radius::smoothing::Smoothing;

/// What a method asks of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// f = g ∘ φ with g convex and φ coordinate-wise.
    FeatureConvex,
    /// f convex in x.
    Convex,
}

/// A method with its requirement.
pub struct Rung {
    /// The method.
    pub method: Box<dyn Method>,
    /// What it asks of a network.
    pub needs: Needs,
    /// p = 1, 2 and ∞ only.
    pub standard_norms_only: bool,
    /// The method, where it is smoothing: its noise serves every norm, so that it runs once per input.
    pub smoothing: Option<Smoothing>,
}

impl Rung {
    /// A method for every norm.
    pub fn new(method: Box<dyn Method>, needs: Needs) -> Rung {
        Rung { method, needs, standard_norms_only: false, smoothing: None }
    }

    /// Randomized smoothing.
    pub fn smoothing(smoothing: Smoothing) -> Rung {
        Rung { smoothing: Some(smoothing), ..Rung::new(Box::new(smoothing), Needs::Nothing) }
    }

    /// Why the method does not apply, if it does not.
    pub fn refusal(&self, model: &Model, perturbation: Perturbation) -> Option<String> {
        if self.standard_norms_only && !Norm::STANDARD.contains(&perturbation.norm) {
            return Some("only for p = 1, 2 and ∞".into());
        }
        match (self.needs, model.convexity()) {
            (Needs::Nothing, _) => None,
            (_, Err(broken)) => Some(format!("not convex: {}", broken.reason)),
            (Needs::Convex, Ok(convexity)) if !convexity.free.is_empty() => Some("non-affine feature map".into()),
            _ => None,
        }
    }
}

/// Seconds per input for the engines that could go on for long.
const SECONDS: f64 = 1.0;

/// When these stop, for a report.
pub fn limits() -> String {
    let [tightened, exact] = [Tightened::default().limits, Exact::default().limits].map(limited);
    format!("gap {:e} and {:e}; at most {SECONDS} s and {} passes per input", tightened.gap, exact.gap, exact.passes)
}

fn limited(limits: Limits) -> Limits {
    Limits { seconds: SECONDS, ..limits }
}

/// Every method there is, cheapest first.
pub fn standard(lp_solver: LpSolver, smoothing: Smoothing) -> Vec<Rung> {
    vec![
        Rung::new(Box::new(ClosedForm), Needs::FeatureConvex),
        Rung::new(Box::new(Sharp), Needs::FeatureConvex),
        Rung::new(Box::new(Tightened { limits: limited(Tightened::default().limits) }), Needs::FeatureConvex),
        Rung::new(Box::new(Exact { limits: limited(Exact::default().limits) }), Needs::FeatureConvex),
        Rung::new(Box::new(Ibp::default()), Needs::Nothing),
        Rung { standard_norms_only: true, ..Rung::new(Box::new(Lp::new(lp_solver)), Needs::Convex) },
        Rung::smoothing(smoothing),
    ]
}
