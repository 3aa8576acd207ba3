//! What radii are measured against.

use crate::radius::EXACT_GAP;
use crate::report::records::Record;
use std::collections::HashMap;

/// How many (input, norm) pairs have which reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// A radius with both sides proven to agree within [`EXACT_GAP`].
    pub exact: usize,
    /// The nearest witness: the true radius is at most that.
    pub witness: usize,
    /// Neither.
    pub none: usize,
}

/// What a radius is measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reference {
    Exact(f64),
    Witness(f64),
}

impl Reference {
    pub fn value(self) -> f64 {
        match self {
            Reference::Exact(value) | Reference::Witness(value) => value,
        }
    }
}

/// The reference of every norm that has one, for one input.
pub(super) fn references(records: &[Record]) -> HashMap<&str, Reference> {
    let mut references: HashMap<&str, Reference> = HashMap::new();
    for record in records.iter().filter(|r| r.is_base() && r.logit > 0.0) {
        let reference = match (record.certified(), record.witness()) {
            (Some(radius), None) if radius.is_infinite() => Reference::Exact(radius),
            (Some(radius), Some(upper)) if upper >= radius && upper - radius <= EXACT_GAP * radius => {
                Reference::Exact(radius)
            }
            (_, Some(upper)) => Reference::Witness(upper),
            (_, None) => continue,
        };
        let slot = references.entry(record.norm.as_str()).or_insert(reference);
        *slot = match (*slot, reference) {
            (Reference::Exact(a), Reference::Exact(b)) => Reference::Exact(a.max(b)),
            (Reference::Witness(_), exact) => exact,
            (exact, _) => exact,
        };
    }
    references
}
