//! Samples from a CSV table, one per line.

use crate::data::content::Content;
use crate::data::error::{DataError, Place};
use crate::data::inputs::heading::Heading;
use crate::data::inputs::label::Label;
use crate::data::inputs::missing::{Missing, Voice, is_missing};
use crate::data::inputs::spool::{Spool, Spooling};
use crate::data::inputs::{InputOptions, Inputs};
use crate::data::records::{Record, Records};
use std::path::Path;

/// Reads a table (plain or gzip) of decimals, each of which means the float32 nearest to it.
pub(super) fn read_csv_inputs(path: &Path, options: &InputOptions) -> Result<Inputs, DataError> {
    let mut values = Vec::new();
    let keep = |sample: &[f32]| {
        values.extend_from_slice(sample);
        Ok(())
    };
    let about = read_rows(path, options, keep)?;
    Ok(Inputs { values, ..about })
}

/// The same, with the values in a file.
///
/// # Errors
/// When the table cannot be read or is of another form, or the file cannot be written.
pub fn spool_csv_inputs(path: &Path, options: &InputOptions) -> Result<Spool, DataError> {
    let refused = |source| DataError::file(&std::env::temp_dir(), source);
    let mut spooling = Spooling::new().map_err(refused)?;
    let about = read_rows(path, options, |sample| spooling.push(sample).map_err(refused))?;
    spooling.finish(about).map_err(refused)
}

/// Hands over the values of every sample, and gives all else.
fn read_rows(
    path: &Path,
    options: &InputOptions,
    keep: impl FnMut(&[f32]) -> Result<(), DataError>,
) -> Result<Inputs, DataError> {
    let mut records = Records::new(Content::open(path)?);
    let Some(first) = records.next().transpose()? else {
        return Err(DataError::content(path, Place::Whole, "at least one sample", "an empty file"));
    };
    let label = options.label_column.as_deref();
    let heading = Heading::find(path, &first, options.header, label, Voice::Options)?;
    if first.cells.len() == usize::from(heading.label.is_some()) {
        let found = "no column besides the labels";
        return Err(DataError::content(path, Place::Line(first.line), "at least one column of numbers", found));
    }
    let header = heading.header;
    let mut rows = Rows::new(path, heading, options.drop_missing, keep);
    if !header {
        rows.push(&first)?;
    }
    for record in records {
        rows.push(&record?)?;
    }
    rows.finish()
}

/// The samples so far.
struct Rows<'a, K> {
    path: &'a Path,
    heading: Heading,
    missing: Missing,
    /// Number of rows, those left out among them.
    count: usize,
    /// Takes the values of a sample.
    keep: K,
    labels: Vec<Label>,
    numbers: Vec<usize>,
}

impl<'a, K: FnMut(&[f32]) -> Result<(), DataError>> Rows<'a, K> {
    fn new(path: &'a Path, heading: Heading, drop: bool, keep: K) -> Rows<'a, K> {
        let missing = Missing::new(drop, Voice::Options);
        Rows { path, heading, missing, count: 0, keep, labels: Vec::new(), numbers: Vec::new() }
    }

    fn push(&mut self, record: &Record) -> Result<(), DataError> {
        let (line, width) = (record.line, self.heading.names.len());
        if record.cells.len() != width {
            let found = record.cells.len().to_string();
            let expected = format!("{width} fields separated by commas, as in the first line");
            return Err(DataError::content(self.path, Place::Line(line), expected, found));
        }
        self.count += 1;
        let label = self.heading.label.map(|at| &record.cells[at]);
        if let Some(cell) = label.filter(|cell| is_missing(cell)) {
            self.missing.label(line, cell);
            return Ok(());
        }
        let mut sample = Vec::with_capacity(width);
        for (i, cell) in record.cells.iter().enumerate().filter(|(i, _)| Some(*i) != self.heading.label) {
            if is_missing(cell) {
                return self.missing.feature(self.path, line, i + 1, cell);
            }
            sample.push(number(self.path, Place::Cell { line, column: i + 1 }, cell)?);
        }
        (self.keep)(&sample)?;
        self.labels.extend(label.map(Label::parse));
        self.numbers.push(self.count - 1);
        Ok(())
    }

    fn finish(self) -> Result<Inputs, DataError> {
        let Rows { path, heading, missing, count, labels, numbers, .. } = self;
        if count == 0 {
            return Err(DataError::content(path, Place::Whole, "at least one sample", "a header alone"));
        }
        let mut notes = heading.notes;
        notes.extend(missing.finish(path, count)?);
        let features = heading.names.len() - usize::from(heading.label.is_some());
        let labels = heading.label.map(|_| labels);
        Ok(Inputs { shape: vec![features], values: Vec::new(), labels, numbers, rows: count, notes })
    }
}

/// The finite float32 nearest to a decimal.
pub(super) fn number(path: &Path, place: Place, cell: &str) -> Result<f32, DataError> {
    // Parsed as f32 at once: the way through f64 would round twice.
    match cell.trim().parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => {
            Err(DataError::content(path, place, "a finite number within the range of float32", format!("`{cell}`")))
        }
        Err(_) => {
            let other = cell.contains([';', '\t']);
            let expected = if other { "a number (fields are separated by commas)" } else { "a number" };
            Err(DataError::content(path, place, expected, format!("`{cell}`")))
        }
    }
}
