//! The binary version of CIFAR-10: records of one label byte and 3 × 32 × 32 pixels.
//!
//! Source: the description on the CIFAR-10 page (Krizhevsky).

use crate::data::content::Content;
use crate::data::error::{DataError, Place};
use std::path::Path;

/// Bytes of one image: red, green, blue plane, each 32 × 32 row-major.
pub const CIFAR_PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 1 + CIFAR_PIXELS;
/// The largest official file has 10,000 records; anything near this limit is no CIFAR file.
const MAX_BYTES: u64 = 100_000 * RECORD as u64;

/// Labelled images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CifarRecords {
    /// Class of each image, 0–9.
    pub labels: Vec<u8>,
    /// `[n × 3072]`.
    pub pixels: Vec<u8>,
}

/// Reads a CIFAR-10 binary file, plain or gzip.
///
/// # Errors
/// When the file cannot be read, is empty, ends within a record, or holds a label above 9.
pub fn read_cifar(path: &Path) -> Result<CifarRecords, DataError> {
    parse_cifar(Content::open(path)?)
}

/// The same from content that is already open.
pub(crate) fn parse_cifar(mut content: Content<'_>) -> Result<CifarRecords, DataError> {
    let bytes = content.rest(MAX_BYTES)?;
    let path = content.path();
    if bytes.is_empty() || bytes.len() % RECORD != 0 {
        let expected = format!("one or more records of {RECORD} bytes");
        let found = format!("{} bytes ({} over)", bytes.len(), bytes.len() % RECORD);
        return Err(DataError::content(path, Place::Whole, expected, found));
    }
    let mut records = CifarRecords::default();
    for (i, record) in bytes.chunks_exact(RECORD).enumerate() {
        if record[0] > 9 {
            let place = Place::Offset((i * RECORD) as u64);
            return Err(DataError::content(path, place, "a label from 0 to 9", record[0].to_string()));
        }
        records.labels.push(record[0]);
        records.pixels.extend_from_slice(&record[1..]);
    }
    Ok(records)
}
