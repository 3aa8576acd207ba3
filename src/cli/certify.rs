//! `underplane certify`: radii of a model on inputs.

use super::circumstances::{self, digests};
use super::files::{Files, Given};
use super::load::{self, InputArgs, Loaded};
use super::methods::{MethodArgs, threads};
use super::proofs::{self, Column};
use super::{Finish, help, progress, ties};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use underplane::files::{Target, target, write_atomically};
use underplane::model::Model;
use underplane::model::sensitive::Sensitive;
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range};
use underplane::radius::Method;
use underplane::radius::run::run as run_method;
use underplane::report::rows::{Row, write_csv, write_json_lines};

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
    let sources = [Some(args.model.as_path()), Some(&args.inputs.inputs), args.inputs.table.labels.as_deref()];
    let sources = || sources.into_iter().chain([args.weights.as_deref()]);
    keep(out, sources().flatten())?;
    use_threads(args.threads)?;
    let model = load::model(&args.model, args.sensitive)?;
    let inputs = load::inputs(&args.inputs, &model, args.range)?;
    let weights = args.weights.as_deref();
    let weights = weights.map(|path| load::weights(path, &model, args.inputs.reading)).transpose()?;
    let numbered = inputs.numbered();
    let given = Given {
        path: &args.model,
        sensitive: args.sensitive,
        model: &model,
        inputs_path: &args.inputs.inputs,
        reading: args.inputs.reading.reading(),
        inputs: &numbered,
        numbers: &inputs.numbers,
        weights: args.weights.as_deref().zip(weights.as_deref()),
    };
    let files = args.proofs.as_ref().map(|_| Files::of(&given)).transpose()?;
    if let (Some(files), Some(folder)) = (&files, &args.proofs) {
        files.check_folder(folder)?;
    }
    if let Err(broken) = model.convexity() {
        eprintln!("warning: {}: not convex: {}", args.model.display(), broken.reason);
    }
    let mut columns = columns(args, &model, (&inputs, weights.as_deref()), &methods);
    ties::settle((&args.model, args.sensitive), &model, (&inputs, args.range, weights.as_deref()), &mut columns)?;
    if let (Some(files), Some(folder)) = (files, &args.proofs) {
        proofs::write((folder, files), &given, args.range, &mut columns)?;
        let read = digests(sources())?;
        circumstances::write(folder, &circumstances::run_info(read, Vec::new(), None, start))?;
    }
    let rows = rows(&model, &inputs, &columns);
    match out {
        Some(path) => write_atomically(path, |out| format.write(&rows, out))?,
        None => format.write(&rows, &mut std::io::stdout().lock()).context("stdout")?,
    }
    let unknown = rows.iter().filter(|row| row.status == "unknown").count();
    if unknown > 0 {
        eprintln!("{unknown} of {} rows are unknown; the column `detail` says why", rows.len());
    }
    Ok(if unknown > 0 { Finish::Unknown } else { Finish::Answered })
}

/// Refuses to write over a file that is read.
fn keep<'a>(out: Option<&Path>, mut sources: impl Iterator<Item = &'a Path>) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    let Ok(place) = out.canonicalize() else { return Ok(()) };
    match sources.find(|source| source.canonicalize().is_ok_and(|source| source == place && source.is_file())) {
        Some(source) => bail!("--out {}: would replace {}, which is read", out.display(), source.display()),
        None => Ok(()),
    }
}

/// Sets the number of worker threads for the whole process.
pub fn use_threads(threads: Option<usize>) -> Result<()> {
    match threads {
        None => Ok(()),
        Some(n) => rayon::ThreadPoolBuilder::new().num_threads(n).build_global().context("starting threads"),
    }
}

fn columns<'a>(
    args: &Args,
    model: &Model,
    (inputs, weights): (&Loaded, Option<&[f64]>),
    methods: &'a [Box<dyn Method>],
) -> Vec<Column<'a>> {
    let runs = args.norms.len() * methods.len();
    let bar = progress::bar((runs * inputs.count) as u64, "certifying");
    let mut columns: Vec<Column> = Vec::with_capacity(runs);
    for &norm in &args.norms {
        for method in methods {
            bar.set_message(format!("{} {norm}", method.name()));
            let perturbation = Perturbation { norm, range: args.range, weights };
            let done = |n: usize| bar.inc(n as u64);
            let answers = run_method(method.as_ref(), model, &inputs.values, perturbation, &done);
            columns.push((norm, method.as_ref(), answers));
        }
    }
    bar.finish_and_clear();
    columns
}

/// One row per input, norm and method, in that order.
fn rows(model: &Model, inputs: &Loaded, columns: &[Column]) -> Vec<Row> {
    let batches = inputs.values.chunks(100 * model.input_size());
    let logits: Vec<f64> = batches.flat_map(|part| model.enclose(part)).map(|logit| logit.value).collect();
    let row = |i: usize, (norm, method, answers): &Column| {
        Row::new(inputs.numbers[i], inputs.label(i), logits[i], norm.to_string(), *method, &answers[i])
    };
    (0..inputs.count).flat_map(|i| columns.iter().map(move |column| (i, column))).map(|(i, c)| row(i, c)).collect()
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
