//! What a run is about.

use super::inputs::{InputFiles, InputSource, Tell};
use super::model::ModelFile;
use crate::data::inputs::weights::read_weights;
use crate::query::Range;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// All that a run is about, read: a network, samples that fit it, and who attacks.
pub struct Given {
    /// The network.
    pub file: ModelFile,
    /// Where the samples are from.
    pub files: InputFiles,
    /// The samples, all of them inside the box.
    pub source: InputSource,
    /// The box.
    pub range: Option<Range>,
    /// The weights of every norm.
    pub weights: Option<WeightsFile>,
}

/// Weights of norms.
pub struct WeightsFile {
    /// Where they are from.
    pub path: PathBuf,
    /// One per coordinate.
    pub values: Vec<f64>,
}

impl Given {
    /// Reads the samples of a network; norms are plain.
    ///
    /// # Errors
    /// When they cannot be read, do not fit the network, or lie outside the box.
    pub fn read(file: ModelFile, files: InputFiles, range: Option<Range>, tell: Tell) -> Result<Given> {
        let source = files.open(&file.model, range, tell)?;
        Ok(Given { file, files, source, range, weights: None })
    }

    /// The same with weighted norms, where there is a file of weights.
    ///
    /// # Errors
    /// When it cannot be read, or does not fit the network.
    pub fn weighted(mut self, path: Option<&Path>, tell: Tell) -> Result<Given> {
        let Some(path) = path else { return Ok(self) };
        let weights = read_weights(path, &self.file.model.graph().node(0).shape, self.files.reading)?;
        weights.notes.iter().for_each(|note| tell(&format!("note: {note}")));
        self.weights = Some(WeightsFile { path: path.to_path_buf(), values: weights.values });
        Ok(self)
    }

    /// Weights, if norms have some.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().map(|weights| weights.values.as_slice())
    }
}
