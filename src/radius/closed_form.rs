//! The closed-form radius of feature-convex networks.

use crate::model::{Convexity, Minorant, Model, Planes};
use crate::query::{Perturbation, reach};
use crate::radius::{Cost, Guarantee, Method, Needs, Outcome, Radius, Samples, Verdict, does_not_apply, not_certified};
use crate::rounding::mul_up;

/// r_p(x) = f(x) / (Lip_p(φ) · ‖∇g(φ(x))‖_{p*}).
///
/// - Requirement: f = g ∘ φ with g convex and φ coordinate-wise.
/// - Guarantee: sound. The margin is rounded down, gradient norm and Lipschitz constant up.
/// - Method: one forward and one backward pass; a box is not used (it only takes freedom from the attacker).
/// - Cost: two passes.
/// - Reference: Pfrommer, Anderson, Piet, Sojoudi, NeurIPS 2023, Theorem 2.1.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClosedForm;

impl Method for ClosedForm {
    fn name(&self) -> &'static str {
        "closed-form"
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
        let one = |planes: &Planes| {
            let verdict = match planes.features.value.lower() > 0.0 {
                true => Verdict::Certified(Radius::new(radius(&planes.features, convexity, lipschitz, perturbation))),
                false => not_certified(planes.logit),
            };
            Outcome::plain(verdict)
        };
        samples.planes(model).iter().map(one).collect()
    }
}

/// The radius that the tangent plane in the features proves, 0 where its value is not positive. With weights, feature k of
/// coordinate i changes by at most Lip·|δ_i| = Lip·scale_i·|u_i|: its slope counts scale_i-fold.
pub(super) fn radius(minorant: &Minorant, convexity: &Convexity, lipschitz: f64, perturbation: Perturbation) -> f64 {
    let count = minorant.parts.iter().map(|part| part.coefficients.len()).sum();
    let mut steepness: Vec<f64> = Vec::with_capacity(count);
    for part in &minorant.parts {
        let first = steepness.len();
        steepness.extend(part.sizes());
        if perturbation.weights.is_some() {
            let entries = steepness[first..].iter_mut().zip(convexity.map.coordinates(part.node));
            entries.for_each(|(size, i)| *size = i.map_or(0.0, |i| perturbation.up_scale(i, *size)));
        }
    }
    reach::divide(minorant.value.lower(), mul_up(lipschitz, perturbation.norm.dual_upper(&steepness)))
}
