//! Labels as a user's file gives them.

use super::error::{DataError, Place};
use super::npy::{NpyArray, NpyValues, read_npy};
use super::records::{MAX_TEXT, Text};
use std::fmt;
use std::path::Path;

/// One sample's label: a number where it is one, else the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// A class number.
    Integer(i64),
    /// A class name.
    Text(String),
}

impl Label {
    /// Reads a cell: `3` is a number, `spam` a name.
    pub fn parse(text: &str) -> Label {
        let text = text.trim();
        text.parse().map_or_else(|_| Label::Text(text.into()), Label::Integer)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Integer(number) => number.fmt(f),
            Label::Text(text) => text.fmt(f),
        }
    }
}

/// Reads one label per sample: an `.npy` of integers or bools (shape `[n]` or `[n, 1]`), or a text file with one label
/// per line (plain or gzip). A first line that is no number above lines that all are is a heading.
///
/// # Errors
/// When the file cannot be read, is of another form, or holds no label.
pub fn read_labels(path: &Path) -> Result<Vec<Label>, DataError> {
    let labels = if path.extension().is_some_and(|ending| ending == "npy") {
        labels_of(path, &read_npy(path)?)?
    } else {
        text_labels(path)?
    };
    if labels.is_empty() {
        return Err(DataError::content(path, Place::Whole, "at least one label", "none"));
    }
    Ok(labels)
}

/// An array as labels.
pub(crate) fn labels_of(path: &Path, array: &NpyArray) -> Result<Vec<Label>, DataError> {
    if !matches!(array.shape.as_slice(), [_] | [_, 1]) {
        let found = format!("shape {:?}", array.shape);
        return Err(DataError::content(path, Place::Whole, "labels of shape [n] or [n, 1]", found));
    }
    Ok(match &array.values {
        NpyValues::U8(v) => v.iter().map(|&x| Label::Integer(x.into())).collect(),
        NpyValues::Integer(v) => v.iter().map(|&x| Label::Integer(x)).collect(),
        NpyValues::Bool(v) => v.iter().map(|&x| Label::Integer(x.into())).collect(),
        NpyValues::F32(_) | NpyValues::F64(_) => {
            let found = array.values.type_name();
            return Err(DataError::content(path, Place::Whole, "integer or bool labels", found));
        }
    })
}

fn text_labels(path: &Path) -> Result<Vec<Label>, DataError> {
    let mut labels = Vec::new();
    for record in Text::open(path, MAX_TEXT)?.records() {
        let record = record?;
        let cell = record.cells.get(0).unwrap_or_default();
        if record.cells.len() != 1 || cell.trim().is_empty() {
            let found = format!("{} fields, `{cell}` first", record.cells.len());
            return Err(DataError::content(path, Place::Line(record.line), "one label per line", found));
        }
        labels.push(Label::parse(cell));
    }
    let numbers = labels.iter().filter(|label| matches!(label, Label::Integer(_))).count();
    if numbers > 0 && numbers + 1 == labels.len() && matches!(labels[0], Label::Text(_)) {
        labels.remove(0);
    }
    Ok(labels)
}
