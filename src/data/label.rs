//! Labels as a user's file gives them.

use super::error::{DataError, Place};
use super::missing::{Missing, Voice, is_missing};
use super::npy::{NpyArray, NpyValues, read_npy};
use super::npz_inputs::{member, read_npz_labels};
use super::records::{MAX_TEXT, Record, Text};
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
    lines: Vec<u64>,
}

impl LabelFile {
    /// Reads one label per sample: an `.npy` of whole numbers, bools or strings (shape `[n]` or `[n, 1]`), such an
    /// array of an `.npz` (`FILE.npz:NAME`, else `y` or `labels`), or a text file with one label per line (plain or
    /// gzip), where `header` says whether the first line is a heading; `None`: one that is no number above lines that
    /// all are.
    ///
    /// # Errors
    /// When the file cannot be read, is of another form, or holds no label.
    pub fn read(path: &Path, header: Option<bool>) -> Result<LabelFile, DataError> {
        let (path, array) = &member(path);
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let file = match ending.as_str() {
            "npy" => LabelFile::unlined(labels_of(path, &read_npy(path)?)?),
            "npz" => LabelFile::unlined(read_npz_labels(path, array.as_deref())?),
            _ => text_labels(path, header)?,
        };
        if file.labels.iter().all(Option::is_none) {
            return Err(DataError::content(path, Place::Whole, "at least one label", "none"));
        }
        Ok(file)
    }

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

/// Reads one label per sample, as [`LabelFile::read`]; every sample has one.
///
/// # Errors
/// When the file cannot be read, is of another form, or lacks a label.
pub fn read_labels(path: &Path) -> Result<Vec<Label>, DataError> {
    let file = LabelFile::read(path, None)?;
    file.left_out(path, false)?;
    Ok(file.labels.into_iter().flatten().collect())
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

fn text_labels(path: &Path, header: Option<bool>) -> Result<LabelFile, DataError> {
    let mut labels: Vec<Option<Label>> = Vec::new();
    let mut lines: Vec<u64> = Vec::new();
    let mut next = 1;
    for record in Text::open(path, MAX_TEXT)?.records() {
        let Record { line, cells } = record?;
        let cell = cells.get(0).unwrap_or_default();
        if cells.len() != 1 {
            let found = format!("{} fields, `{cell}` first", cells.len());
            return Err(DataError::content(path, Place::Line(line), "one label per line", found));
        }
        // The reader passes over blank lines, which are labels that are missing here.
        for blank in next..line {
            labels.push(None);
            lines.push(blank);
        }
        next = line + 1 + cell.matches('\n').count() as u64;
        labels.push((!is_missing(cell)).then(|| Label::parse(cell)));
        lines.push(line);
    }
    if header.unwrap_or_else(|| has_heading(&labels)) && !labels.is_empty() {
        labels.remove(0);
        lines.remove(0);
    }
    Ok(LabelFile { labels, lines })
}

/// Is the first line no number, above lines that all are (or are missing)?
fn has_heading(labels: &[Option<Label>]) -> bool {
    let [Some(Label::Text(_)), rest @ ..] = labels else { return false };
    let number = |label: &Option<Label>| match label {
        None => true,
        Some(Label::Integer(_)) => true,
        Some(Label::Text(text)) => text.parse::<f64>().is_ok(),
    };
    rest.iter().any(Option::is_some) && rest.iter().all(number)
}
