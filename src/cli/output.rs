//! Where rows go: to stdout, a pipe or a file that grows, in which another run can go on.

use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use underplane::files::{Growing, Target, partial_name, target, write_atomically};
use underplane::report::answer::{Detail, Status};
use underplane::report::rows::{Row, write_csv_part, write_json_lines};
use underplane::workbench::Circumstance;

/// How rows are written.
#[derive(Clone, Copy, PartialEq)]
pub enum Format {
    Csv,
    JsonLines,
}

impl Format {
    /// By the name; what takes bytes as they come gets CSV unless its name says otherwise.
    pub fn of(path: Option<&Path>) -> Result<Format> {
        let Some(path) = path else { return Ok(Format::Csv) };
        // Before the work, not after it.
        let target = target(path).with_context(|| format!("--out {}", path.display()))?;
        match (path.extension().and_then(|e| e.to_str()).unwrap_or_default(), target) {
            ("jsonl", _) => Ok(Format::JsonLines),
            ("csv", _) | (_, Target::Stream(_)) => Ok(Format::Csv),
            _ => bail!("--out {}: expected a name ending in .csv or .jsonl", path.display()),
        }
    }

    /// Rows as they are written; the `first` ones of a file have its header.
    pub fn lines(self, rows: &[Row], first: bool) -> std::io::Result<Vec<u8>> {
        let mut lines = Vec::new();
        match self {
            Format::Csv => write_csv_part(rows, first, &mut lines)?,
            Format::JsonLines => write_json_lines(rows, &mut lines)?,
        }
        Ok(lines)
    }
}

/// What an interrupted run had already.
#[derive(Default)]
pub struct Done {
    /// Samples all of whose rows are there.
    pub samples: usize,
    /// Rows among them that are unknown.
    pub unknown: usize,
    /// Why the kernel refused radii, once for each.
    pub refused: Vec<String>,
}

impl Done {
    /// With what came next.
    pub fn add(&mut self, next: Done) {
        self.samples += next.samples;
        self.unknown += next.unknown;
        self.refused.extend(next.refused);
    }
}

/// Takes rows.
pub enum Output {
    Stream(Box<dyn Write>),
    File(FileOutput),
}

/// A file that grows, and beside it the one that says what it is about.
pub struct FileOutput {
    /// None once it has its name.
    growing: Option<Growing>,
    state: PathBuf,
}

impl Output {
    /// Opens `out`, by default stdout. `about` is what the run is about: with `resume` it must be what the interrupted
    /// run was about. Every sample has `rows` rows.
    pub fn open(
        out: Option<&Path>,
        format: Format,
        resume: bool,
        about: &[Circumstance],
        rows: usize,
    ) -> Result<(Output, Done)> {
        let place = |path: &Path| format!("--out {}", path.display());
        let path = match out.map(|path| Ok::<_, anyhow::Error>((path, target(path).with_context(|| place(path))?))) {
            None if resume => bail!("--resume goes on with the file of --out, and there is none"),
            None => return Ok((Output::Stream(Box::new(std::io::stdout())), Done::default())),
            Some(target) => match target? {
                (path, Target::Stream(_)) if resume => bail!("{}: --resume needs a file", place(path)),
                (path, Target::Stream(stream)) => {
                    let file = OpenOptions::new().append(true).open(stream).with_context(|| place(path))?;
                    return Ok((Output::Stream(Box::new(file)), Done::default()));
                }
                (_, Target::File(path)) => path,
            },
        };
        let (partial, state) = (partial_name(&path), state_name(&path));
        let resume = resume && partial.exists();
        if resume {
            same_run(&partial, &state, about)?;
        }
        let mut growing = Growing::open(&path, resume)?;
        let done =
            if resume { go_on(&mut growing, format, rows).with_context(|| place(&partial))? } else { Done::default() };
        write_atomically(&state, |out| {
            serde_json::to_writer_pretty(&mut *out, about)?;
            writeln!(out)
        })?;
        Ok((Output::File(FileOutput { growing: Some(growing), state }), done))
    }

    /// Writes whole lines.
    pub fn write(&mut self, lines: &[u8]) -> Result<()> {
        match self {
            Output::Stream(stream) => {
                Ok(stream.write_all(lines).and_then(|()| stream.flush()).context("writing rows")?)
            }
            Output::File(FileOutput { growing, .. }) => {
                Ok(growing.as_mut().map_or(Ok(()), |file| file.write(lines))?)
            }
        }
    }

    /// The rows are all there.
    pub fn finish(self) -> Result<()> {
        if let Output::File(mut file) = self
            && let Some(growing) = file.growing.take()
        {
            growing.finish()?;
        }
        Ok(())
    }

    /// The rows so far stay as they are; says where.
    pub fn leave(self) -> String {
        match self {
            Output::Stream(_) => "they are written".into(),
            Output::File(file) => {
                let partial = file.state.with_extension("");
                format!("{} has them, and --resume goes on behind them", partial.display())
            }
        }
    }
}

impl Drop for FileOutput {
    /// Where there are no rows any more, or none yet, there is nothing to go on with.
    fn drop(&mut self) {
        if self.growing.as_ref().is_none_or(|growing| growing.length().is_ok_and(|length| length == 0)) {
            let _ = std::fs::remove_file(&self.state);
        }
    }
}

/// NAME.partial.json: what the run is about that writes NAME.partial.
fn state_name(path: &Path) -> PathBuf {
    let mut name = partial_name(path).into_os_string();
    name.push(".json");
    name.into()
}

/// Refuses to go on with the rows of another run.
fn same_run(partial: &Path, state: &Path, about: &[Circumstance]) -> Result<()> {
    let anew = "without --resume the run begins anew";
    let text = std::fs::read_to_string(state).with_context(|| {
        format!("{}: expected {}, which says how it was made; {anew}", partial.display(), state.display())
    })?;
    let before: Vec<Circumstance> =
        serde_json::from_str(&text).with_context(|| format!("{}: {anew}", state.display()))?;
    if before.iter().map(|(name, _)| name).ne(about.iter().map(|(name, _)| name)) {
        bail!("{}: made from other files, or by another version; {anew}", partial.display());
    }
    match before.iter().zip(about).find(|(before, now)| before != now) {
        None => Ok(()),
        Some(((name, before), (_, now))) => {
            bail!("{}: made with another {name}: {before}, now {now}; {anew}", partial.display())
        }
    }
}

/// Keeps whole rows of whole samples. The last row is never kept: who knows whether all of it was written.
fn go_on(growing: &mut Growing, format: Format, per_sample: usize) -> Result<Done> {
    let file = BufReader::new(growing.read()?);
    let rows = match format {
        Format::Csv => csv_rows(file)?,
        Format::JsonLines => json_rows(file)?,
    };
    let samples = rows.len().saturating_sub(1) / per_sample;
    let kept = rows.get(samples * per_sample).map_or(0, |row| if samples == 0 { 0 } else { row.start });
    growing.keep(kept)?;
    let mut done = Done { samples, ..Done::default() };
    for row in rows.into_iter().take(samples * per_sample) {
        done.unknown += usize::from(row.status == Status::Unknown);
        if let Detail::NotProven { reason, .. } = row.detail {
            done.refused.push(reason);
        }
    }
    Ok(done)
}

/// What going on needs to know of a row.
#[derive(serde::Deserialize)]
struct Written {
    /// The byte at which it begins.
    #[serde(skip)]
    start: u64,
    status: Status,
    detail: Detail,
}

/// The rows up to the first one that is none.
fn csv_rows(file: BufReader<File>) -> Result<Vec<Written>> {
    let mut reader = csv::Reader::from_reader(file);
    let Ok(header) = reader.headers().cloned() else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for record in reader.records() {
        let Ok(record) = record else { break };
        let start = record.position().map_or(0, csv::Position::byte);
        let Ok(row) = record.deserialize::<Written>(Some(&header)) else { break };
        rows.push(Written { start, ..row });
    }
    Ok(rows)
}

fn json_rows(mut file: BufReader<File>) -> Result<Vec<Written>> {
    let (mut rows, mut start, mut line) = (Vec::new(), 0, Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 {
        let Ok(row) = serde_json::from_slice::<Written>(&line) else { break };
        rows.push(Written { start, ..row });
        start += line.len() as u64;
        line.clear();
    }
    Ok(rows)
}
