//! Values whose batch axis is not in front: operators read them as if it were, along the axes that they then have.

use super::call::{Call, Value, kind};
use super::importer::Importer;
use super::layout::axis_of;
use super::pick::{permuted, pick};
use super::tensor::Ints;
use crate::model::ModelError;

/// Whether an operator reads such a value.
pub(super) fn reads_one(call: &Call) -> bool {
    (0..call.count()).any(|index| matches!(call.optional(index), Some(Value::Moved(..))))
}

/// Whether runtimes may move a Transpose from before an operator to behind it, or leave out the operator between.
pub(super) fn passes(operator: &str) -> bool {
    !matches!(
        operator,
        "AveragePool" | "Conv" | "Einsum" | "Gemm" | "GlobalAveragePool" | "GlobalMaxPool" | "MatMul" | "MaxPool"
    )
}

/// What an operator makes of values with the batch axis at one place; `import` is its import of those that have it in front.
pub(super) fn go_on(
    importer: &mut Importer,
    call: &Call,
    import: impl Fn(&mut Importer, &Call) -> Result<Value, ModelError>,
) -> Result<Value, ModelError> {
    let operator = call.operator();
    if matches!(operator, "Transpose" | "Unsqueeze" | "Shape" | "ReverseSequence") {
        return import(importer, call);
    }
    let refuse = || call.refuse(format!("{operator} of a value whose batch axis is not in front is not supported"));
    let mut front = call.clone();
    let mut batch = None;
    let mut rank = 0;
    for index in 0..call.count() {
        let Some((node, at)) = call.optional(index).and_then(Value::placed) else { continue };
        if batch.is_some_and(|other| other != at) {
            return Err(call.misfit("values with the batch axis at one place", "others"));
        }
        front.replace(index, Value::Node(node));
        (batch, rank) = (Some(at), importer.graph.node(node).shape.len() + 1);
    }
    let batch = batch.ok_or_else(refuse)?;
    // The same axis where the batch is in front.
    let turn = |axis: i64| {
        let axis = axis_of(call, axis, rank, false)?;
        Ok::<_, ModelError>((
            axis,
            if axis < batch {
                axis + 1
            } else if axis == batch {
                0
            } else {
                axis
            } as i64,
        ))
    };
    let turned = |index: usize| {
        let axes = call.known_ints(index, "axes")?.into_iter().map(turn).collect::<Result<Vec<_>, _>>()?;
        let gone = axes.iter().filter(|(axis, _)| *axis < batch).count();
        Ok::<_, ModelError>((Value::Int(Ints::known_vector(axes.into_iter().map(|(_, axis)| axis))), gone))
    };
    let place = match operator {
        "Abs" | "Elu" | "Identity" | "LeakyRelu" | "Neg" | "Relu" | "Softplus" => batch,
        "Concat" => {
            let axis = call.int_attribute("axis").ok_or_else(refuse)?;
            front.along(turn(axis)?.1);
            batch
        }
        "Gather" | "GatherND" => {
            let (axis, along) = turn(call.int_attribute("axis").unwrap_or(0))?;
            front.along(along);
            let lead =
                call.ints(1, "indices (input 1)")?.shape.len().saturating_sub(usize::from(operator == "GatherND"));
            if axis < batch { batch + lead - 1 } else { batch }
        }
        "Slice" => {
            front.replace(3, turned(3)?.0);
            batch
        }
        "MatMul" if batch == 1 && rank == 2 => {
            // B·xᵀ = (x·Bᵀ)ᵀ.
            let (Some(Value::Float(matrix)), Some(Value::Moved(node, _))) = (call.optional(0), call.optional(1)) else {
                return Err(refuse());
            };
            if matrix.shape.len() != 2 {
                return Err(refuse());
            }
            let (shape, walk) = permuted(&matrix.shape, &[1, 0]);
            importer.spend_shape(call, &shape)?;
            front.replace(0, Value::Node(*node));
            front.replace(1, Value::Float(matrix.picked(shape, walk)));
            1
        }
        "Squeeze" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceSum" => {
            let (axes, gone) = turned(1)?;
            front.replace(1, axes);
            let keeps = operator != "Squeeze" && call.int_attribute("keepdims") != Some(0);
            if keeps { batch } else { batch - gone }
        }
        _ => return Err(refuse()),
    };
    match import(importer, &front)? {
        Value::Node(node) => Ok(Value::at(node, place)),
        other => Err(call.misfit("a value that depends on the input", kind(&other))),
    }
}

/// The first so many entries of an axis turned round, as many of every sample.
pub(super) fn reverse_sequence(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let Some((node, batch)) = call.input(0)?.placed() else {
        return Err(call.misfit("a value that depends on the input", kind(call.input(0)?)));
    };
    let axes = ["batch_axis", "time_axis"].map(|name| call.int_attribute(name));
    let (along, time) = (axes[0].unwrap_or(1), axes[1].unwrap_or(0));
    if !matches!((along, time), (0, 1) | (1, 0)) || along != batch as i64 {
        return Err(
            call.refuse("ReverseSequence is supported where its batch_axis is the batch's and time_axis the other one")
        );
    }
    let shape = importer.graph.node(node).shape.clone();
    let (Some(&times), Some(stride)) = (shape.first(), shape.get(1..).map(|rest| rest.iter().product::<usize>()))
    else {
        return Err(call.misfit("an axis to turn round", "none"));
    };
    let length = match call.input(1)? {
        Value::Each(length) => Some(*length),
        Value::Int(ints) => {
            let known = call.known(ints, "lengths (input 1)")?;
            let fits = importer.fixed_batch == i64::try_from(known.len()).ok() && ints.shape.len() == 1;
            known.first().copied().filter(|first| fits && known.iter().all(|other| other == first))
        }
        _ => None,
    };
    let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| (1..=times).contains(length));
    let Some(length) = length else {
        return Err(
            call.refuse(format!("ReverseSequence is supported of as many entries of every sample, 1 to {times}"))
        );
    };
    let place = |i: usize| {
        let (at, rest) = (i / stride, i % stride);
        (if at < length { length - 1 - at } else { at }) * stride + rest
    };
    let size = times * stride;
    Ok(Value::at(pick(importer, call, node, &shape, (0..size).map(place))?, batch))
}
