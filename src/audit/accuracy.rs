//! Right answers of a classifier, counted record by record.

use crate::report::records::Record;
use std::collections::BTreeMap;

/// Right answers per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// (right, of how many) in the sensitive class.
    pub sensitive: (usize, usize),
    /// (right, of how many) in the other class.
    pub other: (usize, usize),
}

/// What was said of the inputs of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Said {
    sensitive: usize,
    other: usize,
    all: usize,
}

/// What was said of all inputs, label by label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rights(BTreeMap<String, Said>);

impl Rights {
    /// A record, and what it says.
    pub(super) fn add(&mut self, record: &Record, sensitive: bool, other: bool) {
        if !self.0.contains_key(&record.label) {
            self.0.insert(record.label.clone(), Said::default());
        }
        let Some(said) = self.0.get_mut(&record.label) else { return };
        said.sensitive += usize::from(sensitive);
        said.other += usize::from(other);
        said.all += 1;
    }

    /// The accuracy, where the label of the sensitive class is `known` and some input has it, and all others have another;
    /// or where every label is 0 (the other class) or 1 (the sensitive one).
    pub fn accuracy(&self, known: Option<&str>) -> Option<Accuracy> {
        let known = known.filter(|known| self.0.contains_key(*known) && !self.0.contains_key(""));
        let is_sensitive = |label: &str| match (known, label) {
            (Some(known), label) => Some(label == known),
            (None, "1") => Some(true),
            (None, "0") => Some(false),
            _ => None,
        };
        let mut accuracy = Accuracy::default();
        for (label, said) in &self.0 {
            let (slot, right) = match is_sensitive(label)? {
                true => (&mut accuracy.sensitive, said.sensitive),
                false => (&mut accuracy.other, said.other),
            };
            slot.0 += right;
            slot.1 += said.all;
        }
        Some(accuracy)
    }
}
