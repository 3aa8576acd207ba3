//! A task from the user's own table: a CSV of numbers with one column of labels.

use super::prepare::{Heading, drawn_split};
use crate::data::dataset::{Column, Dataset, Task};
use crate::data::error::DataError;
use crate::data::table::Table;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[data]` of a training config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnTable {
    /// A CSV with a header, plain or gzip; relative to the config file.
    pub file: PathBuf,
    /// The column with the labels; all others are features.
    pub label_column: String,
    /// The label of the sensitive class; every other label is the other class.
    pub sensitive: String,
    /// Whether features are standardised on the training split (default true).
    #[serde(default = "yes")]
    pub standardise: bool,
    /// What a radius of 1 means (default: standard deviations, or units of the features).
    #[serde(default)]
    pub unit: Option<String>,
    /// The valid range of every feature, where they are not standardised.
    #[serde(default)]
    pub range: Option<(f32, f32)>,
}

fn yes() -> bool {
    true
}

/// Reads, purges, splits and standardises the user's own table as the bundled tabular tasks are.
///
/// # Errors
/// When the file cannot be read, has no such label column, holds a feature that is not a finite number (or lies outside
/// the range), or a class is too small to be split.
pub fn load_own(name: &str, own: &OwnTable, seed: u64) -> Result<Task, DataError> {
    let table = Table::read(&own.file, true)?;
    let label = table.column(&own.label_column)?;
    let features: Vec<usize> = (0..table.columns().len()).filter(|&column| column != label).collect();
    let mut samples = Dataset { shape: vec![features.len()], inputs: Vec::new(), sensitive: Vec::new() };
    for row in 0..table.len() {
        for &column in &features {
            samples.inputs.push(number(&table, row, column, own.range)?);
        }
        samples.sensitive.push(table.cell(row, label) == own.sensitive);
    }
    let columns = features.iter().map(|&column| Column::new(&table.columns()[column], "x")).collect();
    let unit = match (&own.unit, own.standardise) {
        (Some(unit), _) => unit,
        (None, true) => "standard deviations",
        (None, false) => "units of the features",
    };
    let notes = vec![format!("{}: {} samples read", own.file.display(), samples.len())];
    drawn_split(Heading { name, unit, range: own.range }, &samples, (columns, own.standardise), seed, notes)
}

/// A cell as the float32 nearest to it.
fn number(table: &Table, row: usize, column: usize, range: Option<(f32, f32)>) -> Result<f32, DataError> {
    let value = table.cell(row, column).parse().ok().filter(|value: &f32| value.is_finite());
    let value = value.ok_or_else(|| table.fault(row, column, "a finite number"))?;
    match range {
        Some((low, high)) if !(low..=high).contains(&value) => {
            Err(table.fault(row, column, &format!("a number within [{low}, {high}]")))
        }
        _ => Ok(value + 0.0),
    }
}
