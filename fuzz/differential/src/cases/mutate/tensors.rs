//! Mutations of stored constants: type, dimensions, where the numbers stand, the numbers themselves.

use super::super::random::Random;
use super::super::schema::{self, Kind};
use super::super::wire::{self, Message, Value, field, integer, packed, text};
use super::super::write::message as submessage;
use super::{Mutation, insert, odd_integer, one, position};

pub const ALL: &[Mutation] = &[
    data_type,
    dimensions,
    beyond_32_bits,
    beyond_32_bits,
    both_data,
    other_data,
    float_entry,
    float_entry,
    int_entry,
    int_entry,
    location,
    location,
    segment,
    name,
    longer,
    empty_raw,
    sparse,
];

fn tensor<'m>(random: &mut Random, file: &'m mut Message) -> Option<&'m mut Message> {
    one(random, file, Kind::Tensor)
}

fn kind_of(tensor: &Message) -> i64 {
    let value = tensor.iter().rev().find(|field| field.number == 2).map(|field| &field.value);
    if let Some(Value::Integer(kind, _)) = value { *kind as i64 } else { 0 }
}

fn data_type(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let old = kind_of(tensor);
    let new = match random.below(4) {
        0 => old.wrapping_add(1 << 32),
        1 => odd_integer(random, old),
        _ => random.between(0, 24),
    };
    let i = position(random, tensor, 2)?;
    tensor[i] = integer(2, new);
    Some(format!(
        "tensor: type {old} as another · {}",
        if (0..25).contains(&new) { new.to_string() } else { "another".into() }
    ))
}

fn dimensions(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let what = match random.below(6) {
        0 => {
            insert(random, tensor, integer(1, 1));
            "an axis of 1 more"
        }
        1 => {
            let i = position(random, tensor, 1)?;
            tensor.remove(i);
            "an axis less"
        }
        2 => {
            let i = position(random, tensor, 1)?;
            let Value::Integer(old, _) = tensor[i].value else { return None };
            tensor[i] = integer(1, odd_integer(random, old as i64));
            "an odd size"
        }
        3 => {
            let i = position(random, tensor, 1)?;
            let j = position(random, tensor, 1)?;
            tensor.swap(i, j);
            "swapped"
        }
        4 => {
            insert(random, tensor, packed(1, &[1]));
            "packed"
        }
        _ => {
            let i = position(random, tensor, 1)?;
            let dim = tensor.remove(i);
            tensor.push(dim);
            "moved behind"
        }
    };
    Some(format!("tensor: dimensions {what}"))
}

/// Typed integers with bits beyond those that the type has.
fn beyond_32_bits(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let kind = kind_of(tensor);
    let i = position(random, tensor, 5).or_else(|| position(random, tensor, 7))?;
    let number = tensor[i].number;
    let Value::Bytes(bytes) = &tensor[i].value else { return None };
    let mut values: Vec<i64> = schema::varints(bytes)?.into_iter().map(|v| v as i64).collect();
    if values.is_empty() {
        return None;
    }
    let k = random.below(values.len());
    values[k] = values[k].wrapping_add(random.pick(&[1 << 32, 1 << 31, -(1 << 32), 1 << 16, 1 << 8, 1 << 40]));
    tensor[i] = packed(number, &values);
    Some(format!("tensor: field {number} of type {kind} with more bits"))
}

/// Typed data beside raw data.
fn both_data(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let number = random.pick(&[4, 5, 6, 7, 9, 10, 11]);
    let value = match number {
        4 => Value::Bytes(1_f32.to_le_bytes().to_vec()),
        10 => Value::Bytes(1_f64.to_le_bytes().to_vec()),
        _ => Value::Bytes(if random.one_in(3) { vec![] } else { vec![1; random.pick(&[1, 4, 8])] }),
    };
    let kind = kind_of(tensor);
    insert(random, tensor, field(number, value));
    Some(format!("tensor: field {number} beside the data of type {kind}"))
}

/// The data in the field of another type.
fn other_data(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let i = [4, 5, 7, 9, 10].iter().find_map(|&number| position(random, tensor, number))?;
    let old = tensor[i].number;
    tensor[i].number = random.pick(&[4, 5, 7, 9, 10, 11]);
    let (new, kind) = (tensor[i].number, kind_of(tensor));
    Some(format!("tensor: data of type {kind} in another field · {new} for {old}"))
}

/// Another float: NaN, infinity, −0, subnormal, large.
fn float_entry(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    if kind_of(tensor) != 1 {
        return None;
    }
    let i = position(random, tensor, 4).or_else(|| position(random, tensor, 9))?;
    let Value::Bytes(bytes) = &mut tensor[i].value else { return None };
    let count = bytes.len() / 4;
    if count == 0 {
        return None;
    }
    let new = random.pick(&[f32::NAN, f32::INFINITY, -f32::INFINITY, -0.0, 1e-40, 4096.0, 16777217.0, 0.1, 1.0, 0.0]);
    let k = random.below(count);
    bytes[4 * k..4 * k + 4].copy_from_slice(&new.to_le_bytes());
    Some(format!("tensor: float {new}"))
}

/// Another integer in a list: axis, size, index, start, end or step.
fn int_entry(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    if kind_of(tensor) != 7 {
        return None;
    }
    if let Some(i) = position(random, tensor, 7) {
        let Value::Bytes(bytes) = &tensor[i].value else { return None };
        let mut values: Vec<i64> = schema::varints(bytes)?.into_iter().map(|v| v as i64).collect();
        let k = random.below(values.len().max(1));
        let old = *values.get(k)?;
        values[k] = odd_integer(random, old);
        let mark = super::encoding::magnitude(values[k]);
        tensor[i] = packed(7, &values);
        return Some(format!("tensor: int64 entry {mark}"));
    }
    let i = position(random, tensor, 9)?;
    let Value::Bytes(bytes) = &mut tensor[i].value else { return None };
    let k = random.below((bytes.len() / 8).max(1));
    let range = 8 * k..8 * k + 8;
    let old = i64::from_le_bytes(bytes.get(range.clone())?.try_into().ok()?);
    let new = odd_integer(random, old);
    bytes[range].copy_from_slice(&new.to_le_bytes());
    Some(format!("tensor: int64 entry {}", super::encoding::magnitude(new)))
}

/// Entries and location of external data, true or not.
fn location(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let entry = |key: &str, value: &str| submessage(13, Kind::Entry, vec![text(1, key), text(2, value)]);
    let kind = kind_of(tensor);
    let count: i64 = tensor
        .iter()
        .filter(|f| f.number == 1)
        .map(|f| if let Value::Integer(d, _) = f.value { d as i64 } else { 1 })
        .product();
    let inside = random.one_in(2);
    if !inside {
        tensor.retain(|field| !matches!(field.number, 4 | 5 | 7 | 9 | 10));
    }
    let mut what = String::new();
    if !random.one_in(4) {
        let place = random.pick(&[
            "weights.bin",
            "weights.bin",
            "weights.bin",
            "./weights.bin",
            "absent.bin",
            "../weights.bin",
            "",
        ]);
        tensor.push(entry("location", place));
        what += " location";
        if random.one_in(2) {
            let offset = random.pick(&["0", "8", "4", "-1", "+4", "0x4", " 4", "4.0", "99999"]);
            tensor.push(entry("offset", offset));
            what += " offset";
        }
        if random.one_in(2) {
            let width = if kind == 7 || kind == 11 { 8 } else { 4 };
            let length = (width * count.clamp(0, 1 << 20)).to_string();
            tensor.push(entry("length", random.pick(&[&length[..], &length[..], "0", "4", "-1"])));
            what += " length";
        }
        if random.one_in(4) {
            let key = random.pick(&["location", "offset", "length", "checksum", "other"]);
            tensor.push(entry(key, random.pick(&["weights.bin", "4", "0"])));
            what += " again";
        }
    }
    if !random.one_in(3) {
        let value = random.pick(&[0, 1, 1, 2, 1 << 32, (1 << 32) + 1, -1]);
        tensor.push(integer(14, value));
        what += &format!(" data_location {value}");
    }
    Some(format!("external{} ·{what}", if inside { " beside data" } else { "" }))
}

fn segment(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let inside = if random.one_in(2) { vec![] } else { vec![integer(1, 0), integer(2, 1)] };
    insert(random, tensor, field(3, Value::Bytes(wire::write(&inside))));
    Some("tensor: a segment".into())
}

fn name(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let name = random.pick(&["", "x", "c1", "v1", "i1"]);
    match position(random, tensor, 8) {
        Some(i) => tensor[i] = text(8, name),
        None => tensor.push(text(8, name)),
    }
    Some(format!("tensor: named `{name}`"))
}

/// More or fewer bytes than the dimensions say.
fn longer(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    let i = [4, 5, 7, 9, 10].iter().find_map(|&number| position(random, tensor, number))?;
    let number = tensor[i].number;
    let Value::Bytes(bytes) = &mut tensor[i].value else { return None };
    match random.below(4) {
        0 => bytes.extend([0; 8]),
        1 => bytes.extend([1, 2, 3]),
        2 => bytes.truncate(bytes.len().saturating_sub(1)),
        _ => bytes.truncate(bytes.len().saturating_sub(8)),
    }
    Some(format!("tensor: field {number} of another length"))
}

/// Raw data that is there and empty, beside typed data or alone.
fn empty_raw(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = tensor(random, file)?;
    if random.one_in(2) {
        tensor.retain(|field| !matches!(field.number, 4 | 5 | 7 | 9 | 10));
    }
    tensor.retain(|field| field.number != 9);
    insert(random, tensor, field(9, Value::Bytes(vec![])));
    if random.one_in(3) {
        tensor.retain(|field| field.number != 1);
        tensor.push(integer(1, 0));
    }
    Some("tensor: empty raw data".into())
}

/// A sparse constant, or a quantisation note.
fn sparse(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = super::graph(file)?;
    let number = random.pick(&[14, 15]);
    insert(random, graph, field(number, Value::Bytes(vec![])));
    Some(format!("graph: field {number}"))
}
