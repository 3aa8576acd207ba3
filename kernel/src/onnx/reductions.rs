//! Sums, means and maxima over axes of the samples.

use crate::budget;
use crate::network::curve::Curve;
use crate::network::graph::{End, Graph, Op};
use crate::network::map::Map;
use crate::network::windows::{Axis, Windows};
use crate::number::exact::Float;
use crate::number::floats::Floats;
use crate::number::product::Factors;
use crate::onnx::affine::reciprocals;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::cancelled::shared;
use crate::onnx::ends::least;
use crate::onnx::moves::sample_axis;
use crate::onnx::nodes::{Answer, affine, picked, places, strides, unit};
use crate::rejection::{Code, Rejection};

/// What is reduced: a node's entries from `places` on, for each of them those that lie `cells` behind.
struct Reduced {
    of: Value,
    places: Vec<usize>,
    cells: Vec<usize>,
    /// Of the result.
    shape: Vec<usize>,
}

impl Reduced {
    fn read(call: &Call, values: &Values) -> Result<Reduced, Rejection> {
        let (_, old) = call.node(0, values)?;
        let list = call.optional(1, values)?.map(|_| call.list(1, values)).transpose()?;
        let list = list.and_then(|list| list.iter().copied().collect());
        // Without axes, the batch would be one of them.
        let list = list.filter(|list: &Vec<i64>| !list.is_empty());
        let list = list.ok_or_else(|| call.refuse(Code::Unsupported, "constant axes", "none"))?;
        let mut gone = vec![false; old.len()];
        for axis in list {
            let axis = sample_axis(call, axis, old.len())?;
            if std::mem::replace(&mut gone[axis], true) {
                return Err(call.refuse(Code::Unsupported, "every axis once", "one of them twice"));
            }
        }
        let keep = match call.integer("keepdims") {
            None | Some(1) => true,
            Some(0) => false,
            Some(other) => return Err(call.refuse(Code::MalformedModel, "0 or 1 as keepdims", other.to_string())),
        };
        let step = strides(old);
        let along = |chosen: bool| -> Result<Vec<usize>, Rejection> {
            let axes: Vec<usize> = (0..old.len()).filter(|&axis| gone[axis] == chosen).collect();
            let of = |list: &[usize]| axes.iter().map(|&axis| list[axis]).collect::<Vec<_>>();
            places(call, &of(old), &of(&step))
        };
        let left = |axis: usize| match gone[axis] {
            true => keep.then_some(1),
            false => Some(old[axis]),
        };
        let shape = (0..old.len()).filter_map(left).collect();
        Ok(Reduced { of: call.input(0, values)?.clone(), places: along(false)?, cells: along(true)?, shape })
    }

    /// The sums, times `share`.
    fn sum(self, graph: &mut Graph, call: &Call, share: Option<Float>) -> Answer {
        let Reduced { of, places, cells, shape } = self;
        let (rows, count) = (places.len(), cells.len());
        let from = places.iter().flat_map(|place| cells.iter().map(move |cell| place + cell)).collect();
        let Value::Node(of, _) = picked(graph, call, &of, from, vec![rows, count])? else { unreachable!("a node") };
        let windows = Windows { groups: rows, inputs: 1, outputs: 1, axes: [Axis::POINT, Axis::whole(count)] };
        let map = Map::Windows { windows, weights: Factors::new(Floats::Numbers(vec![Float::ONE; rows * count])) };
        let sums = affine(graph, call, vec![(of, map)], None, shape.clone())?;
        let (Value::Node(sums, _), Some(divisor)) = (&sums, share) else { return Ok(sums) };
        let shares = Map::diagonal(rows, reciprocals(call, &[divisor])?);
        affine(graph, call, vec![(*sums, shares)], None, shape)
    }
}

/// ReduceSum.
pub fn sum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let reduced = Reduced::read(call, values)?;
    // Of one axis, all of which is one entry: probabilities add up to 1.
    if let (Value::Node(of, old), [1]) = (&reduced.of, &reduced.shape[..])
        && old.len() == 1
        && matches!(graph.nodes[*of].op, Op::End { end: End::Softmax, .. })
    {
        return Ok(Value::Floats(vec![1, 1], Floats::Numbers(vec![Float::ONE])));
    }
    reduced.sum(graph, call, None)
}

/// ReduceMean.
pub fn mean(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let reduced = Reduced::read(call, values)?;
    let count = Float::new(reduced.cells.len() as i64, 0);
    reduced.sum(graph, call, Some(count))
}

/// The parts of a reduction, as many as there are cells, row-major, and their shape.
fn parts(graph: &mut Graph, call: &Call, values: &Values) -> Result<(Vec<usize>, Vec<usize>), Rejection> {
    let Reduced { of, places, cells, shape } = Reduced::read(call, values)?;
    let all = places.len().saturating_mul(cells.len());
    budget::within(call.name, "cells", all as u64, budget::WEIGHTS)?;
    let mut operands = Vec::with_capacity(cells.len());
    for cell in cells {
        let from = places.iter().map(|place| place + cell).collect();
        let Value::Node(id, _) = picked(graph, call, &of, from, shape.clone())? else { unreachable!("a node") };
        operands.push(id);
    }
    Ok((operands, shape))
}

/// ln Σ e^xₖ; of xₖ + m it is ln Σ e^xₖ + m.
pub fn log_sum_exp(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let curve = |of| Op::Smooth(Curve::LogSumExp, of);
    let Reduced { of, places, cells, shape } = Reduced::read(call, values)?;
    let Value::Node(id, old) = of else { return of_parts(graph, call, values, curve) };
    let shared = if cells.len() > 1 { shared(graph, id, &places, &cells)? } else { None };
    let Some((x, m, factor)) = shared else { return of_parts(graph, call, values, curve) };
    let mut of_x = call.clone();
    of_x.replace(0, Value::Node(x, old.clone()), values)?;
    let Value::Node(sums, _) = of_parts(graph, &of_x, values, curve)? else { unreachable!("a node") };
    let from = places.iter().map(|place| Some(place + cells[0])).collect();
    let picked = Map::Pick { start: 0, from, factors: factor, cols: graph.nodes[m].size };
    affine(graph, call, vec![(sums, Map::multiple(places.len(), Float::ONE)), (m, picked)], None, shape)
}

/// The sum of what `of` makes of every entry.
pub fn sum_of(graph: &mut Graph, call: &Call, values: &Values, of: impl Fn(&mut Graph, &Call) -> Answer) -> Answer {
    let mut bent = call.clone();
    let value = of(graph, call)?;
    bent.replace(0, value, values)?;
    sum(graph, &bent, values)
}

/// ReduceMin.
pub fn minimum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (operands, shape) = parts(graph, call, values)?;
    least(graph, call, &operands, shape)
}

/// ReduceProd, over axes of size 1.
pub fn product(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (operands, shape) = parts(graph, call, values)?;
    match operands[..] {
        [only] => Ok(Value::Node(only, shape)),
        _ => Err(call.refuse(Code::Unsupported, "axes of size 1", "products of values")),
    }
}

/// A unit of the parts of a reduction; of one alone, itself.
pub fn of_parts(graph: &mut Graph, call: &Call, values: &Values, op: impl Fn(Vec<usize>) -> Op) -> Answer {
    let (operands, shape) = parts(graph, call, values)?;
    match operands[..] {
        [only] => Ok(Value::Node(only, shape)),
        _ => unit(graph, call, op(operands), shape),
    }
}
