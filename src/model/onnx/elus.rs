//! An Elu that is written with Where: u where u > 0, else α(e^u − 1), or α·Elu(u), or the same of min(u, 0).

use super::call::{Call, Exponential, Value};
use super::cancelled::multiple;
use super::choices::line;
use super::elementwise::BELOW;
use super::importer::Importer;
use super::kinks::{Line, takes_larger};
use crate::model::{Curve, Graph, Layer, ModelError, NodeId};

/// Where(a > b, c, d), if that is one.
pub(super) fn elu(
    importer: &mut Importer,
    call: &Call,
    of: &[Value; 2],
    chosen: &[Value; 2],
    shape: &[usize],
) -> Result<Option<Value>, ModelError> {
    let [first, second] = [0, 1].map(|k| bent(&importer.graph, &chosen[k]));
    let ((argument, alpha), above, [a, b]) = match (first, second) {
        (_, Some(bent)) => (bent, &chosen[0], [&of[0], &of[1]]),
        (Some(bent), None) => (bent, &chosen[1], [&of[1], &of[0]]),
        _ => return Ok(None),
    };
    let Value::Node(above) = above else { return Ok(None) };
    let argument_line = line(importer, call, &Value::Node(argument), shape)?;
    let is_argument = line(importer, call, &Value::Node(*above), shape)? == argument_line;
    let zero = Line::of_constants(vec![0.0; shape.iter().product()].into_iter());
    // Above 0 just where a is above b.
    let lines = [line(importer, call, a, shape)?, line(importer, call, b, shape)?, argument_line, zero];
    if !is_argument || !takes_larger(&lines) {
        return Ok(None);
    }
    if !(alpha > 0.0 && alpha <= 1.0) {
        return Err(call.refuse(format!("it is an Elu of alpha = {alpha}, which is convex for 0 < alpha ≤ 1 alone")));
    }
    Ok(Some(Value::Node(importer.push(call, Layer::Smooth(Curve::Elu(alpha)), &[argument])?)))
}

/// u and α, where a value is α(e^u − 1) for u < 0.
fn bent(graph: &Graph, value: &Value) -> Option<(NodeId, f64)> {
    match *value {
        Value::Exponential(Exponential { of, factor, offset }) if offset == -factor => {
            let node = graph.node(of);
            Some((if node.op.kink() == Some(BELOW) { node.inputs[0] } else { of }, factor))
        }
        Value::Node(id) => {
            let (unit, factor) = multiple(graph, id)?;
            match graph.node(unit).op.curve() {
                Some(Curve::Elu(alpha)) => Some((graph.node(unit).inputs[0], super::exact::mul(alpha, factor)?)),
                _ => None,
            }
        }
        _ => None,
    }
}
