//! INPUTS of `underplane certify`: a batch of float32 samples from `.npy`, `.npz` or `.csv`.

pub mod array;
pub mod bounds;
pub mod csv;
pub(crate) mod decimals;
pub mod heading;
pub mod label;
pub mod label_file;
pub mod missing;
pub mod npz;
pub mod raw;
pub mod read;
pub mod reading;
pub mod sample_shape;
pub mod spool;
pub mod weights;

use crate::data::delimiter::Delimiter;
use crate::data::error::{DataError, Place};
use crate::data::export::Split;
use crate::data::preparation::Preparation;
use label::{Label, LabelFile};
use reading::Reading;
use std::path::Path;
use std::sync::Arc;

/// Samples as a user hands them in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Shape of one sample, as in the file: `[features]`, `[channels, height, width]` …
    pub shape: Vec<usize>,
    /// `[n × features]`, row-major, every entry finite.
    pub values: Vec<f32>,
    /// One label per sample, if the file has them.
    pub labels: Option<Vec<Label>>,
    /// Where each sample stands in its file, from 0: rows that lack something may be left out.
    pub numbers: Vec<usize>,
    /// Number of samples in the file, those left out among them.
    pub rows: usize,
    /// The names of the coordinates, where they are the columns of a table that has names.
    pub columns: Vec<String>,
    /// What the user should hear about how the file was read.
    pub notes: Vec<String>,
}

impl Inputs {
    /// Number of samples (never 0 after reading).
    pub fn len(&self) -> usize {
        self.values.len() / self.features().max(1)
    }

    /// No samples at all?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of coordinates of one sample.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// Gives every sample its label from a file, one per row of the inputs' file; where one is missing, the sample is
    /// left out if `drop`.
    ///
    /// # Errors
    /// When a label is missing and samples are not to be left out, or none would be left.
    ///
    /// # Panics
    /// Where the file has fewer labels than the inputs' file has rows.
    pub fn label(&mut self, path: &Path, file: LabelFile, drop: bool) -> Result<(), DataError> {
        self.notes.extend(file.left_out(path, drop)?);
        let d = self.features();
        let kept: Vec<usize> = (0..self.len()).filter(|&i| file.labels[self.numbers[i]].is_some()).collect();
        if kept.is_empty() {
            return Err(DataError::content(path, Place::Whole, "a label for an input that is left", "none"));
        }
        self.values = kept.iter().flat_map(|&i| &self.values[i * d..(i + 1) * d]).copied().collect();
        self.numbers = kept.iter().map(|&i| self.numbers[i]).collect();
        self.labels = Some(self.numbers.iter().filter_map(|&number| file.labels[number].clone()).collect());
        Ok(())
    }

    /// Gives every sample its label, where the file has all of them; says whether it has.
    pub fn label_all(&mut self, file: &LabelFile) -> bool {
        let labels: Option<Vec<Label>> = self.numbers.iter().map(|&number| file.labels[number].clone()).collect();
        let has_all = labels.is_some() && file.labels.iter().all(Option::is_some);
        self.labels = labels.filter(|_| has_all);
        has_all
    }

    /// One sample.
    pub fn input(&self, i: usize) -> &[f32] {
        let d = self.features();
        &self.values[i * d..(i + 1) * d]
    }

    /// Makes sure that the samples are inputs of a model: of its own shape, flat, or of a shape that differs in axes of
    /// size 1; with `flatten`, of any shape of as many entries.
    ///
    /// # Errors
    /// When they are not; the message names both shapes.
    pub fn fit(&self, model: &[usize], flatten: bool) -> Result<(), String> {
        sample_shape::fit(self.len(), &self.shape, model, flatten)
    }
}

/// How to read inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputOptions {
    /// How rows of a table become inputs of the model; without it they are its inputs.
    pub preparation: Option<Arc<Preparation>>,
    /// Which rows of the table that the preparation is of; all others are left out.
    pub split: Option<Split>,
    /// The column that holds labels, by its name in the header, or where none is called so by its number from 1.
    pub label_column: Option<String>,
    /// Whether the first line is a header; `None`: find out.
    pub header: Option<bool>,
    /// What separates the fields of a table; `None`: find out.
    pub delimiter: Option<Delimiter>,
    /// Whether samples that lack a label or a feature are left out; else they are refused.
    pub drop_missing: bool,
    /// What numbers mean.
    pub reading: Reading,
}

/// Makes sure that every coordinate of every sample lies in `[low, high]`.
///
/// # Errors
/// For the first entry outside, with its sample and coordinate; or when low ≤ high does not hold.
pub fn check_box(inputs: &Inputs, low: f32, high: f32) -> Result<(), DataError> {
    if low.is_nan() || high.is_nan() || low > high {
        return Err(DataError::EmptyBox { low, high });
    }
    match inputs.values.iter().position(|value| !(low..=high).contains(value)) {
        None => Ok(()),
        Some(at) => {
            let (sample, coordinate) = (at / inputs.features(), at % inputs.features());
            Err(DataError::OutsideBox { sample, coordinate, value: inputs.values[at], low, high })
        }
    }
}
