//! Transpose, Gather and Slice: entries in some order.

use super::call::{Call, Value, kind};
use super::declared::MOST_SAMPLES;
use super::importer::Importer;
use super::layout::axis_of;
use super::tensor::{Dim, Ints, Walk, row_major};
use crate::model::map::{Map, Pick};
use crate::model::{ModelError, NodeId};

/// The entries of a node at `indices`, under `shape`: a Reshape where all stay in place.
pub(super) fn pick(
    importer: &mut Importer,
    call: &Call,
    node: NodeId,
    shape: &[usize],
    indices: impl Iterator<Item = usize>,
) -> Result<NodeId, ModelError> {
    let cols = importer.graph.node(node).size();
    let rows = shape.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim));
    importer.spend(&call.name, rows)?;
    let indices: Vec<usize> = indices.collect();
    if indices.iter().copied().eq(0..cols) {
        return importer.reshape(call, node, shape);
    }
    let from = indices.into_iter().map(Some).collect();
    importer.push_map(call, (Map::Pick(Pick::new(from, cols)), vec![]), node, shape)
}

/// The parts of a Split: of the sizes that the file gives, or equal ones.
pub(super) fn split(importer: &mut Importer, call: &Call) -> Result<Vec<Value>, ModelError> {
    let node = match call.input(0)? {
        Value::Node(node) => *node,
        other => return Err(call.misfit("a value that depends on the input", kind(other))),
    };
    let from = importer.graph.node(node).shape.clone();
    let axis = axis_of(call, call.int_attribute("axis").unwrap_or(0), from.len() + 1, false)?;
    let Some(axis) = axis.checked_sub(1) else {
        return Err(call.refuse("Split along the batch axis is not supported"));
    };
    let strides = row_major(&from);
    let sizes = match call.operator() {
        "Split" => split_sizes(importer, call, from[axis])?,
        _ => sequence_sizes(call, from[axis])?,
    };
    let (mut parts, mut first) = (vec![], 0);
    for size in sizes {
        let mut shape = from.clone();
        shape[axis] = size;
        let walk = Walk::new(&shape, &strides, first as isize * strides[axis]);
        parts.push(Value::Node(pick(importer, call, node, &shape, walk)?));
        first += size;
    }
    Ok(parts)
}

fn split_sizes(importer: &Importer, call: &Call, whole: usize) -> Result<Vec<usize>, ModelError> {
    let count = call.outputs();
    let number = call.int_attribute("num_outputs");
    let sizes = match (call.optional_ints(1, "sizes (input 1)")?, number) {
        (Some(_), Some(_)) => return Err(call.refuse("Split with sizes and num_outputs is not supported")),
        (Some(list), None) => list.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>(),
        (None, number) if number.is_some() != (importer.opset >= 18) => None,
        (None, number) => {
            let fits = whole.is_multiple_of(count) && number.is_none_or(|n| usize::try_from(n) == Ok(count));
            fits.then(|| vec![whole / count; count])
        }
    };
    let total = |sizes: &[usize]| sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    sizes
        .filter(|sizes| sizes.len() == count && total(sizes) == Some(whole))
        .ok_or_else(|| call.misfit(format!("sizes of {count} parts, or equal ones, that make up {whole}"), "others"))
}

/// Of the parts of a SplitToSequence: as the file gives them, or of one size, but the last.
fn sequence_sizes(call: &Call, whole: usize) -> Result<Vec<usize>, ModelError> {
    let misfit = || call.misfit(format!("sizes of parts that make up {whole}"), "others");
    let given = call.ints(1, "sizes (input 1)")?;
    let known = call.known(given, "sizes (input 1)")?;
    let known = known.iter().map(|&size| usize::try_from(size).ok().filter(|&size| size > 0));
    let known = known.collect::<Option<Vec<_>>>().ok_or_else(misfit)?;
    let sizes = match (&given.shape[..], &known[..]) {
        ([], &[size]) => (0..whole.div_ceil(size)).map(|k| size.min(whole - k * size)).collect(),
        ([_], _) => known,
        _ => return Err(misfit()),
    };
    let total = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    if total == Some(whole) { Ok(sizes) } else { Err(misfit()) }
}

pub(super) fn split_to_sequence(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    split(importer, call).map(Value::Sequence)
}

pub(super) fn sequence_at(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let Value::Sequence(values) = call.input(0)? else { return Err(call.misfit("a sequence", kind(call.input(0)?))) };
    let at = call.ints(1, "position (input 1)")?;
    match (&at.shape[..], &at.values[..]) {
        ([], [Dim::Known(at)]) => Ok(values[axis_of(call, *at, values.len(), false)?].clone()),
        _ => Err(call.misfit("one position", "others")),
    }
}

/// What stands for Split where one value is imported; [`split`] imports its parts.
pub(super) fn whole(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    call.input(0).cloned()
}

pub(super) fn gather(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    gather_at(importer, call, call.ints(1, "indices (input 1)")?)
}

/// Of the first axis: places of one index each.
pub(super) fn gather_nd(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let Ints { shape, values } = call.ints(1, "indices (input 1)")?.clone();
    let (Some((1, places)), 0) = (shape.split_last(), call.int_attribute("batch_dims").unwrap_or(0)) else {
        return Err(call.refuse("GatherND is supported for places of one index, without batch_dims"));
    };
    gather_at(importer, call, &Ints { shape: places.to_vec(), values })
}

fn gather_at(importer: &mut Importer, call: &Call, places: &Ints) -> Result<Value, ModelError> {
    let axis = call.int_attribute("axis").unwrap_or(0);
    let known = call.known(places, "indices (input 1)")?;
    let along = |shape: &[usize], axis: usize| -> Result<(Vec<usize>, Vec<usize>), ModelError> {
        let size = shape[axis];
        let found: Vec<usize> = known
            .iter()
            .map(|&index| {
                axis_of(call, index, size, false)
                    .map_err(|_| call.misfit(format!("indices into axis {axis} of size {size}"), format!("{index}")))
            })
            .collect::<Result<_, _>>()?;
        let result = [&shape[..axis], &places.shape, &shape[axis + 1..]].concat();
        Ok((result, found))
    };
    take(importer, call, call.input(0)?, axis, along)
}

/// Slice along any axes, one after the other.
pub(super) fn slice(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if call.optional(3).is_none() && call.optional(4).is_some() {
        return Err(call.refuse("Slice with steps and without axes is not supported"));
    }
    let starts = call.known_ints(1, "starts")?;
    let ends = call.known_ints(2, "ends")?;
    let axes = call.optional_ints(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.optional_ints(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [&ends, &axes, &steps].iter().any(|list| list.len() != starts.len()) {
        return Err(call.misfit("starts, ends, axes and steps of one length", "others"));
    }
    if starts.is_empty() {
        return Err(call.misfit("a start", "none"));
    }
    let mut value = call.input(0)?.clone();
    let mut seen = vec![];
    for (k, &axis) in axes.iter().enumerate() {
        let rank = rank_of(importer, &value);
        let index = axis_of(call, axis, rank, false)?;
        if seen.contains(&index) {
            return Err(call.refuse(format!("axis {axis} is named twice")));
        }
        seen.push(index);
        let part = [starts[k], ends[k], steps[k]];
        if index == 0 && matches!(value, Value::Node(_)) && is_whole(importer.fixed_batch, part) {
            continue;
        }
        let along = |shape: &[usize], axis: usize| {
            let found = range(call, shape[axis], part)?;
            let mut result = shape.to_vec();
            result[axis] = found.len();
            Ok((result, found))
        };
        value = take(importer, call, &value, axis, along)?;
    }
    Ok(value)
}

/// The number of axes, that of the batch included.
fn rank_of(importer: &Importer, value: &Value) -> usize {
    match value {
        Value::Node(node) => importer.graph.node(*node).shape.len() + 1,
        Value::Float(tensor) => tensor.shape.len(),
        Value::Int(ints) => ints.shape.len(),
        _ => 0,
    }
}

/// Whether a slice takes all samples of a batch, of as many as there may be unless the file fixes it.
fn is_whole(fixed: Option<i64>, [start, end, step]: [i64; 3]) -> bool {
    let from_front = start == 0 || fixed.is_some_and(|size| start <= -size);
    step == 1 && from_front && end >= fixed.unwrap_or(MOST_SAMPLES)
}

/// The indices start, start + step, … up to but without end; negative ones count from the end, all are clamped. Where
/// the step is negative, runtimes differ in how they clamp, so that a start before the first entry, and an end behind the
/// last one, are refused.
fn range(call: &Call, size: usize, [start, end, step]: [i64; 3]) -> Result<Vec<usize>, ModelError> {
    let size = size as i64;
    let clamp = |index: i64, low: i64, high: i64| {
        let front = if index < 0 { index.saturating_add(size) } else { index };
        front.clamp(low, high)
    };
    let mut found = vec![];
    let (mut index, end) = match step {
        0 => return Err(call.misfit("a step other than 0", "0")),
        1.. => (clamp(start, 0, size), clamp(end, 0, size)),
        _ if start < -size || end >= size => {
            let expected = format!("a start from {} on and an end below {size} where the step is negative", -size);
            return Err(call.misfit(expected, format!("{start} and {end}")));
        }
        _ => (clamp(start, -1, size - 1), clamp(end, -1, size - 1)),
    };
    while if step > 0 { index < end } else { index > end } {
        found.push(index as usize);
        index = index.saturating_add(step);
    }
    Ok(found)
}

type Along<'a> = dyn Fn(&[usize], usize) -> Result<(Vec<usize>, Vec<usize>), ModelError> + 'a;

/// Entries along one axis: `along` gives, for a shape and an axis, the result's shape and the indices on that axis.
fn take(
    importer: &mut Importer,
    call: &Call,
    value: &Value,
    axis: i64,
    along: impl Fn(&[usize], usize) -> Result<(Vec<usize>, Vec<usize>), ModelError>,
) -> Result<Value, ModelError> {
    match value {
        Value::Node(node) => {
            let shape = importer.graph.node(*node).shape.clone();
            let axis = axis_of(call, axis, shape.len() + 1, false)?;
            if axis == 0 {
                return Err(call.refuse(format!("{} along the batch axis is not supported", call.operator())));
            }
            let (result, indices) = flat(importer, call, &shape, axis - 1, &along)?;
            check_some(call, &indices)?;
            pick(importer, call, *node, &result, indices.into_iter()).map(Value::Node)
        }
        Value::Float(tensor) => {
            let axis = axis_of(call, axis, tensor.shape.len(), false)?;
            let (result, indices) = flat(importer, call, &tensor.shape, axis, &along)?;
            check_some(call, &indices)?;
            Ok(Value::Float(tensor.picked(result, indices.into_iter())))
        }
        Value::Int(ints) => {
            let axis = axis_of(call, axis, ints.shape.len(), false)?;
            let (shape, indices) = flat(importer, call, &ints.shape, axis, &along)?;
            let values = indices.into_iter().map(|index| ints.values[index]).collect();
            Ok(Value::Int(Ints { shape, values }))
        }
        other => Err(call.refuse_value(other)),
    }
}

/// Of lists of integers, parts may be empty.
fn check_some(call: &Call, indices: &[usize]) -> Result<(), ModelError> {
    if indices.is_empty() { Err(call.misfit("entries to take", "none")) } else { Ok(()) }
}

fn flat(
    importer: &mut Importer,
    call: &Call,
    shape: &[usize],
    axis: usize,
    along: &Along,
) -> Result<(Vec<usize>, Vec<usize>), ModelError> {
    let (result, places) = along(shape, axis)?;
    importer.spend_shape(call, &result)?;
    let mut view = shape.to_vec();
    view[axis] = places.len();
    // Walk over positions in `places`, then replace the position on that axis by the place.
    let strides = row_major(shape);
    let stride = strides[axis] as usize;
    let mut others = strides.clone();
    others[axis] = 0;
    let mut on_axis = vec![0; shape.len()];
    on_axis[axis] = 1;
    let base = Walk::new(&view, &others, 0);
    let position = Walk::new(&view, &on_axis, 0);
    Ok((result, base.zip(position).map(|(base, position)| base + places[position] * stride).collect()))
}

/// Entries repeated along every axis but the batch.
pub(super) fn tile(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let list = call.known_ints(1, "repeats (input 1)")?;
    let value = call.input(0)?;
    let shape = match value {
        Value::Node(node) => importer.graph.node(*node).shape.clone(),
        Value::Float(tensor) => tensor.shape.clone(),
        Value::Int(ints) => ints.shape.clone(),
        other => return Err(call.refuse_value(other)),
    };
    let times = match (value, &list[..]) {
        (Value::Node(_), [1, rest @ ..]) => rest,
        (Value::Node(_), _) => return Err(call.refuse("Tile along the batch axis is not supported")),
        (_, all) => all,
    };
    let misfit = || call.misfit(format!("how often to repeat each axis of {shape:?}"), format!("{list:?}"));
    let times =
        times.iter().map(|&times| usize::try_from(times).ok()).collect::<Option<Vec<_>>>().ok_or_else(misfit)?;
    if times.len() != shape.len() {
        return Err(misfit());
    }
    let (mut tiled, mut view, mut strides) = (vec![], vec![], vec![]);
    for (axis, stride) in row_major(&shape).into_iter().enumerate() {
        tiled.push(shape[axis].checked_mul(times[axis]).ok_or_else(misfit)?);
        view.extend([times[axis], shape[axis]]);
        strides.extend([0, stride]);
    }
    importer.spend_shape(call, &tiled)?;
    if tiled.contains(&0) && !matches!(value, Value::Int(_)) {
        return Err(misfit());
    }
    let walk = Walk::new(&view, &strides, 0);
    match value {
        Value::Node(node) => pick(importer, call, *node, &tiled, walk).map(Value::Node),
        Value::Float(tensor) => Ok(Value::Float(tensor.picked(tiled, walk))),
        Value::Int(ints) => {
            Ok(Value::Int(Ints { shape: tiled, values: walk.map(|index| ints.values[index]).collect() }))
        }
        other => Err(call.refuse_value(other)),
    }
}

/// Of constants, and of values, whose batch axis goes along.
pub(super) fn transpose(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let permutation = call.ints_attribute("perm");
    let value = call.input(0)?;
    match value {
        Value::Node(_) | Value::Moved(..) => {
            let (node, batch) = call.input(0)?.placed().ok_or_else(|| call.refuse_value(value))?;
            let shape = importer.graph.node(node).shape.clone();
            let mut order = order(call, permutation, shape.len() + 1)?;
            let to = order.iter().position(|&axis| axis == batch).unwrap_or(0);
            order.remove(to);
            let order: Vec<usize> = order.iter().map(|&axis| if axis > batch { axis - 1 } else { axis }).collect();
            let (moved, walk) = permuted(&shape, &order);
            Ok(Value::at(pick(importer, call, node, &moved, walk)?, to))
        }
        Value::Float(tensor) => {
            let (shape, walk) = permuted(&tensor.shape, &order(call, permutation, tensor.shape.len())?);
            importer.spend_shape(call, &shape)?;
            Ok(Value::Float(tensor.picked(shape, walk)))
        }
        Value::Int(ints) => {
            let (shape, walk) = permuted(&ints.shape, &order(call, permutation, ints.shape.len())?);
            importer.spend_shape(call, &shape)?;
            Ok(Value::Int(Ints { shape, values: walk.map(|index| ints.values[index]).collect() }))
        }
        other => Err(call.refuse_value(other)),
    }
}

/// A shape with its axes in another order, and the entries in theirs.
pub(super) fn permuted(shape: &[usize], order: &[usize]) -> (Vec<usize>, Walk) {
    let strides = row_major(shape);
    let moved: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let strides: Vec<isize> = order.iter().map(|&axis| strides[axis]).collect();
    let walk = Walk::new(&moved, &strides, 0);
    (moved, walk)
}

fn order(call: &Call, permutation: Option<&[i64]>, rank: usize) -> Result<Vec<usize>, ModelError> {
    let Some(given) = permutation else { return Ok((0..rank).rev().collect()) };
    let misfit = || call.misfit(format!("a permutation of {rank} axes"), format!("{given:?}"));
    let order: Vec<usize> =
        given.iter().map(|&axis| usize::try_from(axis)).collect::<Result<_, _>>().map_err(|_| misfit())?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..rank) { Ok(order) } else { Err(misfit()) }
}
