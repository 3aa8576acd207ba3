//! Values whose batch has been joined with the first axis of the samples, as a Reshape to [−1, K] does it: each of their rows
//! goes its own way, and another Reshape brings the batch back.

use crate::network::graph::Graph;
use crate::number::exact::Float;
use crate::onnx::affine;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, size};
use crate::onnx::operators;
use crate::onnx::sizes;
use crate::rejection::{Code, Rejection};

/// 1.
const ONE: u32 = 0x3f80_0000;

/// Whether a call reads such a value.
pub fn reads_one(call: &Call, values: &Values) -> Result<bool, Rejection> {
    for k in 0..call.arity() {
        if matches!(call.optional(k, values)?, Some(Value::Joined(..))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A node as rows, where a target names [−1, …] with less than a sample behind it.
pub fn rows((of, shape): (usize, &[usize]), target: &[Option<i64>]) -> Option<Value> {
    let (Some(-1), rest) = target.split_first()? else { return None };
    let known = |d: &Option<i64>| d.filter(|&d| d > 0).and_then(|d| usize::try_from(d).ok());
    let rest: Vec<usize> = rest.iter().map(known).collect::<Option<_>>()?;
    let (all, width) = (size(shape), size(&rest));
    let joins = all != width && all.is_multiple_of(width);
    joins.then(|| Value::Joined(of, [vec![all / width], rest].concat()))
}

/// What a call makes of them.
pub fn go_on(graph: &mut Graph, call: &Call, values: &Values, opset: i64) -> Answer {
    let refuse = || call.refuse(Code::Unsupported, "a batch that no other axis joins", call.operator);
    let (mut whole, mut first): (Call, Option<Vec<usize>>) = (call.clone(), None);
    for k in 0..call.arity() {
        match call.optional(k, values)? {
            Some(Value::Joined(id, shape)) => {
                if first.as_ref().is_some_and(|first| first[0] != shape[0]) {
                    return Err(refuse());
                }
                whole.replace(k, Value::Node(*id, shape.clone()), values)?;
                first.get_or_insert_with(|| shape.clone());
            }
            Some(Value::Node(..)) => return Err(refuse()),
            _ => {}
        }
    }
    let (Some(shape), Value::Joined(id, _)) = (first, call.input(0, values)?) else { return Err(refuse()) };
    let made = match call.operator {
        "Reshape" => {
            let target = call.list(1, values)?;
            if let Some(rows) = rows((*id, &shape), target) {
                return Ok(rows);
            }
            // What a 0 copies is the rows, not the batch.
            if target.contains(&Some(0)) {
                return Err(refuse());
            }
            whole.replace(0, Value::Node(*id, vec![size(&shape)]), values)?;
            return sizes::reshape(&whole, values);
        }
        "Abs" | "Cast" | "Celu" | "Clip" | "Elu" | "Identity" | "LeakyRelu" | "Neg" | "Relu" | "Softplus" => {
            operators::value(graph, &whole, values, opset)?
        }
        "Add" | "Sub" | "Mul" | "Div" | "Max" => {
            for k in 0..call.arity() {
                // A constant has no axis for the rows, or one of size 1.
                if let Some(Value::Floats(dims, _)) = call.optional(k, values)?
                    && (dims.len() > shape.len() || (dims.len() == shape.len() && dims[0] != 1))
                {
                    return Err(refuse());
                }
            }
            operators::value(graph, &whole, values, opset)?
        }
        "MatMul" => affine::mat_mul(graph, &whole, values)?,
        "Gemm" if shape.len() == 2 => gemm(graph, &whole, values)?,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceLogSumExp" => {
            let mut axes = Vec::new();
            for axis in call.list(1, values)? {
                match call.axis(axis.ok_or_else(refuse)?, shape.len())? {
                    0 => return Err(refuse()),
                    axis => axes.push(Some(axis as i64 + 1)),
                }
            }
            whole.set_list(1, axes);
            operators::value(graph, &whole, values, opset)?
        }
        _ => return Err(refuse()),
    };
    match made {
        Value::Node(id, made) if made.first() == shape.first() => Ok(Value::Joined(id, made)),
        _ => Err(refuse()),
    }
}

/// x·W + c of every row.
fn gemm(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let refuse =
        || call.refuse(Code::Unsupported, "Gemm without transA, alpha and beta where axes are joined", "another");
    let is_plain = call.float("alpha", ONE)? == Float::ONE && call.float("beta", ONE)? == Float::ONE;
    if call.flag("transA")? || !is_plain {
        return Err(refuse());
    }
    let mut product = call.clone();
    if call.flag("transB")? {
        let (&[rows, cols], weights) = call.floats(1, values)? else { return Err(refuse()) };
        let transposed = weights.picked((0..weights.len()).map(|i| i % rows * cols + i / rows));
        product.replace(1, Value::Floats(vec![cols, rows], transposed), values)?;
    }
    let made = affine::mat_mul(graph, &product, values)?;
    match call.optional(2, values)? {
        None => Ok(made),
        Some(bias @ Value::Floats(dims, _)) if dims.len() < 2 => affine::plus(graph, call, &made, bias),
        Some(_) => Err(refuse()),
    }
}
