//! Operators that move entries about, and the arithmetic on shapes and constants that exporters write.

use crate::network::graph::{Graph, Op};
use crate::network::single::orders;
use crate::number::exact::{Float, pairs};
use crate::onnx::affine::node;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::tensor::Kind;
use crate::rejection::{Code, Rejection};

type Answer = Result<Value, Rejection>;

/// Appends what `call` computes to the graph.
pub fn apply(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    match call.operator {
        "Identity" => Ok(call.input(0, values)?.clone()),
        "Dropout" => dropout(call, values),
        "Concat" => concat(graph, call, values),
        "Flatten" => flatten(graph, call, values),
        "Reshape" => reshape(graph, call, values),
        "Squeeze" | "Unsqueeze" => axes(graph, call, values),
        "Transpose" => transpose(call, values),
        "Shape" => shape(graph, call, values),
        "Gather" => gather(call, values),
        "Slice" => slice(call, values),
        other => Err(call.refuse(Code::Unsupported, "an operator that the kernel reads", other)),
    }
}

/// A value whose type the node itself names.
pub fn named(call: &Call, values: &Values) -> Result<(Value, Kind), Rejection> {
    match call.operator {
        "Constant" => call.constant(),
        _ => cast(call, values),
    }
}

/// Casts that round nothing: of values between floats, of integers between integers. (A float64 constant need not fit
/// into float32; whether an integer fits is tested for every result.)
fn cast(call: &Call, values: &Values) -> Result<(Value, Kind), Rejection> {
    let value = call.input(0, values)?;
    // It is about types that are not read, where runtimes insist on the default.
    if call.integer("saturate").is_some_and(|saturate| saturate != 1) {
        return Err(call.refuse(Code::Unsupported, "saturate = 1", "another value"));
    }
    let kind = call.integer("to").and_then(Kind::read);
    match (value, kind) {
        (Value::Node(_), Some(kind)) if kind.is_float() => Ok((value.clone(), kind)),
        (Value::Integers(..), Some(kind)) if !kind.is_float() => Ok((value.clone(), kind)),
        _ => {
            let found = format!("{:?} of {:?}", call.integer("to"), call.kinds(values)?);
            Err(call.refuse(Code::Unsupported, "a cast of values to floats or of integers to integers", found))
        }
    }
}

/// Dropout in inference is the identity, whatever its ratio is.
fn dropout(call: &Call, values: &Values) -> Answer {
    match call.optional(1, values)? {
        None => {}
        Some(Value::Floats(dims, ratio))
            if dims.is_empty() && ratio[0].mantissa >= 0 && orders(Float::ONE, ratio[0]) => {}
        Some(_) => return Err(call.refuse(Code::Unsupported, "a constant ratio in [0, 1), a scalar", "another")),
    }
    Ok(Value::Node(node(call, call.input(0, values)?)?))
}

/// Sums, differences and products of two constants, where they are exact.
pub fn constants(call: &Call, a: &Value, b: &Value) -> Answer {
    let refuse = || call.refuse(Code::Unsupported, "an operand that depends on the input", "constants");
    let (Value::Integers(dims, a), Value::Integers(other, b)) = (a, b) else { return Err(refuse()) };
    if dims != other {
        return Err(refuse());
    }
    let entry = |(a, b): (&Option<i64>, &Option<i64>)| match (call.operator, *a, *b) {
        ("Add", Some(a), Some(b)) => a.checked_add(b).map(Some),
        ("Sub", Some(a), Some(b)) => a.checked_sub(b).map(Some),
        ("Mul", Some(a), Some(b)) => a.checked_mul(b).map(Some),
        ("Div", Some(a), Some(b)) => a.checked_div(b).map(Some),
        _ => None,
    };
    let values = pairs(a, b)?.map(entry).collect::<Option<Vec<_>>>().ok_or_else(refuse)?;
    Ok(Value::Integers(dims.clone(), values))
}

/// An axis counted from the end if negative, among `rank` axes.
fn axis(call: &Call, axis: i64, rank: usize) -> Result<usize, Rejection> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    let fits = usize::try_from(counted).ok().filter(|&a| a < rank);
    fits.ok_or_else(|| call.refuse(Code::ShapeMismatch, &format!("an axis of {rank}"), axis.to_string()))
}

fn concat(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let operands = (0..call.arity()).map(|k| call.input(k, values)).collect::<Result<Vec<_>, _>>()?;
    let along = call.integer("axis").ok_or_else(|| call.refuse(Code::MalformedModel, "an axis", "none"))?;
    if let Some(Value::Integers(..)) = operands.first() {
        axis(call, along, 1)?;
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
    let nodes = operands.into_iter().map(|operand| node(call, operand)).collect::<Result<Vec<_>, _>>()?;
    let Some(&first) = nodes.first() else { return Err(call.refuse(Code::MalformedModel, "operands", "none")) };
    let mut shape = graph.nodes[first].shape.clone();
    let axis = axis(call, along, shape.len() + 1)?;
    let Some(axis) = axis.checked_sub(1) else {
        return Err(call.refuse(Code::Unsupported, "an axis of the samples", "the batch axis"));
    };
    shape[axis] = 0;
    for &id in &nodes {
        let other = &graph.nodes[id].shape;
        let fits = other.len() == shape.len() && (0..shape.len()).all(|k| k == axis || other[k] == shape[k]);
        if !fits {
            return Err(call.refuse(
                Code::ShapeMismatch,
                &format!("shapes that differ in axis {axis} alone"),
                format!("{other:?}"),
            ));
        }
        shape[axis] += other[axis];
    }
    let outer = shape[..axis].iter().product();
    Ok(Value::Node(graph.push(call.name, Op::Concat { outer }, nodes, shape)?))
}

fn reshaped(graph: &mut Graph, call: &Call, of: usize, shape: Vec<usize>) -> Answer {
    let size = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    if size != Some(graph.nodes[of].size()) {
        let found = format!("{:?}", graph.nodes[of].shape);
        return Err(call.refuse(Code::ShapeMismatch, &format!("as many entries as {shape:?}"), found));
    }
    Ok(Value::Node(graph.push(call.name, Op::Reshape, vec![of], shape)?))
}

fn flatten(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let of = node(call, call.input(0, values)?)?;
    // Counted from the end, the batch among the axes, axis 1 is minus the number of the others.
    let at = call.integer("axis").unwrap_or(1);
    let axes = graph.nodes[of].shape.len() as i64;
    if at != 1 && (axes == 0 || at != -axes) {
        return Err(call.refuse(Code::Unsupported, "axis 1", at.to_string()));
    }
    let size = graph.nodes[of].size();
    reshaped(graph, call, of, vec![size])
}

/// A constant of integers with one axis.
fn integers<'v>(call: &Call, value: &'v Value) -> Result<&'v [Option<i64>], Rejection> {
    match value {
        Value::Integers(dims, integers) if dims.len() == 1 => Ok(integers),
        _ => Err(call.refuse(Code::Unsupported, "a constant list of integers", "another operand")),
    }
}

fn reshape(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let target = integers(call, call.input(1, values)?)?;
    let zero_copies = !call.flag("allowzero")?;
    let of = match call.input(0, values)? {
        Value::Node(of) => *of,
        Value::Floats(_, floats) => return Ok(Value::Floats(sizes(call, target, floats.len())?, floats.clone())),
        Value::Integers(_, list) => return Ok(Value::Integers(sizes(call, target, list.len())?, list.clone())),
    };
    let refuse = || call.refuse(Code::Unsupported, "a target with the batch in front", format!("{target:?}"));
    let old = graph.nodes[of].shape.clone();
    let (batch, rest) = target.split_first().ok_or_else(refuse)?;
    let open = |d: &Option<i64>| *d == Some(-1);
    let mut shape = Vec::with_capacity(rest.len());
    for (k, d) in rest.iter().enumerate() {
        shape.push(match *d {
            Some(-1) => 1,
            Some(0) if zero_copies => *old.get(k).ok_or_else(refuse)?,
            Some(d) if d > 0 => d as usize,
            _ => return Err(refuse()),
        });
    }
    let size = graph.nodes[of].size();
    let known = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).ok_or_else(refuse)?;
    match (rest.iter().position(open), rest.iter().filter(|d| open(d)).count()) {
        (Some(at), 1) if !open(batch) && known > 0 && size.is_multiple_of(known) => shape[at] = size / known,
        (None, _) => {}
        _ => return Err(refuse()),
    }
    // The batch size itself, a copy of it, or what is left over when the samples keep their size.
    let in_front = match *batch {
        None => true,
        Some(0) => zero_copies,
        Some(-1) => true,
        fixed => fixed == graph.batch,
    };
    if !in_front {
        return Err(refuse());
    }
    reshaped(graph, call, of, shape)
}

/// The shape that a constant of `count` entries is given: fixed sizes, one of which may be left open.
fn sizes(call: &Call, target: &[Option<i64>], count: usize) -> Result<Vec<usize>, Rejection> {
    let misfit = || call.refuse(Code::Unsupported, &format!("a shape of {count} entries"), format!("{target:?}"));
    let size = |d: &Option<i64>| match *d {
        Some(-1) => Some(1),
        Some(d) if d > 0 => usize::try_from(d).ok(),
        _ => None,
    };
    let mut dims = target.iter().map(size).collect::<Option<Vec<_>>>().ok_or_else(misfit)?;
    let known = dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).ok_or_else(misfit)?;
    let mut open = (0..target.len()).filter(|&k| target[k] == Some(-1));
    match (open.next(), open.next()) {
        (None, _) if known == count => {}
        (Some(at), None) if count > 0 && count.is_multiple_of(known) => dims[at] = count / known,
        _ => return Err(misfit()),
    }
    Ok(dims)
}

fn axes(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let value = call.input(0, values)?;
    let squeeze = call.operator == "Squeeze";
    let given = call.optional(1, values)?.map(|axes| integers(call, axes)).transpose()?;
    let dims: Vec<usize> = match value {
        Value::Node(of) => std::iter::once(0).chain(graph.nodes[*of].shape.iter().copied()).collect(),
        Value::Floats(dims, _) | Value::Integers(dims, _) => dims.clone(),
    };
    // Runtimes differ in what they make of an empty list.
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Err(call.refuse(Code::Unsupported, "named axes", "none"));
    };
    let rank = if squeeze { dims.len() } else { dims.len() + given.len() };
    let mut chosen = Vec::with_capacity(given.len());
    for a in given {
        let a = a.ok_or_else(|| call.refuse(Code::Unsupported, "constant axes", "the batch size"))?;
        let a = axis(call, a, rank)?;
        if chosen.contains(&a) || (a == 0 && matches!(value, Value::Node(_))) {
            return Err(call.refuse(Code::Unsupported, "different axes of the samples", format!("{given:?}")));
        }
        chosen.push(a);
    }
    let mut rest = dims.iter().copied().enumerate();
    let new: Vec<usize> = match squeeze {
        true if chosen.iter().any(|&a| dims[a] != 1) => {
            return Err(call.refuse(Code::ShapeMismatch, "axes of size 1", format!("{dims:?}")));
        }
        true => rest.filter(|(a, _)| !chosen.contains(a)).map(|(_, d)| d).collect(),
        false => (0..rank).map(|a| if chosen.contains(&a) { 1 } else { rest.next().map_or(1, |(_, d)| d) }).collect(),
    };
    match value {
        Value::Node(of) => reshaped(graph, call, *of, new[1..].to_vec()),
        Value::Floats(_, floats) => Ok(Value::Floats(new, floats.clone())),
        Value::Integers(_, list) => Ok(Value::Integers(new, list.clone())),
    }
}

fn transpose(call: &Call, values: &Values) -> Answer {
    let Value::Floats(dims, floats) = call.input(0, values)? else {
        return Err(call.refuse(Code::Unsupported, "a float constant", "another operand"));
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
    let mut strides = vec![1; dims.len()];
    for a in (1..dims.len()).rev() {
        strides[a - 1] = strides[a] * dims[a];
    }
    let new: Vec<usize> = order.iter().map(|&a| dims[a]).collect();
    let entry = |mut i: usize| {
        let mut at = 0;
        for a in (0..new.len()).rev() {
            at += i % new[a] * strides[order[a]];
            i /= new[a];
        }
        floats[at]
    };
    let moved: Vec<Float> = (0..floats.len()).map(entry).collect();
    Ok(Value::Floats(new, moved))
}

fn shape(graph: &Graph, call: &Call, values: &Values) -> Answer {
    let dims: Vec<Option<i64>> = match call.input(0, values)? {
        Value::Node(id) => {
            std::iter::once(None).chain(graph.nodes[*id].shape.iter().map(|&d| Some(d as i64))).collect()
        }
        Value::Floats(dims, _) | Value::Integers(dims, _) => dims.iter().map(|&d| Some(d as i64)).collect(),
    };
    let clamp = |at: i64| (if at < 0 { at + dims.len() as i64 } else { at }).clamp(0, dims.len() as i64) as usize;
    let (start, end) = (clamp(call.integer("start").unwrap_or(0)), clamp(call.integer("end").unwrap_or(i64::MAX)));
    let part = dims.get(start..end.max(start)).unwrap_or_default().to_vec();
    Ok(Value::Integers(vec![part.len()], part))
}

fn gather(call: &Call, values: &Values) -> Answer {
    let (Value::Integers(dims, list), Value::Integers(shape, at)) = (call.input(0, values)?, call.input(1, values)?)
    else {
        return Err(call.refuse(Code::Unsupported, "integers", "another operand"));
    };
    if dims.len() != 1 {
        return Err(call.refuse(Code::ShapeMismatch, "a list", format!("{dims:?}")));
    }
    axis(call, call.integer("axis").unwrap_or(0), 1)?;
    let pick = |at: &Option<i64>| match at {
        Some(at) => Ok(list[axis(call, *at, list.len())?]),
        None => Err(call.refuse(Code::Unsupported, "constant indices", "the batch size")),
    };
    Ok(Value::Integers(shape.clone(), at.iter().map(pick).collect::<Result<_, _>>()?))
}

fn slice(call: &Call, values: &Values) -> Answer {
    let Value::Integers(dims, list) = call.input(0, values)? else {
        return Err(call.refuse(Code::Unsupported, "integers", "another operand"));
    };
    let single = |value: &Value| match integers(call, value)? {
        [Some(one)] => Ok(*one),
        _ => Err(call.refuse(Code::Unsupported, "one constant", "others")),
    };
    let or = |k: usize, default: i64| call.optional(k, values)?.map_or(Ok(default), single);
    if call.arity() == 5 && call.optional(3, values)?.is_none() {
        return Err(call.refuse(Code::Unsupported, "axes where there are steps", "none"));
    }
    let (start, end, step) = (single(call.input(1, values)?)?, single(call.input(2, values)?)?, or(4, 1)?);
    if dims.len() != 1 || step != 1 || !matches!(or(3, 0)?, 0 | -1) {
        return Err(call.refuse(Code::Unsupported, "a slice of a list with step 1", "another"));
    }
    let length = list.len() as i64;
    let clamp = |at: i64| (if at < 0 { at.saturating_add(length) } else { at }).clamp(0, length) as usize;
    let part = list.get(clamp(start)..clamp(end).max(clamp(start))).unwrap_or_default().to_vec();
    Ok(Value::Integers(vec![part.len()], part))
}
