//! `underplane train CONFIG.toml | NAME`: trains, balances, writes ONNX and a record.

use super::Finish;
use super::methods::threads;
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tabled::builder::Builder;
use tabled::settings::Style;
use underplane::data::preparation;
use underplane::data::tasks::{guess, recipe};
use underplane::data::{Task, data_dir, load_own, load_task};
use underplane::files::Folder;
use underplane::model::onnx;
use underplane::radius::Method;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::Tightened;
use underplane::radius::sharp::Sharp;
use underplane::train::config::EXAMPLE;
use underplane::train::loss::Norm;
use underplane::train::threshold::Threshold;
use underplane::train::{Config, Epoch, Record, Resumable, Trained, export, joined, train};
use underplane::workbench::{Circumstance, digest};

/// Train a feature-convex network, set its threshold on validation data, write NAME.onnx and NAME.json.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A TOML config, or the name of a bundled one; with --print-config a table, or nothing.
    #[arg(value_name = "CONFIG.toml | NAME", required_unless_present = "print_config")]
    pub config: Option<String>,
    /// Print a config and stop: with every key and its default, or for the table (.csv, .tsv, .arff) that is named, with
    /// what its columns look like.
    #[arg(long)]
    pub print_config: bool,
    /// With --print-config: the table's column of labels.
    #[arg(long, value_name = "NAME", requires = "print_config")]
    pub label_column: Option<String>,
    /// With --print-config: the label of the class that is certified [default: the rarest]
    #[arg(long, value_name = "LABEL", requires = "print_config")]
    pub sensitive: Option<String>,
    /// Where the datasets are [default: the environment variable UNDERPLANE_DATA, else ./data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where the two files go.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Replaces the config's seed.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Replaces the config's number of epochs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Go on with an interrupted run, whose state is beside where the model goes (NAME.checkpoint).
    #[arg(long)]
    pub resume: bool,
    /// Threads (default: all cores); the result is the same for any number.
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,
}

pub fn run(args: &Args) -> Result<Finish> {
    let Some(name) = args.config.as_deref().filter(|_| !args.print_config) else {
        let text = match &args.config {
            Some(table) => guess(Path::new(table), args.label_column.as_deref(), args.sensitive.as_deref())?,
            None => EXAMPLE.into(),
        };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(Finish::Answered);
    };
    let config = config(name, args)?;
    // Before the work, not after it; it goes again where nothing comes of it.
    let _out = Folder::make(&args.out)?;
    let folder = data_dir(args.data_dir.as_deref());
    let (task, files) = match &config.data {
        Some(own) => (load_own(&config.task, own, config.split_seed)?, vec![digest(&own.file)?]),
        None => (load_task(&config.task, &folder, config.split_seed)?, verified(&config.task, &folder)?),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.unwrap_or(0)).build()?;
    let text = pool.install(|| finish(&config, &task, files, args))?;
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Finish::Answered)
}

/// Names and SHA-256 of a bundled task's files, which were verified when they were read.
fn verified(task: &str, folder: &Path) -> Result<Vec<Circumstance>> {
    let store = recipe(task)?.store(folder)?;
    Ok(store.source().files.iter().map(|file| (file.name.to_string(), file.sha256.to_string())).collect())
}

fn config(name: &str, args: &Args) -> Result<Config> {
    let path = Path::new(name);
    let mut config = if path.extension().is_some_and(|extension| extension == "toml") {
        Config::read(path)?
    } else if let Some(bundled) = Config::bundled(name) {
        bundled?
    } else {
        let known: Vec<_> = Config::bundled_names().collect();
        let table = [".csv", ".tsv", ".arff"].iter().any(|ending| name.contains(ending));
        let advice =
            if table { format!(" (--print-config {name} writes a config for a table)") } else { String::new() };
        bail!("`{name}`: expected a .toml file or one of {}{advice}", known.join(", "));
    };
    config.seed = args.seed.unwrap_or(config.seed);
    config.epochs = args.epochs.map_or(config.epochs, |epochs| epochs as usize);
    Ok(config)
}

/// Between the states that a run leaves.
const APART: Duration = Duration::from_secs(20);

fn finish(config: &Config, task: &Task, files: Vec<Circumstance>, args: &Args) -> Result<String> {
    let (start, out) = (Instant::now(), &args.out);
    let task = joined(config, task);
    let task = task.as_ref();
    let checkpoint = out.join(format!("{}.checkpoint", config.name()));
    let resumable = Resumable { path: &checkpoint, resume: args.resume, every: APART };
    let trained = with_progress(config, task, resumable)?;
    let model = export::model(&trained.network, &task.train.shape)?;
    let model_path = out.join(format!("{}.onnx", config.name()));
    let record_path = out.join(format!("{}.json", config.name()));
    write_model(&trained, task, &model_path)?;
    let mut record = Record::new(config, task, &trained, &model);
    record.sha256 = files.into_iter().chain([digest(&model_path)?]).collect();
    record.write(&record_path)?;
    let mut text = summary(&record)?;
    writeln!(text, "wrote {} and {}", model_path.display(), record_path.display())?;
    writeln!(text, "{:.1} s, {:.1} s of them training", start.elapsed().as_secs_f64(), record.seconds)?;
    Ok(text)
}

/// The network with its preparation, if it has one: the affine part as its first nodes, the rest as a record.
fn write_model(trained: &Trained, task: &Task, path: &Path) -> Result<()> {
    let shape = &task.train.shape;
    let Some(preparation) = &task.preparation else {
        return Ok(onnx::write(&export::graph(&trained.network, shape)?, path)?);
    };
    let means: Vec<f32> = task.columns.iter().map(|column| column.mean as f32).collect();
    let raw = (means.as_slice(), preparation.scales.as_slice());
    let graph = export::graph_of_raw(&trained.network, shape, Some(raw))?;
    Ok(onnx::write_with(&graph, &[(preparation::KEY, preparation.text())], path)?)
}

fn with_progress(config: &Config, task: &Task, resumable: Resumable) -> Result<Trained> {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {eta}")?.progress_chars("=> ");
    let bar = ProgressBar::new(config.epochs as u64).with_style(style);
    bar.set_message(config.name().to_string());
    let trained = train(config, task, Some(resumable), &mut |epoch: &Epoch| {
        bar.set_message(match (epoch.validation_loss, epoch.validation_accuracy) {
            (Some(loss), Some(share)) => {
                format!("{}: validation loss {loss:.4}, accuracy {:.1} %", config.name(), 100.0 * share)
            }
            _ => format!("{}: training loss {:.4}", config.name(), epoch.training_loss),
        });
        bar.set_position(epoch.epoch as u64);
    });
    bar.finish_and_clear();
    Ok(trained?)
}

fn summary(record: &Record) -> Result<String> {
    let mut text = String::new();
    for note in &record.data_notes {
        writeln!(text, "{note}")?;
    }
    writeln!(
        text,
        "{} parameters, epoch {} of {} kept, threshold {:.4}",
        record.parameters,
        record.selected_epoch,
        record.history.len(),
        record.threshold
    )?;
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut clean = Builder::default();
    clean.push_record(["split", "samples", "clean accuracy", "sensitive", "other"]);
    let splits = &record.accuracy;
    let rows = [("train", Some(splits.train)), ("validation", splits.validation), ("test", Some(splits.test))];
    for (name, found) in rows.into_iter().filter_map(|(name, found)| Some((name, found?))) {
        let shares = [found.overall, found.sensitive, found.other].map(percent);
        clean.push_record([vec![name.to_string(), found.samples.to_string()], shares.to_vec()].concat());
    }
    writeln!(text, "{}", clean.build().with(Style::psql()))?;
    if let Some(baseline) = &record.baseline {
        let validation = baseline.validation_accuracy.map(|share| format!("validation {}, ", percent(share)));
        let test = percent(baseline.test_accuracy);
        writeln!(text, "{}: {}test {test}", baseline.model, validation.unwrap_or_default())?;
        let of_validation = baseline.validation_accuracy.zip(splits.validation.map(|found| found.overall));
        let of_validation = of_validation.map(|(its, own)| ("validation", its, own));
        let of_test = ("test", baseline.test_accuracy, splits.test.overall);
        let splits: Vec<(&str, f64, f64)> = of_validation.into_iter().chain([of_test]).collect();
        let better: Vec<&str> = splits.iter().filter(|(_, its, own)| its > own).map(|(name, ..)| *name).collect();
        if !better.is_empty() {
            let better = better.join(" and ");
            let balanced = match record.config.threshold {
                Threshold::Balanced => " (this threshold balances the classes; `threshold = \"accuracy\"` does not)",
                _ => "",
            };
            writeln!(text, "warning: the logistic regression is more accurate on the {better} rows{balanced}")?;
        }
    }
    if !record.certified.is_empty() {
        writeln!(text, "certified accuracy of the sensitive class, test split; radius in {}", record.radius_unit)?;
        writeln!(text, "{}", certified_table(record).build().with(Style::psql()))?;
    }
    Ok(text)
}

fn certified_table(record: &Record) -> Builder {
    let mut table = Builder::default();
    let tightened = record.config.radii.tightened > 0;
    let count = record.certified.iter().find(|row| row.split == "test" && row.method == Tightened::default().name());
    let tightened_column = format!("tightened, of {}", count.map_or(0, |row| row.samples));
    let columns = ["norm", "radius", "closed form", "sharp, in the valid range", &tightened_column];
    table.push_record(columns.into_iter().take(if tightened { 5 } else { 4 }));
    for norm in Norm::ALL {
        for &radius in record.config.radii.of(norm) {
            let cell = |method: &str| {
                let mut rows = record.certified.iter().filter(|row| row.split == "test" && row.method == method);
                let row = rows.find(|row| row.norm == norm && row.radius == radius);
                row.map_or(String::new(), |row| format!("{:.3}", row.accuracy))
            };
            let methods = [ClosedForm.name(), Sharp.name(), Tightened::default().name()];
            let cells = methods.into_iter().take(if tightened { 3 } else { 2 }).map(cell);
            table.push_record([norm.name().to_string(), radius.to_string()].into_iter().chain(cells));
        }
    }
    table
}
