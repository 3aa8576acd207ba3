//! Activations with a kink, or with two.

use super::call::{Call, Sign, Value, kind};
use super::elementwise::{at_most, fold, full, map, max_of, sum, without_batch};
use super::exact;
use super::importer::Importer;
use super::kinds::Kind;
use super::tensor::{Tensor, broadcast};
use crate::model::{Kink, Layer, ModelError, NodeId};

pub(super) fn abs(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    activation(importer, call, Kink::ABS)
}

pub(super) fn relu(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    activation(importer, call, Kink::RELU)
}

pub(super) fn leaky_relu(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let alpha = call.float_attribute("alpha")?.unwrap_or(0.01);
    activation(importer, call, Kink { below: f64::from(alpha), above: 1.0 })
}

fn activation(importer: &mut Importer, call: &Call, kink: Kink) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Node(node) => Ok(Value::Node(importer.push(call, Layer::Kink(kink), &[*node])?)),
        Value::Float(a) => {
            let slope = Tensor::new(a.shape.clone(), a.iter().map(|t| kink.slope(t)).collect());
            fold(importer, call, a, &slope, exact::mul)
        }
        other => Err(call.misfit("a float value", kind(other))),
    }
}

/// PRelu: a leaky slope where all entries have one, the maximum of x and slope·x where none is above 1.
pub(super) fn parametric(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let Value::Node(node) = call.input(0)? else {
        return Err(call.misfit("a value that depends on the input", kind(call.input(0)?)));
    };
    let shape = importer.graph.node(*node).shape.clone();
    let slopes = spread_to(importer, call, call.float(1, "slopes (input 1)")?, &shape)?;
    let first = slopes[0];
    if slopes.iter().all(|&slope| slope == first) {
        let kink = Kink { below: first, above: 1.0 };
        return Ok(Value::Node(importer.push(call, Layer::Kink(kink), &[*node])?));
    }
    if let Some(steep) = slopes.iter().find(|&&slope| slope > 1.0) {
        let what =
            format!("PRelu with different slopes, one of them {steep}, is not supported: above 1 all must be the same");
        return Err(call.refuse(what));
    }
    let scaled = importer.push(call, Layer::Scale(slopes), &[*node])?;
    Ok(Value::Node(importer.push(call, Layer::Max, &[*node, scaled])?))
}

/// A constant spread over a value, which it does not make larger.
fn spread_to(importer: &mut Importer, call: &Call, constant: &Tensor, shape: &[usize]) -> Result<Vec<f64>, ModelError> {
    let constant = without_batch(call, constant, shape.len())?;
    match broadcast(&constant.shape, shape) {
        Some(common) if common == shape => importer.spread(call, &constant, shape),
        _ => {
            let expected = format!("a constant that spreads over {}", full(shape));
            Err(call.misfit(expected, format!("shape {:?}", constant.shape)))
        }
    }
}

/// A bound of Clip; `None` where no number of its type lies beyond it.
fn bound(call: &Call, index: usize, beyond: f64) -> Result<Option<f64>, ModelError> {
    match call.optional(index) {
        None => Ok(None),
        Some(Value::Infinite(sign)) if Sign::of(beyond * f64::INFINITY) == Some(*sign) => Ok(None),
        Some(Value::Float(tensor)) if tensor.shape.is_empty() => {
            let bound = tensor.get(0);
            Ok(Some(bound).filter(|bound| if beyond > 0.0 { *bound < beyond } else { *bound > beyond }))
        }
        Some(other) => Err(call.misfit(format!("a constant scalar as input {index}"), kind(other))),
    }
}

/// max(x, low), or with an upper bound low + relu(x − low) − relu(x − high), which is convex or concave nowhere but over
/// single coordinates.
pub(super) fn clip(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let most = if call.kind(0) == Some(Kind::Float64) { f64::MAX } else { f64::from(f32::MAX) };
    let (low, high) = (bound(call, 1, -most)?, bound(call, 2, most)?);
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        return Err(call.misfit("a lower bound that is not above the upper one", format!("{low} and {high}")));
    }
    match (call.input(0)?, high) {
        (Value::Float(a), _) => map(importer, call, a, |v| v.max(low.unwrap_or(v)).min(high.unwrap_or(f64::INFINITY))),
        (x, None) => match low {
            None => Ok(x.clone()),
            Some(low) => max_of(importer, call, &[x.clone(), Value::Float(Tensor::new(vec![], vec![low]))]),
        },
        (Value::Node(x), Some(high)) => between(importer, call, *x, low, high),
        (other, _) => Err(call.misfit("a float value", kind(other))),
    }
}

fn between(importer: &mut Importer, call: &Call, x: NodeId, low: Option<f64>, high: f64) -> Result<Value, ModelError> {
    let size = importer.graph.node(x).size();
    if low.is_none() {
        return Ok(Value::Node(at_most(importer, call, x, vec![high; size])?));
    }
    let above = |importer: &mut Importer, bound: f64| {
        let shifted = importer.push(call, Layer::Shift(vec![-bound; size]), &[x])?;
        importer.push(call, Layer::Kink(Kink::RELU), &[shifted])
    };
    let first = match low {
        Some(low) => above(importer, low)?,
        None => x,
    };
    let second = above(importer, high)?;
    let minus = importer.push(call, Layer::Scale(vec![-1.0; size]), &[second])?;
    let Value::Node(rest) = sum(importer, call, first, minus)? else { unreachable!("a sum of nodes is one") };
    Ok(Value::Node(match low {
        Some(low) => importer.push(call, Layer::Shift(vec![low; size]), &[rest])?,
        None => rest,
    }))
}
