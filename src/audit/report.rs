//! The report of an audit: generated from its records, and from nothing else.

use crate::audit::ladder::{Conclusion, Violation, conclusion, undecided, unmet, violations};
use crate::audit::summary::{Summary, summaries};
use crate::audit::tables;
use crate::data::DataError;
use crate::files::write_atomically;
use crate::radius::Guarantee;
use crate::report::answer::Status;
use crate::report::records::{Found, Record, Replay, read_csv};
use crate::report::rows::{write_csv, write_json_lines};
use crate::report::run_info::{ModelInfo, RunInfo};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One row per (model, input, norm, method).
pub const RECORDS: &str = "records.csv";

/// One row per (model, input, norm) and what found a witness.
pub const WITNESSES: &str = "witnesses.csv";

/// The circumstances.
pub const RUN: &str = "run.json";

/// Writes the folder `<parent>/<date>-audit` (with a number appended where that is taken) whole or not at all, and
/// says where it is.
///
/// # Errors
/// When something cannot be written.
pub fn write(parent: &Path, run: &RunInfo, records: &[Record], found: &[Found]) -> Result<PathBuf, DataError> {
    let fault = |path: &Path| {
        let path = path.to_path_buf();
        move |source: io::Error| DataError::File { path, source }
    };
    fs::create_dir_all(parent).map_err(fault(parent))?;
    let unfinished = parent.join(format!(".{}-audit.{}.part", run.date, std::process::id()));
    fs::create_dir(&unfinished).map_err(fault(&unfinished))?;
    let finished = fill(&unfinished, run, records, found).and_then(|()| {
        let folder = free_name(parent, &run.date, "audit");
        fs::rename(&unfinished, &folder).map_err(fault(&folder))?;
        Ok(folder)
    });
    if finished.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&unfinished);
    }
    finished
}

/// `<parent>/<date>-<what>`, with a number appended where that is taken.
pub fn free_name(parent: &Path, date: &str, what: &str) -> PathBuf {
    let name = |k: usize| if k == 1 { format!("{date}-{what}") } else { format!("{date}-{what}-{k}") };
    (1..).map(|k| parent.join(name(k))).find(|path| !path.exists()).unwrap_or_else(|| parent.join(name(0)))
}

fn fill(folder: &Path, run: &RunInfo, records: &[Record], found: &[Found]) -> Result<(), DataError> {
    write_atomically(&folder.join(RECORDS), |out| write_csv(records, out))?;
    write_atomically(&folder.join("records.jsonl"), |out| write_json_lines(records, out))?;
    write_atomically(&folder.join(WITNESSES), |out| write_csv(found, out))?;
    write_atomically(&folder.join(RUN), |out| {
        serde_json::to_writer_pretty(&mut *out, run)?;
        writeln!(out)
    })?;
    // What the report says is what the files say, not what memory says.
    let (run, records, found) = read(folder)?;
    write_atomically(&folder.join("report.md"), |out| out.write_all(markdown(&run, &records, &found).as_bytes()))?;
    Ok(())
}

/// Reads the records of an audit back from its folder.
///
/// # Errors
/// When a file is missing or of another form.
pub fn read(folder: &Path) -> Result<(RunInfo, Vec<Record>, Vec<Found>), DataError> {
    let path = folder.join(RUN);
    let text = fs::read_to_string(&path).map_err(|source| DataError::File { path: path.clone(), source })?;
    let run = serde_json::from_str(&text).map_err(|e| DataError::File { path, source: e.into() })?;
    Ok((run, read_csv(&folder.join(RECORDS))?, read_csv(&folder.join(WITNESSES))?))
}

/// The report as Markdown.
pub fn markdown(run: &RunInfo, records: &[Record], found: &[Found]) -> String {
    let violations = violations(records, found);
    let mut text = format!("# Audit of {}\n\n", run.date);
    let _ = writeln!(text, "{}\n", verdict(records, found, &violations));
    circumstances(&mut text, run, records);
    for summary in summaries(records, found, &violations) {
        model(&mut text, run.models.iter().find(|info| info.name == summary.model), &summary);
    }
    if !violations.is_empty() {
        let _ = writeln!(text, "## Violations\n\n{}", tables::violations(&violations).markdown());
    }
    let _ = write!(
        text,
        "## Files\n\n- `{RECORDS}`, `records.jsonl`: one row per (model, input, norm, method); `upper` is the distance of \
         the nearest verified witness, `proof` what the kernel said of the radius\n- `{WITNESSES}`: what found a witness, and how far away\n- `{RUN}`: the \
         circumstances\n\nThis file is generated from them.\n"
    );
    text
}

/// One sentence, and a line for each reason why none of the methods applied.
pub fn verdict(records: &[Record], found: &[Found], violations: &[Violation]) -> String {
    let sound = records.iter().filter(|r| r.is_base() && r.certified().is_some()).count();
    let refutable = records.iter().filter(|r| r.is_base() && r.certified().is_some() && r.witness().is_some()).count();
    let of = |proof: Replay| records.iter().filter(|r| r.proof == proof).count();
    let checked = format!(
        "{sound} radii of base classifiers, {} of them proven by the kernel, {refutable} with a verified witness to \
         compare with; {} refused by the kernel",
        of(Replay::Accepted),
        of(Replay::Refused)
    );
    match conclusion(records, found) {
        Conclusion::Passed => format!("No violation: {checked}."),
        Conclusion::Violated => format!("{} VIOLATIONS: {checked}.", violations.len()),
        Conclusion::Undecided => {
            let unknown = undecided(records).count();
            let mut text = format!("No violation, but {unknown} answers stayed unknown: {checked}.");
            for (model, why) in unmet(records) {
                let _ = write!(text, "\n{model}: no method that was asked for applies: {why}.");
            }
            text
        }
    }
}

/// The risk that any of the smoothed answers is wrong; `None` where there are none.
///
/// An input's answers for several norms rest on the same draws, so every (model, input) counts once.
pub fn family_risk(records: &[Record], alpha: f64) -> Option<String> {
    let answered = |r: &&Record| {
        let is_answer = matches!(r.status, Status::Certified | Status::NotSensitive);
        is_answer && r.guarantee == Guarantee::Probabilistic
    };
    let inputs: BTreeSet<(&str, usize)> =
        records.iter().filter(answered).map(|r| (r.model.as_str(), r.input)).collect();
    let count = inputs.len();
    (count > 0).then(|| {
        let risk = (count as f64 * alpha).min(1.0);
        format!(
            "smoothed answers: each input's are wrong with probability at most α = {alpha}; any of the {count} inputs' \
             with probability at most {risk:.3}"
        )
    })
}

fn circumstances(text: &mut String, run: &RunInfo, records: &[Record]) {
    let machine = &run.machine;
    let _ = writeln!(text, "- program: {}, {} build", run.program, machine.build);
    let _ = writeln!(text, "- command: `{}`", run.command);
    let _ = writeln!(text, "- machine: {}, {} threads, {}", machine.cpu, machine.threads, machine.system);
    let _ = writeln!(text, "- time: {:.1} s in all", run.seconds);
    for (name, value) in &run.settings {
        let _ = writeln!(text, "- {name}: {value}");
    }
    if let Some(risk) = run.alpha.and_then(|alpha| family_risk(records, alpha)) {
        let _ = writeln!(text, "- {risk}");
    }
    let _ = writeln!(text);
}

fn model(text: &mut String, info: Option<&ModelInfo>, summary: &Summary) {
    let _ = writeln!(text, "## {}\n", summary.model);
    if let Some(info) = info {
        let _ = writeln!(text, "{}\n", info.about);
        let _ = writeln!(
            text,
            "- `{}`: {} coordinates, {} constants, {}",
            info.file, info.input_size, info.constants, info.convexity
        );
        let _ = writeln!(text, "- inputs: {} of the {} in `{}`", summary.inputs, info.inputs_in_file, info.inputs);
        let _ = writeln!(text, "- unit of a radius: {}", info.unit);
        if !info.range.is_empty() {
            let _ = writeln!(text, "- box: every coordinate stays in [{}]", info.range.replace(',', ", "));
        }
        let _ = writeln!(text);
    }
    let _ = writeln!(text, "{}", tables::methods(summary).markdown());
    for note in tables::notes(summary) {
        let _ = writeln!(text, "- {note}");
    }
    let _ = writeln!(text);
}
