//! A task from the user's own table: a CSV of numbers with one column of labels.

use crate::data::dataset::{Column, Dataset, Task};
use crate::data::error::DataError;
use crate::data::inputs::label::{listed, nearest, tally, unlike};
use crate::data::inputs::missing::{Missing, Voice, is_missing};
use crate::data::table::{Labelled, Table};
use crate::data::tasks::prepare::{Heading, drawn_split};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `[data]` of a training config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnTable {
    /// A CSV, plain or gzip; relative to the config file.
    pub file: PathBuf,
    /// The column with the labels, by its name, or where none is called so by its number from 1; all others are
    /// features.
    pub label_column: String,
    /// The label of the sensitive class; every other label is the other class.
    #[serde(deserialize_with = "word")]
    pub sensitive: String,
    /// Whether the first line names the columns (default `auto`: found out).
    #[serde(default)]
    pub header: Header,
    /// Whether rows that lack a label or a feature are left out (default false: they are refused).
    #[serde(default)]
    pub drop_missing: bool,
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

/// Whether a table's first line names its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// It does.
    Yes,
    /// It is the first row.
    No,
    /// To be found out.
    #[default]
    Auto,
}

impl Header {
    /// `None`: to be found out.
    pub fn known(self) -> Option<bool> {
        match self {
            Header::Yes => Some(true),
            Header::No => Some(false),
            Header::Auto => None,
        }
    }
}

fn yes() -> bool {
    true
}

/// A label as TOML may write it: a string, or a number or truth value, which means its own text.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => Ok(text),
        value @ (toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_)) => Ok(value.to_string()),
        other => Err(serde::de::Error::custom(format!("expected a label, found {}", other.type_str()))),
    }
}

/// Reads, purges, splits and standardises the user's own table as the bundled tabular tasks are.
///
/// # Errors
/// When the file cannot be read, has no such label column, no row of the sensitive class, lacks a label or a feature,
/// holds a feature that is not a finite number (or lies outside the range), or a class is too small to be split.
pub fn load_own(name: &str, own: &OwnTable, seed: u64) -> Result<Task, DataError> {
    let Labelled { table, label, mut notes } = Table::labelled(&own.file, own.header.known(), &own.label_column)?;
    let labels: Vec<&str> = (0..table.len()).map(|row| table.cell(row, label)).collect();
    let counts = tally(labels.iter().filter(|label| !is_missing(label)));
    if !counts.contains_key(&own.sensitive.as_str()) {
        return Err(nobody(name, own, &table.columns()[label], &counts, table.len()));
    }
    let features: Vec<usize> = (0..table.columns().len()).filter(|&column| column != label).collect();
    let mut missing = Missing::new(own.drop_missing, Voice::Config);
    let mut samples = Dataset { shape: vec![features.len()], inputs: Vec::new(), sensitive: Vec::new() };
    let mut kept = Vec::new();
    for (row, &cell) in labels.iter().enumerate() {
        if is_missing(cell) {
            missing.label(table.line(row), cell);
        } else if let Some(values) = sample(&table, row, &features, own.range, &mut missing)? {
            samples.inputs.extend(values);
            samples.sensitive.push(cell == own.sensitive);
            kept.push(cell);
        }
    }
    notes.push(format!("{}: {} samples read", own.file.display(), samples.len()));
    notes.extend(missing.finish(&own.file, table.len())?);
    notes.extend(told(own, &tally(&kept)));
    let columns = features.iter().map(|&column| Column::new(&table.columns()[column], "x")).collect();
    let unit = match (&own.unit, own.standardise) {
        (Some(unit), _) => unit,
        (None, true) => "standard deviations",
        (None, false) => "units of the features",
    };
    drawn_split(Heading { name, unit, range: own.range }, &samples, (columns, own.standardise), seed, notes)
}

/// The labels with their counts, and which of them may be slips for the sensitive one.
fn told(own: &OwnTable, counts: &BTreeMap<&&str, usize>) -> Vec<String> {
    let (labels, sensitive) = (listed(counts), &own.sensitive);
    let mut notes =
        vec![format!("labels: {labels}; `{sensitive}` is the sensitive class, every other label the other class")];
    let slips = counts.iter().filter(|(label, _)| ***label != own.sensitive && unlike(label, &own.sensitive) < 1.0);
    notes.extend(slips.map(|(label, count)| {
        format!(
            "warning: `{label}` ({count} rows) counts as the other class, though it is spelt like `{}`",
            own.sensitive
        )
    }));
    notes
}

/// No row bears the sensitive label.
fn nobody(name: &str, own: &OwnTable, column: &str, counts: &BTreeMap<&&str, usize>, rows: usize) -> DataError {
    let known: Vec<String> = counts.keys().map(|label| label.to_string()).collect();
    let like = nearest(&own.sensitive, known.iter()).map(|label| format!("; did you mean `{label}`?"));
    let unlabelled = rows - counts.values().sum::<usize>();
    let unlabelled = if unlabelled > 0 { format!(", and {unlabelled} without one") } else { String::new() };
    let found = format!(
        "no row of {} labelled `{}` (`sensitive`); its labels in column `{column}`: {}{unlabelled}{}",
        own.file.display(),
        own.sensitive,
        listed(counts),
        like.unwrap_or_default()
    );
    DataError::TooFew { task: name.into(), found }
}

/// The features of a row; `None` where one is missing and such rows are left out.
fn sample(
    table: &Table,
    row: usize,
    features: &[usize],
    range: Option<(f32, f32)>,
    missing: &mut Missing,
) -> Result<Option<Vec<f32>>, DataError> {
    let mut values = Vec::with_capacity(features.len());
    for &column in features {
        let cell = table.cell(row, column);
        if is_missing(cell) {
            return missing.feature(table.path(), table.line(row), column + 1, cell).map(|()| None);
        }
        values.push(number(table, row, column, range)?);
    }
    Ok(Some(values))
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
