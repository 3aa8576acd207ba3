//! Where rows go: to stdout, a pipe or a file that grows, in which another run can go on.

use super::inputs::tell;
use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use underplane::files::{Growing, Target, partial_name, target, write_atomically};
use underplane::report::answer::{Detail, Status};
use underplane::report::rows::{COLUMNS, Row, write_csv_part, write_json_lines};
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

/// What the rows of a run are about, one after the other.
pub struct Expected {
    /// Where every sample stands in its file.
    pub numbers: Vec<usize>,
    /// (norm, method) of a sample's rows, and whether a certified one has a certificate.
    pub columns: Vec<(String, &'static str, bool)>,
}

/// What an interrupted run had already.
#[derive(Default)]
pub struct Done {
    /// Samples all of whose rows are there.
    pub samples: usize,
    /// Certificates that they have.
    pub certificates: usize,
    /// Rows among them that are unknown.
    pub unknown: usize,
    /// Why the kernel refused radii, once for each.
    pub refused: Vec<String>,
}

impl Done {
    /// With what came next.
    pub fn add(&mut self, next: Done) {
        self.samples += next.samples;
        self.certificates += next.certificates;
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
    growing: Growing,
    state: PathBuf,
}

impl Output {
    /// Opens `out`, by default stdout. `about` is what the run is about: with `resume` it must be what the interrupted
    /// run was about, whose rows must be those `expected`.
    pub fn open(
        out: Option<&Path>,
        format: Format,
        resume: bool,
        about: &[Circumstance],
        expected: &dyn Fn() -> Expected,
    ) -> Result<(Output, Done)> {
        let place = |path: &Path| format!("--out {}", path.display());
        let path = match out.map(|path| Ok::<_, anyhow::Error>((path, target(path).with_context(|| place(path))?))) {
            None if resume => bail!("--resume goes on with the file of --out, and there is none"),
            None => return Ok((Output::Stream(Box::new(std::io::stdout())), Done::default())),
            Some(target) => match target? {
                (path, Target::Stream(_)) if resume => bail!("{}: --resume needs a file", place(path)),
                // Opened anew, it would be written from its beginning, or behind what others write.
                (_, Target::Stream(stream)) if STDOUT.iter().any(|name| stream == Path::new(name)) => {
                    return Ok((Output::Stream(Box::new(std::io::stdout())), Done::default()));
                }
                (path, Target::Stream(stream)) => {
                    let file = OpenOptions::new().append(true).open(stream).with_context(|| place(path))?;
                    return Ok((Output::Stream(Box::new(file)), Done::default()));
                }
                (_, Target::File(path)) => path,
            },
        };
        let (partial, state) = (partial_name(&path), state_name(&path));
        let is_begun = partial.metadata().is_ok_and(|data| data.len() > 0);
        match (is_begun, resume) {
            (true, true) => same_run(&partial, &state, about)?,
            (true, false) => tell(&format!("note: {} is begun anew; --resume would go on with it", partial.display())),
            (false, _) => {}
        }
        let mut growing = Growing::open(&path, resume)?;
        let done = match resume && is_begun {
            true => go_on(&mut growing, format, &expected()).with_context(|| partial.display().to_string())?,
            false => Done::default(),
        };
        write_atomically(&state, |out| {
            serde_json::to_writer_pretty(&mut *out, about)?;
            writeln!(out)
        })?;
        Ok((Output::File(FileOutput { growing, state }), done))
    }

    /// Writes whole lines.
    pub fn write(&mut self, lines: &[u8]) -> Result<()> {
        match self {
            Output::Stream(stream) => {
                Ok(stream.write_all(lines).and_then(|()| stream.flush()).context("writing rows")?)
            }
            Output::File(FileOutput { growing, .. }) => Ok(growing.write(lines)?),
        }
    }

    /// The rows are all there.
    pub fn finish(self) -> Result<()> {
        if let Output::File(FileOutput { growing, state }) = &self {
            growing.finish()?;
            std::fs::remove_file(state).with_context(|| state.display().to_string())?;
        }
        Ok(())
    }

    /// The rows so far stay as they are; says where.
    pub fn leave(&self) -> String {
        match self {
            Output::Stream(_) => "they are written".into(),
            Output::File(file) if file.growing.is_empty() => "--resume begins".into(),
            Output::File(file) => {
                let partial = file.state.with_extension("");
                format!("{} has them, and --resume goes on behind them", partial.display())
            }
        }
    }
}

impl Drop for FileOutput {
    /// Where there are no rows yet, there is nothing to go on with.
    fn drop(&mut self) {
        if self.growing.is_empty() {
            let _ = std::fs::remove_file(&self.state);
        }
    }
}

/// Names of the open file that is stdout.
const STDOUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

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
    for (name, value) in about {
        let was = before.iter().find(|(other, _)| other == name).map(|(_, value)| value);
        if was != Some(value) {
            let was = was.map_or("none", String::as_str);
            bail!("{}: made with another {name}: {was}, now {value}; {anew}", partial.display());
        }
    }
    match before.iter().find(|(name, _)| about.iter().all(|(other, _)| other != name)) {
        Some((name, value)) => bail!("{}: made with {name}: {value}, now without; {anew}", partial.display()),
        None => Ok(()),
    }
}

/// Keeps whole rows of whole samples.
fn go_on(growing: &mut Growing, format: Format, expected: &Expected) -> Result<Done> {
    let file = BufReader::new(growing.read()?);
    let rows = match format {
        Format::Csv => csv_rows(file, growing.length()?)?,
        Format::JsonLines => json_rows(file)?,
    };
    let per_sample = expected.columns.len();
    let samples = (rows.len() / per_sample).min(expected.numbers.len());
    let mut done = Done { samples, ..Done::default() };
    growing.keep((samples * per_sample).checked_sub(1).map_or(0, |last| rows[last].end))?;
    for (i, row) in rows.into_iter().take(samples * per_sample).enumerate() {
        let (norm, method, has_evidence) = &expected.columns[i % per_sample];
        let number = expected.numbers[i / per_sample];
        if (row.input, &row.norm, row.method.as_str()) != (number, norm, method) {
            let found = format!("input {}, {} {}", row.input, row.norm, row.method);
            bail!(
                "row {}: expected input {number}, {norm} {method}, found {found}; without --resume the run begins anew",
                i + 1
            );
        }
        done.unknown += usize::from(row.status == Status::Unknown);
        done.certificates += usize::from(row.status == Status::Certified && *has_evidence);
        if let Detail::NotProven { reason, .. } = row.detail {
            done.refused.push(reason);
        }
    }
    Ok(done)
}

/// What going on needs to know of a row.
#[derive(serde::Deserialize)]
struct Written {
    input: usize,
    norm: String,
    method: String,
    status: Status,
    detail: Detail,
    /// The byte behind it.
    #[serde(skip)]
    end: u64,
}

/// The rows of `length` bytes, up to the first one that is none, or not whole.
fn csv_rows(mut file: BufReader<File>, length: u64) -> Result<Vec<Written>> {
    file.seek(SeekFrom::Start(length.saturating_sub(1)))?;
    let mut last = [0];
    let is_whole = file.read(&mut last)? == 1 && last == *b"\n";
    file.rewind()?;
    let mut reader = csv::Reader::from_reader(file);
    let Ok(header) = reader.headers().cloned() else { return Ok(Vec::new()) };
    if header.iter().ne(COLUMNS) {
        return Ok(Vec::new());
    }
    let mut rows: Vec<Written> = Vec::new();
    for record in reader.records() {
        let Ok(record) = record else { break };
        let start = record.position().map_or(0, csv::Position::byte);
        if let Some(before) = rows.last_mut() {
            before.end = start;
        }
        let Ok(row) = record.deserialize::<Written>(Some(&header)) else { break };
        rows.push(Written { end: length, ..row });
    }
    if !is_whole {
        rows.pop_if(|last| last.end == length);
    }
    Ok(rows)
}

fn json_rows(mut file: BufReader<File>) -> Result<Vec<Written>> {
    let (mut rows, mut end, mut line) = (Vec::new(), 0, Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        let Ok(row) = serde_json::from_slice::<Written>(&line) else { break };
        end += line.len() as u64;
        rows.push(Written { end, ..row });
        line.clear();
    }
    Ok(rows)
}
