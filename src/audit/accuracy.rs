//! Right answers of a classifier, counted record by record.

use crate::report::records::Record;

/// Right answers per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// (right, of how many) in the sensitive class.
    pub sensitive: (usize, usize),
    /// (right, of how many) in the other class.
    pub other: (usize, usize),
}

/// The accuracy of what has been counted; there is none unless every label is 0 (the other class) or 1 (the sensitive
/// class).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights(Option<Accuracy>);

impl Default for Rights {
    fn default() -> Rights {
        Rights(Some(Accuracy::default()))
    }
}

impl Rights {
    /// A record, and what it says.
    pub fn add(&mut self, record: &Record, sensitive: bool, other: bool) {
        let Some(accuracy) = &mut self.0 else { return };
        let (slot, right) = match record.label.as_str() {
            "1" => (&mut accuracy.sensitive, sensitive),
            "0" => (&mut accuracy.other, other),
            _ => return self.0 = None,
        };
        slot.0 += usize::from(right);
        slot.1 += 1;
    }

    pub fn accuracy(self) -> Option<Accuracy> {
        self.0
    }
}
