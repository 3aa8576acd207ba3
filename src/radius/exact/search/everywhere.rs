//! Where no point with f ≤ 0 is found: whether f > 0 everywhere, which no norm changes.

use super::{FAR, Found, Problem, Search, close};
use crate::model::Op;
use crate::model::passes::tangent_slopes;
use crate::perturbation::{Norm, Perturbation, separable};
use crate::radius::{Witness, witness};

/// What a search in l∞, whose master sees best that f > 0 everywhere, adds to what a search has `found`; no finite radius
/// far beyond the `floor` is claimed without a witness.
pub(super) fn ask(problem: Problem, mut found: Found, floor: f64) -> Found {
    let Problem { model, x, perturbation, .. } = problem;
    if perturbation.norm != Norm::Linf && !found.is_cut_short() {
        let anywhere = Problem { perturbation: Perturbation { norm: Norm::Linf, ..perturbation }, ..problem };
        let elsewhere = close(anywhere, floor);
        if elsewhere.lower == f64::INFINITY {
            return elsewhere;
        }
        // The ball of l∞ holds every other one; its witness is as far away as the norm says.
        let measured = |witness: Witness| witness::check(model, x, &witness.point, perturbation);
        found.witness = elsewhere.witness.and_then(measured);
        found.passes += elsewhere.passes;
        if elsewhere.lower > found.lower {
            (found.lower, found.evidence) = (elsewhere.lower, elsewhere.evidence);
        }
    }
    found.lower = found.lower.min(FAR * floor);
    found
}

impl Search<'_> {
    /// Tries whether every unit's flattest line is positive anywhere.
    pub(super) fn level(&mut self) {
        let problem = self.problem;
        let mut slopes = tangent_slopes(problem.model.network(), problem.lifted.at_sample());
        for (node, slopes) in problem.model.graph().nodes().iter().zip(&mut slopes.nodes) {
            if let Op::Kink(kink) = node.op {
                slopes.fill(0.0_f64.clamp(kink.below.min(kink.above), kink.below.max(kink.above)));
            }
        }
        let minorant = problem.minorant(slopes.clone());
        if separable::radius(&minorant, problem.convexity, problem.x, problem.perturbation) == f64::INFINITY {
            (self.found.lower, self.found.evidence) = (f64::INFINITY, Some(slopes.into()));
        }
    }
}
