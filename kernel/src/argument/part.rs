//! What one minorant has to cover.

use crate::evidence::tree::Cut;
use crate::number::exact::Exact;
use crate::statement::Region;
use crate::weights::Weights;

/// Where a minorant must be positive.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The ball and the box.
    pub region: &'a Region,
    /// Ends of single coordinates.
    pub cuts: &'a [Cut<'a>],
    /// Of the norm, if it has some: one per coordinate.
    pub weights: Option<&'a Weights>,
    /// λ > 0, evidence.
    pub multiplier: Option<&'a Exact>,
}
