//! Operators that repeat entries: constants spread over sizes, axes of size 1, and whole axes.

use crate::budget;
use crate::network::graph::Graph;
use crate::number::exact::{Exact, Float, pairs};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::constants::spread;
use crate::onnx::nodes::{Answer, affine, picked, places, size, strides};
use crate::onnx::tensor::{Floats, Kind};
use crate::rejection::{Code, Rejection};

/// One number, of the sizes that a list names.
pub fn constant_of_shape(graph: &mut Graph, call: &Call, values: &Values) -> Result<(Value, Kind), Rejection> {
    if call.kinds(values)? != [Kind::Int64] {
        return Err(call.refuse(Code::MalformedModel, "sizes of 64 bits", format!("{:?}", call.kinds(values)?)));
    }
    let zero = (Value::Floats(vec![1], Floats::Numbers(vec![Float::ZERO])), Kind::Float32);
    let (value, kind) = call.tensor("value", values)?.unwrap_or(zero);
    let target = call.list(0, values)?;
    match value {
        Value::Floats(dims, floats) if dims == [1] => {
            let scalar = Value::Floats(vec![], floats);
            Ok((spread_constant(graph, call, &scalar, target)?, kind))
        }
        Value::Integers(dims, list) if dims == [1] => {
            let shape = known_sizes(call, target)?;
            budget::within(call.name, "entries", size(&shape) as u64, budget::WEIGHTS)?;
            let all = vec![list[0]; size(&shape)];
            Ok((Value::Integers(shape, all), kind))
        }
        _ => Err(call.refuse(Code::MalformedModel, "a value of shape [1]", "another one")),
    }
}

/// Sizes from 1 on, without the batch's.
fn known_sizes(call: &Call, target: &[Option<i64>]) -> Result<Vec<usize>, Rejection> {
    let known = |d: &Option<i64>| d.and_then(|d| usize::try_from(d).ok()).filter(|&d| d > 0);
    let sizes = target.iter().map(known).collect::<Option<Vec<_>>>();
    sizes.ok_or_else(|| call.refuse(Code::Unsupported, "fixed sizes behind the batch", format!("{target:?}")))
}

/// A float constant of these sizes; with the batch in front the same for every sample.
fn spread_constant(graph: &mut Graph, call: &Call, value: &Value, target: &[Option<i64>]) -> Answer {
    let Value::Floats(dims, floats) = value else { unreachable!("floats") };
    let batch = target.first() == Some(&None);
    let target = known_sizes(call, &target[usize::from(batch)..])?;
    let own = match dims.split_first() {
        Some((1, rest)) if batch && rest.len() == target.len() => rest.to_vec(),
        _ => dims.clone(),
    };
    let (shape, [from, _]) = spread(call, [&own, &target])?;
    if batch && shape.len() != target.len() {
        return Err(call.refuse(Code::Unsupported, "an axis for the batch in front", format!("{shape:?}")));
    }
    let numbers: Vec<Float> = from.into_iter().map(|at| floats.at(at)).collect();
    match batch {
        true => affine(graph, call, vec![], Some(Exact::dyadics(&numbers)), shape),
        false => Ok(Value::Floats(shape, Floats::Numbers(numbers))),
    }
}

/// Axes of size 1 repeated.
pub fn expand(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (value, target) = (call.input(0, values)?, call.list(1, values)?);
    let dims = match value {
        Value::Node(_, shape) => shape,
        Value::Floats(..) => return spread_constant(graph, call, value, target),
        Value::Integers(dims, list) if *target == [None] && dims.len() <= 1 && list.len() == 1 => {
            let each =
                list[0].ok_or_else(|| call.refuse(Code::Unsupported, "an integer to repeat", "the batch size"))?;
            return Ok(Value::Each(each));
        }
        Value::Integers(dims, list) => {
            let (shape, [from, _]) = spread(call, [dims, &known_sizes(call, target)?])?;
            return Ok(Value::Integers(shape, from.into_iter().map(|at| list[at]).collect()));
        }
        _ => return Err(call.refuse_value()),
    };
    let refuse = || call.refuse(Code::Unsupported, "fixed sizes behind the batch", format!("{target:?}"));
    // A target as long as a value with its batch axis leaves the batch as it is, or names it.
    let target = match target.len() > dims.len() {
        true if matches!(target[0], None | Some(1)) || target[0] == values.batch => &target[1..],
        true => return Err(refuse()),
        false => target,
    };
    if target.len() > dims.len() {
        return Err(refuse());
    }
    let rank = dims.len().max(target.len());
    let old = [vec![1; rank - dims.len()], dims.clone()].concat();
    let mut stride = strides(&old);
    let mut shape = old.clone();
    for (axis, wanted) in pairs(rank - target.len()..rank, target)? {
        match wanted.and_then(|wanted| usize::try_from(wanted).ok()).filter(|&wanted| wanted > 0) {
            None => return Err(refuse()),
            Some(wanted) if old[axis] == 1 => (shape[axis], stride[axis]) = (wanted, 0),
            Some(wanted) if wanted == 1 || wanted == old[axis] => {}
            Some(_) => {
                let expected = format!("a shape that {old:?} spreads over");
                return Err(call.refuse(Code::ShapeMismatch, &expected, format!("{target:?}")));
            }
        }
    }
    budget::within(call.name, "entries", size(&shape) as u64, budget::ENTRIES)?;
    picked(graph, call, value, places(call, &shape, &stride)?, shape)
}

/// All entries of an axis repeated, of the batch once.
pub fn tile(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (value, list) = (call.input(0, values)?, call.list(1, values)?);
    let (dims, list, least) = match value {
        Value::Node(_, shape) if list.first() == Some(&Some(1)) => (shape, &list[1..], 1),
        Value::Node(..) => return Err(call.refuse(Code::Unsupported, "a batch that is not repeated", "another")),
        Value::Floats(dims, _) => (dims, list, 1),
        // Of a list of integers there may be nothing left.
        Value::Integers(dims, _) => (dims, list, 0),
        _ => return Err(call.refuse_value()),
    };
    let known = |times: &Option<i64>| times.and_then(|times| usize::try_from(times).ok()).filter(|&n| n >= least);
    let times = list.iter().map(known).collect::<Option<Vec<_>>>().filter(|times| times.len() == dims.len());
    let refuse = || call.refuse(Code::Unsupported, &format!("how often to repeat {dims:?}"), format!("{list:?}"));
    let times = times.ok_or_else(refuse)?;
    let shape = pairs(dims, &times)?.map(|(&d, &n)| d.checked_mul(n)).collect::<Option<Vec<_>>>().ok_or_else(refuse)?;
    let steps = strides(dims);
    let (view, steps): (Vec<usize>, Vec<usize>) =
        (0..dims.len()).flat_map(|axis| [(times[axis], 0), (dims[axis], steps[axis])]).unzip();
    budget::within(call.name, "entries", size(&shape) as u64, budget::ENTRIES)?;
    picked(graph, call, value, places(call, &view, &steps)?, shape)
}
