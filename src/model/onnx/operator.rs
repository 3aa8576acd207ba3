//! One row of the table of operators.

use std::ops::RangeInclusive;

use super::attributes::Attribute;
use super::call::{Call, Value};
use super::importer::Importer;
use super::rules::Rule;
use crate::model::ModelError;

type Import = fn(&mut Importer, &Call) -> Result<Value, ModelError>;

/// One operator: how many inputs, which attributes, which types go together, and its import.
pub(super) struct Operator {
    pub name: &'static str,
    pub inputs: RangeInclusive<usize>,
    pub attributes: &'static [Attribute],
    pub types: Rule,
    pub import: Import,
    /// What is read of it, for people.
    note: &'static str,
    /// The versions of the operators that have it so.
    pub versions: RangeInclusive<i64>,
    /// Whether it is of the domain ai.onnx.ml.
    pub of_ml: bool,
}

pub(super) const fn operator(
    name: &'static str,
    inputs: RangeInclusive<usize>,
    attributes: &'static [Attribute],
    types: Rule,
    import: Import,
    note: &'static str,
) -> Operator {
    Operator { name, inputs, attributes, types, import, note, versions: OLDEST..=NEWEST, of_ml: false }
}

impl Operator {
    /// The same, in some versions alone.
    pub const fn within(self, oldest: i64, newest: i64) -> Operator {
        let Operator { name, inputs, attributes, types, import, note, of_ml, .. } = self;
        Operator { name, inputs, attributes, types, import, note, versions: oldest..=newest, of_ml }
    }

    /// The same, of the domain ai.onnx.ml.
    pub const fn of_ml(self) -> Operator {
        let Operator { name, inputs, attributes, types, import, note, .. } = self;
        Operator { name, inputs, attributes, types, import, note, versions: OLDEST..=NEWEST, of_ml: true }
    }

    /// The row of the table: operator, inputs, attributes, types, what is read.
    pub fn row(&self) -> [String; 5] {
        let inputs = match (self.inputs.start(), self.inputs.end()) {
            (least, &ANY) => format!("{least} or more"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let attributes: Vec<String> = self.attributes.iter().map(Attribute::text).collect();
        let versions = match (self.versions.start(), self.versions.end()) {
            _ if self.of_ml => " (ai.onnx.ml)".into(),
            (&OLDEST, &NEWEST) => String::new(),
            (&OLDEST, newest) => format!(" (to opset {newest})"),
            (oldest, _) => format!(" (from opset {oldest})"),
        };
        let name = format!("{}{versions}", self.name);
        [name, inputs, attributes.join(", "), self.types.text().into(), self.note.into()]
    }
}

pub(super) const ANY: usize = usize::MAX;

/// The oldest version of the operators that is read.
pub(super) const OLDEST: i64 = 7;
/// The newest one; a later one might give an operator another meaning.
pub(super) const NEWEST: i64 = 28;
