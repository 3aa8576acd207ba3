//! Loading what subcommands work on: a model, and inputs that fit it.

use super::methods::at_least_one;
use anyhow::{Context, Error, Result, bail};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use underplane::data::Reading;
use underplane::data::inputs::label::{Label, LabelFile, listed, tally};
use underplane::data::inputs::label_file::read_label_file;
use underplane::data::inputs::weights::read_weights;
use underplane::data::tasks::Header;
use underplane::data::{InputOptions, Inputs, read_inputs};
use underplane::model::sensitive::{Sensitive, select};
use underplane::model::{Model, onnx};
use underplane::query::Range;
use underplane_kernel::Uint8;

/// What the user says about numbers.
#[derive(Clone, Copy, Default, clap::Args)]
pub struct ReadingArgs {
    /// What a byte k among inputs of uint8 means: unit (k/255, the default unless the largest is 1) or raw (k itself)
    #[arg(long, value_name = "unit|raw", requires = "inputs")]
    uint8: Option<Uint8>,
    /// Take samples (and weights) of another shape than the model's input as its entries in the order in which they
    /// stand
    #[arg(long, requires = "inputs")]
    flatten: bool,
    /// Round entries of arrays that are no float32 to the nearest one, and say how many there are
    #[arg(long, requires = "inputs")]
    round: bool,
}

impl ReadingArgs {
    pub fn reading(self) -> Reading {
        Reading { uint8: self.uint8, flatten: self.flatten, round: self.round }
    }
}

/// Which inputs, and how to read them.
#[derive(clap::Args)]
pub struct InputArgs {
    /// Inputs: .npy or .npz (FILE.npz:NAME for one of several arrays; float32, or uint8 read as k/255; first axis =
    /// sample), or .csv
    pub inputs: PathBuf,
    #[command(flatten)]
    pub table: TableArgs,
    /// Use the first N inputs only
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Labels, and what a table's first line and its gaps mean.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TableArgs {
    /// Labels, one per input: .npy, FILE.npz:NAME, or text with one per line
    #[arg(long, value_name = "F", requires = "model")]
    pub labels: Option<PathBuf>,
    /// The column of a .csv that holds labels, by name; where none has that name, by its position from 1
    #[arg(long, value_name = "NAME", conflicts_with = "labels", requires = "model")]
    pub label_column: Option<String>,
    /// Whether the first line of a .csv (or of labels as text) is a header; auto: found out, and said where in doubt
    #[arg(long, value_name = "yes|no|auto", default_value = "auto", value_parser = header, requires = "model")]
    pub header: Header,
    /// Leave out rows without a label or with a missing feature, and say how many; without it they are refused
    #[arg(long, requires = "model")]
    pub drop_missing: bool,
}

fn header(text: &str) -> Result<Header, String> {
    match text {
        "yes" => Ok(Header::Yes),
        "no" => Ok(Header::No),
        "auto" => Ok(Header::Auto),
        _ => Err("expected yes, no or auto".into()),
    }
}

/// Samples that fit the model, in order.
pub struct Loaded {
    /// `[count × size]`, exact.
    pub values: Vec<f64>,
    /// One per sample.
    pub labels: Option<Vec<Label>>,
    /// Number of samples.
    pub count: usize,
    /// `[count]`: where each sample stands in its file, from 0.
    pub numbers: Vec<usize>,
}

impl Loaded {
    /// The label's text, or nothing.
    pub fn label(&self, i: usize) -> String {
        self.labels.as_ref().map(|labels| labels[i].to_string()).unwrap_or_default()
    }

    /// The samples as they are numbered in their file: zeros in place of those that were left out, which nothing speaks
    /// of.
    pub fn numbered(&self) -> Cow<'_, [f64]> {
        let rows = self.numbers.last().map_or(0, |last| last + 1);
        if rows == self.count {
            return Cow::Borrowed(&self.values);
        }
        let size = self.values.len() / self.count;
        let mut all = vec![0.0; rows * size];
        for (&number, sample) in self.numbers.iter().zip(self.values.chunks_exact(size)) {
            all[number * size..(number + 1) * size].copy_from_slice(sample);
        }
        Cow::Owned(all)
    }
}

/// Reads a model and analyses it.
pub fn model(path: &Path, sensitive: Sensitive) -> Result<Model> {
    let graph = onnx::read(path)?;
    let graph = select(graph, sensitive).with_context(|| path.display().to_string())?;
    Model::new(graph).with_context(|| path.display().to_string())
}

/// Reads inputs for `model`, all of them inside the box if there is one.
pub fn inputs(args: &InputArgs, model: &Model, range: Option<Range>) -> Result<Loaded> {
    let place = || args.inputs.display().to_string();
    let reading = args.reading.reading();
    let TableArgs { labels, label_column, header, drop_missing } = &args.table;
    let (header, drop_missing) = (header.known(), *drop_missing);
    let options = InputOptions { label_column: label_column.clone(), header, drop_missing, reading };
    let mut inputs = read_inputs(&args.inputs, &options)?;
    inputs.fit(&model.graph().node(0).shape, reading.flatten).map_err(Error::msg).with_context(place)?;
    if let Some(path) = labels {
        let file = read_label_file(path, header)?;
        if !drop_missing {
            // A gap explains more than a count that differs.
            file.left_out(path, false)?;
        }
        check_count(path, &file, inputs.rows)?;
        inputs.label(path, file, drop_missing)?;
    }
    tell(&inputs.notes);
    let count = args.limit.unwrap_or(usize::MAX).min(inputs.len());
    if count == 0 {
        bail!("{}: expected inputs, found none", place());
    }
    inputs.values.truncate(count * model.input_size());
    inputs.numbers.truncate(count);
    if let Some(labels) = &mut inputs.labels {
        labels.truncate(count);
        eprintln!("labels: {}", listed(&tally(labels.iter())));
    }
    if let Some(range) = range {
        check_range(&inputs, range).with_context(place)?;
    }
    let values = inputs.values.iter().map(|&x| f64::from(x)).collect();
    Ok(Loaded { values, labels: inputs.labels, count, numbers: inputs.numbers })
}

/// One label per row of the inputs' file, those left out among them.
fn check_count(path: &Path, file: &LabelFile, rows: usize) -> Result<()> {
    let found = file.labels.len();
    let heading = match file.labels.first() {
        Some(Some(first)) if found == rows + 1 => format!("; is `{first}` a heading (--header yes)?"),
        _ => String::new(),
    };
    if found != rows {
        bail!("{}: expected {rows} labels, one per input, found {found}{heading}", path.display());
    }
    Ok(())
}

/// Reads the weights of norms on inputs of `model`.
pub fn weights(path: &Path, model: &Model, reading: ReadingArgs) -> Result<Vec<f64>> {
    let weights = read_weights(path, &model.graph().node(0).shape, reading.reading())?;
    tell(&weights.notes);
    Ok(weights.values)
}

/// What the user should hear about a file.
fn tell(notes: &[String]) {
    notes.iter().for_each(|note| eprintln!("note: {note}"));
}

fn check_range(inputs: &Inputs, range: Range) -> Result<()> {
    let size = inputs.features();
    for (at, &value) in inputs.values.iter().enumerate() {
        if !(range.low..=range.high).contains(&f64::from(value)) {
            bail!("input {}, coordinate {}: {value} lies outside the box [{range}]", at / size, at % size);
        }
    }
    Ok(())
}
