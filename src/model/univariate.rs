//! Nodes whose every entry is a function of one input coordinate, whatever kinks, maxima and affine steps it is made of:
//! continuous, piecewise linear, and composed exactly into one list of pieces.

use super::graph::{Graph, Node};
use super::minorant::Enclosed;
use super::op::{Affine, Kink, NodeId, Op};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

/// More pieces are not composed.
const MOST_PIECES: usize = 64;

/// A kink of one coordinate: v ↦ K(v − at), up to a constant.
#[derive(Clone, Copy, Debug)]
pub struct Bend {
    /// The coordinate's value there.
    pub at: Enclosed,
    /// The slopes before and after, each within `error` of the exact one, relatively.
    pub kink: Kink,
    /// 0 where both are exact.
    pub error: f64,
}

impl Bend {
    /// v − at at a value `x`.
    pub fn argument(&self, x: f64) -> Enclosed {
        let value = x - self.at.value;
        Enclosed { value, error: self.at.error + if value == 0.0 { 0.0 } else { f64::EPSILON * value.abs() } }
    }

    /// What multiplies the change of the coordinate: 1, with the slopes' error.
    pub fn scale(&self) -> Enclosed {
        Enclosed { value: 1.0, error: self.error }
    }
}

/// Per entry the coordinate that it hangs on; `None` for a constant.
pub(super) type Coordinates = Vec<Option<usize>>;

/// For every node what its entries hang on, where that is one coordinate each.
pub(super) fn coordinates(graph: &Graph) -> Vec<Option<Coordinates>> {
    let mut known: Vec<Option<Coordinates>> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let inputs: Option<Vec<&Coordinates>> = node.inputs.iter().map(|&input| known[input].as_ref()).collect();
        let found = inputs.and_then(|inputs| hang_on(node, &inputs));
        known.push(found);
    }
    known
}

fn hang_on(node: &Node, inputs: &[&Coordinates]) -> Option<Coordinates> {
    match &node.op {
        Op::Input => Some((0..node.size()).map(Some).collect()),
        Op::Affine(affine) => {
            (0..node.size()).map(|i| affine.entries(i).map(|(k, j, _)| inputs[k][j]).try_fold(None, join)).collect()
        }
        Op::Kink(_) => Some(inputs[0].clone()),
        Op::Smooth(_) => None,
        Op::Max => (0..node.size()).map(|i| inputs.iter().map(|input| input[i]).try_fold(None, join)).collect(),
    }
}

/// The coordinate that both hang on, if there is one; `None` where there are two.
fn join(a: Option<usize>, b: Option<usize>) -> Option<Option<usize>> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => Some(a.or(b)),
    }
}

/// The functions of every entry of the `wanted` nodes and of what they are made of; empty for other nodes.
///
/// # Errors
/// The node one of whose entries has too many pieces.
pub(super) fn functions(graph: &Graph, wanted: &[bool]) -> Result<Vec<Vec<Function>>, NodeId> {
    let mut known: Vec<Vec<Function>> = Vec::with_capacity(graph.nodes().len());
    for (id, node) in graph.nodes().iter().enumerate() {
        let found = if wanted[id] { of_node(node, &known) } else { Vec::new() };
        if found.iter().any(|function| function.places.len() >= MOST_PIECES) {
            return Err(id);
        }
        known.push(found);
    }
    Ok(known)
}

fn of_node(node: &Node, known: &[Vec<Function>]) -> Vec<Function> {
    let input = |k: usize| &known[node.inputs[k]];
    match &node.op {
        Op::Input => vec![Function::line(exact(1.0), exact(0.0)); node.size()],
        Op::Affine(affine) => (0..node.size()).map(|i| affine_function(affine, i, &input)).collect(),
        Op::Kink(kink) => input(0).iter().map(|function| function.bent(*kink)).collect(),
        // max(p, q) = q + max(p − q, 0).
        Op::Max => {
            let larger = |p: Function, q: &Function| q.plus(&p.plus(&q.times(&exact(-1.0))).bent(Kink::RELU));
            let entry =
                |i: usize| (1..node.inputs.len()).fold(input(0)[i].clone(), |most, k| larger(most, &input(k)[i]));
            (0..node.size()).map(entry).collect()
        }
        Op::Smooth(_) => unreachable!("no function of one coordinate in pieces"),
    }
}

fn affine_function<'a>(affine: &Affine, i: usize, input: &dyn Fn(usize) -> &'a Vec<Function>) -> Function {
    let start = Function::line(exact(0.0), exact(affine.added(i)));
    affine.entries(i).fold(start, |sum, (k, j, w)| sum.plus(&input(k)[j].times(&w.exact())))
}

fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).expect("constants of a graph are finite")
}

/// A continuous piecewise-linear function.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// Where it bends, in rising order.
    places: Vec<BigRational>,
    /// Slope and offset before the first place, between two, and after the last.
    lines: Vec<(BigRational, BigRational)>,
}

impl Function {
    fn line(slope: BigRational, offset: BigRational) -> Function {
        Function { places: Vec::new(), lines: vec![(slope, offset)] }
    }

    fn times(&self, factor: &BigRational) -> Function {
        let lines = self.lines.iter().map(|(slope, offset)| (slope * factor, offset * factor)).collect();
        Function { places: self.places.clone(), lines }.tidy()
    }

    fn plus(&self, other: &Function) -> Function {
        let (mut i, mut j) = (0, 0);
        let mut sum = Function { places: Vec::new(), lines: Vec::new() };
        loop {
            let ((a, b), (c, d)) = (&self.lines[i], &other.lines[j]);
            sum.lines.push((a + c, b + d));
            let (p, q) = (self.places.get(i), other.places.get(j));
            let (first, second) = match (p, q) {
                (None, None) => return sum.tidy(),
                (Some(p), Some(q)) => (p <= q, q <= p),
                (p, q) => (p.is_some(), q.is_some()),
            };
            sum.places.extend(if first { p } else { q }.cloned());
            (i, j) = (i + usize::from(first), j + usize::from(second));
        }
    }

    /// A kink applied to it.
    fn bent(&self, kink: Kink) -> Function {
        let (below, above) = (exact(kink.below), exact(kink.above));
        let mut result = Function { places: Vec::new(), lines: Vec::new() };
        for (k, (slope, offset)) in self.lines.iter().enumerate() {
            let (low, high) = (k.checked_sub(1).map(|k| &self.places[k]), self.places.get(k));
            let mut add = |negative: bool| {
                let factor = if negative { &below } else { &above };
                result.lines.push((slope * factor, offset * factor));
            };
            if slope.is_zero() {
                add(offset.is_negative());
            } else {
                let zero = -offset / slope;
                let (before, after) = (low.is_none_or(|low| *low < zero), high.is_none_or(|high| zero < *high));
                if before {
                    add(slope.is_positive());
                }
                if after {
                    add(slope.is_negative());
                }
                if before && after {
                    result.places.push(zero);
                }
            }
            result.places.extend(high.cloned());
        }
        result.tidy()
    }

    /// Without places where nothing bends.
    fn tidy(mut self) -> Function {
        for k in (0..self.places.len()).rev() {
            if self.lines[k] == self.lines[k + 1] {
                self.places.remove(k);
                self.lines.remove(k + 1);
            }
        }
        self
    }

    /// An upper bound of the steepest slope's size; infinite beyond floats.
    pub(super) fn steepest(&self) -> f64 {
        let up = |(slope, _): &(BigRational, BigRational)| {
            let up = |(value, off): (f64, bool)| value.abs() * if off { 1.0 + 4.0 * f64::EPSILON } else { 1.0 };
            rounded(slope).map_or(f64::INFINITY, up)
        };
        self.lines.iter().map(up).fold(0.0, f64::max)
    }

    /// Up to a constant the same as a sum of kinks of the coordinate; `None` where floats cannot say it.
    pub(super) fn bends(&self) -> Option<Vec<Bend>> {
        let bend = |place: &BigRational, below: &BigRational, above: &BigRational| {
            let (at, off) = rounded(place)?;
            let ((below, first), (above, second)) = (rounded(below)?, rounded(above)?);
            let at = Enclosed { value: at, error: if off { f64::EPSILON * at.abs() } else { 0.0 } };
            Some(Bend { at, kink: Kink { below, above }, error: if first || second { f64::EPSILON } else { 0.0 } })
        };
        let zero = BigRational::zero();
        let slope = |k: usize| &self.lines[k].0;
        if self.places.is_empty() {
            return if slope(0).is_zero() { Some(Vec::new()) } else { Some(vec![bend(&zero, slope(0), slope(0))?]) };
        }
        let one = |(k, place): (usize, &BigRational)| match k {
            0 => bend(place, slope(0), slope(1)),
            _ => bend(place, &zero, &(slope(k + 1) - slope(k))),
        };
        self.places.iter().enumerate().map(one).collect()
    }
}

/// A float within ε·|float| of a number, and whether it is another one.
fn rounded(number: &BigRational) -> Option<(f64, bool)> {
    let value = number.to_f64().filter(|value| value.is_finite())?;
    let error = (number - exact(value)).abs();
    if error.is_zero() {
        return Some((value, false));
    }
    let within = value.is_normal() && error <= exact(value.abs()) * exact(f64::EPSILON);
    within.then_some((value, true))
}
