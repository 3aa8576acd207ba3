//! From a row of a table to an input.

use super::{Kind, Preparation, RawColumn};
use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::export::Split;
use crate::data::inputs::decimals::Decimals;
use crate::data::inputs::heading::Heading;
use crate::data::inputs::missing::{Missing, Voice, is_missing};
use crate::data::tasks::signed_log;
use csv::StringRecord;
use std::path::Path;

/// Encodes the rows of one table.
pub struct Encoder<'a> {
    /// Which rows of the table that the model was trained on are taken; `None`: all of any table.
    pub split: Option<Split>,
    preparation: &'a Preparation,
    path: &'a Path,
    columns: Vec<(usize, &'a RawColumn)>,
    voice: Voice,
    decimals: Decimals,
    /// Cells with a word that training did not have, counted as missing.
    unknown: usize,
}

impl<'a> Encoder<'a> {
    /// For a table with these columns.
    ///
    /// # Errors
    /// Names the columns that it lacks.
    pub(crate) fn new(
        preparation: &'a Preparation,
        path: &'a Path,
        names: &[String],
        delimiter: Delimiter,
        voice: Voice,
    ) -> Result<Encoder<'a>, DataError> {
        let at = |column: &'a RawColumn| Some((names.iter().position(|name| *name == column.name)?, column));
        let columns: Vec<_> = preparation.columns.iter().filter_map(at).collect();
        if columns.len() < preparation.columns.len() {
            let lacking = preparation.columns.iter().map(|column| &column.name).filter(|name| !names.contains(name));
            let lacking: Vec<String> = lacking.map(|name| format!("`{name}`")).collect();
            let expected = format!("the columns that the model was trained on, {} among them", lacking.join(", "));
            return Err(DataError::content(path, Place::Line(1), expected, names.join(", ")));
        }
        let decimals = Decimals::new(delimiter == Delimiter::Comma);
        Ok(Encoder { split: None, preparation, path, columns, voice, decimals, unknown: 0 })
    }

    /// Number of coordinates.
    pub(crate) fn size(&self) -> usize {
        self.columns.iter().map(|(_, column)| column.coordinates().len()).sum()
    }

    /// Whether row `row` is one of those that are taken.
    pub(crate) fn takes(&self, row: usize) -> bool {
        let letter = self.preparation.trained_on.as_ref().and_then(|table| table.rows.as_bytes().get(row));
        self.split.is_none_or(|split| letter.is_some_and(|&letter| char::from(letter) == split.letter()))
    }

    /// The columns of a table that are neither read nor known to be passed over.
    pub(crate) fn passed_over(&self, heading: &Heading) -> Option<String> {
        let known = |at: &usize| self.columns.iter().any(|(read, _)| read == at) || heading.label == Some(*at);
        let others = (0..heading.names.len()).filter(|at| !known(at)).map(|at| &heading.names[at]);
        let others =
            others.filter(|name| !self.preparation.ignored.contains(name) && self.preparation.label.column != **name);
        let others: Vec<String> = others.map(|name| format!("`{name}`")).collect();
        let told = || format!("{}: columns that the model does not know: {}", self.path.display(), others.join(", "));
        (!others.is_empty()).then(told)
    }

    /// The input that a row stands for; `None` where something is missing and such rows are left out.
    ///
    /// # Errors
    /// When a cell is of another kind than its column, or something is missing and such rows are not left out.
    pub(crate) fn encode(
        &mut self,
        cells: &StringRecord,
        line: u64,
        missing: &mut Missing,
    ) -> Result<Option<Vec<f32>>, DataError> {
        let mut input = Vec::new();
        for k in 0..self.columns.len() {
            let (at, column) = self.columns[k];
            let cell = cells[at].trim();
            if !self.push(&mut input, column, cell, &Place::Cell { line, column: at + 1 })? {
                let known = match &column.kind {
                    Kind::Category { words, .. } if !is_missing(cell) => Some(words),
                    _ => None,
                };
                return match known {
                    Some(words) => missing.unknown(self.path, line, at + 1, cell, (&column.name, words)),
                    None => missing.feature(self.path, line, at + 1, (cell, column.wanted())),
                }
                .map(|()| None);
            }
        }
        Ok(Some(input))
    }

    /// Whether the cell stands for something.
    fn push(&mut self, input: &mut Vec<f32>, column: &RawColumn, cell: &str, place: &Place) -> Result<bool, DataError> {
        let absent = is_missing(cell);
        match &column.kind {
            Kind::Number { missing: None, .. } | Kind::Ordinal { .. } if absent => return Ok(false),
            Kind::Number { log, missing } => {
                let value = match missing {
                    Some(fill) if absent => *fill,
                    _ => self.number(cell, place, &column.name)?,
                };
                input.push(if *log { signed_log(f64::from(value)) } else { value });
                input.extend(missing.map(|_| f32::from(u8::from(absent))));
            }
            Kind::Ordinal { words } => {
                let expected = || format!("one of {{{}}} for `{}`", words.join(", "), column.name);
                let refused = || DataError::content(self.path, place.clone(), expected(), format!("`{cell}`"));
                input.push(words.iter().position(|word| word == cell).ok_or_else(refused)? as f32);
            }
            Kind::Category { words, missing } => {
                let known = words.iter().position(|word| word == cell && !absent);
                if known.is_none() && !missing {
                    return Ok(false);
                }
                self.unknown += usize::from(known.is_none() && !absent);
                input.extend((0..words.len()).map(|i| f32::from(u8::from(known == Some(i)))));
                input.extend(missing.then(|| f32::from(u8::from(known.is_none()))));
            }
        }
        Ok(true)
    }

    fn number(&mut self, cell: &str, place: &Place, name: &str) -> Result<f32, DataError> {
        let number = self.decimals.number(self.path, place.clone(), cell);
        number.map(|value| value + 0.0).map_err(|error| match (error, self.voice) {
            (DataError::Content { path, place, expected, found }, Voice::Config) => {
                let advice = format!("; `categories = [{name:?}]` or `ignore = [{name:?}]` take a column of words");
                DataError::Content { path, place, expected, found: format!("{found}{advice}") }
            }
            (error, _) => error,
        })
    }

    /// What is worth saying about all rows.
    ///
    /// # Errors
    /// When it is unclear what commas or points in numbers mean.
    pub(crate) fn finish(&self) -> Result<Vec<String>, DataError> {
        let unknown = (self.unknown > 0).then(|| {
            format!("{}: {} words that training did not have count as missing", self.path.display(), self.unknown)
        });
        Ok(self.decimals.finish(self.path)?.into_iter().chain(unknown).collect())
    }
}
