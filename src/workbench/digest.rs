//! Exactly which files were read.

use crate::data::member;
use crate::data::store::sha256_of;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A name and a value, as a report shows them.
pub type Circumstance = (String, String);

/// A file's name and SHA-256; of one array of an archive that of the archive.
///
/// # Errors
/// When it cannot be read.
pub fn digest(path: &Path) -> Result<Circumstance> {
    let (path, _) = member(path);
    let hash = File::open(&path).and_then(|file| sha256_of(BufReader::with_capacity(1 << 16, file)));
    Ok((name(&path), hash.with_context(|| path.display().to_string())?))
}

/// The name that a file goes by.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The digests of those files that were named, as a report shows them.
///
/// # Errors
/// When a file cannot be read.
pub fn digests<'a>(files: impl IntoIterator<Item = Option<&'a Path>>) -> Result<Vec<Circumstance>> {
    files.into_iter().flatten().map(|path| digest(path).map(shown)).collect()
}

/// A file's name and digest, as a report shows it.
pub fn shown((name, hex): Circumstance) -> Circumstance {
    (format!("SHA-256 of {name}"), hex)
}
