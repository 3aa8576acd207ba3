//! Comparisons, and Where that takes the larger one of two values, as exporters write a Relu, a leaky one or Abs with it;
//! and Where that is a softplus with a threshold.

use crate::network::curve::Curve;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float, pairs};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::cancelled::Taken;
use crate::onnx::constants::float;
use crate::onnx::guards;
use crate::onnx::hubers;
use crate::onnx::nodes::{Answer, affine, broadcast, same_shape, size, unit as unit_of};
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

/// Where.
pub fn larger(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    match call.input(0, values)? {
        Value::Larger(pair, shape) => {
            choose(graph, call, pair, [call.input(1, values)?, call.input(2, values)?], shape)
        }
        Value::Fixed(truth, shape) => guards::chosen(graph, call, values, (*truth, shape)),
        Value::Integers(dims, truths) => guards::stored(graph, call, values, (dims, truths)),
        _ => Err(call.refuse(Code::Unsupported, "a comparison", "another operand")),
    }
}

/// Where(a > b, c, d) is max(c, d) where c − d is a multiple of a − b by a number ≥ 0, entry by entry: where a = b, then
/// c = d.
pub fn choose(graph: &mut Graph, call: &Call, pair: &[Value; 2], chosen: [&Value; 2], shape: &[usize]) -> Answer {
    if let Some(unit) = elu(graph, call, pair, chosen, shape)? {
        return Ok(unit);
    }
    let difference = |a: &Value, b: &Value| Line::of(graph, call, a, shape)?.minus(Line::of(graph, call, b, shape)?);
    let (compared, gained) = (difference(&pair[0], &pair[1])?, difference(chosen[0], chosen[1])?);
    match (compared, gained) {
        (Some(compared), Some(gained)) if gained.is_multiple_of(&compared)? => maximum_of(graph, call, &chosen),
        _ if let Some(unit) = threshold(graph, call, pair, chosen, shape)? => Ok(unit),
        _ if let Some(unit) = hubers::tangent(graph, call, pair, chosen, shape)? => Ok(unit),
        _ if let Some(unit) = hubers::one_sided(graph, call, pair, chosen, shape)? => Ok(unit),
        _ => {
            let expected = "a comparison by which it takes the larger one of its two values, everywhere, or is an Elu or a Huber function";
            Err(call.refuse(Code::Unsupported, expected, "another one"))
        }
    }
}

/// u where u > 0, else α(e^u − 1), or α·Elu(u), or the same of min(u, 0); a comparison that says just where u > 0.
fn elu(
    graph: &mut Graph,
    call: &Call,
    pair: &[Value; 2],
    chosen: [&Value; 2],
    shape: &[usize],
) -> Result<Option<Value>, Rejection> {
    let (bent, above, compared) = match [below_zero(graph, chosen[0])?, below_zero(graph, chosen[1])?] {
        [_, Some(bent)] => (bent, chosen[0], [&pair[0], &pair[1]]),
        [Some(bent), None] => (bent, chosen[1], [&pair[1], &pair[0]]),
        _ => return Ok(None),
    };
    let (of, alpha) = bent;
    if !matches!(above, Value::Node(..)) || graph.nodes[of].size != size(shape) {
        return Ok(None);
    }
    let argument = Line::of(graph, call, &Value::Node(of, shape.to_vec()), shape)?;
    let [larger, smaller] = compared.map(|value| Line::of(graph, call, value, shape));
    let Some(compared) = larger?.minus(smaller?)? else { return Ok(None) };
    let is_argument = Line::of(graph, call, above, shape)?.is(&argument)?;
    if !is_argument || !argument.is_multiple_of(&compared)? {
        return Ok(None);
    }
    if alpha.mantissa <= 0 || alpha.exceeds(Float::ONE) {
        return Err(call.refuse(Code::Unsupported, "an Elu of 0 < alpha ≤ 1, as convex ones have it", "another alpha"));
    }
    unit_of(graph, call, Op::Smooth(Curve::Elu(alpha), vec![of]), shape.to_vec()).map(Some)
}

/// u and α, where a value is α(e^u − 1) for u < 0.
fn below_zero(graph: &Graph, value: &Value) -> Result<Option<(usize, Float)>, Rejection> {
    match value {
        Value::Exponential(e) if e.offset == e.factor.negated() => Ok(Some(match graph.nodes[e.of].op {
            Op::Kink { of, below: Float::ONE, above: Float::ZERO } => (of, e.factor),
            _ => (e.of, e.factor),
        })),
        Value::Node(id, _) => {
            let taken = Taken::back(graph, *id)?;
            let in_place = taken.places.iter().enumerate().all(|(i, &at)| i == at);
            let (Op::Smooth(Curve::Elu(alpha), of), true) = (&graph.nodes[taken.of].op, in_place) else {
                return Ok(None);
            };
            let alpha = taken.factor.times(&Exact::dyadics(&[*alpha]))?.trimmed()?;
            let whole = alpha.denominator.is_one();
            Ok(float(alpha.values[0].clone(), alpha.exponent).filter(|_| whole).map(|alpha| (of[0], alpha)))
        }
        _ => Ok(None),
    }
}

/// Where(t > θ, w·t, w·softplus(t)), w > 0: w times a softplus with a threshold.
fn threshold(
    graph: &mut Graph,
    call: &Call,
    pair: &[Value; 2],
    chosen: [&Value; 2],
    shape: &[usize],
) -> Result<Option<Value>, Rejection> {
    // The other way round it is the same, up to what happens at θ.
    let (argument, edge, above, below) = match pair {
        [argument @ Value::Node(..), edge @ Value::Floats(..)] => (argument, edge, chosen[0], chosen[1]),
        [edge @ Value::Floats(..), argument @ Value::Node(..)] => (argument, edge, chosen[1], chosen[0]),
        _ => return Ok(None),
    };
    let edges = broadcast(call, edge, shape)?;
    let below = Line::of(graph, call, below, shape)?;
    let (Some(unit), true) = (below.node, edges.iter().all(|edge| *edge == edges[0])) else { return Ok(None) };
    let Op::Smooth(Curve::Softplus(None), of) = &graph.nodes[unit].op else { return Ok(None) };
    let of = of[0];
    let inner = Line::of(graph, call, &Value::Node(of, shape.to_vec()), shape)?;
    let argument = Line::of(graph, call, argument, shape)?;
    let above = Line::of(graph, call, above, shape)?;
    let times =
        Line { slopes: inner.slopes.times(&below.slopes)?, offsets: inner.offsets.times(&below.slopes)?, ..inner };
    let rises = below.offsets.is_zero() && below.slopes.values.iter().all(|slope| *slope > IBig::ZERO);
    if !(rises && inner.is(&argument)? && times.is(&above)?) {
        return Ok(None);
    }
    let curve = Curve::Softplus(Some(edges[0]));
    let Value::Node(bent, shape) = unit_of(graph, call, Op::Smooth(curve, vec![of]), shape.to_vec())? else {
        unreachable!("a node")
    };
    let map = Map::diagonal(size(&shape), below.slopes);
    affine(graph, call, vec![(bent, map)], None, shape).map(Some)
}

/// α·relu(y) + factor·β·relu(−y) with a negative part: max(α·y, −factor·β·y), where that is the same.
pub fn rectified(
    graph: &mut Graph,
    call: &Call,
    operands: [&Value; 2],
    factor: Float,
) -> Result<Option<Value>, Rejection> {
    let Value::Node(_, shape) = operands[0] else { return Ok(None) };
    let (a, b) = (Line::of(graph, call, operands[0], shape)?, Line::of(graph, call, operands[1], shape)?);
    let relu = |line: &Line| match graph.nodes[line.node?].op {
        Op::Kink { of, below: Float::ZERO, above: Float::ONE } if line.offsets.is_zero() => Some(of),
        _ => None,
    };
    let (Some(y), Some(z)) = (relu(&a), relu(&b)) else { return Ok(None) };
    let line = |id| Line::of(graph, call, &Value::Node(id, shape.clone()), shape);
    let (own, other) = (line(y)?, line(z)?);
    let opposite = own.node == other.node
        && own.slopes.plus(other.slopes)?.is_zero()
        && own.offsets.plus(other.offsets)?.is_zero();
    let below = b.slopes.times(&Exact::dyadics(&vec![factor; size(shape)]))?;
    let negative = |exact: &Exact| exact.values.iter().any(|value| *value < IBig::ZERO);
    let bends = negative(&a.slopes) || negative(&below);
    if !opposite || !bends || negative(&a.slopes.clone().plus(below.clone())?) {
        return Ok(None);
    }
    let mut side = |slopes| affine(graph, call, vec![(y, Map::diagonal(size(shape), slopes))], None, shape.clone());
    let sides = [side(a.slopes)?, side(below.negated())?];
    maximum_of(graph, call, &[&sides[0], &sides[1]]).map(Some)
}

/// slope·node + offset, entry by entry; without a node the offset alone, and slopes of 0.
pub struct Line {
    node: Option<usize>,
    slopes: Exact,
    offsets: Exact,
}

impl Line {
    /// A value, as far back as every entry is an affine function of the same entry of one node.
    pub fn of(graph: &Graph, call: &Call, value: &Value, shape: &[usize]) -> Result<Line, Rejection> {
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
        // The same for every sample.
        if let Op::Affine { terms, offset: Some(constant) } = &graph.nodes[node].op
            && terms.is_empty()
        {
            return Ok(Line {
                node: None,
                slopes: Exact::zeros(size),
                offsets: offsets.plus(slopes.times(constant)?)?,
            });
        }
        Ok(Line { node: Some(node), slopes, offsets })
    }

    /// Whether both are the same function.
    pub fn is(&self, other: &Line) -> Result<bool, Rejection> {
        let alike = |a: &Exact, b: &Exact| Ok::<bool, Rejection>(a.clone().minus(b.clone())?.is_zero());
        Ok(self.node == other.node && alike(&self.slopes, &other.slopes)? && alike(&self.offsets, &other.offsets)?)
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.slopes.is_zero() && self.offsets.is_zero()
    }

    /// by·t − less, where t is this line.
    pub fn scaled(&self, by: &Exact, less: &Exact) -> Result<Line, Rejection> {
        let (slopes, offsets) = (self.slopes.times(by)?, self.offsets.times(by)?.minus(less.clone())?);
        Ok(Line { node: self.node, slopes, offsets })
    }

    /// Nothing where the two are functions of different nodes.
    pub fn minus(self, other: Line) -> Result<Option<Line>, Rejection> {
        let node = match (self.node, other.node) {
            (Some(a), Some(b)) if a != b => return Ok(None),
            (a, b) => a.or(b),
        };
        let (slopes, offsets) = (self.slopes.minus(other.slopes)?, self.offsets.minus(other.offsets)?);
        Ok(Some(Line { node, slopes, offsets }))
    }

    /// Whether every entry is some number ≥ 0 times that of `other`, which is no constant.
    pub fn is_multiple_of(&self, other: &Line) -> Result<bool, Rejection> {
        let crossed = self.offsets.times(&other.slopes)?.minus(self.slopes.times(&other.offsets)?)?;
        let mut signs = pairs(&self.slopes.values, &other.slopes.values)?;
        let fits = signs.all(|(own, other)| !other.is_zero() && (own * other).sign() == Sign::Positive);
        Ok(self.node == other.node && crossed.is_zero() && fits)
    }
}
