//! Reading a file of inputs by what its name says it is.

use super::array::{ArrayFile, batch};
use super::csv::{read_csv_inputs, spool_csv_inputs};
use super::npz::{member, read_npz_inputs, spool_npz_inputs};
use super::reading::no_bytes;
use super::spool::Spool;
use super::{InputOptions, Inputs};
use crate::data::error::{DataError, Place};
use crate::data::npy::read_npy;
use std::path::Path;

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
    if is_table(path, options)? {
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
        Err(DataError::content(
            path,
            Place::Whole,
            "a name ending in .npy, .npz, .csv, .tsv or .arff (perhaps .gz)",
            format!("`{name}`"),
        ))
    }
}

/// The file as one array that can be read block by block, where it is one.
///
/// # Errors
/// When it is one by its name, and cannot be read, or holds no samples.
pub fn open_array(path: &Path, options: &InputOptions) -> Result<Option<ArrayFile>, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_array = name.ends_with(".npy") || name.ends_with(".npy.gz");
    if !is_array || options.label_column.is_some() || !path.is_file() {
        return Ok(None);
    }
    ArrayFile::open(path, options)
}

/// Whether a file is a table by its name.
///
/// # Errors
/// When it is one, and the options say what its bytes mean.
pub(super) fn is_table(path: &Path, options: &InputOptions) -> Result<bool, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let is_table = [".csv", ".tsv", ".arff"].iter().any(|ending| plain.ends_with(ending));
    match is_table && options.reading.uint8.is_some() {
        true => Err(no_bytes(path, "decimals")),
        false => Ok(is_table),
    }
}

/// The samples of a table or an archive, with their values in a file; `None` where the file is neither by its name, or
/// has to be read at once.
///
/// # Errors
/// When it is one and cannot be read, or is of another form.
pub fn spool(path: &Path, options: &InputOptions) -> Result<Option<Spool>, DataError> {
    let (path, array) = &member(path);
    if is_table(path, options)? {
        return spool_csv_inputs(path, options).map(Some);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    match name.ends_with(".npz") && options.label_column.is_none() {
        true => spool_npz_inputs(path, array.as_deref(), options),
        false => Ok(None),
    }
}
