//! Operators that are smooth convex functions.

use crate::network::curve::Curve;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::Float;
use crate::onnx::affine::reciprocals;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, affine, size, unit};
use crate::onnx::units::kink;
use crate::rejection::Code;
use dashu_int::IBig;

/// 1, the default of Elu and Celu.
const ONE: u32 = 0x3f80_0000;

/// A smooth function of one operand.
fn smooth(graph: &mut Graph, call: &Call, values: &Values, curve: Curve) -> Answer {
    let (of, shape) = call.node(0, values)?;
    unit(graph, call, Op::Smooth(curve, vec![of]), shape.to_vec())
}

/// ln(1 + e^t).
pub fn softplus(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    smooth(graph, call, values, Curve::Softplus(None))
}

/// t for t ≥ 0, α(e^t − 1) below.
pub fn elu(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let alpha = call.float("alpha", ONE)?;
    if alpha == Float::ZERO {
        return kink(graph, call, values, Float::ZERO);
    }
    if alpha.mantissa < 0 || alpha.exceeds(Float::ONE) {
        return Err(call.refuse(Code::Unsupported, "0 ≤ alpha ≤ 1, as convex ones have it", "another alpha"));
    }
    smooth(graph, call, values, Curve::Elu(alpha))
}

/// t for t ≥ 0, α(e^(t/α) − 1) below: α times the Elu of t/α.
pub fn celu(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    let alpha = call.float("alpha", ONE)?;
    if alpha.mantissa <= 0 {
        return Err(call.refuse(Code::Unsupported, "alpha > 0", "another alpha"));
    }
    let entries = size(shape);
    let divided = Map::diagonal(entries, reciprocals(call, &[alpha])?);
    let divided = graph.push("", Op::Affine { terms: vec![(of, divided)], offset: None }, entries)?;
    let Value::Node(bent, shape) =
        unit(graph, call, Op::Smooth(Curve::Elu(Float::ONE), vec![divided]), shape.to_vec())?
    else {
        unreachable!("a node")
    };
    affine(graph, call, vec![(bent, Map::multiple(entries, alpha))], None, shape)
}

/// t².
pub fn square(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let rising = never_negative(graph, call.node(0, values)?.0);
    smooth(graph, call, values, Curve::Square { rising, edge: None })
}

/// t to the power of 2.
pub fn pow(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let two = match call.input(1, values)? {
        Value::Floats(dims, floats) => matches!(dims[..], [] | [1]) && floats.at(0) == Float::new(2, 0),
        Value::Integers(dims, list) => matches!(dims[..], [] | [1]) && *list == [Some(2)],
        _ => false,
    };
    if !two {
        return Err(call.refuse(Code::Unsupported, "the constant 2 as the power", "another one"));
    }
    square(graph, call, values)
}

/// Whether the weights alone tell that no entry of the node is ever below 0.
pub fn never_negative(graph: &Graph, node: usize) -> bool {
    let mut known: Vec<bool> = Vec::with_capacity(node + 1);
    for node in &graph.nodes[..=node] {
        let positive = |of: &[usize]| of.iter().any(|&id| known[id]);
        let rises = |map: &Map| map.rows().all(|row| map.entries(row).all(|(_, w)| w >= IBig::ZERO));
        known.push(match &node.op {
            Op::Input | Op::End { .. } => false,
            Op::Kink { of, below, above } => above.mantissa >= 0 && (below.mantissa <= 0 || known[*of]),
            Op::Smooth(Curve::Softplus(_) | Curve::Square { .. }, _) => true,
            Op::Max(of) | Op::Smooth(_, of) => positive(of),
            Op::Affine { terms, offset } => {
                terms.iter().all(|(id, map)| known[*id] && rises(map))
                    && offset.iter().all(|offset| offset.values.iter().all(|v| *v >= IBig::ZERO))
            }
        });
    }
    known[node]
}
