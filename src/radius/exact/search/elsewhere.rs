//! Where a search leaves its sides apart: what one in l∞ finds, whose ball holds every other one, and which sees best
//! that f > 0 everywhere.

use crate::model::Op;
use crate::model::passes::tangent_slopes;
use crate::norm::Norm;
use crate::query::witness;
use crate::query::{Perturbation, separable};
use crate::radius::exact::search::{FAR, Found, Problem, Search, close};

/// What a search in l∞ adds to what a search has `found`, if no limit ended that; no finite radius far beyond the
/// `floor` is claimed without a witness.
pub(super) fn ask(problem: Problem, mut found: Found, floor: f64) -> Found {
    let Problem { model, x, perturbation, .. } = problem;
    if perturbation.norm != Norm::Linf && !found.is_cut_short() {
        let other =
            close(Problem { perturbation: Perturbation { norm: Norm::Linf, ..perturbation }, ..problem }, floor);
        if other.lower == f64::INFINITY {
            return other;
        }
        // Its witness is as far away as the norm says.
        let measured = other.witness.and_then(|w| witness::check(model, x, &w.point, perturbation));
        found.witness = measured.into_iter().chain(found.witness).min_by(|a, b| a.distance.total_cmp(&b.distance));
        found.passes += other.passes;
        if other.lower > found.lower {
            (found.lower, found.evidence) = (other.lower, other.evidence);
        }
    }
    if found.upper() == f64::INFINITY {
        found.lower = found.lower.min(FAR * floor);
    }
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
