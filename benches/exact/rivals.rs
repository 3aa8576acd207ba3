//! The solvers behind `lp`.

use super::bundled::Bundled;
use super::median;
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::lp::{Lp, LpSolver};

/// Seconds per input; microlp on whole programs may take minutes.
const PATIENCE: f64 = 20.0;
/// Inputs of the heat, and how much slower than its fastest a rival may be to go on.
const HEAT: usize = 3;
const HOPE: f64 = 2.0;

/// The solver with the least median time.
pub struct Fastest {
    pub solver: LpSolver,
    pub seconds: f64,
}

/// Quadratic programs always go to Clarabel.
fn all(norm: Norm, whole: bool) -> impl Iterator<Item = Lp> {
    let solvers = if norm == Norm::L2 { &LpSolver::AVAILABLE[..1] } else { LpSolver::AVAILABLE };
    solvers.iter().map(move |&solver| Lp { seconds: PATIENCE, whole, ..Lp::new(solver) })
}

/// Who is fastest on all inputs, among those that were not hopeless on the first few: with one whole program, or with
/// programs that grow.
pub fn fastest(bundled: &Bundled, perturbation: Perturbation, whole: bool) -> Fastest {
    let mut times: Vec<(Lp, Vec<f64>)> = all(perturbation.norm, whole).map(|lp| (lp, Vec::new())).collect();
    for (lp, times) in &mut times {
        bundled.samples().take(HEAT).for_each(|x| times.push(bundled.timed(lp, x, perturbation).1));
    }
    let least = times.iter().map(|(_, times)| median(times.clone())).fold(f64::INFINITY, f64::min);
    times.retain(|(_, times)| median(times.clone()) <= HOPE * least);
    for (lp, times) in &mut times {
        bundled.samples().skip(HEAT).for_each(|x| times.push(bundled.timed(lp, x, perturbation).1));
    }
    let results = times.into_iter().map(|(lp, times)| Fastest { solver: lp.solver, seconds: median(times) });
    results.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).expect("a rival")
}
