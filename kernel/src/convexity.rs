//! A model that is not convex beyond its feature map is refused when it is read, so that its user hears of it before any
//! certificate. Minorants do not rest on this; a witness of a model with smooth units does: that its logit rises with them.

use crate::network::graph::{Graph, Node, Op};
use crate::network::map::Map;
use crate::network::single::{Singles, argument};
use crate::number::exact::{Exact, pairs};
use crate::number::product::Run;
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;
use std::cmp::Ordering;

/// How an entry can enter the logit: with a coefficient that can be positive, negative, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Signs {
    up: bool,
    down: bool,
}

impl Signs {
    /// Adds what enters through a weight, of which the sign counts. Without branches: there are many weights.
    fn join(&mut self, other: Signs, weight: Ordering) {
        let (positive, negative) = (weight == Ordering::Greater, weight == Ordering::Less);
        self.up |= (other.up & positive) | (other.down & negative);
        self.down |= (other.down & positive) | (other.up & negative);
    }

    /// Adds what enters through one row of a map.
    fn join_row(own: &mut [Signs], map: &Map, row: usize, other: Signs) -> Result<(), Rejection> {
        let Map::Windows { windows, weights } = map else {
            map.entries(row).for_each(|(col, weight)| own[col].join(other, weight.cmp(&IBig::ZERO)));
            return Ok(());
        };
        for Run { col, at, count } in windows.runs(row) {
            let sign = |at: usize| weights.numbers.at(at).mantissa.cmp(&0);
            pairs(&mut own[col..col + count], at..at + count)?.for_each(|(own, at)| own.join(other, sign(at)));
        }
        Ok(())
    }
}

/// Tests that f is convex beyond its feature map: wherever a negative weight can reach a convex unit (or a positive one
/// a concave unit), that unit is a function of a single coordinate, and not smooth. It says once per model what would fail
/// for its certificates: the minorant tests the sign of every coefficient itself. Where a smooth unit is rounded up, the
/// logit is too, since no negative weight reaches it.
pub fn check_convexity(graph: &Graph, singles: &[Option<Singles>]) -> Result<(), Rejection> {
    let mut signs: Vec<Vec<Signs>> = graph.nodes.iter().map(|node| vec![Signs::default(); node.size]).collect();
    for head in 0..graph.heads() {
        tails(graph, head, &mut signs)?;
    }
    for (id, node) in graph.nodes.iter().enumerate().rev().filter(|(_, node)| node.is_nonlinear()) {
        check_unit(node, &signs[id], singles)?;
    }
    Ok(())
}

/// Adds how every entry enters a head: behind the last units by its exact coefficient, before them by signs alone.
fn tails(graph: &Graph, head: usize, signs: &mut [Vec<Signs>]) -> Result<(), Rejection> {
    let mut adjoints: Vec<Option<Exact>> = vec![None; graph.nodes.len()];
    let mut own: Vec<Vec<Signs>> = graph.nodes.iter().map(|node| vec![Signs::default(); node.size]).collect();
    adjoints[graph.output()] = Some(Exact::integers((0..graph.heads()).map(|j| IBig::from(j == head)).collect()));
    for (id, node) in graph.nodes.iter().enumerate().skip(1).rev() {
        let (adjoint, mut entries) = (adjoints[id].take(), std::mem::take(&mut own[id]));
        match &node.op {
            Op::Affine { terms, .. } => {
                for (of, map) in terms.iter().filter(|(of, _)| *of > 0) {
                    if let Some(adjoint) = &adjoint {
                        let part = map.backward(adjoint)?;
                        adjoints[*of] = Some(match adjoints[*of].take() {
                            None => part,
                            Some(other) => other.plus(part)?,
                        });
                    }
                    for row in map.rows().filter(|&row| entries[row] != Signs::default()) {
                        Signs::join_row(&mut own[*of], map, row, entries[row])?;
                    }
                }
            }
            _ => {
                if let Some(adjoint) = adjoint {
                    let up = Signs { up: true, down: false };
                    pairs(&mut entries, &adjoint.values)?.for_each(|(own, v)| own.join(up, v.cmp(&IBig::ZERO)));
                }
                for (of, slope) in node.pieces() {
                    let rows = pairs(&mut own[of], &entries)?;
                    rows.for_each(|(own, entry)| own.join(*entry, slope.mantissa.cmp(&0)));
                }
                let up = Ordering::Greater;
                pairs(&mut signs[id], entries)?.for_each(|(signs, entry)| signs.join(entry, up));
            }
        }
    }
    Ok(())
}

fn check_unit(node: &Node, own: &[Signs], singles: &[Option<Singles>]) -> Result<(), Rejection> {
    let concave = node.is_concave();
    let wrong = own.iter().position(|s| if concave { s.up } else { s.down });
    let Some(entry) = wrong else { return Ok(()) };
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
