//! The IDX format of MNIST and its successors: unsigned bytes with a shape.
//!
//! Source: the format description on the MNIST page (LeCun, Cortes, Burges).

use crate::data::content::Content;
use crate::data::error::DataError;
use std::path::Path;

/// An array of bytes, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxArray {
    /// Shape; images are `[n, height, width]`, labels `[n]`.
    pub shape: Vec<usize>,
    /// The entries.
    pub bytes: Vec<u8>,
}

/// Reads an IDX file of unsigned bytes with `dimensions` axes, plain or gzip.
///
/// # Errors
/// When the file cannot be read, is of another form, or is longer or shorter than its header says.
pub fn read_idx(path: &Path, dimensions: usize) -> Result<IdxArray, DataError> {
    parse_idx(Content::open(path)?, dimensions)
}

/// The same from content that is already open.
pub(crate) fn parse_idx(mut content: Content<'_>, dimensions: usize) -> Result<IdxArray, DataError> {
    let magic = content.take(4, "the IDX magic")?;
    if magic[..3] != [0, 0, 8] || usize::from(magic[3]) != dimensions {
        let expected = format!("IDX magic 00 00 08 {dimensions:02x} (unsigned bytes, {dimensions} axes)");
        let found = magic.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        return Err(content.unexpected(expected, found));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let length = content.take(4, "an axis length")?;
        shape.push(length.iter().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte)));
    }
    let total = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64));
    let total = total.ok_or_else(|| content.unexpected("a shape whose size fits 64 bits", format!("{shape:?}")))?;
    let bytes = content.take(total, "entries")?;
    content.finish()?;
    Ok(IdxArray { shape, bytes })
}
