//! Exact radii on the bundled MNIST networks, single thread: milliseconds per input at gaps of 1e-3 and 1e-6, next to
//! the fastest of the solvers behind `lp` on the same inputs in the same run.
//!
//! `cargo bench --bench exact`; with `-- FOLDER`, the tables and plots of gap against passes and time go to
//! FOLDER/<date>-exact. Answers are verified before anything is timed.

mod bundled;
mod compare;
mod kinks;
mod plots;
mod report;
mod rising;
mod rivals;

use bundled::Bundled;
use std::path::PathBuf;
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};

const NORMS: [Norm; 3] = [Norm::L2, Norm::Linf, Norm::L1];
const BOXES: [Option<Ranges<'static>>; 2] = [None, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))];
/// Inputs per network.
const COUNT: usize = 12;
/// Inputs per plot.
const PLOTTED: usize = 10;

fn perturbations() -> impl Iterator<Item = Perturbation<'static>> {
    NORMS.into_iter().flat_map(|norm| BOXES.into_iter().map(move |range| Perturbation { norm, range, weights: None }))
}

/// Middle one of the times, or of the ratios.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    underplane::memory::settle();
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).map(PathBuf::from);
    let convex = Bundled::read("mnist-3-8", COUNT);
    let load = report::load();
    let rows: Vec<_> = perturbations().map(|perturbation| compare::compare(&convex, perturbation)).collect();
    let table = compare::sheet(&rows);
    println!("{}\n{}", report::circumstances(&load), table.terminal());
    let kinks = kinks::measure(&Bundled::read("mnist-3-8-abs", COUNT));
    println!("{kinks}");
    let Some(folder) = folder else { return };
    let curves = NORMS.map(|norm| (norm, rising::curves(&convex, norm, PLOTTED)));
    report::write(&folder, &load, &table, &kinks, &curves).expect("a folder to write to");
}
