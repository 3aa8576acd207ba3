//! Multipliers turned into slopes (METHOD §2).

use crate::model::passes::Slopes;
use crate::model::{Graph, Kink};
use crate::radius::lp::Answer;
use crate::radius::lp::epigraph::{Epigraph, Piece};
use crate::radius::lp::program::Formulation;

/// Multipliers below this share of the largest one do not decide a slope.
const NEGLIGIBLE: f64 = 1e-14;

/// A program with its answer.
#[derive(Clone, Copy)]
pub(super) struct Solved<'a> {
    pub epigraph: &'a Epigraph,
    pub formulation: &'a Formulation,
    pub answer: &'a Answer,
}

/// The slopes that an answer means: `lines` for the pieces that its program does not keep, `tangent` for kept ones
/// whose multipliers vanish. Shares within `snap` of 0 or 1 are moved there.
pub(super) fn slopes(
    graph: &Graph,
    solved: Solved,
    lines: &Slopes<f64>,
    tangent: &Slopes<f64>,
    snap: f64,
) -> Slopes<f64> {
    let Solved { epigraph, formulation, answer } = solved;
    let mut slopes = lines.clone();
    let largest = answer.multipliers.iter().copied().fold(0.0, f64::max);
    for (k, (piece, _)) in epigraph.pieces.iter().enumerate() {
        let multipliers = formulation.of_piece(k, &answer.multipliers);
        match shares(multipliers, largest * NEGLIGIBLE, snap) {
            Some(shares) => set(graph, &mut slopes, *piece, &shares),
            None => copy(graph, &mut slopes, *piece, tangent),
        }
    }
    slopes
}

/// Each row's share of the sum; `None` when that vanishes.
fn shares(multipliers: &[f64], negligible: f64, snap: f64) -> Option<Vec<f64>> {
    let total: f64 = multipliers.iter().map(|y| y.max(0.0)).sum();
    let snapped = |share: f64| {
        if share <= snap {
            0.0
        } else if share >= 1.0 - snap {
            1.0
        } else {
            share
        }
    };
    (total > negligible).then(|| multipliers.iter().map(|y| snapped(y.max(0.0) / total)).collect())
}

/// A kink's rows are (above, below), a maximum's its inputs.
fn set(graph: &Graph, slopes: &mut Slopes<f64>, piece: Piece, shares: &[f64]) {
    let node = graph.node(piece.node);
    let target = &mut slopes.nodes[piece.node];
    if let Some(Kink { below, above }) = node.op.kink() {
        target[piece.entry] = shares[0] * above + shares[1] * below;
    } else {
        for (k, &share) in shares.iter().enumerate() {
            target[k * node.size() + piece.entry] = share;
        }
    }
}

fn copy(graph: &Graph, slopes: &mut Slopes<f64>, piece: Piece, from: &Slopes<f64>) {
    let size = graph.node(piece.node).size();
    let source = from.nodes[piece.node].iter().skip(piece.entry).step_by(size);
    let target = slopes.nodes[piece.node].iter_mut().skip(piece.entry).step_by(size);
    target.zip(source).for_each(|(target, source)| *target = *source);
}
