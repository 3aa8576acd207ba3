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
    /// STRINGS.
    Texts,
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
    /// So many strings.
    Texts(usize),
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
            Type::Texts => "strings",
            Type::Other => "another type, or none",
        }
    }
}

impl<'a> Attribute<'a> {
    /// Reads an AttributeProto: its name, and the one value that its type says. A zero may be left out.
    pub fn read(bytes: &'a [u8]) -> Result<(&'a str, Attribute<'a>), Rejection> {
        let (mut name, mut kind) = ("", 0);
        let (mut float, mut integer, mut text, mut tensor) = (None, None, None, None);
        let (mut floats, mut integers, mut texts) = (Vec::new(), Vec::new(), 0);
        for field in fields(bytes) {
            match field? {
                (1, wire) => name = wire.text()?,
                (2, wire) => float = Some(wire.word()?),
                (3, wire) => integer = Some(wire.integer()?),
                (4, wire) => text = Some(wire.text()?),
                (5, wire) => tensor = Some(wire.bytes()?),
                (7, wire) => wire.words(&mut floats)?,
                (8, wire) => wire.integers(&mut integers)?,
                (9, _) => texts += 1,
                (20, wire) => kind = wire.integer()?,
                (21, _) => return Err(malformed(name, "a value", "a reference to a function's attribute")),
                _ => {}
            }
        }
        let [one, two, three] = [!floats.is_empty(), !integers.is_empty(), texts > 0];
        let given = [float.is_some(), integer.is_some(), text.is_some(), tensor.is_some(), one, two, three];
        let (own, attribute) = match kind {
            1 => (0, Some(Attribute::Float(float.unwrap_or(0)))),
            2 => (1, Some(Attribute::Integer(integer.unwrap_or(0)))),
            3 => (2, Some(Attribute::Text(text.unwrap_or("")))),
            4 => (3, tensor.map(Attribute::Tensor)),
            6 => (4, Some(Attribute::Floats(floats))),
            7 => (5, Some(Attribute::Integers(integers))),
            8 => (6, Some(Attribute::Texts(texts))),
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
            Attribute::Texts(_) => Type::Texts,
            Attribute::Other => Type::Other,
        }
    }
}
