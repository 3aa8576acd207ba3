//! Absolute values and leaky slopes that are written with other operators.
//!
//! Two nodes are compared as affine functions of their nearest common source u: (s·u + t)/d entry by entry, where s, t
//! and d are composed exactly or not at all. So −y is recognised as Neg, as a product with −1, as 0 − y, or as m − x
//! next to x − m.

use super::exact;
use crate::model::map::{Diagonal, Map};
use crate::model::{Curve, Graph, Kink, Layer, NodeId, Op};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// How many steps are followed back from a node.
const MOST_STEPS: usize = 32;

/// y, where `a` and `b` are relu(y) and relu(−y), so that their sum is |y|.
pub(super) fn absolute(graph: &Graph, a: NodeId, b: NodeId) -> Option<NodeId> {
    let argument = |id: NodeId| (graph.node(id).op.kink() == Some(Kink::RELU)).then(|| graph.node(id).inputs[0]);
    let (y, minus) = (argument(a)?, argument(b)?);
    let (_, first, second) = from_common_source(graph, y, minus)?;
    first.is_minus(&second).then_some(y)
}

/// y and \[α, −β\], where `a` is α·relu(y) and `b` is β·relu(−y) with a negative part, and their sum max(α·y, −β·y).
pub(super) fn rectified(graph: &Graph, a: NodeId, b: NodeId) -> Option<(NodeId, [Vec<f64>; 2])> {
    let scaled = |id: NodeId| {
        let trail = trail(graph, id);
        let (&unit, steps) = trail.split_last()?;
        let start = Affine::identity(graph.node(unit).size());
        let line = steps.iter().rev().try_fold(start, |function, &id| function.then(&graph.node(id).op))?;
        let plain = line.t.iter().all(|&t| t == 0.0) && line.d.iter().all(|&d| d == 1.0);
        (graph.node(unit).op.kink() == Some(Kink::RELU) && plain).then(|| (graph.node(unit).inputs[0], line.s))
    };
    let ((y, above), (minus, below)) = (scaled(a)?, scaled(b)?);
    let (_, first, second) = from_common_source(graph, y, minus)?;
    let fits = graph.node(y).shape == graph.node(a).shape && first.is_minus(&second);
    let below: Vec<f64> = below.iter().map(|beta| -beta).collect();
    let bends = above.iter().any(|&alpha| alpha < 0.0) || below.iter().any(|&beta| beta > 0.0);
    let larger = above.iter().zip(&below).all(|(alpha, beta)| alpha >= beta);
    (fits && bends && larger).then_some((y, [above, below]))
}

/// The activation that max(a, b) is, and of which node: |a| where b = −a, a leaky slope where a and b are multiples of
/// one node.
pub(super) fn maximum(graph: &Graph, a: NodeId, b: NodeId) -> Option<(Kink, NodeId)> {
    let (source, first, second) = from_common_source(graph, a, b)?;
    if first.is_minus(&second) {
        return Some((Kink::ABS, a));
    }
    let (s, t) = (first.slope()?, second.slope()?);
    let fits = graph.node(source).shape == graph.node(a).shape;
    fits.then_some((Kink { below: s.min(t), above: s.max(t) }, source))
}

/// (s·u + t)/d, entry by entry.
struct Affine {
    s: Vec<f64>,
    t: Vec<f64>,
    d: Vec<f64>,
}

impl Affine {
    fn identity(size: usize) -> Self {
        Affine { s: vec![1.0; size], t: vec![0.0; size], d: vec![1.0; size] }
    }

    fn then(mut self, op: &Op) -> Option<Self> {
        let (map, offset) = op.elementwise()?;
        match map {
            Map::Diagonal(Diagonal { factors, divides: true }) => self.d = products(&self.d, factors)?,
            Map::Diagonal(Diagonal { factors, divides: false }) => {
                self.s = products(&self.s, factors)?;
                self.t = products(&self.t, factors)?;
            }
            _ => {}
        }
        if !offset.is_empty() {
            let c = products(offset, &self.d)?;
            self.t = self.t.iter().zip(&c).map(|(&t, &c)| exact::add(t, c)).collect::<Option<_>>()?;
        }
        Some(self)
    }

    fn is_minus(&self, other: &Affine) -> bool {
        let opposite = |a: &[f64], b: &[f64]| {
            let left = products(a, &other.d);
            let right = products(b, &self.d);
            matches!((left, right), (Some(left), Some(right)) if left.iter().zip(&right).all(|(x, y)| *x == -*y))
        };
        opposite(&self.s, &other.s) && opposite(&self.t, &other.t)
    }

    /// s, where the function is u ↦ s·u with one s for all entries.
    fn slope(&self) -> Option<f64> {
        let s = *self.s.first()?;
        let plain = self.t.iter().all(|&t| t == 0.0) && self.d.iter().all(|&d| d == 1.0);
        (plain && self.s.iter().all(|&other| other == s)).then_some(s)
    }
}

fn products(a: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    a.iter().zip(b).map(|(&a, &b)| exact::mul(a, b)).collect()
}

fn from_common_source(graph: &Graph, a: NodeId, b: NodeId) -> Option<(NodeId, Affine, Affine)> {
    if graph.node(a).shape != graph.node(b).shape {
        return None;
    }
    let (trail_a, trail_b) = (trail(graph, a), trail(graph, b));
    let steps_a = trail_a.iter().position(|id| trail_b.contains(id))?;
    let source = trail_a[steps_a];
    let steps_b = trail_b.iter().position(|&id| id == source)?;
    let compose = |trail: &[NodeId]| {
        let start = Affine::identity(graph.node(source).size());
        trail.iter().rev().try_fold(start, |function, &id| function.then(&graph.node(id).op))
    };
    Some((source, compose(&trail_a[..steps_a])?, compose(&trail_b[..steps_b])?))
}

/// The node and what it is an elementwise affine function of, nearest first.
fn trail(graph: &Graph, id: NodeId) -> Vec<NodeId> {
    let mut trail = vec![id];
    while trail.len() <= MOST_STEPS {
        let node = graph.node(trail[trail.len() - 1]);
        if node.op.elementwise().is_none() {
            break;
        }
        trail.push(node.inputs[0]);
    }
    trail
}

/// slope·node + offset, entry by entry; without a node the offset alone, and slopes of 0.
#[derive(PartialEq)]
pub(super) struct Line {
    node: Option<NodeId>,
    entries: Vec<[BigRational; 2]>,
}

impl Line {
    /// Of the nearest node that is no elementwise affine function of another one.
    pub fn of_node(graph: &Graph, id: NodeId) -> Line {
        let trail = trail(graph, id);
        let mut entries = vec![[BigRational::one(), BigRational::zero()]; graph.node(id).size()];
        for &id in &trail[..trail.len() - 1] {
            let (map, offset) = graph.node(id).op.elementwise().expect("a trail is of such nodes");
            for (i, [slope, rest]) in entries.iter_mut().enumerate() {
                if let Some(&added) = offset.get(i) {
                    *rest += &*slope * BigRational::from_float(added).expect("constants of a graph are finite");
                }
                let weight = map.entries(i).next().map_or_else(BigRational::zero, |(_, weight)| weight.exact());
                *slope *= weight;
            }
        }
        // The same for every sample.
        let last = trail.last().copied();
        match last.map(|id| graph.node(id).layer()) {
            Some(Some(Layer::Constant(values))) => {
                for ([slope, rest], value) in entries.iter_mut().zip(values) {
                    let value = BigRational::from_float(value).expect("constants of a graph are finite");
                    *rest += std::mem::replace(slope, BigRational::zero()) * value;
                }
                Line { node: None, entries }
            }
            _ => Line { node: last, entries },
        }
    }

    /// factor·edge·(2t − edge), where t is this line.
    pub fn tangent(&self, factor: f64, edge: f64) -> Line {
        let [factor, edge] = [factor, edge].map(|v| BigRational::from_float(v).expect("constants are finite"));
        let twice = &factor * &edge * BigRational::from_integer(2.into());
        let less = &factor * &edge * &edge;
        let of = |[slope, rest]: &[BigRational; 2]| [slope * &twice, rest * &twice - &less];
        Line { node: self.node, entries: self.entries.iter().map(of).collect() }
    }

    /// Of constants, which are finite.
    pub fn of_constants(values: impl Iterator<Item = f64>) -> Line {
        let entry = |value| [BigRational::zero(), BigRational::from_float(value).expect("constants are finite")];
        Line { node: None, entries: values.map(entry).collect() }
    }
}

/// Whether c − d is a multiple of a − b by a number ≥ 0, entry by entry, for the lines \[a, b, c, d\] of one node, and
/// a − b no constant.
pub(super) fn takes_larger(lines: &[Line]) -> bool {
    let [a, b, c, d] = lines else { return false };
    let mut nodes = lines.iter().filter_map(|line| line.node);
    let first = nodes.next();
    if nodes.any(|node| Some(node) != first) {
        return false;
    }
    (0..a.entries.len()).all(|i| {
        let difference = |a: &Line, b: &Line| [0, 1].map(|k| &a.entries[i][k] - &b.entries[i][k]);
        let ([slope, offset], [gain, rest]) = (difference(a, b), difference(c, d));
        !slope.is_zero() && &rest * &slope == &gain * &offset && !(gain * slope).is_negative()
    })
}

/// For \[t, w·t, w·softplus(t)\], w > 0, the softplus's own argument, and what makes the last one of it.
pub(super) fn softened(graph: &Graph, [argument, above, below]: [NodeId; 3]) -> Option<(NodeId, Vec<Layer>)> {
    let trail = trail(graph, below);
    let (unit, steps) = trail.split_last()?;
    if graph.node(*unit).op.curve() != Some(Curve::SOFTPLUS) {
        return None;
    }
    let of = graph.node(*unit).inputs[0];
    let [inner, given, kept, behind] = [of, argument, above, below].map(|id| Line::of_node(graph, id));
    let rises = behind.entries.iter().all(|[slope, rest]| slope.is_positive() && rest.is_zero());
    let times = |(inner, behind): (&[BigRational; 2], &[BigRational; 2])| inner.clone().map(|part| part * &behind[0]);
    let same = inner.node == given.node && inner.node == kept.node && inner.entries == given.entries;
    let multiple = inner.entries.iter().zip(&behind.entries).map(times).eq(kept.entries.iter().cloned());
    let shapes = [argument, above, below].iter().all(|&id| graph.node(id).shape == graph.node(of).shape);
    let steps: Option<Vec<Layer>> = steps.iter().rev().map(|&id| graph.node(id).layer()).collect();
    if rises && same && multiple && shapes { Some((of, steps?)) } else { None }
}
