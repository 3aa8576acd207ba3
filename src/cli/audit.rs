//! `underplane audit`: every method on the same networks, cross-checked.

use super::certify::use_threads;
use super::circumstances;
use super::claims;
use super::inputs::{ReadingArgs, TableArgs, files, tell};
use super::links::LinkArgs;
use super::logit::LogitArgs;
use super::methods::{at_least_one, deviation, probability, samples, threads};
use super::{Finish, help, progress};
use anyhow::{Result, bail};
use indicatif::ProgressBar;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use underplane::attack::Attack;
use underplane::audit::bundle::{Bundle, FOLDER};
use underplane::audit::ladder::{Conclusion, conclusion, idle, violations};
use underplane::audit::methods::{limits, standard};
use underplane::audit::run::{Audit, Findings, select};
use underplane::audit::summary::summaries;
use underplane::audit::{report, tables};
use underplane::files::Folder;
use underplane::norm::Norm;
use underplane::query::Range;
use underplane::radius::catalogue::{names, takes};
use underplane::radius::lp::LpSolver;
use underplane::radius::smoothing::Smoothing;
use underplane::radius::{Method, Setting};
use underplane::report::run_info::{ModelInfo, RunInfo};
use underplane::workbench::{Source, SourceCase};

/// How many inputs of a bundled model are taken, unless `--full`: with f > 0, and others.
const BUNDLED: (usize, usize) = (20, 5);

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
    /// The valid range of every coordinate: an attacker never leaves it
    #[arg(long = "box", value_name = "LO,HI", allow_hyphen_values = true, requires = "model")]
    range: Option<Range>,
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
    #[arg(long, value_name = "F.csv", requires = "model", conflicts_with_all = ["methods", "norms", "sigma", "samples", "alpha", "seed"])]
    claims: Option<PathBuf>,
    /// Weights of the norms of the claims, ‖w ⊙ δ‖: a .npy of float32 or a .csv, one per coordinate, > 0, or inf where
    /// the attacker cannot change it
    #[arg(long, value_name = "F", requires = "claims")]
    weights: Option<PathBuf>,
    /// Every bundled input, a longer attack, smoothing with more samples
    #[arg(long)]
    full: bool,
    /// The folder of bundle.toml; default: proofs-data here, else that of the source
    #[arg(long, value_name = "DIR", conflicts_with = "model")]
    bundle: Option<PathBuf>,
    /// Where the report's folder goes
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
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
            inputs: files(inputs, &args.table, args.limit, args.reading),
            range: args.range,
            weights: args.weights.as_deref(),
            logit: args.logit.logit(),
            solver: args.lp_solver,
            thorough: args.full,
            reports: &args.reports,
        });
    }
    let jobs = args.jobs()?;
    // Better now than after a minute's work.
    let _reports = Folder::make(&args.reports)?;
    let ticks: usize = jobs.iter().map(|job| job.audit.ticks(job.source.case.count())).sum();
    let bar = progress::bar(ticks as u64, "auditing");
    let mut all = Findings::default();
    for job in &jobs {
        let findings = job.audit.case(&job.source.case, &|what, done| {
            bar.set_message(what.to_string());
            bar.inc(done as u64);
        });
        print(&bar, &job.source.info, &findings)?;
        all.records.extend(findings.records);
        all.found.extend(findings.found);
    }
    bar.finish_and_clear();
    let run = args.run_info(jobs, start);
    let folder = report::write(&args.reports, &run, &all.records, &all.found)?;
    finish(&run, &all, &folder, args.methods.is_some())
}

/// A model's table, above the progress bar.
fn print(bar: &ProgressBar, info: &ModelInfo, findings: &Findings) -> Result<()> {
    let violations = violations(&findings.records, &findings.found);
    let mut text = String::new();
    for summary in summaries(&findings.records, &findings.found, &violations) {
        let range = if info.range.is_empty() { String::new() } else { format!("; box [{}]", info.range) };
        text += &format!("{}: {}\n{}; unit: {}{range}\n", info.name, info.about, info.convexity, info.unit);
        text += &tables::methods(&summary).terminal();
        tables::notes(&summary).iter().for_each(|note| text += &format!("  {note}\n"));
        text.push('\n');
    }
    bar.suspend(|| std::io::stdout().lock().write_all(text.as_bytes()))?;
    Ok(())
}

/// The conclusion, and where the report is. A method that was asked for by its name (`named`) should have answered.
fn finish(run: &RunInfo, all: &Findings, folder: &Path, named: bool) -> Result<Finish> {
    let violations = violations(&all.records, &all.found);
    let mut out = std::io::stdout().lock();
    if !violations.is_empty() {
        write!(out, "VIOLATIONS\n{}", tables::violations(&violations).terminal())?;
    }
    writeln!(out, "{}", report::verdict(&all.records, &all.found, &violations))?;
    for (model, method, why) in idle(&all.records).iter().filter(|_| named) {
        writeln!(out, "{model}: {method} was asked for and does not apply: {why}")?;
    }
    if let Some(risk) = run.alpha.and_then(|alpha| report::family_risk(&all.records, alpha)) {
        writeln!(out, "{risk}")?;
    }
    writeln!(out, "{:.1} s; report and records: {}", run.seconds, folder.display())?;
    Ok(match conclusion(&all.records, &all.found) {
        Conclusion::Passed if named && !idle(&all.records).is_empty() => Finish::Unknown,
        Conclusion::Passed => Finish::Answered,
        Conclusion::Violated => Finish::Refuted,
        Conclusion::Undecided => Finish::Unknown,
    })
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
        Ok(Job { audit: Audit { methods, norms: self.norms.clone(), attack }, source })
    }

    fn methods(&self, smoothing: Smoothing) -> Result<Vec<Box<dyn Method>>> {
        let mut all = standard(self.lp_solver, smoothing);
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
                let files = files(inputs, &self.table, self.limit, self.reading);
                let source = Source::own(model, self.links.follow_links, files, self.range, self.logit.logit());
                Ok(vec![self.job(source.read(&mut tell)?, None)?])
            }
            _ => self.bundled(),
        }
    }

    fn bundled(&self) -> Result<Vec<Job>> {
        let folders = match &self.bundle {
            Some(folder) => vec![folder.clone()],
            None => vec![PathBuf::from(FOLDER), Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)],
        };
        let bundle = Bundle::find(&folders)?;
        let mut jobs = Vec::with_capacity(bundle.entries.len());
        for entry in &bundle.entries {
            let mut source = Source::bundled(entry, self.limit).read(&mut tell)?;
            if !self.full {
                let case = &mut source.case;
                case.keep(&select(&case.model.enclose(&case.values), BUNDLED.0, BUNDLED.1));
            }
            jobs.push(self.job(source, entry.sigma)?);
        }
        Ok(jobs)
    }

    fn run_info(&self, jobs: Vec<Job>, start: Instant) -> RunInfo {
        let setting = |name: &str, value: String| (name.to_string(), value);
        let methods = &jobs[0].audit.methods;
        let norms: Vec<String> = self.norms.iter().map(Norm::to_string).collect();
        let mut settings = vec![
            setting("methods", names(methods, |_| true).join(", ")),
            setting("norms", norms.join(", ")),
            setting("LP solver", self.lp_solver.to_string()),
        ];
        if methods.iter().any(|method| method.limits().is_some()) {
            let (searches, limits) = limits();
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
