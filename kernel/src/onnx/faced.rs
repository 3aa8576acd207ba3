//! Operands beside values, as they are for one sample.

use crate::network::graph::{Graph, Op};
use crate::number::exact::Float;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::constants::float;
use crate::onnx::nodes::size;
use crate::onnx::tensor::Floats;
use crate::rejection::Rejection;

/// The call with operands that have no batch axis, or the same entries for all samples, as those of one sample.
pub fn faced<'a>(graph: &Graph, call: &Call<'a>, values: &Values) -> Result<Call<'a>, Rejection> {
    let mut faced = call.clone();
    let (mut ranks, product) = (Vec::new(), call.operator == "MatMul");
    for k in 0..if product { 1 } else { call.arity() } {
        if let Some(Value::Node(_, shape)) = call.optional(k, values)? {
            ranks.push(shape.len());
        }
    }
    let Some(&rank) = ranks.iter().max() else { return Ok(faced) };
    for k in 0..call.arity() {
        let spreads = match call.operator {
            "Add" | "Sub" | "Sum" | "Mul" | "Div" | "Max" => true,
            "Gemm" => k == 2,
            _ => false,
        };
        let left_of = product && k == 1 && rank == 2;
        let sample = match call.optional(k, values)? {
            Some(Value::Sample(id, shape)) if spreads && shape.len() <= rank => {
                Some(Value::Node(*id, [vec![1; rank - shape.len()], shape.clone()].concat()))
            }
            Some(Value::Node(id, shape)) if left_of && shape.len() == 2 => {
                constant_at(graph, *id).map(|floats| Value::Floats(shape.clone(), floats))
            }
            Some(Value::Floats(dims, floats)) if spreads || left_of => of_each(values.batch, (dims, floats), rank),
            _ => None,
        };
        if let Some(sample) = sample {
            faced.replace(k, sample, values)?;
        }
    }
    Ok(faced)
}

/// The numbers of a node that is a constant, spread over the batch.
pub fn constant_at(graph: &Graph, id: usize) -> Option<Floats> {
    let Op::Affine { terms, offset: Some(offset) } = &graph.nodes[id].op else { return None };
    let whole = terms.is_empty() && offset.denominator.is_one() && offset.len() == graph.nodes[id].size;
    let number = |value| float(value, offset.exponent);
    let numbers: Option<Vec<Float>> = offset.values.iter().cloned().map(number).collect();
    numbers.filter(|_| whole).map(Floats::Numbers)
}

/// What a constant with the batch axis in front holds for every sample, if that is the same.
fn of_each(batch: Option<i64>, (dims, floats): (&[usize], &Floats), rank: usize) -> Option<Value> {
    let (&samples, shape) = dims.split_first().filter(|(_, shape)| shape.len() == rank)?;
    let each = size(shape);
    let fits = samples == 1 || batch.is_some_and(|batch| usize::try_from(batch) == Ok(samples));
    let is_same = fits && (each..floats.len()).all(|i| floats.at(i) == floats.at(i - each));
    is_same.then(|| Value::Floats(shape.to_vec(), floats.picked(0..each)))
}
