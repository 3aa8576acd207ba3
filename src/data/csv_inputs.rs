//! Samples from a CSV table, one per line.

use super::error::{DataError, Place};
use super::inputs::{InputOptions, Inputs};
use super::label::Label;
use super::records::{MAX_TEXT, Record, Text};
use csv::StringRecord;
use std::path::Path;

/// Reads a table (plain or gzip) of decimals, each of which means the float32 nearest to it.
pub(super) fn read_csv_inputs(path: &Path, options: &InputOptions) -> Result<Inputs, DataError> {
    let text = Text::open(path, MAX_TEXT)?;
    let mut records = text.records();
    let Some(first) = records.next().transpose()? else {
        return Err(DataError::content(path, Place::Whole, "at least one sample", "an empty file"));
    };
    let layout = Layout::find(path, &first, options)?;
    let mut rows = Rows { path, layout, values: Vec::new(), labels: Vec::new() };
    if !rows.layout.header {
        rows.push(&first)?;
    }
    for record in records {
        rows.push(&record?)?;
    }
    rows.finish()
}

/// What the first line and the options say about the table.
struct Layout {
    header: bool,
    columns: usize,
    label: Option<usize>,
}

impl Layout {
    fn find(path: &Path, first: &Record, options: &InputOptions) -> Result<Layout, DataError> {
        let label = match &options.label_column {
            None => None,
            Some(name) => Some(label_column(path, first, options, name)?),
        };
        let columns = first.cells.len();
        if columns == usize::from(label.is_some()) {
            let found = "no column besides the labels";
            return Err(DataError::content(path, Place::Line(first.line), "at least one column of numbers", found));
        }
        let named =
            by_name(options) && label.is_some_and(|at| options.label_column.as_deref() == Some(first.cells[at].trim()));
        let header = match options.header {
            Some(header) => header,
            None if named => true,
            None => looks_like_header(path, first, label)?,
        };
        Ok(Layout { header, columns, label })
    }
}

/// May the label column be found by its name? A number is a name only where the caller says that there is a header:
/// the first sample may well hold that number.
fn by_name(options: &InputOptions) -> bool {
    let numeric = options.label_column.as_deref().is_some_and(|name| name.parse::<f32>().is_ok());
    options.header == Some(true) || (options.header.is_none() && !numeric)
}

/// Position of the label column: by its name in the first line, else by its number.
fn label_column(path: &Path, first: &Record, options: &InputOptions, name: &str) -> Result<usize, DataError> {
    if by_name(options) {
        let matches: Vec<usize> = (0..first.cells.len()).filter(|&i| first.cells[i].trim() == name).collect();
        match matches.as_slice() {
            [at] => return Ok(*at),
            [] => {}
            _ => {
                let found = format!("{} columns of that name", matches.len());
                return Err(DataError::content(path, Place::Line(first.line), format!("one column `{name}`"), found));
            }
        }
    }
    match name.parse::<usize>() {
        Ok(number) if (1..=first.cells.len()).contains(&number) => Ok(number - 1),
        _ => {
            let found = format!("{} columns: {}", first.cells.len(), abridged(&first.cells));
            Err(DataError::content(path, Place::Line(first.line), format!("a label column `{name}`"), found))
        }
    }
}

/// A header has no number in it, a line of samples nothing else; anything between is refused rather than guessed at,
/// because a sample with a slip in it must not vanish as a header.
fn looks_like_header(path: &Path, first: &Record, label: Option<usize>) -> Result<bool, DataError> {
    let cells = || first.cells.iter().enumerate().filter(|(i, _)| Some(*i) != label);
    let is_number = |cell: &str| cell.trim().parse::<f32>().is_ok();
    let words = cells().filter(|(_, cell)| !is_number(cell)).count();
    if words == 0 {
        return Ok(false);
    }
    match cells().find(|(_, cell)| is_number(cell)) {
        None => Ok(true),
        Some((at, number)) => {
            let place = Place::Cell { line: first.line, column: at + 1 };
            let found = format!("`{number}` beside {words} cells that are no numbers: {}", abridged(&first.cells));
            Err(DataError::content(path, place, "a header without numbers, or a sample of numbers", found))
        }
    }
}

/// The samples so far.
struct Rows<'a> {
    path: &'a Path,
    layout: Layout,
    values: Vec<f32>,
    labels: Vec<Label>,
}

impl Rows<'_> {
    fn push(&mut self, record: &Record) -> Result<(), DataError> {
        let line = record.line;
        if record.cells.len() != self.layout.columns {
            let expected = format!("{} fields", self.layout.columns);
            return Err(DataError::content(self.path, Place::Line(line), expected, record.cells.len().to_string()));
        }
        for (i, cell) in record.cells.iter().enumerate() {
            if Some(i) == self.layout.label {
                self.labels.push(Label::parse(cell));
            } else {
                self.values.push(number(self.path, Place::Cell { line, column: i + 1 }, cell)?);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Inputs, DataError> {
        if self.values.is_empty() {
            return Err(DataError::content(self.path, Place::Whole, "at least one sample", "a header alone"));
        }
        let features = self.layout.columns - usize::from(self.layout.label.is_some());
        let labels = self.layout.label.map(|_| self.labels);
        Ok(Inputs { shape: vec![features], values: self.values, labels, notes: Vec::new() })
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
        Err(_) => Err(DataError::content(path, place, "a number", format!("`{cell}`"))),
    }
}

/// The first cells of a line, for a message.
fn abridged(record: &StringRecord) -> String {
    let mut text: String = record.iter().take(6).collect::<Vec<_>>().join(",").chars().take(80).collect();
    if record.len() > 6 {
        text.push_str(",…");
    }
    text
}
