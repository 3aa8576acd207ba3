//! Comparisons, and Where that takes the larger one of two values, as exporters write a Relu, a leaky one or Abs with it.

use crate::network::graph::{Graph, Op};
use crate::number::exact::{Exact, pairs};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, broadcast, same_shape, size};
use crate::onnx::units::maximum_of;
use crate::rejection::{Code, Rejection};
use dashu_int::{IBig, Sign};

/// Whether input 0 is larger than input 1, or the other way round where they are `swapped`.
pub fn compare(call: &Call, values: &Values, swapped: bool) -> Answer {
    let (a, b) = (call.input(0, values)?, call.input(1, values)?);
    let ((Value::Node(_, shape), other) | (other, Value::Node(_, shape))) = (a, b) else {
        return Err(call.refuse(Code::Unsupported, "an operand that depends on the input", "constants"));
    };
    match other {
        Value::Node(_, other) => same_shape(call, shape, other)?,
        constant => drop(broadcast(call, constant, shape)?),
    }
    let pair = if swapped { [b, a] } else { [a, b] };
    Ok(Value::Larger(Box::new(pair.map(Clone::clone)), shape.clone()))
}

/// The other way round: what a comparison says of equal numbers is left open.
pub fn negation(call: &Call, values: &Values) -> Answer {
    match call.input(0, values)? {
        Value::Larger(pair, shape) => {
            let [a, b] = &**pair;
            Ok(Value::Larger(Box::new([b.clone(), a.clone()]), shape.clone()))
        }
        _ => Err(call.refuse(Code::Unsupported, "a comparison", "another operand")),
    }
}

/// Where(a > b, c, d) is max(c, d) where c − d is a multiple of a − b by a number ≥ 0, entry by entry: where a = b, then
/// c = d.
pub fn larger(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let Value::Larger(pair, shape) = call.input(0, values)? else {
        return Err(call.refuse(Code::Unsupported, "a comparison", "another operand"));
    };
    let chosen = [call.input(1, values)?, call.input(2, values)?];
    let difference = |a: &Value, b: &Value| Line::of(graph, call, a, shape)?.minus(Line::of(graph, call, b, shape)?);
    let (compared, gained) = (difference(&pair[0], &pair[1])?, difference(chosen[0], chosen[1])?);
    match (compared, gained) {
        (Some(compared), Some(gained)) if gained.is_multiple_of(&compared)? => maximum_of(graph, call, &chosen),
        _ => {
            let expected = "a comparison by which it takes the larger one of its two values, everywhere";
            Err(call.refuse(Code::Unsupported, expected, "another one"))
        }
    }
}

/// slope·node + offset, entry by entry; without a node the offset alone, and slopes of 0.
struct Line {
    node: Option<usize>,
    slopes: Exact,
    offsets: Exact,
}

impl Line {
    /// A value, as far back as every entry is an affine function of the same entry of one node.
    fn of(graph: &Graph, call: &Call, value: &Value, shape: &[usize]) -> Result<Line, Rejection> {
        let size = size(shape);
        let Value::Node(id, found) = value else {
            let offsets = Exact::dyadics(&broadcast(call, value, shape)?);
            return Ok(Line { node: None, slopes: Exact::zeros(size), offsets });
        };
        same_shape(call, shape, found)?;
        let (mut node, mut slopes, mut offsets) = (*id, Exact::integers(vec![IBig::ONE; size]), Exact::zeros(size));
        while let Op::Affine { terms, offset } = &graph.nodes[node].op
            && let [(of, map)] = &terms[..]
            && let Some(factors) = map.factors()
        {
            if let Some(offset) = offset {
                offsets = offsets.plus(slopes.times(offset)?)?;
            }
            slopes = slopes.times(factors)?;
            node = *of;
        }
        Ok(Line { node: Some(node), slopes, offsets })
    }

    /// Nothing where the two are functions of different nodes.
    fn minus(self, other: Line) -> Result<Option<Line>, Rejection> {
        let node = match (self.node, other.node) {
            (Some(a), Some(b)) if a != b => return Ok(None),
            (a, b) => a.or(b),
        };
        let (slopes, offsets) = (self.slopes.minus(other.slopes)?, self.offsets.minus(other.offsets)?);
        Ok(Some(Line { node, slopes, offsets }))
    }

    /// Whether every entry is some number ≥ 0 times that of `other`, which is no constant.
    fn is_multiple_of(&self, other: &Line) -> Result<bool, Rejection> {
        let crossed = self.offsets.times(&other.slopes)?.minus(self.slopes.times(&other.offsets)?)?;
        let mut signs = pairs(&self.slopes.values, &other.slopes.values)?;
        let fits = signs.all(|(own, other)| !other.is_zero() && (own * other).sign() == Sign::Positive);
        Ok(self.node == other.node && crossed.is_zero() && fits)
    }
}
