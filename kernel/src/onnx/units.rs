//! Operators that are units.

use crate::network::graph::{Graph, Op};
use crate::number::exact::{Exact, Float};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, broadcast, same_shape, size, unit};
use crate::rejection::Code;

/// t for t ≥ 0, below·t for t < 0.
pub fn kink(graph: &mut Graph, call: &Call, values: &Values, below: Float) -> Answer {
    let (of, shape) = call.node(0, values)?;
    unit(graph, call, Op::Kink { of, below, above: Float::ONE }, shape.to_vec())
}

/// The maximum of values of one shape, and of constants.
pub fn maximum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let operands = (0..call.arity()).map(|k| call.input(k, values)).collect::<Result<Vec<_>, _>>()?;
    let Some(Value::Node(first, shape)) = operands.iter().find(|v| matches!(v, Value::Node(..))) else {
        return Err(call.refuse(Code::Unsupported, "an operand that depends on the input", "constants alone"));
    };
    if operands.len() == 1 {
        return Ok(Value::Node(*first, shape.clone()));
    }
    let mut of = Vec::with_capacity(operands.len());
    for operand in operands {
        of.push(match operand {
            Value::Node(id, other) => {
                same_shape(call, shape, other)?;
                *id
            }
            constant => {
                let constant = Exact::dyadics(&broadcast(call, constant, shape)?);
                graph.push("", Op::Affine { terms: vec![], offset: Some(constant) }, size(shape))?
            }
        });
    }
    unit(graph, call, Op::Max(of), shape.clone())
}
