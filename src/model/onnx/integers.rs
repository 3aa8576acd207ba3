//! Shapes and the integer arithmetic that exporters do with them. The batch size stays a symbol.

use super::call::{Call, Value};
use super::importer::Importer;
use super::proto;
use super::tensor::{Dim, Ints, Tensor, Walk, broadcast};
use crate::model::ModelError;

pub(super) fn shape(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let dims: Vec<Dim> = match call.input(0)? {
        Value::Larger(_) => return Err(call.refuse_comparison()),
        Value::Node(node) => {
            let shape = &importer.graph.node(*node).shape;
            std::iter::once(Dim::Batch).chain(shape.iter().map(|&dim| Dim::Known(dim as i64))).collect()
        }
        Value::Float(tensor) => tensor.shape.iter().map(|&dim| Dim::Known(dim as i64)).collect(),
        Value::Int(ints) => ints.shape.iter().map(|&dim| Dim::Known(dim as i64)).collect(),
    };
    let rank = dims.len() as i64;
    let clamp = |index: i64| if index < 0 { index.saturating_add(rank) } else { index }.clamp(0, rank) as usize;
    let start = clamp(call.int_attribute("start").unwrap_or(0));
    let end = clamp(call.int_attribute("end").unwrap_or(rank)).max(start);
    Ok(Value::Int(Ints::vector(dims[start..end].to_vec())))
}

pub(super) fn cast(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    // It is about types that are not read, where runtimes insist on the default.
    if call.int_attribute("saturate").is_some_and(|saturate| saturate != 1) {
        return Err(call.refuse("Cast with another `saturate` than 1 is not supported"));
    }
    let to = call.int_attribute("to").ok_or_else(|| call.misfit("attribute `to`", "none"))?;
    let refuse = |from: &str| Err(call.refuse(format!("Cast of {from} to data type {to} is not supported")));
    match (call.input(0)?, i32::try_from(to).unwrap_or(0)) {
        (Value::Larger(_), _) => Err(call.refuse_comparison()),
        (Value::Node(node), proto::FLOAT | proto::DOUBLE) => Ok(Value::Node(*node)),
        (Value::Node(_), _) => refuse("a value that depends on the input"),
        (Value::Float(tensor), proto::DOUBLE) => Ok(Value::Float(tensor.clone())),
        (Value::Float(tensor), proto::FLOAT) => match tensor.as_single() {
            Some(_) => Ok(Value::Float(tensor.clone())),
            None => Err(call.refuse("Cast of a constant that is not a 32-bit float would round it")),
        },
        (Value::Float(_), _) => refuse("a float constant"),
        (Value::Int(ints), proto::INT64) => Ok(Value::Int(ints.clone())),
        (Value::Int(ints), proto::INT32) => match ints.known() {
            Some(known) if known.iter().any(|&v| i32::try_from(v).is_err()) => refuse("a larger integer"),
            _ => Ok(Value::Int(ints.clone())),
        },
        (Value::Int(ints), proto::FLOAT | proto::DOUBLE) => {
            let exact = |value: i64| value.unsigned_abs() <= 1 << 24;
            match ints.known().filter(|known| !known.is_empty() && known.iter().copied().all(exact)) {
                Some(known) => {
                    Ok(Value::Float(Tensor::new(ints.shape.clone(), known.iter().map(|&v| v as f64).collect())))
                }
                None => refuse("the batch size, of nothing, or of an integer above 2^24"),
            }
        }
        (Value::Int(_), _) => refuse("an integer constant"),
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
