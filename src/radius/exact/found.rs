//! What a search proved, and how it went.

use crate::query::Witness;
use crate::radius::Evidence;

/// Remarks of searches that end early; all but the third are limits.
pub(super) const OUT_OF_TIME: &str = "out of time";
pub(super) const OUT_OF_PASSES: &str = "out of passes";
pub(super) const OUT_OF_REACH: &str = "no point with f ≤ 0 within reach";
pub(super) const OUT_OF_PARTS: &str = "out of parts";
/// Of a radius of [`FAR`](super::FAR) times the first one.
pub(super) const CAPPED: &str = "without such a point no radius beyond 1e8 times the one of `sharp` is claimed";

/// What a search proved, and how it went.
pub(super) struct Found {
    pub lower: f64,
    /// What proved it, unless it was proven before.
    pub evidence: Option<Evidence>,
    pub witness: Option<Witness>,
    /// The nearest point where f is 0 as far as floats can tell.
    pub tie: Option<Witness>,
    pub passes: usize,
    /// Parts that the ball was cut into, where it was.
    pub parts: usize,
    pub remark: Option<&'static str>,
}

impl Found {
    pub fn new(lower: f64) -> Found {
        Found { lower, evidence: None, witness: None, tie: None, passes: 0, parts: 0, remark: None }
    }

    /// Whether a limit ended the search.
    pub fn is_cut_short(&self) -> bool {
        [OUT_OF_TIME, OUT_OF_PASSES, OUT_OF_PARTS].map(Some).contains(&self.remark)
    }

    /// For the `detail` column.
    pub fn detail(&self, wanted: f64) -> String {
        let gap = match self.gap() {
            Some(gap) if gap <= wanted => format!("gap {gap:.1e}"),
            Some(gap) => format!("not closed: gap {gap:.1e}"),
            None if self.lower == f64::INFINITY => "no point has f ≤ 0".into(),
            None => "not closed: no point with f ≤ 0 found".into(),
        };
        let met = |remark: &&str| *remark != OUT_OF_REACH || self.witness.is_none();
        let remark = self.remark.filter(met).map_or(String::new(), |remark| format!("; {remark}"));
        let parts = if self.parts > 0 { format!(", {} parts", self.parts) } else { String::new() };
        format!("{gap}, {} passes{parts}{remark}", self.passes)
    }

    /// How near f ≤ 0 is, or seems to be.
    pub fn upper(&self) -> f64 {
        self.witness.iter().chain(&self.tie).map(|witness| witness.distance).fold(f64::INFINITY, f64::min)
    }

    /// upper/lower − 1 when there are both.
    pub fn gap(&self) -> Option<f64> {
        self.witness.as_ref().filter(|_| self.lower > 0.0).map(|witness| witness.distance / self.lower - 1.0)
    }
}
