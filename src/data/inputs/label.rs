//! Labels as a user's file gives them.

use crate::data::error::{DataError, Place};
use crate::data::inputs::missing::{Missing, Voice, is_missing};
use crate::data::npy::{NpyArray, NpyValues};
use std::collections::BTreeMap;
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

/// Labels and how often each occurs, in order.
pub fn tally<'a, L: Ord + 'a>(labels: impl IntoIterator<Item = &'a L>) -> BTreeMap<&'a L, usize> {
    let mut counts = BTreeMap::new();
    labels.into_iter().for_each(|label| *counts.entry(label).or_insert(0) += 1);
    counts
}

/// So many labels are listed; of the others, how many there are.
const LISTED: usize = 20;

/// `ham (3), spam (2)`.
pub fn listed<L: fmt::Display>(counts: &BTreeMap<L, usize>) -> String {
    let shown: Vec<String> = counts.iter().take(LISTED).map(|(label, count)| format!("{label} ({count})")).collect();
    let more = counts.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(", and {more} other labels") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// The known word that is spelt most like `word`: the same but for case and punctuation, the same number, or with few
/// letters changed.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let likeness = known.filter(|other| *other != word).map(|other| (unlike(word, other), other));
    likeness.filter(|(unlike, _)| *unlike < 1.0).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other)
}

/// How unlike two words are: below 1 where one may be a slip for the other.
pub fn unlike(a: &str, b: &str) -> f64 {
    let bare = |word: &str| -> Vec<char> { word.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let numbers = (a.parse::<f64>(), b.parse::<f64>());
    if let (Ok(a), Ok(b)) = numbers {
        return if a == b { 0.0 } else { 1.0 };
    }
    let (a, b) = (bare(a), bare(b));
    if a == b && !a.is_empty() {
        return 0.0;
    }
    changes(&a, &b) as f64 / (1 + a.len().min(b.len()) / 4) as f64
}

/// Letters to insert, remove or change between two words (Levenshtein).
fn changes(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The labels of a file, `None` where a sample has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFile {
    /// One per sample.
    pub labels: Vec<Option<Label>>,
    /// The line of each, where the file has lines.
    pub(super) lines: Vec<u64>,
}

impl LabelFile {
    /// Labels of an array.
    pub(crate) fn unlined(labels: Vec<Option<Label>>) -> LabelFile {
        LabelFile { labels, lines: Vec::new() }
    }

    /// Which samples have no label, for the user to hear; `None` where all have one.
    ///
    /// # Errors
    /// When some have none and `drop` does not say that they are to be left out.
    pub fn left_out(&self, path: &Path, drop: bool) -> Result<Option<String>, DataError> {
        let mut missing = Missing::new(drop, Voice::Options);
        if self.lines.is_empty() {
            missing.what = "sample";
        }
        let absent = (0..self.labels.len()).filter(|&i| self.labels[i].is_none());
        absent.for_each(|i| missing.label(self.lines.get(i).copied().unwrap_or(i as u64), ""));
        missing.finish(path, self.labels.len())
    }
}

/// An array as labels; NaN, and a word for nothing, is none.
pub(crate) fn labels_of(path: &Path, array: &NpyArray) -> Result<Vec<Option<Label>>, DataError> {
    if !matches!(array.shape.as_slice(), [_] | [_, 1]) {
        let advice = if array.shape.len() == 2 { " (of rows that mark one class each: argmax(axis=1))" } else { "" };
        let found = format!("shape {:?}{advice}", array.shape);
        return Err(DataError::content(path, Place::Whole, "labels of shape [n] or [n, 1]", found));
    }
    Ok(match &array.values {
        NpyValues::U8(v) => v.iter().map(|&x| Some(Label::Integer(x.into()))).collect(),
        NpyValues::Integer(v) => v.iter().map(|&x| Some(Label::Integer(x))).collect(),
        NpyValues::Bool(v) => v.iter().map(|&x| Some(Label::Integer(x.into()))).collect(),
        NpyValues::Text(v) => v.iter().map(|text| (!is_missing(text)).then(|| Label::parse(text))).collect(),
        NpyValues::F32(v) => whole(path, v.iter().copied().map(f64::from))?,
        NpyValues::F64(v) => whole(path, v.iter().copied())?,
    })
}

/// Floats as class numbers.
fn whole(path: &Path, values: impl Iterator<Item = f64>) -> Result<Vec<Option<Label>>, DataError> {
    let label = |(sample, value): (usize, f64)| {
        let integer = value as i64;
        if integer as f64 == value && integer.unsigned_abs() < 1 << 53 {
            return Ok(Some(Label::Integer(integer)));
        }
        if value.is_nan() {
            return Ok(None);
        }
        let place = Place::Entry { sample, coordinate: 0 };
        Err(DataError::content(path, place, "a whole number as label", format!("{value:?}")))
    };
    values.enumerate().map(label).collect()
}
