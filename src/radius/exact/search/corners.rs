//! Points where f may be 0 exactly: corners of ball and box, and whatever else the solution means by its digits.
//!
//! Where f only touches 0, or runs along it, there is no point with f < 0 next to the solution, and floats cannot tell 0
//! from a little more. Such a point is handed up, for exact arithmetic to decide.

use crate::query::{Seen, Witness};
use crate::radius::exact::search::Search;

/// Moves below this share of the largest are none.
const STILL: f64 = 1e-9;

/// Digits beyond this share of the largest move are noise.
const NOISE: f64 = 1e-6;

/// Shares of the way to a tie that are gone beyond it.
const BEYOND: [f64; 3] = [1e-11, 1e-9, 1e-7];

impl Search<'_> {
    /// Looks at the corners next to the master's solution.
    pub(super) fn touch(&mut self, changes: &[f64]) {
        let delta = &changes[..self.task.query.x.len()];
        let point = self.task.point(delta);
        for corner in self.corners(&point) {
            match self.task.query.look(&corner) {
                Some(Seen::Below(witness)) => self.keep(witness),
                Some(Seen::Near(tie)) if tie.distance < self.found.upper() * (1.0 - STILL) => self.pass(tie),
                _ => {}
            }
        }
    }

    /// Looks for f < 0 just beyond a tie, which is left as it is where there is none.
    fn pass(&mut self, tie: Witness) {
        let task = self.task;
        let beyond = |step: f64| task.query.x.iter().zip(&tie.point).map(|(x, p)| p + step * (p - x)).collect();
        let points = BEYOND.map(|step| self.task.query.clipped(beyond(step)));
        let seen = |point: &Vec<f64>| task.query.check(point);
        match points.iter().find_map(seen) {
            Some(witness) => self.keep(witness),
            None => self.found.tie = Some(tie),
        }
    }

    /// The point with its digits cut: to what they are worth, and to single precision.
    fn corners(&self, point: &[f64]) -> [Vec<f64>; 2] {
        let x = self.task.query.x;
        let largest = point.iter().zip(x).map(|(p, x)| (p - x).abs()).fold(0.0, f64::max);
        let step = (NOISE * largest).log2().floor().exp2();
        let ends = |i: usize| {
            let range =
                self.task.query.perturbation.range.map(|ranges| ranges.at(i)).map(|range| [range.low, range.high]);
            let bends = self.moves.terms[i]
                .iter()
                .map(move |term| x[i] + term.turn.crossing() * self.task.query.perturbation.scale(i));
            range.into_iter().flatten().chain(bends)
        };
        let cut = |round: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let one = |(i, (&p, &x)): (usize, (&f64, &f64))| match ends(i).find(|end| (p - end).abs() <= step) {
                _ if (p - x).abs() <= STILL * largest => x,
                Some(end) => end,
                None => self.task.query.clip(i, round(p)),
            };
            point.iter().zip(x).enumerate().map(one).collect()
        };
        let single = |p: f64| if p.abs() <= STILL * largest { 0.0 } else { f64::from(p as f32) };
        [cut(&|p| (p / step).round() * step), cut(&single)]
    }
}
