//! Mutations of attributes: types, names, several of one name, values in other fields, none.

use super::super::random::Random;
use super::super::schema::Kind;
use super::super::wire::{Message, Value, field, integer, text};
use super::super::write::{self, float_attribute, int_attribute, ints_attribute, message as submessage};
use super::{Mutation, insert, odd_integer, one, position, text_of};

pub const ALL: &[Mutation] = &[
    declared_type,
    declared_type,
    second,
    second,
    renamed,
    extra,
    extra,
    extra,
    removed,
    other_slot,
    other_slot,
    value,
    value,
    value,
    reference,
    list,
    list,
    misplaced,
];

fn attribute<'m>(random: &mut Random, file: &'m mut Message) -> Option<&'m mut Message> {
    one(random, file, Kind::Attribute)
}

/// The operator's name and its message.
fn node_with_attributes<'m>(random: &mut Random, file: &'m mut Message) -> Option<&'m mut Message> {
    for _ in 0..8 {
        let places: Vec<_> = super::all(file).into_iter().filter(|(kind, _)| *kind == Kind::Node).collect();
        if places.is_empty() {
            return None;
        }
        let (_, path) = random.pick(&places);
        if super::at(file, &path).iter().any(|field| field.number == 5) {
            return Some(super::at(file, &path));
        }
    }
    None
}

fn named(attribute: &Message) -> String {
    text_of(attribute, 1).unwrap_or_default()
}

fn declared_type(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = attribute(random, file)?;
    let name = named(attribute);
    let i = position(random, attribute, 20)?;
    if random.one_in(3) {
        attribute.remove(i);
        return Some(format!("attribute: without a type · {name}"));
    }
    let Value::Integer(old, _) = attribute[i].value else { return None };
    let new = match random.below(3) {
        0 => odd_integer(random, old as i64),
        1 => old.wrapping_add(1 << 32) as i64,
        _ => random.between(0, 14),
    };
    attribute[i] = integer(20, new);
    Some(format!("attribute: of another type · {name}"))
}

/// An attribute twice, the other one changed.
fn second(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = node_with_attributes(random, file)?;
    let i = position(random, node, 5)?;
    let Value::Message(_, mut other) = node[i].value.clone() else { return None };
    let name = named(&other);
    change(random, &mut other);
    let place = i + random.below(2);
    node.insert(place, submessage(5, Kind::Attribute, other));
    Some(format!("attribute: twice · {name}"))
}

fn change(random: &mut Random, attribute: &mut Message) {
    for field in attribute.iter_mut() {
        match (field.number, &mut field.value) {
            (2 | 7, value @ Value::Fixed32(_)) => {
                *value = Value::Fixed32(random.pick(&[0.0_f32, 1.0, -1.0, 0.5, 3.0]).to_bits());
            }
            (3 | 8, Value::Integer(v, _)) => *v = odd_integer(random, *v as i64) as u64,
            _ => {}
        }
    }
}

fn renamed(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = attribute(random, file)?;
    let old = named(attribute);
    let new = random.pick(&[
        "alpha",
        "axis",
        "axes",
        "value",
        "value_int",
        "value_string",
        "to",
        "Alpha",
        "alpha\0",
        "",
        "perm",
        "beta",
        "epsilon",
    ]);
    let i = position(random, attribute, 1)?;
    attribute[i] = text(1, new);
    Some(format!("attribute: another name · {old} as {}", new.escape_debug()))
}

/// An attribute that the operator knows, of any type, or does not.
fn extra(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = one(random, file, Kind::Node)?;
    let operator = text_of(node, 4)?;
    let name = random.pick(&[
        "alpha",
        "beta",
        "transA",
        "transB",
        "axis",
        "axes",
        "perm",
        "to",
        "saturate",
        "round_mode",
        "allowzero",
        "start",
        "end",
        "seed",
        "ratio",
        "training_mode",
        "momentum",
        "epsilon",
        "spatial",
        "value",
        "value_float",
        "value_int",
        "value_ints",
        "value_floats",
        "value_string",
        "sparse_value",
        "broadcast",
        "consumed_inputs",
        "is_test",
        "unknown",
        "shape",
        "keepdims",
        "fmod",
        "strides",
        "pads",
        "dilations",
        "kernel_shape",
        "group",
        "auto_pad",
        "ceil_mode",
        "count_include_pad",
        "storage_order",
        "mode",
        "min",
        "max",
        "starts",
        "ends",
        "split",
        "num_outputs",
        "post_transform",
        "multi_class",
        "targets",
        "blocksize",
        "norm",
        "prob_a",
        "noop_with_empty_axes",
        "batch_dims",
    ]);
    let new = match random.below(6) {
        4 => ints_attribute(name, &[random.between(-1, 2), random.between(0, 2)]),
        5 => write::text_attribute(name, random.pick(&["", "VALID", "SAME_UPPER", "edge", "NONE", "LOGISTIC"])),
        0 => float_attribute(name, random.pick(&[0.0, 1.0, 2.0, -1.0, 0.5])),
        1 => ints_attribute(name, &[random.between(-1, 2)]),
        _ => int_attribute(name, random.pick(&[0, 1, -1, 2, 7])),
    };
    insert(random, node, submessage(5, Kind::Attribute, new));
    Some(format!("attribute: one more on {operator} · {name}"))
}

fn removed(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = node_with_attributes(random, file)?;
    let i = position(random, node, 5)?;
    let Value::Message(_, old) = node.remove(i).value else { return None };
    Some(format!("attribute: left out · {}", named(&old)))
}

/// A value in a field of another type, alone or beside the right one.
fn other_slot(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = attribute(random, file)?;
    let name = named(attribute);
    let beside = random.one_in(2);
    if !beside {
        attribute.retain(|field| matches!(field.number, 1 | 20));
    }
    let tensor = write::Data { kind: 1, dims: vec![1], values: vec![1.0], raw: true };
    let (what, new) = match random.below(8) {
        0 => ("f", field(2, Value::Fixed32(2_f32.to_bits()))),
        1 => ("i", integer(3, 1)),
        2 => ("s", text(4, "text")),
        3 => ("t", submessage(5, Kind::Tensor, write::tensor("", &tensor))),
        4 => ("g", submessage(6, Kind::Graph, vec![])),
        5 => ("floats", field(7, Value::Fixed32(2_f32.to_bits()))),
        6 => ("ints", integer(8, 1)),
        _ => ("strings", text(9, "text")),
    };
    insert(random, attribute, new);
    Some(format!("attribute: value {} {what} · {name}", if beside { "and" } else { "in" }))
}

/// Another value of the right type.
fn value(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = attribute(random, file)?;
    let name = named(attribute);
    let places: Vec<usize> = (0..attribute.len()).filter(|&i| matches!(attribute[i].number, 2 | 3 | 7 | 8)).collect();
    if places.is_empty() {
        return None;
    }
    let i = random.pick(&places);
    let what = match &mut attribute[i].value {
        Value::Fixed32(bits) => {
            let new = random.pick(&[f32::NAN, f32::INFINITY, 0.0, -0.0, -1.0, 1e-40, 0.1, 4096.0, 1.0, -3.0]);
            *bits = new.to_bits();
            new.to_string()
        }
        Value::Integer(v, _) => {
            *v = odd_integer(random, *v as i64) as u64;
            super::encoding::magnitude(*v as i64).into()
        }
        _ => return None,
    };
    Some(format!("attribute: another value · {name} = {what}"))
}

fn reference(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = attribute(random, file)?;
    let to = random.pick(&["", "other"]);
    insert(random, attribute, text(21, to));
    Some(format!("attribute: refers to a function's · {} to `{to}`", named(attribute)))
}

/// A list with other entries.
fn list(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = attribute(random, file)?;
    let name = named(attribute);
    if position(random, attribute, 8).is_none() && position(random, attribute, 7).is_none() {
        return None;
    }
    let what = match random.below(3) {
        0 => {
            attribute.retain(|field| !matches!(field.number, 7 | 8));
            "empty"
        }
        1 => {
            let i = position(random, attribute, 8).or_else(|| position(random, attribute, 7))?;
            attribute.remove(i);
            "shorter"
        }
        _ => {
            let i = position(random, attribute, 8).or_else(|| position(random, attribute, 7))?;
            let again = attribute[i].clone();
            insert(random, attribute, again);
            "longer"
        }
    };
    Some(format!("attribute: a list {what} · {name}"))
}

/// An attribute of one node on another.
fn misplaced(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = attribute(random, file)?.clone();
    let name = named(&attribute);
    let node = one(random, file, Kind::Node)?;
    let operator = text_of(node, 4)?;
    insert(random, node, submessage(5, Kind::Attribute, attribute));
    Some(format!("attribute: one more on {operator} · {name}"))
}
