//! An array as a batch of samples, whole or block by block.

use super::reading::Floats;
use super::spool::{Spool, Spooling};
use super::{InputOptions, Inputs, sample_shape};
use crate::data::content::Content;
use crate::data::error::{DataError, Place};
use crate::data::npy::{NpyArray, NpyReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An array as a batch.
pub(super) fn batch(path: &Path, array: NpyArray, options: &InputOptions) -> Result<Inputs, DataError> {
    let (count, shape) = samples(path, &array.shape)?;
    let features: usize = shape.iter().product();
    let (shape, numbers) = (shape.to_vec(), (0..count).collect());
    let mut notes = Vec::new();
    let values = options.reading.float32(path, array.values, features, &mut notes)?;
    finite(path, &values, 0, features, options.drop_missing)?;
    Ok(Inputs { shape, values, labels: None, numbers, rows: count, columns: Vec::new(), notes })
}

/// So many values are read together.
const READ_AT: usize = 1 << 16;

/// An array as a batch with its values in a file; `None` where the entries do not stand row by row.
pub(super) fn spool_array(
    path: &Path,
    content: Content<'_>,
    options: &InputOptions,
) -> Result<Option<Spool>, DataError> {
    let refused = |source| DataError::file(&std::env::temp_dir(), source);
    let mut reader = NpyReader::new(content)?;
    if !reader.is_row_major() {
        return Ok(None);
    }
    let (count, shape) = samples(path, reader.shape())?;
    let (shape, features) = (shape.to_vec(), shape.iter().product::<usize>());
    let mut floats = Floats::new(options.reading, path, features);
    let (mut spooling, most) = (Spooling::new().map_err(refused)?, READ_AT.div_ceil(features));
    for first in (0..count).step_by(most) {
        let values = floats.next(reader.take(most.min(count - first) * features)?)?;
        finite(path, &values, first, features, options.drop_missing)?;
        spooling.push(&values).map_err(refused)?;
    }
    reader.finish()?;
    let (notes, numbers) = (floats.finish()?, (0..count).collect());
    let about = Inputs { shape, values: Vec::new(), labels: None, numbers, rows: count, columns: Vec::new(), notes };
    spooling.finish(about).map(Some).map_err(refused)
}

/// Number and shape of the samples of an array of this shape.
fn samples<'a>(path: &Path, shape: &'a [usize]) -> Result<(usize, &'a [usize]), DataError> {
    let fault = |expected: &str, found: String| DataError::content(path, Place::Whole, expected, found);
    let [count, sample @ ..] = shape else {
        return Err(fault("an array [N, …] whose first axis counts samples", "a single number".into()));
    };
    if sample.is_empty() {
        let found = format!("shape [{count}]");
        return Err(fault(
            "an array [N, …] whose first axis counts samples (an array of a single sample is [1, …])",
            found,
        ));
    }
    if *count == 0 || sample.iter().product::<usize>() == 0 {
        return Err(fault("at least one sample of at least one coordinate", format!("shape {shape:?}")));
    }
    Ok((*count, sample))
}

/// Refuses the first entry that is not finite; `values` begin with sample `first`.
fn finite(path: &Path, values: &[f32], first: usize, features: usize, drop_missing: bool) -> Result<(), DataError> {
    let Some(at) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let place = Place::Entry { sample: first + at / features, coordinate: at % features };
    let advice = if drop_missing { " (samples of arrays are not left out; --drop-missing is for tables)" } else { "" };
    Err(DataError::content(path, place, "a finite number", format!("{}{advice}", values[at])))
}

/// A file of one array, row by row, that can be read again and again: few of its samples are in memory.
#[derive(Clone, Debug)]
pub struct ArrayFile {
    path: PathBuf,
    options: InputOptions,
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Number of samples.
    pub rows: usize,
    /// Length, and when it was changed.
    stamp: Stamp,
}

type Stamp = (u64, Option<SystemTime>);

fn stamp(path: &Path) -> Result<Stamp, DataError> {
    let data = path.metadata().map_err(|source| DataError::file(path, source))?;
    Ok((data.len(), data.modified().ok()))
}

impl ArrayFile {
    /// Reads the header; `None` where the entries do not stand row by row.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no samples.
    pub fn open(path: &Path, options: &InputOptions) -> Result<Option<ArrayFile>, DataError> {
        let stamp = stamp(path)?;
        let reader = NpyReader::new(Content::open(path)?)?;
        if !reader.is_row_major() {
            return Ok(None);
        }
        let (rows, shape) = samples(path, reader.shape())?;
        let (path, options, shape) = (path.to_path_buf(), options.clone(), shape.to_vec());
        Ok(Some(ArrayFile { path, options, shape, rows, stamp }))
    }

    /// Makes sure that the samples are inputs of a model, as [`Inputs::fit`].
    ///
    /// # Errors
    /// When they are not; the message names both shapes.
    pub fn fit(&self, model: &[usize]) -> Result<(), String> {
        sample_shape::fit(self.rows, &self.shape, model, self.options.reading.flatten)
    }

    /// What has been looked at is what is read.
    fn check_unchanged(&self) -> Result<(), DataError> {
        if stamp(&self.path)? != self.stamp {
            let expected = "the file that it was when the run began";
            return Err(DataError::content(&self.path, Place::Whole, expected, "a changed one"));
        }
        Ok(())
    }

    /// From the first sample on.
    ///
    /// # Errors
    /// When the file cannot be opened, or is another one by now.
    pub fn blocks(&self) -> Result<ArrayBlocks<'_>, DataError> {
        let reader = NpyReader::new(Content::open(&self.path)?)?;
        self.check_unchanged()?;
        let size = self.shape.iter().product();
        let floats = Floats::new(self.options.reading, &self.path, size);
        Ok(ArrayBlocks { file: self, reader, floats, size, next: 0 })
    }
}

/// A pass over the samples of a file.
pub struct ArrayBlocks<'a> {
    file: &'a ArrayFile,
    reader: NpyReader<'a>,
    floats: Floats<'a>,
    size: usize,
    next: usize,
}

impl ArrayBlocks<'_> {
    /// The next samples, at most `most`; none at the end.
    ///
    /// # Errors
    /// When an entry is NaN, infinite, or no float32, or the file ends before.
    pub fn next(&mut self, most: usize) -> Result<Vec<f32>, DataError> {
        let count = most.min(self.file.rows - self.next);
        let values = self.floats.next(self.reader.take(count * self.size)?)?;
        finite(&self.file.path, &values, self.next, self.size, self.file.options.drop_missing)?;
        self.file.check_unchanged()?;
        self.next += count;
        Ok(values)
    }

    /// What the user should hear about the samples so far.
    ///
    /// # Errors
    /// When they are all, and something is behind the array, or it is unclear what bytes mean.
    pub fn finish(self) -> Result<Vec<String>, DataError> {
        if self.next == self.file.rows {
            self.reader.finish()?;
        }
        self.floats.finish()
    }
}
