//! The result of a search.

use crate::model::passes::Slopes;
use crate::norm::Norm;
use crate::query::Witness;
use crate::radius::lp::{EXACT_GAP, Lp, LpSolver};

/// What the runs proved, and how they went.
pub(super) struct Found {
    /// Proven radius.
    pub lower: f64,
    /// The slopes that proved it, unless it was proven before.
    pub slopes: Option<Slopes<f64>>,
    /// The nearest verified point.
    pub witness: Option<Witness>,
    /// Solver runs.
    pub runs: u32,
    /// Their iterations, where the solver tells.
    pub iterations: Option<u32>,
    /// Pieces in the last program.
    pub kept: usize,
    /// What went wrong last.
    pub remark: Option<String>,
    /// Who was asked as well, because the first solver's sides did not meet.
    pub second: Option<LpSolver>,
}

impl Found {
    /// Nothing but a radius proven before.
    pub fn new(lower: f64) -> Found {
        Found { lower, slopes: None, witness: None, runs: 0, iterations: None, kept: 0, remark: None, second: None }
    }

    /// upper/lower − 1 when both sides are finite.
    pub fn gap(&self) -> Option<f64> {
        let upper = self.witness.as_ref()?.distance;
        (self.lower > 0.0).then(|| upper / self.lower - 1.0)
    }

    /// The better sides of this and of another solver's search, which began with this one's radius.
    pub fn joined(mut self, second: Found, solver: LpSolver) -> Found {
        if second.slopes.is_some() {
            (self.lower, self.slopes) = (second.lower, second.slopes);
        }
        let distance = |witness: &Option<Witness>| witness.as_ref().map_or(f64::INFINITY, |w| w.distance);
        if distance(&second.witness) < distance(&self.witness) {
            self.witness = second.witness;
        }
        self.runs += second.runs;
        self.kept = self.kept.max(second.kept);
        self.remark = second.remark.or(self.remark);
        self.second = Some(solver);
        self
    }

    /// For the `detail` column.
    pub fn detail(&self, lp: Lp, norm: Norm) -> String {
        let solver = if norm == Norm::L2 { LpSolver::Clarabel } else { lp.solver };
        let (gap, remark) = match self.gap() {
            Some(gap) if gap <= EXACT_GAP => (format!("gap {gap:.1e}"), None),
            Some(gap) => (format!("not exact: gap {gap:.1e}"), self.remark.as_ref()),
            None if self.lower == f64::INFINITY => ("no point has f ≤ 0".into(), None),
            None => ("not exact: no point with f ≤ 0 found".into(), self.remark.as_ref()),
        };
        let second = self.second.map_or(String::new(), |second| format!(", then {second}"));
        let mut detail = format!("{gap}, {solver}{second}, {} runs", self.runs);
        if let Some(iterations) = self.iterations {
            detail += &format!(", {iterations} iterations");
        }
        detail += &format!(", {} units kept", self.kept);
        if let Some(remark) = remark {
            detail += &format!("; {remark}");
        }
        detail
    }
}
