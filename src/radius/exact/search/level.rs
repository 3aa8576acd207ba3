//! Slopes that may be positive everywhere.

use crate::model::passes::tangent_slopes;
use crate::radius::exact::search::Search;

impl Search<'_> {
    /// Tries whether every unit's flattest line is positive anywhere.
    pub fn level(&mut self) {
        let task = self.task;
        let mut slopes = tangent_slopes(task.query.model.network(), task.lifted.at_sample());
        for (node, slopes) in task.query.model.graph().nodes().iter().zip(&mut slopes.nodes) {
            if let Some(kink) = node.op.kink() {
                slopes.fill(0.0_f64.clamp(kink.below.min(kink.above), kink.below.max(kink.above)));
            } else if let (Some(curve), 1) = (node.op.curve(), node.inputs.len()) {
                slopes.fill(curve.legal(0.0));
            }
        }
        let minorant = task.minorant(slopes.clone());
        if task.query.radius(&minorant) == f64::INFINITY {
            (self.found.lower, self.found.evidence) = (f64::INFINITY, Some(slopes.into()));
        }
    }
}
