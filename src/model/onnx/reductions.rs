//! Sums, means and maxima over axes of the samples.

use super::call::{Call, Value, kind};
use super::cancelled;
use super::elementwise::{max_of_nodes, min_of_nodes, sum as sum_of};
use super::importer::Importer;
use super::layout::axis_of;
use super::pick::pick;
use super::smooth::square_of;
use super::tensor::{Walk, row_major};
use crate::model::{Curve, Dense, Kink, Layer, ModelError, NodeId};

/// What is reduced: the node's entries at `places`, a sample's each with those that lie `cells` behind.
struct Reduced {
    node: NodeId,
    /// Sizes and strides of the axes that stay, and of those that go.
    rows: (Vec<usize>, Vec<isize>),
    cells: (Vec<usize>, Vec<isize>),
    /// Of the result.
    shape: Vec<usize>,
}

fn reduced(importer: &mut Importer, call: &Call) -> Result<Reduced, ModelError> {
    let node = match call.input(0)? {
        Value::Node(node) => *node,
        other => return Err(call.misfit("a value that depends on the input", kind(other))),
    };
    let from = importer.graph.node(node).shape.clone();
    let axes = call.optional_ints(1, "axes (input 1)")?.unwrap_or_default();
    let operator = call.operator();
    if axes.is_empty() {
        return Err(call.refuse(format!("{operator} without axes would mix the samples of a batch: name its axes")));
    }
    let mut goes = vec![false; from.len()];
    for &axis in &axes {
        let Some(index) = axis_of(call, axis, from.len() + 1, false)?.checked_sub(1) else {
            return Err(call.refuse(format!("{operator} over the batch axis is not supported")));
        };
        if std::mem::replace(&mut goes[index], true) {
            return Err(call.refuse(format!("axis {axis} is named twice")));
        }
    }
    let keep = match call.int_attribute("keepdims").unwrap_or(1) {
        0 => false,
        1 => true,
        other => return Err(call.misfit("0 or 1 for attribute `keepdims`", other.to_string())),
    };
    let strides = row_major(&from);
    let part = |gone: bool| {
        let axes = (0..from.len()).filter(|&axis| goes[axis] == gone);
        axes.map(|axis| (from[axis], strides[axis])).unzip()
    };
    let left = |axis: usize| if !goes[axis] { Some(from[axis]) } else { keep.then_some(1) };
    let shape = (0..from.len()).filter_map(left).collect();
    Ok(Reduced { node, rows: part(false), cells: part(true), shape })
}

pub(super) fn sum(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    summed(importer, call, false)
}

pub(super) fn mean(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    summed(importer, call, true)
}

/// The sum of absolute values.
pub(super) fn sum_of_absolute(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    of_each(importer, call, Layer::Kink(Kink::ABS))
}

/// The sum of squares.
pub(super) fn sum_of_squares(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let Value::Node(of) = call.input(0)? else { return sum(importer, call) };
    let square = square_of(importer, *of);
    of_each(importer, call, square)
}

fn of_each(importer: &mut Importer, call: &Call, layer: Layer) -> Result<Value, ModelError> {
    let mut bent = call.clone();
    if let Value::Node(of) = call.input(0)? {
        bent.replace(0, Value::Node(importer.push(call, layer, &[*of])?));
    }
    sum(importer, &bent)
}

/// A matrix of ones and zeros, and a division for the mean.
fn summed(importer: &mut Importer, call: &Call, mean: bool) -> Result<Value, ModelError> {
    let Reduced { node, rows, cells, shape } = reduced(importer, call)?;
    let (count, width) = (rows.0.iter().product(), cells.0.iter().product::<usize>());
    let size = importer.graph.node(node).size();
    importer.spend_shape(call, &[count, size])?;
    let mut weight = vec![0.0; count * size];
    for (row, place) in Walk::new(&rows.0, &rows.1, 0).enumerate() {
        Walk::new(&cells.0, &cells.1, place as isize).for_each(|at| weight[row * size + at] = 1.0);
    }
    let flat = importer.reshape(call, node, &[size])?;
    let dense = Dense { rows: count, cols: size, weight, bias: vec![0.0; count] };
    let mut result = importer.push(call, Layer::Dense(dense), &[flat])?;
    if mean {
        result = importer.push(call, Layer::Divide(vec![width as f64; count]), &[result])?;
    }
    Ok(Value::Node(importer.reshape(call, result, &shape)?))
}

/// The values of a reduction, each of which has one entry of every sum or maximum.
fn parts(importer: &mut Importer, call: &Call) -> Result<Vec<NodeId>, ModelError> {
    let reduced = reduced(importer, call)?;
    parts_of(importer, call, &reduced, reduced.node)
}

fn parts_of(
    importer: &mut Importer,
    call: &Call,
    Reduced { rows, cells, shape, .. }: &Reduced,
    node: NodeId,
) -> Result<Vec<NodeId>, ModelError> {
    importer.check_parts(call, cells.0.iter().product())?;
    let mut nodes = Vec::new();
    for cell in Walk::new(&cells.0, &cells.1, 0) {
        nodes.push(pick(importer, call, node, shape, Walk::new(&rows.0, &rows.1, cell as isize))?);
    }
    Ok(nodes)
}

pub(super) fn min(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let parts = parts(importer, call)?;
    min_of_nodes(importer, call, &parts).map(Value::Node)
}

pub(super) fn max(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let nodes = parts(importer, call)?;
    match nodes[..] {
        [only] => Ok(Value::Node(only)),
        _ => max_of_nodes(importer, call, &nodes).map(Value::Node),
    }
}

/// The product over axes of size 1.
pub(super) fn product(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    match parts(importer, call)?[..] {
        [only] => Ok(Value::Node(only)),
        _ => Err(call.refuse("ReduceProd of several values that depend on the input is not supported")),
    }
}

/// ln Σ e^xₖ; of xₖ + m it is ln Σ e^xₖ + m.
pub(super) fn log_sum_exp(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let reduced = reduced(importer, call)?;
    let Reduced { node, rows, cells, .. } = &reduced;
    let cell = |cell: usize| Walk::new(&rows.0, &rows.1, cell as isize).collect();
    let cells: Vec<Vec<usize>> = Walk::new(&cells.0, &cells.1, 0).map(cell).collect();
    importer.spend_shape(call, &[importer.graph.node(*node).size()])?;
    if let Some([of, shared]) = cancelled::shared(&importer.graph, *node, &cells).filter(|_| cells.len() > 1) {
        let nodes = parts_of(importer, call, &reduced, of)?;
        let smooth = importer.push(call, Layer::Smooth(Curve::LogSumExp), &nodes)?;
        let shared = pick(importer, call, shared, &reduced.shape, cells[0].iter().copied())?;
        return sum_of(importer, call, smooth, shared);
    }
    let nodes = parts_of(importer, call, &reduced, reduced.node)?;
    match nodes[..] {
        [only] => Ok(Value::Node(only)),
        _ => Ok(Value::Node(importer.push(call, Layer::Smooth(Curve::LogSumExp), &nodes)?)),
    }
}
