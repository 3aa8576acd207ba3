//! What each part of a training recipe brings: `cargo run --release --example ablation -- CONFIG.toml [DATA_DIR]`.
//!
//! Trains the config as it is, and again with one thing changed at a time; prints, as Markdown, the clean accuracy and the
//! certified accuracy of the sensitive class by `sharp` in the valid range. All figures are of the validation split: the
//! test split is not read.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use underplane::data::{Task, data_dir, load_task};
use underplane::query::Range;
use underplane::radius::Method;
use underplane::radius::run::Questions;
use underplane::radius::sharp::Sharp;
use underplane::train::evaluate::{accuracy, logits, radii, share_at};
use underplane::train::loss::{Margin, Norm, PullBack};
use underplane::train::{Config, export, train};

type Change = fn(&mut Config);

/// What is changed, and how; a change that leaves the config as it is is skipped.
const CHANGES: &[(&str, Change)] = &[
    ("margins by Lip(φ), as the closed form", |config| config.loss.pull_back = PullBack::Lipschitz),
    ("margins coordinate by coordinate, as `sharp`", |config| config.loss.pull_back = PullBack::Sharp),
    ("no margins", |config| (config.loss.margin, config.loss.pull_back) = (vec![], PullBack::Lipschitz)),
    ("the ℓ2 margin alone", |config| config.loss.margin.retain(|margin| margin.norm == Norm::L2)),
    ("margins of all three norms", |config| {
        let of = |config: &Config, norm: Norm| config.radii.of(norm).get(1).copied();
        let all = Norm::ALL.into_iter().filter_map(|norm| Some(Margin { norm, radius: of(config, norm)? * 0.6 }));
        config.loss.margin = all.collect();
    }),
    ("margins that ask for what is reached", |config| config.loss.adaptive = true),
    ("focal weights, γ = 1", |config| config.loss.focal = 1.0),
    ("no averaged weights", |config| config.optimiser.average = 0.0),
    ("averaged weights, 0.998", |config| config.optimiser.average = 0.998),
    ("no augmentation", |config| config.augmentation = Default::default()),
    ("noise, σ = 0.05", |config| config.augmentation.noise = 0.05),
    ("four heads", |config| (config.network.heads, config.network.reseed, config.ensemble) = (4, true, 1)),
    ("one head", |config| config.network.heads = 1),
    ("no ensemble", |config| config.ensemble = 1),
    ("an ensemble of three", |config| (config.ensemble, config.network.heads) = (3, 1)),
];

fn row(name: &str, config: &Config, task: &Task) -> Result<String, Box<dyn Error>> {
    config.validate(name)?;
    let start = Instant::now();
    let trained = train(config, task, None, &mut |_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    let model = export::model(&trained.network, &task.train.shape)?;
    let clean = accuracy(&logits(&trained.network, &task.validation), &task.validation.sensitive);
    let methods: [Box<dyn Method>; 1] = [Box::new(Sharp)];
    let norms = Norm::ALL.map(underplane::norm::Norm::from);
    let range = task.range.map(|(low, high)| Range { low: f64::from(low), high: f64::from(high) });
    let questions = Questions {
        model: &model,
        methods: &methods,
        norms: &norms,
        range: range.map(Range::into),
        weights: None,
        always: true,
    };
    let found = radii(questions, &task.validation);
    let mut line = format!("| {name} | {:.1} %", 100.0 * clean.overall);
    for (norm, found) in Norm::ALL.into_iter().zip(&found) {
        for &radius in config.radii.of(norm) {
            write!(line, " | {:.3}", share_at(found, radius))?;
        }
    }
    write!(line, " | {seconds:.0} |")?;
    Ok(line)
}

fn main() -> Result<(), Box<dyn Error>> {
    underplane::memory::settle();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("expected a config: CONFIG.toml [DATA_DIR]")?;
    let config = Config::read(Path::new(path))?;
    let folder = arguments.get(1).map(PathBuf::from);
    let task = load_task(&config.task, &data_dir(folder.as_deref()), config.split_seed)?;
    println!("`{}`, {} epochs, validation split ({} samples)\n", config.name(), config.epochs, task.validation.len());
    let mut head = "| change | clean".to_string();
    for norm in Norm::ALL {
        for radius in config.radii.of(norm) {
            write!(head, " | {} {radius:.4}", norm.name())?;
        }
    }
    println!("{head} | seconds |\n|{}", "---|".repeat(head.matches('|').count() + 1));
    println!("{}", row("the config as it is", &config, &task)?);
    for (name, change) in CHANGES {
        let mut changed = config.clone();
        change(&mut changed);
        if changed != config && !(changed.loss.margin.is_empty() && changed.loss.adaptive) {
            println!("{}", row(name, &changed, &task)?);
        }
    }
    Ok(())
}
