//! Values whose batch axis has been joined with the first axis of the samples, as `view(-1, K)` does it: operators read each
//! of their rows by itself, and a Reshape brings the batch back.

use super::call::{Call, Value, kind};
use super::elementwise::plus;
use super::importer::Importer;
use super::layers::mat_mul;
use super::layout::axis_of;
use super::pick::permuted;
use super::tensor::{Dim, Ints};
use crate::model::{ModelError, NodeId};

const KEEP: &str = "keep the batch axis in front, as x.unsqueeze(-1) or x.flatten(1) do";

/// Whether an operator reads such a value.
pub(super) fn reads_one(call: &Call) -> bool {
    (0..call.count()).any(|index| matches!(call.optional(index), Some(Value::Joined(_))))
}

/// The rows of a Reshape to [−1, …] that do not hold a whole sample each, if it is one.
pub(super) fn rows(
    importer: &mut Importer,
    call: &Call,
    node: NodeId,
    target: &[Dim],
) -> Result<Option<Value>, ModelError> {
    let Some((Dim::Known(-1), rest)) = target.split_first() else { return Ok(None) };
    let size = importer.graph.node(node).size();
    let known = |dim: &Dim| match dim {
        Dim::Known(dim) if *dim > 0 => usize::try_from(*dim).ok(),
        _ => None,
    };
    let Some(rest) = rest.iter().map(known).collect::<Option<Vec<usize>>>() else { return Ok(None) };
    let width = rest.iter().try_fold(1usize, |all, &dim| all.checked_mul(dim)).unwrap_or(0);
    if width == 0 || !size.is_multiple_of(width) || size == width {
        return Ok(None);
    }
    let shape = [vec![size / width], rest].concat();
    Ok(Some(Value::Joined(importer.reshape(call, node, &shape)?)))
}

/// What an operator makes of them; `import` is its import of values with the batch in front.
pub(super) fn go_on(
    importer: &mut Importer,
    call: &Call,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<Value, ModelError> {
    let operator = call.operator();
    let refuse = |what: &str| {
        call.refuse(format!("{operator} of a value whose batch is joined with another axis {what}: {KEEP}"))
    };
    let mut whole = call.clone();
    let mut count = None;
    for index in 0..call.count() {
        let Some(Value::Joined(node)) = call.optional(index) else { continue };
        let rows = importer.graph.node(*node).shape[0];
        if count.is_some_and(|other| other != rows) {
            return Err(refuse("beside another one is not supported"));
        }
        count = Some(rows);
        whole.replace(index, Value::Node(*node));
    }
    let Some(count) = count else { return Err(refuse("is not supported")) };
    let first = match whole.optional(0) {
        Some(&Value::Node(node)) => Some(node),
        _ => None,
    };
    let rank = first.map_or(0, |node| importer.graph.node(node).shape.len());
    // A constant has no axis for the rows, or one of size 1.
    let wide = (0..call.count()).any(|index| match call.optional(index) {
        Some(Value::Float(tensor)) => {
            tensor.shape.len() > rank || (tensor.shape.len() == rank && tensor.shape.first() != Some(&1))
        }
        Some(Value::Node(_)) => true,
        _ => false,
    });
    let made = match (operator, first) {
        ("Reshape", Some(node)) => return reshaped(importer, call, node),
        (
            "Abs" | "Cast" | "Celu" | "Clip" | "Elu" | "Identity" | "LeakyRelu" | "Neg" | "Relu" | "Softplus",
            Some(_),
        ) => import(importer, &whole)?,
        ("Add" | "Sub" | "Mul" | "Div" | "Max", Some(_)) if !wide => import(importer, &whole)?,
        ("Gemm", Some(node)) if rank == 2 => product(importer, &whole, node)?,
        ("MatMul", Some(_)) if matches!(call.optional(1), Some(Value::Float(_))) => import(importer, &whole)?,
        ("ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceLogSumExp", Some(_)) => {
            let axes = call.optional_ints(1, "axes (input 1)")?.unwrap_or_default();
            let behind = |axis: i64| match axis_of(call, axis, rank, false)? {
                0 => Err(refuse("over the batch is not supported")),
                axis => Ok(axis as i64 + 1),
            };
            whole = whole.with_list(1, vec![]);
            whole.replace(
                1,
                Value::Int(Ints::known_vector(
                    axes.into_iter().map(behind).collect::<Result<Vec<_>, _>>()?.into_iter(),
                )),
            );
            import(importer, &whole)?
        }
        _ => return Err(refuse("is not supported")),
    };
    match made {
        Value::Node(node) if importer.graph.node(node).shape.first() == Some(&count) => Ok(Value::Joined(node)),
        other => Err(call.misfit("rows as before", kind(&other))),
    }
}

/// To rows of another size, or to whole samples.
fn reshaped(importer: &mut Importer, call: &Call, node: NodeId) -> Result<Value, ModelError> {
    let target = call.dims(1, "shape (input 1)")?.to_vec();
    let size = importer.graph.node(node).size();
    if let Some(rows) = rows(importer, call, node, &target)? {
        return Ok(rows);
    }
    let flat = importer.reshape(call, node, &[size])?;
    let mut of_samples = call.clone();
    of_samples.replace(0, Value::Node(flat));
    // The first one would be the rows, not the batch.
    if target.contains(&Dim::Known(0)) {
        return Err(call
            .refuse("Reshape that copies an axis of a value whose batch is joined with another one is not supported"));
    }
    super::layout::reshape(importer, &of_samples)
}

/// Gemm of every row.
fn product(importer: &mut Importer, call: &Call, node: NodeId) -> Result<Value, ModelError> {
    let is_one = |name: &str| Ok::<_, ModelError>(call.float_attribute(name)?.unwrap_or(1.0) == 1.0);
    if call.flag("transA")? || !is_one("alpha")? || !is_one("beta")? {
        return Err(call.refuse("Gemm with transA, alpha or beta of joined axes is not supported"));
    }
    let mut product = call.clone();
    if call.flag("transB")? {
        let weight = call.float(1, "weight (input 1)")?;
        if weight.shape.len() != 2 {
            return Err(call.misfit("a weight of two axes", format!("shape {:?}", weight.shape)));
        }
        let (shape, walk) = permuted(&weight.shape, &[1, 0]);
        product.replace(1, Value::Float(weight.picked(shape, walk)));
    }
    product.replace(0, Value::Node(node));
    let made = mat_mul(importer, &product)?;
    match call.optional(2) {
        None => Ok(made),
        Some(bias @ Value::Float(tensor)) if tensor.shape.len() < 2 => plus(importer, call, &made, bias),
        Some(_) => Err(call.refuse("Gemm of joined axes with another third input than one row is not supported")),
    }
}
