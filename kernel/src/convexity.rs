//! A courtesy, which no proof rests on: a model that is not convex beyond its feature map is refused when it is read, so
//! that its user hears of it before any certificate.

use crate::network::graph::{Graph, Node, Op};
use crate::network::single::{Singles, argument};
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

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
                Op::Affine { terms, .. } => {
                    for (operand, map) in terms {
                        map.entries(row).for_each(|(col, weight)| add(*operand, col, s, &weight));
                    }
                }
                _ => node.pieces().iter().for_each(|(of, slope)| add(*of, row, s, &slope.mantissa.into())),
            }
        }
    }
    Ok(())
}

fn check_unit(node: &Node, own: &[Signs], singles: &[Option<Singles>]) -> Result<(), Rejection> {
    let concave = node.is_concave();
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
