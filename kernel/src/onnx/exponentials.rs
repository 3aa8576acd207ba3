//! Exponentials, which are no values of the network: ln(1 + e^t) and ln Σ e^tₖ are read as what they are, and so is an Elu that
//! is written with Where. In between each stands as factor·e^node + offset.

use crate::network::curve::Curve;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::Float;
use crate::onnx::call::{Call, Exponential, Value, Values};
use crate::onnx::constants::{product, quotient, sum};
use crate::onnx::nodes::{Answer, affine, broadcast, repeated, same_shape, size, unit};
use crate::onnx::reductions;
use crate::onnx::sizes;
use crate::rejection::{Code, Rejection};

const READ: &str = "the logarithm of 1 + e^u, of Σ e^u, or an Elu of exponentials";

/// e^u.
pub fn exp(call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    Ok(Value::Exponential(Exponential { of, shape: shape.to_vec(), factor: Float::ONE, offset: Float::ZERO }))
}

/// A logarithm of what is none of them.
pub fn log(call: &Call) -> Answer {
    Err(call.refuse(Code::Unsupported, READ, "another logarithm"))
}

/// Whether a call reads an exponential that means something to it; Where looks for itself.
pub fn reads_one(call: &Call, values: &Values) -> Result<bool, Rejection> {
    for k in 0..call.arity() {
        if call.operator != "Where" && matches!(call.optional(k, values)?, Some(Value::Exponential(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a call makes of them.
pub fn go_on(graph: &mut Graph, call: &Call, values: &Values, opset: i64) -> Answer {
    let refuse = || call.refuse(Code::Unsupported, READ, format!("{} of an exponential", call.operator));
    match (call.operator, call.optional(0, values)?, call.optional(1, values)?) {
        ("Add", Some(Value::Exponential(a)), Some(Value::Exponential(b))) => {
            let is_plain = |e: &Exponential| e.factor == Float::ONE && e.offset == Float::ZERO;
            if !(is_plain(a) && is_plain(b) && a.shape.len() == b.shape.len()) {
                return Err(refuse());
            }
            let (of, shape) = repeated(graph, call, (a.of, &a.shape), &b.shape)?;
            let (other, also) = repeated(graph, call, (b.of, &b.shape), &a.shape)?;
            same_shape(call, &shape, &also)?;
            match unit(graph, call, Op::Smooth(Curve::LogSumExp, vec![of, other]), shape)? {
                Value::Node(of, shape) => Ok(Value::Exponential(Exponential { of, shape, ..a.clone() })),
                _ => Err(refuse()),
            }
        }
        ("Add" | "Mul", Some(Value::Exponential(e)), Some(number))
        | ("Add" | "Mul", Some(number), Some(Value::Exponential(e)))
        | ("Sub" | "Div", Some(Value::Exponential(e)), Some(number)) => {
            let numbers = broadcast(call, number, &e.shape)?;
            let only = numbers.first().filter(|first| numbers.iter().all(|other| other == *first));
            only.and_then(|&number| with(call, e, number)).ok_or_else(refuse)
        }
        ("Neg", Some(Value::Exponential(e)), None) => times(e, Float::ONE.negated()).ok_or_else(refuse),
        ("Identity", Some(whole @ Value::Exponential(_)), None) => Ok(whole.clone()),
        ("Log", Some(Value::Exponential(e)), None) => logarithm(graph, call, e),
        ("ReduceSum" | "ReduceLogSum", Some(Value::Exponential(e)), _) if e.offset == Float::ZERO => {
            let mut inner = call.clone();
            inner.replace(0, Value::Node(e.of, e.shape.clone()), values)?;
            let Value::Node(of, shape) = reductions::log_sum_exp(graph, &inner, values)? else { return Err(refuse()) };
            let total = Exponential { of, shape, ..e.clone() };
            if call.operator == "ReduceSum" { Ok(Value::Exponential(total)) } else { logarithm(graph, call, &total) }
        }
        ("Squeeze" | "Unsqueeze" | "Reshape", Some(Value::Exponential(e)), Some(_)) => {
            let mut inner = call.clone();
            inner.replace(0, Value::Node(e.of, e.shape.clone()), values)?;
            let moved = if call.operator == "Reshape" {
                sizes::reshape(&inner, values)
            } else {
                sizes::axes(&inner, values, opset)
            };
            let Value::Node(of, shape) = moved? else { return Err(refuse()) };
            Ok(Value::Exponential(Exponential { of, shape, ..e.clone() }))
        }
        _ => Err(refuse()),
    }
}

fn times(e: &Exponential, by: Float) -> Option<Value> {
    let (factor, offset) = (product(e.factor, by)?, product(e.offset, by)?);
    Some(Value::Exponential(Exponential { factor, offset, ..e.clone() }))
}

fn with(call: &Call, e: &Exponential, number: Float) -> Option<Value> {
    let (factor, offset) = match call.operator {
        "Add" => (e.factor, sum(e.offset, number)?),
        "Sub" => (e.factor, sum(e.offset, number.negated())?),
        "Mul" => return times(e, number),
        _ => (quotient(e.factor, number)?, quotient(e.offset, number)?),
    };
    Some(Value::Exponential(Exponential { factor, offset, ..e.clone() }))
}

fn logarithm(graph: &mut Graph, call: &Call, e: &Exponential) -> Answer {
    match (e.factor, e.offset) {
        (Float::ONE, Float::ZERO) => Ok(Value::Node(e.of, e.shape.clone())),
        (Float::ONE, Float::ONE) => unit(graph, call, Op::Smooth(Curve::Softplus(None), vec![e.of]), e.shape.clone()),
        _ => log(call),
    }
}

/// ln σ(t) = −ln(1 + e^−t).
pub fn log_sigmoid(graph: &mut Graph, call: &Call, of: usize, shape: &[usize]) -> Answer {
    let minus = || Map::multiple(size(shape), Float::ONE.negated());
    let opposite = graph.push("", Op::Affine { terms: vec![(of, minus())], offset: None }, size(shape))?;
    let bent = unit(graph, call, Op::Smooth(Curve::Softplus(None), vec![opposite]), shape.to_vec())?;
    let Value::Node(bent, shape) = bent else { return log(call) };
    affine(graph, call, vec![(bent, minus())], None, shape)
}
