//! INPUTS of `underplane certify`: a batch of float32 samples from `.npy`, `.npz` or `.csv`.

use super::csv_inputs::read_csv_inputs;
use super::error::{DataError, Place};
use super::label::{Label, labels_of};
use super::npy::{NpyArray, NpyValues, archive_names, read_archive, read_npy};
use std::path::Path;

/// Samples as a user hands them in.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Shape of one sample, as in the file: `[features]`, `[channels, height, width]` …
    pub shape: Vec<usize>,
    /// `[n × features]`, row-major, every entry finite.
    pub values: Vec<f32>,
    /// One label per sample, if the file has them.
    pub labels: Option<Vec<Label>>,
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

    /// One sample.
    pub fn input(&self, i: usize) -> &[f32] {
        let d = self.features();
        &self.values[i * d..(i + 1) * d]
    }
}

/// How to read a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputOptions {
    /// The column that holds labels, by its name in the header, or by its number from 1.
    pub label_column: Option<String>,
    /// Whether the first line is a header; `None`: find out.
    pub header: Option<bool>,
}

/// Reads a batch; the first axis counts samples.
///
/// float32 is taken as it is; a uint8 k means the float32 nearest to k/255; float64 is accepted only where every entry
/// is a float32; a decimal in a table means the float32 nearest to it. Of an `.npz` the array `x` or `inputs` is read,
/// else its only float array; `y` or `labels` are its labels.
///
/// # Errors
/// When the file cannot be read or is of another form, the batch is empty, or an entry is NaN, infinite, or no float32.
pub fn read_inputs(path: &Path, options: &InputOptions) -> Result<Inputs, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.ends_with(".csv") || name.ends_with(".csv.gz") {
        return read_csv_inputs(path, options);
    }
    if options.label_column.is_some() {
        return Err(DataError::content(path, Place::Whole, "a .csv file (for a label column)", format!("`{name}`")));
    }
    if name.ends_with(".npy") {
        batch(path, read_npy(path)?)
    } else if name.ends_with(".npz") {
        read_npz_inputs(path)
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

/// The float32 nearest to k/255 (IEEE division rounds correctly).
pub fn pixel(k: u8) -> f32 {
    f32::from(k) / 255.0
}

fn read_npz_inputs(path: &Path) -> Result<Inputs, DataError> {
    let names = archive_names(path)?;
    let pick = |wanted: [&str; 2]| names.iter().find(|name| wanted.contains(&name.as_str())).cloned();
    let labels_name = pick(["y", "labels"]);
    let inputs_name = pick(["x", "inputs"]);
    let wanted = |name: &str| match &inputs_name {
        Some(inputs) => name == inputs || Some(name) == labels_name.as_deref(),
        None => true,
    };
    let (mut inputs, mut labels) = (Vec::new(), None);
    for entry in read_archive(path, wanted)? {
        if Some(&entry.name) == labels_name.as_ref() {
            labels = Some(labels_of(path, &entry.array)?);
        } else if inputs_name.is_some() || is_float(&entry.array) {
            inputs.push(entry.array);
        }
    }
    if inputs.len() != 1 {
        let found = format!("{} candidates among {names:?}", inputs.len());
        return Err(DataError::content(path, Place::Whole, "an array `x` or `inputs`, or a single float array", found));
    }
    let mut inputs = batch(path, inputs.remove(0))?;
    if let Some(labels) = &labels
        && labels.len() != inputs.len()
    {
        let expected = format!("{} labels, one per sample", inputs.len());
        return Err(DataError::content(path, Place::Whole, expected, labels.len().to_string()));
    }
    inputs.labels = labels;
    Ok(inputs)
}

fn is_float(array: &NpyArray) -> bool {
    matches!(array.values, NpyValues::F32(_) | NpyValues::F64(_))
}

/// An array as a batch.
fn batch(path: &Path, array: NpyArray) -> Result<Inputs, DataError> {
    let fault = |expected: &str, found: String| DataError::content(path, Place::Whole, expected, found);
    let [count, shape @ ..] = array.shape.as_slice() else {
        return Err(fault("an array [N, …] whose first axis counts samples", "a single number".into()));
    };
    if shape.is_empty() {
        let found = format!("shape [{count}]");
        return Err(fault("an array [N, …] whose first axis counts samples (a single sample is [1, …])", found));
    }
    let features: usize = shape.iter().product();
    if *count == 0 || features == 0 {
        return Err(fault("at least one sample of at least one coordinate", format!("shape {:?}", array.shape)));
    }
    let shape = shape.to_vec();
    let values = match array.values {
        NpyValues::F32(values) => values,
        NpyValues::U8(values) => values.into_iter().map(pixel).collect(),
        NpyValues::F64(values) => narrow(path, &values, features)?,
        other => return Err(fault("float32, uint8 (k means k/255) or float64 entries", other.type_name().into())),
    };
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(not_finite(path, at, features, f64::from(values[at])));
    }
    Ok(Inputs { shape, values, labels: None })
}

fn narrow(path: &Path, values: &[f64], features: usize) -> Result<Vec<f32>, DataError> {
    let exact = |(at, &value): (usize, &f64)| {
        if !value.is_finite() {
            return Err(not_finite(path, at, features, value));
        }
        let narrow = value as f32;
        if f64::from(narrow) != value {
            let place = Place::Entry { sample: at / features, coordinate: at % features };
            let found = format!("{value:?} (nearest float32: {narrow:?}); convert the array to float32");
            return Err(DataError::content(path, place, "a float64 that is a float32 exactly", found));
        }
        Ok(narrow)
    };
    values.iter().enumerate().map(exact).collect()
}

fn not_finite(path: &Path, at: usize, features: usize, value: f64) -> DataError {
    let place = Place::Entry { sample: at / features, coordinate: at % features };
    DataError::content(path, place, "a finite number", value.to_string())
}
