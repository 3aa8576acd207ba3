//! An array as a batch of samples.

use super::{InputOptions, Inputs};
use crate::data::error::{DataError, Place};
use crate::data::npy::NpyArray;
use std::path::Path;

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
        return Err(not_finite(path, at, features, values[at], options.drop_missing));
    }
    Ok(Inputs { shape, values, labels: None, numbers, rows: *count, notes })
}

fn not_finite(path: &Path, at: usize, features: usize, value: f32, drop_missing: bool) -> DataError {
    let place = Place::Entry { sample: at / features, coordinate: at % features };
    let advice = if drop_missing { " (samples of arrays are not left out; --drop-missing is for tables)" } else { "" };
    DataError::content(path, place, "a finite number", format!("{value}{advice}"))
}
