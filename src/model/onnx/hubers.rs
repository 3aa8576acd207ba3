//! Huber functions that are written with Where: w·u² up to an edge, and its tangent there beyond it.

use super::call::{Call, Value};
use super::cancelled::multiple;
use super::choices::line;
use super::importer::Importer;
use super::kinks::{Line, takes_larger};
use super::smooth::square_of;
use crate::model::{Curve, Graph, Kink, Layer, ModelError, NodeId};

/// u and w, where a node is w·u², w > 0, up to some edge.
fn squared(graph: &Graph, id: NodeId) -> Option<(NodeId, f64, f64)> {
    let (unit, factor) = multiple(graph, id).filter(|(_, factor)| *factor > 0.0)?;
    match graph.node(unit).op.curve() {
        Some(Curve::Square { edge, .. }) => Some((graph.node(unit).inputs[0], factor, edge)),
        _ => None,
    }
}

/// Where(t > e, w·e·(2t − e), w·u²), e > 0, where t is u or |u|.
pub(super) fn beyond_edge(
    importer: &mut Importer,
    call: &Call,
    of: &[Value; 2],
    chosen: &[Value; 2],
    shape: &[usize],
) -> Result<Option<Value>, ModelError> {
    let (argument, edges, [beyond, below]) = match (of, chosen) {
        ([Value::Node(t), Value::Float(edges)], [a, b]) => (*t, edges, [a, b]),
        ([Value::Float(edges), Value::Node(t)], [a, b]) => (*t, edges, [b, a]),
        _ => return Ok(None),
    };
    let (&Value::Node(below), Some(edge)) = (below, edges.iter().next()) else { return Ok(None) };
    let Some((inner, factor, f64::INFINITY)) = squared(&importer.graph, below) else { return Ok(None) };
    if edge <= 0.0 || edges.iter().any(|other| other != edge) {
        return Ok(None);
    }
    let lined = |importer: &mut Importer, id: NodeId| line(importer, call, &Value::Node(id), shape);
    let (own, squared) = (lined(importer, argument)?, lined(importer, inner)?);
    let node = importer.graph.node(argument);
    let is_absolute = node.op.kink() == Some(Kink::ABS) && {
        let of = node.inputs[0];
        lined(importer, of)? == squared
    };
    let is_tangent = line(importer, call, beyond, shape)? == own.tangent(factor, edge);
    if !is_tangent || (own != squared && !is_absolute) {
        return Ok(None);
    }
    let Layer::Smooth(Curve::Square { rising, .. }) = square_of(importer, argument) else { return Ok(None) };
    scaled(importer, call, (argument, Curve::Square { rising, edge }), factor).map(Some)
}

/// Where(t > 0, w·t², 0), also where the square has an edge: that of max(t, 0).
pub(super) fn above_zero(
    importer: &mut Importer,
    call: &Call,
    of: &[Value; 2],
    chosen: &[Value; 2],
    shape: &[usize],
) -> Result<Option<Value>, ModelError> {
    let zero = Line::of_constants(vec![0.0; shape.iter().product()].into_iter());
    let is_zero =
        |importer: &mut Importer, k: usize| Ok::<_, ModelError>(line(importer, call, &chosen[k], shape)? == zero);
    let k = if is_zero(importer, 0)? { 0 } else { 1 };
    let &Value::Node(bent) = &chosen[1 - k] else { return Ok(None) };
    let Some((argument, factor, edge)) =
        squared(&importer.graph, bent).filter(|_| k == 0 || is_zero(importer, 1).unwrap_or(false))
    else {
        return Ok(None);
    };
    let [larger, smaller] = if k == 1 { [&of[0], &of[1]] } else { [&of[1], &of[0]] };
    let lines = [
        line(importer, call, larger, shape)?,
        line(importer, call, smaller, shape)?,
        line(importer, call, &Value::Node(argument), shape)?,
        zero,
    ];
    if !takes_larger(&lines) {
        return Ok(None);
    }
    scaled(importer, call, (argument, Curve::Square { rising: true, edge }), factor).map(Some)
}

fn scaled(
    importer: &mut Importer,
    call: &Call,
    (of, curve): (NodeId, Curve),
    factor: f64,
) -> Result<Value, ModelError> {
    let unit = importer.push(call, Layer::Smooth(curve), &[of])?;
    if factor == 1.0 {
        return Ok(Value::Node(unit));
    }
    let factors = vec![factor; importer.graph.node(unit).size()];
    Ok(Value::Node(importer.push(call, Layer::Scale(factors), &[unit])?))
}
