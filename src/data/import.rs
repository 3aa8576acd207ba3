//! Bringing a source's files into the data directory, from wherever the user has them.

use crate::data::content::{Content, GZIP_MAGIC};
use crate::data::error::{DataError, Place};
use crate::data::sources::{Source, SourceFile};
use crate::data::store::{Store, verify};
use crate::data::tar::each_file;
use crate::files::write_atomically;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How deep a folder is searched.
const MAX_DEPTH: usize = 4;

/// What an import did.
#[derive(Debug, Default)]
pub struct Import {
    /// The files that are in the data directory now, by their names in the source's record.
    pub imported: BTreeMap<&'static str, PathBuf>,
    /// Files that had the right name and the wrong content, or could not be read.
    pub refused: Vec<DataError>,
}

/// Copies the files of a source from a file, a folder (searched) or a tar archive into the data directory.
///
/// A file is recognised by its name or by its checksum, and copied only if its SHA-256 (once unpacked) is right.
///
/// # Errors
/// When `from` cannot be read, nothing in it belongs to the source, or a copy cannot be written.
pub fn import(source: &'static Source, from: &Path, data_dir: &Path) -> Result<Import, DataError> {
    let store = Store::new(source, data_dir);
    let mut import = Import::default();
    for path in candidates(from)? {
        if is_tar(&path) {
            import.take_archive(&store, &path)?;
        } else {
            import.take_file(&store, &path)?;
        }
    }
    if import.imported.len() == source.files.len() {
        // Namesakes from other datasets on the way do not matter then.
        import.refused.clear();
    }
    if import.imported.is_empty() {
        if let Some(refused) = import.refused.pop() {
            return Err(refused);
        }
        let names: Vec<&str> = source.files.iter().map(|file| file.name).collect();
        let expected = format!("a file of `{}` ({}; plain or .gz)", source.name, names.join(", "));
        return Err(DataError::content(from, Place::Whole, expected, "none, neither by name nor by checksum"));
    }
    Ok(import)
}

impl Import {
    fn take_file(&mut self, store: &Store, path: &Path) -> Result<(), DataError> {
        let name = file_name(path);
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let mut fits: Vec<&SourceFile> =
            store.source().files.iter().filter(|file| !self.imported.contains_key(file.name)).collect();
        let named = fits.iter().any(|file| file.name == plain);
        if named {
            fits.retain(|file| file.name == plain);
        } else {
            let length = unpacked_length(path)?;
            fits.retain(|file| Some(file.bytes & 0xffff_ffff) == length.map(|length| length & 0xffff_ffff));
        }
        for file in fits {
            // A gzip file may be a little longer than its content, never much.
            let bytes = read_at_most(path, file.bytes + file.bytes / 100 + 4096);
            let outcome = bytes.and_then(|bytes| self.put(store, file, path, bytes));
            match outcome {
                Ok(()) => return Ok(()),
                Err(error @ DataError::File { .. }) => return Err(error),
                Err(error) if named => self.refused.push(error),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn take_archive(&mut self, store: &Store, path: &Path) -> Result<(), DataError> {
        let files = store.source().files;
        let base = |name: &str| name.rsplit('/').next().unwrap_or_default().to_string();
        let wanted = |name: &str, length| files.iter().any(|file| file.name == base(name) && file.bytes == length);
        each_file(Content::open(path)?, wanted, |name, bytes| {
            let place = PathBuf::from(format!("{}/{name}", path.display()));
            for file in files.iter().filter(|file| file.name == base(name)) {
                if let Err(error) = self.put(store, file, &place, bytes.clone()) {
                    self.refused.push(error);
                }
            }
            Ok(())
        })
    }

    /// Writes a file as it is (plain or gzip) once its content has been verified.
    fn put(&mut self, store: &Store, file: &'static SourceFile, path: &Path, bytes: Vec<u8>) -> Result<(), DataError> {
        verify(path, Content::from_bytes(path, bytes.clone())?, file)?;
        let packed = bytes.starts_with(&GZIP_MAGIC);
        let names = [file.name.to_string(), format!("{}.gz", file.name)];
        let [target, other] = if packed { [1, 0] } else { [0, 1] }.map(|i| store.folder().join(&names[i]));
        fs::create_dir_all(store.folder()).map_err(|source| DataError::file(store.folder(), source))?;
        write_atomically(&target, |out| out.write_all(&bytes))?;
        // The other form, if there is one, may be an old and wrong one.
        if other.is_file() {
            fs::remove_file(&other).map_err(|source| DataError::file(&other, source))?;
        }
        self.imported.insert(file.name, target);
        Ok(())
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_tar(path: &Path) -> bool {
    let name = file_name(path).to_lowercase();
    [".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending))
}

/// The file itself, or all files below a folder, in a fixed order.
fn candidates(from: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |source| DataError::file(from, source);
    if !fs::metadata(from).map_err(failed)?.is_dir() {
        return Ok(vec![from.into()]);
    }
    let mut files = Vec::new();
    let mut folders = vec![(from.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|source| DataError::file(&folder, source))? {
            let path = entry.map_err(|source| DataError::file(&folder, source))?.path();
            if path.is_file() {
                files.push(path);
            } else if path.is_dir() && depth < MAX_DEPTH {
                folders.push((path, depth + 1));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Length of the file's content once unpacked; for gzip modulo 2³², as its last four bytes say (RFC 1952).
fn unpacked_length(path: &Path) -> Result<Option<u64>, DataError> {
    let read = || -> std::io::Result<Option<u64>> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        let mut magic = [0; 2];
        if length < 18 || file.read(&mut magic)? < 2 || magic != GZIP_MAGIC {
            return Ok(Some(length));
        }
        let mut last = [0; 4];
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut last)?;
        Ok(Some(u32::from_le_bytes(last).into()))
    };
    read().map_err(|source| DataError::file(path, source))
}

fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let failed = |source| DataError::file(path, source);
    let file = fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > limit {
        return Err(DataError::content(path, Place::Whole, format!("at most {limit} bytes"), format!("{length}")));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
