//! `underplane audit`: every method on the same networks, cross-checked.

use super::audit_screen::{finish, print};
use super::certify::use_threads;
use super::circumstances;
use super::claims;
use super::inputs::{self, ReadingArgs, TableArgs, files, tell};
use super::ledger::{Ledger, Lines};
use super::links::LinkArgs;
use super::logit::{self, LogitArgs};
use super::methods::{at_least_one, deviation, distinct, positive, probability, samples, threads};
use super::screen::ScreenArgs;
use super::state::{listed, or_none, yes};
use super::{Finish, help, progress};
use anyhow::{Result, bail};
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use underplane::attack::Attack;
use underplane::audit::bundle::{Bundle, FOLDER, MANIFEST};
use underplane::audit::case::{Block, First};
use underplane::audit::methods::{Stops, limits, standard};
use underplane::audit::run::Audit;
use underplane::data::NamedBox;
use underplane::files::{Folder, write_atomically};
use underplane::norm::Norm;
use underplane::radius::catalogue::{names, takes};
use underplane::radius::lp::LpSolver;
use underplane::radius::smoothing::Smoothing;
use underplane::radius::{Method, Setting};
use underplane::report::run_info::RunInfo;
use underplane::workbench::{Circumstance, FOLDED, Loaded, Passage, Place, Source, SourceCase, Unit, digest, shown};

/// How many inputs of a bundled model are taken, unless `--full`: with f > 0, and others.
const BUNDLED: First = First { sensitive: 20, others: 5 };

/// Noise samples per input, unless `--full`.
const SAMPLES: usize = 10_000;

/// What is audited, and how.
struct Job {
    audit: Audit,
    source: SourceCase,
}

#[derive(clap::Args)]
pub struct Args {
    /// The network, an ONNX file; without it: the bundled models
    #[arg(requires = "inputs")]
    model: Option<PathBuf>,
    /// Its inputs: .npy, .npz or .csv
    inputs: Option<PathBuf>,
    #[command(flatten)]
    links: LinkArgs,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[arg(long = "box", value_name = "LO,HI|F", allow_hyphen_values = true, requires = "model", help = help::BOX)]
    range: Option<NamedBox>,
    #[command(flatten)]
    logit: LogitArgs,
    /// Use the first N inputs of each file only
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    limit: Option<usize>,
    /// Norms, separated by commas: l1, l2, linf, lp:P
    #[arg(long = "norm", value_name = "P,…", value_delimiter = ',', default_value = "l1,l2,linf")]
    norms: Vec<Norm>,
    /// Methods, separated by commas; default: all
    #[arg(long = "method", value_name = "M,…", value_delimiter = ',')]
    methods: Option<Vec<String>>,
    #[arg(long, value_name = "NAME", default_value = "clarabel", help = help::solver())]
    lp_solver: LpSolver,
    #[arg(long, value_name = "G", value_parser = positive, allow_negative_numbers = true, help = help::gap())]
    gap: Option<f64>,
    #[arg(long, value_name = "S", value_parser = positive, allow_negative_numbers = true, help = help::audit_time())]
    time: Option<f64>,
    /// Standard deviation of the smoothing noise, in input units; default: the bundle's own, else 0.25
    #[arg(long, value_name = "S", value_parser = deviation, allow_negative_numbers = true)]
    sigma: Option<f64>,
    /// Noise samples per input for smoothing; default: 10,000, with --full 100,000
    #[arg(long, value_name = "N", value_parser = samples, allow_negative_numbers = true)]
    samples: Option<usize>,
    /// Probability per input that a smoothed radius is wrong
    #[arg(long, value_name = "A", default_value_t = 0.001, value_parser = probability, allow_negative_numbers = true)]
    alpha: f64,
    /// Seed of the smoothing noise
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,
    /// Radii from any tool, a CSV with the columns input, norm, radius and perhaps box (LO,HI): each one is confirmed
    /// with a certificate, refuted with a witness, or left undecided; exit code 1 if any is refuted
    #[arg(long, value_name = "F.csv", requires = "model", conflicts_with_all = ["methods", "norms", "sigma", "samples", "alpha", "seed", "gap", "time"])]
    claims: Option<PathBuf>,
    /// Weights of the norms of the claims, ‖w ⊙ δ‖: a .npy of float32 or a .csv, one per coordinate, > 0, or inf where
    /// the attacker cannot change it
    #[arg(long, value_name = "F", requires = "claims")]
    weights: Option<PathBuf>,
    /// What a distance of 1 means, for a model with a preparation: in the units of the table's columns, or in the
    /// model's (standard deviations of the training rows) [default: raw]
    #[arg(long, value_name = "raw|model", requires = "model", conflicts_with = "weights")]
    unit: Option<Unit>,
    /// Every bundled input, a longer attack, smoothing with more samples
    #[arg(long)]
    full: bool,
    /// The folder of bundle.toml; default: proofs-data here, else that of the source
    #[arg(long, value_name = "DIR", conflicts_with = "model")]
    bundle: Option<PathBuf>,
    /// Where the report's folder goes; until the audit is over it is called audit.partial
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// Go on with an audit that was broken off, behind the last whole answer in --reports, after making sure that models,
    /// inputs and options are the same
    #[arg(long, conflicts_with = "claims")]
    resume: bool,
    /// Stop after so many seconds; what is answered stays, and --resume goes on
    #[arg(long, value_name = "S", value_parser = positive, allow_negative_numbers = true, conflicts_with = "claims")]
    total_time: Option<f64>,
    #[command(flatten)]
    screen: ScreenArgs,
    /// Worker threads; default: all cores
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    threads: Option<usize>,
}

pub fn run(args: &Args) -> Result<Finish> {
    let start = Instant::now();
    use_threads(args.threads)?;
    if let (Some(claims), Some(model), Some(inputs)) = (&args.claims, &args.model, &args.inputs) {
        return claims::run(claims::Task {
            claims,
            model,
            follow_links: args.links.follow_links,
            inputs: files(inputs, &args.table, args.limit, args.reading).kept()?,
            range: args.range.as_ref(),
            weights: args.weights.as_deref(),
            unit: args.unit,
            logit: args.logit.logit(),
            solver: args.lp_solver,
            thorough: args.full,
            width: args.screen.width(),
            reports: &args.reports,
        });
    }
    let jobs = args.jobs()?;
    // Better now than after a minute's work.
    let _reports = Folder::make(&args.reports)?;
    let columns: Vec<_> = jobs.iter().map(|job| job.audit.columns()).collect();
    let expected = jobs.iter().zip(&columns).flat_map(|(job, columns)| {
        let (name, inputs) = (job.source.case.name.as_str(), &job.source.inputs);
        inputs.numbers().take(inputs.count()).map(move |number| ((name, number), columns.as_slice()))
    });
    let (mut ledger, done) = Ledger::open(&args.reports, args.resume, &args.about(&jobs)?, expected)?;
    // One file holds the rows of one table.
    if let [job] = &jobs[..]
        && let Some(table) = &job.source.case.table
    {
        ledger = ledger.with_rows(&table.names, done, job.source.inputs.numbers())?;
    }
    let length = args.total_time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let deadline = length.and_then(|length| start.checked_add(length));
    let width = args.screen.width();
    if let Some(answered) = answer(&jobs, &mut ledger, done, deadline, width)? {
        let (seconds, count) = (args.total_time.unwrap_or_default(), jobs.iter().map(Job::count).sum::<usize>());
        let left = match answered {
            0 => "--resume begins".into(),
            _ => format!("{} has them, and --resume goes on behind them", ledger.folder().display()),
        };
        say!("--total-time {seconds} is over: {answered} of {count} inputs are answered; {left}");
        return Ok(Finish::Unknown);
    }
    for job in &jobs {
        job.write_folded(ledger.folder(), jobs.len() == 1)?;
    }
    let run = args.run_info(jobs, start);
    let (folder, tally) = ledger.finish(&run)?;
    finish(&run, &tally, &folder, args.methods.is_some(), width)
}

/// Answers about all inputs but for the first `done` ones, and prints a table of every model; how many are answered
/// where it is time to end before that.
fn answer(
    jobs: &[Job],
    ledger: &mut Ledger,
    done: usize,
    deadline: Option<Instant>,
    width: Option<usize>,
) -> Result<Option<usize>> {
    let bar = progress::bar(jobs.iter().map(|job| job.audit.ticks(job.count()) as u64).sum(), "auditing");
    let mut answered = 0;
    for job in jobs {
        let before = done.saturating_sub(answered).min(job.count());
        bar.inc(job.audit.ticks(before) as u64);
        let now = before + if before < job.count() { job.answer(ledger, before, deadline, &bar)? } else { 0 };
        answered += now;
        if now < job.count() {
            bar.finish_and_clear();
            return Ok(Some(answered));
        }
        print(&bar, &job.source.info, ledger.folder(), width)?;
    }
    bar.finish_and_clear();
    Ok(None)
}

impl Job {
    fn count(&self) -> usize {
        self.source.inputs.count()
    }

    /// Writes the answers about the inputs behind the first `before` ones; how many there are.
    fn answer(
        &self,
        ledger: &mut Ledger,
        before: usize,
        deadline: Option<Instant>,
        bar: &ProgressBar,
    ) -> Result<usize> {
        let SourceCase { case, inputs, .. } = &self.source;
        let passage = Passage { source: inputs, block: self.audit.block(case, inputs.count()), before, deadline };
        if let Some(first) = inputs.blocks()?.next(passage.block)? {
            self.audit.warm_up(case, &block(&first));
        }
        let tick = |what: &str, done: usize| {
            bar.set_message(what.to_string());
            bar.inc(done as u64);
        };
        let lines = |loaded: &Loaded, place: Place| {
            let findings = self.audit.answer(case, &block(loaded), &tick).without(&loaded.numbers[..place.skipped]);
            Ok((Lines::of(&findings)?, loaded.count - place.skipped))
        };
        let mut answered = 0;
        passage.take(lines, |(lines, count)| {
            answered += count;
            ledger.write(&lines)
        })?;
        Ok(answered)
    }

    /// Writes the model that was audited in the place of the one that was named, which may be the `only` one.
    fn write_folded(&self, folder: &Path, only: bool) -> Result<()> {
        let Some(folded) = &self.source.folded else { return Ok(()) };
        let path = folder.join(if only { FOLDED.into() } else { format!("{}-{FOLDED}", self.source.case.name) });
        Ok(write_atomically(&path, |out| out.write_all(folded))?)
    }
}

fn block(loaded: &Loaded) -> Block<'_> {
    let labels = (0..loaded.count).map(|i| loaded.label(i)).collect();
    Block { values: &loaded.values, numbers: &loaded.numbers, labels }
}

impl Args {
    /// Settings of the smoothing; `sigma` is the bundle's.
    fn smoothing(&self, sigma: Option<f64>) -> Smoothing {
        let default = Smoothing::default();
        Smoothing {
            sigma: self.sigma.or(sigma).unwrap_or(default.sigma),
            samples: self.samples.unwrap_or(if self.full { default.samples } else { SAMPLES }),
            alpha: self.alpha,
            seed: self.seed,
            ..default
        }
    }

    fn job(&self, source: SourceCase, sigma: Option<f64>) -> Result<Job> {
        let methods = self.methods(self.smoothing(sigma))?;
        let attack = Attack::sized(&source.case.model, self.full);
        Ok(Job { audit: Audit { methods, norms: distinct(&self.norms), attack }, source })
    }

    fn methods(&self, smoothing: Smoothing) -> Result<Vec<Box<dyn Method>>> {
        let mut all = standard(self.lp_solver, smoothing, Stops { gap: self.gap, seconds: self.time });
        let Some(wanted) = &self.methods else { return Ok(all) };
        let known = names(&all, |_| true);
        let wanted: Vec<&str> = wanted.iter().map(|name| name.trim()).collect();
        if let Some(name) = wanted.iter().find(|name| !known.contains(name)) {
            bail!("--method `{name}`: expected {}", known.join(", "));
        }
        all.retain(|method| wanted.contains(&method.name()));
        Ok(all)
    }

    fn jobs(&self) -> Result<Vec<Job>> {
        match (&self.model, &self.inputs) {
            (Some(model), Some(inputs)) => {
                let files = files(inputs, &self.table, self.limit, self.reading).kept()?;
                let own = Source::own(model, self.links.follow_links, files, self.range.clone(), self.logit.logit());
                let source = Source { in_unit: self.unit, ..own };
                Ok(vec![self.job(source.read(&mut tell)?, None)?])
            }
            _ => self.bundled(),
        }
    }

    fn find_bundle(&self) -> Result<Bundle> {
        let folders = match &self.bundle {
            Some(folder) => vec![folder.clone()],
            None => vec![PathBuf::from(FOLDER), Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)],
        };
        Ok(Bundle::find(&folders)?)
    }

    fn bundled(&self) -> Result<Vec<Job>> {
        let bundle = self.find_bundle()?;
        let mut jobs = Vec::with_capacity(bundle.entries.len());
        for entry in &bundle.entries {
            let few = (!self.full).then_some(BUNDLED);
            let source = Source::bundled(entry, self.limit, few).read(&mut tell)?;
            jobs.push(self.job(source, entry.sigma)?);
        }
        Ok(jobs)
    }

    /// All that answers depend on.
    fn about(&self, jobs: &[Job]) -> Result<Vec<Circumstance>> {
        let Smoothing { samples, alpha, seed, .. } = self.smoothing(None);
        let mut about = vec![
            ("version", env!("CARGO_PKG_VERSION").to_string()),
            ("--norm", listed(&self.norms)),
            ("--method", names(&jobs[0].audit.methods, |_| true).join(",")),
            ("--lp-solver", self.lp_solver.to_string()),
            ("--gap", or_none(&self.gap)),
            ("--time", or_none(&self.time)),
            ("--box", or_none(&self.range)),
            ("--unit", or_none(&self.unit)),
            ("--sigma", or_none(&self.sigma)),
            ("--samples", samples.to_string()),
            ("--alpha", alpha.to_string()),
            ("--seed", seed.to_string()),
            ("--full", yes(self.full)),
        ];
        about.extend(logit::shown(&self.logit.logit()));
        let of_inputs = files(Path::new(""), &self.table, self.limit, self.reading);
        about.extend(inputs::shown(&of_inputs));
        let mut about: Vec<Circumstance> = about.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        if self.model.is_none() {
            about.push(shown(digest(&self.find_bundle()?.folder.join(MANIFEST))?));
        }
        // Files of several models may have the same name.
        let files = jobs.iter().flat_map(|job| {
            let own = |(name, value): &Circumstance| (format!("{}: {name}", job.source.case.name), value.clone());
            job.source.digests.iter().map(own)
        });
        about.extend(files);
        Ok(about)
    }

    fn run_info(&self, jobs: Vec<Job>, start: Instant) -> RunInfo {
        let setting = |name: &str, value: String| (name.to_string(), value);
        let methods = &jobs[0].audit.methods;
        let mut settings = vec![
            setting("methods", names(methods, |_| true).join(", ")),
            setting("norms", listed(&jobs[0].audit.norms).replace(',', ", ")),
            setting("LP solver", self.lp_solver.to_string()),
        ];
        if methods.iter().any(|method| method.limits().is_some()) {
            let (searches, limits) = limits(methods);
            settings.push(setting(&searches.join(", "), limits));
        }
        let smooths = methods.iter().any(|method| takes(method.as_ref(), Setting::Noise));
        if smooths {
            let Smoothing { samples, selection, alpha, seed, .. } = self.smoothing(None);
            let text = format!("n = {samples}, n₀ = {selection}, α = {alpha} per input, seed {seed}; σ as in `detail`");
            settings.push(setting(self.smoothing(None).name(), text));
        }
        settings.extend(jobs.iter().flat_map(|job| job.source.digests.clone()));
        for job in &jobs {
            settings.push(setting(&format!("attack on {}", job.source.case.name), job.audit.attack.to_string()));
        }
        let models = jobs.into_iter().map(|job| job.source.info).collect();
        circumstances::run_info(settings, models, smooths.then_some(self.alpha), start)
    }
}
