//! Operators that give the same entries another shape.

use super::call::{Call, Value};
use super::importer::Importer;
use super::joined;
use super::tensor::{Dim, Ints};
use crate::model::{ModelError, NodeId};

pub(super) fn flatten(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let axis = call.int_attribute("axis").unwrap_or(1);
    if axis < 0 && importer.opset < 11 {
        return Err(call.refuse(format!("Flatten with axis {axis} is not one of opset {}", importer.opset)));
    }
    match call.input(0)? {
        Value::Node(node) => {
            let shape = importer.graph.node(*node).shape.clone();
            // Flatten may cut behind the last axis, too.
            let cut = axis_of(call, axis, shape.len() + 1, true)?;
            if cut == 0 || shape[..cut - 1].iter().any(|&dim| dim != 1) {
                return Err(
                    call.refuse(format!("Flatten with axis {axis} of N, {shape:?} joins other axes to the batch"))
                );
            }
            let size = importer.graph.node(*node).size();
            Ok(Value::Node(importer.reshape(call, *node, &[size])?))
        }
        Value::Float(tensor) => {
            let cut = axis_of(call, axis, tensor.shape.len(), true)?;
            let shape = vec![tensor.shape[..cut].iter().product(), tensor.shape[cut..].iter().product()];
            Ok(Value::Float(tensor.reshaped(shape)))
        }
        Value::Int(_) => Err(call.refuse("Flatten of integers is not supported")),
        other => Err(call.refuse_value(other)),
    }
}

pub(super) fn reshape(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let target = call.dims(1, "shape (input 1)")?.to_vec();
    let allow_zero = call.flag("allowzero")?;
    match call.input(0)? {
        Value::Node(node) => match joined::rows(importer, call, *node, &target)?.filter(|_| importer.has_batch) {
            Some(rows) => Ok(rows),
            None => reshape_node(importer, call, *node, &target, allow_zero).map(Value::Node),
        },
        Value::Float(tensor) => {
            let shape = resolve(call, &tensor.shape, 0, tensor.len(), &target, allow_zero)?;
            Ok(Value::Float(tensor.reshaped(shape)))
        }
        Value::Int(ints) => {
            let shape = resolve(call, &ints.shape, 0, ints.values.len(), &target, allow_zero)?;
            Ok(Value::Int(Ints { shape, values: ints.values.clone() }))
        }
        other => Err(call.refuse_value(other)),
    }
}

/// The first target axis must be the batch axis: its symbol, 0, the size that the file fixes, or −1 with all others
/// known.
fn reshape_node(
    importer: &mut Importer,
    call: &Call,
    node: NodeId,
    target: &[Dim],
    allow_zero: bool,
) -> Result<NodeId, ModelError> {
    let Some((&first, rest)) = target.split_first() else {
        return Err(call.refuse("Reshape to a scalar would drop the batch axis"));
    };
    let from = importer.graph.node(node).shape.clone();
    let size = importer.graph.node(node).size();
    let keeps = match first {
        Dim::Batch => true,
        Dim::Known(0) => !allow_zero,
        Dim::Known(-1) => !rest.contains(&Dim::Known(-1)),
        Dim::Known(n) => importer.fixed_batch == Some(n),
    };
    let flat = rest.is_empty() && size != 1;
    if !keeps || flat || rest.contains(&Dim::Batch) {
        return Err(call.refuse(format!("Reshape to {} does not keep the batch axis in front", shown(target))));
    }
    let shape = resolve(call, &from, 1, size, target, allow_zero)?;
    importer.reshape(call, node, &shape)
}

/// The shape of `size` entries that `target` asks for behind its first `offset` axes; `from`, without those axes, is
/// copied where it says 0.
fn resolve(
    call: &Call,
    from: &[usize],
    offset: usize,
    size: usize,
    target: &[Dim],
    allow_zero: bool,
) -> Result<Vec<usize>, ModelError> {
    let misfit =
        || call.misfit(format!("{size} entries{}", if offset == 1 { " per sample" } else { "" }), shown(target));
    let target = &target[offset..];
    let mut shape = vec![0; target.len()];
    let mut open = None;
    let mut known = 1usize;
    for (axis, dim) in target.iter().enumerate() {
        shape[axis] = match *dim {
            Dim::Batch => return Err(call.refuse("a constant's shape depends on the batch size")),
            Dim::Known(-1) if open.is_none() => {
                open = Some(axis);
                continue;
            }
            Dim::Known(0) if !allow_zero => {
                *from.get(axis).ok_or_else(|| call.misfit(format!("an axis {} to copy", axis + offset), "none"))?
            }
            Dim::Known(dim) => usize::try_from(dim).map_err(|_| misfit())?,
        };
        known = known.checked_mul(shape[axis]).ok_or_else(misfit)?;
    }
    if let Some(axis) = open {
        if known == 0 || !size.is_multiple_of(known) {
            return Err(misfit());
        }
        shape[axis] = size / known;
        known *= shape[axis];
    }
    if known == size { Ok(shape) } else { Err(misfit()) }
}

/// Refuses axes that are counted from the end, or of a Squeeze do not rise, in versions of the operators in which runtimes
/// then take them for others.
fn check_axes(importer: &Importer, call: &Call, axes: &[i64]) -> Result<(), ModelError> {
    if importer.opset < 11 && call.operator() == "Squeeze" && !axes.is_sorted() {
        let what =
            format!("{} with axes {axes:?} in opset {} is not supported: sort them", call.operator(), importer.opset);
        return Err(call.refuse(what));
    }
    match axes.iter().find(|&&axis| axis < 0 && importer.opset < 11) {
        Some(axis) => {
            Err(call.refuse(format!("{} with axis {axis} is not one of opset {}", call.operator(), importer.opset)))
        }
        None => Ok(()),
    }
}

pub(super) fn squeeze(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let axes = call.optional_ints(1, "axes (input 1)")?;
    check_axes(importer, call, axes.as_deref().unwrap_or_default())?;
    if axes.is_none() && call.count() > 1 {
        return Err(call.misfit("axes to squeeze", "an input that is left out"));
    }
    if axes.as_ref().is_some_and(Vec::is_empty) {
        // Some runtimes take that for no axes, others for all.
        return Err(call.misfit("axes to squeeze", "an empty list"));
    }
    match call.input(0)? {
        Value::Node(node) => {
            let shape = importer.graph.node(*node).shape.clone();
            let all_ones = shape.iter().all(|&dim| dim == 1);
            let full: Vec<usize> = std::iter::once(0).chain(shape).collect();
            let rest = match axes {
                Some(axes) => squeezed(call, &full, &axes)?,
                // Of the graph's output nothing but the batch axis is left, and nobody minds if that goes, too.
                None if all_ones && call.output() == Some(importer.output) => {
                    importer.open_output = true;
                    vec![0]
                }
                None if importer.fixed_batch == Some(1) => {
                    let rest: Vec<usize> = full[1..].iter().copied().filter(|&dim| dim != 1).collect();
                    return Ok(Value::Sample(importer.reshape(call, *node, &rest)?));
                }
                None => return Err(call.refuse("Squeeze without axes would also drop a batch axis of size 1")),
            };
            if rest.first() != Some(&0) {
                return Err(call.refuse("Squeeze of the batch axis is not supported"));
            }
            Ok(Value::Node(importer.reshape(call, *node, &rest[1..])?))
        }
        Value::Float(tensor) => {
            let shape = squeezed_constant(call, &tensor.shape, axes)?;
            Ok(Value::Float(tensor.reshaped(shape)))
        }
        Value::Int(ints) => {
            let shape = squeezed_constant(call, &ints.shape, axes)?;
            Ok(Value::Int(Ints { shape, values: ints.values.clone() }))
        }
        other => Err(call.refuse_value(other)),
    }
}

fn squeezed_constant(call: &Call, shape: &[usize], axes: Option<Vec<i64>>) -> Result<Vec<usize>, ModelError> {
    match axes {
        Some(axes) => squeezed(call, shape, &axes),
        None => Ok(shape.iter().copied().filter(|&dim| dim != 1).collect()),
    }
}

/// The shape without the named axes, which must have size 1 (or 0, which stands for the batch).
fn squeezed(call: &Call, shape: &[usize], axes: &[i64]) -> Result<Vec<usize>, ModelError> {
    let mut drop = vec![false; shape.len()];
    for &axis in axes {
        let index = axis_of(call, axis, shape.len(), false)?;
        if shape[index] > 1 {
            return Err(call.misfit(format!("size 1 on axis {axis}"), format!("{}", shape[index])));
        }
        if std::mem::replace(&mut drop[index], true) {
            return Err(call.refuse(format!("axis {axis} is named twice")));
        }
    }
    Ok(shape.iter().zip(drop).filter(|(_, drop)| !drop).map(|(&dim, _)| dim).collect())
}

pub(super) fn unsqueeze(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let axes = call.known_ints(1, "axes (input 1)")?;
    check_axes(importer, call, &axes)?;
    match call.input(0)? {
        value @ (Value::Node(_) | Value::Moved(..)) => {
            let (node, batch) = value.placed().ok_or_else(|| call.refuse_value(value))?;
            let mut full = importer.graph.node(node).shape.clone();
            full.insert(batch, 0);
            let mut shape = unsqueezed(call, &full, &axes)?;
            let to = shape.iter().position(|&size| size == 0).unwrap_or(0);
            shape.remove(to);
            Ok(Value::at(importer.reshape(call, node, &shape)?, to))
        }
        Value::Float(tensor) => Ok(Value::Float(tensor.reshaped(unsqueezed(call, &tensor.shape, &axes)?))),
        Value::Int(ints) => {
            let shape = unsqueezed(call, &ints.shape, &axes)?;
            Ok(Value::Int(Ints { shape, values: ints.values.clone() }))
        }
        other => Err(call.refuse_value(other)),
    }
}

/// The shape with axes of size 1 at the named places of the result.
fn unsqueezed(call: &Call, shape: &[usize], axes: &[i64]) -> Result<Vec<usize>, ModelError> {
    let rank = shape.len() + axes.len();
    let mut added = vec![false; rank];
    for &axis in axes {
        let index = axis_of(call, axis, rank, false)?;
        if std::mem::replace(&mut added[index], true) {
            return Err(call.refuse(format!("axis {axis} is named twice")));
        }
    }
    let mut old = shape.iter().copied();
    Ok(added.into_iter().map(|added| if added { 1 } else { old.next().unwrap_or(1) }).collect())
}

/// The axis, counted from the front; `behind` allows the place behind the last one.
pub(super) fn axis_of(call: &Call, axis: i64, rank: usize, behind: bool) -> Result<usize, ModelError> {
    let front = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let index = front.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank + usize::from(behind));
    index.ok_or_else(|| call.misfit(format!("an axis of {rank}"), format!("axis {axis}")))
}

fn shown(target: &[Dim]) -> String {
    let dims: Vec<String> = target
        .iter()
        .map(|dim| match dim {
            Dim::Known(value) => value.to_string(),
            Dim::Batch => "N".into(),
        })
        .collect();
    format!("[{}]", dims.join(", "))
}
