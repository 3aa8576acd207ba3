//! Conditions besides comparisons: whether a number is NaN or infinite, which no value of a model is, and what Not, And and Or
//! make of them; and comparisons that are cast to numbers, with which older exporters write Where as c·a + (1 − c)·b.

use super::call::{Call, Comparison, Value, kind};
use super::choices;
use super::elementwise::full;
use super::importer::Importer;
use super::kinds::Kind;
use super::kinks::{Line, takes_larger};
use super::tensor::{Dim, Ints, Tensor, broadcast};
use crate::model::{Layer, ModelError};

/// Whether a value is NaN, or infinite: none is, since inputs and constants are finite, and so is what is computed of them.
pub(super) fn never(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Node(node) => Ok(Value::Fixed(false, importer.graph.node(*node).shape.clone())),
        other => Err(call.misfit("a value that depends on the input", kind(other))),
    }
}

pub(super) fn not(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Larger(comparison) => Ok(Value::Larger(Box::new(opposite(comparison)))),
        Value::Fixed(truth, shape) => Ok(Value::Fixed(!truth, shape.clone())),
        other => Err(call.misfit("a comparison", kind(other))),
    }
}

fn opposite(comparison: &Comparison) -> Comparison {
    let [a, b] = &comparison.of;
    Comparison { of: [b.clone(), a.clone()], shape: comparison.shape.clone() }
}

pub(super) fn and(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    both(call, false)
}

pub(super) fn or(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    both(call, true)
}

/// Of a fixed condition and another one: that one, unless the fixed one is `deciding`.
fn both(call: &Call, deciding: bool) -> Result<Value, ModelError> {
    let shape = |value: &Value| match value {
        Value::Fixed(_, shape) => Some(shape.clone()),
        Value::Larger(comparison) => Some(comparison.shape.clone()),
        _ => None,
    };
    let (a, b) = (call.input(0)?, call.input(1)?);
    match (a, b) {
        _ if shape(a).is_none() || shape(a) != shape(b) => Err(call.misfit("two conditions of one shape", "others")),
        (Value::Fixed(truth, _), _) if *truth == deciding => Ok(a.clone()),
        (_, Value::Fixed(truth, _)) if *truth == deciding => Ok(b.clone()),
        (Value::Fixed(..), other) | (other, Value::Fixed(..)) => Ok(other.clone()),
        _ => Err(call.refuse(format!("{} of two comparisons is not supported", call.operator()))),
    }
}

/// A condition as another type: itself, or 1 where it holds and 0 elsewhere.
pub(super) fn cast(importer: &mut Importer, call: &Call, to: Kind) -> Result<Value, ModelError> {
    match (call.input(0)?, to) {
        (value @ (Value::Larger(_) | Value::Fixed(..)), Kind::Bool) => Ok(value.clone()),
        (Value::Larger(comparison), Kind::Float32 | Kind::Float64) => {
            Ok(Value::Masked(comparison.clone(), Box::new(number(1.0))))
        }
        (Value::Fixed(truth, shape), Kind::Float32 | Kind::Float64) => {
            spread(importer, call, &number(f64::from(u8::from(*truth))), shape)
        }
        (other, _) => Err(call.refuse_value(other)),
    }
}

fn number(value: f64) -> Value {
    Value::Float(Tensor::new(vec![], vec![value]))
}

/// A constant as a node, spread over a shape without the batch axis.
fn spread(importer: &mut Importer, call: &Call, value: &Value, shape: &[usize]) -> Result<Value, ModelError> {
    let Value::Float(tensor) = value else { return Err(call.misfit("a float constant", kind(value))) };
    let values = importer.spread(call, tensor, shape)?;
    let flat = importer.push(call, Layer::Constant(values), &[])?;
    Ok(Value::Node(importer.reshape(call, flat, shape)?))
}

/// Where of a condition that always holds, or never: one choice, over which the other one spreads.
pub(super) fn chosen(importer: &mut Importer, call: &Call, truth: bool, shape: &[usize]) -> Result<Value, ModelError> {
    for index in [1, 2] {
        let found = match call.input(index)? {
            Value::Node(node) => importer.graph.node(*node).shape.clone(),
            Value::Float(tensor) if broadcast(&tensor.shape, shape).is_some_and(|all| all == shape) => shape.to_vec(),
            other => return Err(call.misfit(format!("a value of shape {}", full(shape)), kind(other))),
        };
        if found != shape {
            return Err(call.misfit(format!("a value of shape {}", full(shape)), full(&found)));
        }
    }
    match call.input(if truth { 1 } else { 2 })? {
        value @ Value::Float(_) => spread(importer, call, value, shape),
        value => Ok(value.clone()),
    }
}

/// The same of truth values that the file holds, if all are one, and of two values.
pub(super) fn stored(importer: &mut Importer, call: &Call, truths: &Ints) -> Result<Value, ModelError> {
    let node = [1, 2].into_iter().find_map(|index| match call.optional(index) {
        Some(Value::Node(node)) => Some(*node),
        _ => None,
    });
    let (Some(node), Some(&first)) = (node, truths.values.first()) else {
        return super::integers::chosen(importer, call, truths);
    };
    let shape = importer.graph.node(node).shape.clone();
    let fits = broadcast(&truths.shape, &shape).is_some_and(|all| all == shape);
    if !fits || truths.values.iter().any(|truth| *truth != first) {
        return Err(call.refuse("Where of stored truth values is supported where all of them are the same"));
    }
    chosen(importer, call, first != Dim::Known(0), &shape)
}

/// Whether an operator reads a masked value.
pub(super) fn reads_one(call: &Call) -> bool {
    (0..call.count()).any(|index| matches!(call.optional(index), Some(Value::Masked(..))))
}

/// What an operator makes of masked values: of a sum of two with opposite comparisons Where; else each is Where(c, u, 0).
pub(super) fn go_on(
    importer: &mut Importer,
    call: &Call,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<Value, ModelError> {
    let masked = [0, 1].map(|index| match call.optional(index) {
        Some(Value::Masked(comparison, value)) => Some((&**comparison, &**value)),
        _ => None,
    });
    match (call.operator(), masked) {
        ("Mul", [Some((comparison, one)), None]) if is_one(one) => times(importer, call, comparison, 1),
        ("Mul", [None, Some((comparison, one))]) if is_one(one) => times(importer, call, comparison, 0),
        ("Identity" | "Cast", [Some(_), None]) => Ok(call.input(0)?.clone()),
        ("Add", [Some((comparison, a)), Some((other, b))])
            if are_opposite(comparison, other)
                && (vanishes(importer, call, comparison, a)? || vanishes(importer, call, other, b)?) =>
        {
            choices::choose(importer, call, comparison, [a.clone(), b.clone()])
        }
        _ => {
            let mut resolved = call.clone();
            for index in 0..call.count() {
                if let Some(Value::Masked(comparison, value)) = call.optional(index) {
                    let pair = [(**value).clone(), number(0.0)];
                    resolved.replace(index, choices::choose(importer, call, comparison, pair)?);
                }
            }
            import(importer, &resolved)
        }
    }
}

/// Whether a value is 0 where the two that are compared are equal, so that it does not matter whether both comparisons hold
/// there, or neither: a multiple of their difference.
fn vanishes(
    importer: &mut Importer,
    call: &Call,
    Comparison { of, shape }: &Comparison,
    value: &Value,
) -> Result<bool, ModelError> {
    let (Value::Node(_) | Value::Float(_)) = value else { return Ok(false) };
    let zero = Line::of_constants(vec![0.0; shape.iter().product()].into_iter());
    let line = |importer: &mut Importer, value: &Value| choices::line(importer, call, value, shape);
    let lines = [line(importer, &of[0])?, line(importer, &of[1])?, line(importer, value)?, zero];
    Ok(takes_larger(&lines))
}

fn is_one(value: &Value) -> bool {
    matches!(value, Value::Float(tensor) if tensor.len() == 1 && tensor.get(0) == 1.0)
}

/// What stands at input `index`, masked.
fn times(importer: &Importer, call: &Call, comparison: &Comparison, index: usize) -> Result<Value, ModelError> {
    let value = call.input(index)?;
    let shape = &comparison.shape;
    let fits = match value {
        Value::Node(node) => importer.graph.node(*node).shape == *shape,
        Value::Exponential(exponential) => importer.graph.node(exponential.of).shape == *shape,
        Value::Float(tensor) => broadcast(&tensor.shape, shape).is_some_and(|all| all == *shape),
        _ => false,
    };
    match fits {
        true => Ok(Value::Masked(Box::new(comparison.clone()), Box::new(value.clone()))),
        false => Err(call.misfit(format!("a value of shape {}", full(shape)), kind(value))),
    }
}

fn are_opposite(a: &Comparison, b: &Comparison) -> bool {
    let same = |a: &Value, b: &Value| match (a, b) {
        (Value::Node(a), Value::Node(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        _ => false,
    };
    same(&a.of[0], &b.of[1]) && same(&a.of[1], &b.of[0])
}
