//! Operators that move entries about: picks.

use crate::budget;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float, pairs};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::constants::spread;
use crate::onnx::nodes::{Answer, affine, picked, places, size, strides};
use crate::onnx::tensor::{Floats, Kind};
use crate::rejection::{Code, Rejection};

/// Dropout in inference is the identity, whatever its ratio is.
pub fn dropout(call: &Call, values: &Values) -> Answer {
    match call.optional(1, values)? {
        None => {}
        Some(Value::Floats(dims, ratio))
            if dims.is_empty() && ratio.at(0).mantissa >= 0 && Float::ONE.exceeds(ratio.at(0)) => {}
        Some(_) => return Err(call.refuse(Code::Unsupported, "a constant ratio in [0, 1), a scalar", "another")),
    }
    match call.optional(2, values)? {
        None => {}
        Some(Value::Integers(dims, mode)) if dims.is_empty() && mode[..] == [Some(0)] => {}
        Some(_) => return Err(call.refuse(Code::Unsupported, "inference", "training mode")),
    }
    Ok(call.input(0, values)?.clone())
}

/// Of values along an axis of the samples, or of lists.
pub fn concat(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let operands = (0..call.arity()).map(|k| call.input(k, values)).collect::<Result<Vec<_>, _>>()?;
    let along = call.integer("axis").ok_or_else(|| call.refuse(Code::MalformedModel, "an axis", "none"))?;
    if let Some(Value::Integers(..)) = operands.first() {
        call.axis(along, 1)?;
        let mut all = Vec::new();
        for operand in operands {
            let Value::Integers(dims, integers) = operand else {
                return Err(call.refuse(Code::Unsupported, "operands of one kind", "integers and others"));
            };
            if dims.len() != 1 {
                return Err(call.refuse(Code::ShapeMismatch, "lists of integers", format!("{dims:?}")));
            }
            all.extend_from_slice(integers);
        }
        return Ok(Value::Integers(vec![all.len()], all));
    }
    if operands.iter().all(|operand| matches!(operand, Value::Floats(..))) {
        return concat_constants(call, &operands, along);
    }
    let mut parts: Vec<(usize, &[usize])> = Vec::with_capacity(operands.len());
    for operand in operands {
        parts.push(match operand {
            Value::Node(id, shape) => (*id, shape),
            // Of a batch of one sample, a constant is that sample.
            Value::Floats(dims, floats) if values.batch == Some(1) && dims.first() == Some(&1) => {
                let offset = Exact::dyadics(&floats.iter().collect::<Vec<_>>());
                (graph.push("", Op::Affine { terms: vec![], offset: Some(offset) }, floats.len())?, &dims[1..])
            }
            _ => return Err(call.refuse(Code::Unsupported, "operands that depend on the input", "others")),
        });
    }
    let Some((_, first)) = parts.first() else { return Err(call.refuse(Code::MalformedModel, "operands", "none")) };
    let axis = sample_axis(call, along, first.len())?;
    let mut shape = first.to_vec();
    shape[axis] = 0;
    for (_, other) in &parts {
        let fits = other.len() == shape.len() && (0..shape.len()).all(|k| k == axis || other[k] == shape[k]);
        if !fits {
            let expected = format!("shapes that differ in axis {axis} alone");
            return Err(call.refuse(Code::ShapeMismatch, &expected, format!("{other:?}")));
        }
        shape[axis] += other[axis];
    }
    let (blocks, width) = (size(&shape[..axis]), size(&shape[axis..]));
    budget::within(call.name, "entries", size(&shape) as u64, budget::ENTRIES)?;
    let picks = ((blocks - 1) * width).saturating_mul(parts.len());
    budget::within(call.name, "weights and entries", picks as u64, budget::WEIGHTS)?;
    let (mut start, mut terms) = (0, Vec::with_capacity(parts.len()));
    for (id, part) in parts {
        let own = size(&part[axis..]);
        // Row `start` is the part's first entry; behind each block of its entries stand those of the others.
        let entry = |i: usize| (i % width < own).then_some(i / width * own + i % width);
        let from = (0..(blocks - 1) * width + own).map(entry).collect();
        terms.push((id, Map::Pick { start, from, factors: Exact::dyadics(&[Float::ONE]), cols: size(part) }));
        start += own;
    }
    affine(graph, call, terms, None, shape)
}

fn concat_constants(call: &Call, operands: &[&Value], along: i64) -> Answer {
    let floats = |operand: &&Value| match operand {
        Value::Floats(dims, floats) => (dims.clone(), floats.clone()),
        _ => unreachable!("constants alone"),
    };
    let parts: Vec<(Vec<usize>, Floats)> = operands.iter().map(floats).collect();
    let Some((first, _)) = parts.first() else { return Err(call.refuse(Code::MalformedModel, "operands", "none")) };
    let axis = call.axis(along, first.len())?;
    let mut shape = first.clone();
    shape[axis] = parts.iter().map(|(dims, _)| dims.get(axis).copied().unwrap_or(0)).sum();
    let fits = |(dims, _): &(Vec<usize>, Floats)| {
        dims.len() == shape.len() && (0..shape.len()).all(|k| k == axis || dims[k] == shape[k])
    };
    if !parts.iter().all(fits) {
        let expected = format!("shapes that differ in axis {axis} alone");
        return Err(call.refuse(Code::ShapeMismatch, &expected, "others"));
    }
    budget::within(call.name, "entries", size(&shape) as u64, budget::WEIGHTS)?;
    let mut numbers = Vec::with_capacity(size(&shape));
    for block in 0..size(&shape[..axis]) {
        for (dims, floats) in &parts {
            let width = size(&dims[axis..]);
            numbers.extend((block * width..(block + 1) * width).map(|i| floats.at(i)));
        }
    }
    Ok(Value::Floats(shape, Floats::Numbers(numbers)))
}

/// An axis of the samples, counted from 0 without the batch axis, which `axis` counts; `rank` is theirs.
pub fn sample_axis(call: &Call, axis: i64, rank: usize) -> Result<usize, Rejection> {
    let refuse = || call.refuse(Code::Unsupported, "an axis of the samples", "the batch axis");
    call.axis(axis, rank + 1)?.checked_sub(1).ok_or_else(refuse)
}

/// Of a constant, or of the samples' axes.
pub fn transpose(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let value = call.input(0, values)?;
    let dims: Vec<usize> = match value {
        Value::Node(_, shape) => std::iter::once(1).chain(shape.iter().copied()).collect(),
        Value::Floats(dims, _) | Value::Integers(dims, _) => dims.clone(),
        Value::Larger(..) => return Err(call.refuse_comparison()),
    };
    let order = match call.integers("perm") {
        None => (0..dims.len()).rev().collect(),
        // Axes are not counted from the end here.
        Some(perm) => perm.iter().map(|&a| usize::try_from(a).unwrap_or(usize::MAX)).collect::<Vec<_>>(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..dims.len()).collect::<Vec<_>>() {
        return Err(call.refuse(
            Code::ShapeMismatch,
            &format!("a permutation of {} axes", dims.len()),
            format!("{order:?}"),
        ));
    }
    let batch = usize::from(matches!(value, Value::Node(..)));
    if order.iter().take(batch).any(|&axis| axis != 0) {
        return Err(call.refuse(Code::Unsupported, "the batch in front", format!("{order:?}")));
    }
    let (old, order) = (strides(&dims), &order[batch..]);
    let new: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| old[axis]).collect();
    picked(graph, call, value, places(call, &new, &steps)?, new)
}

/// Of an axis of a constant or of the samples, at constant indices.
pub fn gather(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let Value::Integers(of_indices, indices) = call.input(1, values)? else {
        return Err(call.refuse(Code::Unsupported, "integers", "another operand"));
    };
    let along = call.integer("axis").unwrap_or(0);
    let value = call.input(0, values)?;
    let (dims, axis) = match value {
        Value::Node(_, shape) => (shape, sample_axis(call, along, shape.len())?),
        Value::Integers(dims, _) | Value::Floats(dims, _) => (dims, call.axis(along, dims.len())?),
        Value::Larger(..) => return Err(call.refuse_comparison()),
    };
    let index = |at: &Option<i64>| match at {
        Some(at) => call.axis(*at, dims[axis]),
        None => Err(call.refuse(Code::Unsupported, "constant indices", "the batch size")),
    };
    let indices = indices.iter().map(index).collect::<Result<Vec<_>, _>>()?;
    let shape = [&dims[..axis], of_indices, &dims[axis + 1..]].concat();
    budget::within(call.name, "entries", size(&shape) as u64, most(value))?;
    let inner = size(&dims[axis + 1..]);
    let block = |outer: usize| {
        let lines = indices.iter().map(move |index| (outer * dims[axis] + index) * inner);
        lines.flat_map(move |line| line..line + inner)
    };
    let from = (0..size(&dims[..axis])).flat_map(block).collect();
    picked(graph, call, value, from, shape)
}

/// Of axes of a constant or of the samples.
pub fn slice(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if call.arity() == 5 && call.optional(3, values)?.is_none() {
        return Err(call.refuse(Code::Unsupported, "axes where there are steps", "none"));
    }
    let value = call.input(0, values)?;
    let (dims, batch) = match value {
        Value::Node(_, shape) => (shape, true),
        Value::Integers(dims, _) | Value::Floats(dims, _) => (dims, false),
        Value::Larger(..) => return Err(call.refuse_comparison()),
    };
    let refuse = |found: &str| call.refuse(Code::Unsupported, "a slice of constant places", found);
    let list = |k: usize| -> Result<Vec<i64>, Rejection> {
        let list = call.list(k, values)?.iter().copied().collect::<Option<Vec<_>>>();
        list.ok_or_else(|| refuse("the batch size"))
    };
    let (starts, ends) = (list(1)?, list(2)?);
    let axes = match call.optional(3, values)? {
        Some(_) => list(3)?,
        None if batch => return Err(refuse("no axes")),
        None => (0..starts.len() as i64).collect(),
    };
    let steps = if call.optional(4, values)?.is_some() { list(4)? } else { vec![1; starts.len()] };
    if starts.is_empty() || [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(refuse("lists of different lengths, or empty ones"));
    }
    let mut taken: Vec<Vec<usize>> = dims.iter().map(|&size| (0..size).collect()).collect();
    let mut seen = Vec::with_capacity(axes.len());
    for k in 0..starts.len() {
        let axis = if batch { sample_axis(call, axes[k], dims.len())? } else { call.axis(axes[k], dims.len())? };
        if seen.contains(&axis) {
            return Err(refuse("an axis twice"));
        }
        seen.push(axis);
        taken[axis] = range(dims[axis] as i64, [starts[k], ends[k], steps[k]]).ok_or_else(|| {
            refuse("a step of 0, or one below 0 from before the first entry or to behind the last one")
        })?;
    }
    let shape: Vec<usize> = taken.iter().map(Vec::len).collect();
    let mut from = vec![0];
    for (indices, step) in pairs(&taken, strides(dims))? {
        from = from.iter().flat_map(|place| indices.iter().map(move |index| place + index * step)).collect();
    }
    picked(graph, call, value, from, shape)
}

/// Parts of an axis of the samples: of the sizes that the file gives, or equal ones.
pub fn split(graph: &mut Graph, call: &Call, values: &Values, opset: i64) -> Result<Vec<Value>, Rejection> {
    let (_, dims) = call.node(0, values)?;
    let axis = sample_axis(call, call.integer("axis").unwrap_or(0), dims.len())?;
    let parts = call.outputs().len();
    let given = call.optional(1, values)?.map(|_| call.list(1, values)).transpose()?;
    let known = |size: &Option<i64>| size.and_then(|size| usize::try_from(size).ok());
    let sizes = match (given, call.integer("num_outputs")) {
        (Some(list), None) => list.iter().map(known).collect(),
        (None, number) if number == (opset >= 18).then_some(parts as i64) && dims[axis].is_multiple_of(parts) => {
            Some(vec![dims[axis] / parts; parts])
        }
        _ => None,
    };
    let fits = |sizes: &Vec<usize>| {
        sizes.len() == parts && sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size)) == Some(dims[axis])
    };
    let sizes: Vec<usize> = sizes.filter(fits).ok_or_else(|| {
        let expected = format!("sizes, or equal ones, of {parts} parts of {}", dims[axis]);
        call.refuse(Code::Unsupported, &expected, "others")
    })?;
    let (stride, mut first) = (strides(dims), 0);
    let mut all = Vec::with_capacity(parts);
    for part in sizes {
        let mut shape = dims.to_vec();
        shape[axis] = part;
        let from = places(call, &shape, &stride)?.into_iter().map(|place| first + place).collect();
        first += part * stride[axis];
        all.push(picked(graph, call, call.input(0, values)?, from, shape)?);
    }
    Ok(all)
}

/// The indices start, start + step, … before the end, of so many; negative ones count from there. Where the step is
/// negative, runtimes differ in how they treat places that are not there.
fn range(length: i64, [start, end, step]: [i64; 3]) -> Option<Vec<usize>> {
    if step == 0 || (step < 0 && (start < -length || end >= length)) {
        return None;
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |at: i64| if at < 0 { at.saturating_add(length) } else { at }.clamp(low, high);
    let (mut at, end, mut indices) = (clamp(start), clamp(end), Vec::new());
    while if step > 0 { at < end } else { at > end } {
        indices.push(at as usize);
        at = at.saturating_add(step);
    }
    Some(indices)
}

/// How many entries a value or constant may have.
fn most(value: &Value) -> u64 {
    if matches!(value, Value::Node(..)) { budget::ENTRIES } else { budget::WEIGHTS }
}

/// One number, of the sizes that a list names.
pub fn constant_of_shape(graph: &mut Graph, call: &Call, values: &Values) -> Result<(Value, Kind), Rejection> {
    if call.kinds(values)? != [Kind::Int64] {
        return Err(call.refuse(Code::MalformedModel, "sizes of 64 bits", format!("{:?}", call.kinds(values)?)));
    }
    let zero = (Value::Floats(vec![1], Floats::Numbers(vec![Float::ZERO])), Kind::Float32);
    let (value, kind) = call.tensor("value", values)?.unwrap_or(zero);
    let target = call.list(0, values)?;
    match value {
        Value::Floats(dims, floats) if dims == [1] => {
            let scalar = Value::Floats(vec![], floats);
            Ok((spread_constant(graph, call, &scalar, target)?, kind))
        }
        Value::Integers(dims, list) if dims == [1] => {
            let known = |d: &Option<i64>| d.and_then(|d| usize::try_from(d).ok()).filter(|&d| d > 0);
            let shape = target.iter().map(known).collect::<Option<Vec<_>>>();
            let shape = shape.ok_or_else(|| call.refuse(Code::Unsupported, "fixed sizes", format!("{target:?}")))?;
            budget::within(call.name, "entries", size(&shape) as u64, budget::WEIGHTS)?;
            let all = vec![list[0]; size(&shape)];
            Ok((Value::Integers(shape, all), kind))
        }
        _ => Err(call.refuse(Code::MalformedModel, "a value of shape [1]", "another one")),
    }
}

/// A float constant of these sizes; with the batch in front the same for every sample.
fn spread_constant(graph: &mut Graph, call: &Call, value: &Value, target: &[Option<i64>]) -> Answer {
    let Value::Floats(dims, floats) = value else { unreachable!("floats") };
    let refuse = || call.refuse(Code::Unsupported, "fixed sizes behind the batch", format!("{target:?}"));
    let known = |d: &Option<i64>| d.and_then(|d| usize::try_from(d).ok()).filter(|&d| d > 0);
    let batch = target.first() == Some(&None);
    let target = target[usize::from(batch)..].iter().map(known).collect::<Option<Vec<_>>>().ok_or_else(refuse)?;
    let own = match dims.split_first() {
        Some((1, rest)) if batch && rest.len() == target.len() => rest.to_vec(),
        _ => dims.clone(),
    };
    let (shape, [from, _]) = spread(call, [&own, &target])?;
    if batch && shape.len() != target.len() {
        return Err(refuse());
    }
    let numbers: Vec<Float> = from.into_iter().map(|at| floats.at(at)).collect();
    match batch {
        true => affine(graph, call, vec![], Some(Exact::dyadics(&numbers)), shape),
        false => Ok(Value::Floats(shape, Floats::Numbers(numbers))),
    }
}

/// Axes of size 1 repeated.
pub fn expand(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (value, target) = (call.input(0, values)?, call.list(1, values)?);
    let dims = match value {
        Value::Node(_, shape) => shape,
        Value::Floats(..) => return spread_constant(graph, call, value, target),
        _ => return Err(call.refuse(Code::Unsupported, "floats", "others")),
    };
    let refuse = || call.refuse(Code::Unsupported, "fixed sizes behind the batch", format!("{target:?}"));
    // A target as long as a value with its batch axis leaves the batch as it is, or names it.
    let target = match target.len() > dims.len() {
        true if matches!(target[0], None | Some(1)) || target[0] == values.batch => &target[1..],
        true => return Err(refuse()),
        false => target,
    };
    if target.len() > dims.len() {
        return Err(refuse());
    }
    let rank = dims.len().max(target.len());
    let old = [vec![1; rank - dims.len()], dims.clone()].concat();
    let mut stride = strides(&old);
    let mut shape = old.clone();
    for (axis, wanted) in pairs(rank - target.len()..rank, target)? {
        match wanted.and_then(|wanted| usize::try_from(wanted).ok()).filter(|&wanted| wanted > 0) {
            None => return Err(refuse()),
            Some(wanted) if old[axis] == 1 => (shape[axis], stride[axis]) = (wanted, 0),
            Some(wanted) if wanted == 1 || wanted == old[axis] => {}
            Some(_) => {
                let expected = format!("a shape that {old:?} spreads over");
                return Err(call.refuse(Code::ShapeMismatch, &expected, format!("{target:?}")));
            }
        }
    }
    budget::within(call.name, "entries", size(&shape) as u64, budget::ENTRIES)?;
    picked(graph, call, value, places(call, &shape, &stride)?, shape)
}
