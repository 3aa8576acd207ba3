//! Transpose, Gather and Slice: entries in some order.

use super::call::{Call, Value, kind};
use super::importer::Importer;
use super::layout::axis_of;
use super::tensor::{Ints, Walk, row_major};
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
    let (mut parts, mut first) = (vec![], 0);
    for size in split_sizes(importer, call, from[axis])? {
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

/// What stands for Split where one value is imported; [`split`] imports its parts.
pub(super) fn whole(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    call.input(0).cloned()
}

pub(super) fn gather(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let axis = call.int_attribute("axis").unwrap_or(0);
    let places = call.ints(1, "indices (input 1)")?;
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
    take(importer, call, axis, along)
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
    let [start, end, axis, step] = match (&starts[..], &ends[..], &axes[..], &steps[..]) {
        ([start], [end], [axis], [step]) => [*start, *end, *axis, *step],
        _ => return Err(call.refuse("Slice along several axes at once is not supported")),
    };
    let along = |shape: &[usize], axis: usize| {
        let found = range(call, shape[axis], start, end, step)?;
        let mut result = shape.to_vec();
        result[axis] = found.len();
        Ok((result, found))
    };
    take(importer, call, axis, along)
}

/// The indices start, start + step, … up to but without end; negative ones count from the end, all are clamped. Where
/// the step is negative, runtimes differ in how they clamp, so that a start before the first entry, and an end behind the
/// last one, are refused.
fn range(call: &Call, size: usize, start: i64, end: i64, step: i64) -> Result<Vec<usize>, ModelError> {
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
    axis: i64,
    along: impl Fn(&[usize], usize) -> Result<(Vec<usize>, Vec<usize>), ModelError>,
) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Larger(_) => Err(call.refuse_comparison()),
        Value::Node(node) => {
            let shape = importer.graph.node(*node).shape.clone();
            let axis = axis_of(call, axis, shape.len() + 1, false)?;
            if axis == 0 {
                return Err(call.refuse(format!("{} along the batch axis is not supported", call.operator())));
            }
            let (result, indices) = flat(importer, call, &shape, axis - 1, &along)?;
            pick(importer, call, *node, &result, indices.into_iter()).map(Value::Node)
        }
        Value::Float(tensor) => {
            let axis = axis_of(call, axis, tensor.shape.len(), false)?;
            let (result, indices) = flat(importer, call, &tensor.shape, axis, &along)?;
            Ok(Value::Float(tensor.picked(result, indices.into_iter())))
        }
        Value::Int(ints) => {
            let axis = axis_of(call, axis, ints.shape.len(), false)?;
            let (shape, indices) = flat(importer, call, &ints.shape, axis, &along)?;
            let values = indices.into_iter().map(|index| ints.values[index]).collect();
            Ok(Value::Int(Ints { shape, values }))
        }
    }
}

fn flat(
    importer: &mut Importer,
    call: &Call,
    shape: &[usize],
    axis: usize,
    along: &Along,
) -> Result<(Vec<usize>, Vec<usize>), ModelError> {
    let (result, places) = along(shape, axis)?;
    if places.is_empty() && !matches!(call.input(0)?, Value::Int(_)) {
        return Err(call.misfit("entries to take", "none"));
    }
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

/// Of constants, and of values whose batch axis stays in front.
pub(super) fn transpose(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let permutation = call.ints_attribute("perm");
    match call.input(0)? {
        Value::Larger(_) => Err(call.refuse_comparison()),
        Value::Node(node) => {
            let shape = importer.graph.node(*node).shape.clone();
            let order = order(call, permutation, shape.len() + 1)?;
            if order[0] != 0 {
                let what = format!("Transpose of N, {shape:?} by {order:?} moves the batch axis from the front");
                return Err(call.refuse(what));
            }
            let order: Vec<usize> = order[1..].iter().map(|&axis| axis - 1).collect();
            let (moved, walk) = permuted(&shape, &order);
            pick(importer, call, *node, &moved, walk).map(Value::Node)
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
    }
}

/// A shape with its axes in another order, and the entries in theirs.
fn permuted(shape: &[usize], order: &[usize]) -> (Vec<usize>, Walk) {
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
