//! The tangent plane pulled back through φ coordinate by coordinate.

use crate::model::{Convexity, Model, Planes};
use crate::query::{Perturbation, Query};
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

    fn in_blocks(&self) -> bool {
        true
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        let convexity = match model.convexity() {
            Ok(convexity) => convexity,
            Err(broken) => return does_not_apply(&broken.to_string(), model, samples),
        };
        let lipschitz = convexity.map.lipschitz(perturbation.norm);
        let one = |(i, planes): (usize, &Planes)| {
            let radius = radius(samples.query(i, model, perturbation), convexity, lipschitz, planes);
            let certified = || Verdict::Certified(Radius::new(radius));
            Outcome::plain(if radius > 0.0 { certified() } else { not_certified(planes.logit) })
        };
        samples.planes(model).iter().enumerate().map(one).collect()
    }
}

/// The radius of a sample with these tangent planes, 0 where nothing is known; never below the closed form's, of which φ's
/// Lipschitz constant is a part.
pub(super) fn radius(query: Query, convexity: &Convexity, lipschitz: f64, planes: &Planes) -> f64 {
    let radius = query.radius(planes.inputs());
    // Where φ is the identity, the closed form is what a box and weights are only added to.
    if convexity.map.is_identity() && query.perturbation.weights.is_none() {
        return radius;
    }
    radius.max(closed_form::radius(&planes.features, convexity, lipschitz, query.perturbation))
}
