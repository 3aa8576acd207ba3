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
            Op::Kink { .. } | Op::Max(_) | Op::Smooth(..) | Op::End { .. } => None,
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

/// The argument t of a unit of two pieces as a kink ±max(t, 0) beside its first piece, if it is one of single coordinates:
/// max(a, b) = a + max(b − a, 0), and min(a, b) = a − max(a − b, 0).
pub fn argument(node: &Node, all: &[Option<Singles>]) -> Result<Option<Singles>, Rejection> {
    let ([(a, first), (b, second)], false) = (&node.pieces()[..], matches!(node.op, Op::Smooth(..))) else {
        return Ok(None);
    };
    let (a, first, b, second) = (*a, *first, *b, *second);
    let signed = |slope: Float, minus: bool| Map::multiple(node.size, if minus { slope.negated() } else { slope });
    let concave = node.is_concave();
    combined(&[(a, signed(first, !concave)), (b, signed(second, concave))], None, node.size, all)
}
