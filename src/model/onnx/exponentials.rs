//! Exponentials, which stand for nothing by themselves: ln(1 + e^t) and ln Σ e^tₖ are read as what they are, and so is an Elu
//! that is written with Where. In between every value is factor·e^node + offset, so that nothing is rounded.

use super::call::{Call, Exponential, Value, kind};
use super::elementwise::{aligned, without_batch};
use super::exact;
use super::importer::Importer;
use super::reductions::log_sum_exp;
use super::tensor::broadcast;
use crate::model::{Curve, Layer, ModelError};

/// What a logarithm is read of.
const READ: &str = "is read of 1 + e^u, of the sum of e^u over entries, and of e^u alone: write a Softplus or a \
                    ReduceLogSumExp so, or train with another convex activation";

pub(super) fn exp(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match call.input(0)? {
        Value::Node(of) => Ok(Value::Exponential(Exponential { of: *of, factor: 1.0, offset: 0.0 })),
        other => Err(call.misfit("a value that depends on the input", kind(other))),
    }
}

pub(super) fn log(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    Err(call.refuse(format!("Log {READ}")))
}

/// The operand, if it is one of these.
fn operand<'c>(call: &'c Call, index: usize) -> Option<&'c Exponential> {
    match call.optional(index) {
        Some(Value::Exponential(exponential)) => Some(exponential),
        _ => None,
    }
}

/// Whether an operator reads an exponential that means something to it; Where looks for itself.
pub(super) fn reads_one(call: &Call) -> bool {
    call.operator() != "Where" && (0..call.count()).any(|index| operand(call, index).is_some())
}

/// What an operator makes of exponentials; `import` is its import of other values.
pub(super) fn go_on(
    importer: &mut Importer,
    call: &Call,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<Value, ModelError> {
    let operator = call.operator();
    let refuse = || call.refuse(format!("{operator} of an exponential is not supported: a Log behind it {READ}"));
    match (operator, operand(call, 0), operand(call, 1)) {
        ("Log", Some(of), _) => logarithm(importer, call, of),
        ("Identity" | "Cast", Some(of), None) => Ok(Value::Exponential(of.clone())),
        ("Neg", Some(of), None) => scaled(of, -1.0).ok_or_else(refuse),
        ("Squeeze" | "Unsqueeze" | "Reshape" | "Flatten", Some(of), None) => {
            let moved = of_node(importer, call, of, import)?;
            Ok(Value::Exponential(Exponential { of: moved, ..of.clone() }))
        }
        ("ReduceSum" | "ReduceLogSum", Some(of), None) if of.offset == 0.0 => {
            let sum = Exponential { of: of_node(importer, call, of, log_sum_exp)?, ..of.clone() };
            if operator == "ReduceSum" { Ok(Value::Exponential(sum)) } else { logarithm(importer, call, &sum) }
        }
        ("Add", Some(a), Some(b)) if [a, b].iter().all(|e| e.factor == 1.0 && e.offset == 0.0) => {
            let (a, b) = aligned(importer, call, a.of, b.of)?;
            let of = importer.push(call, Layer::Smooth(Curve::LogSumExp), &[a, b])?;
            Ok(Value::Exponential(Exponential { of, factor: 1.0, offset: 0.0 }))
        }
        ("Add" | "Mul", Some(of), None) => with(importer, call, of, 1).ok_or_else(refuse),
        ("Add" | "Mul", None, Some(of)) => with(importer, call, of, 0).ok_or_else(refuse),
        ("Sub" | "Div", Some(of), None) => with(importer, call, of, 1).ok_or_else(refuse),
        _ => Err(refuse()),
    }
}

/// The node of an operator that is read of the exponent.
fn of_node(
    importer: &mut Importer,
    call: &Call,
    of: &Exponential,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<usize, ModelError> {
    let mut inner = call.clone();
    inner.replace(0, Value::Node(of.of));
    match import(importer, &inner)? {
        Value::Node(node) => Ok(node),
        other => Err(call.misfit("a value with the batch axis in front", kind(&other))),
    }
}

fn scaled(of: &Exponential, by: f64) -> Option<Value> {
    let (factor, offset) = (exact::mul(of.factor, by)?, exact::mul(of.offset, by)?);
    Some(Value::Exponential(Exponential { of: of.of, factor, offset }))
}

/// With a number, which stands at input `index`.
fn with(importer: &Importer, call: &Call, of: &Exponential, index: usize) -> Option<Value> {
    let shape = &importer.graph.node(of.of).shape;
    let Some(Value::Float(tensor)) = call.optional(index) else { return None };
    let spreads = broadcast(&without_batch(call, tensor, shape.len()).ok()?.shape, shape)? == *shape;
    let number = tensor.iter().next().filter(|&first| spreads && tensor.iter().all(|other| other == first))?;
    let sum = |offset| Some(Value::Exponential(Exponential { offset: exact::add(of.offset, offset)?, ..of.clone() }));
    match call.operator() {
        "Add" => sum(number),
        "Sub" => sum(-number),
        "Mul" => scaled(of, number),
        _ => Some(Value::Exponential(Exponential {
            of: of.of,
            factor: exact::div(of.factor, number)?,
            offset: exact::div(of.offset, number)?,
        })),
    }
}

fn logarithm(importer: &mut Importer, call: &Call, of: &Exponential) -> Result<Value, ModelError> {
    match (of.factor, of.offset) {
        (1.0, 0.0) => Ok(Value::Node(of.of)),
        (1.0, 1.0) => Ok(Value::Node(importer.push(call, Layer::Smooth(Curve::SOFTPLUS), &[of.of])?)),
        (factor, offset) => Err(call.refuse(format!("Log of {factor}·e^u + {offset} is not supported: Log {READ}"))),
    }
}

/// ln σ(z) = −ln(1 + e^−z), of logits.
pub(super) fn log_sigmoid(importer: &mut Importer, call: &Call, logits: usize) -> Result<Value, ModelError> {
    let minus = vec![-1.0; importer.graph.node(logits).size()];
    let opposite = importer.push(call, Layer::Scale(minus.clone()), &[logits])?;
    let bent = importer.push(call, Layer::Smooth(Curve::SOFTPLUS), &[opposite])?;
    Ok(Value::Node(importer.push(call, Layer::Scale(minus), &[bent])?))
}
