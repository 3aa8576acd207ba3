//! Structure-aware mutations of a valid file: each knows which message it changes.

mod attributes;
mod encoding;
mod graphs;
mod meaning;
mod models;
mod sizes;
mod tensors;

use super::random::Random;
use super::schema::Kind;
use super::wire::{Field, Message, Value};

/// Changes the file, and says how; nothing where it does not apply.
type Mutation = fn(&mut Random, &mut Message) -> Option<String>;

/// The families, each as often as the number says.
const FAMILIES: &[(usize, &[Mutation])] =
    &[(12, meaning::ALL), (4, encoding::ALL), (4, tensors::ALL), (4, attributes::ALL), (5, graphs::ALL)];

/// Applies one mutation that fits, and names it.
pub fn mutate(random: &mut Random, file: &mut Message) -> Option<String> {
    for _ in 0..20 {
        let mut at = random.below(FAMILIES.iter().map(|(weight, _)| weight).sum());
        let family = FAMILIES.iter().find(|(weight, _)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        });
        let (_, mutations) = family.expect("a number below the sum");
        let mutation = mutations[random.below(mutations.len())];
        if let Some(mark) = mutation(random, file) {
            return Some(mark);
        }
    }
    None
}

/// All files that lack one field, large ones first.
pub fn without_one(file: &Message) -> Vec<Message> {
    let mut found = Vec::new();
    for (_, path) in all(file) {
        let count = at(&mut file.clone(), &path).len();
        for i in (0..count).rev() {
            let mut smaller = file.clone();
            at(&mut smaller, &path).remove(i);
            found.push(smaller);
        }
    }
    found
}

/// Where a message stands: the positions of the fields that lead to it.
pub type Path = Vec<usize>;

/// All messages with their kinds.
pub fn all(file: &Message) -> Vec<(Kind, Path)> {
    let mut found = vec![(Kind::Model, vec![])];
    collect(file, &mut vec![], &mut found);
    found
}

fn collect(message: &Message, path: &mut Path, found: &mut Vec<(Kind, Path)>) {
    for (i, field) in message.iter().enumerate() {
        if let Value::Message(kind, inside) = &field.value {
            path.push(i);
            found.push((*kind, path.clone()));
            collect(inside, path, found);
            path.pop();
        }
    }
}

/// The message at a path.
pub fn at<'m>(mut message: &'m mut Message, path: &[usize]) -> &'m mut Message {
    for &i in path {
        let Value::Message(_, inside) = &mut message[i].value else { panic!("a path to a message") };
        message = inside;
    }
    message
}

/// One message of a kind.
pub fn one<'m>(random: &mut Random, file: &'m mut Message, kind: Kind) -> Option<&'m mut Message> {
    let paths: Vec<Path> = all(file).into_iter().filter(|(k, _)| *k == kind).map(|(_, path)| path).collect();
    if paths.is_empty() {
        return None;
    }
    let path = random.pick(&paths);
    Some(at(file, &path))
}

/// The only graph.
pub fn graph(file: &mut Message) -> Option<&mut Message> {
    file.iter_mut().find_map(|field| match &mut field.value {
        Value::Message(Kind::Graph, graph) => Some(graph),
        _ => None,
    })
}

/// Position of a field with this number.
pub fn position(random: &mut Random, message: &Message, number: u64) -> Option<usize> {
    let found: Vec<usize> = (0..message.len()).filter(|&i| message[i].number == number).collect();
    if found.is_empty() { None } else { Some(random.pick(&found)) }
}

/// The text of a field.
pub fn text_of(message: &Message, number: u64) -> Option<String> {
    message.iter().find(|field| field.number == number).and_then(|field| match &field.value {
        Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    })
}

/// Inserts at any place.
pub fn insert(random: &mut Random, message: &mut Message, field: Field) {
    let place = random.below(message.len() + 1);
    message.insert(place, field);
}

/// A number that is near an edge, or near `value`.
pub fn odd_integer(random: &mut Random, value: i64) -> i64 {
    let fixed = [0, 1, -1, 2, 3, i64::MAX, i64::MIN, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 32, 1 << 20];
    match random.below(8) {
        0 | 1 => random.pick(&fixed),
        2 => value.wrapping_add(1),
        3 => value.wrapping_sub(1),
        4 => value.wrapping_neg(),
        5 => value.wrapping_add(1 << 32),
        6 => value.wrapping_sub(1 << 32),
        _ => random.between(-4, 8),
    }
}
