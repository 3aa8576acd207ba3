//! Values whose batch axis is not in front: operators read them as if it were, along the axes that they then have.

use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, places, strides};
use crate::rejection::{Code, Rejection};

/// Whether a call reads such a value, other than to move its axes.
pub fn reads_one(call: &Call, values: &Values) -> Result<bool, Rejection> {
    let moves = matches!(call.operator, "Transpose" | "Unsqueeze" | "Shape" | "ReverseSequence");
    for k in 0..call.arity() {
        if !moves && matches!(call.optional(k, values)?, Some(Value::Moved(..))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same call of values with the batch in front, and the place of the batch axis in its result.
pub fn front<'a>(call: &Call<'a>, values: &Values) -> Result<(Call<'a>, usize), Rejection> {
    let refuse = || call.refuse(Code::Unsupported, "the batch in front", "a value with the batch elsewhere");
    let (mut front, mut found, mut others) = (call.clone(), None, 0);
    for k in 0..call.arity() {
        let Some((id, shape, at)) = call.optional(k, values)?.and_then(Value::placed) else {
            others += 1;
            continue;
        };
        if found.is_some_and(|(other, _)| other != at) {
            return Err(refuse());
        }
        found = Some((at, shape.len() + 1));
        front.replace(k, Value::Node(id, shape.to_vec()), values)?;
    }
    let (batch, rank) = found.ok_or_else(refuse)?;
    // The same axis where the batch is in front.
    let turn = |axis: i64| -> Result<(usize, i64), Rejection> {
        let axis = call.axis(axis, rank)?;
        let turned = if axis == batch { 0 } else { axis + usize::from(axis < batch) };
        Ok((axis, turned as i64))
    };
    let along = call.integer("axis");
    let place = match call.operator {
        "Abs" | "Elu" | "Identity" | "LeakyRelu" | "Neg" | "Relu" | "Softplus" => batch,
        "Concat" if others == 0 => {
            front.set_axis(turn(along.ok_or_else(refuse)?)?.1);
            batch
        }
        "Gather" | "GatherND" => {
            let (axis, turned) = turn(along.unwrap_or(0))?;
            front.set_axis(turned);
            let Value::Integers(dims, _) = call.input(1, values)? else { return Err(refuse()) };
            let lead = dims.len() - usize::from(call.operator == "GatherND" && !dims.is_empty());
            if axis < batch { batch + lead - 1 } else { batch }
        }
        "Slice" => {
            front.replace(3, turned(call.list(3, values)?, turn)?.0, values)?;
            batch
        }
        "MatMul" if batch == 1 && rank == 2 => {
            // W·xᵀ is the transpose of x·Wᵀ.
            let (Value::Floats(dims, weights), Value::Moved(id, shape, _)) =
                (call.input(0, values)?, call.input(1, values)?)
            else {
                return Err(refuse());
            };
            let (&[rows, cols], &[row, col]) = (&dims[..], &strides(dims)[..]) else { return Err(refuse()) };
            let from = places(call, &[cols, rows], &[col, row])?;
            front.replace(0, Value::Node(*id, shape.clone()), values)?;
            front.replace(1, Value::Floats(vec![cols, rows], weights.picked(from.into_iter())), values)?;
            1
        }
        "Squeeze" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceSum" => {
            let (axes, gone) = turned(call.list(1, values)?, turn)?;
            front.replace(1, axes, values)?;
            let keeps = call.operator != "Squeeze" && call.integer("keepdims") != Some(0);
            batch - if keeps { 0 } else { gone.into_iter().filter(|&axis| axis < batch).count() }
        }
        _ => return Err(refuse()),
    };
    Ok((front, place))
}

/// A list of axes, each turned, and the axes that it names.
fn turned(
    list: &[Option<i64>],
    turn: impl Fn(i64) -> Result<(usize, i64), Rejection>,
) -> Result<(Value, Vec<usize>), Rejection> {
    // The batch size is an axis of nothing.
    let axes = list.iter().map(|axis| turn(axis.unwrap_or(i64::MAX))).collect::<Result<Vec<_>, _>>()?;
    let (named, turned): (Vec<usize>, Vec<Option<i64>>) =
        axes.into_iter().map(|(axis, turned)| (axis, Some(turned))).unzip();
    Ok((Value::Integers(vec![turned.len()], turned), named))
}

/// The result of such a call, with the batch axis at its place.
pub fn back(call: &Call, value: Value, place: usize) -> Answer {
    match value {
        Value::Node(id, shape) => Ok(Value::at(id, shape, place)),
        _ => Err(call.refuse(Code::Unsupported, "a value that depends on the input", "another")),
    }
}

/// Whether runtimes may move a Transpose from before an operator to behind it, or leave out the operator between.
pub fn passes(operator: &str) -> bool {
    let products = ["Conv", "Einsum", "Gemm", "MatMul"];
    let pools = ["AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"];
    ![&products[..], &pools].concat().contains(&operator)
}
