//! The whole ball: a search, branching where it does not suffice, and what a search in l∞ finds where its sides stay apart,
//! whose ball holds every other one, and which sees best that f > 0 everywhere.

use crate::model::lifted::Lifted;
use crate::model::passes::Values;
use crate::norm::Norm;
use crate::query::{Perturbation, Query};
use crate::radius::Limits;
use crate::radius::exact::found::{CAPPED, Found};
use crate::radius::exact::moves::Moves;
use crate::radius::exact::search::Search;
use crate::radius::exact::task::Task;
use crate::radius::exact::{FAR, branch};
use std::time::Instant;

/// Floats do not tell sides apart that are closer than this gap.
const FINEST: f64 = 1e-13;

/// Searches from the sample, where the network has these values and for which the radius `floor` > 0 is proven.
pub(super) fn search(query: Query, values: Values<f64>, limits: Limits, floor: f64) -> Found {
    let lifted = Lifted::new(query.model, query.split(), values);
    let limits = Limits { gap: limits.gap.max(FINEST), ..limits };
    let task = Task { query, lifted: &lifted, limits, started: Instant::now() };
    let found = close(task, floor);
    if found.upper() <= found.lower * (1.0 + limits.gap) {
        return found;
    }
    ask_elsewhere(task, found, floor)
}

/// The search, and branching where it does not suffice.
fn close(task: Task, floor: f64) -> Found {
    let mut search = Search::new(task, Moves::new(task.query), f64::INFINITY, floor);
    if floor < f64::INFINITY {
        let ended = search.run(Vec::new());
        if !search.straight && !search.is_done() {
            branch::close(&mut search, ended);
        }
    }
    if search.found.upper() == f64::INFINITY && search.found.lower < f64::INFINITY {
        search.level();
    }
    search.found
}

/// What a search in l∞ adds to what a search has `found`, if no limit ended that; no finite radius far beyond the
/// `floor` is claimed without a witness.
fn ask_elsewhere(task: Task, mut found: Found, floor: f64) -> Found {
    let query = task.query;
    if query.norm() != Norm::Linf && !found.is_cut_short() {
        let perturbation = Perturbation { norm: Norm::Linf, ..query.perturbation };
        let other = close(Task { query: Query { perturbation, ..query }, ..task }, floor);
        if other.lower == f64::INFINITY {
            return other;
        }
        // Its witness is as far away as the norm says.
        let measured = other.witness.and_then(|w| query.check(&w.point));
        found.witness = measured.into_iter().chain(found.witness).min_by(|a, b| a.distance.total_cmp(&b.distance));
        found.passes += other.passes;
        if other.lower > found.lower {
            (found.lower, found.evidence) = (other.lower, other.evidence);
        }
    }
    if found.upper() == f64::INFINITY && found.lower > FAR * floor {
        (found.lower, found.remark) = (FAR * floor, Some(CAPPED));
    }
    found
}
