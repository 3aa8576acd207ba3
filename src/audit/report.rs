//! The report of an audit: generated from its records, and from nothing else.

use crate::audit::ladder::Conclusion;
use crate::audit::summary::Summary;
use crate::audit::tables;
use crate::audit::tally::{Hear, Tally};
use crate::data::DataError;
use crate::files::write_atomically;
use crate::report::records::{Found, Record, read_csv};
use crate::report::rows::write_json_lines;
use crate::report::run_info::{ModelInfo, RunInfo};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// One row per (model, input, norm, method).
pub const RECORDS: &str = "records.csv";

/// One row per (model, input, norm) and what found a witness.
pub const WITNESSES: &str = "witnesses.csv";

/// Whole rows of a table that would pass.
pub const ADVERSARIAL: &str = "adversarial.csv";

/// The circumstances.
pub const RUN: &str = "run.json";

/// `<parent>/<date>-<what>`, with a number appended where that is taken.
pub fn free_name(parent: &Path, date: &str, what: &str) -> PathBuf {
    let name = |k: usize| if k == 1 { format!("{date}-{what}") } else { format!("{date}-{what}-{k}") };
    (1..).map(|k| parent.join(name(k))).find(|path| !path.exists()).unwrap_or_else(|| parent.join(name(0)))
}

/// Completes a folder in which all records and witnesses are, and says what they amount to: the report is made from what
/// the files say.
///
/// # Errors
/// When a file cannot be read or written.
pub fn complete(folder: &Path, run: &RunInfo) -> Result<Tally, DataError> {
    let json = |out: &mut dyn io::Write| {
        let mut records = read_csv::<Record>(&folder.join(RECORDS)).map_err(io::Error::other)?;
        records.try_for_each(|record| write_json_lines(&[record.map_err(io::Error::other)?], out))
    };
    write_atomically(&folder.join("records.jsonl"), json)?;
    write_atomically(&folder.join(RUN), |out| {
        serde_json::to_writer_pretty(&mut *out, run)?;
        writeln!(out)
    })?;
    let tally = Tally::of(|hear| read(folder, hear))?;
    write_atomically(&folder.join("report.md"), |out| out.write_all(markdown(run, &tally).as_bytes()))?;
    Ok(tally)
}

/// Goes through the answers in a folder, input by input.
///
/// # Errors
/// When a file is missing or of another form.
pub fn read(folder: &Path, hear: Hear) -> Result<(), DataError> {
    let mut found = read_csv::<Found>(&folder.join(WITNESSES))?.peekable();
    let mut own: Vec<Record> = Vec::new();
    let mut records = read_csv::<Record>(&folder.join(RECORDS))?;
    loop {
        let record = records.next().transpose()?;
        let is_own =
            |input: usize, model: &str| own.first().is_some_and(|r| (r.input, r.model.as_str()) == (input, model));
        if record.as_ref().is_none_or(|record| !is_own(record.input, &record.model)) && !own.is_empty() {
            let about = |found: &Result<Found, DataError>| match found {
                Ok(found) => is_own(found.input, &found.model),
                Err(_) => true,
            };
            let witnesses: Vec<Found> = std::iter::from_fn(|| found.next_if(about)).collect::<Result<_, _>>()?;
            hear(&own, &witnesses);
            own.clear();
        }
        let Some(record) = record else { return Ok(()) };
        own.push(record);
    }
}

/// The report as Markdown.
pub fn markdown(run: &RunInfo, tally: &Tally) -> String {
    let mut text = format!("# Audit of {}\n\n", run.date);
    let _ = writeln!(text, "{}\n", verdict(tally));
    circumstances(&mut text, run, tally);
    for summary in tally.summaries() {
        model(&mut text, run.models.iter().find(|info| info.name == summary.model), &summary);
    }
    if !tally.violations.is_empty() {
        let _ = writeln!(text, "## Violations\n\n{}", tables::violations(&tally.violations).markdown());
    }
    let _ = write!(
        text,
        "## Files\n\n- `{RECORDS}`, `records.jsonl`: one row per (model, input, norm, method); `upper` is the distance of \
         the nearest verified witness, `proof` what the kernel said of the radius\n- `{WITNESSES}`: what found a witness, how far away, and for rows of a table what moves\n- `{ADVERSARIAL}`, where inputs are the rows of a table with names: \
         whole rows near to them that would pass, which `certify` reads as it reads the table\n- `{RUN}`: the \
         circumstances\n\nThis file is generated from them.\n"
    );
    text
}

/// One sentence, and a line for each reason why none of the methods applied.
pub fn verdict(tally: &Tally) -> String {
    let Tally { certified, proven, refutable, refused, .. } = tally;
    let checked = format!(
        "{certified} radii of base classifiers, {proven} of them proven by the kernel, {refutable} with a verified \
         witness to compare with; {refused} refused by the kernel"
    );
    match tally.conclusion() {
        Conclusion::Passed => format!("No violation: {checked}."),
        Conclusion::Violated => format!("{} VIOLATIONS: {checked}.", tally.violations.len()),
        Conclusion::Undecided => {
            let mut text = format!("No violation, but {} answers stayed unknown: {checked}.", tally.undecided);
            for (model, why) in &tally.unmet {
                let _ = write!(text, "\n{model}: no method that was asked for applies: {why}.");
            }
            text
        }
    }
}

/// The risk that any of the smoothed answers is wrong; `None` where there are none.
pub fn family_risk(tally: &Tally, alpha: f64) -> Option<String> {
    let count = tally.smoothed;
    (count > 0).then(|| {
        let risk = (count as f64 * alpha).min(1.0);
        format!(
            "smoothed answers: each input's are wrong with probability at most α = {alpha}; any of the {count} inputs' \
             with probability at most {risk:.3}"
        )
    })
}

fn circumstances(text: &mut String, run: &RunInfo, tally: &Tally) {
    let machine = &run.machine;
    let _ = writeln!(text, "- program: {}, {} build", run.program, machine.build);
    let _ = writeln!(text, "- command: `{}`", run.command);
    let _ = writeln!(text, "- machine: {}, {} threads, {}", machine.cpu, machine.threads, machine.system);
    let _ = writeln!(text, "- time: {:.1} s in all", run.seconds);
    for (name, value) in &run.settings {
        let _ = writeln!(text, "- {name}: {value}");
    }
    if let Some(risk) = run.alpha.and_then(|alpha| family_risk(tally, alpha)) {
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
            let _ = match info.range.split_once(',') {
                Some((low, high)) => writeln!(text, "- box: every coordinate stays in [{low}, {high}]"),
                None => writeln!(text, "- box: every coordinate stays in its range of `{}`", info.range),
            };
        }
        let _ = writeln!(text);
    }
    tables::sentences(summary, info).iter().for_each(|told| *text += &format!("{told}\n\n"));
    let _ = writeln!(text, "{}", tables::methods(summary).markdown());
    for note in tables::notes(summary, info) {
        let _ = writeln!(text, "- {note}");
    }
    let _ = writeln!(text);
}
