//! Loading what subcommands work on: a model, and inputs that fit it.

use super::methods::at_least_one;
use anyhow::{Context, Error, Result, bail};
use std::path::{Path, PathBuf};
use underplane::data::Reading;
use underplane::data::inputs::{InputOptions, Inputs, read_inputs};
use underplane::data::label::{Label, read_labels};
use underplane::data::weights::read_weights;
use underplane::kernel::Uint8;
use underplane::model::sensitive::{Sensitive, select};
use underplane::model::{Model, onnx};
use underplane::perturbation::Range;

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
    /// Labels, one per input: .npy, FILE.npz:NAME, or text with one per line
    #[arg(long, value_name = "F")]
    pub labels: Option<PathBuf>,
    /// The column of a .csv that holds labels, by name
    #[arg(long, value_name = "NAME", conflicts_with = "labels")]
    pub label_column: Option<String>,
    /// Use the first N inputs only
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Samples that fit the model, in order.
pub struct Loaded {
    /// `[count × size]`, exact.
    pub values: Vec<f64>,
    /// One per sample.
    pub labels: Option<Vec<Label>>,
    /// Number of samples.
    pub count: usize,
}

impl Loaded {
    /// The label's text, or nothing.
    pub fn label(&self, i: usize) -> String {
        self.labels.as_ref().map(|labels| labels[i].to_string()).unwrap_or_default()
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
    let options = InputOptions { label_column: args.label_column.clone(), reading, ..InputOptions::default() };
    let mut inputs = read_inputs(&args.inputs, &options)?;
    inputs.fit(&model.graph().node(0).shape, reading.flatten).map_err(Error::msg).with_context(place)?;
    tell(&inputs.notes);
    if let Some(path) = &args.labels {
        let labels = read_labels(path)?;
        if labels.len() != inputs.len() {
            let heading = if labels.len() == inputs.len() + 1 {
                format!(" (is `{}` a heading? Then leave it out)", labels[0])
            } else {
                String::new()
            };
            let found = labels.len();
            bail!("{}: expected {} labels, one per input, found {found}{heading}", path.display(), inputs.len());
        }
        inputs.labels = Some(labels);
    }
    let count = args.limit.unwrap_or(usize::MAX).min(inputs.len());
    if count == 0 {
        bail!("{}: expected inputs, found none", place());
    }
    inputs.values.truncate(count * model.input_size());
    if let Some(labels) = &mut inputs.labels {
        labels.truncate(count);
    }
    if let Some(range) = range {
        check_range(&inputs, range).with_context(place)?;
    }
    let values = inputs.values.iter().map(|&x| f64::from(x)).collect();
    Ok(Loaded { values, labels: inputs.labels, count })
}

/// Reads the weights of norms on inputs of `model`.
pub fn weights(path: &Path, model: &Model, reading: ReadingArgs) -> Result<Vec<f64>> {
    let weights = read_weights(path, &model.graph().node(0).shape, reading.reading())?;
    tell(&weights.notes);
    Ok(weights.values)
}

/// What the user should hear about a file.
fn tell(notes: &[String]) {
    notes.iter().for_each(|note| eprintln!("{note}"));
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
