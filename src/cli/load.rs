//! Loading what subcommands work on: a model, and inputs that fit it.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use underplane::data::inputs::{InputOptions, Inputs, read_inputs};
use underplane::data::label::{Label, read_labels};
use underplane::model::sensitive::{Sensitive, select};
use underplane::model::{Model, onnx};
use underplane::perturbation::Range;

/// Which inputs, and how to read them.
#[derive(clap::Args)]
pub struct InputArgs {
    /// Inputs: .npy or .npz (float32, or uint8 read as k/255; first axis = sample), or .csv
    pub inputs: PathBuf,
    /// Labels, one per input: .npy, or text with one per line
    #[arg(long, value_name = "F")]
    pub labels: Option<PathBuf>,
    /// The column of a .csv that holds labels, by name
    #[arg(long, value_name = "NAME", conflicts_with = "labels")]
    pub label_column: Option<String>,
    /// Use the first N inputs only
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
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
    let options = InputOptions { label_column: args.label_column.clone(), ..InputOptions::default() };
    let mut inputs = read_inputs(&args.inputs, &options)?;
    if inputs.features() != model.input_size() {
        let expected = format!("{:?} ({} coordinates)", model.graph().node(0).shape, model.input_size());
        bail!("{}: expected inputs of shape {expected}, found {:?} ({})", place(), inputs.shape, inputs.features());
    }
    if let Some(path) = &args.labels {
        let labels = read_labels(path)?;
        if labels.len() != inputs.len() {
            bail!("{}: expected {} labels, one per input, found {}", path.display(), inputs.len(), labels.len());
        }
        inputs.labels = Some(labels);
    }
    let count = args.limit.unwrap_or(usize::MAX).min(inputs.len());
    if count == 0 {
        bail!("{}: --limit 0 leaves no inputs", place());
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

fn check_range(inputs: &Inputs, range: Range) -> Result<()> {
    let size = inputs.features();
    for (at, &value) in inputs.values.iter().enumerate() {
        if !(range.low..=range.high).contains(&f64::from(value)) {
            bail!(
                "input {}, coordinate {}: {value} lies outside the box [{}, {}]",
                at / size,
                at % size,
                range.low,
                range.high
            );
        }
    }
    Ok(())
}
