//! Samples from a CSV table, one per line.

use crate::data::error::{DataError, Place};
use crate::data::inputs::heading::Heading;
use crate::data::inputs::label::Label;
use crate::data::inputs::missing::{Missing, Voice, is_missing};
use crate::data::inputs::{InputOptions, Inputs};
use crate::data::records::{MAX_TEXT, Record, Text};
use std::path::Path;

/// Reads a table (plain or gzip) of decimals, each of which means the float32 nearest to it.
pub(super) fn read_csv_inputs(path: &Path, options: &InputOptions) -> Result<Inputs, DataError> {
    let text = Text::open(path, MAX_TEXT)?;
    let mut records = text.records();
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
    let mut rows = Rows::new(path, heading, options.drop_missing);
    if !header {
        rows.push(&first)?;
    }
    for record in records {
        rows.push(&record?)?;
    }
    rows.finish()
}

/// The samples so far.
struct Rows<'a> {
    path: &'a Path,
    heading: Heading,
    missing: Missing,
    /// Number of rows, those left out among them.
    count: usize,
    values: Vec<f32>,
    labels: Vec<Label>,
    numbers: Vec<usize>,
}

impl Rows<'_> {
    fn new(path: &Path, heading: Heading, drop: bool) -> Rows<'_> {
        let missing = Missing::new(drop, Voice::Options);
        Rows { path, heading, missing, count: 0, values: Vec::new(), labels: Vec::new(), numbers: Vec::new() }
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
        self.values.extend(sample);
        self.labels.extend(label.map(Label::parse));
        self.numbers.push(self.count - 1);
        Ok(())
    }

    fn finish(self) -> Result<Inputs, DataError> {
        let Rows { path, heading, missing, count, values, labels, numbers } = self;
        if count == 0 {
            return Err(DataError::content(path, Place::Whole, "at least one sample", "a header alone"));
        }
        let mut notes = heading.notes;
        notes.extend(missing.finish(path, count)?);
        let features = heading.names.len() - usize::from(heading.label.is_some());
        let labels = heading.label.map(|_| labels);
        Ok(Inputs { shape: vec![features], values, labels, numbers, rows: count, notes })
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
