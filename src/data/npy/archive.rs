//! `.npz`: a zip archive of `.npy` files.

use crate::data::content::{Content, MAX_DEFLATE_RATIO};
use crate::data::error::{DataError, Place};
use crate::data::npy::header::{Header, Kind};
use crate::data::npy::{NpyArray, read_array};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;
use zip::read::ZipFile;

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

/// What an array of an archive is, by its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayType {
    /// Name without the ending `.npy`.
    pub name: String,
    /// Whether its entries are numbers, or bools, that can be read.
    pub numeric: bool,
    /// Whether they are floats.
    pub float: bool,
    /// Number of axes.
    pub axes: usize,
}

/// The arrays of an `.npz` file by their headers, in the archive's order. Arrays that cannot be read have no numbers.
///
/// # Errors
/// When the file is not a zip archive, or two arrays have one name.
pub fn archive_types(path: &Path) -> Result<Vec<ArrayType>, DataError> {
    let mut archive = open(path)?;
    let mut types: Vec<ArrayType> = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| refused(path, &error))?;
        let full_name = entry.name().map_err(|error| refused(path, &error))?.into_owned();
        let Some(name) = full_name.strip_suffix(".npy") else { continue };
        if types.iter().any(|before| before.name == name) {
            let found = format!("two `{name}`");
            return Err(DataError::content(path, Place::Whole, "arrays of different names", found));
        }
        let mut content = content(path, &full_name, entry);
        types.push(match Header::read(&mut content) {
            Ok(header) => {
                let numeric = !matches!(header.kind, Kind::Text | Kind::Bytes);
                ArrayType { name: name.into(), numeric, float: header.kind == Kind::Float, axes: header.shape.len() }
            }
            Err(_) => ArrayType { name: name.into(), numeric: false, float: false, axes: 0 },
        });
    }
    Ok(types)
}

/// Reads one array of an `.npz` file by its name (without `.npy`).
///
/// # Errors
/// As [`read_archive`], or when there is no array of that name.
pub fn read_member(path: &Path, name: &str) -> Result<NpyArray, DataError> {
    let found = read_archive(path, |other| other == name)?.into_iter().next();
    found.map(|entry| entry.array).ok_or_else(|| {
        let found = archive_names(path).unwrap_or_default().join(", ");
        DataError::content(path, Place::Whole, format!("an array `{name}`"), found)
    })
}

/// Hands over the content of one array of an `.npz` file by its name (without `.npy`).
///
/// # Errors
/// When the file is not a zip archive, there is no array of that name, or `take` fails.
pub fn with_member<T>(
    path: &Path,
    name: &str,
    take: impl FnOnce(Content<'_>) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let (mut archive, full_name) = (open(path)?, format!("{name}.npy"));
    let entry = archive.by_name(&full_name).map_err(|error| refused(path, &error))?;
    take(content(path, &full_name, entry))
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
        let content = content(path, &full_name, entry);
        entries.push(ArchiveEntry { name: name.into(), array: read_array(content)? });
    }
    Ok(entries)
}

/// An entry's content. Both sizes are the archive's own claims; the packed one is bounded by the file.
fn content<'a>(path: &Path, name: &str, entry: ZipFile<'a, BufReader<File>>) -> Content<'a> {
    let ceiling = entry.size().min(entry.compressed_size().saturating_mul(MAX_DEFLATE_RATIO));
    Content::from_reader(format!("{}/{name}", path.display()).into(), entry, ceiling)
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, DataError> {
    let file = File::open(path).map_err(|source| DataError::file(path, source))?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &zip::result::ZipError) -> DataError {
    DataError::content(path, Place::Whole, "a readable npz (zip) archive", error.to_string())
}
