//! `underplane data`: real datasets, checksummed.

use super::methods::at_least_one;
use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use std::collections::BTreeSet;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use tabled::settings::Style;
use tabled::{Table, Tabled};
use underplane::data::export::{Selection, Split, export};
use underplane::data::fetch::{Downloader, fetch};
use underplane::data::import::import;
use underplane::data::sources::{Source, source};
use underplane::data::store::Store;
use underplane::data::tasks::{RECIPES, Recipe};
use underplane::data::{DataError, OwnTable, Task, data_dir, load_own, load_task};
use underplane::train::Config;

/// Arguments of `underplane data`.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Where the datasets are kept [default: the environment variable UNDERPLANE_DATA, else ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// The tasks, their sources, and whether their files are there
    List,
    /// Copies a dataset's files (verified by SHA-256) from a file, folder or tar archive
    Import {
        /// A task or source, as `data list` names them
        name: String,
        /// Where the files are; they are recognised by name or checksum, plain or gzip
        #[arg(long, value_name = "FILE_OR_DIR")]
        from: PathBuf,
    },
    /// Downloads a dataset's files with curl and verifies them; continues where it was interrupted
    Fetch {
        /// A task or source, as `data list` names them
        name: String,
    },
    /// Writes a task's samples as inputs.npy and labels.npy (1 = sensitive class); for tables also columns.json
    Export {
        /// The task, or a training config (.toml) with a table of one's own
        task: String,
        /// The part
        #[arg(long, value_enum)]
        split: SplitName,
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// The class
        #[arg(long, value_enum, default_value = "both")]
        class: ClassName,
        /// At most so many samples, the first ones
        #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
        limit: Option<usize>,
        /// Seed of the split
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitName {
    Train,
    Validation,
    Test,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClassName {
    Sensitive,
    Other,
    Both,
}

/// Runs the subcommand: results to stdout, progress to stderr.
///
/// # Errors
/// When a name is unknown, or a file is missing, wrong, or cannot be read or written.
pub fn run(args: &DataArgs) -> Result<()> {
    let folder = data_dir(args.data_dir.as_deref());
    match &args.action {
        Action::List => list(&folder),
        Action::Import { name, from } => import_files(name, from, &folder),
        Action::Fetch { name } => fetch_files(name, &folder),
        Action::Export { task, split, out, class, limit, seed } => {
            let split = match split {
                SplitName::Train => Split::Train,
                SplitName::Validation => Split::Validation,
                SplitName::Test => Split::Test,
            };
            let class = match class {
                ClassName::Sensitive => Some(true),
                ClassName::Other => Some(false),
                ClassName::Both => None,
            };
            export_samples(task, &Selection { split, class, limit: *limit }, out, &folder, *seed)
        }
    }
}

#[derive(Tabled)]
struct Row {
    name: &'static str,
    samples: usize,
    features: usize,
    #[tabled(rename = "sensitive class")]
    sensitive: &'static str,
    #[tabled(rename = "unit of a radius")]
    unit: &'static str,
    present: &'static str,
    licence: &'static str,
}

fn list(folder: &Path) -> Result<()> {
    let rows = RECIPES.iter().map(|recipe| row(recipe, folder)).collect::<Result<Vec<Row>, DataError>>()?;
    writeln!(stdout(), "{}", Table::new(rows).with(Style::sharp()))?;
    writeln!(stdout(), "data directory: {}", folder.display())?;
    Ok(())
}

fn row(recipe: &Recipe, folder: &Path) -> Result<Row, DataError> {
    let store = recipe.store(folder)?;
    Ok(Row {
        name: recipe.name,
        samples: recipe.samples,
        features: recipe.features,
        sensitive: recipe.sensitive,
        unit: recipe.unit,
        present: if store.is_complete() { "yes" } else { "no" },
        licence: store.source().licence,
    })
}

/// The sources that a name stands for: those of the task, or the source itself.
fn sources_of(name: &str) -> Result<Vec<&'static Source>, DataError> {
    match RECIPES.iter().find(|recipe| recipe.name == name) {
        Some(recipe) => recipe.sources.iter().map(|name| source(name)).collect(),
        None => Ok(vec![source(name)?]),
    }
}

fn import_files(name: &str, from: &Path, folder: &Path) -> Result<()> {
    let mut failure = None;
    for source in sources_of(name)? {
        match import(source, from, folder) {
            Ok(outcome) => {
                for (file, path) in &outcome.imported {
                    writeln!(stdout(), "{file}: verified, copied to {}", path.display())?;
                }
                for error in &outcome.refused {
                    say!("not imported: {error}");
                }
                for file in Store::new(source, folder).missing() {
                    say!("still missing: {} (SHA-256 once unpacked: {})", file.name, file.sha256);
                }
                return Ok(());
            }
            // The first source is the published one: what it lacks says most.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        Some(error) => Err(error).with_context(|| format!("import of `{name}`")),
        None => Ok(()),
    }
}

fn fetch_files(name: &str, folder: &Path) -> Result<()> {
    let Some(source) = sources_of(name)?.into_iter().next() else { return Ok(()) };
    say!("{}: {} (licence: {})", source.name, source.title, source.licence);
    let downloader = Downloader { progress: true, ..Downloader::default() };
    let paths = fetch(source, folder, &downloader)?;
    let fetched: BTreeSet<PathBuf> = paths.into_iter().collect();
    for path in &fetched {
        writeln!(stdout(), "{}: verified", path.display())?;
    }
    if fetched.is_empty() {
        writeln!(stdout(), "all files of `{}` are there and verified", source.name)?;
    }
    Ok(())
}

/// The user's own table, in the coordinates of the model that is trained on it.
fn own_task(config: &Path) -> Result<Task> {
    let config = Config::read(config)?;
    let own = config.data.with_context(|| format!("{}: expected `[data]`, found none", config.task))?;
    Ok(load_own(
        &config.task,
        &OwnTable { standardise: false, unit: Some(own.unit_name().into()), ..own },
        config.split_seed,
    )?)
}

fn export_samples(task: &str, selection: &Selection, out: &Path, folder: &Path, seed: u64) -> Result<()> {
    let task = match task.ends_with(".toml") {
        true => own_task(Path::new(task))?,
        false => load_task(task, folder, seed)?,
    };
    let written = export(&task, selection, out)?;
    for note in &task.notes {
        writeln!(stdout(), "{note}")?;
    }
    writeln!(stdout(), "unit of a radius: {}", task.unit)?;
    if let Some((low, high)) = task.range {
        writeln!(stdout(), "every coordinate lies in [{low}, {high}]")?;
    }
    if let Some(path) = &written.columns {
        writeln!(stdout(), "how raw values become inputs: {}", path.display())?;
    }
    writeln!(stdout(), "{} samples: {}, {}", written.samples, written.inputs.display(), written.labels.display())?;
    Ok(())
}
