//! A task's samples as `.npy` files, for this program's INPUTS and for other tools.

use crate::data::dataset::{Dataset, Task};
use crate::data::error::DataError;
use crate::data::npy::{NpyArray, NpyValues, write_npy};
use crate::files::write_atomically;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which part of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Training samples.
    Train,
    /// Validation samples.
    Validation,
    /// Test samples.
    Test,
}

impl Split {
    /// All of them.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }

    /// What stands for a row of it in the record of a table.
    pub fn letter(self) -> char {
        match self {
            Split::Train => 't',
            Split::Validation => 'v',
            Split::Test => 'e',
        }
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Split, String> {
        let found = Split::ALL.into_iter().find(|split| split.name() == text);
        found.ok_or_else(|| "expected train, validation or test".into())
    }
}

/// What to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The part of the task.
    pub split: Split,
    /// `Some(true)`: the sensitive class alone, `Some(false)`: the other one alone.
    pub class: Option<bool>,
    /// At most so many samples, the first ones.
    pub limit: Option<usize>,
}

/// What an export wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// float32 `[n, …]`.
    pub inputs: PathBuf,
    /// int64 `[n]`, 1 for the sensitive class.
    pub labels: PathBuf,
    /// What the coordinates of a tabular task are, and how raw values become inputs: a JSON array.
    pub columns: Option<PathBuf>,
    /// Number of samples.
    pub samples: usize,
}

impl Selection {
    /// The samples selected.
    pub fn of(&self, task: &Task) -> Dataset {
        let part = match self.split {
            Split::Train => &task.train,
            Split::Validation => &task.validation,
            Split::Test => &task.test,
        };
        let wanted = (0..part.len()).filter(|&i| self.class.is_none_or(|class| part.sensitive[i] == class));
        part.select(&wanted.take(self.limit.unwrap_or(usize::MAX)).collect::<Vec<_>>())
    }
}

/// Writes `inputs.npy` and `labels.npy` into a folder (made if need be), and for a tabular task `columns.json`.
///
/// # Errors
/// When nothing is selected or a file cannot be written.
pub fn export(task: &Task, selection: &Selection, folder: &Path) -> Result<Export, DataError> {
    let samples = selection.of(task);
    if samples.is_empty() {
        return Err(DataError::EmptySelection { task: task.name.clone() });
    }
    fs::create_dir_all(folder).map_err(|source| DataError::file(folder, source))?;
    let (inputs, labels) = (folder.join("inputs.npy"), folder.join("labels.npy"));
    let n = samples.len();
    let shape = [&[n], samples.shape.as_slice()].concat();
    let classes = samples.sensitive.iter().map(|&sensitive| i64::from(sensitive)).collect();
    write_npy(&labels, &NpyArray { shape: vec![n], values: NpyValues::Integer(classes) })?;
    write_npy(&inputs, &NpyArray { shape, values: NpyValues::F32(samples.inputs) })?;
    let columns = (!task.columns.is_empty()).then(|| folder.join("columns.json"));
    if let Some(path) = &columns {
        write_atomically(path, |file| {
            serde_json::to_writer_pretty(&mut *file, &task.columns)?;
            file.write_all(b"\n")
        })?;
    }
    Ok(Export { inputs, labels, columns, samples: n })
}
