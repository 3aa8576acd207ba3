//! `underplane certify`: radii of a model on inputs.

use super::inputs::{self, InputArgs, tell};
use super::links::LinkArgs;
use super::listing::Listing;
use super::logit::{self, LogitArgs};
use super::methods::{MethodArgs, distinct, positive, threads};
use super::output::{Done, Expected, Format, Output};
use super::proofs::Certificates;
use super::screen::{self, ScreenArgs};
use super::state::{listed, or_none};
use super::{Finish, circumstances, help, progress, proofs, voice};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use underplane::data::NamedBox;
use underplane::model::Logit;
use underplane::norm::Norm;
use underplane::radius::Method;
use underplane::report::answer::{Detail, Status};
use underplane::report::rows::Row;
use underplane::workbench::{
    Answered, Checkers, Circumstance, Given, Loaded, ModelFile, Passage, Place, Run, Unit, digests,
};

#[derive(clap::Args)]
pub struct Args {
    /// The network, an ONNX file
    model: PathBuf,
    #[command(flatten)]
    links: LinkArgs,
    #[command(flatten)]
    inputs: InputArgs,
    /// Norms, separated by commas: l1, l2, linf, lp:P
    #[arg(long = "norm", value_name = "P,…", value_delimiter = ',', default_value = "l1,l2,linf")]
    norms: Vec<Norm>,
    #[command(flatten)]
    methods: MethodArgs,
    #[arg(long = "box", value_name = "LO,HI|F", allow_hyphen_values = true, help = help::BOX)]
    range: Option<NamedBox>,
    /// Weights of the norms, ‖w ⊙ δ‖: a .npy of float32 or a .csv, one per coordinate, > 0, or inf where the attacker
    /// cannot change it
    #[arg(long, value_name = "F")]
    weights: Option<PathBuf>,
    /// What a distance of 1 means, for a model with a preparation: in the units of the table's columns, or in the
    /// model's (standard deviations of the training rows) [default: raw]
    #[arg(long, value_name = "raw|model", conflicts_with = "weights")]
    unit: Option<Unit>,
    #[command(flatten)]
    logit: LogitArgs,
    /// Write the rows here (.csv or .jsonl); a link is followed, a pipe or device written to, and - is stdout [default: a
    /// table on a terminal, else CSV to stdout]
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
    #[command(flatten)]
    screen: ScreenArgs,
    #[arg(long, value_name = "DIR", help = help::proofs())]
    proofs: Option<PathBuf>,
    /// Go on with the file that --out began (its rows are in NAME.partial), behind the last whole row, after making sure
    /// that model, inputs and options are the same
    #[arg(long, requires = "out")]
    resume: bool,
    /// Stop after so many seconds (--time is for one input); what is answered stays, and --resume goes on
    #[arg(long, value_name = "S", value_parser = positive, allow_negative_numbers = true)]
    total_time: Option<f64>,
    /// Worker threads; default: all cores
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<usize>,
}

pub fn run(args: &Args) -> Result<Finish> {
    let start = Instant::now();
    let out = args.out.as_deref().filter(|path| *path != Path::new("-"));
    let format = if args.out.is_none() && screen::is_terminal() { Format::Table } else { Format::of(out)? };
    let methods = args.methods.build(args.proofs.is_some(), args.total_time)?;
    let files = args.inputs.files().kept()?;
    let box_file = args.range.as_ref().and_then(NamedBox::file).map(Path::to_path_buf);
    let others = [Some(files.inputs.clone()), files.labels.clone(), args.weights.clone(), box_file];
    keep(out, [Some(&args.model)].into_iter().chain(others.iter().map(Option::as_ref)).flatten())?;
    use_threads(args.threads)?;
    // Beside the first look at the inputs, as it takes as long.
    let hashing = (out.is_some() || args.proofs.is_some()).then(|| {
        let others = others.clone();
        std::thread::spawn(move || digests(others.iter().map(Option::as_deref)))
    });
    let logit = args.logit.logit();
    let model = ModelFile::read(&args.model, args.links.follow_links, &logit)?.said(&mut tell);
    let range = args.range.as_ref().map(|named| model.bounds(named, files.reading, &mut tell)).transpose()?;
    let given = Given::read(model, files, range, &mut tell)?.weighted(args.weights.as_deref(), &mut tell)?;
    let given = given.in_unit(args.unit, &mut tell)?;
    let checkers = args.proofs.as_ref().map(|_| Checkers::of(&given)).transpose()?;
    if let (Some(checkers), Some(folder)) = (&checkers, &args.proofs) {
        checkers.check_folder(folder)?;
        keep_proofs(out, folder)?;
    }
    if let Some(broken) = given.file.model.broken() {
        voice::insist(format_args!("warning: {}: {broken}", args.model.display()));
    }
    let prover = |checkers: &Checkers| {
        let (inputs, bounds) = (checkers.inputs.clone(), checkers.bounds.clone());
        given.file.prover(inputs, given.weights(), bounds).map_err(|why| why.to_string())
    };
    let norms = distinct(&args.norms);
    let run = Run::new(&given, &norms, &methods, checkers.as_ref().map(prover));
    let others = hashing.map_or_else(|| Ok(Vec::new()), |thread| thread.join().expect("hashing does not panic"))?;
    let read = [given.file.digests(), others].concat();
    let about = [read.clone(), args.settings(&logit)].concat();
    let numbers = Box::new(given.source.numbers().take(given.source.count()));
    let expected = Expected { numbers, columns: run.columns() };
    let (output, done) = match format {
        Format::Table => (Output::Table(Listing::new(&given, args.unit, args.screen)), Done::default()),
        _ => Output::open(out, format, args.resume, &about, expected)?,
    };
    let resumed = args.resume.then(|| (done.certificates, given.source.number(done.samples)));
    let certificates = args.proofs.as_ref().map(|folder| Certificates::open(folder, resumed)).transpose()?;
    let length = args.total_time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let deadline = length.and_then(|length| start.checked_add(length));
    let mut sink = Sink { output, certificates, done, deadline };
    let taken = sink.take(&run, &given, format);
    sink.output.show()?;
    let (answered, count) = (sink.done.samples, given.source.count());
    if let (Err(error), true, Output::File(_)) = (&taken, answered > 0, &sink.output) {
        bail!("{error}; {answered} of {count} inputs are answered: {}", sink.output.leave());
    }
    taken?;
    if answered < count {
        let seconds = args.total_time.unwrap_or_default();
        say!("--total-time {seconds} is over: {answered} of {count} inputs are answered; {}", sink.output.leave());
        return Ok(Finish::Unknown);
    }
    if let (Some(certificates), Some(checkers), Some(folder)) = (&sink.certificates, checkers, &args.proofs) {
        certificates.finish(&checkers, &sink.done.refused)?;
        circumstances::write(folder, &circumstances::run_info(read, Vec::new(), None, start))?;
    }
    sink.output.finish()?;
    let unknown = sink.done.unknown;
    if unknown > 0 {
        say!("{unknown} of {} rows are unknown; the column `detail` says why", count * run.rows_per_sample());
    }
    Ok(if unknown > 0 { Finish::Unknown } else { Finish::Answered })
}

impl Args {
    /// All that rows depend on beside the files.
    fn settings(&self, logit: &Logit) -> Vec<Circumstance> {
        let mut settings = vec![
            ("version", env!("CARGO_PKG_VERSION").to_string()),
            ("--norm", listed(&self.norms)),
            ("--box", or_none(&self.range)),
            ("--unit", or_none(&self.unit)),
            ("--proofs", or_none(&self.proofs.as_ref().map(|folder| folder.display()))),
        ];
        settings.extend(logit::shown(logit));
        settings.extend(inputs::shown(&self.inputs.files()));
        settings.extend(self.methods.shown());
        settings.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }
}

/// Where answers go as they come.
struct Sink {
    output: Output,
    certificates: Option<Certificates>,
    done: Done,
    deadline: Option<Instant>,
}

/// One block's lines.
struct Lines {
    rows: Vec<u8>,
    /// Those that are to be listed instead.
    listed: Vec<Row>,
    certificates: Vec<Vec<String>>,
    done: Done,
}

impl Sink {
    /// Takes the answers about all samples, those left out about which there are some; under a progress bar.
    fn take(&mut self, run: &Run, given: &Given, format: Format) -> Result<()> {
        let columns = run.rows_per_sample() * if self.certificates.is_some() { 2 } else { 1 };
        let bar = progress::bar((columns * given.source.count()) as u64, "certifying");
        bar.inc((columns * self.done.samples) as u64);
        let (before, deadline) = (self.done.samples, self.deadline);
        let passage = Passage { source: &given.source, block: run.block(), before, deadline };
        let tick = |method: &dyn Method, norm: Norm, done: usize| {
            bar.set_message(format!("{} {norm}", method.name()));
            bar.inc(done as u64);
        };
        let answer = |block: &Loaded, place: Place| {
            lines(run.answer(block, &tick), place.skipped, run.rows_per_sample(), format, place.is_first)
        };
        let done = |lines: Lines| {
            // A certificate comes before its row: a row that is there has its proof.
            if let Some(certificates) = &mut self.certificates {
                certificates.write(lines.certificates.iter().flatten())?;
            }
            match &mut self.output {
                Output::Table(listing) => listing.add(lines.listed, run.rows_per_sample()),
                output => output.write(&lines.rows)?,
            }
            self.done.add(&lines.done);
            Ok(())
        };
        let taken = passage.take(answer, done);
        bar.finish_and_clear();
        taken
    }
}

/// The lines of a block but for those of its first `skipped` samples; the `first` ones of a file.
fn lines(answered: Answered, skipped: usize, per_sample: usize, format: Format, first: bool) -> Result<Lines> {
    let Answered { mut rows, mut certificates } = answered;
    let rows = rows.split_off(skipped * per_sample);
    let unknown = rows.iter().filter(|row| row.status == Status::Unknown).count();
    let mut done = Done { samples: rows.len() / per_sample, unknown, ..Done::default() };
    for row in &rows {
        if let Detail::NotProven { reason, .. } = &row.detail {
            done.refused.add(reason);
        }
    }
    let (bytes, certificates) = (format.lines(&rows, first)?, certificates.split_off(skipped));
    let listed = if format == Format::Table { rows } else { Vec::new() };
    Ok(Lines { rows: bytes, listed, certificates, done })
}

/// Refuses to write over a file that is read.
fn keep<'a>(out: Option<&Path>, mut sources: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    let Ok(place) = out.canonicalize() else { return Ok(()) };
    match sources.find(|source| source.canonicalize().is_ok_and(|source| source == place && source.is_file())) {
        Some(source) => bail!("--out {}: would replace {}, which is read", out.display(), source.display()),
        None => Ok(()),
    }
}

/// Refuses to write over a file of the proofs.
fn keep_proofs(out: Option<&Path>, folder: &Path) -> Result<()> {
    let Some(out) = out.filter(|out| out.file_name().is_some_and(|name| proofs::FILES.iter().any(|f| name == *f)))
    else {
        return Ok(());
    };
    let home = out.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (home.canonicalize(), folder.canonicalize()) {
        (Ok(home), Ok(folder)) if home != folder => Ok(()),
        _ => {
            bail!("--out {}: would replace a file of --proofs {}; choose another name", out.display(), folder.display())
        }
    }
}

/// Sets the number of worker threads for the whole process.
pub fn use_threads(threads: Option<usize>) -> Result<()> {
    match threads {
        None => Ok(()),
        Some(n) => rayon::ThreadPoolBuilder::new().num_threads(n).build_global().context("starting threads"),
    }
}
