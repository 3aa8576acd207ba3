//! Operators that move entries about: picks.

use crate::budget;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float, pairs};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, affine, picked, places, size, strides};
use crate::onnx::tensor::Floats;
use crate::onnx::turned::back;
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

/// Of a constant, or of values, whose batch axis goes along.
pub fn transpose(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let value = call.input(0, values)?;
    let batch = value.placed().map(|(_, _, batch)| batch);
    let dims: Vec<usize> = match value {
        Value::Node(_, shape) | Value::Moved(_, shape, _) => {
            let mut dims = shape.clone();
            dims.insert(batch.unwrap_or(0), 1);
            dims
        }
        Value::Floats(dims, _) | Value::Integers(dims, _) => dims.clone(),
        _ => return Err(call.refuse_value()),
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
    let old = strides(&dims);
    let to = batch.and_then(|batch| order.iter().position(|&axis| axis == batch));
    let stays: Vec<usize> = order.into_iter().filter(|axis| Some(*axis) != batch).collect();
    let new: Vec<usize> = stays.iter().map(|&axis| dims[axis]).collect();
    let steps: Vec<usize> = stays.iter().map(|&axis| old[axis]).collect();
    let from = places(call, &new, &steps)?;
    match (value.placed(), to) {
        (Some((id, shape, _)), Some(to)) => {
            let front = Value::Node(id, shape.to_vec());
            back(call, picked(graph, call, &front, from, new)?, to)
        }
        _ => picked(graph, call, value, from, new),
    }
}

/// Of an axis of a constant or of the samples, at constant indices.
pub fn gather(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let Value::Integers(of_indices, indices) = call.input(1, values)? else {
        return Err(call.refuse(Code::Unsupported, "integers", "another operand"));
    };
    // Of a GatherND, places of the first axis alone.
    let of_indices = match (call.operator, of_indices.split_last()) {
        ("GatherND", Some((1, places))) if call.integer("batch_dims").unwrap_or(0) == 0 => places,
        ("GatherND", _) => return Err(call.refuse(Code::Unsupported, "places of one index, batch_dims 0", "others")),
        _ => of_indices,
    };
    let along = call.integer("axis").unwrap_or(0);
    let value = call.input(0, values)?;
    let (dims, axis) = match value {
        Value::Node(_, shape) => (shape, sample_axis(call, along, shape.len())?),
        Value::Integers(dims, _) | Value::Floats(dims, _) => (dims, call.axis(along, dims.len())?),
        _ => return Err(call.refuse_value()),
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
        Value::Node(_, shape) => (shape, 1),
        Value::Integers(dims, _) | Value::Floats(dims, _) => (dims, 0),
        _ => return Err(call.refuse_value()),
    };
    let refuse = |found: &str| call.refuse(Code::Unsupported, "a slice of constant places", found);
    let list = |k: usize| -> Result<Vec<i64>, Rejection> {
        let list = call.list(k, values)?.iter().copied().collect::<Option<Vec<_>>>();
        list.ok_or_else(|| refuse("the batch size"))
    };
    let (starts, ends) = (list(1)?, list(2)?);
    let axes = match call.optional(3, values)? {
        Some(_) => list(3)?,
        None => (0..starts.len() as i64).collect(),
    };
    let steps = if call.optional(4, values)?.is_some() { list(4)? } else { vec![1; starts.len()] };
    if starts.is_empty() || [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(refuse("lists of different lengths, or empty ones"));
    }
    let mut taken: Vec<Vec<usize>> = dims.iter().map(|&size| (0..size).collect()).collect();
    let mut seen = Vec::with_capacity(axes.len());
    for k in 0..starts.len() {
        let (axis, part) = (call.axis(axes[k], dims.len() + batch)?, [starts[k], ends[k], steps[k]]);
        if seen.contains(&axis) {
            return Err(refuse("an axis twice"));
        }
        seen.push(axis);
        let Some(axis) = axis.checked_sub(batch) else {
            if is_whole(values.batch, part) {
                continue;
            }
            return Err(refuse("a part of the batch"));
        };
        taken[axis] = range(dims[axis] as i64, part).ok_or_else(|| {
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

/// Whether a slice takes all samples of a batch, of as many as there may be unless the file fixes it.
fn is_whole(fixed: Option<i64>, [start, end, step]: [i64; 3]) -> bool {
    let from_front = start == 0 || fixed.is_some_and(|size| start <= -size);
    step == 1 && from_front && end >= fixed.unwrap_or(budget::ENTRIES as i64)
}

/// Parts of an axis of the samples: of the sizes that the file gives, or equal ones.
pub fn split(graph: &mut Graph, call: &Call, values: &Values, opset: i64) -> Result<Vec<Value>, Rejection> {
    let (_, dims) = call.node(0, values)?;
    let axis = sample_axis(call, call.integer("axis").unwrap_or(0), dims.len())?;
    let sizes = match call.operator {
        "Split" => split_sizes(call, values, dims[axis], opset)?,
        _ => sequence_sizes(call, values, dims[axis])?,
    };
    let (stride, mut first) = (strides(dims), 0);
    let mut all = Vec::with_capacity(sizes.len());
    for part in sizes {
        let mut shape = dims.to_vec();
        shape[axis] = part;
        let from = places(call, &shape, &stride)?.into_iter().map(|place| first + place).collect();
        first += part * stride[axis];
        all.push(picked(graph, call, call.input(0, values)?, from, shape)?);
    }
    Ok(all)
}

/// The parts of a sequence: of the sizes that the file gives, or of one size, but the last.
fn sequence_sizes(call: &Call, values: &Values, whole: usize) -> Result<Vec<usize>, Rejection> {
    let expected = format!("sizes of parts that make up {whole}");
    let refuse = || call.refuse(Code::Unsupported, &expected, "others");
    let Value::Integers(dims, list) = call.input(1, values)? else { return Err(refuse()) };
    let known = |size: &Option<i64>| size.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0);
    let known = list.iter().map(known).collect::<Option<Vec<_>>>().ok_or_else(refuse)?;
    let sizes = match (dims.len(), &known[..]) {
        (0, &[size]) => (0..whole.div_ceil(size)).map(|k| size.min(whole - k * size)).collect(),
        (1, _) => known,
        _ => return Err(refuse()),
    };
    match sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size)) {
        Some(total) if total == whole => Ok(sizes),
        _ => Err(refuse()),
    }
}

/// One of the values of a sequence.
pub fn sequence_at(call: &Call, values: &Values) -> Answer {
    match (call.input(0, values)?, call.input(1, values)?) {
        (Value::Sequence(all), Value::Integers(dims, list)) if dims.is_empty() => {
            let at = list[0].ok_or_else(|| call.refuse(Code::Unsupported, "a constant position", "the batch size"))?;
            Ok(all[call.axis(at, all.len())?].clone())
        }
        _ => Err(call.refuse(Code::Unsupported, "a sequence, and one position", "others")),
    }
}

fn split_sizes(call: &Call, values: &Values, whole: usize, opset: i64) -> Result<Vec<usize>, Rejection> {
    let parts = call.outputs().len();
    let given = call.optional(1, values)?.map(|_| call.list(1, values)).transpose()?;
    let known = |size: &Option<i64>| size.and_then(|size| usize::try_from(size).ok());
    let sizes = match (given, call.integer("num_outputs")) {
        (Some(list), None) => list.iter().map(known).collect(),
        (None, number) if number == (opset >= 18).then_some(parts as i64) && whole.is_multiple_of(parts) => {
            Some(vec![whole / parts; parts])
        }
        _ => None,
    };
    let fits = |sizes: &Vec<usize>| {
        sizes.len() == parts && sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size)) == Some(whole)
    };
    sizes.filter(fits).ok_or_else(|| {
        let expected = format!("sizes, or equal ones, of {parts} parts of {whole}");
        call.refuse(Code::Unsupported, &expected, "others")
    })
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

/// The first entries of an axis turned round, as many of every sample.
pub fn reverse_sequence(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let refuse =
        |found: &str| call.refuse(Code::Unsupported, "as many entries of every sample along the other axis", found);
    let Some((id, shape, batch)) = call.input(0, values)?.placed() else { return Err(refuse("a constant")) };
    let axes = (call.integer("batch_axis").unwrap_or(1), call.integer("time_axis").unwrap_or(0));
    if !matches!(axes, (0, 1) | (1, 0)) || axes.0 != batch as i64 || shape.is_empty() {
        return Err(refuse("other axes"));
    }
    let length = match call.input(1, values)? {
        Value::Each(length) => Some(*length),
        Value::Integers(dims, list) if dims.len() == 1 && values.batch == i64::try_from(list.len()).ok() => {
            list.first().copied().flatten().filter(|first| list.iter().all(|other| *other == Some(*first)))
        }
        _ => None,
    };
    let length = length.and_then(|length| usize::try_from(length).ok());
    let length = length.filter(|length| (1..=shape[0]).contains(length)).ok_or_else(|| refuse("other lengths"))?;
    let each = size(&shape[1..]);
    let row = |at: usize| if at < length { length - 1 - at } else { at };
    let from = (0..size(shape)).map(|i| row(i / each) * each + i % each).collect();
    let turned = picked(graph, call, &Value::Node(id, shape.to_vec()), from, shape.to_vec())?;
    match turned {
        Value::Node(id, shape) => Ok(Value::at(id, shape, batch)),
        _ => Err(refuse("a constant")),
    }
}
