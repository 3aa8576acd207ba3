//! The closed-form radius of feature-convex networks.

use super::{Guarantee, Method, Outcome, Radius, Samples, Verdict, does_not_apply, not_certified};
use crate::model::minorant::tangents;
use crate::model::{Convexity, Minorant, Model};
use crate::perturbation::{Norm, Perturbation, reach};
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

    fn batch(&self) -> usize {
        100
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        let convexity = match model.convexity() {
            Ok(convexity) => convexity,
            Err(broken) => return does_not_apply(&format!("not convex: {}", broken.reason), model, samples),
        };
        let minorants = tangents(model.network(), samples.values, convexity.feature_stops());
        let lipschitz = convexity.map.lipschitz(perturbation.norm);
        let one = |(i, minorant): (usize, &Minorant)| {
            if minorant.value.lower() > 0.0 {
                let radius = feature_radius(minorant, lipschitz, perturbation.norm);
                return Outcome::plain(Verdict::Certified(Radius::new(radius)));
            }
            Outcome::plain(not_certified(model, samples.sample(i)))
        };
        minorants.iter().enumerate().map(one).collect()
    }
}

/// The radii of the whole batch as plain numbers, 0 where the margin is not positive; for the rungs above.
pub(crate) fn radii(model: &Model, convexity: &Convexity, samples: Samples, norm: Norm) -> Vec<f64> {
    feature_radii(&tangents(model.network(), samples.values, convexity.feature_stops()), convexity, norm)
}

/// The same for minorants that are there already, made with `convexity.feature_stops()`.
pub(crate) fn feature_radii(minorants: &[Minorant], convexity: &Convexity, norm: Norm) -> Vec<f64> {
    let lipschitz = convexity.map.lipschitz(norm);
    minorants.iter().map(|minorant| feature_radius(minorant, lipschitz, norm)).collect()
}

fn feature_radius(minorant: &Minorant, lipschitz: f64, norm: Norm) -> f64 {
    let count = minorant.parts.iter().map(|part| part.coefficients.len()).sum();
    let mut steepness = Vec::with_capacity(count);
    for part in &minorant.parts {
        steepness.extend(
            part.coefficients.iter().zip(&part.errors).map(
                |(c, &e)| {
                    if e == 0.0 { c.abs() } else { (c.abs() + e).next_up() }
                },
            ),
        );
    }
    reach::divide(minorant.value.lower(), mul_up(lipschitz, norm.dual_upper(&steepness)))
}
