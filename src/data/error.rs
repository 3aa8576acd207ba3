//! What can be wrong with a data file.

use crate::files::FileError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Why a data file could not be read, checked or written.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file's content is not what its format or its use demands.
    #[error("{}{place}: expected {expected}, found {found}", path.display())]
    Content {
        /// The file (for an entry of an archive: the archive and the entry).
        path: PathBuf,
        /// Where in the file.
        place: Place,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A sample lies outside the range that every coordinate must keep to.
    #[error("sample {sample}, coordinate {coordinate}: {value} is outside the box [{low}, {high}]")]
    OutsideBox {
        /// Index of the sample, from 0.
        sample: usize,
        /// Index of the coordinate, from 0.
        coordinate: usize,
        /// The entry.
        value: f32,
        /// Lower end of the box.
        low: f32,
        /// Upper end of the box.
        high: f32,
    },
    /// There is no task or source of that name.
    #[error("there is no {what} `{name}`; there are: {}", known.join(", "))]
    UnknownName {
        /// "task" or "source".
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// A file of a source is not in the data directory.
    #[error(
        "{file} of `{name}` is not in {}; get it {how}, then `underplane data import {name} --from FILE_OR_FOLDER` \
         (SHA-256 once unpacked: {sha256})",
        folder.display()
    )]
    Absent {
        /// The source.
        name: &'static str,
        /// The file.
        file: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
        /// How to get it.
        how: String,
        /// Its checksum.
        sha256: &'static str,
    },
    /// A file is not the one that the source is known by.
    #[error("{}: expected SHA-256 {expected} (once unpacked), found {found}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its checksum by the source's record.
        expected: String,
        /// The checksum of what is there.
        found: String,
    },
    /// A file of a source could not be downloaded.
    #[error(
        "`{name}` could not be downloaded ({reason}); put by hand into {}: {files}, or run \
         `underplane data import {name} --from FILE_OR_FOLDER`",
        folder.display()
    )]
    Download {
        /// The source.
        name: &'static str,
        /// The files and their checksums.
        files: String,
        /// Where they belong.
        folder: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// No sample of the task was selected.
    #[error("task `{task}`: no sample selected")]
    EmptySelection {
        /// The task.
        task: String,
    },
    /// Too few samples for a split.
    #[error("task `{task}`: expected samples of both classes in every split, found {found}")]
    TooFew {
        /// The task.
        task: String,
        /// The counts.
        found: String,
    },
    /// The ends of a box are not two numbers in order.
    #[error("box [{low}, {high}]: expected two numbers, the lower one first")]
    EmptyBox {
        /// Lower end.
        low: f32,
        /// Upper end.
        high: f32,
    },
}

/// Where in a file something is wrong. Lines and columns count from 1; offsets, samples and coordinates from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// Byte offset, after decompression.
    Offset(u64),
    /// Line of a text file.
    Line(u64),
    /// Several lines or samples, in order.
    Several {
        /// "line" or "sample".
        what: &'static str,
        /// Their numbers.
        at: Vec<u64>,
    },
    /// Line and column (field) of a table.
    Cell {
        /// Line.
        line: u64,
        /// Field.
        column: usize,
    },
    /// One entry of a batch.
    Entry {
        /// Sample (row of the array).
        sample: usize,
        /// Coordinate within the sample, flattened row-major.
        coordinate: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Whole => Ok(()),
            Place::Offset(offset) => write!(f, ": offset {offset}"),
            Place::Line(line) => write!(f, ": line {line}"),
            Place::Several { what, at } => write!(f, ": {}", counted(what, at)),
            Place::Cell { line, column } => write!(f, ": line {line}, column {column}"),
            Place::Entry { sample, coordinate } => write!(f, ": sample {sample}, coordinate {coordinate}"),
        }
    }
}

/// So many places are named; of the others, how many there are.
const NAMED: usize = 10;

/// `line 3`, or `lines 3, 5 and 7 more`.
pub(crate) fn counted(what: &str, at: &[u64]) -> String {
    let named: Vec<String> = at.iter().take(NAMED).map(u64::to_string).collect();
    let more = if at.len() > NAMED { format!(" and {} more", at.len() - NAMED) } else { String::new() };
    format!("{what}{} {}{more}", if at.len() == 1 { "" } else { "s" }, named.join(", "))
}

impl From<FileError> for DataError {
    fn from(FileError { path, source }: FileError) -> DataError {
        DataError::File { path, source }
    }
}

impl DataError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        DataError::File { path: path.into(), source }
    }

    pub(crate) fn content(path: &Path, place: Place, expected: impl Into<String>, found: impl Into<String>) -> Self {
        DataError::Content { path: path.into(), place, expected: expected.into(), found: found.into() }
    }
}
