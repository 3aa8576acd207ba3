//! Arrays of an `.npz` by their name: `FILE.npz:NAME`, or the one that can only be meant.

use crate::data::error::{DataError, Place};
use crate::data::inputs::array::{batch, spool_array};
use crate::data::inputs::label::{Label, LabelFile, labels_of};
use crate::data::inputs::spool::Spool;
use crate::data::inputs::{InputOptions, Inputs};
use crate::data::npy::{ArrayType, NpyArray, archive_types, read_member, with_member};
use std::path::{Path, PathBuf};

/// `FILE.npz:NAME` in two parts. A file whose own name is like that comes first.
pub fn member(path: &Path) -> (PathBuf, Option<String>) {
    let split = path.to_str().and_then(|text| text.rfind(".npz:").map(|at| text.split_at(at + 4)));
    match split {
        Some((file, name)) if !path.exists() => (file.into(), Some(name[1..].into())),
        _ => (path.into(), None),
    }
}

/// Which arrays of an `.npz` are meant.
struct Chosen<'a> {
    path: &'a Path,
    inputs: String,
    labels: Option<String>,
    /// All of them.
    types: Vec<ArrayType>,
}

impl<'a> Chosen<'a> {
    fn find(path: &'a Path, name: Option<&str>) -> Result<Chosen<'a>, DataError> {
        let types = archive_types(path)?;
        let (inputs, labels) = match name {
            Some(name) => (name.to_string(), None),
            None => {
                let labels = named(path, &types, &["y", "labels"])?;
                (inputs_name(path, &types, labels)?.to_string(), labels.map(String::from))
            }
        };
        Ok(Chosen { path, inputs, labels, types })
    }

    /// The inputs, for messages.
    fn place(&self) -> PathBuf {
        match self.types.len() {
            1 => self.path.to_path_buf(),
            _ => format!("{}:{}", self.path.display(), self.inputs).into(),
        }
    }

    /// The labels of `count` samples, where there are some.
    fn labels(&self, count: usize) -> Result<Option<LabelFile>, DataError> {
        let labels = self.labels.as_ref().map(|name| labels_beside(self.path, &self.inputs, name, count));
        Ok(labels.transpose()?.map(LabelFile::unlined))
    }

    /// What was read and what was not.
    fn told(&self) -> Option<String> {
        let used = |name: &String| *name == self.inputs || Some(name) == self.labels.as_ref();
        let others: Vec<String> =
            self.types.iter().filter(|t| !used(&t.name)).map(|t| format!("`{}`", t.name)).collect();
        let labels = self.labels.as_ref().map(|name| format!(", labels `{name}`")).unwrap_or_default();
        let others = if others.is_empty() { String::new() } else { format!("; not read: {}", others.join(", ")) };
        let told = || format!("{}: inputs `{}`{labels}{others}", self.path.display(), self.inputs);
        (self.types.len() > 1).then(told)
    }
}

/// Reads inputs from an `.npz`, and labels where it has some and no array is named.
pub(super) fn read_npz_inputs(path: &Path, name: Option<&str>, options: &InputOptions) -> Result<Inputs, DataError> {
    let chosen = Chosen::find(path, name)?;
    let mut batch = batch(&chosen.place(), read_member(path, &chosen.inputs)?, options)?;
    if let Some(labels) = chosen.labels(batch.len())? {
        batch.label(path, labels, options.drop_missing)?;
    }
    batch.notes.extend(chosen.told());
    Ok(batch)
}

/// The same with the values in a file; `None` where entries do not stand row by row, or a label is missing.
pub(super) fn spool_npz_inputs(
    path: &Path,
    name: Option<&str>,
    options: &InputOptions,
) -> Result<Option<Spool>, DataError> {
    let chosen = Chosen::find(path, name)?;
    let spool = with_member(path, &chosen.inputs, |content| spool_array(&chosen.place(), content, options))?;
    let Some(mut spool) = spool else { return Ok(None) };
    if let Some(labels) = chosen.labels(spool.about.rows)?
        && !spool.about.label_all(&labels)
    {
        return Ok(None);
    }
    spool.about.notes.extend(chosen.told());
    Ok(Some(spool))
}

/// Reads the labels of an `.npz`: the named array, else `y` or `labels`.
pub(super) fn read_npz_labels(path: &Path, name: Option<&str>) -> Result<Vec<Option<Label>>, DataError> {
    let types = archive_types(path)?;
    let name = match name {
        Some(name) => name,
        None => {
            named(path, &types, &["y", "labels"])?.ok_or_else(|| unclear(path, &types, "an array `y` or `labels`"))?
        }
    };
    labels_of(path, &read_member(path, name)?)
}

/// The labels that come with inputs: as many, or nothing is read.
fn labels_beside(path: &Path, inputs: &str, name: &str, count: usize) -> Result<Vec<Option<Label>>, DataError> {
    let way_out = format!("`{}:{inputs}` takes the inputs alone", path.display());
    let labels = read_member(path, name).and_then(|array: NpyArray| labels_of(path, &array));
    let labels = labels.map_err(|error| match error {
        DataError::Content { path, place, expected, found } => DataError::Content {
            path,
            place,
            expected: format!("{expected} in `{name}`"),
            found: format!("{found}; {way_out}"),
        },
        other => other,
    })?;
    if labels.len() == count {
        return Ok(labels);
    }
    let found = format!("{} in `{name}`; {way_out}", labels.len());
    Err(DataError::content(path, Place::Whole, format!("{count} labels, one per sample"), found))
}

/// The array of one of these names, in small or capital letters.
fn named<'a>(path: &Path, types: &'a [ArrayType], names: &[&str]) -> Result<Option<&'a str>, DataError> {
    let is_meant = |t: &&ArrayType| names.contains(&t.name.to_lowercase().as_str());
    let meant: Vec<&ArrayType> = types.iter().filter(is_meant).collect();
    match meant[..] {
        [] => Ok(None),
        [one] => Ok(Some(&one.name)),
        _ => Err(unclear(path, types, &format!("one array of the names {}", names.join(", ")))),
    }
}

/// `x` or `inputs`, else the only array of floats that has samples, or of integers where none is of floats.
fn inputs_name<'a>(path: &Path, types: &'a [ArrayType], labels: Option<&str>) -> Result<&'a str, DataError> {
    let has = |name: &str| types.iter().any(|t| t.name == name);
    if has("data") && has("shape") && has("format") {
        let found =
            "a sparse matrix of scipy; save it as an array: numpy.save(NAME, matrix.toarray().astype('float32'))";
        return Err(DataError::content(path, Place::Whole, "arrays", found));
    }
    if let Some(name) = named(path, types, &["x", "inputs"])? {
        return Ok(name);
    }
    let others: Vec<&ArrayType> = types.iter().filter(|t| t.numeric && Some(t.name.as_str()) != labels).collect();
    let floats: Vec<&ArrayType> = others.iter().copied().filter(|t| t.float).collect();
    let candidates = if floats.is_empty() { others } else { floats };
    match candidates.iter().filter(|t| t.axes >= 2).collect::<Vec<_>>()[..] {
        [one] => Ok(&one.name),
        _ => Err(unclear(path, types, "an array `x` or `inputs`, or a single array of samples")),
    }
}

fn unclear(path: &Path, types: &[ArrayType], expected: &str) -> DataError {
    let names: Vec<String> = types.iter().map(|t| format!("`{}`", t.name)).collect();
    let found = match &names[..] {
        [] => "no array".into(),
        _ => format!("{}; name one: `{}:NAME`", names.join(", "), path.display()),
    };
    DataError::content(path, Place::Whole, expected, found)
}
