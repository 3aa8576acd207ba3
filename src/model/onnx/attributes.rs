//! What attributes an operator may have.

use super::proto;

/// An attribute: its name, its type, and the opset that brought it (0 where all have it).
pub(super) struct Attribute {
    pub name: &'static str,
    pub kind: i32,
    pub since: i64,
}

impl Attribute {
    /// In words, for the table of operators.
    pub fn text(&self) -> String {
        let kind = match self.kind {
            proto::ATTRIBUTE_FLOAT => "float",
            proto::ATTRIBUTE_INT => "int",
            proto::ATTRIBUTE_TENSOR => "tensor",
            proto::ATTRIBUTE_FLOATS => "floats",
            proto::ATTRIBUTE_STRING => "string",
            _ => "ints",
        };
        match self.since {
            0 => format!("`{}` ({kind})", self.name),
            since => format!("`{}` ({kind}, from opset {since})", self.name),
        }
    }
}

pub(super) const fn float(name: &'static str) -> Attribute {
    Attribute { name, kind: proto::ATTRIBUTE_FLOAT, since: 0 }
}

pub(super) const fn int(name: &'static str, since: i64) -> Attribute {
    Attribute { name, kind: proto::ATTRIBUTE_INT, since }
}

pub(super) const fn other(name: &'static str, kind: i32) -> Attribute {
    Attribute { name, kind, since: 0 }
}
