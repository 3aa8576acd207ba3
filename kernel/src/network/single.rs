//! Nodes whose entries are affine functions of single input coordinates, and a test of convexity that looks ahead.

use crate::network::graph::{Graph, Node, Op, affine};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

/// A vector with entries slope·x[coordinate] + offset, or the offset alone.
#[derive(Clone, Debug)]
pub struct Singles {
    /// Per entry.
    pub coordinates: Vec<Option<usize>>,
    /// Per entry; 0 where there is no coordinate.
    pub slopes: Exact,
    /// Per entry.
    pub offsets: Exact,
}

/// For every node that a unit reads, its entries as affine functions of single coordinates, where they are.
pub fn singles(graph: &Graph) -> Result<Vec<Option<Singles>>, Rejection> {
    let mut last_use = graph.last_use();
    let mut wanted = vec![false; graph.nodes.len()];
    for node in &graph.nodes {
        let asked = is_asked(node);
        for operand in node.operands() {
            wanted[operand] |= asked || !node.is_nonlinear();
            // What a unit reads is kept.
            last_use[operand] = if asked { usize::MAX } else { last_use[operand] };
        }
    }
    let mut all: Vec<Option<Singles>> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let found = match &node.op {
            _ if !wanted[id] => None,
            Op::Input => Some(Singles {
                coordinates: (0..node.size).map(Some).collect(),
                slopes: Exact::integers(vec![IBig::ONE; node.size]),
                offsets: Exact::zeros(node.size),
            }),
            Op::Affine { terms, offset } => combined(terms, offset.as_ref(), node.size, &all)?,
            Op::Kink { .. } | Op::Max(_) => None,
        };
        all.push(found);
        // What nothing reads any more: a long network need not be held twice.
        node.operands().into_iter().filter(|&operand| last_use[operand] == id).for_each(|operand| all[operand] = None);
    }
    Ok(all)
}

/// Σ map·node + offset, if every entry depends on one coordinate at most.
fn combined(
    terms: &[(usize, Map)],
    offset: Option<&Exact>,
    size: usize,
    all: &[Option<Singles>],
) -> Result<Option<Singles>, Rejection> {
    let operands: Option<Vec<&Singles>> = terms.iter().map(|(id, _)| all[*id].as_ref()).collect();
    let Some(operands) = operands else { return Ok(None) };
    let mut coordinates: Vec<Option<usize>> = vec![None; size];
    for ((_, map), operand) in pairs(terms, &operands)? {
        for row in map.rows() {
            for (col, _) in map.entries(row).filter(|(_, weight)| !weight.is_zero()) {
                match (coordinates[row], operand.coordinates[col]) {
                    (Some(a), Some(b)) if a != b => return Ok(None),
                    (a, b) => coordinates[row] = a.or(b),
                }
            }
        }
    }
    // All that a row sums are functions of its one coordinate: so are slopes and offsets, summed alike.
    let slopes = affine(terms, None, size, |k| &operands[k].slopes)?;
    let offsets = affine(terms, offset, size, |k| &operands[k].offsets)?;
    Ok(Some(Singles { coordinates, slopes, offsets }))
}

/// Whether a unit may be taken as it is.
fn is_asked(node: &Node) -> bool {
    match &node.op {
        Op::Kink { .. } => true,
        Op::Max(of) => of.len() == 2,
        Op::Input | Op::Affine { .. } => false,
    }
}

/// The argument of a unit as kinks t ↦ max(t, 0) of single coordinates: of a kink its operand, of
/// max(a, b) = a + max(b − a, 0) the difference b − a.
pub fn argument(node: &Node, all: &[Option<Singles>]) -> Result<Option<Singles>, Rejection> {
    match &node.op {
        Op::Kink { of, .. } => Ok(all[*of].clone()),
        Op::Max(of) if of.len() == 2 => {
            let times = |factor| Map::multiple(node.size, factor);
            combined(&[(of[1], times(Float::ONE)), (of[0], times(Float::ONE.negated()))], None, node.size, all)
        }
        _ => Ok(None),
    }
}

/// How an entry can enter the logit: with a coefficient that can be positive, negative, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Signs {
    up: bool,
    down: bool,
}

impl Signs {
    /// Adds what enters through a weight, of which the sign counts.
    fn join(&mut self, other: Signs, weight: &IBig) {
        let (positive, negative) = (*weight > IBig::ZERO, *weight < IBig::ZERO);
        self.up |= other.up && positive || other.down && negative;
        self.down |= other.down && positive || other.up && negative;
    }
}

/// Tests that f is convex beyond its feature map: wherever a negative weight can reach a convex unit (or a positive one
/// a concave unit), that unit is a function of a single coordinate. This is a courtesy: it says once per model what
/// would fail for its certificates. No proof rests on it, since the minorant tests the sign of every coefficient.
pub fn check_convexity(graph: &Graph, singles: &[Option<Singles>]) -> Result<(), Rejection> {
    let mut signs: Vec<Vec<Signs>> = graph.nodes.iter().map(|node| vec![Signs::default(); node.size]).collect();
    signs[graph.output()][0].up = true;
    for (id, node) in graph.nodes.iter().enumerate().rev() {
        let own = std::mem::take(&mut signs[id]);
        check_unit(node, &own, singles)?;
        let mut add = |operand: usize, entry: usize, s: &Signs, weight: &IBig| signs[operand][entry].join(*s, weight);
        for (row, s) in own.iter().enumerate().filter(|(_, s)| **s != Signs::default()) {
            match &node.op {
                Op::Input => {}
                Op::Affine { terms, .. } => {
                    for (operand, map) in terms {
                        map.entries(row).for_each(|(col, weight)| add(*operand, col, s, &weight));
                    }
                }
                Op::Kink { of, below, above } => {
                    [below, above].into_iter().for_each(|slope| add(*of, row, s, &slope.mantissa.into()));
                }
                Op::Max(of) => of.iter().for_each(|&operand| add(operand, row, s, &IBig::ONE)),
            }
        }
    }
    Ok(())
}

fn check_unit(node: &Node, own: &[Signs], singles: &[Option<Singles>]) -> Result<(), Rejection> {
    let concave = is_concave(node);
    let wrong = own.iter().position(|s| if concave { s.up } else { s.down });
    let Some(entry) = wrong.filter(|_| node.is_nonlinear()) else { return Ok(()) };
    if argument(node, singles)?.is_some() {
        return Ok(());
    }
    Err(Rejection::new(
        Code::NotConvex,
        format!("`{}` entry {entry}", node.name.escape_debug()),
        "weights ≥ 0 behind every unit that is no function of a single coordinate",
        "a weight of the other sign",
    ))
}

/// Whether a unit is concave; the others are convex.
pub fn is_concave(node: &Node) -> bool {
    matches!(node.op, Op::Kink { below, above, .. } if below.exceeds(above))
}
