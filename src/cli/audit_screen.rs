//! What an audit prints: sentences and a table about every model, and the conclusion.

use super::Finish;
use anyhow::Result;
use indicatif::ProgressBar;
use std::io::Write as _;
use std::path::Path;
use underplane::audit::ladder::Conclusion;
use underplane::audit::report::ADVERSARIAL;
use underplane::audit::tally::Tally;
use underplane::audit::{report, tables};
use underplane::report::fitted::paragraph;
use underplane::report::run_info::{ModelInfo, RunInfo};

/// About a model, above the progress bar.
pub fn print(bar: &ProgressBar, info: &ModelInfo, folder: &Path, width: Option<usize>) -> Result<()> {
    let tally = Tally::of(|hear| {
        report::read(folder, &mut |records, found| {
            if records[0].model == info.name {
                hear(records, found);
            }
        })
    })?;
    let mut text = String::new();
    for summary in tally.summaries() {
        let range = if info.range.is_empty() { String::new() } else { format!("; box [{}]", info.range) };
        text += &paragraph(&format!("{}: {}", info.name, info.about), width);
        text += &paragraph(&format!("{}; unit: {}{range}", info.convexity, info.unit), width);
        tables::sentences(&summary, Some(info)).iter().for_each(|told| text += &paragraph(told, width));
        text += &tables::methods(&summary).fitted(width);
        tables::notes(&summary, Some(info)).iter().for_each(|note| text += &paragraph(&format!("  {note}"), width));
        text.push('\n');
    }
    bar.suspend(|| std::io::stdout().lock().write_all(text.as_bytes()))?;
    Ok(())
}

/// The conclusion, and where the report is. A method that was asked for by its name (`named`) should have answered.
pub fn finish(run: &RunInfo, tally: &Tally, folder: &Path, named: bool, width: Option<usize>) -> Result<Finish> {
    let mut text: String = report::verdict(tally).lines().map(|line| paragraph(line, width)).collect();
    if !tally.violations.is_empty() {
        text += &format!("VIOLATIONS\n{}", tables::violations(&tally.violations).fitted(width));
    }
    for (model, method, why) in tally.idle().filter(|_| named) {
        text += &paragraph(&format!("{model}: {method} was asked for and does not apply: {why}"), width);
    }
    if let Some(risk) = run.alpha.and_then(|alpha| report::family_risk(tally, alpha)) {
        text += &paragraph(&risk, width);
    }
    if let Some(rows) = adversarial(folder)? {
        let told = match rows {
            0 => "no witness stands for a whole row of the table".into(),
            1 => format!("1 whole row of the table that would pass: {}", folder.join(ADVERSARIAL).display()),
            _ => format!("{rows} whole rows of the table that would pass: {}", folder.join(ADVERSARIAL).display()),
        };
        text += &paragraph(&told, width);
    }
    text += &format!("{:.1} s; report and records: {}\n", run.seconds, folder.display());
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(match tally.conclusion() {
        Conclusion::Passed if named && tally.idle().next().is_some() => Finish::Unknown,
        Conclusion::Passed => Finish::Answered,
        Conclusion::Violated => Finish::Refuted,
        Conclusion::Undecided => Finish::Unknown,
    })
}

/// How many rows of the table would pass; nothing where inputs are no such rows.
fn adversarial(folder: &Path) -> Result<Option<usize>> {
    let path = folder.join(ADVERSARIAL);
    Ok(if path.is_file() { Some(csv::Reader::from_path(path)?.records().count()) } else { None })
}
