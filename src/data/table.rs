//! Rectangular tables of text cells with named columns, read from CSV.

use crate::data::arff::{arff_records, is_arff};
use crate::data::content::Content;
use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::inputs::csv::separated;
use crate::data::inputs::heading::Heading;
use crate::data::inputs::missing::Voice;
use crate::data::records::{MAX_TEXT, Record, Text};
use csv::StringRecord;
use std::path::{Path, PathBuf};

/// A table of one's own, with its label column.
pub(crate) struct Labelled {
    pub table: Table,
    /// The label column.
    pub label: usize,
    /// What was taken for granted, for the user to hear.
    pub notes: Vec<String>,
}

/// A table whose rows all have one cell per column.
pub struct Table {
    path: PathBuf,
    delimiter: Delimiter,
    columns: Vec<String>,
    rows: Vec<Record>,
}

impl Table {
    /// Reads a CSV file (plain or gzip) whose first line names the columns, or, without a header, whose columns are
    /// named `1`, `2`, ….
    ///
    /// # Errors
    /// When the file cannot be read, has no row, or a row has more or fewer fields than the first line.
    pub fn read(path: &Path, header: bool) -> Result<Table, DataError> {
        Table::parse(Content::open(path)?, header)
    }

    /// The same from content that is already open.
    pub(crate) fn parse(content: Content<'_>, header: bool) -> Result<Table, DataError> {
        let text = Text::from_content(content, MAX_TEXT)?;
        let (path, mut rows) = rectangle(&text, Delimiter::Comma)?;
        let width = rows.first().map_or(0, |first| first.cells.len());
        let columns: Vec<String> = if header && !rows.is_empty() {
            rows.remove(0).cells.iter().map(|name| name.trim().to_string()).collect()
        } else {
            (1..=width).map(|number| number.to_string()).collect()
        };
        Table::whole(path, Delimiter::Comma, columns, rows)
    }

    /// The cells of a user's own file's first line.
    ///
    /// # Errors
    /// When it cannot be read, or is empty.
    pub(crate) fn names(path: &Path) -> Result<Vec<String>, DataError> {
        let first = match is_arff(path) {
            true => arff_records(Content::open(path)?)?.into_iter().next(),
            false => {
                let text = Text::open(path, MAX_TEXT)?;
                text.separated_by(text.delimiter(Voice::Options)?).next().transpose()?
            }
        };
        let first = first.ok_or_else(|| DataError::content(path, Place::Whole, "at least one row", "an empty file"))?;
        Ok(first.cells.iter().map(|name| name.trim().to_string()).collect())
    }

    /// Reads a user's own file: `header` says whether the first line names the columns (`None`: find out), `label`
    /// which column holds the labels.
    pub(crate) fn labelled(
        path: &Path,
        (header, delimiter): (Option<bool>, Option<Delimiter>),
        label: &str,
    ) -> Result<Labelled, DataError> {
        let (delimiter, header, (path, mut rows)) = match is_arff(path) {
            true => (Delimiter::Comma, Some(true), (path.to_path_buf(), arff_records(Content::open(path)?)?)),
            false => {
                let text = Text::open(path, MAX_TEXT)?;
                let delimiter = delimiter.map_or_else(|| text.delimiter(Voice::Config), Ok)?;
                (delimiter, header, rectangle(&text, delimiter)?)
            }
        };
        let Some(first) = rows.first() else {
            return Err(DataError::content(&path, Place::Whole, "at least one row", "an empty file"));
        };
        let mut heading = Heading::find(&path, first, header, Some(label), Voice::Config)?;
        heading.notes.extend(separated(&path, delimiter));
        if heading.header {
            rows.remove(0);
        }
        let found = || DataError::content(&path, Place::Whole, format!("a label column `{label}`"), "none");
        let label = heading.label.ok_or_else(found)?;
        Ok(Labelled { table: Table::whole(path, delimiter, heading.names, rows)?, label, notes: heading.notes })
    }

    fn whole(path: PathBuf, delimiter: Delimiter, columns: Vec<String>, rows: Vec<Record>) -> Result<Table, DataError> {
        if rows.is_empty() {
            return Err(DataError::content(&path, Place::Whole, "at least one row", "none"));
        }
        Ok(Table { path, delimiter, columns, rows })
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What separates its fields.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// No rows at all? (Never after reading.)
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Position of a column.
    ///
    /// # Errors
    /// When there is none of that name, or more than one.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        let mut matches = (0..self.columns.len()).filter(|&i| self.columns[i] == name);
        match (matches.next(), matches.next()) {
            (Some(column), None) => Ok(column),
            (first, _) => {
                let found = if first.is_some() { "several" } else { "none" };
                Err(DataError::content(&self.path, Place::Line(1), format!("one column `{name}`"), found))
            }
        }
    }

    /// The line of a row in its file.
    pub fn line(&self, row: usize) -> u64 {
        self.rows[row].line
    }

    /// The cells of a row as they stand in the file.
    pub(crate) fn cells(&self, row: usize) -> &StringRecord {
        &self.rows[row].cells
    }

    /// One cell, white space at its ends taken off.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.rows[row].cells[column].trim()
    }

    /// One cell as a finite number, or `None` where it is anything else.
    pub fn try_number(&self, row: usize, column: usize) -> Option<f64> {
        self.cell(row, column).parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// One cell as a finite number.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn number(&self, row: usize, column: usize) -> Result<f64, DataError> {
        self.try_number(row, column).ok_or_else(|| self.fault(row, column, "a finite number"))
    }

    /// The index of one cell's text in `categories`.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn category(&self, row: usize, column: usize, categories: &[&str]) -> Result<usize, DataError> {
        let cell = self.cell(row, column);
        let expected = || format!("one of {{{}}} for `{}`", categories.join(", "), self.columns[column]);
        categories.iter().position(|name| *name == cell).ok_or_else(|| self.fault(row, column, &expected()))
    }

    /// An error about one cell.
    pub fn fault(&self, row: usize, column: usize, expected: &str) -> DataError {
        let place = Place::Cell { line: self.rows[row].line, column: column + 1 };
        DataError::content(&self.path, place, expected, format!("`{}`", self.cell(row, column)))
    }
}

/// All records of a file, each of as many cells as the first.
fn rectangle(text: &Text, delimiter: Delimiter) -> Result<(PathBuf, Vec<Record>), DataError> {
    let path = text.path().to_path_buf();
    let mut rows: Vec<Record> = Vec::new();
    for record in text.separated_by(delimiter) {
        let record = record?;
        let width = rows.first().map_or(record.cells.len(), |first| first.cells.len());
        if record.cells.len() != width {
            let found = record.cells.len().to_string();
            return Err(DataError::content(&path, Place::Line(record.line), format!("{width} fields"), found));
        }
        rows.push(record);
    }
    Ok((path, rows))
}
