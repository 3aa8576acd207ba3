//! What the affine ONNX operators mean.

use crate::budget;
use crate::network::curve::Curve;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::network::windows::{Axis, Windows};
use crate::number::exact::{Exact, Float};
use crate::number::product::Factors;
use crate::onnx::batch_norm::Channel;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::cancelled::{regained, softened};
use crate::onnx::conditions::rectified;
use crate::onnx::faced::constant_at;
use crate::onnx::nodes::{Answer, affine, broadcast, picked, repeated, same_shape, sample_sizes, size, unit};
use crate::onnx::sizes;
use crate::onnx::smooth;
use crate::onnx::tensor::Floats;
use crate::rejection::{Code, Rejection};
use dashu_int::ops::{BitTest, Gcd};
use dashu_int::{IBig, UBig};

/// 1.
const ONE: u32 = 0x3f80_0000;
/// 1e-5, the default of BatchNormalization.
const EPSILON: u32 = 0x3727_c5ac;

/// α·x·W + β·c.
pub fn gemm(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if call.flag("transA")? {
        return Err(call.refuse(Code::Unsupported, "transA = 0", "another value"));
    }
    if values.has_batch {
        return gemm_of(graph, call, values);
    }
    // Without a batch axis in the file the one row of a sample stands behind it.
    let (of, &[1, cols]) = call.node(0, values)? else {
        return Err(call.refuse(Code::Unsupported, "one row, where there is no batch axis", "another shape"));
    };
    let mut row = call.clone();
    row.replace(0, Value::Node(of, vec![cols]), values)?;
    if let Some(Value::Node(bias, shape)) = call.optional(2, values)? {
        row.replace(2, Value::Node(*bias, vec![size(shape)]), values)?;
    }
    let Value::Node(product, rows) = gemm_of(graph, &row, values)? else { unreachable!("a node") };
    Ok(Value::Node(product, [vec![1], rows].concat()))
}

fn gemm_of(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    let map = matrix(call, call.floats(1, values)?, !call.flag("transB")?)?;
    if shape.len() != 1 {
        return Err(call.refuse(Code::ShapeMismatch, "an operand [N, K]", format!("{shape:?}")));
    }
    check_last_axis(call, shape, &map)?;
    let rows = map.rows().len();
    let (alpha, beta) = (call.float("alpha", ONE)?, call.float("beta", ONE)?);
    let mut terms = vec![(of, map)];
    if alpha != Float::ONE {
        let Value::Node(product, _) = affine(graph, call, terms, None, vec![rows])? else { unreachable!("a node") };
        terms = vec![(product, Map::multiple(rows, alpha))];
    }
    let offset = match call.optional(2, values)? {
        None => None,
        Some(Value::Node(bias, shape)) => {
            same_shape(call, &[rows], shape)?;
            terms.push((*bias, Map::multiple(rows, beta)));
            None
        }
        Some(constant) => Some(Exact::dyadics(&broadcast(call, constant, &[rows])?).times(&Exact::dyadics(&[beta]))?),
    };
    affine(graph, call, terms, offset, vec![rows])
}

/// x·W, W a matrix or a vector.
pub fn mat_mul(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if let (Value::Floats(dims, weights), Value::Node(of, shape)) = (call.input(0, values)?, call.input(1, values)?) {
        return from_left(graph, call, (dims, weights), (*of, shape));
    }
    let (of, shape) = call.node(0, values)?;
    let mut shape = shape.to_vec();
    let vector = matches!(call.input(1, values)?, Value::Floats(dims, _) if dims.len() == 1);
    if vector && call.inputs().next().is_some_and(|of| values.turned.contains(of)) {
        // Runtimes that simplify such a product make another one of it.
        return Err(call.refuse(Code::Unsupported, "a matrix behind a Transpose", "a vector"));
    }
    let map = match call.input(1, values)? {
        Value::Floats(dims, weights) if vector => Map::dense(1, dims[0], weights.clone()),
        _ => matrix(call, call.floats(1, values)?, true)?,
    };
    check_last_axis(call, &shape, &map)?;
    let (cells, outputs) = (map.cols(), map.rows().len());
    shape.pop();
    let rows = size(&shape);
    if !vector {
        shape.push(outputs);
    }
    let map = match map {
        // Each of the vectors by itself: a window over one of them, at every one.
        Map::Windows { weights, .. } if rows != 1 => {
            let axes = [Axis { output: rows, cells: 1, ..Axis::whole(rows) }, Axis::whole(cells)];
            Map::Windows { windows: Windows { groups: 1, inputs: 1, outputs, axes }, weights }
        }
        map => map,
    };
    let products = affine(graph, call, vec![(of, map)], None, vec![outputs, rows])?;
    let places = (0..rows).flat_map(|row| (0..outputs).map(move |output| output * rows + row)).collect();
    picked(graph, call, &products, places, shape)
}

/// W·x, W a matrix and x [N, K, J]: a window over the first axis of a sample, at every place of the second.
fn from_left(
    graph: &mut Graph,
    call: &Call,
    (dims, weights): (&[usize], &Floats),
    (of, shape): (usize, &[usize]),
) -> Answer {
    let (&[outputs, inner], &[also, cols]) = (dims, shape) else {
        return Err(call.refuse(Code::Unsupported, "a constant matrix times [N, K, J]", format!("{dims:?}")));
    };
    if inner != also {
        return Err(call.refuse(Code::ShapeMismatch, &format!("[N, {inner}, J]"), format!("[N, {shape:?}]")));
    }
    let axes = [Axis::whole(inner), Axis { output: cols, cells: 1, ..Axis::whole(cols) }];
    let windows = Windows { groups: 1, inputs: 1, outputs, axes };
    let map = Map::Windows { windows, weights: Factors::new(weights.clone()) };
    affine(graph, call, vec![(of, map)], None, vec![outputs, cols])
}

pub fn check_last_axis(call: &Call, shape: &[usize], map: &Map) -> Result<(), Rejection> {
    if shape.last() == Some(&map.cols()) {
        return Ok(());
    }
    Err(call.refuse(Code::ShapeMismatch, &format!("a last axis of {}", map.cols()), format!("{shape:?}")))
}

/// A matrix constant as a map that multiplies a vector from the left, transposed or not.
pub fn matrix(call: &Call, (dims, weights): (&[usize], &Floats), transpose: bool) -> Result<Map, Rejection> {
    let &[a, b] = dims else {
        return Err(call.refuse(Code::ShapeMismatch, "a matrix", format!("{dims:?}")));
    };
    if !transpose {
        return Ok(Map::dense(a, b, weights.clone()));
    }
    Ok(Map::dense(b, a, weights.picked((0..weights.len()).map(|i| i % a * b + i / a))))
}

/// Add, Sub, Mul and Div.
pub fn binary(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (a, b) = (call.input(0, values)?, call.input(1, values)?);
    let minus = Float::ONE.negated();
    match (a, b) {
        (Value::Node(a, _), Value::Node(b, _)) if a == b && call.operator == "Mul" => {
            smooth::square(graph, call, values)
        }
        (Value::Node(id, shape), other @ Value::Node(_, also))
        | (other @ Value::Node(_, also), Value::Node(id, shape))
            if call.operator == "Mul" && shape.len() == also.len() && constant_at(graph, *id).is_some() =>
        {
            let floats = constant_at(graph, *id).unwrap_or_else(|| Floats::Numbers(vec![]));
            let constant = Value::Floats([vec![1], shape.clone()].concat(), floats);
            let mut product = call.clone();
            product.replace(0, other.clone(), values)?;
            product.replace(1, constant, values)?;
            binary(graph, &product, values)
        }
        (Value::Node(a, shape), Value::Node(b, other)) if shape.len() == other.len() => {
            let (a, own) = repeated(graph, call, (*a, shape), other)?;
            let (b, other) = repeated(graph, call, (*b, other), shape)?;
            same_shape(call, &own, &other)?;
            let times = |factor| Map::multiple(size(&own), factor);
            let factor = match call.operator {
                "Add" => Float::ONE,
                "Sub" => minus,
                _ => {
                    let found = "two operands that depend on the input";
                    return Err(call.refuse(Code::Unsupported, "a constant factor", found));
                }
            };
            if call.operator == "Add" {
                for (a, b) in [(a, b), (b, a)] {
                    if let Some(rest) = regained(graph, a, b)? {
                        return Ok(Value::Node(rest, own));
                    }
                    if let Some(u) = softened(graph, a, b)? {
                        return unit(graph, call, Op::Smooth(Curve::Softplus(None), vec![u]), own);
                    }
                }
            }
            let operands = [&Value::Node(a, own.clone()), &Value::Node(b, other)];
            if let Some(unit) = rectified(graph, call, operands, factor)? {
                return Ok(unit);
            }
            affine(graph, call, vec![(a, times(Float::ONE)), (b, times(factor))], None, own.clone())
        }
        (Value::Node(of, shape), constant @ Value::Floats(dims, _)) => {
            let (of, shape) = repeated(graph, call, (*of, shape), sample_sizes(dims, shape.len()))?;
            let c = broadcast(call, constant, &shape)?;
            let (factors, offset) = match call.operator {
                "Add" => (None, Some(Exact::dyadics(&c))),
                "Sub" => (None, Some(Exact::dyadics(&c).negated())),
                "Mul" => (Some(Exact::dyadics(&c)), None),
                _ => (Some(reciprocals(call, &c)?), None),
            };
            let factors = factors.unwrap_or_else(|| Exact::dyadics(&[Float::ONE]));
            let map = Map::diagonal(size(&shape), factors);
            affine(graph, call, vec![(of, map)], offset, shape)
        }
        (constant @ Value::Floats(dims, _), Value::Node(of, shape)) => {
            let (of, shape) = repeated(graph, call, (*of, shape), sample_sizes(dims, shape.len()))?;
            let c = Exact::dyadics(&broadcast(call, constant, &shape)?);
            let (map, offset) = match call.operator {
                "Add" => (Map::multiple(size(&shape), Float::ONE), Some(c)),
                "Mul" => (Map::diagonal(size(&shape), c), None),
                "Sub" => (Map::multiple(size(&shape), minus), Some(c)),
                _ => return Err(call.refuse(Code::Unsupported, "a constant divisor", "one that depends on the input")),
            };
            affine(graph, call, vec![(of, map)], offset, shape)
        }
        _ => sizes::arithmetic(call, a, b),
    }
}

/// A value plus a constant that spreads over it.
pub fn plus(graph: &mut Graph, call: &Call, value: &Value, constant: &Value) -> Answer {
    let Value::Node(of, shape) = value else { return Err(call.refuse_value()) };
    let offset = Some(Exact::dyadics(&broadcast(call, constant, shape)?));
    affine(graph, call, vec![(*of, Map::multiple(size(shape), Float::ONE))], offset, shape.clone())
}

/// Σ x of values of one shape, and of constants.
pub fn sum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let operands = (0..call.arity()).map(|k| call.input(k, values)).collect::<Result<Vec<_>, _>>()?;
    let Some(Value::Node(_, shape)) = operands.iter().copied().find(|v| matches!(v, Value::Node(..))) else {
        return Err(call.refuse(Code::Unsupported, "an operand that depends on the input", "constants alone"));
    };
    let (mut terms, mut offset) = (Vec::with_capacity(operands.len()), Exact::zeros(size(shape)));
    for operand in operands {
        match operand {
            Value::Node(id, other) => {
                same_shape(call, shape, other)?;
                terms.push((*id, Map::multiple(size(shape), Float::ONE)));
            }
            constant => offset = offset.plus(Exact::dyadics(&broadcast(call, constant, shape)?))?,
        }
    }
    affine(graph, call, terms, Some(offset), shape.clone())
}

/// −x.
pub fn negate(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    match call.input(0, values)? {
        Value::Node(of, shape) => {
            let map = Map::multiple(size(shape), Float::ONE.negated());
            affine(graph, call, vec![(*of, map)], None, shape.clone())
        }
        Value::Floats(dims, floats) => {
            let numbers = floats.iter().map(Float::negated).collect();
            Ok(Value::Floats(dims.clone(), Floats::Numbers(numbers)))
        }
        _ => Err(call.refuse(Code::Unsupported, "floats", "others")),
    }
}

/// 1/c for every c, over one denominator.
pub fn reciprocals(call: &Call, divisors: &[Float]) -> Result<Exact, Rejection> {
    if divisors.iter().any(|c| c.mantissa == 0) {
        return Err(call.refuse(Code::NotFinite, "divisors that are not 0", "0"));
    }
    let odd = |c: &Float| UBig::from(c.mantissa.unsigned_abs());
    let mut denominator = UBig::ONE;
    for c in divisors.iter().map(odd) {
        let common = (&denominator).gcd(&c);
        denominator *= c / common;
        budget::within(call.name, "bits", denominator.bit_len() as u64, budget::BITS)?;
    }
    let exponent = divisors.iter().map(|c| -c.exponent).min().unwrap_or(0);
    let value = |c: &Float| {
        let magnitude = IBig::from(&denominator / odd(c)) << (-c.exponent - exponent) as usize;
        if c.mantissa < 0 { -magnitude } else { magnitude }
    };
    Ok(Exact { values: divisors.iter().map(value).collect(), exponent, denominator })
}

/// Inference over axis 1.
pub fn batch_norm(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if call.flag("training_mode")? {
        return Err(call.refuse(Code::Unsupported, "inference", "training mode"));
    }
    let (of, shape) = call.node(0, values)?;
    let Some(&channels) = shape.first() else {
        return Err(call.refuse(Code::ShapeMismatch, "an operand with channels", "none"));
    };
    let parameter = |k: usize| match call.floats(k, values)? {
        (dims, floats) if dims == [channels] => Ok(floats),
        (dims, _) => {
            Err(call.refuse(Code::ShapeMismatch, &format!("{channels} numbers in input {k}"), format!("{dims:?}")))
        }
    };
    let (scale, bias, mean, variance) = (parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?);
    let epsilon = call.float("epsilon", EPSILON)?;
    let (mut gains, mut offsets) = (Vec::new(), Vec::new());
    let repeat = size(shape) / channels;
    for c in 0..channels {
        let channel =
            Channel { scale: scale.at(c), bias: bias.at(c), mean: mean.at(c), variance: variance.at(c), epsilon };
        let misfit = |found| call.refuse(Code::NotFinite, &format!("finite coefficients of channel {c}"), found);
        let (gain, offset) = channel.coefficients().map_err(misfit)?;
        gains.extend(std::iter::repeat_n(gain, repeat));
        offsets.extend(std::iter::repeat_n(offset, repeat));
    }
    let map = Map::diagonal(size(shape), Exact::dyadics(&gains));
    affine(graph, call, vec![(of, map)], Some(Exact::dyadics(&offsets)), shape.to_vec())
}
