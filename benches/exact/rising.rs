//! How the gap closes with passes and time.

use super::bundled::{Bundled, gap};
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::exact::{EXACT_GAP, Exact, Limits};

/// The fastest counts: what else the machine does only ever adds time.
const REPEATS: usize = 7;
const MOST: usize = 1000;

/// Both proven sides after at most so many passes.
pub struct Point {
    pub passes: usize,
    pub seconds: f64,
    /// upper/radius − 1, infinite without a witness.
    pub gap: f64,
}

/// One curve per input, without a box, up to the limit on passes with which the gap is closed.
pub fn curves(bundled: &Bundled, norm: Norm, count: usize) -> Vec<Vec<Point>> {
    bundled.samples().take(count).map(|x| curve(bundled, x, Perturbation::new(norm))).collect()
}

fn curve(bundled: &Bundled, x: &[f64], perturbation: Perturbation) -> Vec<Point> {
    let fibonacci = std::iter::successors(Some((1, 2)), |&(a, b)| Some((b, a + b))).map(|(a, _)| a);
    let mut points = Vec::new();
    for passes in fibonacci.take_while(|passes| *passes <= MOST) {
        let exact = Exact { limits: Limits { passes, ..Exact::default().limits } };
        let runs: Vec<_> = (0..REPEATS).map(|_| bundled.timed(&exact, x, perturbation)).collect();
        let gap = gap(&runs[0].0);
        let seconds = runs.iter().map(|run| run.1).fold(f64::INFINITY, f64::min);
        points.push(Point { passes, seconds, gap });
        if gap <= EXACT_GAP {
            break;
        }
    }
    points
}
