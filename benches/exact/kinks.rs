//! The network on φ = (y, |y|), where f is not convex in x.

use super::bundled::{Bundled, sides};
use super::median;
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::exact::{EXACT_GAP, Exact, Limits};

/// Seconds that `exact` may spend per input.
const SECONDS: f64 = 1.0;

/// How far apart both sides still are after a second per input, in words.
pub fn measure(bundled: &Bundled) -> String {
    let limits = Limits { gap: EXACT_GAP, seconds: SECONDS, ..Exact::default().limits };
    let one = |x| {
        let (outcome, seconds) = bundled.timed(&Exact { limits }, x, Perturbation::new(Norm::Linf));
        let (lower, upper) = sides(&outcome);
        (lower / upper.unwrap_or(f64::INFINITY), seconds)
    };
    let (ratios, times): (Vec<f64>, Vec<f64>) = bundled.samples().map(one).unzip();
    assert!(ratios.iter().all(|ratio| *ratio <= 1.0), "a radius beyond a witness");
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let unmet = ratios.iter().filter(|ratio| **ratio == 0.0).count();
    let (middle, seconds) = (median(ratios), median(times));
    format!(
        "mnist-3-8-abs, linf, no box, at most {SECONDS} s per input: lower/upper {middle:.4} in the median, \
         {least:.4} at worst, {unmet} inputs without a witness; {seconds:.3} s in the median"
    )
}
