//! Files that grow under another name, NAME.partial, until they are whole.

use super::{FileError, folder_of};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that is written bit by bit. Until [`Growing::finish`] its bytes are in NAME.partial, which stays where the run
/// is broken off, so that another one can go on behind them; what had the name before is replaced at the end.
#[derive(Debug)]
pub struct Growing {
    file: File,
    path: PathBuf,
    partial: PathBuf,
}

/// NAME.partial beside `path`.
pub fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    path.with_file_name(name)
}

impl Growing {
    /// Opens NAME.partial for `path`, which is no link: an empty one, or with `resume` the one that is there.
    ///
    /// # Errors
    /// When it cannot be written, or another process writes it.
    pub fn open(path: &Path, resume: bool) -> Result<Growing, FileError> {
        Growing::open_as(partial_name(path), path, resume)
    }

    /// The same under another name than NAME.partial; it may be the file's own, in a folder that is not whole yet.
    ///
    /// # Errors
    /// As there.
    pub fn open_as(partial: PathBuf, path: &Path, resume: bool) -> Result<Growing, FileError> {
        let fault = |source: io::Error| FileError { path: partial.clone(), source };
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&partial).map_err(fault)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(fault(io::Error::other("another run is writing it"))),
            // Where there are no locks, there are none to respect.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        if !resume {
            file.set_len(0).map_err(fault)?;
        }
        Ok(Growing { file, path: path.into(), partial })
    }

    /// What has been written so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> Result<File, FileError> {
        File::open(&self.partial).map_err(|source| self.fault(source))
    }

    /// Number of bytes so far.
    ///
    /// # Errors
    /// When it cannot be known.
    pub fn length(&self) -> Result<u64, FileError> {
        self.file.metadata().map(|data| data.len()).map_err(|source| self.fault(source))
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.length().is_ok_and(|length| length == 0)
    }

    /// Goes on behind the first `length` bytes, and drops the others.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn keep(&mut self, length: u64) -> Result<(), FileError> {
        let kept = self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::Start(length)));
        kept.map(|_| ()).map_err(|source| self.fault(source))
    }

    /// Writes whole lines.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, lines: &[u8]) -> Result<(), FileError> {
        self.file.write_all(lines).map_err(|source| FileError { path: self.partial.clone(), source })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When it cannot be made safe or be renamed.
    pub fn finish(&self) -> Result<(), FileError> {
        let named = || {
            // The name must not become visible before the bytes are safe.
            self.file.sync_all()?;
            if let Ok(old) = fs::metadata(&self.path) {
                fs::set_permissions(&self.partial, old.permissions())?;
            }
            fs::rename(&self.partial, &self.path)
        };
        named().map_err(|source| FileError { path: self.path.clone(), source })?;
        // A rename is safe with its folder; where folders cannot be opened, it is as safe as it can be.
        let _ = File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn fault(&self, source: io::Error) -> FileError {
        FileError { path: self.partial.clone(), source }
    }
}

impl Drop for Growing {
    /// A file in which nothing is goes again.
    fn drop(&mut self) {
        if self.is_empty() {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_grows_is_resumed_and_gets_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, "old").unwrap();
        let mut growing = Growing::open(&path, false).unwrap();
        growing.write(b"one\ntwo\nthr").unwrap();
        let busy = Growing::open(&path, true).unwrap_err().to_string();
        assert!(busy.contains("rows.csv.partial: another run"), "{busy}");
        drop(growing);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let mut growing = Growing::open(&path, true).unwrap();
        assert_eq!(io::read_to_string(growing.read().unwrap()).unwrap(), "one\ntwo\nthr");
        growing.keep(4).unwrap();
        growing.write(b"2\n").unwrap();
        growing.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n2\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(Growing::open(&path, false).unwrap());
        assert!(!partial_name(&path).exists(), "nothing is in it");
    }
}
