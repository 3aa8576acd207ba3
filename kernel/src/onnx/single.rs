//! Files without a batch axis, whose input is a vector: they compute one sample. Each call is read as if a batch axis
//! stood in front of every value that depends on the input.

use crate::onnx::call::{Call, Exponential, Value, Values};
use crate::rejection::{Code, Rejection};
use std::borrow::Cow;

/// The call with the batch in front; the same where the file has one, or the call is of constants alone.
pub fn batched<'c, 'a>(call: Cow<'c, Call<'a>>, values: &Values) -> Result<Cow<'c, Call<'a>>, Rejection> {
    let (mut rank, mut widest) = (None, 0);
    for k in 0..call.arity() {
        match call.optional(k, values)? {
            Some(
                Value::Node(_, shape)
                | Value::Larger(_, shape)
                | Value::Fixed(_, shape)
                | Value::Masked(_, shape, _)
                | Value::Exponential(Exponential { shape, .. }),
            ) => rank = rank.max(Some(shape.len())),
            Some(Value::Floats(dims, _)) => widest = widest.max(dims.len()),
            _ => {}
        }
    }
    let Some(rank) = rank.filter(|_| !values.has_batch) else { return Ok(call) };
    let refuse = |found: &str| {
        call.refuse(
            Code::Unsupported,
            "what is read of models without a batch axis",
            format!("{}{found}", call.operator),
        )
    };
    let list = |k: usize| -> Result<Option<Vec<i64>>, Rejection> {
        let known = |list: &[Option<i64>]| list.iter().copied().collect::<Option<Vec<_>>>();
        let Some(_) = call.optional(k, values)? else { return Ok(None) };
        known(call.list(k, values)?).map(Some).ok_or_else(|| refuse(" of the batch size"))
    };
    let more = if call.operator == "Unsqueeze" { list(1)?.map_or(0, |axes| axes.len()) } else { 0 };
    let behind = |axes: Vec<i64>| axes.into_iter().map(|axis| Some(counted(axis, rank + more))).collect();
    let all = |count: usize| (0..count as i64).collect::<Vec<_>>();
    let mut moved = Call::clone(&call);
    match call.operator {
        "Abs" | "Add" | "And" | "Cast" | "Celu" | "Clip" | "Div" | "Dropout" | "Elu" | "Exp" | "Greater"
        | "GreaterOrEqual" | "Identity" | "IsInf" | "IsNaN" | "LeakyRelu" | "Less" | "LessOrEqual" | "Log" | "Max"
        | "Min" | "Mul" | "Neg" | "Not" | "Or" | "PRelu" | "Pow" | "Relu" | "Sigmoid" | "Softplus" | "Sub" | "Sum"
        | "Where" => {
            if widest > rank {
                return Err(refuse(" with a constant of more axes"));
            }
        }
        "MatMul" if widest > 2 => return Err(refuse(" of many matrices")),
        "MatMul" => {
            // W·x of a vector x is x·Wᵀ.
            if let (Some(Value::Floats(dims, weights)), Some(vector @ Value::Node(_, shape))) =
                (call.optional(0, values)?, call.optional(1, values)?)
                && let (&[rows, cols], [_]) = (&dims[..], &shape[..])
            {
                let transposed = weights.picked((0..weights.len()).map(|i| i % rows * cols + i / rows));
                moved.replace(0, vector.clone(), values)?;
                moved.replace(1, Value::Floats(vec![cols, rows], transposed), values)?;
            }
        }
        "Gemm" => {}
        "Concat" | "Gather" | "Split" => {
            let axis = call.integer("axis").or((call.operator != "Concat").then_some(0));
            let axis = axis.ok_or_else(|| refuse(" without an axis"))?;
            moved.set_axis(counted(axis, rank));
        }
        "Squeeze" if call.arity() == 1 => {
            // All axes of size 1, which are known here.
            let Some(Value::Node(_, shape)) = call.optional(0, values)? else {
                return Err(refuse(" of another value"));
            };
            let ones: Vec<i64> = (0..shape.len()).filter(|&axis| shape[axis] == 1).map(|axis| axis as i64).collect();
            if ones.is_empty() {
                return Err(refuse(" without axes of size 1"));
            }
            moved.set_list(1, behind(ones));
        }
        "Squeeze" | "Unsqueeze" => moved.set_list(1, behind(list(1)?.ok_or_else(|| refuse(" without axes"))?)),
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceL1"
        | "ReduceSumSquare" => {
            let axes = list(1)?.filter(|axes| !axes.is_empty());
            if axes.is_none() && call.flag("noop_with_empty_axes")? {
                return Err(refuse(" over no axis"));
            }
            moved.set_list(1, behind(axes.unwrap_or_else(|| all(rank))));
        }
        "Slice" => {
            let starts = list(1)?.ok_or_else(|| refuse(" without starts"))?;
            moved.set_list(3, behind(list(3)?.unwrap_or_else(|| all(starts.len()))));
        }
        "Reshape" => {
            let target = list(1)?.ok_or_else(|| refuse(" without a shape"))?;
            moved.set_list(1, std::iter::once(None).chain(target.into_iter().map(Some)).collect());
        }
        _ => return Err(refuse("")),
    }
    Ok(Cow::Owned(moved))
}

/// An axis as it is counted with the batch in front of so many axes: one from the end must not reach it.
fn counted(axis: i64, rank: usize) -> i64 {
    match axis {
        0.. => axis.saturating_add(1),
        _ if axis.unsigned_abs() <= rank as u64 => axis,
        _ => i64::MIN,
    }
}
