//! Pad: entries around the samples, constant ones or copies of those at the edge.

use super::call::{Call, Value};
use super::importer::Importer;
use super::tensor::{Walk, row_major};
use crate::model::ModelError;
use crate::model::map::{Map, Pick};

/// Where an axis of `size` entries takes the entries around it from.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Constant,
    Edge,
    Reflect,
}

impl Mode {
    /// The entry that stands `at` places behind the first one, which may be before it.
    fn from(self, at: i64, size: i64) -> Option<usize> {
        let at = match self {
            Mode::Constant => at,
            Mode::Edge => at.clamp(0, size - 1),
            Mode::Reflect if at < 0 => -at,
            Mode::Reflect if at >= size => 2 * (size - 1) - at,
            Mode::Reflect => at,
        };
        (0..size).contains(&at).then_some(at as usize)
    }
}

pub(super) fn pad(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let Value::Node(node) = *call.input(0)? else { return Err(call.refuse("Pad of a constant is not supported")) };
    let mode = match call.text_attribute("mode").unwrap_or("constant") {
        "constant" => Mode::Constant,
        "edge" => Mode::Edge,
        "reflect" => Mode::Reflect,
        other => {
            let what = format!("Pad in mode `{}` is not supported: constant, edge, reflect are", other.escape_debug());
            return Err(call.refuse(what));
        }
    };
    let value = match call.optional(2) {
        None => 0.0,
        Some(Value::Float(value)) if value.shape.is_empty() => value.get(0),
        Some(_) => return Err(call.misfit("a float constant without axes as input 2", "another operand")),
    };
    let shape = importer.graph.node(node).shape.clone();
    let pads = pads(call, shape.len())?;
    let mut padded = vec![];
    for (axis, (&size, &[before, after])) in shape.iter().zip(&pads).enumerate() {
        if mode == Mode::Reflect && before.max(after) >= size {
            let found = format!("{before} and {after}");
            return Err(call.misfit(format!("fewer than {size} reflected entries on axis {}", axis + 1), found));
        }
        let size = size.checked_add(before).and_then(|size| size.checked_add(after));
        padded.push(size.ok_or_else(|| call.refuse("its pads are too large"))?);
    }
    importer.spend_shape(call, &padded)?;
    let mut from = vec![Some(0); padded.iter().product()];
    for (axis, step) in row_major(&shape).into_iter().enumerate() {
        let mut only = vec![0; padded.len()];
        only[axis] = 1;
        for (from, at) in from.iter_mut().zip(Walk::new(&padded, &only, 0)) {
            let entry = mode.from(at as i64 - pads[axis][0] as i64, shape[axis] as i64);
            *from = from.zip(entry).map(|(sum, entry)| sum + entry * step as usize);
        }
    }
    let outside = |from: &Option<usize>| if from.is_none() { value } else { 0.0 };
    let offset = if value == 0.0 { vec![] } else { from.iter().map(outside).collect() };
    let map = Map::Pick(Pick::new(from, shape.iter().product()));
    importer.push_map(call, (map, offset), node, &padded).map(Value::Node)
}

/// Entries before and behind each of a sample's `rank` axes.
fn pads(call: &Call, rank: usize) -> Result<Vec<[usize; 2]>, ModelError> {
    let list = call.known_ints(1, "pads (input 1)")?;
    if list.len() != 2 * (rank + 1) {
        return Err(call.misfit(format!("{} pads", 2 * (rank + 1)), format!("{list:?}")));
    }
    let pads: Option<Vec<usize>> = list.iter().map(|&pad| u32::try_from(pad).ok().map(|pad| pad as usize)).collect();
    let pads = pads.ok_or_else(|| call.refuse(format!("pads {list:?} below 0 are not supported: use a Slice")))?;
    let (before, after) = pads.split_at(rank + 1);
    if before[0] != 0 || after[0] != 0 {
        return Err(call.refuse("Pad along the batch axis is not supported"));
    }
    Ok((1..=rank).map(|axis| [before[axis], after[axis]]).collect())
}
