//! `underplane check`: replays certificates with the kernel's code, and with `--fast` in interval arithmetic first.

use super::Finish;
use super::links::LinkArgs;
use super::logit::LogitArgs;
use super::two_classes::{MoreArgs, Wanted, samples};
use anyhow::{Result, anyhow, bail};
use std::path::{Path, PathBuf};
use underplane::data::Reading;
use underplane::data::inputs::bounds::read_bounds;
use underplane::data::npy::read_npy;
use underplane::data::{InputOptions, read_inputs};
use underplane::model::Logit;
use underplane::proof::fast::Fast;
use underplane::proof::in_kernel;
use underplane::separation::{Class, Classes, held};
use underplane::workbench::{FOLDED, ModelFile};
use underplane_kernel::driver::{self, Failure};
use underplane_kernel::separation::driver as separation;
use underplane_kernel::{Attacker, Inputs, Model, Uint8};

#[derive(clap::Args)]
pub struct Args {
    /// The network, an ONNX file [with --separation: points of the sensitive class, a .npy file]
    model: PathBuf,
    /// The inputs, a .npy file (float32, or uint8; first axis = sample) [with --separation: points of the other class]
    inputs: PathBuf,
    /// The certificates, one per line (proofs-data/FORMAT.md) [with --accuracy: points of the other class, the inputs being
    /// of the sensitive one]
    certificates: PathBuf,
    /// The certificate says which sensitive points lie outside the convex hull of the other class, and which inside
    #[arg(long, conflicts_with_all = ["accuracy", "fast", "weights", "bounds", "uint8", "flatten"])]
    separation: bool,
    /// Count the points of each class that the model classifies correctly, in exact arithmetic
    #[arg(long, conflicts_with_all = ["fast", "weights", "bounds"])]
    accuracy: bool,
    #[command(flatten)]
    logit: LogitArgs,
    /// Weights of the norms, a .npy of float32: one per coordinate, > 0, or inf where the attacker cannot change it
    #[arg(long, value_name = "F")]
    weights: Option<PathBuf>,
    /// The box of certificates that name a file, a .npy of float32: lo and hi of every coordinate, -inf or inf where
    /// there is none (a box LO,HI stands in the certificate itself)
    #[arg(long = "box", value_name = "F")]
    bounds: Option<PathBuf>,
    /// What a byte k among inputs of uint8 means: unit (k/255, the default unless the largest is 1) or raw (k itself)
    #[arg(long, value_name = "unit|raw")]
    uint8: Option<Uint8>,
    /// Take inputs (weights and boxes, too) of another shape than the model's input as its entries in the order in which they
    /// stand
    #[arg(long)]
    flatten: bool,
    #[command(flatten)]
    links: LinkArgs,
    /// Try rigorous interval arithmetic first (outside the kernel), and replay exactly where that decides nothing, or
    /// norms are weighted, or bytes raw
    #[arg(long)]
    fast: bool,
    /// With --separation: the points are to be those of this data set, row for row: a task of `underplane data list`, or a
    /// file, as `underplane separate` takes them
    #[arg(long, value_name = "DATA", requires = "separation")]
    data: Option<String>,
    /// What `separate` was given as --sensitive [default: the task's sensitive class]
    #[arg(long, value_name = "LABEL", requires = "data")]
    class: Option<String>,
    #[command(flatten)]
    more: MoreArgs,
}

pub fn run(args: &Args) -> Result<Finish> {
    match (args.separation, args.accuracy) {
        (true, _) => separated(args),
        (_, true) => counted(args),
        _ => replayed(args),
    }
}

/// Where points lie with respect to a convex hull.
fn separated(args: &Args) -> Result<Finish> {
    if let Some(data) = &args.data {
        hold(args, data)?;
    }
    let files = separation::Files { sensitive: &args.model, other: &args.inputs, certificate: &args.certificates };
    let summary = separation::run(files, &mut std::io::BufWriter::new(std::io::stdout()))?;
    say!("{summary}");
    Ok(if summary.invalid > 0 { Finish::Refuted } else { Finish::Answered })
}

/// Are the points those of the data set?
fn hold(args: &Args, data: &str) -> Result<()> {
    let wanted = Wanted { data, sensitive: args.class.as_deref(), option: "--class", more: &args.more };
    let samples = samples(&wanted)?;
    let classes = Classes::of(&samples.data);
    let files: [(&Path, Class, &str); 2] =
        [(&args.model, Class::Sensitive, &samples.sensitive), (&args.inputs, Class::Other, &samples.other)];
    for (path, class, name) in files {
        let points = read_npy(path)?;
        if let Err(difference) = held(&classes, class, &points) {
            bail!("{}: not the points of `{name}` in {data}: {difference}", path.display());
        }
        say!("{}: the {} points of `{name}` in {data}, row for row", path.display(), classes.count(class));
    }
    for (name, sha256) in &samples.files {
        say!("{name}: sha256:{sha256}");
    }
    Ok(())
}

/// Points that a model classifies correctly.
fn counted(args: &Args) -> Result<Finish> {
    let logit = in_kernel(args.logit.logit());
    let (uint8, flatten, follow_links) = (args.uint8, args.flatten, args.links.follow_links);
    let options = separation::Options { logit: &logit, uint8, flatten, follow_links };
    let classes = separation::accuracy(&args.model, [&args.inputs, &args.certificates], options)?;
    separation::write_accuracy(&classes, &mut std::io::stdout())?;
    Ok(Finish::Answered)
}

/// Certificates.
fn replayed(args: &Args) -> Result<Finish> {
    let wanted = args.logit.logit();
    let logit = in_kernel(wanted.clone());
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let files = driver::Files { model: &args.model, inputs: &args.inputs, certificates: &args.certificates };
    let plain = args.weights.is_none() && args.uint8 != Some(Uint8::Raw);
    let options = driver::Options {
        logit: &logit,
        weights: args.weights.as_deref(),
        bounds: args.bounds.as_deref(),
        uint8: args.uint8,
        flatten: args.flatten,
        follow_links: args.links.follow_links,
    };
    let summary = std::thread::scope(|scope| {
        // The kernel reads the model at the same time.
        let mut reading = (args.fast && plain).then(|| scope.spawn(|| fast(args, &wanted)));
        let mut read = None;
        let mut shortcut = |model: &Model, inputs: &Inputs, attacker: Attacker, line: &str| {
            if let Some(reading) = reading.take() {
                match reading.join().expect("reading does not panic") {
                    Ok(fast) => read = Some(fast),
                    Err(why) => say!("note: replayed exactly: {why:#}"),
                }
            }
            read.as_ref().and_then(|fast: &Fast| fast.replay((model, inputs), attacker, line))
        };
        driver::run_with(files, options, &mut out, &mut shortcut)
    });
    let summary = summary.map_err(|failure| about_another(args, failure))?;
    say!("{} valid, {} invalid", summary.valid, summary.invalid);
    Ok(if summary.invalid > 0 { Finish::Refuted } else { Finish::Answered })
}

/// Says which model was certified, where the kernel does not read the one that was named.
fn about_another(args: &Args, failure: Failure) -> anyhow::Error {
    let folded = args.certificates.with_file_name(FOLDED);
    let is_unread = failure.to_string().starts_with(&format!("{}: ", args.model.display()));
    let is_other =
        args.model.canonicalize().is_ok_and(|model| folded.canonicalize().is_ok_and(|folded| folded != model));
    match is_unread && is_other {
        true => anyhow!("{failure}; the certificates beside {0} are about that file: check {0}", folded.display()),
        false => failure.into(),
    }
}

/// The model and inputs, read by the program's own code.
fn fast(args: &Args, logit: &Logit) -> Result<Fast> {
    let model = ModelFile::read(&args.model, args.links.follow_links, logit)?.model;
    let reading = Reading { uint8: args.uint8, flatten: args.flatten, round: false };
    let inputs = read_inputs(&args.inputs, &InputOptions { reading, ..InputOptions::default() })?;
    let fits = inputs.fit(&model.graph().node(0).shape, args.flatten);
    fits.map_err(|why| anyhow!("{}: {why}", args.inputs.display()))?;
    let values = inputs.values.iter().map(|&v| f64::from(v)).collect();
    let bounds = args.bounds.as_ref().map(|path| read_bounds(path, &model.graph().node(0).shape, None, reading));
    let bounds = bounds.transpose()?;
    Ok(Fast::new(model, values).within(bounds))
}
