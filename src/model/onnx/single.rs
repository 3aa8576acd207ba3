//! Files without a batch axis, whose input is a vector: they compute one sample. Each call is read as if all values had a
//! batch axis in front: axes are counted from behind it, and shapes begin with it.

use super::call::{Call, Value};
use super::importer::Importer;
use super::pick::permuted;
use super::tensor::Dim;
use crate::model::ModelError;
use std::borrow::Cow;

/// Operators of the entries by themselves, which name no axes.
const ENTRIES: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "Cast",
    "Celu",
    "Clip",
    "Div",
    "Dropout",
    "Elu",
    "Exp",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pow",
    "Relu",
    "Sigmoid",
    "Softplus",
    "Sub",
    "Sum",
    "Where",
];

/// The call with a batch axis in front of every value; the same where the file has one, or all inputs are constants.
pub(super) fn batched<'c, 'm>(importer: &Importer, call: Cow<'c, Call<'m>>) -> Result<Cow<'c, Call<'m>>, ModelError> {
    let rank = |value: &Value| match value {
        Value::Node(id) => Some(importer.graph.node(*id).shape.len()),
        Value::Larger(comparison) | Value::Masked(comparison, _) => Some(comparison.shape.len()),
        Value::Fixed(_, shape) => Some(shape.len()),
        Value::Exponential(exponential) => Some(importer.graph.node(exponential.of).shape.len()),
        _ => None,
    };
    let operands = || (0..call.count()).filter_map(|index| call.optional(index));
    let Some(rank) = operands().filter_map(rank).max().filter(|_| !importer.has_batch) else { return Ok(call) };
    let operator = call.operator();
    let refuse =
        |what: &str| Err(call.refuse(format!("{operator}{what} in a model without a batch axis: export it with one")));
    let behind = |axes: Vec<i64>| {
        let more = if operator == "Unsqueeze" { axes.len() } else { 0 };
        axes.into_iter().map(|axis| Dim::Known(counted(axis, rank + more))).collect()
    };
    let is_wide = |value: &Value, most| matches!(value, Value::Float(tensor) if tensor.shape.len() > most);
    Ok(match operator {
        _ if ENTRIES.contains(&operator) => {
            if operands().any(|value| is_wide(value, rank)) {
                return refuse(" with a constant of more axes than the value is not supported");
            }
            call
        }
        "MatMul" if operands().any(|value| is_wide(value, 2)) => return refuse(" of many matrices is not supported"),
        "MatMul" => from_right(importer, call)?,
        "Gemm" => call,
        "Concat" if !call.has("axis") => return refuse(" without an axis is not supported"),
        "Concat" | "Gather" | "Split" => {
            let axis = call.int_attribute("axis").unwrap_or(0);
            let mut call = call.into_owned();
            call.along(counted(axis, rank));
            Cow::Owned(call)
        }
        "Squeeze" | "Unsqueeze" => match call.optional_ints(1, "axes (input 1)")? {
            Some(axes) => Cow::Owned(call.with_list(1, behind(axes))),
            None => {
                // All of size 1: without a batch axis they are known.
                let Some(&Value::Node(id)) = call.optional(0) else { return refuse(" without axes is not supported") };
                let shape = &importer.graph.node(id).shape;
                let axes: Vec<i64> =
                    (0..shape.len()).filter(|&axis| shape[axis] == 1).map(|axis| axis as i64).collect();
                if axes.is_empty() || call.count() > 1 || operator == "Unsqueeze" {
                    return refuse(" without axes of size 1 is not supported");
                }
                Cow::Owned(call.with_list(1, behind(axes)))
            }
        },
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceL1"
        | "ReduceSumSquare" => {
            let axes = call.optional_ints(1, "axes (input 1)")?.filter(|axes| !axes.is_empty());
            if axes.is_none() && call.flag("noop_with_empty_axes")? {
                return refuse(" over no axis is not supported");
            }
            Cow::Owned(call.with_list(1, behind(axes.unwrap_or_else(|| (0..rank as i64).collect()))))
        }
        "Slice" => {
            let starts = call.known_ints(1, "starts")?;
            let axes = call.optional_ints(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
            Cow::Owned(call.with_list(3, behind(axes)))
        }
        "Reshape" => {
            let target = call.dims(1, "shape (input 1)")?;
            Cow::Owned(call.with_list(1, [&[Dim::Batch], target].concat()))
        }
        _ => return refuse(" is not supported"),
    })
}

/// W·x of a vector x as x·Wᵀ.
fn from_right<'c, 'm>(importer: &Importer, call: Cow<'c, Call<'m>>) -> Result<Cow<'c, Call<'m>>, ModelError> {
    let (Some(Value::Float(matrix)), Some(&Value::Node(id))) = (call.optional(0), call.optional(1)) else {
        return Ok(call);
    };
    if matrix.shape.len() != 2 || importer.graph.node(id).shape.len() != 1 {
        return Ok(call);
    }
    let (shape, walk) = permuted(&matrix.shape, &[1, 0]);
    let transposed = matrix.picked(shape, walk);
    let mut call = call.into_owned();
    call.replace(0, Value::Node(id));
    call.replace(1, Value::Float(transposed));
    Ok(Cow::Owned(call))
}

/// An axis as it is counted with the batch in front of so many axes: one from the end must not reach it.
fn counted(axis: i64, rank: usize) -> i64 {
    match axis {
        0.. => axis.saturating_add(1),
        _ if axis.unsigned_abs() <= rank as u64 => axis,
        _ => i64::MIN,
    }
}
