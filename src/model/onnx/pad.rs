//! Pad: entries around the samples, constant ones or copies of those at the edge.

use super::call::{Call, Value};
use super::importer::Importer;
use super::tensor::{Walk, row_major};
use crate::model::ModelError;
use crate::model::map::{Map, Pick};

/// Where an axis of `size` entries takes the entries around it from.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Constant,
    Edge,
    Reflect,
    Wrap,
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
            Mode::Wrap => at.rem_euclid(size),
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
        "wrap" => Mode::Wrap,
        other => {
            let what =
                format!("Pad in mode `{}` is not supported: constant, edge, reflect, wrap are", other.escape_debug());
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
        // What is cropped is there; copies are of what is there once.
        let size = size as i64;
        let fits = |pad: i64| match mode {
            Mode::Constant => pad > -size,
            Mode::Edge => pad >= 0,
            Mode::Reflect => (0..size).contains(&pad),
            Mode::Wrap => (0..=size).contains(&pad),
        };
        let padded_size = usize::try_from(size + before + after).ok().filter(|&padded| padded > 0);
        let Some(padded_size) = padded_size.filter(|_| fits(before) && fits(after)) else {
            let expected = format!("pads that mode {:?} has for {size} entries on axis {}", mode, axis + 1);
            return Err(call.misfit(expected, format!("{before} and {after}")));
        };
        padded.push(padded_size);
    }
    importer.spend_shape(call, &padded)?;
    let mut from = vec![Some(0); padded.iter().product()];
    for (axis, step) in row_major(&shape).into_iter().enumerate() {
        let mut only = vec![0; padded.len()];
        only[axis] = 1;
        for (from, at) in from.iter_mut().zip(Walk::new(&padded, &only, 0)) {
            let entry = mode.from(at as i64 - pads[axis][0], shape[axis] as i64);
            *from = from.zip(entry).map(|(sum, entry)| sum + entry * step as usize);
        }
    }
    let outside = |from: &Option<usize>| if from.is_none() { value } else { 0.0 };
    let offset = if value == 0.0 { vec![] } else { from.iter().map(outside).collect() };
    let map = Map::Pick(Pick::new(from, shape.iter().product()));
    importer.push_map(call, (map, offset), node, &padded).map(Value::Node)
}

/// Entries before and behind each of a sample's `rank` axes, or minus how many are gone.
fn pads(call: &Call, rank: usize) -> Result<Vec<[i64; 2]>, ModelError> {
    let list = call.known_ints(1, "pads (input 1)")?;
    if list.len() != 2 * (rank + 1) {
        return Err(call.misfit(format!("{} pads", 2 * (rank + 1)), format!("{list:?}")));
    }
    if list.iter().any(|&pad| i32::try_from(pad).is_err()) {
        return Err(call.refuse(format!("pads {list:?} are too large")));
    }
    let (before, after) = list.split_at(rank + 1);
    if before[0] != 0 || after[0] != 0 {
        return Err(call.refuse("Pad along the batch axis is not supported"));
    }
    Ok((1..=rank).map(|axis| [before[axis], after[axis]]).collect())
}
