//! Nodes whose entries are affine functions of single input coordinates.

use crate::network::graph::{Graph, Node, Op, affine};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float};
use crate::rejection::Rejection;
use dashu_int::IBig;

/// A vector with entries slope·x[coordinate] + offset, or the offset alone; where there is no coordinate, the slope is 0.
#[derive(Clone, Debug)]
pub struct Singles {
    pub coordinates: Vec<Option<usize>>,
    pub slopes: Exact,
    pub offsets: Exact,
}

/// Of every node, its entries as affine functions of single coordinates, where they are.
pub fn singles(graph: &Graph) -> Result<Vec<Option<Singles>>, Rejection> {
    let mut all: Vec<Option<Singles>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        all.push(match &node.op {
            Op::Input => Some(Singles {
                coordinates: (0..node.size).map(Some).collect(),
                slopes: Exact::integers(vec![IBig::ONE; node.size]),
                offsets: Exact::zeros(node.size),
            }),
            Op::Affine { terms, offset } => combined(terms, offset.as_ref(), node.size, &all)?,
            Op::Kink { .. } | Op::Max(_) => None,
        });
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
    if terms.iter().any(|(id, _)| all[*id].is_none()) {
        return Ok(None);
    }
    let of = |id: usize| all[id].as_ref().expect("every operand is one");
    let mut coordinates: Vec<Option<usize>> = vec![None; size];
    for (id, map) in terms {
        for row in map.rows() {
            for (col, _) in map.entries(row).filter(|(_, weight)| !weight.is_zero()) {
                match (coordinates[row], of(*id).coordinates[col]) {
                    (Some(a), Some(b)) if a != b => return Ok(None),
                    (a, b) => coordinates[row] = a.or(b),
                }
            }
        }
    }
    // All that a row sums are functions of its one coordinate: so are slopes and offsets, summed alike.
    let slopes = affine(terms, None, size, |id| &of(id).slopes)?;
    let offsets = affine(terms, offset, size, |id| &of(id).offsets)?;
    Ok(Some(Singles { coordinates, slopes, offsets }))
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
