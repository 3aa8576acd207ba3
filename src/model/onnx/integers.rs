//! Shapes and the integer arithmetic that exporters do with them. The batch size stays a symbol.

use super::call::{Call, Value};
use super::guards;
use super::importer::Importer;
use super::kinds::Kind;
use super::tensor::{Dim, Ints, Tensor, Walk, broadcast};
use crate::model::ModelError;

pub(super) fn shape(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let dims: Vec<Dim> = match call.input(0)? {
        Value::Node(node) => {
            let shape = &importer.graph.node(*node).shape;
            std::iter::once(Dim::Batch).chain(shape.iter().map(|&dim| Dim::Known(dim as i64))).collect()
        }
        Value::Moved(node, batch) => {
            let mut dims: Vec<Dim> =
                importer.graph.node(*node).shape.iter().map(|&dim| Dim::Known(dim as i64)).collect();
            dims.insert(*batch, Dim::Batch);
            dims
        }
        Value::Float(tensor) => tensor.shape.iter().map(|&dim| Dim::Known(dim as i64)).collect(),
        Value::Int(ints) => ints.shape.iter().map(|&dim| Dim::Known(dim as i64)).collect(),
        other => return Err(call.refuse_value(other)),
    };
    let rank = dims.len() as i64;
    let clamp = |index: i64| if index < 0 { index.saturating_add(rank) } else { index }.clamp(0, rank) as usize;
    let start = clamp(call.int_attribute("start").unwrap_or(0));
    let end = clamp(call.int_attribute("end").unwrap_or(rank)).max(start);
    Ok(Value::Int(Ints::vector(dims[start..end].to_vec())))
}

/// The type that a Cast or CastLike gives.
pub(super) fn target(call: &Call) -> Option<Kind> {
    match call.operator() {
        "CastLike" => call.kind(1),
        _ => call.int_attribute("to").and_then(|to| i32::try_from(to).ok()).and_then(Kind::of),
    }
}

pub(super) fn cast(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    // It is about types that are not read, where runtimes insist on the default.
    if call.int_attribute("saturate").is_some_and(|saturate| saturate != 1) {
        return Err(call.refuse("Cast with another `saturate` than 1 is not supported"));
    }
    let Some(to) = target(call) else { return Err(call.misfit("a data type that is read", "another one")) };
    let refuse = |from: &str| Err(call.refuse(format!("Cast of {from} to {to:?} is not supported")));
    match (call.input(0)?, to) {
        (Value::Larger(_) | Value::Fixed(..), kind) => guards::cast(importer, call, kind),
        (Value::Node(node), Kind::Float32 | Kind::Float64) => Ok(Value::Node(*node)),
        (Value::Node(_), _) => refuse("a value that depends on the input"),
        (Value::Float(tensor), kind) if !kind.is_integer() && kind != Kind::Bool => {
            match tensor.iter().all(|v| kind.nearest(v) == v) {
                true => Ok(Value::Float(tensor.clone())),
                false => Err(call.refuse(format!("Cast of a constant that is no {kind:?} would round it"))),
            }
        }
        (Value::Infinite(sign), Kind::Float32 | Kind::Float64) => Ok(Value::Infinite(*sign)),
        (Value::Float(_), _) => refuse("a float constant"),
        (Value::Int(ints), Kind::Int64) => Ok(Value::Int(ints.clone())),
        (Value::Int(ints), Kind::Int32) => match ints.known() {
            Some(known) if known.iter().any(|&v| i32::try_from(v).is_err()) => refuse("a larger integer"),
            _ => Ok(Value::Int(ints.clone())),
        },
        (Value::Int(ints), Kind::Float32 | Kind::Float64) => {
            let exact = |value: i64| value.unsigned_abs() <= 1 << 24;
            match ints.known().filter(|known| !known.is_empty() && known.iter().copied().all(exact)) {
                Some(known) => {
                    Ok(Value::Float(Tensor::new(ints.shape.clone(), known.iter().map(|&v| v as f64).collect())))
                }
                None => refuse("the batch size, of nothing, or of an integer above 2^24"),
            }
        }
        (Value::Int(_), _) => refuse("an integer constant"),
        (other, _) => Err(call.refuse_value(other)),
    }
}

pub(super) fn add(importer: &mut Importer, call: &Call, a: &Ints, b: &Ints) -> Result<Value, ModelError> {
    arithmetic(importer, call, a, b, |a, b| match (a, b) {
        (Dim::Known(a), Dim::Known(b)) => a.checked_add(b).map(Dim::Known),
        (Dim::Batch, Dim::Known(0)) | (Dim::Known(0), Dim::Batch) => Some(Dim::Batch),
        _ => None,
    })
}

pub(super) fn sub(importer: &mut Importer, call: &Call, a: &Ints, b: &Ints) -> Result<Value, ModelError> {
    arithmetic(importer, call, a, b, |a, b| match (a, b) {
        (Dim::Known(a), Dim::Known(b)) => a.checked_sub(b).map(Dim::Known),
        (Dim::Batch, Dim::Known(0)) => Some(Dim::Batch),
        (Dim::Batch, Dim::Batch) => Some(Dim::Known(0)),
        _ => None,
    })
}

pub(super) fn mul(importer: &mut Importer, call: &Call, a: &Ints, b: &Ints) -> Result<Value, ModelError> {
    arithmetic(importer, call, a, b, |a, b| match (a, b) {
        (Dim::Known(a), Dim::Known(b)) => a.checked_mul(b).map(Dim::Known),
        (Dim::Batch, Dim::Known(1)) | (Dim::Known(1), Dim::Batch) => Some(Dim::Batch),
        _ => None,
    })
}

/// Integer division truncates.
pub(super) fn div(importer: &mut Importer, call: &Call, a: &Ints, b: &Ints) -> Result<Value, ModelError> {
    // Runtimes refuse a divisor of 0 even where there is nothing to divide.
    if b.values.contains(&Dim::Known(0)) {
        return Err(call.misfit("divisors that are not 0", "0".to_string()));
    }
    arithmetic(importer, call, a, b, |a, b| match (a, b) {
        (Dim::Known(a), Dim::Known(b)) => a.checked_div(b).map(Dim::Known),
        (Dim::Batch, Dim::Known(1)) => Some(Dim::Batch),
        _ => None,
    })
}

/// What is left over, of the sign of the divisor, which is above 0 here.
pub(super) fn modulo(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if call.flag("fmod")? {
        return Err(call.refuse("Mod with fmod is not supported"));
    }
    let (a, b) = (call.ints(0, "input 0")?, call.ints(1, "input 1")?);
    arithmetic(importer, call, a, b, |a, b| match (a, b) {
        (Dim::Known(a), Dim::Known(b)) if b > 0 => Some(Dim::Known(a.rem_euclid(b))),
        (Dim::Batch, Dim::Known(1)) => Some(Dim::Known(0)),
        _ => None,
    })
}

/// Truth values. The batch size is above 0, whatever it is.
pub(super) fn equal(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (a, b) = (call.ints(0, "input 0")?, call.ints(1, "input 1")?);
    arithmetic(importer, call, a, b, |a, b| match (a, b) {
        (Dim::Batch, Dim::Known(known)) | (Dim::Known(known), Dim::Batch) if known > 0 => None,
        _ => Some(Dim::Known((a == b).into())),
    })
}

/// Where of truth values that the file holds.
pub(super) fn chosen(importer: &mut Importer, call: &Call, truths: &Ints) -> Result<Value, ModelError> {
    let (a, b) = (call.ints(1, "first choice")?, call.ints(2, "second choice")?);
    let shape = [&a.shape, &b.shape].iter().try_fold(truths.shape.clone(), |all, shape| broadcast(&all, shape));
    let shape = shape.ok_or_else(|| call.misfit("shapes that broadcast", "others"))?;
    importer.spend_shape(call, &shape)?;
    let walk = |own: &Ints| Walk::broadcast(&own.shape, &shape);
    let places = walk(truths).zip(walk(a)).zip(walk(b));
    let values = places.map(|((at, i), j)| if truths.values[at] == Dim::Known(0) { b.values[j] } else { a.values[i] });
    Ok(Value::Int(Ints { values: values.collect(), shape }))
}

fn arithmetic(
    importer: &mut Importer,
    call: &Call,
    a: &Ints,
    b: &Ints,
    f: impl Fn(Dim, Dim) -> Option<Dim>,
) -> Result<Value, ModelError> {
    let shape = broadcast(&a.shape, &b.shape)
        .ok_or_else(|| call.misfit("shapes that broadcast", format!("{:?} and {:?}", a.shape, b.shape)))?;
    importer.spend_shape(call, &shape)?;
    let pairs = Walk::broadcast(&a.shape, &shape).zip(Walk::broadcast(&b.shape, &shape));
    let values: Option<Vec<Dim>> = pairs.map(|(i, j)| f(a.values[i], b.values[j])).collect();
    let what = || format!("{} of these integers depends on the batch size or has no result", call.operator());
    Ok(Value::Int(Ints { shape, values: values.ok_or_else(|| call.refuse(what()))? }))
}
