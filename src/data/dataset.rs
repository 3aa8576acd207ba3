//! Labelled samples in memory.

use crate::data::preparation::Preparation;
use serde::Serialize;

/// Samples `[n × features]` in the network's input units, with one label each.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Shape of one sample: `[features]` or `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// `[n × features]`, row-major.
    pub inputs: Vec<f32>,
    /// `true` for the sensitive class.
    pub sensitive: Vec<bool>,
}

impl Dataset {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.sensitive.len()
    }

    /// No samples at all?
    pub fn is_empty(&self) -> bool {
        self.sensitive.is_empty()
    }

    /// Number of coordinates of one sample.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// One sample.
    pub fn input(&self, i: usize) -> &[f32] {
        let d = self.features();
        &self.inputs[i * d..(i + 1) * d]
    }

    /// The samples at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Dataset {
        Dataset {
            shape: self.shape.clone(),
            inputs: indices.iter().flat_map(|&i| self.input(i)).copied().collect(),
            sensitive: indices.iter().map(|&i| self.sensitive[i]).collect(),
        }
    }
}

/// How one coordinate of a tabular task comes from the source's table: the transformed value is rounded to `f32`, then
/// `mean` is subtracted and the rest divided by `divisor` in `f64`, and the result rounded to `f32`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its name in the source.
    pub name: String,
    /// What becomes of the source's value x first.
    pub transform: &'static str,
    /// The mean over the training split, or 0.
    pub mean: f64,
    /// The standard deviation over the training split, or 1.
    pub divisor: f64,
}

impl Column {
    /// A column that is not standardised.
    pub fn new(name: &str, transform: &'static str) -> Column {
        Column { name: name.into(), transform, mean: 0.0, divisor: 1.0 }
    }
}

/// A binary task, split once: exact duplicates never sit on both sides.
#[derive(Clone, Debug)]
pub struct Task {
    /// Short name, as `underplane train` takes it.
    pub name: String,
    /// What a radius of 1 means for a user: "pixel intensity in [0, 1]", "standard deviations", "flipped features" …
    pub unit: String,
    /// The valid range of every coordinate, if the task has one.
    pub range: Option<(f32, f32)>,
    /// How rows of the user's own table become inputs; the model begins with the rest, by [`Task::columns`].
    pub preparation: Option<Preparation>,
    /// What the coordinates are, for tasks from a table; else empty.
    pub columns: Vec<Column>,
    /// Training samples.
    pub train: Dataset,
    /// Validation samples: model selection and the decision threshold.
    pub validation: Dataset,
    /// Test samples: reported numbers only.
    pub test: Dataset,
    /// What preparation did, for the user to read (rows read, duplicates and contradictions dropped …).
    pub notes: Vec<String>,
}
