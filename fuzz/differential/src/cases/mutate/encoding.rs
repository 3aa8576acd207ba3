//! Mutations of the encoding: keys, lengths of integers, fields given twice, unknown fields, wire types.

use super::super::random::Random;
use super::super::schema::{self, Kind};
use super::super::wire::{self, Field, Message, Value, field, integer, text};
use super::{Mutation, all, at, insert};

pub const ALL: &[Mutation] = &[
    key_above_32_bits,
    key_above_32_bits,
    overlong,
    twice,
    twice,
    twice,
    merged,
    unknown_field,
    unknown_field,
    wire_type,
    order,
    without,
    odd_integer,
    odd_integer,
    packing,
    bytes,
    long_integer,
    not_text,
];

/// Any message, with its kind.
fn any<'m>(random: &mut Random, file: &'m mut Message) -> (Kind, &'m mut Message) {
    let places = all(file);
    let (kind, path) = random.pick(&places);
    (kind, at(file, &path))
}

/// Any field's position in any message that is not empty.
fn any_field<'m>(random: &mut Random, file: &'m mut Message) -> Option<(Kind, &'m mut Message, usize)> {
    let (kind, message) = any(random, file);
    if message.is_empty() {
        return None;
    }
    let i = random.below(message.len());
    Some((kind, message, i))
}

/// A field with another value of its form.
fn changed(random: &mut Random, field: &Field) -> Field {
    let mut other = field.clone();
    other.value = match &field.value {
        Value::Integer(value, padding) => Value::Integer(super::odd_integer(random, *value as i64) as u64, *padding),
        Value::Fixed32(bits) => {
            Value::Fixed32(random.pick(&[0, 0x3f80_0000, bits ^ 0x8000_0000, bits ^ 1, 0x4040_0000]))
        }
        Value::Fixed64(bits) => Value::Fixed64(bits ^ 1 << 63),
        Value::Bytes(bytes) => Value::Bytes(match (random.below(4), &bytes[..]) {
            (0, _) => vec![],
            (1, _) => random.pick(&[b"Relu".to_vec(), b"Neg".to_vec(), b"Identity".to_vec(), b"x".to_vec()]),
            (2, [.., _]) => {
                let mut bytes = bytes.clone();
                let i = random.below(bytes.len());
                bytes[i] ^= random.pick(&[1, 2, 0x80, 0x20]);
                bytes
            }
            _ => bytes.clone(),
        }),
        Value::Message(kind, inside) => {
            let mut inside = inside.clone();
            if !inside.is_empty() {
                let i = random.below(inside.len());
                inside[i] = changed(random, &inside[i].clone());
            }
            Value::Message(*kind, inside)
        }
        other => other.clone(),
    };
    other
}

fn key_above_32_bits(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let mut hidden = message[i].clone();
    let number = hidden.number;
    if random.one_in(3) {
        message[i].number |= 1 << random.between(29, 59);
        return Some(format!("encoding: key above 32 bits · {kind:?}.{number}"));
    }
    hidden = changed(random, &hidden);
    hidden.number |= 1 << random.between(29, 59);
    message.insert(i + random.below(2), hidden);
    Some(format!("encoding: hidden key above 32 bits · {kind:?}.{number}"))
}

fn overlong(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let more = 1 + random.below(9);
    let number = message[i].number;
    let what = match &mut message[i].value {
        Value::Integer(_, padding) if random.one_in(2) => {
            *padding = more;
            "value"
        }
        Value::Bytes(_) | Value::Message(..) if random.one_in(2) => {
            let mut raw = Vec::new();
            wire::varint(&mut raw, number << 3 | 2, 0);
            let inside = match &message[i].value {
                Value::Message(_, inside) => wire::write(inside),
                Value::Bytes(inside) => inside.clone(),
                _ => unreachable!(),
            };
            wire::varint(&mut raw, inside.len() as u64, more.min(6));
            raw.extend(inside);
            message[i].value = Value::Raw(raw);
            "length"
        }
        _ => {
            message[i].padding = more;
            "key"
        }
    };
    Some(format!("encoding: over-long {what} · {kind:?}.{number}"))
}

/// A field given twice, the other one in front or behind.
fn twice(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let other = changed(random, &message[i].clone());
    let number = other.number;
    let place = if random.one_in(2) { i + random.below(2) } else { random.below(message.len() + 1) };
    message.insert(place, other);
    Some(format!("encoding: a field twice · {kind:?}.{number}"))
}

/// A submessage in two parts, which protobuf merges.
fn merged(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let Value::Message(inner, inside) = &mut message[i].value else { return None };
    if inside.is_empty() {
        return None;
    }
    let inner = *inner;
    let rest = inside.split_off(random.below(inside.len()));
    let number = message[i].number;
    message.insert(i + 1, field(number, Value::Message(inner, rest)));
    Some(format!("encoding: a message in two parts · {kind:?}.{number}"))
}

fn unknown_field(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message) = any(random, file);
    let number = random.pick(&[9, 12, 17, 18, 19, 22, 24, 26, 27, 99, 1000, (1 << 29) - 1, 0, 19_000]);
    let value = match random.below(5) {
        0 => Value::Integer(random.below(5) as u64, 0),
        1 => Value::Fixed32(7),
        2 => Value::Fixed64(7),
        3 => Value::Group(if random.one_in(2) { vec![] } else { vec![integer(1, 4), text(2, "inside")] }),
        _ => Value::Bytes(if random.one_in(2) { vec![] } else { b"other".to_vec() }),
    };
    insert(random, message, field(number, value));
    Some(format!("encoding: extra field · {kind:?}.{number}"))
}

/// A field of another wire type than the schema says, which protobuf skips as unknown.
fn wire_type(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let number = message[i].number;
    let value = match random.below(5) {
        0 => Value::Integer(random.below(8) as u64, 0),
        1 => Value::Fixed32(0x3f80_0000),
        2 => Value::Fixed64(1),
        3 => Value::Group(vec![]),
        _ => Value::Bytes(vec![1]),
    };
    if random.one_in(2) {
        message[i].value = value;
        return Some(format!("encoding: wire type · {kind:?}.{number}"));
    }
    insert(random, message, field(number, value));
    Some(format!("encoding: second wire type · {kind:?}.{number}"))
}

/// Fields in another order; repeated fields keep theirs one time in two.
fn order(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message) = any(random, file);
    random.shuffle(message);
    if random.one_in(2) {
        return Some(format!("encoding: any order · {kind:?}"));
    }
    // A stable sort by a random rank of the numbers moves whole groups alone.
    let salt = random.bits() | 1;
    message.sort_by_key(|field| (field.number + 1).wrapping_mul(salt) >> 32);
    Some(format!("encoding: groups in another order · {kind:?}"))
}

fn without(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let number = message.remove(i).number;
    Some(format!("encoding: without a field · {kind:?}.{number}"))
}

fn odd_integer(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let Value::Integer(value, _) = message[i].value else { return None };
    let new = super::odd_integer(random, value as i64);
    message[i].value = Value::Integer(new as u64, 0);
    Some(format!("integer: {} · {kind:?}.{}", magnitude(new), message[i].number))
}

/// The size of a number, so that marks stay few.
pub fn magnitude(value: i64) -> &'static str {
    match value.unsigned_abs() {
        0 => "0",
        1..=64 => "small",
        65..=0x7fff_ffff => "large",
        _ => "beyond 32 bits",
    }
}

/// Packed numbers one by one, and the other way round.
fn packing(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let number = message[i].number;
    let (kind_name, width) = match (kind, number) {
        (Kind::Tensor, 5 | 7 | 1) | (Kind::Attribute, 8) => ("integers", 0),
        (Kind::Tensor, 4) | (Kind::Attribute, 7) => ("floats", 4),
        (Kind::Tensor, 10) => ("doubles", 8),
        _ => return None,
    };
    let old = message[i].value.clone();
    match old {
        Value::Bytes(bytes) => {
            let singles: Vec<Field> = match width {
                0 => schema::varints(&bytes)?.into_iter().map(|v| integer(number, v as i64)).collect(),
                4 => bytes
                    .chunks_exact(4)
                    .map(|c| Value::Fixed32(u32::from_le_bytes(c.try_into().unwrap())))
                    .map(|v| field(number, v))
                    .collect(),
                _ => bytes
                    .chunks_exact(8)
                    .map(|c| Value::Fixed64(u64::from_le_bytes(c.try_into().unwrap())))
                    .map(|v| field(number, v))
                    .collect(),
            };
            // The first half packed still, now and then.
            message.splice(i..=i, singles);
        }
        Value::Integer(value, _) => message[i] = wire::packed(number, &[value as i64]),
        Value::Fixed32(bits) => message[i].value = Value::Bytes(bits.to_le_bytes().to_vec()),
        Value::Fixed64(bits) => message[i].value = Value::Bytes(bits.to_le_bytes().to_vec()),
        _ => return None,
    }
    Some(format!("encoding: packing of {kind_name}"))
}

/// One byte of the whole file.
fn bytes(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let mut raw = wire::write(&message[i..=i]);
    if raw.is_empty() {
        return None;
    }
    let at = random.below(raw.len());
    let what = match random.below(4) {
        0 => {
            raw.truncate(at);
            "cut off"
        }
        1 => {
            raw.insert(at, random.bits() as u8);
            "a byte more"
        }
        _ => {
            raw[at] ^= 1 << random.below(8);
            "a bit"
        }
    };
    message[i].value = Value::Raw(raw);
    Some(format!("encoding: {what} · {kind:?}"))
}

/// An integer of ten bytes whose last one is too large.
fn long_integer(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let Value::Integer(value, _) = message[i].value else { return None };
    let number = message[i].number;
    let mut raw = Vec::new();
    wire::varint(&mut raw, number << 3, 0);
    let mut long = Vec::new();
    wire::varint(&mut long, value, 0);
    let padding = 10 - long.len();
    long.clear();
    wire::varint(&mut long, value, padding);
    *long.last_mut().expect("bytes") |= random.pick(&[2, 4, 0x7e]);
    raw.extend(long);
    message[i].value = Value::Raw(raw);
    Some(format!("encoding: beyond 64 bits · {kind:?}.{number}"))
}

fn not_text(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, message, i) = any_field(random, file)?;
    let number = message[i].number;
    let texts = match kind {
        Kind::Model => &[2, 3, 4, 6][..],
        Kind::Graph => &[2, 10],
        Kind::Node => &[1, 2, 3, 4, 6, 7, 8],
        Kind::Attribute => &[1, 13, 21],
        Kind::Tensor => &[8, 12],
        Kind::ValueInfo => &[1, 3],
        Kind::Dimension => &[2, 3],
        Kind::Type => &[6],
        _ => &[],
    };
    if texts.is_empty() {
        return None;
    }
    let number = if texts.contains(&number) { number } else { random.pick(texts) };
    let (what, value) = match random.below(5) {
        0 => ("not UTF-8", b"\xff\xfe".to_vec()),
        1 => ("with a zero byte", b"v1\0".to_vec()),
        2 => ("empty", vec![]),
        3 => ("with a line end", b"a\nb".to_vec()),
        _ => ("other", b"x".to_vec()),
    };
    insert(random, message, field(number, Value::Bytes(value)));
    Some(format!("text: {what} · {kind:?}.{number}"))
}
