//! Points of two classes, as `underplane separate` and `check --separation` are given them.

use anyhow::{Context, Result, anyhow, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use underplane::data::inputs::label::{Label, listed, tally};
use underplane::data::tasks::{RECIPES, Recipe, load_labelled};
use underplane::data::{Dataset, InputOptions, data_dir, read_inputs, read_labels};
use underplane::workbench::{Circumstance, digest};

/// Which points, and which classes.
#[derive(clap::Args)]
pub struct ClassArgs {
    /// A task of `underplane data list` (its official training samples, or all of them), or labelled points: .npy, .npz or
    /// .csv
    pub data: String,
    /// The class whose points are to be cut off [default: the task's sensitive class]
    #[arg(long, value_name = "LABEL")]
    sensitive: Option<String>,
    #[command(flatten)]
    more: MoreArgs,
}

/// The rest of it.
#[derive(clap::Args)]
pub struct MoreArgs {
    /// The class whose convex hull is meant [default: the task's other class, or all other labels]
    #[arg(long, value_name = "LABEL", requires = "data")]
    other: Option<String>,
    /// Labels of a file, one per point: .npy, FILE.npz:NAME, or text with one per line
    #[arg(long, value_name = "F", requires = "data")]
    labels: Option<PathBuf>,
    /// The column of a .csv that holds labels
    #[arg(long, value_name = "NAME", conflicts_with = "labels", requires = "data")]
    label_column: Option<String>,
    /// Where the datasets are [default: the environment variable UNDERPLANE_DATA, else ./data]
    #[arg(long, value_name = "DIR", requires = "data")]
    data_dir: Option<PathBuf>,
}

/// What `samples` is asked for.
pub struct Wanted<'a> {
    /// A task or a file.
    pub data: &'a str,
    /// The class whose points are to be cut off.
    pub sensitive: Option<&'a str>,
    /// The option that says so.
    pub option: &'static str,
    /// The rest of it.
    pub more: &'a MoreArgs,
}

impl ClassArgs {
    /// What they say.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { data: &self.data, sensitive: self.sensitive.as_deref(), option: "--sensitive", more: &self.more }
    }
}

/// Points, and what the classes are called.
pub struct Samples {
    pub data: Dataset,
    /// Official test points, for figures alone.
    pub test: Option<Dataset>,
    pub sensitive: String,
    pub other: String,
    pub notes: Vec<String>,
    /// Names and SHA-256 of the files that they came from.
    pub files: Vec<Circumstance>,
}

impl Samples {
    /// The other class as the sensitive one.
    pub fn swapped(self) -> Samples {
        let swapped = |data: Dataset| Dataset { sensitive: data.sensitive.iter().map(|is| !is).collect(), ..data };
        Samples {
            data: swapped(self.data),
            test: self.test.map(swapped),
            sensitive: self.other,
            other: self.sensitive,
            notes: self.notes,
            files: self.files,
        }
    }
}

/// Reads what is asked for.
///
/// # Errors
/// When the data cannot be read, or the classes are none of theirs.
pub fn samples(wanted: &Wanted) -> Result<Samples> {
    match RECIPES.iter().find(|recipe| recipe.name == wanted.data) {
        Some(recipe) => of_task(wanted, recipe),
        None => of_file(wanted),
    }
}

fn of_task(&Wanted { data, sensitive, option, more }: &Wanted, recipe: &Recipe) -> Result<Samples> {
    if more.labels.is_some() || more.label_column.is_some() {
        bail!("`{data}` is a task, which has its labels: leave --labels and --label-column out");
    }
    let names = [recipe.sensitive, recipe.other];
    let swapped = match [sensitive, more.other.as_deref()] {
        [None, None] => false,
        [Some(a), None] if names.contains(&a) => a == names[1],
        [None, Some(b)] if names.contains(&b) => b == names[0],
        [Some(a), Some(b)] if a != b && names.contains(&a) && names.contains(&b) => a == names[1],
        _ => bail!("{option}, --other: expected `{}` and `{}`, the classes of {}", names[0], names[1], recipe.name),
    };
    let store = recipe.store(&data_dir(more.data_dir.as_deref()))?;
    // Which checks every file against its digest.
    let labelled = load_labelled(recipe, &store)?;
    let files = store.source().files.iter().map(|file| (file.name.to_string(), file.sha256.to_string())).collect();
    let [sensitive, other] = names.map(String::from);
    let samples = Samples { data: labelled.train, test: labelled.test, sensitive, other, notes: labelled.notes, files };
    Ok(if swapped { samples.swapped() } else { samples })
}

fn of_file(&Wanted { data: file, sensitive, option, more }: &Wanted) -> Result<Samples> {
    let path = Path::new(file);
    if !path.exists() {
        let tasks: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
        bail!("`{file}`: expected a file of points, or a task ({})", tasks.join(", "));
    }
    let options = InputOptions { label_column: more.label_column.clone(), ..InputOptions::default() };
    let inputs = read_inputs(path, &options)?;
    let labels = match (&more.labels, inputs.labels) {
        (Some(file), _) => read_labels(file)?,
        (None, Some(labels)) => labels,
        (None, None) => bail!("{}: expected --labels or --label-column, as the file has no labels", path.display()),
    };
    let n = inputs.values.len() / inputs.shape.iter().product::<usize>().max(1);
    if labels.len() != n {
        bail!("{file}: expected {n} labels, one per point, found {}", labels.len());
    }
    let words: Vec<String> = labels.iter().map(Label::to_string).collect();
    let known: BTreeMap<&String, usize> = tally(&words);
    let one_of = |option: &str, word: Option<&str>| match word {
        Some(word) if known.keys().any(|known| *known == word) => Ok(()),
        Some(word) => Err(anyhow!("{option} {word}: expected one of the labels {}", listed(&known))),
        None => Ok(()),
    };
    one_of(option, sensitive)?;
    one_of("--other", more.other.as_deref())?;
    let sensitive = sensitive.with_context(|| format!("expected {option}, one of {}", listed(&known)))?.to_string();
    let is_other = |word: &String| more.other.as_ref().map_or(*word != sensitive, |other| word == other);
    let kept: Vec<usize> = (0..n).filter(|&i| words[i] == sensitive || is_other(&words[i])).collect();
    let all = Dataset {
        shape: inputs.shape,
        inputs: inputs.values,
        sensitive: words.iter().map(|w| *w == sensitive).collect(),
    };
    let data = all.select(&kept);
    if data.sensitive.iter().all(|&is| is) || more.other.as_ref() == Some(&sensitive) {
        bail!("{}: expected points of another class than `{sensitive}`, found none", path.display());
    }
    let other = more.other.clone().unwrap_or_else(|| {
        match known.keys().filter(|word| ***word != sensitive).collect::<Vec<_>>()[..] {
            [only] => only.to_string(),
            _ => format!("not {sensitive}"),
        }
    });
    Ok(Samples {
        data,
        test: None,
        sensitive,
        other,
        notes: inputs.notes.into_iter().chain([format!("{} points", kept.len())]).collect(),
        files: [Some(path), more.labels.as_deref()].into_iter().flatten().map(digest).collect::<Result<_>>()?,
    })
}
