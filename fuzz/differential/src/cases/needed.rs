//! What of a file its scores depend on.

use super::schema::{self, Kind, Message, Value};
use super::wire::{self, Field};
use super::write::{FLOAT, INT64, STRING, message, value_info};
use std::collections::HashSet;

/// The file without what is not read: nodes and outputs that the scores do not depend on, and maps around them. Nothing
/// where that is all of it.
pub fn alone(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = schema::parse(bytes)?;
    let graph = file.iter_mut().find_map(|field| inside_mut(&mut field.value, Kind::Graph))?;
    let before = graph.clone();
    let is_score = |field: &&Field| inside(&field.value, Kind::ValueInfo).is_some_and(|info| !is_label(info));
    let outputs: Vec<&Field> = before.iter().filter(|field| field.number == 12).collect();
    let scores = match outputs[..] {
        [only] => only,
        _ => outputs.into_iter().find(is_score)?,
    };
    let mut name = name(inside(&scores.value, Kind::ValueInfo)?)?;
    let mut scores = scores.clone();
    let zips = |node: &&Message| names(node, 2).eq([&name[..]]) && names(node, 4).eq([b"ZipMap"]);
    if let Some(zip) = before.iter().filter_map(|field| inside(&field.value, Kind::Node)).find(zips) {
        name = names(zip, 1).next()?.to_vec();
        scores = message(12, Kind::ValueInfo, value_info(std::str::from_utf8(&name).ok()?, FLOAT, None));
    }
    let mut needed = HashSet::from([name]);
    let mut kept = Vec::new();
    for field in before.iter().rev() {
        match inside(&field.value, Kind::Node) {
            Some(node) if field.number == 1 => {
                if names(node, 2).any(|name| !name.is_empty() && needed.contains(name)) {
                    needed.extend(names(node, 1).map(<[u8]>::to_vec));
                    kept.push(field.clone());
                }
            }
            _ if matches!(field.number, 12 | 13) => {}
            _ => kept.push(field.clone()),
        }
    }
    kept.reverse();
    kept.push(scores);
    *graph = kept;
    (*graph != before).then(|| wire::write(&file))
}

fn inside(value: &Value, kind: Kind) -> Option<&Message> {
    match value {
        Value::Message(found, message) if *found == kind => Some(message),
        _ => None,
    }
}

fn inside_mut(value: &mut Value, kind: Kind) -> Option<&mut Message> {
    match value {
        Value::Message(found, message) if *found == kind => Some(message),
        _ => None,
    }
}

/// Texts in fields of this number.
fn names(message: &Message, number: u64) -> impl Iterator<Item = &[u8]> {
    message.iter().filter(move |field| field.number == number).filter_map(|field| match &field.value {
        Value::Bytes(bytes) => Some(&bytes[..]),
        _ => None,
    })
}

fn name(info: &Message) -> Option<Vec<u8>> {
    names(info, 1).next().map(<[u8]>::to_vec)
}

/// Whether a value is described as integers or texts.
fn is_label(info: &Message) -> bool {
    let kinds = info.iter().filter_map(|field| inside(&field.value, Kind::Type)).flatten();
    let tensors = kinds.filter_map(|field| inside(&field.value, Kind::TensorType)).flatten();
    let label = |field: &Field| [INT64, STRING].iter().any(|&kind| *field == wire::integer(1, kind));
    { tensors }.any(label)
}
