//! Right answers of a classifier, from records.

use crate::report::records::Record;

/// Right answers per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// (right, of how many) in the sensitive class.
    pub sensitive: (usize, usize),
    /// (right, of how many) in the other class.
    pub other: (usize, usize),
}

/// `None` unless every label is 0 (the other class) or 1 (the sensitive class).
pub(super) fn accuracy(
    rows: &[&Record],
    sensitive: fn(&Record) -> bool,
    other: fn(&Record) -> bool,
) -> Option<Accuracy> {
    let mut accuracy = Accuracy::default();
    for row in rows {
        let (slot, right) = match row.label.as_str() {
            "1" => (&mut accuracy.sensitive, sensitive(row)),
            "0" => (&mut accuracy.other, other(row)),
            _ => return None,
        };
        slot.0 += usize::from(right);
        slot.1 += 1;
    }
    Some(accuracy)
}
