//! `underplane certify`: radii of a model on inputs.

use super::inputs::{InputArgs, tell};
use super::methods::{MethodArgs, threads};
use super::{Finish, circumstances, help, progress, proofs};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use underplane::files::{Target, target, write_atomically};
use underplane::model::sensitive::Sensitive;
use underplane::norm::Norm;
use underplane::query::Range;
use underplane::radius::Method;
use underplane::report::answer::Status;
use underplane::report::rows::{Row, write_csv, write_json_lines};
use underplane::workbench::{Checkers, Column, Given, ModelFile, Proofs, digests};

#[derive(clap::Args)]
pub struct Args {
    /// The network, an ONNX file
    model: PathBuf,
    #[command(flatten)]
    inputs: InputArgs,
    /// Norms, separated by commas: l1, l2, linf, lp:P
    #[arg(long = "norm", value_name = "P,…", value_delimiter = ',', default_value = "l1,l2,linf")]
    norms: Vec<Norm>,
    #[command(flatten)]
    methods: MethodArgs,
    /// The valid range of every coordinate: an attacker never leaves it
    #[arg(long = "box", value_name = "LO,HI", allow_hyphen_values = true)]
    range: Option<Range>,
    /// Weights of the norms, ‖w ⊙ δ‖: a .npy of float32 or a .csv, one per coordinate, > 0, or inf where the attacker
    /// cannot change it
    #[arg(long, value_name = "F")]
    weights: Option<PathBuf>,
    /// Which output is the sensitive class: positive, negative (one output), 0 or 1 (two outputs)
    #[arg(long, default_value = "positive")]
    sensitive: Sensitive,
    /// Write the rows here (.csv or .jsonl) instead of CSV to stdout; a link is followed, a pipe or device written to
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
    #[arg(long, value_name = "DIR", help = help::proofs())]
    proofs: Option<PathBuf>,
    /// Worker threads; default: all cores
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<usize>,
}

pub fn run(args: &Args) -> Result<Finish> {
    let start = Instant::now();
    let out = args.out.as_deref().filter(|path| *path != Path::new("-"));
    let format = Format::of(out)?;
    let methods = args.methods.build(args.proofs.is_some())?;
    let files = args.inputs.files();
    let others = [Some(files.inputs.clone()), files.labels.clone(), args.weights.clone()];
    keep(out, [Some(&args.model)].into_iter().chain(others.iter().map(Option::as_ref)).flatten())?;
    use_threads(args.threads)?;
    let model = ModelFile::read(&args.model, args.sensitive)?;
    let given = Given::read(model, files, args.range, &mut tell)?.weighted(args.weights.as_deref(), &mut tell)?;
    let checkers = args.proofs.as_ref().map(|_| Checkers::of(&given)).transpose()?;
    if let (Some(checkers), Some(folder)) = (&checkers, &args.proofs) {
        checkers.check_folder(folder)?;
        keep_proofs(out, folder)?;
    }
    if let Err(broken) = given.file.model.convexity() {
        eprintln!("warning: {}: not convex: {}", args.model.display(), broken.reason);
    }
    let mut columns = columns(&given, &args.norms, &methods);
    given.settle(&mut columns);
    if let (Some(checkers), Some(folder)) = (checkers, &args.proofs) {
        proofs::write(folder, &checkers, &prove(&given, &checkers, &mut columns))?;
        let read = digests(given.file.digest(), others.iter().map(Option::as_deref))?;
        circumstances::write(folder, &circumstances::run_info(read, Vec::new(), None, start))?;
    }
    let rows = given.rows(&columns);
    match out {
        Some(path) => write_atomically(path, |out| format.write(&rows, out))?,
        None => format.write(&rows, &mut std::io::stdout().lock()).context("stdout")?,
    }
    let unknown = rows.iter().filter(|row| row.status == Status::Unknown).count();
    if unknown > 0 {
        eprintln!("{unknown} of {} rows are unknown; the column `detail` says why", rows.len());
    }
    Ok(if unknown > 0 { Finish::Unknown } else { Finish::Answered })
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

/// Runs the methods, under a progress bar.
fn columns<'a>(given: &Given, norms: &[Norm], methods: &'a [Box<dyn Method>]) -> Vec<Column<'a>> {
    let bar = progress::bar((norms.len() * methods.len() * given.samples.count) as u64, "certifying");
    let columns = given.run(norms, methods, &|what, done| {
        bar.set_message(what.to_string());
        bar.inc(done as u64);
    });
    bar.finish_and_clear();
    columns
}

/// The same for proofs.
fn prove(given: &Given, checkers: &Checkers, columns: &mut [Column]) -> Proofs {
    let bar = progress::bar((columns.len() * given.samples.count) as u64, "proving");
    let proofs = given.prove(checkers, columns, &|| bar.inc(1));
    bar.finish_and_clear();
    proofs
}

/// How rows are written.
#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    /// By the name; what takes bytes as they come gets CSV unless its name says otherwise.
    fn of(path: Option<&Path>) -> Result<Format> {
        let Some(path) = path else { return Ok(Format::Csv) };
        // Before the work, not after it.
        let target = target(path).with_context(|| format!("--out {}", path.display()))?;
        match (path.extension().and_then(|e| e.to_str()).unwrap_or_default(), target) {
            ("jsonl", _) => Ok(Format::JsonLines),
            ("csv", _) | (_, Target::Stream(_)) => Ok(Format::Csv),
            _ => bail!("--out {}: expected a name ending in .csv or .jsonl", path.display()),
        }
    }

    fn write(self, rows: &[Row], out: &mut dyn Write) -> std::io::Result<()> {
        match self {
            Format::Csv => write_csv(rows, out),
            Format::JsonLines => write_json_lines(rows, out),
        }
    }
}
