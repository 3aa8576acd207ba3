//! INPUTS of `underplane certify`: a batch of float32 samples from `.npy`, `.npz` or `.csv`.

use super::csv_inputs::read_csv_inputs;
use super::error::{DataError, Place};
use super::label::{Label, LabelFile};
use super::npy::{NpyArray, read_npy};
use super::npz_inputs::{member, read_npz_inputs};
use super::reading::{Reading, no_bytes};
use super::sample_shape;
use std::path::Path;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputOptions {
    /// The column that holds labels, by its name in the header, or where none is called so by its number from 1.
    pub label_column: Option<String>,
    /// Whether the first line is a header; `None`: find out.
    pub header: Option<bool>,
    /// Whether samples that lack a label or a feature are left out; else they are refused.
    pub drop_missing: bool,
    /// What numbers mean.
    pub reading: Reading,
}

/// Reads a batch; the first axis counts samples.
///
/// float16, float32, integers and bools are taken as they are; a uint8 k means the float32 nearest to k/255, or k
/// where [`Reading`] says so; integers and float64 are accepted only where every entry is a float32, unless they are
/// to be rounded; a decimal in a table means the float32 nearest to it. Of an `.npz` the array `x` or `inputs` is
/// read, else its only array of floats with samples, and `y` or `labels` are its labels; `FILE.npz:NAME` names the
/// array.
///
/// # Errors
/// When the file cannot be read or is of another form, the batch is empty, or an entry is NaN, infinite, or no float32.
pub fn read_inputs(path: &Path, options: &InputOptions) -> Result<Inputs, DataError> {
    let (path, array) = &member(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.ends_with(".csv") || name.ends_with(".csv.gz") {
        if options.reading.uint8.is_some() {
            return Err(no_bytes(path, "decimals"));
        }
        return read_csv_inputs(path, options);
    }
    if options.label_column.is_some() {
        return Err(DataError::content(path, Place::Whole, "a .csv file (for a label column)", format!("`{name}`")));
    }
    if name.ends_with(".npy") || name.ends_with(".npy.gz") {
        batch(path, read_npy(path)?, options)
    } else if name.ends_with(".npz") {
        read_npz_inputs(path, array.as_deref(), options)
    } else {
        Err(DataError::content(path, Place::Whole, "a name ending in .npy, .npz, .csv or .csv.gz", format!("`{name}`")))
    }
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

/// An array as a batch.
pub(super) fn batch(path: &Path, array: NpyArray, options: &InputOptions) -> Result<Inputs, DataError> {
    let fault = |expected: &str, found: String| DataError::content(path, Place::Whole, expected, found);
    let [count, shape @ ..] = array.shape.as_slice() else {
        return Err(fault("an array [N, …] whose first axis counts samples", "a single number".into()));
    };
    if shape.is_empty() {
        let found = format!("shape [{count}]");
        return Err(fault(
            "an array [N, …] whose first axis counts samples (an array of a single sample is [1, …])",
            found,
        ));
    }
    let features: usize = shape.iter().product();
    if *count == 0 || features == 0 {
        return Err(fault("at least one sample of at least one coordinate", format!("shape {:?}", array.shape)));
    }
    let (shape, numbers) = (shape.to_vec(), (0..*count).collect());
    let mut notes = Vec::new();
    let values = options.reading.float32(path, array.values, features, &mut notes)?;
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(not_finite(path, at, features, f64::from(values[at])));
    }
    Ok(Inputs { shape, values, labels: None, numbers, rows: *count, notes })
}

fn not_finite(path: &Path, at: usize, features: usize, value: f64) -> DataError {
    let place = Place::Entry { sample: at / features, coordinate: at % features };
    DataError::content(path, place, "a finite number", value.to_string())
}
