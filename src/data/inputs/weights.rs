//! Weights of a norm: one float32 > 0 per input coordinate, or `inf` where the attacker cannot change it.

use crate::data::error::{DataError, Place};
use crate::data::inputs::reading::Reading;
use crate::data::inputs::sample_shape::same_entries;
use crate::data::npy::{NpyValues, read_npy};
use crate::data::records::{MAX_TEXT, Record, Text};
use std::path::Path;

/// The weights of a norm.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// One per coordinate, each a float32.
    pub values: Vec<f64>,
    /// What the user should hear about how the file was read.
    pub notes: Vec<String>,
}

/// Reads weights for inputs of the shape `model`: a `.npy` in that shape or flat (any of as many entries with
/// `reading.flatten`), or a `.csv` of one row or one column (with a header or not) of decimals, each of which means the
/// float32 nearest to it.
///
/// # Errors
/// When the file cannot be read or is of another form, or an entry is no number > 0, or no float32.
pub fn read_weights(path: &Path, model: &[usize], reading: Reading) -> Result<Weights, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut notes = Vec::new();
    let (shape, found) = if name.ends_with(".npy") || name.ends_with(".npy.gz") {
        from_npy(path, reading, &mut notes)?
    } else if name.ends_with(".csv") || name.ends_with(".csv.gz") {
        let values = from_csv(path)?;
        (vec![values.len()], values)
    } else {
        let expected = "a name ending in .npy, .csv or .csv.gz";
        return Err(DataError::content(path, Place::Whole, expected, format!("`{name}`")));
    };
    let size: usize = model.iter().product();
    if found.len() != size {
        let expected = format!("{size} weights, one per coordinate");
        return Err(DataError::content(path, Place::Whole, expected, found.len().to_string()));
    }
    if !same_entries(&shape, model) && !reading.flatten {
        let expected = format!("weights of shape {model:?}, or {size} in one row");
        let found = format!("{shape:?}; --flatten takes the entries in the order in which they stand");
        return Err(DataError::content(path, Place::Whole, expected, found));
    }
    Ok(Weights { values: found.into_iter().map(f64::from).collect(), notes })
}

fn from_npy(path: &Path, reading: Reading, notes: &mut Vec<String>) -> Result<(Vec<usize>, Vec<f32>), DataError> {
    let array = read_npy(path)?;
    if matches!(array.values, NpyValues::U8(_)) {
        return Err(DataError::content(path, Place::Whole, "floats or integers of more than 8 bits", "uint8 entries"));
    }
    let reading = Reading { uint8: None, ..reading };
    let values = reading.float32(path, array.values, usize::MAX, notes)?;
    match values.iter().position(|&w| !is_weight(w)) {
        None => Ok((array.shape, values)),
        Some(at) => {
            let place = Place::Entry { sample: 0, coordinate: at };
            Err(DataError::content(path, place, "a number > 0, or inf", values[at].to_string()))
        }
    }
}

fn is_weight(value: f32) -> bool {
    value > 0.0
}

fn from_csv(path: &Path) -> Result<Vec<f32>, DataError> {
    let text = Text::open(path, MAX_TEXT)?;
    let mut records = text.records().collect::<Result<Vec<Record>, _>>()?;
    let is_name = |cell: &str| cell.trim().parse::<f32>().is_err();
    if records.len() > 1 && records[0].cells.iter().all(is_name) {
        records.remove(0);
    }
    let row = records.len() == 1;
    let mut weights = Vec::new();
    for record in &records {
        if !row && record.cells.len() != 1 {
            let found = format!("{} fields in one of {} lines", record.cells.len(), records.len());
            return Err(DataError::content(path, Place::Line(record.line), "one row or one column of weights", found));
        }
        for (i, cell) in record.cells.iter().enumerate() {
            weights.push(number(path, Place::Cell { line: record.line, column: i + 1 }, cell.trim())?);
        }
    }
    Ok(weights)
}

fn number(path: &Path, place: Place, cell: &str) -> Result<f32, DataError> {
    let infinite = ["inf", "+inf", "infinity"].contains(&cell.to_lowercase().as_str());
    match cell.parse::<f32>() {
        Ok(value) if is_weight(value) && (infinite || value.is_finite()) => Ok(value),
        _ => Err(DataError::content(path, place, "a float32 > 0, or inf", format!("`{cell}`"))),
    }
}
