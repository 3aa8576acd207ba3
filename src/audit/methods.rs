//! The methods that an audit runs.

use crate::radius::catalogue::{self, Settings, names, takes};
use crate::radius::lp::LpSolver;
use crate::radius::smoothing::Smoothing;
use crate::radius::{Method, Setting};

/// Seconds per input for the searches that could go on for long.
const SECONDS: f64 = 1.0;

/// Every method there is, cheapest first.
pub fn standard(solver: LpSolver, smoothing: Smoothing) -> Vec<Box<dyn Method>> {
    catalogue::single(&Settings { solver, seconds: Some(SECONDS), smoothing, ..Settings::default() })
}

/// The searches that an audit stops, and when, for a report.
pub fn limits() -> (Vec<&'static str>, String) {
    let methods = standard(LpSolver::default(), Smoothing::default());
    let limits: Vec<_> = methods.iter().filter_map(|method| method.limits()).collect();
    let gaps: Vec<String> = limits.iter().map(|limits| format!("{:e}", limits.gap)).collect();
    let passes = limits.iter().map(|limits| limits.passes).max().unwrap_or(0);
    let text = format!("gap {}; at most {SECONDS} s and {passes} passes per input", gaps.join(" and "));
    (names(&methods, |method| takes(method, Setting::Passes)), text)
}
