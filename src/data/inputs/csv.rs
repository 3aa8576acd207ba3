//! Samples from a table, one per row.

use crate::data::arff::{arff_records, is_arff};
use crate::data::content::Content;
use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::inputs::decimals::Decimals;
use crate::data::inputs::heading::Heading;
use crate::data::inputs::label::Label;
use crate::data::inputs::missing::{Missing, Voice, is_missing};
use crate::data::inputs::spool::{Spool, Spooling};
use crate::data::inputs::{InputOptions, Inputs};
use crate::data::preparation::Encoder;
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

/// A table whose first line has been read.
pub(super) struct Opened {
    pub delimiter: Delimiter,
    pub heading: Heading,
    /// The first line, which is a row where the heading has no header.
    pub first: Record,
    /// All further ones.
    pub records: Box<dyn Iterator<Item = Result<Record, DataError>>>,
}

/// Reads the first line.
pub(super) fn open(path: &Path, options: &InputOptions) -> Result<Opened, DataError> {
    let content = Content::open(path)?;
    let is_arff = is_arff(path);
    let (delimiter, mut records): (_, Box<dyn Iterator<Item = _>>) = if is_arff {
        (Delimiter::Comma, Box::new(arff_records(content)?.into_iter().map(Ok)))
    } else {
        let records = Records::new(content, options.delimiter, Voice::Options)?;
        (records.delimiter, Box::new(records))
    };
    let Some(first) = records.next().transpose()? else {
        return Err(DataError::content(path, Place::Whole, "at least one sample", "an empty file"));
    };
    let preparation = options.preparation.as_deref().filter(|preparation| preparation.speaks_of(&first.cells));
    let labels = preparation.map(|preparation| preparation.label.column.as_str()).filter(|name| has(&first, name));
    let (header, label) = (
        options.header.or((is_arff || preparation.is_some()).then_some(true)),
        options.label_column.as_deref().or(labels),
    );
    let mut heading = Heading::find(path, &first, header, label, Voice::Options)?;
    heading.notes.extend(separated(path, delimiter));
    if first.cells.len() == usize::from(heading.label.is_some()) {
        let found = "no column besides the labels";
        return Err(DataError::content(path, Place::Line(first.line), "at least one column of numbers", found));
    }
    Ok(Opened { delimiter, heading, first, records })
}

/// Hands over the values of every sample, and gives all else.
fn read_rows(
    path: &Path,
    options: &InputOptions,
    keep: impl FnMut(&[f32]) -> Result<(), DataError>,
) -> Result<Inputs, DataError> {
    let Opened { delimiter, mut heading, first, records } = open(path, options)?;
    let encoder = match &options.preparation {
        Some(preparation) if heading.header => {
            let mut encoder = Encoder::new(preparation, path, &heading.names, delimiter, Voice::Options)?;
            encoder.split = options.split;
            heading.notes.extend(encoder.passed_over(&heading));
            Some(encoder)
        }
        Some(_) => {
            heading
                .notes
                .push(format!("{}: no header; its columns are taken as the model's coordinates", path.display()));
            None
        }
        None => None,
    };
    let header = heading.header;
    let missing = Missing::new(options.drop_missing, Voice::Options);
    let mut rows = Rows::new(path, heading, (encoder, missing, delimiter), keep);
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
    encoder: Option<Encoder<'a>>,
    decimals: Decimals,
    delimiter: Delimiter,
    /// Number of rows, those left out among them.
    count: usize,
    /// Takes the values of a sample.
    keep: K,
    labels: Vec<Label>,
    numbers: Vec<usize>,
}

impl<'a, K: FnMut(&[f32]) -> Result<(), DataError>> Rows<'a, K> {
    fn new(
        path: &'a Path,
        heading: Heading,
        (encoder, missing, delimiter): (Option<Encoder<'a>>, Missing, Delimiter),
        keep: K,
    ) -> Rows<'a, K> {
        let (decimals, labels, numbers) = (Decimals::new(delimiter == Delimiter::Comma), Vec::new(), Vec::new());
        Rows { path, heading, missing, encoder, decimals, delimiter, count: 0, keep, labels, numbers }
    }

    fn push(&mut self, record: &Record) -> Result<(), DataError> {
        let (line, width) = (record.line, self.heading.names.len());
        if record.cells.len() != width {
            let found = record.cells.len().to_string();
            let expected = format!("{width} fields separated by {}, as in the first line", self.delimiter.plural());
            return Err(DataError::content(self.path, Place::Line(line), expected, found));
        }
        self.count += 1;
        if !self.encoder.as_ref().is_none_or(|encoder| encoder.takes(self.count - 1)) {
            return Ok(());
        }
        let label = self.heading.label.map(|at| &record.cells[at]);
        if let Some(cell) = label.filter(|cell| is_missing(cell)) {
            self.missing.label(line, cell);
            return Ok(());
        }
        let sample = match &mut self.encoder {
            Some(encoder) => encoder.encode(&record.cells, line, &mut self.missing)?,
            None => self.numbers_of(record)?,
        };
        let Some(sample) = sample else { return Ok(()) };
        (self.keep)(&sample)?;
        self.labels.extend(label.map(Label::parse));
        self.numbers.push(self.count - 1);
        Ok(())
    }

    /// The numbers of a row; `None` where one is missing and such rows are left out.
    fn numbers_of(&mut self, record: &Record) -> Result<Option<Vec<f32>>, DataError> {
        let mut sample = Vec::with_capacity(record.cells.len());
        for (i, cell) in record.cells.iter().enumerate().filter(|(i, _)| Some(*i) != self.heading.label) {
            if is_missing(cell) {
                let named =
                    if self.heading.header { format!(" in `{}`", self.heading.names[i]) } else { String::new() };
                let expected = format!("a number{named}");
                return self.missing.feature(self.path, record.line, i + 1, (cell, expected)).map(|()| None);
            }
            let place = Place::Cell { line: record.line, column: i + 1 };
            sample.push(self.decimals.number(self.path, place, cell)?);
        }
        Ok(Some(sample))
    }

    fn finish(self) -> Result<Inputs, DataError> {
        let Rows { path, heading, missing, encoder, decimals, count, labels, numbers, .. } = self;
        if count == 0 {
            return Err(DataError::content(path, Place::Whole, "at least one sample", "a header alone"));
        }
        let mut notes = heading.notes;
        notes.extend(decimals.finish(path)?);
        notes.extend(encoder.as_ref().map_or_else(|| Ok(Vec::new()), Encoder::finish)?);
        notes.extend(missing.finish(path, count)?);
        let plain = heading.names.len() - usize::from(heading.label.is_some());
        let features = encoder.as_ref().map_or(plain, Encoder::size);
        let labels = heading.label.map(|_| labels);
        let is_feature = |at: &usize| heading.header && encoder.is_none() && heading.label != Some(*at);
        let columns = (0..heading.names.len()).filter(is_feature).map(|at| heading.names[at].clone()).collect();
        Ok(Inputs { shape: vec![features], values: Vec::new(), labels, numbers, rows: count, columns, notes })
    }
}

/// Whether a line has a cell of that name.
fn has(line: &Record, name: &str) -> bool {
    line.cells.iter().any(|cell| cell.trim() == name)
}

/// What separates fields, where it is no comma.
pub(crate) fn separated(path: &Path, delimiter: Delimiter) -> Option<String> {
    let told = || format!("{}: fields are separated by {}", path.display(), delimiter.plural());
    (delimiter != Delimiter::Comma).then(told)
}
