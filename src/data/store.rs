//! The files of a source in the data directory: `DIR/SOURCE/FILE` or `DIR/SOURCE/FILE.gz`.

use crate::data::content::Content;
use crate::data::error::DataError;
use crate::data::sources::{Source, SourceFile};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The data directory: the one chosen, else the environment's `UNDERPLANE_DATA`, else `data` in the current folder.
pub fn data_dir(chosen: Option<&Path>) -> PathBuf {
    match (chosen, std::env::var_os("UNDERPLANE_DATA")) {
        (Some(path), _) => path.into(),
        (None, Some(path)) if !path.is_empty() => path.into(),
        _ => "data".into(),
    }
}

/// A source's files, in a folder.
pub struct Store {
    source: &'static Source,
    folder: PathBuf,
    trusted: bool,
}

impl Store {
    /// The source's files below the data directory; each is checked against its SHA-256 as it is opened.
    pub fn new(source: &'static Source, data_dir: &Path) -> Store {
        Store { source, folder: data_dir.join(source.name), trusted: false }
    }

    /// The same without checksums: for files of the source's form with other content (tests, one's own data).
    pub fn without_checksums(source: &'static Source, data_dir: &Path) -> Store {
        Store { source, folder: data_dir.join(source.name), trusted: true }
    }

    /// The source's record.
    pub fn source(&self) -> &'static Source {
        self.source
    }

    /// The folder of the source's files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files that are not there.
    pub fn missing(&self) -> Vec<&'static SourceFile> {
        self.source.files.iter().filter(|file| self.locate(file).is_none()).collect()
    }

    /// Where a file is, plain or gzip, if it is there.
    pub fn locate(&self, file: &SourceFile) -> Option<PathBuf> {
        let packed = format!("{}.gz", file.name);
        [file.name, packed.as_str()].iter().map(|name| self.folder.join(name)).find(|path| path.is_file())
    }

    /// Are all files there (not looking into them)?
    pub fn is_complete(&self) -> bool {
        self.missing().is_empty()
    }

    /// Opens a file by its name in the source's record.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or is not the file that the record describes.
    pub fn open(&self, name: &str) -> Result<Content<'static>, DataError> {
        let Some(file) = self.source.files.iter().find(|file| file.name == name) else {
            let known = self.source.files.iter().map(|file| file.name).collect();
            return Err(DataError::UnknownName { what: "file", name: name.into(), known });
        };
        let path = self.locate(file).ok_or_else(|| self.absent(file))?;
        if self.trusted {
            return Content::open(&path);
        }
        let bytes = read_verified(&path, file)?;
        Content::from_bytes(&path, bytes)
    }

    fn absent(&self, file: &SourceFile) -> DataError {
        let Source { name, page, archive, .. } = self.source;
        let how = match (archive, file.urls) {
            (None, []) => format!("by hand (see {page})"),
            (None, urls) => format!("with `underplane data fetch {name}`, or by hand ({})", urls.join(" or ")),
            (Some(url), _) => format!("with `underplane data fetch {name}`, or by hand ({url})"),
        };
        let folder = self.folder.clone();
        DataError::Absent { name, file: file.name, folder, how, sha256: file.sha256 }
    }
}

/// The unpacked content of a file, once it is known to be the one that the record describes.
///
/// # Errors
/// When it cannot be read, or its length or SHA-256 differs.
pub fn read_verified(path: &Path, file: &SourceFile) -> Result<Vec<u8>, DataError> {
    verify(path, Content::open(path)?, file)
}

/// The same from content that is already open.
pub(crate) fn verify(path: &Path, mut content: Content<'_>, file: &SourceFile) -> Result<Vec<u8>, DataError> {
    let bytes = content.rest(file.bytes)?;
    let found = sha256(&bytes);
    if found != file.sha256 {
        return Err(DataError::Checksum { path: path.into(), expected: file.sha256.into(), found });
    }
    Ok(bytes)
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The same of pieces, one after the other.
///
/// # Errors
/// The first one that there is instead of a piece.
pub fn sha256_of<P: AsRef<[u8]>>(pieces: impl Iterator<Item = std::io::Result<P>>) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece?);
    }
    Ok(hexadecimal(&hash.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
