//! The tangent plane pulled back through φ coordinate by coordinate.

use crate::model::minorant::tangents;
use crate::model::{Convexity, Minorant, Model};
use crate::query::Perturbation;
use crate::radius::{
    Cost, Guarantee, Method, Needs, Outcome, Radius, Samples, Verdict, closed_form, does_not_apply, not_certified,
};

/// sup{r : f(x) + min over the ball and the box of Σ h_i(δ_i) > 0}, with h_i the tangent plane seen through φ.
///
/// - Requirement: as for the closed form.
/// - Guarantee: sound, and never below the closed form (the larger of both is given).
/// - Method: p = ∞ minimises every h_i exactly; for other p a non-convex h_i is replaced by its steepest secant over
///   the ball. Without kinks in φ this is the dual norm, and with a box a capped linear problem.
/// - Cost: two passes, and a search in the radius when φ has kinks.
/// - Reference: derived; see `query::separable`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sharp;

impl Method for Sharp {
    fn name(&self) -> &'static str {
        "sharp"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Sound
    }

    fn needs(&self) -> Needs {
        Needs::FeatureConvex
    }

    fn cost(&self) -> Cost {
        Cost::Passes
    }

    fn batch(&self) -> usize {
        100
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        let convexity = match model.convexity() {
            Ok(convexity) => convexity,
            Err(broken) => return does_not_apply(&format!("not convex: {}", broken.reason), model, samples),
        };
        let minorants = tangents(model.network(), samples.values, convexity.input_stops());
        let one = |(i, radius): (usize, f64)| match radius > 0.0 {
            true => Outcome::plain(Verdict::Certified(Radius::new(radius))),
            false => Outcome::plain(not_certified(model, samples.sample(i))),
        };
        radii(model, convexity, samples, perturbation, &minorants).into_iter().enumerate().map(one).collect()
    }
}

/// The radii of samples with these tangent minorants, 0 where nothing is known; never below the closed form's.
pub(super) fn radii(
    model: &Model,
    convexity: &Convexity,
    samples: Samples,
    perturbation: Perturbation,
    tangents: &[Minorant],
) -> Vec<f64> {
    // Without kinks in φ the planes are the closed form's own, and only a box can make a difference.
    let floor = match convexity.free.is_empty() {
        true => closed_form::feature_radii(tangents, convexity, perturbation),
        false => closed_form::radii(model, convexity, samples, perturbation),
    };
    let one = |i: usize| samples.query(i, model, perturbation).radius(&tangents[i]);
    (0..samples.count()).map(|i| one(i).max(floor[i])).collect()
}
