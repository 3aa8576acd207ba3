//! Files that hold labels alone.

use super::label::{Label, LabelFile, labels_of};
use super::missing::is_missing;
use super::npz::{member, read_npz_labels};
use crate::data::error::{DataError, Place};
use crate::data::npy::read_npy;
use crate::data::records::{MAX_TEXT, Record, Text};
use std::path::Path;

/// Reads one label per sample: an `.npy` of whole numbers, bools or strings (shape `[n]` or `[n, 1]`), such an
/// array of an `.npz` (`FILE.npz:NAME`, else `y` or `labels`), or a text file with one label per line (plain or
/// gzip), where `header` says whether the first line is a heading; `None`: one that is no number above lines that
/// all are.
///
/// # Errors
/// When the file cannot be read, is of another form, or holds no label.
pub fn read_label_file(path: &Path, header: Option<bool>) -> Result<LabelFile, DataError> {
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

/// Reads one label per sample, as [`read_label_file`]; every sample has one.
///
/// # Errors
/// When the file cannot be read, is of another form, or lacks a label.
pub fn read_labels(path: &Path) -> Result<Vec<Label>, DataError> {
    let file = read_label_file(path, None)?;
    file.left_out(path, false)?;
    Ok(file.labels.into_iter().flatten().collect())
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
