//! The messages of ONNX: which fields are messages, so that a mutation knows what it changes.

use super::wire::{Field, field};
pub use super::wire::{Kind, Message, Value};

/// What `number` is in a message of `kind`, where it is one.
pub fn inside(kind: Kind, number: u64) -> Option<Kind> {
    Some(match (kind, number) {
        (Kind::Model, 7) => Kind::Graph,
        (Kind::Model, 8) | (Kind::Function, 9) => Kind::Opset,
        (Kind::Model, 25) => Kind::Function,
        (Kind::Model, 20) => Kind::Other,
        (Kind::Graph, 1) | (Kind::Function, 7) => Kind::Node,
        (Kind::Graph, 5) => Kind::Tensor,
        (Kind::Graph, 11..=13) => Kind::ValueInfo,
        (Kind::Graph, 15) => Kind::Other,
        (Kind::Node, 5) => Kind::Attribute,
        (Kind::Attribute, 5) => Kind::Tensor,
        (Kind::Attribute, 6) => Kind::Graph,
        (Kind::Attribute, 14) => Kind::Type,
        (Kind::ValueInfo, 2) => Kind::Type,
        (Kind::Type, 1) => Kind::TensorType,
        (Kind::TensorType, 2) => Kind::Shape,
        (Kind::Shape, 1) => Kind::Dimension,
        (Kind::Tensor, 13 | 16) | (Kind::Model, 14) | (Kind::Graph | Kind::ValueInfo, 16) | (Kind::Node, 9) => {
            Kind::Entry
        }
        _ => return None,
    })
}

/// A file as fields.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    parse_as(Kind::Model, bytes)
}

/// The size of the largest finite 32-bit float that stands in a file.
pub fn largest_float(bytes: &[u8]) -> f32 {
    parse(bytes).map_or(0.0, |file| largest_in(Kind::Model, &file))
}

fn largest_in(kind: Kind, message: &Message) -> f32 {
    let size = |bits: u32| Some(f32::from_bits(bits).abs()).filter(|v| v.is_finite()).unwrap_or(0.0);
    let of = |field: &Field| match &field.value {
        Value::Fixed32(bits) => size(*bits),
        Value::Message(kind, message) => largest_in(*kind, message),
        Value::Bytes(bytes) if matches!((kind, field.number), (Kind::Tensor, 4 | 9) | (Kind::Attribute, 7)) => {
            bytes.as_chunks::<4>().0.iter().map(|&chunk| size(u32::from_le_bytes(chunk))).fold(0.0, f32::max)
        }
        _ => 0.0,
    };
    message.iter().map(of).fold(0.0, f32::max)
}

fn parse_as(kind: Kind, mut bytes: &[u8]) -> Option<Message> {
    let mut message = Vec::new();
    while !bytes.is_empty() {
        message.push(next(kind, &mut bytes)?);
    }
    Some(message)
}

fn next(kind: Kind, bytes: &mut &[u8]) -> Option<Field> {
    let key = varint(bytes)?;
    let number = key >> 3;
    let value = match key & 7 {
        0 => Value::Integer(varint(bytes)?, 0),
        1 => Value::Fixed64(u64::from_le_bytes(take(bytes, 8)?.try_into().ok()?)),
        5 => Value::Fixed32(u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?)),
        2 => {
            let length = varint(bytes)? as usize;
            let content = take(bytes, length)?;
            match inside(kind, number) {
                Some(kind) => Value::Message(kind, parse_as(kind, content)?),
                None => Value::Bytes(content.to_vec()),
            }
        }
        _ => return None,
    };
    Some(field(number, value))
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for i in 0..10 {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Packed integers.
pub fn varints(mut bytes: &[u8]) -> Option<Vec<u64>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        values.push(varint(&mut bytes)?);
    }
    Some(values)
}
