//! What the ONNX operators mean, as nodes of the kernel's graph.

use crate::network::graph::{Graph, Op};
use crate::number::exact::{Exact, Float, pairs};
use crate::number::product::Layer;
use crate::onnx::batch_norm::Channel;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::forms;
use crate::onnx::moves;
use crate::onnx::tensor::Kind;
use crate::rejection::{Code, Rejection};
use dashu_int::ops::Gcd;
use dashu_int::{IBig, UBig};

type Answer = Result<Value, Rejection>;

/// 1.
const ONE: u32 = 0x3f80_0000;
/// 0.01, the default of LeakyRelu.
const ALPHA: u32 = 0x3c23_d70a;
/// 1e-5, the default of BatchNormalization.
const EPSILON: u32 = 0x3727_c5ac;

/// Appends what `call` computes to the graph, in the version `opset` of the operators.
pub fn apply(graph: &mut Graph, call: &Call, values: &Values, opset: i64) -> Result<(Value, Kind), Rejection> {
    let kind = forms::check(call, values, opset)?;
    let (value, kind) = match kind {
        Some(kind) => (value(graph, call, values)?, kind),
        None => moves::named(call, values)?,
    };
    forms::check_range(call, kind, &value)?;
    Ok((value, kind))
}

fn value(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    match call.operator {
        "Gemm" => gemm(graph, call, values),
        "MatMul" => mat_mul(graph, call, values),
        "Add" | "Sub" | "Mul" | "Div" => binary(graph, call, values),
        "Neg" => negate(graph, call, call.input(0, values)?),
        "BatchNormalization" => batch_norm(graph, call, values),
        "Relu" => kink(graph, call, values, Float::ZERO),
        "LeakyRelu" => kink(graph, call, values, call.float("alpha", ALPHA)?),
        "Abs" => kink(graph, call, values, Float::ONE.negated()),
        "Max" => maximum(graph, call, values),
        _ => moves::apply(graph, call, values),
    }
}

/// The graph node of a value, or a refusal.
pub fn node(call: &Call, value: &Value) -> Result<usize, Rejection> {
    match value {
        Value::Node(id) => Ok(*id),
        _ => Err(call.refuse(Code::Unsupported, "an operand that depends on the input", "a constant")),
    }
}

fn push_like(graph: &mut Graph, call: &Call, op: Op, inputs: Vec<usize>) -> Result<usize, Rejection> {
    let shape = graph.nodes[inputs[0]].shape.clone();
    graph.push(call.name, op, inputs, shape)
}

/// A nonlinear node, which keeps the name of its node in the file.
fn labelled(graph: &mut Graph, call: &Call, op: Op, inputs: Vec<usize>) -> Result<usize, Rejection> {
    let id = push_like(graph, call, op, inputs)?;
    graph.nodes[id].label = call.label.into();
    Ok(id)
}

fn layer(
    graph: &mut Graph,
    call: &Call,
    of: usize,
    weights: (Vec<Float>, usize, usize),
    shape: Vec<usize>,
) -> Result<usize, Rejection> {
    let (weights, rows, cols) = weights;
    if graph.nodes[of].size() != cols {
        let found = format!("{:?}", graph.nodes[of].shape);
        return Err(call.refuse(Code::ShapeMismatch, &format!("an operand of {cols} entries"), found));
    }
    graph.push(call.name, Op::Layer(Layer::new(rows, cols, &weights)), vec![of], shape)
}

/// A matrix constant as weights `[rows × cols]`, transposed or not.
fn matrix(call: &Call, value: &Value, transpose: bool) -> Result<(Vec<Float>, usize, usize), Rejection> {
    let Value::Floats(dims, weights) = value else {
        return Err(call.refuse(Code::Unsupported, "a constant float matrix", "another operand"));
    };
    match (&dims[..], transpose) {
        (&[rows, cols], false) => Ok((weights.clone(), rows, cols)),
        (&[cols, rows], true) => {
            let entry = |i: usize| weights[i % cols * rows + i / cols];
            Ok(((0..rows * cols).map(entry).collect(), rows, cols))
        }
        _ => Err(call.refuse(Code::ShapeMismatch, "a matrix", format!("{dims:?}"))),
    }
}

fn gemm(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if call.flag("transA")? {
        return Err(call.refuse(Code::Unsupported, "transA = 0", "another value"));
    }
    let of = node(call, call.input(0, values)?)?;
    let weights = matrix(call, call.input(1, values)?, !call.flag("transB")?)?;
    if graph.nodes[of].shape.len() != 1 {
        return Err(call.refuse(Code::ShapeMismatch, "an operand [N, K]", format!("{:?}", graph.nodes[of].shape)));
    }
    let rows = weights.1;
    let (alpha, beta) = (call.float("alpha", ONE)?, call.float("beta", ONE)?);
    let mut product = layer(graph, call, of, weights, vec![rows])?;
    if alpha != Float::ONE {
        product = push_like(graph, call, Op::Scale(Exact::dyadics(&vec![alpha; rows])), vec![product])?;
    }
    match call.optional(2, values)? {
        None => Ok(Value::Node(product)),
        Some(Value::Node(bias)) => {
            same_shape(graph, call, product, *bias)?;
            let scaled = push_like(graph, call, Op::Scale(Exact::dyadics(&vec![beta; rows])), vec![*bias])?;
            Ok(Value::Node(push_like(graph, call, Op::Sum, vec![product, scaled])?))
        }
        Some(constant) => {
            let bias = broadcast(call, constant, &[rows])?.times(&Exact::dyadics(&[beta]))?;
            Ok(Value::Node(push_like(graph, call, Op::Shift(bias), vec![product])?))
        }
    }
}

fn mat_mul(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let of = node(call, call.input(0, values)?)?;
    let mut shape = graph.nodes[of].shape.clone();
    let weights = match call.input(1, values)? {
        Value::Floats(dims, weights) if dims.len() == 1 => (weights.clone(), 1, dims[0]),
        other => matrix(call, other, true)?,
    };
    let vector = matches!(call.input(1, values)?, Value::Floats(dims, _) if dims.len() == 1);
    if shape.pop() != Some(weights.2) {
        let found = format!("{:?}", graph.nodes[of].shape);
        return Err(call.refuse(Code::ShapeMismatch, &format!("a last axis of {}", weights.2), found));
    }
    if !vector {
        shape.push(weights.1);
    }
    Ok(Value::Node(layer(graph, call, of, weights, shape)?))
}

fn same_shape(graph: &Graph, call: &Call, a: usize, b: usize) -> Result<(), Rejection> {
    let (a, b) = (&graph.nodes[a].shape, &graph.nodes[b].shape);
    if a == b {
        return Ok(());
    }
    Err(call.refuse(Code::ShapeMismatch, &format!("operands of shape {a:?}"), format!("{b:?}")))
}

/// A float constant for every entry of `shape`, as numpy broadcasts it.
fn broadcast(call: &Call, value: &Value, shape: &[usize]) -> Result<Exact, Rejection> {
    Ok(Exact::dyadics(&broadcast_floats(call, value, shape)?))
}

fn broadcast_floats(call: &Call, value: &Value, shape: &[usize]) -> Result<Vec<Float>, Rejection> {
    let Value::Floats(dims, floats) = value else {
        return Err(call.refuse(Code::Unsupported, "a float constant", "another operand"));
    };
    let misfit = || {
        call.refuse(Code::ShapeMismatch, &format!("a constant that spreads over [N, {shape:?}]"), format!("{dims:?}"))
    };
    // Aligned at the last axis; an axis for the batch must have one entry.
    let extra = dims.len().saturating_sub(shape.len());
    if extra > 1 || (extra == 1 && dims[0] != 1) {
        return Err(misfit());
    }
    let dims = &dims[extra..];
    let offset = shape.len() - dims.len();
    if pairs(dims, &shape[offset..])?.any(|(&d, &s)| d != s && d != 1) {
        return Err(misfit());
    }
    let size: usize = shape.iter().product();
    let entry = |mut i: usize| {
        let (mut at, mut stride) = (0, 1);
        for axis in (0..shape.len()).rev() {
            let position = i % shape[axis];
            i /= shape[axis];
            if axis >= offset {
                let d = dims[axis - offset];
                at += if d == 1 { 0 } else { position * stride };
                stride *= d;
            }
        }
        floats[at]
    };
    Ok((0..size).map(entry).collect())
}

fn binary(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (a, b) = (call.input(0, values)?, call.input(1, values)?);
    match (a, b) {
        (Value::Node(a), Value::Node(b)) => two_nodes(graph, call, *a, *b),
        (Value::Node(of), constant @ Value::Floats(..)) => {
            let shape = graph.nodes[*of].shape.clone();
            let op = match call.operator {
                "Add" => Op::Shift(broadcast(call, constant, &shape)?),
                "Sub" => Op::Shift(broadcast(call, constant, &shape)?.negated()),
                "Mul" => Op::Scale(broadcast(call, constant, &shape)?),
                _ => Op::Scale(reciprocals(call, &broadcast_floats(call, constant, &shape)?)?),
            };
            Ok(Value::Node(push_like(graph, call, op, vec![*of])?))
        }
        (constant @ Value::Floats(..), Value::Node(of)) => {
            let shape = graph.nodes[*of].shape.clone();
            let constant = broadcast(call, constant, &shape)?;
            let op = match call.operator {
                "Add" => Op::Shift(constant),
                "Mul" => Op::Scale(constant),
                "Sub" => {
                    let minus = push_like(graph, call, negation(graph.nodes[*of].size()), vec![*of])?;
                    return Ok(Value::Node(push_like(graph, call, Op::Shift(constant), vec![minus])?));
                }
                _ => return Err(call.refuse(Code::Unsupported, "a constant divisor", "one that depends on the input")),
            };
            Ok(Value::Node(push_like(graph, call, op, vec![*of])?))
        }
        _ => moves::constants(call, a, b),
    }
}

fn two_nodes(graph: &mut Graph, call: &Call, a: usize, b: usize) -> Answer {
    same_shape(graph, call, a, b)?;
    let b = match call.operator {
        "Add" => b,
        "Sub" => push_like(graph, call, negation(graph.nodes[b].size()), vec![b])?,
        _ => return Err(call.refuse(Code::Unsupported, "a constant factor", "two operands that depend on the input")),
    };
    Ok(Value::Node(push_like(graph, call, Op::Sum, vec![a, b])?))
}

fn negation(size: usize) -> Op {
    Op::Scale(Exact::dyadics(&vec![Float::ONE.negated(); size]))
}

fn negate(graph: &mut Graph, call: &Call, value: &Value) -> Answer {
    match value {
        Value::Node(of) => {
            let op = negation(graph.nodes[*of].size());
            Ok(Value::Node(push_like(graph, call, op, vec![*of])?))
        }
        Value::Floats(dims, floats) => Ok(Value::Floats(dims.clone(), floats.iter().map(|f| f.negated()).collect())),
        Value::Integers(..) => Err(call.refuse(Code::Unsupported, "floats", "integers")),
    }
}

/// 1/c for every c, over one denominator.
fn reciprocals(call: &Call, divisors: &[Float]) -> Result<Exact, Rejection> {
    if divisors.iter().any(|c| c.mantissa == 0) {
        return Err(call.refuse(Code::NotFinite, "divisors that are not 0", "0"));
    }
    let odd = |c: &Float| UBig::from(c.mantissa.unsigned_abs());
    let mut denominator = UBig::ONE;
    for c in divisors.iter().map(odd) {
        let common = (&denominator).gcd(&c);
        denominator *= c / common;
        crate::budget::within(
            call.name,
            "bits",
            dashu_int::ops::BitTest::bit_len(&denominator) as u64,
            crate::budget::BITS,
        )?;
    }
    let exponent = divisors.iter().map(|c| -c.exponent).min().unwrap_or(0);
    let value = |c: &Float| {
        let magnitude = IBig::from(&denominator / odd(c)) << (-c.exponent - exponent) as usize;
        if c.mantissa < 0 { -magnitude } else { magnitude }
    };
    Ok(Exact { values: divisors.iter().map(value).collect(), exponent, denominator })
}

fn batch_norm(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if call.flag("training_mode")? {
        return Err(call.refuse(Code::Unsupported, "inference", "training mode"));
    }
    let of = node(call, call.input(0, values)?)?;
    let shape = graph.nodes[of].shape.clone();
    let Some(&channels) = shape.first() else {
        return Err(call.refuse(Code::ShapeMismatch, "an operand with channels", "none"));
    };
    let parameter = |k: usize| match call.input(k, values)? {
        Value::Floats(dims, floats) if dims[..] == [channels] => Ok(floats),
        Value::Floats(dims, _) => {
            Err(call.refuse(Code::ShapeMismatch, &format!("{channels} numbers in input {k}"), format!("{dims:?}")))
        }
        _ => Err(call.refuse(Code::Unsupported, "constant parameters", "another operand")),
    };
    let (scale, bias, mean, variance) = (parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?);
    let epsilon = call.float("epsilon", EPSILON)?;
    let (mut gains, mut offsets) = (Vec::new(), Vec::new());
    let repeat = graph.nodes[of].size() / channels;
    for c in 0..channels {
        let channel = Channel { scale: scale[c], bias: bias[c], mean: mean[c], variance: variance[c], epsilon };
        let misfit = |found| call.refuse(Code::NotFinite, &format!("finite coefficients of channel {c}"), found);
        let (gain, offset) = channel.coefficients().map_err(misfit)?;
        gains.extend(std::iter::repeat_n(gain, repeat));
        offsets.extend(std::iter::repeat_n(offset, repeat));
    }
    let scaled = push_like(graph, call, Op::Scale(Exact::dyadics(&gains)), vec![of])?;
    Ok(Value::Node(push_like(graph, call, Op::Shift(Exact::dyadics(&offsets)), vec![scaled])?))
}

fn kink(graph: &mut Graph, call: &Call, values: &Values, below: Float) -> Answer {
    let of = node(call, call.input(0, values)?)?;
    Ok(Value::Node(labelled(graph, call, Op::Kink { below, above: Float::ONE }, vec![of])?))
}

fn maximum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let operands = (0..call.arity()).map(|k| call.input(k, values)).collect::<Result<Vec<_>, _>>()?;
    let Some(Value::Node(first)) = operands.iter().find(|v| matches!(v, Value::Node(_))) else {
        return Err(call.refuse(Code::Unsupported, "an operand that depends on the input", "constants alone"));
    };
    let shape = graph.nodes[*first].shape.clone();
    let mut inputs = Vec::with_capacity(operands.len());
    for operand in operands {
        inputs.push(match operand {
            Value::Node(id) => {
                same_shape(graph, call, *first, *id)?;
                *id
            }
            constant => {
                let constant = broadcast(call, constant, &shape)?;
                graph.push("", Op::Constant(constant), vec![], shape.clone())?
            }
        });
    }
    match inputs[..] {
        [only] => Ok(Value::Node(only)),
        _ => Ok(Value::Node(labelled(graph, call, Op::Max, inputs)?)),
    }
}
