//! Entries of one curvature and sign that follow one another: of the weights of such a run only the signs matter.

use super::curvature::{Curvature, Facts, Sign};
use std::ops::Range;

/// Runs of fewer entries on the average are no help.
const LEAST: usize = 16;

/// Neighbouring entries with the same facts.
pub(super) struct Run {
    /// Curvature and sign.
    pub facts: (Curvature, Sign),
    entries: Range<usize>,
}

/// All runs of a node; `None` where they are short.
pub(super) fn of(facts: &Facts) -> Option<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for (i, (&curvature, &sign)) in facts.curvature.iter().zip(&facts.sign).enumerate() {
        match runs.last_mut() {
            Some(run) if run.facts == (curvature, sign) => run.entries.end = i + 1,
            _ => runs.push(Run { facts: (curvature, sign), entries: i..i + 1 }),
        }
    }
    (runs.len() * LEAST <= facts.curvature.len()).then_some(runs)
}

impl Run {
    /// 1 and −1, where the run's weights in `row` have that sign.
    pub fn signs(&self, row: &[f32]) -> impl Iterator<Item = f64> {
        let weights = &row[self.entries.clone()];
        let above = weights.iter().any(|&w| w > 0.0).then_some(1.0);
        let below = weights.iter().any(|&w| w < 0.0).then_some(-1.0);
        above.into_iter().chain(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_all_entries_and_tell_which_signs_there_are() {
        let (affine, convex) = ((Curvature::Affine, Sign::Unknown), (Curvature::Convex, Sign::NonNegative));
        let all = [vec![affine; 20], vec![convex; 30]].concat();
        let facts = Facts {
            curvature: all.iter().map(|facts| facts.0).collect(),
            sign: all.iter().map(|facts| facts.1).collect(),
        };
        let runs = of(&facts).unwrap();
        let mut row = vec![0.0_f32; 50];
        (row[3], row[19], row[20]) = (1.0, -2.0, 0.5);
        let found: Vec<_> = runs.iter().map(|run| (run.facts, run.signs(&row).collect::<Vec<_>>())).collect();
        assert_eq!(found, [(affine, vec![1.0, -1.0]), (convex, vec![1.0])]);
        let short = Facts { curvature: facts.curvature[15..25].to_vec(), sign: facts.sign[15..25].to_vec() };
        assert!(of(&short).is_none());
    }
}
