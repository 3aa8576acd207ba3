//! The form of one operator: how many inputs and outputs, which attributes of which type since which version, and which
//! types of entries go together. Whatever a node has besides is refused.

use crate::onnx::call::{Call, Type, Values};
use crate::onnx::kinds::Kinds;
use crate::onnx::tensor::Kind;
use crate::rejection::{Code, Rejection};

/// The oldest version of the operators that is read.
pub const OLDEST: i64 = 13;
/// The newest one: the forms below were held against every version up to it.
pub const NEWEST: i64 = 28;

/// What a node of one operator may look like.
pub struct Form {
    pub operator: &'static str,
    least: usize,
    most: usize,
    /// Name, type, and the first version of the operators that has it.
    attributes: &'static [(&'static str, Type, i64)],
    kinds: Kinds,
    /// What is read of it, for people.
    note: &'static str,
    /// The first and the last version of the operators that has it so.
    pub versions: (i64, i64),
    /// Whether it is of the domain ai.onnx.ml.
    pub of_ml: bool,
}

impl Form {
    /// The same, of the domain ai.onnx.ml.
    pub const fn of_ml(self) -> Form {
        Form { of_ml: true, ..self }
    }

    /// The same, in some versions alone.
    pub const fn within(self, oldest: i64, newest: i64) -> Form {
        Form { versions: (oldest, newest), ..self }
    }

    /// Tests a node, and says of which type its result is, where the operator does not leave that to the node.
    pub fn check(&self, call: &Call, values: &Values, opset: i64) -> Result<Option<Kind>, Rejection> {
        if call.arity() < self.least || call.arity() > self.most {
            let expected = format!("{} inputs or more, {} at most", self.least, self.most);
            return Err(call.refuse(Code::Unsupported, &expected, call.arity().to_string()));
        }
        let outputs = match self.operator {
            "Split" => ANY,
            "Dropout" | "LinearClassifier" => 2,
            _ => 1,
        };
        let found = call.outputs().len();
        if found > outputs {
            return Err(call.refuse(Code::Unsupported, &format!("{outputs} outputs at most"), found.to_string()));
        }
        for (name, kind) in call.attributes() {
            let known = self.attributes.iter().find(|(known, ..)| *known == name);
            match known {
                Some(&(_, expected, since)) if since <= opset && expected == kind => {}
                Some(&(_, expected, since)) if since <= opset => {
                    let place = format!("`{}` as {}", name.escape_debug(), expected.text());
                    return Err(call.refuse(Code::MalformedModel, &place, kind.text()));
                }
                _ => {
                    let found = format!("`{}` in version {opset}", name.escape_debug());
                    return Err(call.refuse(Code::Unsupported, "attributes that the kernel reads", found));
                }
            }
        }
        self.kinds.of_result(call, &call.kinds(values)?)
    }

    /// The row of the table: operator, inputs, attributes, types, what is read.
    pub fn row(&self) -> [String; 5] {
        let inputs = match (self.least, self.most) {
            (least, ANY) => format!("{least} or more"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let attribute = |&(name, kind, since): &(&str, Type, i64)| match since {
            0 => format!("`{name}` ({})", kind.text()),
            since => format!("`{name}` ({}, from opset {since})", kind.text()),
        };
        let attributes = self.attributes.iter().map(attribute).collect::<Vec<_>>().join(", ");
        let versions = match self.versions {
            _ if self.of_ml => " (ai.onnx.ml)".into(),
            (OLDEST, NEWEST) => String::new(),
            (OLDEST, newest) => format!(" (to opset {newest})"),
            (oldest, _) => format!(" (from opset {oldest})"),
        };
        let name = format!("{}{versions}", self.operator);
        [name, inputs, attributes, self.kinds.text().into(), self.note.into()]
    }
}

/// Attributes of a window that moves, beside others.
pub const WINDOW: [(&str, Type, i64); 4] = [
    ("auto_pad", Type::Text, 0),
    ("kernel_shape", Type::Integers, 0),
    ("pads", Type::Integers, 0),
    ("strides", Type::Integers, 0),
];

pub const fn form(
    operator: &'static str,
    (least, most): (usize, usize),
    attributes: &'static [(&'static str, Type, i64)],
    kinds: Kinds,
    note: &'static str,
) -> Form {
    Form { operator, least, most, attributes, kinds, note, versions: (OLDEST, NEWEST), of_ml: false }
}

pub const ANY: usize = usize::MAX;
