//! Operators that are units.

use crate::network::graph::{End, Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, affine, broadcast, repeated, same_shape, sample_sizes, size, unit};
use crate::onnx::tensor::{Floats, Kind};
use crate::rejection::{Code, Rejection};

/// t for t ≥ 0, below·t for t < 0.
pub fn kink(graph: &mut Graph, call: &Call, values: &Values, below: Float) -> Answer {
    let (of, shape) = call.node(0, values)?;
    // Probabilities are their own absolute values.
    if below == Float::ONE.negated() && matches!(graph.nodes[of].op, Op::End { end: End::Sigmoid | End::Softmax, .. }) {
        return Ok(call.input(0, values)?.clone());
    }
    unit(graph, call, Op::Kink { of, below, above: Float::ONE }, shape.to_vec())
}

/// t for t ≥ 0, slope·t for t < 0, with a slope for every entry: one for all, or none above 1.
pub fn parametric(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, shape) = call.node(0, values)?;
    let slopes = broadcast(call, call.input(1, values)?, shape)?;
    match slopes.first() {
        Some(first) if slopes.iter().all(|slope| slope == first) => kink(graph, call, values, *first),
        _ if slopes.iter().any(|slope| slope.exceeds(Float::ONE)) => {
            Err(call.refuse(Code::Unsupported, "slopes of at most 1, or one for all entries", "others"))
        }
        _ => {
            let scaled = Map::diagonal(size(shape), Exact::dyadics(&slopes));
            let scaled = affine(graph, call, vec![(of, scaled)], None, shape.to_vec())?;
            maximum_of(graph, call, &[call.input(0, values)?, &scaled])
        }
    }
}

/// min(max(x, low), high). A bound that no number of its type lies beyond is none.
pub fn clip(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let largest = match call.kind(values)? {
        Some(Kind::Float64) => Float { mantissa: (1 << 53) - 1, exponent: 971 },
        _ => Float { mantissa: (1 << 24) - 1, exponent: 104 },
    };
    let bound = |k: usize| match call.optional(k, values)? {
        None => Ok(None),
        Some(Value::Floats(dims, floats)) if dims.is_empty() => Ok(Some(floats.at(0))),
        Some(Value::Infinite(above)) if *above == (k == 2) => Ok(None),
        Some(_) => Err(call.refuse(Code::Unsupported, "a constant scalar as a bound", "another operand")),
    };
    let low = bound(1)?.filter(|low| low.exceeds(largest.negated()));
    let high = bound(2)?.filter(|high| largest.exceeds(*high));
    if let (Some(low), Some(high)) = (low, high)
        && low.exceeds(high)
    {
        return Err(call.refuse(Code::Unsupported, "a lower bound that is not above the upper one", "another"));
    }
    let x = call.input(0, values)?;
    if let Value::Floats(dims, floats) = x {
        let raised = |t: Float| low.filter(|low| low.exceeds(t)).unwrap_or(t);
        let clipped = |t: Float| high.filter(|high| raised(t).exceeds(*high)).unwrap_or(raised(t));
        return Ok(Value::Floats(dims.clone(), Floats::Numbers(floats.iter().map(clipped).collect())));
    }
    let (of, shape) = call.node(0, values)?;
    let Some(high) = high else {
        let scalar = |low| Value::Floats(vec![], Floats::Numbers(vec![low]));
        return low.map_or(Ok(x.clone()), |low| maximum_of(graph, call, &[x, &scalar(low)]));
    };
    if low.is_none() {
        return at_most(graph, call, x, &Value::Floats(vec![], Floats::Numbers(vec![high])));
    }
    // low + max(x − low, 0) − max(x − high, 0).
    let all = |number: Float| Exact::dyadics(&vec![number; size(shape)]);
    let mut above = |bound: Float| {
        let terms = vec![(of, Map::multiple(size(shape), Float::ONE))];
        let Value::Node(of, _) = affine(graph, call, terms, Some(all(bound.negated())), shape.to_vec())? else {
            unreachable!("a node")
        };
        let relu = Op::Kink { of, below: Float::ZERO, above: Float::ONE };
        let Value::Node(id, _) = unit(graph, call, relu, shape.to_vec())? else { unreachable!("a node") };
        Ok::<_, Rejection>(id)
    };
    let first = low.map_or(Ok(of), &mut above)?;
    let signed = |id, sign| (id, Map::multiple(size(shape), sign));
    let terms = vec![signed(first, Float::ONE), signed(above(high)?, Float::ONE.negated())];
    affine(graph, call, terms, low.map(all), shape.to_vec())
}

/// min(x, c) of a value and a constant, which spread over each other: c + min(x − c, 0).
pub fn at_most(graph: &mut Graph, call: &Call, value: &Value, constant: &Value) -> Answer {
    let (Value::Node(of, shape), Value::Floats(dims, _)) = (value, constant) else {
        return Err(call.refuse(Code::Unsupported, "a value and a constant", "others"));
    };
    let (of, shape) = repeated(graph, call, (*of, shape), sample_sizes(dims, shape.len()))?;
    let bounds = Exact::dyadics(&broadcast(call, constant, &shape)?);
    let same = || Map::multiple(size(&shape), Float::ONE);
    let mut below = of;
    if !bounds.is_zero() {
        let offset = Some(bounds.clone().negated());
        below = graph.push("", Op::Affine { terms: vec![(of, same())], offset }, size(&shape))?;
    }
    let bent = unit(graph, call, Op::Kink { of: below, below: Float::ONE, above: Float::ZERO }, shape.clone())?;
    match bent {
        Value::Node(id, _) if !bounds.is_zero() => affine(graph, call, vec![(id, same())], Some(bounds), shape.clone()),
        bent => Ok(bent),
    }
}

/// The maximum of values of one shape, and of constants.
pub fn maximum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let operands = (0..call.arity()).map(|k| call.input(k, values)).collect::<Result<Vec<_>, _>>()?;
    maximum_of(graph, call, &operands)
}

/// The maximum of these operands.
pub fn maximum_of(graph: &mut Graph, call: &Call, operands: &[&Value]) -> Answer {
    let Some(Value::Node(first, shape)) = operands.iter().copied().find(|v| matches!(v, Value::Node(..))) else {
        return Err(call.refuse(Code::Unsupported, "an operand that depends on the input", "constants alone"));
    };
    if operands.len() == 1 {
        return Ok(Value::Node(*first, shape.clone()));
    }
    let mut shape = shape.clone();
    for operand in operands {
        let dims = match operand {
            Value::Node(_, other) if other.len() == shape.len() => other,
            Value::Floats(dims, _) => sample_sizes(dims, shape.len()),
            _ => return Err(call.refuse(Code::ShapeMismatch, "operands of as many axes", "others")),
        };
        let first = shape.len().saturating_sub(dims.len());
        for (k, &other) in dims.iter().enumerate() {
            shape.get_mut(first + k).filter(|own| **own == 1).into_iter().for_each(|own| *own = other);
        }
    }
    let mut of = Vec::with_capacity(operands.len());
    for operand in operands {
        of.push(match operand {
            Value::Node(id, own) => {
                let (id, own) = repeated(graph, call, (*id, own), &shape)?;
                same_shape(call, &shape, &own)?;
                id
            }
            constant => {
                let constant = Exact::dyadics(&broadcast(call, constant, &shape)?);
                graph.push("", Op::Affine { terms: vec![], offset: Some(constant) }, size(&shape))?
            }
        });
    }
    unit(graph, call, Op::Max(of), shape)
}
