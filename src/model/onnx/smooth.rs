//! Operators that are smooth convex functions.

use super::call::{Call, Value, kind};
use super::importer::Importer;
use crate::model::curvature::analyse;
use crate::model::{Curve, Kink, Layer, ModelError, NodeId, Sign};

fn operand(call: &Call) -> Result<NodeId, ModelError> {
    match call.input(0)? {
        Value::Node(node) => Ok(*node),
        other => Err(call.misfit("a value that depends on the input", kind(other))),
    }
}

fn push(importer: &mut Importer, call: &Call, layer: Layer, of: NodeId) -> Result<Value, ModelError> {
    Ok(Value::Node(importer.push(call, layer, &[of])?))
}

/// ln(1 + e^t).
pub(super) fn softplus(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    push(importer, call, Layer::Smooth(Curve::SOFTPLUS), operand(call)?)
}

/// t for t ≥ 0, α(e^t − 1) below.
pub(super) fn elu(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let alpha = f64::from(call.float_attribute("alpha")?.unwrap_or(1.0));
    let layer = match alpha {
        0.0 => Layer::Kink(Kink::RELU),
        _ if alpha > 0.0 && alpha <= 1.0 => Layer::Smooth(Curve::Elu(alpha)),
        _ => {
            let why = "an Elu is convex for 0 ≤ alpha ≤ 1 alone (a Celu is for every alpha > 0)";
            return Err(call.refuse(format!("alpha = {alpha}: {why}")));
        }
    };
    push(importer, call, layer, operand(call)?)
}

/// t for t ≥ 0, α(e^(t/α) − 1) below: α times the Elu of t/α.
pub(super) fn celu(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let alpha = f64::from(call.float_attribute("alpha")?.unwrap_or(1.0));
    if !(alpha > 0.0 && alpha.is_finite()) {
        return Err(call.refuse(format!("alpha = {alpha}: a Celu has alpha > 0")));
    }
    let of = operand(call)?;
    let size = importer.graph.node(of).size();
    let inner = importer.push(call, Layer::Divide(vec![alpha; size]), &[of])?;
    let bent = importer.push(call, Layer::Smooth(Curve::Elu(1.0)), &[inner])?;
    push(importer, call, Layer::Scale(vec![alpha; size]), bent)
}

/// t to the power of 2.
pub(super) fn pow(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let two = match call.input(1)? {
        Value::Float(c) => matches!(c.shape[..], [] | [1]) && c.get(0) == 2.0,
        Value::Int(ints) => matches!(ints.shape[..], [] | [1]) && ints.known() == Some(vec![2]),
        _ => false,
    };
    if !two {
        return Err(call.refuse("of powers only the constant 2 is supported"));
    }
    square(importer, call, operand(call)?)
}

/// t².
pub(super) fn square(importer: &mut Importer, call: &Call, of: NodeId) -> Result<Value, ModelError> {
    let layer = square_of(importer, of);
    push(importer, call, layer, of)
}

/// t², whose slopes rise with t where t is never below 0.
pub(super) fn square_of(importer: &Importer, of: NodeId) -> Layer {
    let sign = analyse(&importer.graph, &[]).nodes[of].summary().1;
    Layer::Smooth(Curve::square(matches!(sign, Sign::NonNegative | Sign::Zero)))
}
