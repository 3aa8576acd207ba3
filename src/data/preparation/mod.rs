//! How the rows of a user's table become inputs of a model, as far as it is no affine function: that part lies in the
//! model itself. The record of it goes with the model, in its metadata.

mod change;
pub mod encode;
pub mod fit;

pub use encode::Encoder;
pub use fit::{Role, fit};

use csv::StringRecord;
use serde::{Deserialize, Serialize};

/// The key of the record in a model's metadata.
pub const KEY: &str = "underplane.preparation";
/// The version that is written and read.
const VERSION: u32 = 1;

/// From named raw columns to the coordinates of a model's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Of this form.
    pub version: u32,
    /// Which labels the table had.
    pub label: LabelColumn,
    /// The columns that are read, in the order of their coordinates.
    pub columns: Vec<RawColumn>,
    /// Columns of the table that are not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// What a distance of 1 means where every coordinate's is multiplied by its scale.
    pub unit: String,
    /// The factor of every coordinate, float32 > 0: the model's own first step.
    pub scales: Vec<f32>,
    /// The table that the model was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<TrainedOn>,
}

/// Labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelColumn {
    /// The column's name.
    pub column: String,
    /// The label of the sensitive class.
    pub sensitive: String,
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawColumn {
    /// Its name.
    pub name: String,
    /// What becomes of a cell.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What becomes of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    /// One coordinate; with `missing` a second one.
    Number {
        /// Whether x becomes sign(x) ln(1 + |x|).
        #[serde(default)]
        log: bool,
        /// What stands for a missing cell, the second coordinate being 1 then and else 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<f32>,
    },
    /// One coordinate: the place of the word among `words`, from 0.
    Ordinal {
        /// In their order.
        words: Vec<String>,
    },
    /// One coordinate per word, of which one is 1 and the others 0; with `missing` one more, for cells that are
    /// missing or hold another word.
    Category {
        /// The words of the training rows.
        words: Vec<String>,
        /// Whether there is that coordinate.
        #[serde(default)]
        missing: bool,
    },
}

/// The table that a model was trained on, and what became of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    /// SHA-256 of the file.
    pub sha256: String,
    /// A letter per row: `t` training, `v` validation, `e` test (evaluation), `-` left out.
    pub rows: String,
}

impl RawColumn {
    /// What its cells hold.
    fn wanted(&self) -> String {
        let what = if matches!(self.kind, Kind::Number { .. }) { "number" } else { "word" };
        format!("a {what} in `{}`", self.name)
    }

    /// The names of its coordinates.
    pub fn coordinates(&self) -> Vec<String> {
        let name = &self.name;
        let absent = |there: bool| there.then(|| format!("{name} missing"));
        match &self.kind {
            Kind::Number { log, missing } => {
                let first = if *log { format!("ln(1+|{name}|)") } else { name.clone() };
                std::iter::once(first).chain(absent(missing.is_some())).collect()
            }
            Kind::Ordinal { .. } => vec![name.clone()],
            Kind::Category { words, missing } => {
                words.iter().map(|word| format!("{name}={word}")).chain(absent(*missing)).collect()
            }
        }
    }
}

impl Preparation {
    /// Without scales and rows.
    pub fn new(label: LabelColumn, columns: Vec<RawColumn>, ignored: Vec<String>, unit: &str) -> Preparation {
        let mut made = Preparation {
            version: VERSION,
            label,
            columns,
            ignored,
            unit: unit.into(),
            scales: Vec::new(),
            trained_on: None,
        };
        made.scales = vec![1.0; made.coordinates().len()];
        made
    }

    /// Whether a header names one of the columns.
    pub fn speaks_of(&self, header: &StringRecord) -> bool {
        header.iter().any(|name| self.columns.iter().any(|column| column.name == name.trim()))
    }

    /// The names of all coordinates.
    pub fn coordinates(&self) -> Vec<String> {
        self.columns.iter().flat_map(RawColumn::coordinates).collect()
    }

    /// Reads a record for inputs of `size` coordinates.
    ///
    /// # Errors
    /// When it is of another form, or for inputs of another size.
    pub fn parse(text: &str, size: usize) -> Result<Preparation, String> {
        let expected = |what: &str, found: String| Err(format!("its record `{KEY}`: expected {what}, found {found}"));
        let made: Preparation = match serde_json::from_str(text) {
            Ok(made) => made,
            Err(error) => return expected("a preparation of version 1", error.to_string()),
        };
        if made.version != VERSION {
            return expected("version 1", made.version.to_string());
        }
        let found = made.coordinates().len();
        if found != size || made.scales.len() != size {
            return expected(&format!("{size} coordinates and scales"), format!("{found} and {}", made.scales.len()));
        }
        if let Some(scale) = made.scales.iter().find(|scale| !(**scale > 0.0 && scale.is_finite())) {
            return expected("scales > 0", scale.to_string());
        }
        Ok(made)
    }

    /// The record as text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("names and numbers are JSON")
    }
}
