//! A task from the user's own table: a CSV with one column of labels.

mod guess;
mod load;
mod remarks;
mod roles;

pub use guess::guess;
pub use load::load_own;

use crate::data::delimiter::Delimiter;
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
    /// What separates the fields: `,` `;` `|` or `tab` (default: found out).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// Columns that are no features: ids and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Columns of words: one coordinate per word, 1 where it stands and else 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Columns of words that have an order, with their words: the coordinate is the word's place, from 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ordinal: BTreeMap<String, Vec<String>>,
    /// Columns of numbers x of which sign(x) ln(1 + |x|) is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Whether the median stands for a missing number, and a coordinate says that it does; a missing word is one more
    /// word (default false: rows that lack something are refused).
    #[serde(default)]
    pub impute: bool,
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

impl OwnTable {
    /// What a radius of 1 means.
    pub fn unit_name(&self) -> &str {
        match (&self.unit, self.standardise) {
            (Some(unit), _) => unit,
            (None, true) => "standard deviations",
            (None, false) => "units of the features",
        }
    }
}
