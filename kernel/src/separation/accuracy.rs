//! How many points of two classes a model classifies correctly, exactly.

use crate::inputs::read::Inputs;
use crate::model::Model;
use crate::rejection::{Code, Rejection};

/// Points and those that are classified correctly: f > 0 at a sensitive one, f ≤ 0 at another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Of the class.
    pub points: usize,
    /// Classified correctly.
    pub right: usize,
}

/// Counts in exact arithmetic, for points of the sensitive class or of the other one.
pub fn count(model: &Model, points: &Inputs, is_sensitive: bool) -> Result<Accuracy, Rejection> {
    if let Some(unit) = model.units().into_iter().find(|unit| unit.smooth) {
        let found = format!("`{}`", unit.label.escape_debug());
        return Err(Rejection::new(Code::Unsupported, "model", "no smooth unit, whose value is enclosed alone", found));
    }
    let mut right = 0;
    for index in 0..points.count() as u64 {
        right += usize::from((model.logit_sign(points, index)? > 0) == is_sensitive);
    }
    Ok(Accuracy { points: points.count(), right })
}
