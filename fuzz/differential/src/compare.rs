//! What counts as a difference.

use crate::cases::ROWS;
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

/// Refusals that only say that a file is newer than the runtime.
pub fn newer(reason: &str) -> bool {
    ["is under development", "Unsupported model IR version", "is till opset"].iter().any(|part| reason.contains(part))
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
        let slack = 1e-12 * value.abs();
        if !(low - slack <= *value && *value <= high + slack) {
            let what = format!("row {row}: kernel {value}, reader [{low}, {high}]");
            return vec![Difference { kind: "kernel and reader", what }];
        }
    }
    vec![]
}

/// A bound where the reader refuses, and with it the graph that gives a bound: none at all where the runtime overflows,
/// or where huge numbers may swallow others.
fn coarse(value: f64, runtime: f64, huge: bool) -> f64 {
    if runtime.is_finite() && !huge { 1e-3 * (1.0 + value.abs()) } else { f64::INFINITY }
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
        let value = match outputs[..] {
            [value] => value,
            // Of several outputs, the first one against the largest of the others.
            [a, ref others @ ..] if !others.is_empty() => a - others.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            _ => {
                let what = format!("{who} accepts; {place}: {} outputs", outputs.len());
                return Some(Difference { kind: "outputs", what });
            }
        };
        let mut ends = Vec::new();
        if let Ok(kernel) = &ours.kernel {
            let bound =
                ours.bounds.as_ref().map_or_else(|| coarse(kernel.values[row], value, ours.huge), |(_, b)| b[row]);
            ends.push(("kernel", kernel.outputs, kernel.values[row], kernel.values[row], bound));
        }
        if let (Ok(reader), Some((count, bounds))) = (&ours.reader, &ours.bounds) {
            ends.push(("reader", *count, reader[row].0, reader[row].1, bounds[row]));
        }
        for (who, count, low, high, bound) in ends {
            if count != outputs.len().min(2) {
                let what = format!("{who} reads {count} outputs; {place}: {}", outputs.len());
                return Some(Difference { kind: "outputs", what });
            }
            // Where graphs are optimised, a constant may be added before the products, which can round what was exact.
            let regrouped = if run.level > 0 { 1e-5 * (1.0 + high.abs()) } else { 0.0 };
            let slack = bound + regrouped + 1e-13 * (low.abs() + high.abs());
            // There too, products are reordered, and may overflow where they did not before.
            let overflows = run.level > 0 && !value.is_finite();
            let close = overflows || bound == f64::INFINITY || (low - slack <= value && value <= high + slack);
            if !close {
                let what = format!("row {row}: {who} {low}, runtime {value} ({place}), bound {bound:e}");
                return Some(Difference { kind: "value", what });
            }
        }
    }
    None
}
