//! What counts as a difference.

use crate::cases::ROWS;
use crate::link::{Link, Said, sigmoid};
use crate::readings::{Ours, PANIC};

/// One answer of the runtime.
#[derive(Clone, Debug)]
pub struct Run {
    /// 0: without optimisation, 1: with all.
    pub level: u8,
    /// The first row of the batch.
    pub first: usize,
    /// How many rows.
    pub batch: usize,
    /// The outputs of every row, or why there are none.
    pub outputs: Result<Vec<Vec<f64>>, String>,
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The kind.
    pub kind: &'static str,
    /// Who says what.
    pub what: String,
}

/// Refusals that only say that a file is newer than the runtime, or that it lacks an operator for a type.
pub fn newer(reason: &str) -> bool {
    ["is under development", "Unsupported model IR version", "is till opset", "Could not find an implementation for"]
        .iter()
        .any(|part| reason.contains(part))
}

/// Whether the runtime fails to simplify what it reads and computes as it stands.
pub fn only_optimised(run: &Run, runs: &[Run]) -> bool {
    let loads = |run: &Run| run.outputs.as_ref().err().is_none_or(|reason| !reason.starts_with("load:"));
    let mut plain = runs.iter().filter(|run| run.level == 0).peekable();
    run.level > 0 && !loads(run) && plain.peek().is_some() && plain.all(|run| run.outputs.is_ok())
}

/// All differences of one file.
pub fn compare(ours: &Ours, runs: &[Run]) -> Vec<Difference> {
    let mut found = readings_differ(ours);
    found.extend(panics(ours));
    if ours.kernel.is_err() && ours.reader.is_err() {
        return found;
    }
    for run in runs.iter().filter(|run| !only_optimised(run, runs)) {
        found.extend(against(ours, run));
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// A reading that ends in a panic.
fn panics(ours: &Ours) -> Option<Difference> {
    let panic = |reason: Option<&String>| reason.is_some_and(|reason| reason == PANIC);
    let who = match (panic(ours.kernel.as_ref().err()), panic(ours.reader.as_ref().err())) {
        (false, false) => return None,
        (true, _) => "the kernel",
        (false, true) => "the reader",
    };
    Some(Difference { kind: "panic", what: format!("in {who}") })
}

/// The kernel's value lies in the reader's interval.
fn readings_differ(ours: &Ours) -> Vec<Difference> {
    let (Ok(kernel), Ok(reader), Some((outputs, _))) = (&ours.kernel, &ours.reader, &ours.bounds) else {
        return vec![];
    };
    if kernel.outputs != *outputs {
        let what = format!("the kernel reads {} outputs, the reader {outputs}", kernel.outputs);
        return vec![Difference { kind: "kernel and reader", what }];
    }
    for (row, (value, &(low, high))) in kernel.values.iter().zip(reader).enumerate() {
        // The kernel rounds a smooth unit up to 128 places.
        let slack = 1e-12 * value.abs() + 1e-36;
        if !(low - slack <= *value && *value <= high + slack) {
            let what = format!("row {row}: kernel {value}, reader [{low}, {high}]");
            return vec![Difference { kind: "kernel and reader", what }];
        }
    }
    vec![]
}

/// A bound where constants are rounded, or where the reader refuses, and with it the graph that gives one: none at all where
/// the runtime overflows, or where huge numbers may swallow others.
fn coarse(value: f64, runtime: Said, huge: bool) -> f64 {
    let Said::Value(runtime, _) = runtime else { return if huge { f64::INFINITY } else { 1e-3 * (1.0 + value.abs()) } };
    if runtime.is_finite() && !huge { 1e-3 * (1.0 + value.abs()) } else { f64::INFINITY }
}

/// How far a runtime's exponential may be off.
const PROBABILITY: f64 = 4e-6;

/// Whether what a runtime says can be of a logit between two numbers.
fn fits(said: Said, [low, high]: [f64; 2], is_optimised: bool) -> bool {
    match said {
        // Where graphs are optimised, products are reordered, and may overflow where they did not before.
        Said::Value(value, error) => {
            (is_optimised && !value.is_finite()) || (low - error <= value && value <= high + error)
        }
        Said::Probability(p) => sigmoid(low) - PROBABILITY <= p && p <= sigmoid(high) + PROBABILITY,
        Said::Sign(sign) => (sign <= PROBABILITY || high >= 0.0) && (sign >= -PROBABILITY || low <= 0.0),
    }
}

fn against(ours: &Ours, run: &Run) -> Option<Difference> {
    let who = match (&ours.kernel, &ours.reader) {
        (Ok(_), Ok(_)) => "kernel and reader",
        (Ok(_), Err(_)) => "kernel",
        _ => "reader",
    };
    let place = format!("level {}, rows {}+{}", run.level, run.first, run.batch);
    let outputs = match &run.outputs {
        Ok(outputs) => outputs,
        Err(reason) if newer(reason) => return None,
        Err(reason) => {
            let kind = "refused by the runtime";
            return Some(Difference { kind, what: format!("{who} accepts; {place}: {reason}") });
        }
    };
    if outputs.len() != run.batch {
        let what = format!("{who} accepts; {place}: outputs of {} rows", outputs.len());
        return Some(Difference { kind: "outputs", what });
    }
    for (i, outputs) in outputs.iter().enumerate() {
        let row = (run.first + i) % ROWS;
        if outputs.is_empty() {
            return Some(Difference { kind: "outputs", what: format!("{who} accepts; {place}: none") });
        }
        let said = ours.link.map_or(Said::Sign(0.0), |link| {
            // Nothing is known where all probabilities have vanished.
            link.said(outputs, ours.class).unwrap_or(Said::Sign(0.0))
        });
        let mut ends = Vec::new();
        if let Ok(kernel) = &ours.kernel {
            let bound = match &ours.bounds {
                Some((_, bounds)) if !ours.folded => bounds[row],
                _ => coarse(kernel.values[row], said, ours.huge),
            };
            ends.push(("kernel", kernel.outputs, kernel.values[row], kernel.values[row], bound));
        }
        if let (Ok(reader), Some((count, bounds))) = (&ours.reader, &ours.bounds) {
            let rounded = if ours.folded { coarse(reader[row].1, said, ours.huge) } else { 0.0 };
            ends.push(("reader", *count, reader[row].0, reader[row].1, bounds[row].max(rounded)));
        }
        for (who, count, low, high, bound) in ends {
            if count != outputs.len().min(2) {
                let what = format!("{who} reads {count} outputs; {place}: {}", outputs.len());
                return Some(Difference { kind: "outputs", what });
            }
            // Where graphs are optimised, a constant may be added before the products, which can round what was exact.
            let regrouped = if run.level > 0 { 1e-5 * (1.0 + high.abs()) } else { 0.0 };
            // What is added to all logits leaves their differences as they are, but for its rounding.
            let common =
                if ours.link == Some(Link::Logits) { 0.0 } else { 8.0 * f64::from(f32::EPSILON) * ours.largest };
            let slack = bound + regrouped + common + 1e-13 * (low.abs() + high.abs());
            let ends = [low - slack, high + slack].map(|end| end + ours.threshold);
            if !(slack.is_infinite() || fits(said, ends, run.level > 0)) {
                let what = format!("row {row}: {who} {low}, runtime {said:?} ({place}), bound {bound:e}");
                return Some(Difference { kind: "value", what });
            }
        }
    }
    None
}
