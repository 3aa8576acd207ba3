//! Conditions besides comparisons: whether a number is NaN or infinite, which none is, and what Not, And and Or make of them;
//! and comparisons as numbers, with which older exporters write Where as c·a + (1 − c)·b.

use crate::network::graph::{Graph, Op};
use crate::number::exact::{Exact, Float};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::conditions::{Line, choose};
use crate::onnx::nodes::{Answer, broadcast, same_shape, size};
use crate::onnx::sizes;
use crate::onnx::tensor::{Floats, Kind};
use crate::rejection::{Code, Rejection};

/// What of every value is false: inputs and constants are finite, and so is what the network makes of them.
pub fn never(call: &Call, values: &Values) -> Answer {
    Ok(Value::Fixed(false, call.node(0, values)?.1.to_vec()))
}

/// The other way round: what a comparison says of equal numbers is left open.
pub fn negation(call: &Call, values: &Values) -> Answer {
    match call.input(0, values)? {
        Value::Larger(pair, shape) => {
            let [a, b] = &**pair;
            Ok(Value::Larger(Box::new([b.clone(), a.clone()]), shape.clone()))
        }
        Value::Fixed(truth, shape) => Ok(Value::Fixed(!truth, shape.clone())),
        _ => Err(call.refuse(Code::Unsupported, "a comparison", "another operand")),
    }
}

/// And, Or: where one of the two is fixed, it decides, or leaves it to the other one.
pub fn both(call: &Call, values: &Values) -> Answer {
    let (a, b) = (call.input(0, values)?, call.input(1, values)?);
    let ((Value::Fixed(truth, shape), other) | (other, Value::Fixed(truth, shape))) = (a, b) else {
        return Err(call.refuse(Code::Unsupported, "a condition of NaN or infinity", "two others"));
    };
    match other {
        Value::Fixed(_, others) | Value::Larger(_, others) => same_shape(call, shape, others)?,
        _ => return Err(call.refuse(Code::Unsupported, "a condition", "another operand")),
    }
    let decides = *truth == (call.operator == "Or");
    Ok(if decides { Value::Fixed(*truth, shape.clone()) } else { other.clone() })
}

/// Cast, also of a condition: to itself, or to 1 where it holds and 0 elsewhere.
pub fn cast(graph: &mut Graph, call: &Call, values: &Values) -> Result<(Value, Kind), Rejection> {
    let value = call.input(0, values)?;
    let kind = call.integer("to").and_then(Kind::read);
    match (value, kind) {
        (Value::Larger(..) | Value::Fixed(..), Some(Kind::Bool)) => Ok((value.clone(), Kind::Bool)),
        (Value::Masked(..) | Value::Exponential(_), Some(kind)) if kind.is_float() => Ok((value.clone(), kind)),
        (Value::Larger(pair, shape), Some(kind)) if kind.is_float() => {
            Ok((Value::Masked(pair.clone(), shape.clone(), Box::new(number(Float::ONE))), kind))
        }
        (Value::Fixed(truth, shape), Some(kind)) if kind.is_float() => {
            let one = number(if *truth { Float::ONE } else { Float::ZERO });
            Ok((spread(graph, call, &one, shape)?, kind))
        }
        _ => sizes::cast(call, values),
    }
}

fn number(float: Float) -> Value {
    Value::Floats(vec![], Floats::Numbers(vec![float]))
}

/// A constant as a node of this shape.
fn spread(graph: &mut Graph, call: &Call, constant: &Value, shape: &[usize]) -> Answer {
    let offset = Some(Exact::dyadics(&broadcast(call, constant, shape)?));
    Ok(Value::Node(graph.push(call.name, Op::Affine { terms: vec![], offset }, size(shape))?, shape.to_vec()))
}

/// Where of a condition that always holds, or never: one choice; both have its shape, or spread over it.
pub fn chosen(graph: &mut Graph, call: &Call, values: &Values, (truth, shape): (bool, &[usize])) -> Answer {
    for k in [1, 2] {
        match call.input(k, values)? {
            Value::Node(_, own) => same_shape(call, shape, own)?,
            constant => drop(broadcast(call, constant, shape)?),
        }
    }
    match call.input(if truth { 1 } else { 2 }, values)? {
        node @ Value::Node(..) => Ok(node.clone()),
        constant => spread(graph, call, constant, shape),
    }
}

/// The same of truth values that the file holds, all of them one, beside a node; of integers `sizes::chosen`.
pub fn stored(graph: &mut Graph, call: &Call, values: &Values, (dims, truths): (&[usize], &[Option<i64>])) -> Answer {
    let (a, b) = (call.input(1, values)?, call.input(2, values)?);
    let ((Value::Node(_, shape), _) | (_, Value::Node(_, shape))) = (a, b) else {
        return sizes::chosen(call, values, (dims, truths));
    };
    let as_constant = Value::Floats(dims.to_vec(), Floats::Numbers(vec![Float::ZERO; truths.len()]));
    broadcast(call, &as_constant, shape)?;
    match truths.first() {
        Some(first) if truths.iter().all(|truth| truth == first) => {
            let shape = shape.clone();
            chosen(graph, call, values, (*first != Some(0), &shape))
        }
        _ => Err(call.refuse(Code::Unsupported, "one truth value for all entries", "several")),
    }
}

/// Whether a call reads a masked value.
pub fn reads_one(call: &Call, values: &Values) -> Result<bool, Rejection> {
    for k in 0..call.arity() {
        if matches!(call.optional(k, values)?, Some(Value::Masked(..))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What masked values are for a call: its answer, or the call in which each is Where(c, u, 0).
pub fn go_on<'a>(
    graph: &mut Graph,
    call: &Call<'a>,
    values: &Values,
) -> Result<Result<Value, Box<Call<'a>>>, Rejection> {
    match (call.operator, call.optional(0, values)?, call.optional(1, values)?) {
        ("Mul", Some(Value::Masked(pair, shape, one)), Some(other))
        | ("Mul", Some(other), Some(Value::Masked(pair, shape, one)))
            if is_one(one) && !matches!(other, Value::Masked(..)) =>
        {
            match other {
                Value::Node(_, own) => same_shape(call, shape, own)?,
                Value::Exponential(e) => same_shape(call, shape, &e.shape)?,
                constant => drop(broadcast(call, constant, shape)?),
            }
            Ok(Ok(Value::Masked(pair.clone(), shape.clone(), Box::new(other.clone()))))
        }
        ("Identity", Some(whole @ Value::Masked(..)), None) => Ok(Ok(whole.clone())),
        ("Add", Some(Value::Masked(pair, shape, a)), Some(Value::Masked(other, _, b)))
            if same(&pair[0], &other[1])
                && same(&pair[1], &other[0])
                && (vanishes(graph, call, (pair, shape), a)? || vanishes(graph, call, (other, shape), b)?) =>
        {
            choose(graph, call, pair, [a, b], shape).map(Ok)
        }
        _ => {
            let mut resolved = call.clone();
            for k in 0..call.arity() {
                if let Some(Value::Masked(pair, shape, of)) = call.optional(k, values)? {
                    let value = choose(graph, call, pair, [of, &number(Float::ZERO)], shape)?;
                    resolved.replace(k, value, values)?;
                }
            }
            Ok(Err(Box::new(resolved)))
        }
    }
}

/// Whether a value is 0 where the pair is equal, as a multiple of its difference, so that it does not matter whether both
/// comparisons hold there, or neither.
fn vanishes(
    graph: &Graph,
    call: &Call,
    (pair, shape): (&[Value; 2], &[usize]),
    value: &Value,
) -> Result<bool, Rejection> {
    let (Value::Node(..) | Value::Floats(..)) = value else { return Ok(false) };
    let line = |value: &Value| Line::of(graph, call, value, shape);
    match line(&pair[0])?.minus(line(&pair[1])?)? {
        Some(compared) => line(value)?.is_multiple_of(&compared),
        None => Ok(false),
    }
}

fn is_one(value: &Value) -> bool {
    matches!(value, Value::Floats(dims, floats) if size(dims) == 1 && floats.at(0) == Float::ONE)
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Node(a, _), Value::Node(b, _)) => a == b,
        (Value::Floats(dims, a), Value::Floats(other, b)) => dims == other && a.iter().eq(b.iter()),
        _ => false,
    }
}
