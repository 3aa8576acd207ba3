//! Samples from a user's files.

use crate::data::inputs::label::{Label, LabelFile, listed, tally};
use crate::data::inputs::label_file::read_label_file;
use crate::data::tasks::Header;
use crate::data::{InputOptions, Inputs, Reading, read_inputs};
use crate::model::Model;
use crate::query::Range;
use anyhow::{Context, Error, Result, bail};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Hears what a user should hear, a line at a time.
pub type Tell<'a> = &'a mut dyn FnMut(&str);

/// Which inputs, and how to read them.
#[derive(Clone, Debug, Default)]
pub struct InputFiles {
    /// The file, or FILE.npz:NAME.
    pub inputs: PathBuf,
    /// A file with one label per input.
    pub labels: Option<PathBuf>,
    /// The column of a table that holds labels.
    pub label_column: Option<String>,
    /// Whether a table's first line is a header.
    pub header: Header,
    /// Leave out rows that lack something, and say how many.
    pub drop_missing: bool,
    /// What numbers and shapes mean.
    pub reading: Reading,
    /// Use the first so many only.
    pub limit: Option<usize>,
}

/// Samples that fit a model, in order.
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

impl InputFiles {
    /// Reads inputs for `model`, all of them inside the box if there is one.
    ///
    /// # Errors
    /// When a file cannot be read, does not fit the model, or an input lies outside the box.
    pub fn read(&self, model: &Model, range: Option<Range>, tell: Tell) -> Result<Loaded> {
        let place = || self.inputs.display().to_string();
        let mut inputs = self.labelled(model)?;
        inputs.notes.iter().for_each(|note| tell(&format!("note: {note}")));
        let count = self.limit.unwrap_or(usize::MAX).min(inputs.len());
        if count == 0 {
            bail!("{}: expected inputs, found none", place());
        }
        inputs.values.truncate(count * model.input_size());
        inputs.numbers.truncate(count);
        if let Some(labels) = &mut inputs.labels {
            labels.truncate(count);
            tell(&format!("labels: {}", listed(&tally(labels.iter()))));
        }
        if let Some(range) = range {
            check_range(&inputs, range).with_context(place)?;
        }
        let values = inputs.values.iter().map(|&x| f64::from(x)).collect();
        Ok(Loaded { values, labels: inputs.labels, count, numbers: inputs.numbers })
    }

    /// All inputs, with their labels.
    fn labelled(&self, model: &Model) -> Result<Inputs> {
        let (header, drop_missing, reading) = (self.header.known(), self.drop_missing, self.reading);
        let options = InputOptions { label_column: self.label_column.clone(), header, drop_missing, reading };
        let mut inputs = read_inputs(&self.inputs, &options)?;
        let fits = inputs.fit(&model.graph().node(0).shape, reading.flatten);
        fits.map_err(Error::msg).with_context(|| self.inputs.display().to_string())?;
        if let Some(path) = &self.labels {
            let file = read_label_file(path, header)?;
            if !drop_missing {
                // A gap explains more than a count that differs.
                file.left_out(path, false)?;
            }
            check_count(path, &file, inputs.rows, header)?;
            inputs.label(path, file, drop_missing)?;
        }
        Ok(inputs)
    }
}

/// One label per row of the inputs' file, those left out among them.
fn check_count(path: &Path, file: &LabelFile, rows: usize, header: Option<bool>) -> Result<()> {
    let found = file.labels.len();
    let heading = match file.labels.first() {
        Some(Some(first)) if found == rows + 1 && header.is_none() => {
            format!("; is `{first}` a heading (--header yes)?")
        }
        _ => String::new(),
    };
    if found != rows {
        bail!("{}: expected {rows} labels, one per input, found {found}{heading}", path.display());
    }
    Ok(())
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
