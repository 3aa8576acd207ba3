//! Writing files whole or not at all.

use super::error::DataError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file through a temporary name beside it, so that `path` is either the old file or the whole new one.
///
/// # Errors
/// When the file cannot be written; nothing is left behind then.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), DataError> {
    let temporary = Temporary::beside(path).map_err(|source| DataError::file(path, source))?;
    temporary.fill(path, write).map_err(|source| DataError::file(path, source))
}

/// A file under a name that nobody reads, removed when dropped.
struct Temporary {
    path: PathBuf,
    file: Option<File>,
}

impl Temporary {
    fn beside(path: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let hidden = format!(".{}.{}-{number}.part", name.to_string_lossy(), std::process::id());
        let temporary = path.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        Ok(Temporary { path: temporary, file: Some(file) })
    }

    fn fill(mut self, path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let file = self.file.take().ok_or_else(|| io::Error::other("written twice"))?;
        let mut buffered = BufWriter::with_capacity(1 << 16, file);
        write(&mut buffered)?;
        let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
        // The name must not become visible before the bytes are safe.
        file.sync_all()?;
        drop(file);
        fs::rename(&self.path, path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing to remove, and a failure here hides no data.
        let _ = fs::remove_file(&self.path);
    }
}
