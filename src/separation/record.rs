//! What a search has proven, as a record for reports.

use crate::data::DataError;
use crate::files::write_atomically;
use crate::separation::Unproven;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One direction of one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The task or file.
    pub data: String,
    /// The class that is cut off.
    pub sensitive: String,
    /// The class whose hull it is cut off from.
    pub other: String,
    /// Coordinates of a point.
    pub coordinates: usize,
    /// Whether coordinates are bytes.
    pub bytes: bool,
    /// Points of the sensitive class.
    pub points: usize,
    /// Points of the other one.
    pub others: usize,
    /// Sensitive points that are proven to lie outside the hull.
    pub outside: usize,
    /// Those that are proven to lie inside.
    pub inside: usize,
    /// Those of which nothing is proven.
    pub open: usize,
    /// What floats say of those, which proves nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_proven: Vec<Unproven>,
    /// Hyperplanes of the certificate.
    pub hyperplanes: usize,
    /// SHA-256 of the two files of points.
    pub digests: [String; 2],
    /// SHA-256 of the files that the data came from, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
    /// What was done to the data before.
    pub notes: Vec<String>,
    /// The classifier, where every sensitive point lies outside.
    pub classifier: Option<Counted>,
    /// Of the whole run.
    pub seconds: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Most hyperplanes that share the points.
    pub pieces: usize,
    /// The program's.
    pub version: String,
}

/// A classifier's right answers, in exact arithmetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Hidden units.
    pub units: usize,
    /// Right answers at the points, sensitive and other.
    pub right: [usize; 2],
    /// Right answers at official test points, and their number, sensitive and other; chosen nothing by.
    pub test: Option<[[usize; 2]; 2]>,
    /// Half of the gap between the classes.
    pub margin: f64,
    /// What float32 sums in any order may err by at any of the points.
    pub rounding: f64,
}

impl Record {
    /// Writes it as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        Ok(write_atomically(path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })?)
    }
}
