//! `underplane regress`: verified radii against today's code.

use super::methods::{probability, threads};
use super::output::Format;
use super::screen::ScreenArgs;
use super::{Finish, progress};
use anyhow::{Result, bail};
use serde::Serialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use underplane::files::write_atomically;
use underplane::regress::{Change, Compared, Outcome, TOLERANCE, bless, compare, definition, find, shown, unnamed};
use underplane::report::fitted::paragraph;
use underplane::report::rows::{write_csv, write_json_lines_of};
use underplane::report::table::Sheet;

#[derive(clap::Args)]
pub struct Args {
    /// The folder with verified.toml; default: proofs-data/verified here, else that of the source
    folder: Option<PathBuf>,
    /// Store what today's code proves, and say what changed
    #[arg(long)]
    bless: bool,
    /// Relative change of a radius that counts as none
    #[arg(long, value_name = "T", default_value_t = TOLERANCE, value_parser = probability, allow_negative_numbers = true)]
    tolerance: f64,
    /// Write a row about every radius, moved or not (.csv or .jsonl; - is stdout) instead of the table
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
    /// Print these rows as JSON lines
    #[arg(long, conflicts_with = "out")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
    /// Read data files of the models that are links out of their folders, as if every entry said so
    #[arg(long)]
    follow_links: bool,
    /// Worker threads; default: all cores
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<usize>,
}

const FOLDER: &str = "proofs-data/verified";

/// So many reasons are told where the table has no room for them.
const TOLD: usize = 10;

/// A radius then and now, for scripts.
#[derive(Serialize)]
struct Row {
    entry: String,
    input: String,
    norm: String,
    method: String,
    verdict: String,
    old: String,
    new: String,
    relative_change: Option<f64>,
    detail: String,
}

/// What was found in all entries.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    /// Radii that are not as stored.
    changed: usize,
    /// Those among them that are failures.
    failures: usize,
    /// A line for each of those that are not as stored, or one for many whose reason is the same.
    lines: Vec<Vec<String>>,
}

pub fn run(args: &Args) -> Result<Finish> {
    super::certify::use_threads(args.threads)?;
    let out = args.out.as_deref();
    let format = match (args.json, out) {
        (true, _) => Format::JsonLines,
        (false, None) => Format::Table,
        (false, Some(path)) => Format::of(Some(path).filter(|path| *path != Path::new("-")))?,
    };
    let source = || vec![PathBuf::from(FOLDER), Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)];
    let folder = args.folder.clone().map_or_else(|| find(&source()), Ok)?;
    if args.folder.is_none() && folder != Path::new(FOLDER) {
        say!("note: no {FOLDER} here: these are the radii bundled with the source, {}", folder.display());
    }
    let mut definition = definition(&folder)?;
    definition.entry.iter_mut().for_each(|entry| entry.follow_links |= args.follow_links);
    let bar = progress::bar(definition.entry.len() as u64, "re-deriving");
    let mut found = Found::default();
    for entry in &definition.entry {
        bar.set_message(entry.name.clone());
        let mut outcome = compare(&folder, entry, args.tolerance, &mut |note| bar.suspend(|| say!("{note}")))?;
        for changed in &outcome.changed {
            bar.suspend(|| say!("note: {}: another {changed}", entry.name));
        }
        if args.bless {
            bless(&folder, entry, &outcome)?;
            let new = outcome.compared.iter_mut().filter(|compared| compared.change == Change::New);
            new.for_each(|compared| compared.detail = "stored now".into());
        }
        found.add(&entry.name, &outcome);
        bar.inc(1);
    }
    for (name, compared) in unnamed(&folder, &definition)? {
        found.add_line(&name, &compared);
        found.count(&name, &compared);
    }
    bar.finish_and_clear();
    let sentence = found.sentence(args.bless.then_some(folder.as_path()));
    match format {
        Format::Table => found.print(&sentence, args.screen.width())?,
        _ => {
            let lines = found.lines_for_scripts(format)?;
            match out.filter(|path| *path != Path::new("-")) {
                None => std::io::stdout().lock().write_all(&lines)?,
                Some(path) => write_atomically(path, |file| file.write_all(&lines))?,
            }
            say!("{sentence}");
        }
    }
    Ok(if found.failures > 0 && !args.bless { Finish::Refuted } else { Finish::Answered })
}

impl Found {
    fn add(&mut self, entry: &str, outcome: &Outcome) {
        outcome.compared.iter().for_each(|compared| self.count(entry, compared));
        let of = |change: Change| move |compared: &&Compared| compared.change == change;
        let with = |change: Change| outcome.compared.iter().filter(of(change)).count();
        let stored = outcome.compared.iter().filter(|compared| compared.old.is_some()).count();
        // Whoever puts another model in its place wants to hear that once, and not of every radius.
        let (others, refused) = (with(Change::OtherFiles), with(Change::StoredProof));
        let once = if others > 0 {
            let files = outcome.changed.join(", ");
            let what = if others == 1 { "1 stored proof is".into() } else { format!("{others} stored proofs are") };
            Some((Change::OtherFiles, format!("another {files}: {what} about the one before; --bless stores today's")))
        } else if refused > 1 && refused == stored {
            let first = outcome.compared.iter().find(of(Change::StoredProof)).map_or("", |first| &first.detail);
            Some((
                Change::StoredProof,
                format!("all {refused} of them: are model and inputs others? The first: {first}"),
            ))
        } else {
            None
        };
        let is_once = |compared: &&Compared| once.as_ref().is_some_and(|(change, _)| compared.change == *change);
        for compared in outcome.compared.iter().filter(|c| c.change != Change::Same && !is_once(c)) {
            self.add_line(entry, compared);
        }
        if let Some((change, detail)) = &once {
            let mut line = vec![String::new(); HEADER.len()];
            (line[0], line[4], line[5]) = (entry.into(), change.to_string(), detail.clone());
            self.lines.push(line);
        }
        // Below it, the radii of both models.
        for compared in outcome.compared.iter().filter(|c| c.change == Change::OtherFiles && is_once(c)) {
            self.add_line(entry, compared);
            self.lines.last_mut().into_iter().for_each(|line| line[4..6].fill(String::new()));
        }
    }

    fn count(&mut self, entry: &str, compared: &Compared) {
        self.changed += usize::from(compared.change != Change::Same);
        self.failures += usize::from(compared.change.fails());
        self.rows.push(row(entry, compared));
    }

    fn add_line(&mut self, entry: &str, compared: &Compared) {
        let [input, norm, method] = compared.key.clone();
        self.lines.push(vec![
            entry.into(),
            input,
            norm,
            method,
            compared.change.to_string(),
            compared.detail.clone(),
            shown(compared.old.as_ref()),
            shown(compared.new.as_ref().map(|proven| &proven.row)),
            compared
                .relative()
                .map(|change| if change == 0.0 { "0".into() } else { format!("{change:+.1e}") })
                .unwrap_or_default(),
        ]);
    }

    fn sentence(&self, blessed: Option<&Path>) -> String {
        let (total, changed, failures) = (self.rows.len(), self.changed, self.failures);
        let radii = if total == 1 { "1 verified radius".into() } else { format!("{total} verified radii") };
        if let Some(folder) = blessed {
            return format!("{radii} stored in {}, {changed} changed", folder.display());
        }
        let failures =
            if failures == 1 { "1 of them a failure".into() } else { format!("{failures} of them failures") };
        format!("{radii}: {} as stored, {changed} changed, {failures}", total - changed)
    }

    /// The sentence, and a table of what has changed; reasons that it has no room for stand below it, each once.
    fn print(&self, sentence: &str, width: Option<usize>) -> Result<()> {
        let mut text = paragraph(sentence, width);
        if !self.lines.is_empty() {
            let sheet = Sheet { rows: self.lines.clone(), ..Sheet::new(&HEADER, 6).sparing(&SPARE) };
            let sheet = sheet.without_empty_columns();
            text += &sheet.fitted(width);
            if sheet.left_out(width).contains(&"detail") {
                text += &self.reasons(width);
            }
        }
        Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
    }

    fn reasons(&self, width: Option<usize>) -> String {
        let mut reasons: Vec<String> = Vec::new();
        for line in self.lines.iter().filter(|line| !line[5].is_empty()) {
            let reason = format!("  {}, {}: {}", line[0], line[4], line[5]);
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let rest = reasons.len().saturating_sub(TOLD);
        reasons.truncate(TOLD);
        if rest > 0 {
            reasons.push(format!("  … and {rest} more"));
        }
        reasons.iter().map(|reason| paragraph(reason, width)).collect()
    }

    fn lines_for_scripts(&self, format: Format) -> Result<Vec<u8>> {
        let mut lines = Vec::new();
        match format {
            Format::JsonLines => write_json_lines_of(&self.rows, &["old", "new"], &mut lines)?,
            Format::Csv => write_csv(&self.rows, &mut lines)?,
            Format::Table => bail!("a table is printed"),
        }
        Ok(lines)
    }
}

const HEADER: [&str; 9] = ["entry", "input", "norm", "method", "verdict", "detail", "old", "new", "relative change"];
const SPARE: [&str; 4] = ["detail", "old", "new", "relative change"];

/// `old` and `new` are empty where there is no radius.
fn row(entry: &str, compared: &Compared) -> Row {
    let [input, norm, method] = compared.key.clone();
    let radius = |row: Option<&_>| row.map(|row| shown(Some(row))).unwrap_or_default();
    Row {
        entry: entry.into(),
        input,
        norm,
        method,
        verdict: compared.change.to_string(),
        old: radius(compared.old.as_ref()),
        new: radius(compared.new.as_ref().map(|proven| &proven.row)),
        relative_change: compared.relative(),
        detail: compared.detail.clone(),
    }
}
