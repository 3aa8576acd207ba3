//! `.npz`: a zip archive of `.npy` files.

use super::{NpyArray, read_array};
use crate::data::content::{Content, MAX_DEFLATE_RATIO};
use crate::data::error::{DataError, Place};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;

/// One array of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveEntry {
    /// Name without the ending `.npy`.
    pub name: String,
    /// The array.
    pub array: NpyArray,
}

/// Names (without `.npy`) of the arrays of an `.npz` file, in the archive's order.
///
/// # Errors
/// When the file is not a zip archive.
pub fn archive_names(path: &Path) -> Result<Vec<String>, DataError> {
    let archive = open(path)?;
    let mut names = Vec::new();
    for name in archive.file_names() {
        let name = name.map_err(|error| refused(path, &error))?;
        names.extend(name.strip_suffix(".npy").map(String::from));
    }
    Ok(names)
}

/// Reads the arrays of an `.npz` file whose name (without `.npy`) satisfies `wanted`, in the archive's order.
///
/// # Errors
/// When the file is not a zip archive, or a wanted entry is damaged or not a supported array.
pub fn read_archive(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<ArchiveEntry>, DataError> {
    let mut archive = open(path)?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| refused(path, &error))?;
        let full_name = entry.name().map_err(|error| refused(path, &error))?.into_owned();
        let Some(name) = full_name.strip_suffix(".npy").filter(|name| wanted(name)) else { continue };
        // Both sizes are the archive's own claims; the packed one is bounded by the file.
        let ceiling = entry.size().min(entry.compressed_size().saturating_mul(MAX_DEFLATE_RATIO));
        let content = Content::from_reader(format!("{}/{full_name}", path.display()).into(), entry, ceiling);
        entries.push(ArchiveEntry { name: name.into(), array: read_array(content)? });
    }
    Ok(entries)
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, DataError> {
    let file = File::open(path).map_err(|source| DataError::file(path, source))?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &zip::result::ZipError) -> DataError {
    DataError::content(path, Place::Whole, "a readable npz (zip) archive", error.to_string())
}
