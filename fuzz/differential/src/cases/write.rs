//! The messages of ONNX as the generator writes them.

use super::schema::Kind;
use super::wire::{Field, Message, Value, field, integer, packed, text};

/// Data types by ONNX's numbers.
pub const FLOAT: i64 = 1;
/// string.
pub const STRING: i64 = 8;
/// int32.
pub const INT32: i64 = 6;
/// int64.
pub const INT64: i64 = 7;
/// bool.
pub const BOOL: i64 = 9;
/// float16.
pub const FLOAT16: i64 = 10;
/// float64.
pub const DOUBLE: i64 = 11;
/// bfloat16.
pub const BFLOAT16: i64 = 16;

/// A constant's entries and how they are stored.
#[derive(Clone, Debug)]
pub struct Data {
    /// ONNX data type.
    pub kind: i64,
    /// Dimensions.
    pub dims: Vec<usize>,
    /// Numbers that the type holds exactly.
    pub values: Vec<f64>,
    /// In `raw_data`, or in the typed field.
    pub raw: bool,
}

/// A submessage.
pub fn message(number: u64, kind: Kind, fields: Message) -> Field {
    field(number, Value::Message(kind, fields))
}

/// A TensorProto, without a name where that is empty.
pub fn tensor(name: &str, data: &Data) -> Message {
    let mut fields: Message = data.dims.iter().map(|&d| integer(1, d as i64)).collect();
    fields.push(integer(2, data.kind));
    fields.push(if data.raw { field(9, Value::Bytes(raw(data))) } else { typed(data) });
    if !name.is_empty() {
        fields.push(text(8, name));
    }
    fields
}

/// The bytes of `raw_data`.
pub fn raw(data: &Data) -> Vec<u8> {
    let one = |&v: &f64| match data.kind {
        FLOAT => (v as f32).to_le_bytes().to_vec(),
        INT32 => (v as i32).to_le_bytes().to_vec(),
        INT64 => (v as i64).to_le_bytes().to_vec(),
        BOOL => vec![u8::from(v != 0.0)],
        FLOAT16 => half(v).to_le_bytes().to_vec(),
        BFLOAT16 => (((v as f32).to_bits() >> 16) as u16).to_le_bytes().to_vec(),
        _ => v.to_le_bytes().to_vec(),
    };
    data.values.iter().flat_map(one).collect()
}

/// The typed field.
pub fn typed(data: &Data) -> Field {
    let integers = |of: &dyn Fn(f64) -> i64| data.values.iter().map(|&v| of(v)).collect::<Vec<_>>();
    match data.kind {
        FLOAT => field(4, Value::Bytes(raw(data))),
        DOUBLE => field(10, Value::Bytes(raw(data))),
        INT64 => packed(7, &integers(&|v| v as i64)),
        FLOAT16 => packed(5, &integers(&|v| i64::from(half(v)))),
        BFLOAT16 => packed(5, &integers(&|v| i64::from((v as f32).to_bits() >> 16))),
        _ => packed(5, &integers(&|v| v as i64)),
    }
}

/// IEEE binary16 of a number that it holds as a normal number or 0.
fn half(v: f64) -> u16 {
    if v == 0.0 {
        return 0;
    }
    let bits = v.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1023 + 15;
    debug_assert!((1..31).contains(&exponent));
    ((bits >> 63) as u16) << 15 | (exponent as u16) << 10 | (bits >> 42 & 0x3ff) as u16
}

/// A NodeProto.
pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], name: &str, attributes: Vec<Message>) -> Message {
    let mut fields: Message = inputs.iter().map(|input| text(1, input)).collect();
    fields.extend(outputs.iter().map(|output| text(2, output)));
    if !name.is_empty() {
        fields.push(text(3, name));
    }
    fields.push(text(4, operator));
    fields.extend(attributes.into_iter().map(|attribute| message(5, Kind::Attribute, attribute)));
    fields
}

/// An attribute with its value's fields and type.
fn attribute(name: &str, value: Vec<Field>, kind: i64) -> Message {
    let mut fields = vec![text(1, name)];
    fields.extend(value);
    fields.push(integer(20, kind));
    fields
}

/// A float attribute.
pub fn float_attribute(name: &str, value: f32) -> Message {
    attribute(name, vec![field(2, Value::Fixed32(value.to_bits()))], 1)
}

/// An integer attribute.
pub fn int_attribute(name: &str, value: i64) -> Message {
    attribute(name, vec![integer(3, value)], 2)
}

/// A tensor attribute.
pub fn tensor_attribute(name: &str, value: Message) -> Message {
    attribute(name, vec![message(5, Kind::Tensor, value)], 4)
}

/// A text attribute.
pub fn text_attribute(name: &str, value: &str) -> Message {
    attribute(name, vec![text(4, value)], 3)
}

/// A list of texts.
pub fn texts_attribute(name: &str, values: &[&str]) -> Message {
    attribute(name, values.iter().map(|v| text(9, v)).collect(), 8)
}

/// A list of floats.
pub fn floats_attribute(name: &str, values: &[f32]) -> Message {
    attribute(name, values.iter().map(|v| field(7, Value::Fixed32(v.to_bits()))).collect(), 6)
}

/// A list of integers.
pub fn ints_attribute(name: &str, values: &[i64]) -> Message {
    attribute(name, values.iter().map(|&v| integer(8, v)).collect(), 7)
}

/// One axis.
#[derive(Clone, Debug)]
pub enum Dim {
    /// A number.
    Size(i64),
    /// A name.
    Name(&'static str),
    /// Nothing.
    Open,
}

/// A ValueInfoProto; without a shape where `dims` is none.
pub fn value_info(name: &str, kind: i64, dims: Option<&[Dim]>) -> Message {
    let dim = |dim: &Dim| {
        let fields = match dim {
            Dim::Size(size) => vec![integer(1, *size)],
            Dim::Name(name) => vec![text(2, name)],
            Dim::Open => vec![],
        };
        message(1, Kind::Dimension, fields)
    };
    let mut tensor = vec![integer(1, kind)];
    if let Some(dims) = dims {
        tensor.push(message(2, Kind::Shape, dims.iter().map(dim).collect()));
    }
    vec![text(1, name), message(2, Kind::Type, vec![message(1, Kind::TensorType, tensor)])]
}

/// A ValueInfoProto of a ZipMap's output: a list of maps from integers or texts to float32.
pub fn maps_info(name: &str, key: i64) -> Message {
    let scores = message(2, Kind::Type, vec![message(1, Kind::TensorType, vec![integer(1, FLOAT)])]);
    let map = vec![message(5, Kind::Other, vec![integer(1, key), scores])];
    let list = vec![message(4, Kind::Other, vec![message(1, Kind::Other, map)])];
    vec![text(1, name), message(2, Kind::Type, list)]
}

/// An OperatorSetIdProto.
pub fn opset(domain: &str, version: i64) -> Message {
    let mut fields = Vec::new();
    if !domain.is_empty() {
        fields.push(text(1, domain));
    }
    fields.push(integer(2, version));
    fields
}
