//! One method, or the attack, with one norm.

use crate::audit::accuracy::{Accuracy, accuracy};
use crate::audit::reference::Reference;
use crate::radius::{Guarantee, Subject};
use crate::report::answer::Status;
use crate::report::number::median;
use crate::report::records::{ATTACK, Found, Record, Replay};
use std::collections::HashMap;
use std::fmt;

/// One method and norm, over the inputs with f > 0. What is not certified counts as radius 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The norm.
    pub norm: String,
    /// The method.
    pub method: String,
    /// Whose radii they are.
    pub subject: Subject,
    /// What they are worth.
    pub worth: Worth,
    /// Why the method does not apply; then nothing else counts.
    pub not_applicable: Option<String>,
    /// How many inputs have a certified radius.
    pub certified: usize,
    /// How many stayed unknown.
    pub unknown: usize,
    /// How many radii the kernel has proven; `None` for a method without evidence.
    pub proven: Option<usize>,
    /// How many it has refused.
    pub refused: usize,
    /// Median radius.
    pub radius: f64,
    /// radius / reference, median and least, over the inputs with a reference.
    pub tightness: (f64, f64),
    /// Median seconds per input.
    pub seconds: f64,
    /// Those, relative to the closed form's.
    pub time_ratio: f64,
    /// Largest witness distance / radius − 1, for methods that are exact on some input.
    pub gap: f64,
    /// Violations.
    pub violations: usize,
    /// Accuracy of the smoothed classifier.
    pub smoothed: Option<Accuracy>,
}

/// What the certified radii of a line are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// All of them the same.
    All(Guarantee),
    /// So many are exact, and the others sound.
    ExactOn(usize),
}

impl Worth {
    /// Whether any radius is exact.
    fn is_exact(self) -> bool {
        matches!(self, Worth::All(Guarantee::Exact) | Worth::ExactOn(_))
    }
}

impl fmt::Display for Worth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Worth::All(guarantee) => guarantee.fmt(f),
            Worth::ExactOn(count) => write!(f, "exact on {count}, else sound"),
        }
    }
}

/// The attack with one norm.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackLine {
    /// The norm.
    pub norm: String,
    /// Inputs with a verified witness.
    pub found: usize,
    /// Inputs attacked.
    pub attacked: usize,
    /// Median distance.
    pub distance: f64,
    /// distance / reference, median and largest, over the inputs whose reference is a proven exact radius.
    pub tightness: (f64, f64),
    /// Median seconds per input.
    pub seconds: f64,
}

/// A method's line; `time_ratio` and `violations` are filled in by whoever knows the others.
pub(super) fn line(norm: &str, method: &str, rows: &[&Record], references: &HashMap<(usize, &str), Reference>) -> Line {
    let first = rows[0];
    let sensitive: Vec<&&Record> = rows.iter().filter(|r| r.logit > 0.0).collect();
    let radius = |r: &Record| r.certified().unwrap_or(0.0);
    let ratio = |r: &&&Record| {
        let reference = references.get(&(r.input, norm))?.value();
        let radius = radius(r);
        Some(if radius == reference { 1.0 } else { radius / reference })
    };
    let with = |proof: Replay| rows.iter().filter(|r| r.proof == proof).count();
    let base = first.is_base();
    let ratios: Vec<f64> = sensitive.iter().filter(|_| base).filter_map(ratio).collect();
    let gap = |r: &&&Record| Some((r.witness()? / r.certified().filter(|r| *r > 0.0)? - 1.0).max(0.0));
    let worth = worth(first, &sensitive);
    let gaps = sensitive.iter().filter(|_| worth.is_exact()).filter_map(gap);
    Line {
        norm: norm.into(),
        method: method.into(),
        subject: first.subject,
        worth,
        not_applicable: rows.iter().all(|r| r.not_applicable().is_some()).then(|| first.detail.to_string()),
        certified: sensitive.iter().filter(|r| r.certified().is_some()).count(),
        unknown: rows.iter().filter(|r| r.status == Status::Unknown).count(),
        proven: rows.iter().any(|r| r.proof != Replay::Nothing).then(|| with(Replay::Accepted)),
        refused: with(Replay::Refused),
        radius: median(sensitive.iter().map(|r| radius(r))),
        tightness: (median(ratios.iter().copied()), ratios.into_iter().fold(f64::NAN, f64::min)),
        seconds: median(sensitive.iter().map(|r| r.seconds)),
        time_ratio: f64::NAN,
        gap: gaps.fold(f64::NAN, f64::max),
        violations: 0,
        smoothed: if base {
            None
        } else {
            accuracy(rows, |r| r.status == Status::Certified, |r| r.status == Status::NotSensitive)
        },
    }
}

/// What the certified radii are worth; where there is none, what the rows say that a missing one is worth.
fn worth(first: &Record, sensitive: &[&&Record]) -> Worth {
    let certified: Vec<Guarantee> = sensitive.iter().filter(|r| r.certified().is_some()).map(|r| r.guarantee).collect();
    match certified.iter().filter(|guarantee| **guarantee == Guarantee::Exact).count() {
        0 => Worth::All(certified.first().copied().unwrap_or(first.guarantee)),
        exact if exact == certified.len() => Worth::All(Guarantee::Exact),
        exact => Worth::ExactOn(exact),
    }
}

/// The attack's line, where it was run.
pub(super) fn attack_line(
    norm: &str,
    found: &[&Found],
    references: &HashMap<(usize, &str), Reference>,
) -> Option<AttackLine> {
    let own: Vec<&&Found> = found.iter().filter(|f| f.norm == norm && f.finder == ATTACK).collect();
    let ratio = |f: &&&Found| match references.get(&(f.input, norm)) {
        Some(Reference::Exact(exact)) => f.distance.map(|d| d / exact),
        _ => None,
    };
    let ratios: Vec<f64> = own.iter().filter_map(ratio).collect();
    (!own.is_empty()).then(|| AttackLine {
        norm: norm.into(),
        found: own.iter().filter(|f| f.distance.is_some()).count(),
        attacked: own.len(),
        distance: median(own.iter().filter_map(|f| f.distance)),
        tightness: (median(ratios.iter().copied()), ratios.into_iter().fold(f64::NAN, f64::max)),
        seconds: median(own.iter().map(|f| f.seconds)),
    })
}
