//! Result rows with the columns that scripts depend on.

use super::answer::{Detail, Status};
use crate::radius::run::Timed;
use crate::radius::{Guarantee, Method, Outcome, Subject};
use serde::Serialize;
use std::io::{self, Write};

/// The columns, in order.
pub const COLUMNS: [&str; 12] = [
    "input",
    "label",
    "logit",
    "norm",
    "method",
    "subject",
    "radius",
    "upper",
    "guarantee",
    "status",
    "seconds",
    "detail",
];

/// One line of results: (input, norm, method).
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Index of the input, from 0.
    pub input: usize,
    /// The label that came with it, or empty.
    pub label: String,
    /// f(x), rounded to nearest.
    pub logit: f64,
    /// l1, l2, linf, lp:P.
    pub norm: String,
    /// As on the command line.
    pub method: &'static str,
    /// base or smoothed.
    pub subject: Subject,
    /// Digits that read back as the same `f64`, or `unbounded`, or empty.
    pub radius: String,
    /// Distance of the best witness, or empty.
    pub upper: String,
    /// exact, sound, probabilistic; no more than sound where there is no radius, or its two sides are apart.
    pub guarantee: Guarantee,
    /// certified, not-sensitive, abstain, unknown.
    pub status: Status,
    /// Seconds of one thread.
    pub seconds: f64,
    /// The reason, or the settings.
    pub detail: Detail,
}

impl Row {
    /// The row of one answer.
    pub fn new(input: usize, label: String, logit: f64, norm: String, method: &dyn Method, timed: &Timed) -> Row {
        let outcome = &timed.outcome;
        Row {
            input,
            label,
            logit,
            norm,
            method: method.name(),
            subject: method.subject(),
            radius: outcome.radius().map(|r| r.to_string()).unwrap_or_default(),
            upper: outcome.witness.as_ref().map(|w| format!("{:?}", w.distance)).unwrap_or_default(),
            guarantee: guarantee(method, outcome),
            status: Status::of(&outcome.verdict),
            seconds: timed.seconds,
            detail: Detail::of(outcome),
        }
    }
}

/// What this answer is worth. Only a radius can be exact: that there is none is at most sound.
fn guarantee(method: &dyn Method, outcome: &Outcome) -> Guarantee {
    match method.guarantee() {
        Guarantee::Exact if !outcome.is_exact() => Guarantee::Sound,
        guarantee => guarantee,
    }
}

/// Writes rows as CSV with a header.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_csv<T: Serialize>(rows: &[T], out: &mut dyn Write) -> io::Result<()> {
    write_csv_part(rows, true, out)
}

/// The same for a part of a table, whose first part has the header.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_csv_part<T: Serialize>(rows: &[T], header: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().has_headers(header).from_writer(out);
    for row in rows {
        writer.serialize(row).map_err(io::Error::other)?;
    }
    writer.flush()
}

/// Writes rows as JSON, one object per line, with the same keys; `radius` and `upper` are numbers, the word
/// `unbounded`, or null.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_json_lines<T: Serialize>(rows: &[T], out: &mut dyn Write) -> io::Result<()> {
    write_json_lines_of(rows, &["radius", "upper"], out)
}

/// The same with other columns that hold numbers.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_json_lines_of<T: Serialize>(rows: &[T], numbers: &[&str], out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        let mut value = serde_json::to_value(row).map_err(io::Error::other)?;
        for key in numbers {
            if !value[key].is_string() {
                continue;
            }
            let text = value[key].as_str().unwrap_or_default().to_string();
            value[key] = match text.parse::<f64>() {
                Ok(number) => number.into(),
                Err(_) if text.is_empty() => serde_json::Value::Null,
                Err(_) => text.into(),
            };
        }
        writeln!(out, "{value}")?;
    }
    Ok(())
}
