//! Concat, constants, and the operators that leave values as they are.

use super::call::{Call, Value, kind};
use super::importer::Importer;
use super::kinds::Kind;
use super::layout::axis_of;
use super::tensor::{Dim, Ints, Tensor, Walk, broadcast};
use crate::model::map::concatenation;
use crate::model::{Layer, ModelError, NodeId};

pub(super) fn identity(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    call.input(0).cloned()
}

/// Dropout in inference is the identity, whatever its ratio is.
pub(super) fn dropout(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match call.optional(1) {
        None => {}
        Some(Value::Float(ratio)) if ratio.shape.is_empty() && (0.0..1.0).contains(&ratio.get(0)) => {}
        Some(_) => return Err(call.refuse("Dropout's ratio must be a constant in [0, 1), a scalar")),
    }
    match call.optional(2) {
        None => call.input(0).cloned(),
        Some(Value::Int(mode))
            if mode.shape.is_empty() && mode.values == [Dim::Known(0)] && call.kind(2) == Some(Kind::Bool) =>
        {
            call.input(0).cloned()
        }
        Some(_) => Err(call.refuse("Dropout in training mode is not supported")),
    }
}

pub(super) fn constant(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if call.attribute_count() != 1 {
        return Err(call.misfit("one attribute of a constant", call.attribute_count().to_string()));
    }
    if let Some(tensor) = call.tensor_attribute("value")? {
        return importer.stored(call, tensor);
    }
    if let Some(sign) = call.infinite_attribute("value_float") {
        return Ok(Value::Infinite(sign));
    }
    if let Some(value) = call.float_attribute("value_float")? {
        return Ok(Value::Float(Tensor::single(vec![], vec![value])));
    }
    if let Some(values) = call.floats_attribute("value_floats") {
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(ModelError::not_finite(&call.name, format!("value_floats[{i}]"), values[i].into()));
        }
        if !values.is_empty() {
            return Ok(Value::Float(Tensor::single(vec![values.len()], values.to_vec())));
        }
    }
    if let Some(value) = call.int_attribute("value_int") {
        return Ok(Value::Int(Ints { shape: vec![], values: vec![Dim::Known(value)] }));
    }
    if let Some(values) = call.ints_attribute("value_ints") {
        return Ok(Value::Int(Ints::vector(values.iter().map(|&v| Dim::Known(v)).collect())));
    }
    Err(call.misfit("a constant with entries", "none"))
}

pub(super) fn constant_of_shape(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if call.kind(0) != Some(Kind::Int64) {
        return Err(call.misfit("a shape of int64", format!("{:?}", call.kind(0))));
    }
    let target = call.dims(0, "shape (input 0)")?.to_vec();
    let value = match call.tensor_attribute("value")? {
        Some(tensor) => importer.stored(call, tensor)?,
        None => Value::Float(Tensor::single(vec![1], vec![0.0])),
    };
    match value {
        Value::Float(tensor) if tensor.shape == [1] => expanded(importer, call, &tensor.reshaped(vec![]), &target),
        Value::Int(ints) if ints.shape == [1] => {
            let shape = known_shape(call, &target)?;
            importer.spend_shape(call, &shape)?;
            Ok(Value::Int(Ints { values: vec![ints.values[0]; shape.iter().product()], shape }))
        }
        _ => Err(call.misfit("a value of shape [1]", "another one")),
    }
}

pub(super) fn expand(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let target = call.dims(1, "shape (input 1)")?.to_vec();
    match call.input(0)? {
        Value::Float(tensor) => expanded(importer, call, tensor, &target),
        Value::Node(node) => expand_node(importer, call, *node, &target),
        Value::Int(ints) if target == [Dim::Batch] && ints.values.len() == 1 => match ints.known().as_deref() {
            Some(&[each]) if ints.shape.len() <= 1 => Ok(Value::Each(each)),
            _ => Err(call.refuse("Expand of the batch size is not supported")),
        },
        Value::Int(ints) => {
            let shape = known_shape(call, &target)?;
            let shape = broadcast(&ints.shape, &shape)
                .ok_or_else(|| call.misfit("shapes that broadcast", format!("{:?} and {shape:?}", ints.shape)))?;
            importer.spend_shape(call, &shape)?;
            let values = Walk::broadcast(&ints.shape, &shape).map(|i| ints.values[i]).collect();
            Ok(Value::Int(Ints { shape, values }))
        }
        other => Err(call.refuse_value(other)),
    }
}

/// A constant of a shape that may have the batch axis in front.
fn expanded(importer: &mut Importer, call: &Call, tensor: &Tensor, target: &[Dim]) -> Result<Value, ModelError> {
    let misfit = |shape: &[usize]| call.misfit("shapes that broadcast", format!("{:?} and {shape:?}", tensor.shape));
    let Some((Dim::Batch, rest)) = target.split_first() else {
        let shape = known_shape(call, target)?;
        let shape = broadcast(&tensor.shape, &shape).ok_or_else(|| misfit(&shape))?;
        importer.spend_shape(call, &shape)?;
        let walk = Walk::broadcast(&tensor.shape, &shape);
        return Ok(Value::Float(tensor.picked(shape, walk)));
    };
    let shape = known_shape(call, rest)?;
    let sample = match tensor.shape.split_first() {
        Some((1, inner)) if inner.len() == shape.len() => tensor.reshaped(inner.to_vec()),
        _ => tensor.clone(),
    };
    match broadcast(&sample.shape, &shape) {
        Some(common) if common.len() == shape.len() => per_sample(importer, call, &sample, &common).map(Value::Node),
        _ => Err(misfit(&shape)),
    }
}

fn expand_node(importer: &mut Importer, call: &Call, node: NodeId, target: &[Dim]) -> Result<Value, ModelError> {
    let from = importer.graph.node(node).shape.clone();
    let rest = match target.split_first() {
        Some((Dim::Batch | Dim::Known(1), rest)) if rest.len() == from.len() => rest,
        _ if target.len() <= from.len() => target,
        _ => return Err(call.refuse("Expand of the batch axis is not supported")),
    };
    let shape = known_shape(call, rest)?;
    let common = broadcast(&from, &shape)
        .ok_or_else(|| call.misfit("shapes that broadcast", format!("N, {from:?} and {shape:?}")))?;
    let walk = Walk::broadcast(&from, &common);
    importer.spend_shape(call, &common)?;
    super::pick::pick(importer, call, node, &common, walk).map(Value::Node)
}

fn known_shape(call: &Call, dims: &[Dim]) -> Result<Vec<usize>, ModelError> {
    dims.iter()
        .map(|dim| match *dim {
            Dim::Known(size) if size >= 1 => usize::try_from(size).map_err(|_| call.misfit("a size", size.to_string())),
            Dim::Known(size) => Err(call.misfit("sizes of at least 1", size.to_string())),
            Dim::Batch => Err(call.refuse("the batch size in another place than in front is not supported")),
        })
        .collect()
}

/// A constant as a node: the same for every sample.
fn per_sample(importer: &mut Importer, call: &Call, tensor: &Tensor, shape: &[usize]) -> Result<NodeId, ModelError> {
    if tensor.as_single().is_none() {
        return Err(call.refuse("a float64 constant that is no float32 is not spread over the batch"));
    }
    let values = importer.spread(call, tensor, shape)?;
    let id = importer.push(call, Layer::Constant(values), &[])?;
    importer.reshape(call, id, shape)
}

pub(super) fn concat(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let axis = call.int_attribute("axis").ok_or_else(|| call.misfit("attribute `axis`", "none"))?;
    let values: Vec<Value> = (0..call.count()).map(|index| call.input(index).cloned()).collect::<Result<_, _>>()?;
    if values.iter().any(|value| matches!(value, Value::Node(_))) {
        return concat_nodes(importer, call, axis, &values).map(Value::Node);
    }
    match &values[0] {
        Value::Float(_) => concat_floats(importer, call, axis, &values),
        _ => concat_ints(call, axis, &values),
    }
}

fn concat_ints(call: &Call, axis: i64, values: &[Value]) -> Result<Value, ModelError> {
    axis_of(call, axis, 1, false)?;
    let mut joined = vec![];
    for value in values {
        match value {
            Value::Int(ints) if ints.shape.len() == 1 => joined.extend_from_slice(&ints.values),
            Value::Int(_) => return Err(call.refuse("Concat of integers with several axes or none is not supported")),
            other => return Err(call.misfit("integer constants", kind(other))),
        }
    }
    Ok(Value::Int(Ints::vector(joined)))
}

fn concat_floats(importer: &mut Importer, call: &Call, axis: i64, values: &[Value]) -> Result<Value, ModelError> {
    let mut parts = vec![];
    for value in values {
        match value {
            Value::Float(tensor) => parts.push(tensor),
            other => return Err(call.misfit("float constants", kind(other))),
        }
    }
    let axis = axis_of(call, axis, parts[0].shape.len(), false)?;
    let shapes: Vec<&[usize]> = parts.iter().map(|part| &part.shape[..]).collect();
    let shape = joined_shape(call, axis, &shapes)?;
    importer.spend_shape(call, &shape)?;
    let outer: usize = shape[..axis].iter().product();
    let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let mut entries = vec![0.0; sizes.iter().sum()];
    for (part, pick) in parts.iter().zip(concatenation(outer, &sizes)) {
        pick.places().for_each(|(row, col)| entries[row] = part.get(col));
    }
    Ok(Value::Float(Tensor::new(shape, entries)))
}

fn concat_nodes(importer: &mut Importer, call: &Call, axis: i64, values: &[Value]) -> Result<NodeId, ModelError> {
    let mut nodes = vec![];
    for value in values {
        nodes.push(match value {
            Value::Node(node) => *node,
            Value::Float(tensor) if importer.fixed_batch == Some(1) && tensor.shape.first() == Some(&1) => {
                let sample = tensor.reshaped(tensor.shape[1..].to_vec());
                per_sample(importer, call, &sample, &sample.shape)?
            }
            other => return Err(call.misfit("values that depend on the input", kind(other))),
        });
    }
    let shapes: Vec<Vec<usize>> = nodes.iter().map(|&node| importer.graph.node(node).shape.clone()).collect();
    let axis = axis_of(call, axis, shapes[0].len() + 1, false)?;
    if axis == 0 {
        return Err(call.refuse("Concat along the batch axis is not supported"));
    }
    let axis = axis - 1;
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let shape = joined_shape(call, axis, &shapes)?;
    // As vectors or matrices, so that the axis to join along is beyond doubt.
    let outer: usize = shape[..axis].iter().product();
    let mut parts = vec![];
    for &node in &nodes {
        let width = importer.graph.node(node).size() / outer;
        let flat = if outer == 1 { vec![width] } else { vec![outer, width] };
        parts.push(importer.reshape(call, node, &flat)?);
    }
    let joined = importer.push(call, Layer::Concat { outer }, &parts)?;
    importer.reshape(call, joined, &shape)
}

fn joined_shape(call: &Call, axis: usize, shapes: &[&[usize]]) -> Result<Vec<usize>, ModelError> {
    let mut joined = shapes[0].to_vec();
    for shape in &shapes[1..] {
        let fits = shape.len() == joined.len() && (0..joined.len()).all(|i| i == axis || shape[i] == joined[i]);
        let size = if fits { joined[axis].checked_add(shape[axis]) } else { None };
        joined[axis] = size.ok_or_else(|| {
            call.misfit(format!("shapes equal outside axis {axis}"), format!("{:?} and {shape:?}", shapes[0]))
        })?;
    }
    Ok(joined)
}
