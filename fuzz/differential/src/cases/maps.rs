//! The order of scores that a ZipMap gives as maps.

use super::schema::{self, Kind, Message, Value};
use std::collections::BTreeMap;

/// For every score, its place among the keys in rising order; nothing where there is no ZipMap.
pub fn places(bytes: &[u8]) -> Option<Vec<usize>> {
    let file = schema::parse(bytes)?;
    let graph = file.iter().find_map(|field| inside(&field.value, Kind::Graph))?;
    let nodes = graph.iter().filter_map(|field| inside(&field.value, Kind::Node));
    let zips = |node: &&Message| node.iter().any(|f| f.number == 4 && f.value == Value::Bytes(b"ZipMap".to_vec()));
    let node = { nodes }.find(zips)?;
    let keys = node.iter().filter_map(|field| inside(&field.value, Kind::Attribute)).flatten();
    let keys: Vec<(i64, Vec<u8>)> = keys.filter_map(|field| key(field.number, &field.value)).collect();
    let mut sorted = keys.clone();
    sorted.sort();
    let place: BTreeMap<_, usize> = sorted.iter().enumerate().map(|(place, key)| (key, place)).collect();
    Some(keys.iter().map(|key| place[key]).collect())
}

fn inside(value: &Value, kind: Kind) -> Option<&Message> {
    match value {
        Value::Message(found, message) if *found == kind => Some(message),
        _ => None,
    }
}

/// An integer or a text of a list.
fn key(number: u64, value: &Value) -> Option<(i64, Vec<u8>)> {
    match (number, value) {
        (8, Value::Integer(key, _)) => Some((*key as i64, vec![])),
        (9, Value::Bytes(text)) => Some((0, text.clone())),
        _ => None,
    }
}
