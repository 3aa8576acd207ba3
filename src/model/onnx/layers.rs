//! Gemm, MatMul and BatchNormalization.

use super::batch_norm::Channel;
use super::call::{Call, Value, kind};
use super::elementwise::{aligned, sum, with_constant};
use super::exact;
use super::importer::Importer;
use super::pick::{permuted, pick};
use super::stored::place;
use super::tensor::{Tensor, Walk, fits};
use crate::model::Map;
use crate::model::map::{Axis, Matrix, Windows};
use crate::model::{Layer, ModelError, NodeId};
use std::sync::Arc;

/// alpha·x·B + beta·C with x [N, K], B [K, M] (or [M, K] with transB), C nothing, [M] or what broadcasts to it.
pub(super) fn gemm(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if importer.has_batch {
        return gemm_of(importer, call);
    }
    // Without a batch axis in the file the one row of a sample stands behind it.
    let input = variable(call)?;
    let &[1, size] = &importer.graph.node(input).shape[..] else {
        return Err(call.refuse("Gemm is supported of one row in a model without a batch axis: export it with one"));
    };
    let mut row = call.clone();
    row.replace(0, Value::Node(importer.reshape(call, input, &[size])?));
    if let Some(&Value::Node(c)) = call.optional(2) {
        let size = importer.graph.node(c).size();
        row.replace(2, Value::Node(importer.reshape(call, c, &[size])?));
    }
    let Value::Node(product) = gemm_of(importer, &row)? else { return Err(call.misfit("a value", "a constant")) };
    let size = importer.graph.node(product).size();
    Ok(Value::Node(importer.reshape(call, product, &[1, size])?))
}

fn gemm_of(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if call.flag("transA")? {
        return Err(call.refuse("Gemm with transA is not supported: it would mix the samples of a batch"));
    }
    let transposed = call.flag("transB")?;
    let alpha = f64::from(call.float_attribute("alpha")?.unwrap_or(1.0));
    let beta = f64::from(call.float_attribute("beta")?.unwrap_or(1.0));
    let input = variable(call)?;
    let weight = call.float(1, "weight (input 1)")?;
    let [_, _] = weight.shape[..] else {
        return Err(call.misfit("a weight of two axes", format!("shape {:?}", weight.shape)));
    };
    if importer.graph.node(input).shape.len() != 1 {
        let shape = &importer.graph.node(input).shape;
        return Err(call.misfit("an input [N, features]", format!("N and then {shape:?}")));
    }
    let bias = bias_of(call, beta, weight.shape[usize::from(!transposed)])?;
    let inside = bias.clone().filter(|_| alpha == 1.0);
    let mut value = dense(importer, call, input, weight, transposed, inside.clone())?;
    if alpha != 1.0 {
        let size = importer.graph.node(value).size();
        value = importer.push(call, Layer::Scale(vec![alpha; size]), &[value])?;
    }
    match call.optional(2) {
        None => Ok(Value::Node(value)),
        Some(_) if inside.is_some() => Ok(Value::Node(value)),
        Some(Value::Float(c)) => {
            let scaled = scaled(importer, call, c, beta)?;
            let result = with_constant(importer, call, value, &scaled, Layer::Shift)?;
            keeps_shape(importer, call, value, &result)?;
            Ok(result)
        }
        Some(Value::Node(c)) => {
            let (product, mut c) = aligned(importer, call, value, *c)?;
            keeps_shape(importer, call, value, &Value::Node(product))?;
            if beta != 1.0 {
                c = importer.push(call, Layer::Scale(vec![beta; importer.graph.node(c).size()]), &[c])?;
            }
            sum(importer, call, product, c)
        }
        Some(other) => Err(call.misfit("a float value as input 2", kind(other))),
    }
}

/// C broadcasts to the product; the product never broadcasts to C.
fn keeps_shape(importer: &Importer, call: &Call, product: NodeId, result: &Value) -> Result<(), ModelError> {
    let expected = &importer.graph.node(product).shape;
    match result {
        Value::Node(id) if importer.graph.node(*id).shape == *expected => Ok(()),
        _ => Err(call.misfit(format!("an input 2 that broadcasts to [N, {}]", expected[0]), "a larger one")),
    }
}

/// beta·C as the bias of a layer of `rows` outputs, where it is one of 32-bit floats.
fn bias_of(call: &Call, beta: f64, rows: usize) -> Result<Option<Vec<f32>>, ModelError> {
    let Some(Value::Float(c)) = call.optional(2) else { return Ok(None) };
    let shape = match c.shape[..] {
        [1, size] | [size] => [size],
        [] => [1],
        _ => return Ok(None),
    };
    if shape[0] != 1 && shape[0] != rows {
        return Err(call.misfit(format!("a bias of {rows} entries"), format!("shape {:?}", c.shape)));
    }
    let values = Walk::broadcast(&shape, &[rows]).map(|i| exact::mul(c.get(i), beta));
    Ok(values.map(|v| v.filter(|&v| fits(v)).map(|v| v as f32)).collect())
}

fn scaled(importer: &mut Importer, call: &Call, c: &Tensor, beta: f64) -> Result<Tensor, ModelError> {
    importer.spend_shape(call, &c.shape)?;
    let values: Option<Vec<f64>> = c.iter().map(|v| exact::mul(v, beta)).collect();
    let values = values.ok_or_else(|| call.refuse("beta·C is not exact in 64-bit floats"))?;
    Ok(Tensor::new(c.shape.clone(), values))
}

/// x·B with x [N, K] and B [K, M] or [K]. Axes of size 1 in front of K are kept.
pub(super) fn mat_mul(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if let (Value::Float(weight), Value::Node(node)) = (call.input(0)?, call.input(1)?) {
        return from_left(importer, call, weight, *node);
    }
    let input = variable(call)?;
    let weight = call.float(1, "matrix (input 1)")?;
    let shape = importer.graph.node(input).shape.clone();
    let misfit = || {
        call.misfit(
            "an input [N, K] and a matrix [K, M]",
            format!("N, then {shape:?}, and a constant {:?}", weight.shape),
        )
    };
    let (lead, vector) = match (&shape[..], &weight.shape[..]) {
        ([lead @ .., _], [_, _]) => (lead, false),
        ([lead @ .., _], [_]) => (lead, true),
        _ => return Err(misfit()),
    };
    if vector && importer.turned.contains(call.input_name(0)) {
        let what = "MatMul of a transposed value and a vector is not supported: runtimes that simplify it make another product";
        return Err(call.refuse(what));
    }
    let matrix = if vector { weight.reshaped(vec![weight.len(), 1]) } else { weight.clone() };
    if shape.last() != Some(&matrix.shape[0]) {
        return Err(misfit());
    }
    let value = match lead.iter().product() {
        1 => dense(importer, call, input, &matrix, false, None)?,
        rows => everywhere(importer, call, input, &matrix, rows)?,
    };
    let mut shape = lead.to_vec();
    if !vector {
        shape.push(matrix.shape[1]);
    }
    Ok(Value::Node(importer.reshape(call, value, &shape)?))
}

/// B·x with B [M, K] and x [N, K, J]: the transpose of xᵀ·Bᵀ.
fn from_left(importer: &mut Importer, call: &Call, weight: &Tensor, node: NodeId) -> Result<Value, ModelError> {
    let shape = importer.graph.node(node).shape.clone();
    let (&[outputs, inner], &[also, cols]) = (&weight.shape[..], &shape[..]) else {
        return Err(
            call.refuse("a constant on the left is supported as a matrix, times [N, K, J]: else it would mix samples")
        );
    };
    if inner != also {
        return Err(call.misfit(format!("[N, {inner}, J]"), format!("[N, {also}, {cols}]")));
    }
    let (turned, walk) = permuted(&shape, &[1, 0]);
    let columns = pick(importer, call, node, &turned, walk)?;
    let products = match cols {
        1 => dense(importer, call, columns, weight, true, None)?,
        _ => {
            let (moved, walk) = permuted(&weight.shape, &[1, 0]);
            everywhere(importer, call, columns, &weight.picked(moved, walk), cols)?
        }
    };
    let (result, walk) = permuted(&[cols, outputs], &[1, 0]);
    pick(importer, call, products, &result, walk).map(Value::Node)
}

fn variable(call: &Call) -> Result<NodeId, ModelError> {
    match call.input(0)? {
        Value::Node(node) => Ok(*node),
        _ if matches!(call.optional(1), Some(Value::Node(_))) => {
            Err(call.refuse("a constant matrix on the left is not supported: it would mix the samples of a batch"))
        }
        _ => Err(call.refuse("a matrix product of two constants is not supported")),
    }
}

/// A linear layer with the weight [K, M], or [M, K] if `transposed`.
pub(super) fn dense(
    importer: &mut Importer,
    call: &Call,
    input: NodeId,
    weight: &Tensor,
    transposed: bool,
    bias: Option<Vec<f32>>,
) -> Result<NodeId, ModelError> {
    let (rows, cols) = match (weight.shape[0], weight.shape[1]) {
        (rows, cols) if transposed => (rows, cols),
        (cols, rows) => (rows, cols),
    };
    let found = importer.graph.node(input).size();
    if found != cols {
        return Err(call.misfit(format!("{cols} input features"), format!("{found}")));
    }
    let singles = singles(call, weight)?;
    importer.spend_shape(call, &weight.shape)?;
    let weight = match transposed {
        true => Arc::clone(singles),
        false => Arc::new(flipped(singles, rows)),
    };
    let bias = bias.unwrap_or_else(|| vec![0.0; rows]);
    importer.push_dense(call, Matrix::shared(rows, cols, weight), &bias, input)
}

/// `rows` vectors, one behind the other, each times the weight [K, M]: a window over one vector, at every one of them.
fn everywhere(
    importer: &mut Importer,
    call: &Call,
    input: NodeId,
    weight: &Tensor,
    rows: usize,
) -> Result<NodeId, ModelError> {
    let (cells, outputs) = (weight.shape[0], weight.shape[1]);
    let weight = flipped(singles(call, weight)?, outputs);
    let axis = |input: usize, cells: usize| Axis::new(input, cells, 1, 1, 0, 0).expect("no axis is empty");
    let axes = [axis(rows, 1), axis(cells, cells)];
    let windows = Map::Windows(Windows::new(1, [1, outputs], axes, weight));
    let value = importer.push(call, Layer::Linear(windows, vec![]), &[input])?;
    let places = (0..rows).flat_map(|row| (0..outputs).map(move |output| output * rows + row));
    pick(importer, call, value, &[rows * outputs], places)
}

/// The entries of a weight.
fn singles<'a>(call: &Call, weight: &'a Tensor) -> Result<&'a Arc<Vec<f32>>, ModelError> {
    weight.as_single().ok_or_else(|| {
        let wide = weight.iter().position(|v| !fits(v)).unwrap_or(0);
        let place = place(wide, &weight.shape);
        call.refuse(format!("the weight {place} = {} is not a 32-bit float", weight.get(wide)))
    })
}

/// The transpose `[rows × cols]` of a matrix `[cols × rows]`, by square pieces that stay near the processor.
fn flipped(matrix: &[f32], rows: usize) -> Vec<f32> {
    const PIECE: usize = 32;
    let cols = matrix.len() / rows;
    let mut flipped = vec![0.0; matrix.len()];
    for first in (0..cols).step_by(PIECE) {
        for top in (0..rows).step_by(PIECE) {
            for i in top..rows.min(top + PIECE) {
                for j in first..cols.min(first + PIECE) {
                    flipped[i * cols + j] = matrix[j * rows + i];
                }
            }
        }
    }
    flipped
}

/// Inference: a·x + b per channel, the coefficients rounded once (see [`super::batch_norm`]).
pub(super) fn batch_normalization(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if call.flag("training_mode")? {
        return Err(call.refuse("BatchNormalization in training mode is not supported"));
    }
    let epsilon = call.float_attribute("epsilon")?.unwrap_or(1e-5);
    let Value::Node(input) = call.input(0)? else {
        return Err(call.refuse("BatchNormalization of a constant is not supported"));
    };
    let shape = importer.graph.node(*input).shape.clone();
    let Some(&channels) = shape.first() else {
        return Err(call.misfit("an input [N, channels, …]", "[N]"));
    };
    let parameter = |index: usize, what: &str| {
        let tensor = call.float(index, what)?;
        match tensor.shape == [channels] {
            true => Ok(tensor),
            false => Err(call.misfit(format!("{what} of shape [{channels}]"), format!("{:?}", tensor.shape))),
        }
    };
    let (scale, bias) = (parameter(1, "scale")?, parameter(2, "bias")?);
    let (mean, var) = (parameter(3, "mean")?, parameter(4, "variance")?);
    importer.spend_shape(call, &shape)?;
    let spatial = shape[1..].iter().product::<usize>();
    let (mut gains, mut offsets) = (vec![], vec![]);
    for i in 0..channels {
        let epsilon = f64::from(epsilon);
        let channel = Channel { scale: scale.get(i), bias: bias.get(i), mean: mean.get(i), var: var.get(i), epsilon };
        let (a, b) = channel.coefficients().map_err(|what| call.refuse(format!("channel {i}: {what}")))?;
        gains.extend(std::iter::repeat_n(f64::from(a), spatial));
        offsets.extend(std::iter::repeat_n(f64::from(b), spatial));
    }
    let scaled = importer.push(call, Layer::Scale(gains), &[*input])?;
    Ok(Value::Node(importer.push(call, Layer::Shift(offsets), &[scaled])?))
}
