//! The rows of a table as they are written, and what a point beside one of them would be as a row.

use super::InputOptions;
use super::csv::{Opened, open};
use super::decimals::Decimals;
use super::missing::{Missing, Voice, is_missing};
use super::read::is_table;
use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::preparation::{Encoder, Kind, LabelColumn, Preparation, RawColumn};
use csv::StringRecord;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A table with names.
#[derive(Debug)]
pub struct RawTable {
    /// Of all columns.
    pub names: Vec<String>,
    /// How its columns become coordinates.
    pub preparation: Arc<Preparation>,
    path: PathBuf,
    delimiter: Delimiter,
    /// Where the columns stand that become coordinates, and their coordinates.
    columns: Vec<(usize, Range<usize>)>,
    rows: HashMap<usize, StringRecord>,
}

impl RawTable {
    /// Those of its rows that have these numbers; `None` where the file is no table, or its columns have no names.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(
        path: &Path,
        options: &InputOptions,
        numbers: impl Iterator<Item = usize>,
    ) -> Result<Option<RawTable>, DataError> {
        if !is_table(path, options)? {
            return Ok(None);
        }
        let Opened { delimiter, heading, records, .. } = open(path, options)?;
        if !heading.header {
            return Ok(None);
        }
        let label = heading.label.map(|at| heading.names[at].clone());
        let plain = || Arc::new(plain(&heading.names, label));
        let preparation = options.preparation.clone().unwrap_or_else(plain);
        let (mut columns, mut first) = (Vec::new(), 0);
        for column in &preparation.columns {
            let Some(at) = heading.names.iter().position(|name| *name == column.name) else { return Ok(None) };
            let size = column.coordinates().len();
            columns.push((at, first..first + size));
            first += size;
        }
        let mut rows = HashMap::new();
        let mut numbers = numbers.peekable();
        for (number, record) in records.enumerate() {
            let record = record?;
            if numbers.next_if_eq(&number).is_some() {
                rows.insert(number, record.cells);
            }
            if numbers.peek().is_none() {
                break;
            }
        }
        Ok(Some(RawTable { names: heading.names, preparation, path: path.into(), delimiter, columns, rows }))
    }

    /// The cells of row `number`, whose coordinates are `x`, as they would be at `point`: a number of its coordinate, the
    /// word that is nearest, and what has not moved as it is. Numbers are written with points.
    pub fn at(&self, number: usize, x: &[f64], point: &[f64]) -> Option<Vec<String>> {
        let row = self.rows.get(&number)?;
        let mut cells: Vec<String> = row.iter().map(String::from).collect();
        for ((at, range), column) in self.columns.iter().zip(&self.preparation.columns) {
            let (from, to) = (&x[range.clone()], &point[range.clone()]);
            cells[*at] = if from == to { self.same(cells[*at].trim(), column, from) } else { cell(column, to) };
        }
        Some(cells)
    }

    /// Where the columns stand that become coordinates, those of words first.
    pub fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        let those = |words: bool| self.kinds().filter(move |(is_word, _)| *is_word == words).map(|(_, (at, _))| *at);
        those(true).chain(those(false))
    }

    /// `point` with the words that stand at `x`.
    pub fn with_words_of(&self, x: &[f64], mut point: Vec<f64>) -> Vec<f64> {
        for (_, (_, range)) in self.kinds().filter(|(is_word, _)| *is_word) {
            point[range.clone()].copy_from_slice(&x[range.clone()]);
        }
        point
    }

    /// All columns that become coordinates, and whether each is of words.
    fn kinds(&self) -> impl Iterator<Item = (bool, &(usize, Range<usize>))> {
        let is_word = |column: &RawColumn| !matches!(column.kind, Kind::Number { .. });
        self.preparation.columns.iter().map(is_word).zip(&self.columns)
    }

    /// The coordinates that cells stand for; `None` where they stand for nothing.
    pub fn coordinates(&self, cells: &[String]) -> Option<Vec<f64>> {
        let (path, voice) = (self.path.as_path(), Voice::Options);
        let mut encoder = Encoder::new(&self.preparation, path, &self.names, Delimiter::Comma, voice).ok()?;
        let record = StringRecord::from(cells.to_vec());
        let input = encoder.encode(&record, 1, &mut Missing::new(false, voice)).ok()??;
        Some(input.into_iter().map(f64::from).collect())
    }

    /// A cell that has not moved.
    fn same(&self, text: &str, column: &RawColumn, from: &[f64]) -> String {
        let Kind::Number { log, .. } = column.kind else { return text.into() };
        if is_missing(text) || !log {
            return if is_missing(text) { text.into() } else { cell(column, from) };
        }
        let number = Decimals::new(self.delimiter == Delimiter::Comma).number(&self.path, Place::Whole, text);
        number.map_or_else(|_| cell(column, from), |value| value.to_string())
    }
}

/// What a column's coordinates stand for.
fn cell(column: &RawColumn, coordinates: &[f64]) -> String {
    let largest = |of: &[f64]| (0..of.len()).max_by(|&a, &b| of[a].total_cmp(&of[b]));
    match &column.kind {
        Kind::Number { missing: Some(_), .. } if coordinates[1] > 0.5 => String::new(),
        Kind::Number { .. } => (column.raw(0, coordinates[0]) as f32).to_string(),
        Kind::Ordinal { words } => {
            let place = coordinates[0].round().clamp(0.0, words.len().saturating_sub(1) as f64) as usize;
            words.get(place).cloned().unwrap_or_default()
        }
        Kind::Category { words, .. } => largest(coordinates).and_then(|at| words.get(at)).cloned().unwrap_or_default(),
    }
}

/// Columns that are the coordinates.
fn plain(names: &[String], label: Option<String>) -> Preparation {
    let features = names.iter().filter(|name| Some(*name) != label.as_ref());
    let column = |name: &String| RawColumn { name: name.clone(), kind: Kind::Number { log: false, missing: None } };
    let label = LabelColumn { column: label.clone().unwrap_or_default(), sensitive: String::new() };
    Preparation::new(label, features.map(column).collect(), Vec::new(), "input units")
}
