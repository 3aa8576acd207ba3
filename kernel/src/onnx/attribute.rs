//! Attributes of a node.

use crate::onnx::call::malformed;
use crate::onnx::protobuf::fields;
use crate::rejection::Rejection;

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// FLOAT.
    Float,
    /// INT.
    Integer,
    /// STRING.
    Text,
    /// TENSOR.
    Tensor,
    /// FLOATS.
    Floats,
    /// INTS.
    Integers,
    /// Another one, or none.
    Other,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
pub enum Attribute<'a> {
    /// Bits of a float.
    Float(u32),
    /// An integer.
    Integer(i64),
    /// A string.
    Text(&'a str),
    /// A TensorProto.
    Tensor(&'a [u8]),
    /// Bits of floats.
    Floats(Vec<u32>),
    /// Integers.
    Integers(Vec<i64>),
    /// One of another type, or none.
    Other,
}

impl Type {
    /// As ONNX calls it.
    pub fn text(self) -> &'static str {
        match self {
            Type::Float => "float",
            Type::Integer => "int",
            Type::Text => "string",
            Type::Tensor => "tensor",
            Type::Floats => "floats",
            Type::Integers => "ints",
            Type::Other => "another type, or none",
        }
    }
}

impl<'a> Attribute<'a> {
    /// Reads an AttributeProto: its name, and the one value that its type says. A zero may be left out.
    pub fn read(bytes: &'a [u8]) -> Result<(&'a str, Attribute<'a>), Rejection> {
        let (mut name, mut kind) = ("", 0);
        let (mut float, mut integer, mut text, mut tensor) = (None, None, None, None);
        let (mut floats, mut integers) = (Vec::new(), Vec::new());
        for field in fields(bytes) {
            match field? {
                (1, wire) => name = wire.text()?,
                (2, wire) => float = Some(wire.word()?),
                (3, wire) => integer = Some(wire.integer()?),
                (4, wire) => text = Some(wire.text()?),
                (5, wire) => tensor = Some(wire.bytes()?),
                (7, wire) => wire.words(&mut floats)?,
                (8, wire) => wire.integers(&mut integers)?,
                (20, wire) => kind = wire.integer()?,
                (21, _) => return Err(malformed(name, "a value", "a reference to a function's attribute")),
                _ => {}
            }
        }
        let numbers = [!floats.is_empty(), !integers.is_empty()];
        let given = [float.is_some(), integer.is_some(), text.is_some(), tensor.is_some(), numbers[0], numbers[1]];
        let (own, attribute) = match kind {
            1 => (0, Some(Attribute::Float(float.unwrap_or(0)))),
            2 => (1, Some(Attribute::Integer(integer.unwrap_or(0)))),
            3 => (2, Some(Attribute::Text(text.unwrap_or("")))),
            4 => (3, tensor.map(Attribute::Tensor)),
            6 => (4, Some(Attribute::Floats(floats))),
            7 => (5, Some(Attribute::Integers(integers))),
            _ => (given.len(), Some(Attribute::Other)),
        };
        let stray = own < given.len() && given.iter().enumerate().any(|(k, &given)| given && k != own);
        match attribute {
            Some(attribute) if !stray => Ok((name, attribute)),
            _ => Err(malformed(name, "one value, of the attribute's type", "others")),
        }
    }

    /// Its type.
    pub fn kind(&self) -> Type {
        match self {
            Attribute::Float(_) => Type::Float,
            Attribute::Integer(_) => Type::Integer,
            Attribute::Text(_) => Type::Text,
            Attribute::Tensor(_) => Type::Tensor,
            Attribute::Floats(_) => Type::Floats,
            Attribute::Integers(_) => Type::Integers,
            Attribute::Other => Type::Other,
        }
    }
}
