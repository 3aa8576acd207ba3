//! Claims as CSV: `input,norm,radius[,box]`.

use crate::data::DataError;
use crate::data::error::Place;
use crate::perturbation::{Norm, Perturbation, Range};
use std::path::Path;

/// A radius that somebody claims for the open ball.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Index of the input.
    pub input: usize,
    /// Norm and box.
    pub perturbation: Perturbation<'static>,
    /// ≥ 0, infinite for `unbounded`.
    pub radius: f64,
    /// Its line in the file, from 1.
    pub line: u64,
}

impl Claim {
    /// `LO,HI`, or nothing.
    pub fn range_text(&self) -> String {
        self.perturbation.range.map(|r| format!("{},{}", r.low, r.high)).unwrap_or_default()
    }
}

/// Reads a claims file about `inputs` `[count × size]`; `range` is the box of claims that name none. Rows with an empty
/// radius claim nothing, and rows whose `subject` is `smoothed` speak of another classifier: they are left out, so that
/// the rows of `certify` can be read as they are.
///
/// # Errors
/// When the file cannot be read or a row is no claim: the message names file, line and column.
pub fn read_claims(path: &Path, inputs: &[f64], size: usize, range: Option<Range>) -> Result<Vec<Claim>, DataError> {
    let refuse = |line: u64, column: &str, expected: &str, found: &str| {
        let expected = if column.is_empty() { expected.into() } else { format!("{expected} in column `{column}`") };
        DataError::content(path, Place::Line(line), expected, found.escape_debug().to_string())
    };
    let file = std::fs::File::open(path).map_err(|source| DataError::file(path, source))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(file);
    let broken = |e: csv::Error| {
        let line = e.position().map_or(1, csv::Position::line);
        refuse(line, "", "a row of CSV", &e.to_string())
    };
    let header: Vec<String> = reader.headers().map_err(broken)?.iter().map(String::from).collect();
    let column = |name: &str| header.iter().position(|h| h == name);
    let needed = |name: &str| column(name).ok_or_else(|| refuse(1, name, "such a column", &header.join(",")));
    let (input_at, norm_at, radius_at, box_at) = (needed("input")?, needed("norm")?, needed("radius")?, column("box"));
    let subject_at = column("subject");
    let count = inputs.len() / size;
    let mut claims = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            return Err(refuse(line, "", &format!("{} fields", header.len()), &record.len().to_string()));
        }
        let (input, norm, radius) = (&record[input_at], &record[norm_at], &record[radius_at]);
        if radius.is_empty() || subject_at.is_some_and(|at| &record[at] == "smoothed") {
            continue;
        }
        let index = input.parse::<usize>().ok().filter(|&i| i < count);
        let index = index.ok_or_else(|| refuse(line, "input", &format!("an index below {count}"), input))?;
        let norm: Norm =
            norm.parse().map_err(|e: crate::perturbation::NormError| refuse(line, "norm", "a norm", &e.to_string()))?;
        let value = match radius {
            "unbounded" => Some(f64::INFINITY),
            text => text.parse::<f64>().ok().filter(|r| *r >= 0.0),
        };
        let value = value.ok_or_else(|| refuse(line, "radius", "a number ≥ 0 or unbounded", radius))?;
        let range = match box_at.map(|at| &record[at]).filter(|text| !text.is_empty()) {
            None => range,
            Some(text) => Some(text.parse().map_err(|_| refuse(line, "box", "LO,HI with LO ≤ HI", text))?),
        };
        if let Some(Range { low, high }) = range {
            let x = &inputs[index * size..(index + 1) * size];
            if let Some(i) = x.iter().position(|v| !(low..=high).contains(v)) {
                let found = format!("{} at coordinate {i} of input {index}", x[i]);
                return Err(refuse(line, "box", "a box that holds the input", &found));
            }
        }
        claims.push(Claim {
            input: index,
            perturbation: Perturbation { norm, range, weights: None },
            radius: value,
            line,
        });
    }
    if claims.is_empty() {
        return Err(refuse(1, "", "claims with a radius", "none"));
    }
    Ok(claims)
}
