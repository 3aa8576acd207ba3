//! Operands beside values, as they are for one sample.

use std::borrow::Cow;

use super::call::{Call, Value};
use super::elementwise::constant_at;
use super::importer::Importer;
use super::tensor::Tensor;
use crate::model::ModelError;

/// The call with operands that have no batch axis, or the same entries for all samples, as those of one sample.
pub(super) fn faced<'c, 'a>(importer: &mut Importer, call: &'c Call<'a>) -> Result<Cow<'c, Call<'a>>, ModelError> {
    let mut faced = Cow::Borrowed(call);
    let rank = |index: usize| match call.optional(index) {
        Some(Value::Node(node)) => Some(importer.graph.node(*node).shape.len()),
        _ => None,
    };
    let (operator, count) = (call.operator(), call.count());
    let Some(rank) = (if operator == "MatMul" { rank(0) } else { (0..count).filter_map(rank).max() }) else {
        return Ok(faced);
    };
    for index in 0..count {
        let spreads = match operator {
            "Add" | "Sub" | "Sum" | "Mul" | "Div" | "Max" => true,
            "Gemm" => index == 2,
            _ => false,
        };
        let left_of = operator == "MatMul" && index == 1 && rank == 2;
        let sample = match call.optional(index) {
            Some(&Value::Sample(node)) if spreads => {
                let shape = importer.graph.node(node).shape.clone();
                let Some(more) = rank.checked_sub(shape.len()) else { continue };
                Some(Value::Node(importer.reshape(call, node, &[vec![1; more], shape].concat())?))
            }
            Some(&Value::Node(node)) if left_of && importer.graph.node(node).shape.len() == 2 => {
                let shape = importer.graph.node(node).shape.clone();
                constant_at(&importer.graph, node).map(|values| Value::Float(Tensor::new(shape, values)))
            }
            Some(Value::Float(tensor)) if spreads || left_of => of_each(importer, tensor, rank).map(Value::Float),
            _ => None,
        };
        if let Some(sample) = sample {
            faced.to_mut().replace(index, sample);
        }
    }
    Ok(faced)
}

/// What a constant with the batch axis in front holds for every sample, if that is the same.
fn of_each(importer: &Importer, tensor: &Tensor, rank: usize) -> Option<Tensor> {
    let (&samples, shape) = tensor.shape.split_first().filter(|(_, shape)| shape.len() == rank)?;
    let size: usize = shape.iter().product();
    let fits = samples == 1 || usize::try_from(importer.fixed_batch?) == Ok(samples);
    let is_same = fits && (size..tensor.len()).all(|i| tensor.get(i) == tensor.get(i - size));
    is_same.then(|| tensor.picked(shape.to_vec(), 0..size))
}
