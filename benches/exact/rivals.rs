//! The solvers behind `lp`, each with one whole program and with programs that grow.

use super::bundled::Bundled;
use super::median;
use underplane::perturbation::{Norm, Perturbation};
use underplane::radius::lp::{Lp, LpSolver};

/// Seconds per input; microlp on whole programs may take minutes.
const PATIENCE: f64 = 20.0;
/// Inputs of the heat, and how much slower than its fastest a rival may be to go on.
const HEAT: usize = 3;
const HOPE: f64 = 2.0;

/// The median time of the fastest rival.
pub struct Fastest {
    pub name: String,
    pub seconds: f64,
}

fn name(lp: &Lp) -> String {
    format!("{}, {}", lp.solver, if lp.whole { "whole" } else { "growing" })
}

/// Quadratic programs always go to Clarabel.
fn all(norm: Norm) -> Vec<Lp> {
    let solvers = if norm == Norm::L2 { &LpSolver::AVAILABLE[..1] } else { LpSolver::AVAILABLE };
    let of = |&solver: &LpSolver| [true, false].map(|whole| Lp { seconds: PATIENCE, whole, ..Lp::new(solver) });
    solvers.iter().flat_map(of).collect()
}

/// Who is fastest on all inputs, among those that were not hopeless on the first few.
pub fn fastest(bundled: &Bundled, perturbation: Perturbation) -> Fastest {
    let mut times: Vec<(Lp, Vec<f64>)> = all(perturbation.norm).into_iter().map(|lp| (lp, Vec::new())).collect();
    for (lp, times) in &mut times {
        bundled.samples().take(HEAT).for_each(|x| times.push(bundled.timed(lp, x, perturbation).1));
        eprintln!("{} {}: {:.1} ms", perturbation.norm, name(lp), 1e3 * median(times.clone()));
    }
    let least = times.iter().map(|(_, times)| median(times.clone())).fold(f64::INFINITY, f64::min);
    times.retain(|(_, times)| median(times.clone()) <= HOPE * least);
    for (lp, times) in &mut times {
        bundled.samples().skip(HEAT).for_each(|x| times.push(bundled.timed(lp, x, perturbation).1));
    }
    let results = times.into_iter().map(|(lp, times)| Fastest { name: name(&lp), seconds: median(times) });
    results.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).expect("a rival")
}
