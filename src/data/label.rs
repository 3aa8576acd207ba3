//! Labels as a user's file gives them.

use super::error::{DataError, Place};
use super::npy::{NpyArray, NpyValues, read_npy};
use super::npz_inputs::{member, read_npz_labels};
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

/// Reads one label per sample: an `.npy` of whole numbers, bools or strings (shape `[n]` or `[n, 1]`), such an array
/// of an `.npz` (`FILE.npz:NAME`, else `y` or `labels`), or a text file with one label per line (plain or gzip). A
/// first line that is no number above lines that all are is a heading.
///
/// # Errors
/// When the file cannot be read, is of another form, or holds no label.
pub fn read_labels(path: &Path) -> Result<Vec<Label>, DataError> {
    let (path, array) = &member(path);
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let labels = match ending.as_str() {
        "npy" => labels_of(path, &read_npy(path)?)?,
        "npz" => read_npz_labels(path, array.as_deref())?,
        _ => text_labels(path)?,
    };
    if labels.is_empty() {
        return Err(DataError::content(path, Place::Whole, "at least one label", "none"));
    }
    Ok(labels)
}

/// An array as labels.
pub(crate) fn labels_of(path: &Path, array: &NpyArray) -> Result<Vec<Label>, DataError> {
    if !matches!(array.shape.as_slice(), [_] | [_, 1]) {
        let advice = if array.shape.len() == 2 { " (of rows that mark one class each: argmax(axis=1))" } else { "" };
        let found = format!("shape {:?}{advice}", array.shape);
        return Err(DataError::content(path, Place::Whole, "labels of shape [n] or [n, 1]", found));
    }
    Ok(match &array.values {
        NpyValues::U8(v) => v.iter().map(|&x| Label::Integer(x.into())).collect(),
        NpyValues::Integer(v) => v.iter().map(|&x| Label::Integer(x)).collect(),
        NpyValues::Bool(v) => v.iter().map(|&x| Label::Integer(x.into())).collect(),
        NpyValues::Text(v) => v.iter().map(|text| Label::parse(text)).collect(),
        NpyValues::F32(v) => whole(path, v.iter().copied().map(f64::from))?,
        NpyValues::F64(v) => whole(path, v.iter().copied())?,
    })
}

/// Floats as class numbers.
fn whole(path: &Path, values: impl Iterator<Item = f64>) -> Result<Vec<Label>, DataError> {
    let label = |(sample, value): (usize, f64)| {
        let integer = value as i64;
        if integer as f64 == value && integer.unsigned_abs() < 1 << 53 {
            return Ok(Label::Integer(integer));
        }
        let place = Place::Entry { sample, coordinate: 0 };
        Err(DataError::content(path, place, "a whole number as label", format!("{value:?}")))
    };
    values.enumerate().map(label).collect()
}

fn text_labels(path: &Path) -> Result<Vec<Label>, DataError> {
    let mut labels = Vec::new();
    let mut next = 1;
    for record in Text::open(path, MAX_TEXT)?.records() {
        let record = record?;
        if record.line != next {
            return Err(DataError::content(path, Place::Line(next), "one label per line", "an empty line"));
        }
        let cell = record.cells.get(0).unwrap_or_default();
        if record.cells.len() != 1 || cell.trim().is_empty() {
            let found = format!("{} fields, `{cell}` first", record.cells.len());
            return Err(DataError::content(path, Place::Line(record.line), "one label per line", found));
        }
        next += 1 + cell.matches('\n').count() as u64;
        labels.push(Label::parse(cell));
    }
    let numbers = labels.iter().filter(|label| matches!(label, Label::Integer(_))).count();
    if numbers > 0 && numbers + 1 == labels.len() && matches!(labels[0], Label::Text(_)) {
        labels.remove(0);
    }
    Ok(labels)
}
