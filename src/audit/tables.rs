//! Summaries as tables.

use crate::audit::accuracy::Accuracy;
use crate::audit::ladder::Violation;
use crate::audit::line::Line;
use crate::audit::summary::Summary;
use crate::data::inputs::label::listed;
use crate::radius::Subject;
use crate::report::number::{multiple, share, short, time};
use crate::report::records::ATTACK;
use crate::report::run_info::ModelInfo;
use crate::report::sentence::Measure;
use crate::report::table::Sheet;
use std::fmt::Write as _;

/// Columns that a narrow screen can do without.
const SPARE: [&str; 7] = [
    "× closed form",
    "gap (max)",
    "(worst)",
    "guarantee",
    "proven by the kernel",
    "time per input",
    "tightness (median)",
];

/// How far the inputs of the sensitive class keep it.
pub fn sentences(summary: &Summary, info: Option<&ModelInfo>) -> Vec<String> {
    let words = info.and_then(|info| info.words.clone()).unwrap_or_default();
    let range = info.map(|info| info.range.clone()).unwrap_or_default();
    summary.standing.sentences(&words, &Measure { range, weighted: false })
}

/// Methods against norms.
pub fn methods(summary: &Summary) -> Sheet {
    let mut sheet = Sheet::new(
        &[
            "method",
            "norm",
            "guarantee",
            "certified",
            "proven by the kernel",
            "median radius",
            "tightness (median)",
            "(worst)",
            "gap (max)",
            "time per input",
            "× closed form",
            "violations",
        ],
        3,
    )
    .sparing(&SPARE);
    sheet.rows = summary.lines.iter().map(|line| method_row(line, summary.sensitive)).collect();
    for attack in &summary.attacks {
        let mut row = vec![String::new(); sheet.header.len()];
        row[0] = ATTACK.into();
        row[1] = attack.norm.clone();
        row[2] = "upper side".into();
        row[3] = format!("{}/{} found", attack.found, attack.attacked);
        row[5] = short(attack.distance);
        row[6] = multiple(attack.tightness.0);
        row[7] = multiple(attack.tightness.1);
        row[9] = time(attack.seconds);
        sheet.rows.push(row);
    }
    sheet.without_empty_columns()
}

fn method_row(line: &Line, sensitive: usize) -> Vec<String> {
    let guarantee = match line.subject {
        Subject::Base => line.worth.to_string(),
        subject => format!("{}, {subject}", line.worth),
    };
    let mut row = vec![line.method.clone(), line.norm.clone(), guarantee];
    if line.not_applicable.is_some() {
        row.push("n/a".into());
        row.resize(12, String::new());
        return row;
    }
    let unknown = if line.unknown > 0 { format!(", {} unknown", line.unknown) } else { String::new() };
    row.push(format!("{}/{sensitive}{unknown}", line.certified));
    let refused = if line.refused > 0 { format!(", {} refused", line.refused) } else { String::new() };
    row.push(line.proven.map(|proven| format!("{proven}{refused}")).unwrap_or_default());
    row.push(short(line.radius));
    row.push(share(line.tightness.0));
    row.push(share(line.tightness.1));
    row.push(if line.gap.is_nan() { String::new() } else { format!("{:.1e}", line.gap) });
    row.push(time(line.seconds));
    row.push(if line.time_ratio.is_finite() { short(line.time_ratio) } else { String::new() });
    row.push(if line.subject == Subject::Base { line.violations.to_string() } else { "–".into() });
    row
}

/// What the table is to be read with, a line each.
pub fn notes(summary: &Summary, info: Option<&ModelInfo>) -> Vec<String> {
    let mut notes = Vec::new();
    let known = info.and_then(|info| info.sensitive_label.as_deref());
    let accuracy = summary.rights.accuracy(known);
    let mut inputs = format!("{} inputs, {} classified as sensitive (f > 0)", summary.inputs, summary.sensitive);
    if let Some(accuracy) = accuracy {
        let _ = write!(inputs, "; clean accuracy: {}", classes(accuracy));
    }
    notes.push(inputs);
    if !summary.labels.is_empty() {
        let accuracy = if accuracy.is_none() { "; no accuracy: it takes 0 and 1 (sensitive)" } else { "" };
        notes.push(format!("labels: {}{accuracy}", listed(&summary.labels)));
    }
    // The smoothed classifier is the same for every norm.
    if let Some(accuracy) = summary.lines.iter().find_map(|line| line.smoothed.as_ref()?.accuracy(known)) {
        notes.push(format!("accuracy of the smoothed classifier: {}", classes(accuracy)));
    }
    if summary.lines.iter().any(|line| line.subject == Subject::Smoothed) {
        notes.push("smoothed radii speak of another classifier; one set of noise serves every norm".into());
    }
    let references = summary.references;
    if summary.sensitive > 0 {
        let against = match (references.exact, references.witness) {
            (_, 0) => "the exact radius (both sides proven, gap ≤ 1e-6)".into(),
            (0, _) => "the nearest witness, which is no less than the exact radius".into(),
            (exact, witness) => format!(
                "the exact radius on {exact} (input, norm) pairs (both sides proven, gap ≤ 1e-6), on {witness} the nearest witness, \
                 which is no less"
            ),
        };
        let none =
            if references.none > 0 { format!("; {} pairs have neither", references.none) } else { String::new() };
        notes.push(format!("tightness: radius relative to {against}{none}; what is not certified counts as 0"));
    }
    if summary.order.compared > 0 {
        let order = summary.order;
        let held = order.compared - order.broken;
        notes.push(format!("closed-form ≤ sharp holds on {held} of {} (input, norm) pairs", order.compared));
    }
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for line in &summary.lines {
        if let Some(reason) = &line.not_applicable {
            let key = format!("{} {reason}", line.method);
            match reasons.iter_mut().find(|(known, _)| *known == key) {
                Some((_, norms)) => norms.push(&line.norm),
                None => reasons.push((key, vec![&line.norm])),
            }
        }
    }
    let refused = summary.refusals.iter().map(|(reason, count)| format!("{count} refused by the kernel: {reason}"));
    notes.extend(refused);
    notes.extend(reasons.into_iter().map(|(reason, norms)| format!("n/a ({}): {reason}", norms.join(", "))));
    notes
}

fn classes(accuracy: Accuracy) -> String {
    let one = |(right, all): (usize, usize)| format!("{right}/{all}");
    format!("sensitive class {}, other class {}", one(accuracy.sensitive), one(accuracy.other))
}

/// Every violation.
pub fn violations(violations: &[Violation]) -> Sheet {
    let mut sheet = Sheet::new(&["model", "norm", "method", "witness by", "input", "radius", "witness distance"], 4)
        .sparing(&["witness by"]);
    for violation in violations {
        let record = &violation.record;
        sheet.rows.push(vec![
            record.model.clone(),
            record.norm.clone(),
            record.method.clone(),
            violation.finder.clone(),
            record.input.to_string(),
            record.radius.clone(),
            format!("{:?}", violation.distance),
        ]);
    }
    sheet
}
