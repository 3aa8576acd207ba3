//! The methods that an audit runs.

use crate::radius::catalogue::{self, Settings, names, takes};
use crate::radius::lp::LpSolver;
use crate::radius::smoothing::Smoothing;
use crate::radius::{Method, Setting};

/// Seconds per input for the searches that could go on for long, unless a user says how many.
pub const SECONDS: f64 = 1.0;

/// When searches stop; what is not said is an audit's own choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stops {
    /// At this relative gap; each one's own by default.
    pub gap: Option<f64>,
    /// After so many seconds per input; [`SECONDS`] by default, and for linear programs their own.
    pub seconds: Option<f64>,
}

/// Every method there is, cheapest first.
pub fn standard(solver: LpSolver, smoothing: Smoothing, stops: Stops) -> Vec<Box<dyn Method>> {
    let Stops { gap, seconds } = stops;
    let (lp_seconds, seconds) = (seconds, Some(seconds.unwrap_or(SECONDS)));
    catalogue::single(&Settings { solver, gap, seconds, lp_seconds, smoothing, ..Settings::default() })
}

/// Those of `methods` that an audit stops, and when, for a report.
pub fn limits(methods: &[Box<dyn Method>]) -> (Vec<&'static str>, String) {
    let limits: Vec<_> = methods.iter().filter_map(|method| method.limits()).collect();
    let mut gaps: Vec<String> = limits.iter().map(|limits| format!("{:e}", limits.gap)).collect();
    gaps.dedup();
    let passes = limits.iter().map(|limits| limits.passes).max().unwrap_or(0);
    let seconds = limits.iter().map(|limits| limits.seconds).fold(0.0, f64::max);
    let text = format!("gap {}; at most {seconds} s and {passes} passes per input", gaps.join(" and "));
    (names(methods, |method| takes(method, Setting::Passes)), text)
}
