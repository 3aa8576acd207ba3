//! Huber functions that are written with Where: w·u² up to an edge, and its tangent there beyond it.

use crate::network::curve::Curve;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float};
use crate::onnx::call::{Call, Value};
use crate::onnx::cancelled::Taken;
use crate::onnx::conditions::Line;
use crate::onnx::nodes::{affine, broadcast, size, unit};
use crate::onnx::smooth::never_negative;
use crate::rejection::Rejection;
use dashu_int::IBig;

/// w·u² up to an edge, w > 0.
struct Squared {
    of: usize,
    factor: Exact,
    edge: Option<Float>,
}

fn squared(graph: &Graph, value: &Value) -> Result<Option<Squared>, Rejection> {
    let Value::Node(id, _) = value else { return Ok(None) };
    let Taken { of: node, places, factor } = Taken::back(graph, *id)?;
    let in_place = places.iter().enumerate().all(|(i, &at)| i == at);
    match &graph.nodes[node].op {
        Op::Smooth(Curve::Square { edge, .. }, of) if in_place && factor.values[0] > IBig::ZERO => {
            Ok(Some(Squared { of: of[0], factor, edge: *edge }))
        }
        _ => Ok(None),
    }
}

/// Where(t > e, w·e·(2t − e), w·u²), e > 0, where t is u or |u|.
pub fn tangent(
    graph: &mut Graph,
    call: &Call,
    pair: &[Value; 2],
    chosen: [&Value; 2],
    shape: &[usize],
) -> Result<Option<Value>, Rejection> {
    let (argument, edges, beyond, below) = match pair {
        [argument @ Value::Node(..), edges @ Value::Floats(..)] => (argument, edges, chosen[0], chosen[1]),
        [edges @ Value::Floats(..), argument @ Value::Node(..)] => (argument, edges, chosen[1], chosen[0]),
        _ => return Ok(None),
    };
    let Some(Squared { of, factor, edge: None }) = squared(graph, below)? else { return Ok(None) };
    let edges = broadcast(call, edges, shape)?;
    let (Some(&edge), &Value::Node(t, _)) = (edges.first(), argument) else { return Ok(None) };
    if edge.mantissa <= 0 || edges.iter().any(|other| *other != edge) {
        return Ok(None);
    }
    let line = |id: usize| Line::of(graph, call, &Value::Node(id, shape.to_vec()), shape);
    let (own, inner) = (line(t)?, line(of)?);
    let is_absolute = match graph.nodes[t].op {
        Op::Kink { of, below, above: Float::ONE } if below == Float::ONE.negated() => line(of)?.is(&inner)?,
        _ => false,
    };
    let edge_of_all = Exact::dyadics(&vec![edge; size(shape)]);
    let steep = edge_of_all.times(&factor)?;
    let tangent = own.scaled(&steep.times(&Exact::dyadics(&[Float::new(2, 0)]))?, &steep.times(&edge_of_all)?)?;
    if !(Line::of(graph, call, beyond, shape)?.is(&tangent)? && (is_absolute || own.is(&inner)?)) {
        return Ok(None);
    }
    let rising = never_negative(graph, t);
    scaled(graph, call, (t, Curve::Square { rising, edge: Some(edge) }), factor, shape).map(Some)
}

/// Where(t > 0, w·t², 0), also where the square has an edge: that of max(t, 0).
pub fn one_sided(
    graph: &mut Graph,
    call: &Call,
    pair: &[Value; 2],
    chosen: [&Value; 2],
    shape: &[usize],
) -> Result<Option<Value>, Rejection> {
    for (bent, rest, larger, smaller) in
        [(chosen[0], chosen[1], &pair[0], &pair[1]), (chosen[1], chosen[0], &pair[1], &pair[0])]
    {
        let Some(Squared { of, factor, edge }) = squared(graph, bent)? else { continue };
        let line = |value: &Value| Line::of(graph, call, value, shape);
        let Some(compared) = line(larger)?.minus(line(smaller)?)? else { return Ok(None) };
        let is_above_zero = line(&Value::Node(of, shape.to_vec()))?.is_multiple_of(&compared)?;
        if !(is_above_zero && line(rest)?.is_zero()) {
            return Ok(None);
        }
        return scaled(graph, call, (of, Curve::Square { rising: true, edge }), factor, shape).map(Some);
    }
    Ok(None)
}

fn scaled(
    graph: &mut Graph,
    call: &Call,
    (of, curve): (usize, Curve),
    factor: Exact,
    shape: &[usize],
) -> Result<Value, Rejection> {
    let bent = unit(graph, call, Op::Smooth(curve, vec![of]), shape.to_vec())?;
    let Value::Node(id, _) = bent else { unreachable!("a node") };
    affine(graph, call, vec![(id, Map::diagonal(size(shape), factor))], None, shape.to_vec())
}
