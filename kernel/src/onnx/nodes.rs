//! Nodes of the kernel's graph, appended for nodes of a file.

use crate::budget;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float, pairs};
use crate::onnx::call::{Call, Value};
use crate::rejection::{Code, Rejection};

/// What a node of the file gives.
pub type Answer = Result<Value, Rejection>;

/// Number of entries of `shape`; the largest number there is where that is too large.
pub fn size(shape: &[usize]) -> usize {
    shape.iter().try_fold(1_usize, |size, &d| size.checked_mul(d)).unwrap_or(usize::MAX)
}

/// Σ map·node + offset.
pub fn affine(
    graph: &mut Graph,
    call: &Call,
    terms: Vec<(usize, Map)>,
    offset: Option<Exact>,
    shape: Vec<usize>,
) -> Answer {
    let id = graph.push(call.name, Op::Affine { terms, offset }, size(&shape))?;
    Ok(Value::Node(id, shape))
}

/// A unit, which keeps the name of its node in the file.
pub fn unit(graph: &mut Graph, call: &Call, op: Op, shape: Vec<usize>) -> Answer {
    let id = graph.push(call.name, op, size(&shape))?;
    graph.nodes[id].label = call.label.into();
    Ok(Value::Node(id, shape))
}

/// The entries `from` of a value, in this order, as `shape` (of a sample, where it depends on the input).
pub fn picked(graph: &mut Graph, call: &Call, value: &Value, from: Vec<usize>, shape: Vec<usize>) -> Answer {
    match value {
        Value::Node(id, old) if size(&shape) == size(old) && from.iter().enumerate().all(|(i, &at)| i == at) => {
            Ok(Value::Node(*id, shape))
        }
        Value::Node(id, old) => {
            let map = Map::pick(from.into_iter().map(Some).collect(), size(old));
            affine(graph, call, vec![(*id, map)], None, shape)
        }
        Value::Floats(_, floats) => Ok(Value::Floats(shape, floats.picked(from.into_iter()))),
        Value::Integers(_, list) => Ok(Value::Integers(shape, from.into_iter().map(|at| list[at]).collect())),
        _ => Err(call.refuse_value()),
    }
}

/// The places Σ index·step of all indices into `shape`, row-major.
pub fn places(call: &Call, shape: &[usize], steps: &[usize]) -> Result<Vec<usize>, Rejection> {
    budget::within(call.name, "entries", size(shape) as u64, budget::WEIGHTS)?;
    let mut places = vec![0];
    for (&size, &step) in pairs(shape, steps)? {
        places = places.iter().flat_map(|place| (0..size).map(move |i| place + i * step)).collect();
    }
    Ok(places)
}

/// From one index of an axis to the next, row-major.
pub fn strides(dims: &[usize]) -> Vec<usize> {
    (0..dims.len()).map(|axis| size(&dims[axis + 1..])).collect()
}

/// A float constant for every entry of `shape`, as numpy broadcasts it.
pub fn broadcast(call: &Call, value: &Value, shape: &[usize]) -> Result<Vec<Float>, Rejection> {
    let Value::Floats(dims, floats) = value else {
        return Err(call.refuse(Code::Unsupported, "a float constant", "another operand"));
    };
    let misfit = || {
        call.refuse(Code::ShapeMismatch, &format!("a constant that spreads over [N, {shape:?}]"), format!("{dims:?}"))
    };
    // Aligned at the last axis; an axis for the batch must have one entry.
    let extra = dims.len().saturating_sub(shape.len());
    if extra > 1 || (extra == 1 && dims[0] != 1) {
        return Err(misfit());
    }
    let dims = &dims[extra..];
    let offset = shape.len() - dims.len();
    if pairs(dims, &shape[offset..])?.any(|(&d, &s)| d != s && d != 1) {
        return Err(misfit());
    }
    let mut steps = vec![0; offset];
    steps.extend(pairs(dims, strides(dims))?.map(|(&d, step)| if d == 1 { 0 } else { step }));
    Ok(places(call, shape, &steps)?.into_iter().map(|at| floats.at(at)).collect())
}

/// A value with its axes of size 1 repeated where `other`, of as many axes or fewer, has more entries.
pub fn repeated(
    graph: &mut Graph,
    call: &Call,
    (of, shape): (usize, &[usize]),
    other: &[usize],
) -> Result<(usize, Vec<usize>), Rejection> {
    let first = shape.len().saturating_sub(other.len());
    let mut new = shape.to_vec();
    let mut steps = strides(shape);
    for (k, &wanted) in other.iter().enumerate() {
        if new.get(first + k) == Some(&1) && wanted != 1 {
            (new[first + k], steps[first + k]) = (wanted, 0);
        }
    }
    if new == shape {
        return Ok((of, new));
    }
    budget::within(call.name, "entries", size(&new) as u64, budget::ENTRIES)?;
    let from = places(call, &new, &steps)?;
    match picked(graph, call, &Value::Node(of, shape.to_vec()), from, new)? {
        Value::Node(of, new) => Ok((of, new)),
        _ => unreachable!("a node"),
    }
}

/// The sizes of a constant behind an axis for the batch, if it has one, beside a value of so many axes.
pub fn sample_sizes(dims: &[usize], rank: usize) -> &[usize] {
    match dims.split_first() {
        Some((1, rest)) if rest.len() == rank => rest,
        _ => dims,
    }
}

/// Refuses operands of different shapes.
pub fn same_shape(call: &Call, a: &[usize], b: &[usize]) -> Result<(), Rejection> {
    if a == b {
        return Ok(());
    }
    Err(call.refuse(Code::ShapeMismatch, &format!("operands of shape {a:?}"), format!("{b:?}")))
}
