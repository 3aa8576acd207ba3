//! Comparisons, and Where that takes the larger one of two values, as exporters write a Relu, a leaky one or Abs with it;
//! and Where that is a softplus with a threshold.

use super::call::{Call, Comparison, Value, kind};
use super::elementwise::{full, max_of, without_batch};
use super::elus;
use super::guards;
use super::hubers;
use super::importer::Importer;
use super::kinks::{self, Line};
use super::tensor::{Tensor, Walk, broadcast};
use crate::model::{Curve, Layer, ModelError};

pub(super) fn greater(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    compare(importer, call, [0, 1])
}

pub(super) fn less(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    compare(importer, call, [1, 0])
}

fn compare(importer: &mut Importer, call: &Call, order: [usize; 2]) -> Result<Value, ModelError> {
    let of = [call.input(order[0])?.clone(), call.input(order[1])?.clone()];
    let ((Value::Node(node), _) | (_, Value::Node(node))) = (&of[0], &of[1]) else {
        return Err(call.refuse(format!("{} of two constants is not supported", call.operator())));
    };
    let shape = importer.graph.node(*node).shape.clone();
    for value in &of {
        check_shape(importer, call, value, &shape)?;
    }
    Ok(Value::Larger(Box::new(Comparison { of, shape })))
}

pub(super) fn larger(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Larger(comparison) => {
            choose(importer, call, comparison, [call.input(1)?.clone(), call.input(2)?.clone()])
        }
        Value::Fixed(truth, shape) => guards::chosen(importer, call, *truth, shape),
        Value::Int(truths) => guards::stored(importer, call, truths),
        other => Err(call.misfit("a comparison as input 0", kind(other))),
    }
}

/// Where(a > b, c, d) is max(c, d) where c − d is a multiple of a − b by a number ≥ 0, entry by entry: where a = b, then
/// c = d.
pub(super) fn choose(
    importer: &mut Importer,
    call: &Call,
    Comparison { of, shape }: &Comparison,
    chosen: [Value; 2],
) -> Result<Value, ModelError> {
    if let Some(unit) = elus::elu(importer, call, of, &chosen, shape)? {
        return Ok(unit);
    }
    let mut lines = Vec::with_capacity(4);
    for value in of.iter().chain(&chosen) {
        lines.push(line(importer, call, value, shape)?);
    }
    if kinks::takes_larger(&lines) {
        return max_of(importer, call, &chosen);
    }
    if let Some(unit) = threshold(importer, call, of, &chosen)? {
        return Ok(unit);
    }
    if let Some(unit) = hubers::beyond_edge(importer, call, of, &chosen, shape)? {
        return Ok(unit);
    }
    if let Some(unit) = hubers::above_zero(importer, call, of, &chosen, shape)? {
        return Ok(unit);
    }
    Err(call.refuse(
        "Where is supported where it takes the larger one of two values, as a Relu, LeakyRelu or Abs does, or is an Elu, \
         a Softplus or a Huber function; this one is none, or the reader cannot see it: write the activation with its own operator",
    ))
}

/// Where(t > θ, w·t, w·softplus(t)), w > 0: w times a softplus with a threshold.
fn threshold(
    importer: &mut Importer,
    call: &Call,
    of: &[Value; 2],
    chosen: &[Value; 2],
) -> Result<Option<Value>, ModelError> {
    // The other way round it is the same, up to what happens at θ.
    let (argument, edge, above, below) = match (of, chosen) {
        ([Value::Node(t), Value::Float(edge)], [Value::Node(c), Value::Node(d)]) => (*t, edge, *c, *d),
        ([Value::Float(edge), Value::Node(t)], [Value::Node(c), Value::Node(d)]) => (*t, edge, *d, *c),
        _ => return Ok(None),
    };
    let edge = edge.iter().next().filter(|first| edge.iter().all(|edge| edge == *first));
    let (Some(edge), Some((inner, steps))) = (edge, kinks::softened(&importer.graph, [argument, above, below])) else {
        return Ok(None);
    };
    let curve = Curve::Softplus { threshold: edge };
    let mut last = importer.push(call, Layer::Smooth(curve), &[inner])?;
    for layer in steps {
        last = importer.push(call, layer, &[last])?;
    }
    Ok(Some(Value::Node(last)))
}

pub(super) fn line(importer: &mut Importer, call: &Call, value: &Value, shape: &[usize]) -> Result<Line, ModelError> {
    check_shape(importer, call, value, shape)?;
    match value {
        Value::Node(node) => Ok(Line::of_node(&importer.graph, *node)),
        Value::Float(tensor) => {
            let tensor = sample(call, tensor, shape)?;
            importer.spend_shape(call, shape)?;
            Ok(Line::of_constants(Walk::broadcast(&tensor.shape, shape).map(|i| tensor.get(i))))
        }
        other => Err(call.misfit("a float value", kind(other))),
    }
}

fn sample(call: &Call, tensor: &Tensor, shape: &[usize]) -> Result<Tensor, ModelError> {
    without_batch(call, tensor, shape.len())
}

/// Values have the shape, constants spread over it.
fn check_shape(importer: &Importer, call: &Call, value: &Value, shape: &[usize]) -> Result<(), ModelError> {
    let found = match value {
        Value::Node(node) => importer.graph.node(*node).shape.clone(),
        Value::Float(tensor) => {
            let found = sample(call, tensor, shape)?.shape;
            if broadcast(&found, shape).is_some_and(|common| common == shape) { shape.to_vec() } else { found }
        }
        other => return Err(call.misfit("float values", kind(other))),
    };
    match found == shape {
        true => Ok(()),
        false => Err(call.misfit(format!("operands of shape {}", full(shape)), full(&found))),
    }
}
