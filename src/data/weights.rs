//! Weights of a norm: one float32 > 0 per input coordinate, or `inf` where the attacker cannot change it.

use super::error::{DataError, Place};
use super::npy::{NpyValues, read_npy};
use super::records::{MAX_TEXT, Record, Text};
use std::path::Path;

/// Reads `size` weights: a `.npy` of float32 of any shape, or a `.csv` of one row or one column (with a header or not) of
/// decimals, each of which means the float32 nearest to it.
///
/// # Errors
/// When the file cannot be read or is of another form, or an entry is no number > 0.
pub fn read_weights(path: &Path, size: usize) -> Result<Vec<f64>, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let found = if name.ends_with(".npy") {
        from_npy(path)?
    } else if name.ends_with(".csv") || name.ends_with(".csv.gz") {
        from_csv(path)?
    } else {
        return Err(DataError::content(
            path,
            Place::Whole,
            "a name ending in .npy, .csv or .csv.gz",
            format!("`{name}`"),
        ));
    };
    if found.len() != size {
        let expected = format!("{size} weights, one per coordinate");
        return Err(DataError::content(path, Place::Whole, expected, found.len().to_string()));
    }
    Ok(found.into_iter().map(f64::from).collect())
}

fn from_npy(path: &Path) -> Result<Vec<f32>, DataError> {
    let NpyValues::F32(values) = read_npy(path)?.values else {
        return Err(DataError::content(path, Place::Whole, "entries of float32", "another type"));
    };
    match values.iter().position(|&w| !is_weight(w)) {
        None => Ok(values),
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
