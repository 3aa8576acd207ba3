//! What a run is about.

use super::inputs::{InputFiles, Tell};
use super::model::ModelFile;
use super::source::InputSource;
use crate::data::Bounds;
use crate::data::inputs::weights::read_weights;
use crate::proof::npy;
use anyhow::{Result, ensure};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use underplane_kernel as kernel;

/// All that a run is about, read: a network, samples that fit it, and who attacks.
pub struct Given {
    /// The network.
    pub file: ModelFile,
    /// Where the samples are from.
    pub files: InputFiles,
    /// The samples, all of them inside the box.
    pub source: InputSource,
    /// The box.
    pub range: Option<Bounds>,
    /// The weights of every norm.
    pub weights: Option<WeightsFile>,
}

/// What a distance of 1 means for a model with a preparation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// The units of the table's columns.
    Raw,
    /// The unit of the preparation: each coordinate's distance times its scale.
    Model,
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Unit, String> {
        match text {
            "raw" => Ok(Unit::Raw),
            "model" => Ok(Unit::Model),
            _ => Err("expected raw or model".into()),
        }
    }
}

impl Unit {
    /// The weights that make plain norms those in this unit; `tell` hears what the unit is. Plain norms are in the model's
    /// own: what a table's columns are in, where the model has a preparation.
    ///
    /// # Errors
    /// When it is the preparation's unit and the model has none.
    pub fn weights(unit: Option<Unit>, file: &ModelFile, tell: Tell) -> Result<Option<Vec<f64>>> {
        let place = file.path.display();
        let Some(preparation) = &file.preparation else {
            ensure!(unit != Some(Unit::Model), "{place}: it has no preparation, whose unit `--unit model` would be");
            return Ok(None);
        };
        let name = &preparation.unit;
        match unit {
            Some(Unit::Model) => tell(&format!("note: {place}: radii are in {name} (--unit model)")),
            Some(Unit::Raw) => {}
            None => {
                tell(&format!("note: {place}: radii are in the units of its columns; `--unit model` gives {name}"));
            }
        }
        let scales = || preparation.scales.iter().map(|&scale| scale.into()).collect();
        Ok((unit == Some(Unit::Model)).then(scales))
    }

    /// What a distance of 1 is.
    pub fn name(unit: Option<Unit>, file: &ModelFile) -> String {
        match (&file.preparation, unit) {
            (None, _) => "input units".into(),
            (Some(_), None | Some(Unit::Raw)) => "the units of the table's columns".into(),
            (Some(preparation), Some(Unit::Model)) => preparation.unit.clone(),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Raw => "raw",
            Unit::Model => "model",
        })
    }
}

/// Weights of norms.
pub struct WeightsFile {
    /// Where they are from: a file of weights, or the model.
    pub path: PathBuf,
    /// One per coordinate.
    pub values: Vec<f64>,
}

impl Given {
    /// Reads the samples of a network; norms are plain.
    ///
    /// # Errors
    /// When they cannot be read, do not fit the network, or lie outside the box.
    pub fn read(file: ModelFile, files: InputFiles, range: Option<Bounds>, tell: Tell) -> Result<Given> {
        let source = files.open(&file, range.as_ref(), tell)?;
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

    /// The same with norms in the unit that is asked for, where they have no weights.
    ///
    /// # Errors
    /// When it is the preparation's unit and the model has none.
    pub fn in_unit(mut self, unit: Option<Unit>, tell: Tell) -> Result<Given> {
        if self.weights.is_none() {
            let values = Unit::weights(unit, &self.file, tell)?;
            self.weights = values.map(|values| WeightsFile { path: self.file.path.clone(), values });
        }
        Ok(self)
    }

    /// Weights, if norms have some.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().map(|weights| weights.values.as_slice())
    }
    /// The box of a file as the kernel has it, in other bytes than the file's.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub(super) fn bounds(&self) -> Result<Option<kernel::Bounds>> {
        bounds(self.range.as_ref())
    }
}

/// The same of any box.
pub(super) fn bounds(range: Option<&Bounds>) -> Result<Option<kernel::Bounds>> {
    let file = range.and_then(Bounds::file);
    Ok(file.map(|file| kernel::Bounds::read(&npy(&file.ends(), 2))).transpose()?)
}
