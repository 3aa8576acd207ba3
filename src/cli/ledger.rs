//! Where the answers of an audit go: into a folder that grows, in which another run can go on.

use super::inputs::tell;
use super::state::{ANEW, State};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use underplane::audit::adversarial::{Adversarial, header as header_of_rows};
use underplane::audit::report::{ADVERSARIAL, RECORDS, WITNESSES, complete, free_name};
use underplane::audit::run::Findings;
use underplane::audit::tally::Tally;
use underplane::files::Growing;
use underplane::report::grown::csv_rows;
use underplane::report::records::{Found, Record};
use underplane::report::rows::write_csv_part;
use underplane::report::run_info::RunInfo;
use underplane::workbench::Circumstance;

/// So many unfinished audits may lie in a folder.
const MOST: usize = 100;

/// The records of one input: its model and number, and the (norm, method) of every record.
pub type Expected<'a> = ((&'a str, usize), &'a [(String, &'static str)]);

/// An unfinished audit: its folder, what it is about, and what it has answered.
pub struct Ledger {
    folder: PathBuf,
    state: State,
    records: Growing,
    witnesses: Growing,
    /// Rows of a table that would pass.
    rows: Option<Growing>,
}

/// What is written of some inputs.
pub struct Lines {
    records: Vec<u8>,
    witnesses: Vec<u8>,
    rows: Vec<u8>,
}

impl Lines {
    /// Those of `findings`.
    pub fn of(findings: &Findings) -> Result<Lines> {
        let (mut records, mut witnesses) = (Vec::new(), Vec::new());
        write_csv_part(&findings.records, false, &mut records)?;
        write_csv_part(&findings.found, false, &mut witnesses)?;
        let rows = adversarial_lines(&findings.adversarial)?;
        Ok(Lines { records, witnesses, rows })
    }
}

impl Ledger {
    /// Begins an audit in a folder of its own under `parent`, or with `resume` goes on with one that was about the same;
    /// and the number of inputs that it has answered, of those `expected`.
    pub fn open<'a>(
        parent: &Path,
        resume: bool,
        about: &[Circumstance],
        expected: impl Iterator<Item = Expected<'a>>,
    ) -> Result<(Ledger, usize)> {
        let name = |k: usize| if k == 1 { "audit.partial".into() } else { format!("audit-{k}.partial") };
        let folders: Vec<PathBuf> = (1..=MOST).map(|k| parent.join(name(k))).collect();
        let mut others = None;
        for folder in folders.iter().filter(|folder| folder.exists()) {
            // Another run may be writing it.
            let Ok(mut ledger) = Ledger::of(folder) else { continue };
            if ledger.records.is_empty() {
                return ledger.anew(about);
            }
            match (ledger.state.is_of(about), resume) {
                (Ok(()), true) => {
                    let place = || folder.display().to_string();
                    let done = go_on(&mut ledger.records, &mut ledger.witnesses, expected).with_context(place)?;
                    return Ok((ledger, done));
                }
                (Ok(()), false) => {
                    tell(&format!("note: {} is begun anew; --resume would go on with it", folder.display()));
                    return ledger.anew(about);
                }
                (Err(other), _) => others = others.or(Some(other)),
            }
        }
        if let (Some(other), true) = (others, resume) {
            return Err(other);
        }
        for folder in folders.iter().filter(|folder| !folder.exists()) {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            // Another run that has just begun may have been faster.
            if let Ok(ledger) = Ledger::of(folder) {
                return ledger.anew(about);
            }
        }
        bail!("{}: no folder in it can be written; it may hold {MOST} unfinished audits", parent.display())
    }

    fn of(folder: &Path) -> Result<Ledger> {
        let open = |name: &str| Growing::open_as(folder.join(name), &folder.join(name), true);
        let (folder, state) = (folder.to_path_buf(), State::inside(folder));
        Ok(Ledger { records: open(RECORDS)?, witnesses: open(WITNESSES)?, rows: None, folder, state })
    }

    /// The same with a file for rows of a table with columns of these names; behind the rows of the first `done` of the
    /// inputs with these numbers.
    pub fn with_rows(mut self, names: &[String], done: usize, numbers: impl Iterator<Item = usize>) -> Result<Ledger> {
        let (path, names) = (self.folder.join(ADVERSARIAL), header_of_rows(names));
        let mut growing = Growing::open_as(path.clone(), &path, true)?;
        let last = done.checked_sub(1).and_then(|last| numbers.take(done).nth(last));
        let columns: Vec<&str> = names.iter().map(String::as_str).collect();
        let is_before = |(cells, _): &(Vec<String>, u64)| {
            last.is_some_and(|last| cells[0].parse().is_ok_and(|row: usize| row <= last))
        };
        let rows = csv_rows::<Vec<String>>(growing.read()?, &columns)?.take_while(is_before);
        let kept = rows.last().map_or(0, |(_, end)| end);
        growing.keep(kept)?;
        if kept == 0 {
            growing.write(&line(&columns)?)?;
        }
        self.rows = Some(growing);
        Ok(self)
    }

    fn anew(mut self, about: &[Circumstance]) -> Result<(Ledger, usize)> {
        self.records.keep(0)?;
        self.witnesses.keep(0)?;
        self.state.write(about)?;
        Ok((self, 0))
    }

    /// Writes all about some inputs. A witness comes before its record: a record that is there has its witnesses.
    pub fn write(&mut self, lines: &Lines) -> Result<()> {
        if self.records.is_empty() {
            self.witnesses.write(header(&Found::COLUMNS).as_bytes())?;
            self.records.write(header(&Record::COLUMNS).as_bytes())?;
        }
        self.witnesses.write(&lines.witnesses)?;
        if let Some(rows) = &mut self.rows {
            rows.write(&lines.rows)?;
        }
        Ok(self.records.write(&lines.records)?)
    }

    /// The folder, in which the answers so far are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// They are all there: makes the report, and gives the folder its name; says where it is, and what it amounts to.
    pub fn finish(self, run: &RunInfo) -> Result<(PathBuf, Tally)> {
        self.records.finish()?;
        self.witnesses.finish()?;
        if let Some(rows) = &self.rows {
            rows.finish()?;
        }
        let tally = complete(&self.folder, run)?;
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        let folder = loop {
            let folder = free_name(parent, &run.date, "audit");
            match fs::rename(&self.folder, &folder) {
                Ok(()) => break folder,
                // Another run has just taken the name.
                Err(_) if folder.exists() => {}
                Err(error) => return Err(error).with_context(|| folder.display().to_string()),
            }
        };
        State::inside(&folder).remove()?;
        Ok((folder, tally))
    }
}

impl Drop for Ledger {
    /// Where there are no answers yet, there is nothing to go on with.
    fn drop(&mut self) {
        if self.folder.exists() && self.records.is_empty() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Cells may hold anything.
fn line(cells: &[&str]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    Ok(writer.into_inner()?)
}

fn adversarial_lines(rows: &[Adversarial]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for Adversarial { row, norm, distance, change, cells } in rows {
        let own = [row.to_string(), norm.clone(), format!("{distance:?}"), change.clone()];
        lines.extend(line(&own.iter().chain(cells).map(String::as_str).collect::<Vec<_>>())?);
    }
    Ok(lines)
}

fn header(columns: &[&str]) -> String {
    columns.join(",") + "\n"
}

/// Keeps whole records of whole inputs, and their witnesses; how many inputs they are about.
fn go_on<'a>(
    records: &mut Growing,
    witnesses: &mut Growing,
    expected: impl Iterator<Item = Expected<'a>>,
) -> Result<usize> {
    let mut rows = csv_rows::<Record>(records.read()?, &Record::COLUMNS)?;
    let mut found = csv_rows::<Found>(witnesses.read()?, &Found::COLUMNS)?.peekable();
    let (mut done, mut ends) = (0, (0, header(&Found::COLUMNS).len() as u64));
    'inputs: for ((model, input), columns) in expected {
        let mut nearest: Vec<(String, f64)> = Vec::new();
        let (mut own, mut end) = (Vec::with_capacity(columns.len()), 0);
        for (norm, method) in columns {
            let Some((row, behind)) = rows.next() else { break 'inputs };
            let is = (row.model.as_str(), row.input, row.norm.as_str(), row.method.as_str());
            ensure!(
                is == (model, input, norm, method),
                "{RECORDS}: expected {model}, input {input}, {norm} {method}, found {}, input {}, {} {}; {ANEW}",
                row.model,
                row.input,
                row.norm,
                row.method
            );
            own.push(row);
            end = behind;
        }
        while let Some((witness, behind)) = found.next_if(|(f, _)| (f.model.as_str(), f.input) == (model, input)) {
            ends.1 = behind;
            nearest.extend(witness.distance.map(|distance| (witness.norm, distance)));
        }
        for row in own.iter().filter(|row| row.is_base()) {
            let of_norm = nearest.iter().filter(|(norm, _)| *norm == row.norm).map(|(_, distance)| *distance);
            let is_there = row.witness() == of_norm.min_by(f64::total_cmp);
            ensure!(
                is_there,
                "{WITNESSES}: expected those of {model}, input {input}, {}, as its records have; {ANEW}",
                row.norm
            );
        }
        ends.0 = end;
        done += 1;
    }
    let ends = if done == 0 { (0, 0) } else { ends };
    let (mut head, mut file) = (Vec::new(), witnesses.read()?);
    file.rewind()?;
    file.take(header(&Found::COLUMNS).len() as u64).read_to_end(&mut head)?;
    let has_header = done == 0 || head == header(&Found::COLUMNS).as_bytes();
    ensure!(has_header, "{WITNESSES}: expected the line {}; {ANEW}", Found::COLUMNS.join(","));
    records.keep(ends.0)?;
    witnesses.keep(ends.1)?;
    Ok(done)
}
