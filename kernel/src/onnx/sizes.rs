//! Operators that leave all entries where they are, and the arithmetic on sizes and integers that exporters write.

use crate::number::exact::{Float, pairs};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::constants::{held, spread};
use crate::onnx::joined::rows;
use crate::onnx::nodes::{Answer, size};
use crate::onnx::tensor::{Floats, Kind};
use crate::rejection::{Code, Rejection};

/// Casts that round nothing: of values between floats, of integers between integers (whether one fits is tested for every
/// result), and of constants to a type of floats that holds them.
pub fn cast(call: &Call, values: &Values) -> Result<(Value, Kind), Rejection> {
    let value = call.input(0, values)?;
    // It is about types that are not read, where runtimes insist on the default.
    if call.integer("saturate").is_some_and(|saturate| saturate != 1) {
        return Err(call.refuse(Code::Unsupported, "saturate = 1", "another value"));
    }
    let kind = match call.operator {
        "CastLike" => call.kinds(values)?.get(1).copied(),
        _ => call.integer("to").and_then(Kind::read),
    };
    match (value, kind) {
        (Value::Infinite(..), Some(kind)) if kind.is_float() => Ok((value.clone(), kind)),
        (Value::Node(..), Some(kind)) if kind.is_float() => Ok((value.clone(), kind)),
        (Value::Integers(..), Some(kind)) if kind.is_integer() => Ok((value.clone(), kind)),
        (Value::Floats(dims, floats), Some(kind)) if !kind.is_integer() && kind != Kind::Bool => {
            let numbers = floats.iter().map(|number| held(call, kind, Some(number))).collect::<Result<_, _>>()?;
            Ok((Value::Floats(dims.clone(), Floats::Numbers(numbers)), kind))
        }
        (Value::Integers(dims, list), Some(kind)) if kind.is_float() && !list.is_empty() => {
            let small = |v: i64| v.unsigned_abs() < 1 << 53;
            let number = |v: &Option<i64>| held(call, kind, v.filter(|&v| small(v)).map(|v| Float::new(v, 0)));
            let numbers = list.iter().map(number).collect::<Result<_, _>>()?;
            Ok((Value::Floats(dims.clone(), Floats::Numbers(numbers)), kind))
        }
        _ => {
            let found = format!("{kind:?} of {:?}", call.kinds(values)?);
            Err(call.refuse(Code::Unsupported, "a cast of values to floats, or of constants", found))
        }
    }
}

/// Sums, differences and products of two lists of integers, what is left over of a division by a number above 0, and where
/// they are equal.
pub fn arithmetic(call: &Call, a: &Value, b: &Value) -> Answer {
    let refuse = || call.refuse(Code::Unsupported, "an operand that depends on the input", "constants");
    let (Value::Integers(dims, a), Value::Integers(other, b)) = (a, b) else { return Err(refuse()) };
    if call.operator == "Mod" && call.flag("fmod")? {
        return Err(call.refuse(Code::Unsupported, "fmod = 0", "1"));
    }
    // Runtimes refuse that even where there is nothing to divide.
    if call.operator == "Div" && b.contains(&Some(0)) {
        return Err(refuse());
    }
    let entry = |(i, j): (usize, usize)| match (call.operator, a[i], b[j]) {
        ("Add", Some(a), Some(b)) => a.checked_add(b).map(Some),
        ("Sub", Some(a), Some(b)) => a.checked_sub(b).map(Some),
        ("Mul", Some(a), Some(b)) => a.checked_mul(b).map(Some),
        ("Div", Some(a), Some(b)) => a.checked_div(b).map(Some),
        ("Mod", Some(a), Some(b)) if b > 0 => Some(Some(a.rem_euclid(b))),
        ("Equal", Some(a), Some(b)) => Some(Some(i64::from(a == b))),
        // The batch size, whatever it is: above 0.
        ("Equal", None, None) => Some(Some(1)),
        ("Equal", None, Some(known)) | ("Equal", Some(known), None) if known <= 0 => Some(Some(0)),
        ("Mod", None, Some(1)) => Some(Some(0)),
        ("Add" | "Sub", None, Some(0)) | ("Mul" | "Div", None, Some(1)) => Some(None),
        ("Add", Some(0), None) | ("Mul", Some(1), None) => Some(None),
        _ => None,
    };
    let (shape, [from_a, from_b]) = spread(call, [dims, other])?;
    let values = pairs(from_a, from_b)?.map(entry).collect::<Option<Vec<_>>>().ok_or_else(refuse)?;
    Ok(Value::Integers(shape, values))
}

/// Where of truth values that the file holds.
pub fn chosen(call: &Call, values: &Values, (dims, truths): (&[usize], &[Option<i64>])) -> Answer {
    let (a, b) = (call.input(1, values)?, call.input(2, values)?);
    let (Value::Integers(of_a, a), Value::Integers(of_b, b)) = (a, b) else {
        return Err(call.refuse(Code::Unsupported, "integers where the condition is a constant", "others"));
    };
    let (both, [from_a, from_b]) = spread(call, [of_a, of_b])?;
    let (shape, [from, at]) = spread(call, [&both, dims])?;
    let entry = |(place, truth): (usize, usize)| match truths[truth] {
        Some(0) => b[from_b[place]],
        _ => a[from_a[place]],
    };
    Ok(Value::Integers(shape, pairs(from, at)?.map(entry).collect()))
}

/// Into two axes: the batch and what a sample has, or those of a constant.
pub fn flatten(call: &Call, values: &Values, opset: i64) -> Answer {
    let at = call.integer("axis").unwrap_or(1);
    if at < 0 && opset < 11 {
        return Err(call.refuse(Code::Unsupported, "an axis from 0 on before version 11", at.to_string()));
    }
    let value = call.input(0, values)?;
    let dims: Vec<usize> = match value {
        Value::Node(_, shape) => std::iter::once(1).chain(shape.iter().copied()).collect(),
        Value::Floats(dims, _) => dims.clone(),
        _ => return Err(call.refuse(Code::Unsupported, "floats", "others")),
    };
    // It may cut behind the last axis, too, where none is counted from the end.
    let cut = if at == dims.len() as i64 { dims.len() } else { call.axis(at, dims.len())? };
    let halves = [size(&dims[..cut]), size(&dims[cut..])];
    match value {
        Value::Node(of, _) if cut > 0 && halves[0] == 1 => Ok(Value::Node(*of, vec![halves[1]])),
        Value::Floats(_, floats) => Ok(Value::Floats(halves.to_vec(), floats.clone())),
        _ => Err(call.refuse(Code::Unsupported, "a batch that no other axis joins", format!("axis {at} of {dims:?}"))),
    }
}

/// Of a value with the batch in front, or of a constant.
pub fn reshape(call: &Call, values: &Values) -> Answer {
    let target = call.list(1, values)?;
    let zero_copies = !call.flag("allowzero")?;
    let (of, old) = match call.input(0, values)? {
        Value::Node(of, old) => match rows((*of, old), target).filter(|_| values.has_batch) {
            Some(rows) => return Ok(rows),
            None => (*of, old),
        },
        Value::Floats(_, floats) => return Ok(Value::Floats(opened(call, target, floats.len())?, floats.clone())),
        Value::Integers(_, list) => return Ok(Value::Integers(opened(call, target, list.len())?, list.clone())),
        _ => return Err(call.refuse_value()),
    };
    let refuse = || call.refuse(Code::Unsupported, "a target with the batch in front", format!("{target:?}"));
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
    let count = size(old);
    let known = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).ok_or_else(refuse)?;
    match (rest.iter().position(open), rest.iter().filter(|d| open(d)).count()) {
        (Some(at), 1) if !open(batch) && known > 0 && count.is_multiple_of(known) => shape[at] = count / known,
        (None, _) => {}
        _ => return Err(refuse()),
    }
    // The batch size itself, a copy of it, or what is left over when the samples keep their size.
    let in_front = match *batch {
        None => true,
        Some(0) => zero_copies,
        Some(-1) => true,
        fixed => fixed == values.batch,
    };
    if !in_front {
        return Err(refuse());
    }
    if size(&shape) != count {
        return Err(call.refuse(Code::ShapeMismatch, &format!("as many entries as {shape:?}"), format!("{old:?}")));
    }
    Ok(Value::Node(of, shape))
}

/// The shape that a constant of `count` entries is given: fixed sizes, one of which may be left open.
fn opened(call: &Call, target: &[Option<i64>], count: usize) -> Result<Vec<usize>, Rejection> {
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

/// Squeeze and Unsqueeze.
pub fn axes(call: &Call, values: &Values, opset: i64) -> Answer {
    let value = call.input(0, values)?;
    let squeeze = call.operator == "Squeeze";
    let batch = value.placed().map(|(_, _, batch)| batch);
    let given = call.optional(1, values)?.map(|_| call.list(1, values)).transpose()?;
    let dims: Vec<usize> = match value {
        Value::Node(_, shape) | Value::Moved(_, shape, _) => {
            let mut dims = shape.clone();
            dims.insert(batch.unwrap_or(0), 0);
            dims
        }
        Value::Floats(dims, _) | Value::Integers(dims, _) => dims.clone(),
        _ => return Err(call.refuse_value()),
    };
    let given = match (given, value) {
        // Runtimes differ in what they make of an empty list.
        (Some(given), _) if !given.is_empty() => given.to_vec(),
        // Of the output nothing but the batch is left; that it goes, too, where it has one sample, changes no number.
        (None, Value::Node(..)) if size(&dims[1..]) == 1 && call.name == values.output && call.arity() == 1 => {
            (1..dims.len() as i64).map(Some).collect()
        }
        (None, Value::Node(id, shape)) if values.batch == Some(1) && call.arity() == 1 => {
            return Ok(Value::Sample(*id, shape.iter().copied().filter(|&size| size != 1).collect()));
        }
        (None, Value::Floats(..) | Value::Integers(..)) if call.arity() == 1 => {
            (0..dims.len()).filter(|&a| dims[a] == 1).map(|a| Some(a as i64)).collect()
        }
        _ => return Err(call.refuse(Code::Unsupported, "named axes", "none")),
    };
    if opset < 11 && squeeze && !given.is_sorted() {
        // Runtimes take such ones for others.
        return Err(call.refuse(Code::Unsupported, "axes that rise before version 11", format!("{given:?}")));
    }
    let rank = if squeeze { dims.len() } else { dims.len() + given.len() };
    let mut chosen = Vec::with_capacity(given.len());
    for &a in &given {
        let a = a.ok_or_else(|| call.refuse(Code::Unsupported, "constant axes", "the batch size"))?;
        // Runtimes take such ones for others.
        if a < 0 && opset < 11 {
            return Err(call.refuse(Code::Unsupported, "axes from 0 on before version 11", a.to_string()));
        }
        let a = call.axis(a, rank)?;
        if chosen.contains(&a) || (squeeze && Some(a) == batch) {
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
        Value::Node(of, _) | Value::Moved(of, ..) => {
            let mut new = new;
            // The batch alone has no size.
            let to = new.iter().position(|&size| size == 0).unwrap_or(0);
            new.remove(to);
            Ok(Value::at(*of, new, to))
        }
        Value::Floats(_, floats) => Ok(Value::Floats(new, floats.clone())),
        Value::Integers(_, list) => Ok(Value::Integers(new, list.clone())),
        _ => Err(call.refuse_value()),
    }
}

/// The sizes of anything.
pub fn shape(call: &Call, values: &Values) -> Answer {
    let dims: Vec<Option<i64>> = match call.input(0, values)? {
        Value::Node(_, shape) => std::iter::once(None).chain(shape.iter().map(|&d| Some(d as i64))).collect(),
        Value::Moved(_, shape, batch) => {
            let mut dims: Vec<Option<i64>> = shape.iter().map(|&d| Some(d as i64)).collect();
            dims.insert(*batch, None);
            dims
        }
        Value::Floats(dims, _) | Value::Integers(dims, _) => dims.iter().map(|&d| Some(d as i64)).collect(),
        _ => return Err(call.refuse_value()),
    };
    let clamp = |at: i64| (if at < 0 { at + dims.len() as i64 } else { at }).clamp(0, dims.len() as i64) as usize;
    let (start, end) = (clamp(call.integer("start").unwrap_or(0)), clamp(call.integer("end").unwrap_or(i64::MAX)));
    let part = dims.get(start..end.max(start)).unwrap_or_default().to_vec();
    Ok(Value::Integers(vec![part.len()], part))
}
