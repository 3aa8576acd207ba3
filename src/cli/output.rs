//! Where rows go: to stdout, a pipe or a file that grows, in which another run can go on.

use super::inputs::tell;
use super::listing::Listing;
use super::state::{ANEW, State};
use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::io::{BufReader, Write};
use std::path::Path;
use underplane::files::{Growing, Target, partial_name, target};
use underplane::proof::Groups;
use underplane::report::answer::{Detail, Status};
use underplane::report::grown::{csv_rows, json_rows};
use underplane::report::rows::{COLUMNS, Row, write_csv_part, write_json_lines};
use underplane::workbench::Circumstance;

/// How rows are written.
#[derive(Clone, Copy, PartialEq)]
pub enum Format {
    Csv,
    JsonLines,
    /// All at the end, on a terminal.
    Table,
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
            Format::Table => {}
        }
        Ok(lines)
    }
}

/// What the rows of a run are about, one after the other.
pub struct Expected<'a> {
    /// Where every sample stands in its file.
    pub numbers: Box<dyn Iterator<Item = usize> + 'a>,
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
    /// Why the kernel refused radii.
    pub refused: Groups,
}

impl Done {
    /// With what came next.
    pub fn add(&mut self, next: &Done) {
        self.samples += next.samples;
        self.certificates += next.certificates;
        self.unknown += next.unknown;
        self.refused.extend(&next.refused);
    }
}

/// Takes rows.
pub enum Output {
    Stream(Box<dyn Write>),
    File(FileOutput),
    Table(Listing),
}

/// A file that grows, and beside it the one that says what it is about.
pub struct FileOutput {
    growing: Growing,
    state: State,
}

impl Output {
    /// Opens `out`, by default stdout. `about` is what the run is about: with `resume` it must be what the interrupted
    /// run was about, whose rows must be those `expected`.
    pub fn open(
        out: Option<&Path>,
        format: Format,
        resume: bool,
        about: &[Circumstance],
        expected: Expected,
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
        let partial = partial_name(&path);
        let state = State::of(&partial);
        let is_begun = partial.metadata().is_ok_and(|data| data.len() > 0);
        match (is_begun, resume) {
            (true, true) => state.is_of(about)?,
            (true, false) => tell(&format!("note: {} is begun anew; --resume would go on with it", partial.display())),
            (false, _) => {}
        }
        let mut growing = Growing::open(&path, resume)?;
        let done = match resume && is_begun {
            true => go_on(&mut growing, format, expected).with_context(|| partial.display().to_string())?,
            false => Done::default(),
        };
        state.write(about)?;
        Ok((Output::File(FileOutput { growing, state }), done))
    }

    /// Writes whole lines.
    pub fn write(&mut self, lines: &[u8]) -> Result<()> {
        match self {
            Output::Stream(stream) => {
                Ok(stream.write_all(lines).and_then(|()| stream.flush()).context("writing rows")?)
            }
            Output::File(FileOutput { growing, .. }) => Ok(growing.write(lines)?),
            Output::Table(_) => Ok(()),
        }
    }

    /// What is listed at the end, and there is now.
    pub fn show(&self) -> Result<()> {
        if let Output::Table(listing) = self { listing.show() } else { Ok(()) }
    }

    /// The rows are all there.
    pub fn finish(self) -> Result<()> {
        if let Output::File(FileOutput { growing, state }) = &self {
            growing.finish()?;
            state.remove()?;
        }
        Ok(())
    }

    /// The rows so far stay as they are; says where.
    pub fn leave(&self) -> String {
        match self {
            Output::Stream(_) | Output::Table(_) => "they are written".into(),
            Output::File(file) if file.growing.is_empty() => "--resume begins".into(),
            Output::File(file) => {
                format!("{} has them, and --resume goes on behind them", file.state.rows().display())
            }
        }
    }
}

impl Drop for FileOutput {
    /// Where there are no rows yet, there is nothing to go on with.
    fn drop(&mut self) {
        if self.growing.is_empty() {
            let _ = self.state.remove();
        }
    }
}

/// Names of the open file that is stdout.
const STDOUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Keeps whole rows of whole samples.
fn go_on(growing: &mut Growing, format: Format, expected: Expected) -> Result<Done> {
    let file = growing.read()?;
    let rows: Box<dyn Iterator<Item = (Written, u64)>> = match format {
        Format::Csv => Box::new(csv_rows(file, &COLUMNS)?),
        Format::JsonLines | Format::Table => Box::new(json_rows(BufReader::new(file))),
    };
    let per_sample = expected.columns.len();
    let (mut done, mut sample, mut end) = (Done::default(), Done::default(), 0);
    let columns = expected.numbers.flat_map(|number| expected.columns.iter().map(move |column| (number, column)));
    for (i, ((row, behind), (number, column))) in rows.zip(columns).enumerate() {
        let (norm, method, has_evidence) = column;
        if (row.input, &row.norm, row.method.as_str()) != (number, norm, method) {
            let found = format!("input {}, {} {}", row.input, row.norm, row.method);
            bail!("row {}: expected input {number}, {norm} {method}, found {found}; {ANEW}", i + 1);
        }
        sample.unknown += usize::from(row.status == Status::Unknown);
        sample.certificates += usize::from(row.status == Status::Certified && *has_evidence);
        if let Detail::NotProven { reason, .. } = row.detail {
            sample.refused.add(&reason);
        }
        if (i + 1) % per_sample == 0 {
            sample.samples = 1;
            end = behind;
            done.add(&std::mem::take(&mut sample));
        }
    }
    growing.keep(end)?;
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
}
