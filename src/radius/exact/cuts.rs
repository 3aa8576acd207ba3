//! The cuts behind a master problem, and the one line per unit that a combination of them is.

use crate::matrix::add_scaled;
use crate::model::lifted::Tangent;
use crate::model::passes::Slopes;
use crate::model::{Graph, NodeId};

/// What made a cut, and how long it has not been used.
pub(super) struct Made {
    pub tangent: Tangent,
    pub idle: usize,
}

/// The slopes whose minorant is Σ multipliers · cuts (METHOD §2); `rest` where
/// nothing flows through a unit, and at the `stops`, beyond which nothing flows.
pub(super) fn collapse(
    graph: &Graph,
    stops: &[NodeId],
    cuts: &[Made],
    multipliers: &[f64],
    rest: &Slopes<f64>,
) -> Slopes<f64> {
    let (mut slopes, stopped) = (rest.clone(), graph.marked(stops));
    let used: Vec<(&Tangent, f64)> =
        cuts.iter().map(|made| &made.tangent).zip(multipliers.iter().copied()).filter(|(_, l)| *l > 0.0).collect();
    for (id, node) in graph.nodes().iter().enumerate() {
        let is_unit = node.op.is_unit() && !stopped[id];
        if !is_unit || used.iter().all(|(t, _)| t.adjoints[id].is_none()) {
            continue;
        }
        let size = node.size();
        let mut total = vec![0.0; size];
        let mut sums = vec![0.0; slopes.nodes[id].len()];
        for (tangent, multiplier) in &used {
            let Some(adjoint) = &tangent.adjoints[id] else { continue };
            add_scaled(&mut total, *multiplier, adjoint);
            for (sums, slopes) in sums.chunks_exact_mut(size).zip(tangent.slopes.nodes[id].chunks_exact(size)) {
                let flows = adjoint.iter().zip(slopes);
                sums.iter_mut().zip(flows).for_each(|(sum, (v, slope))| *sum += multiplier * v * slope);
            }
        }
        for (slopes, sums) in slopes.nodes[id].chunks_exact_mut(size).zip(sums.chunks_exact(size)) {
            let places = slopes.iter_mut().zip(sums.iter().zip(&total));
            places.filter(|(_, (_, total))| **total != 0.0).for_each(|(slope, (sum, total))| *slope = sum / total);
        }
    }
    slopes
}
