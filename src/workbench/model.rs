//! A model's file.

use super::digest::{Circumstance, named};
use crate::model::sensitive::{Sensitive, select};
use crate::model::{Model, onnx};
use crate::proof::Prover;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use underplane_kernel::{self as kernel, Rejection};

/// A model's file, read once: the program, the kernel and a report's digest see the same bytes.
pub struct ModelFile {
    /// Where it is.
    pub path: PathBuf,
    /// The class that f is the logit of.
    pub sensitive: Sensitive,
    /// As it is stored.
    pub bytes: Vec<u8>,
    /// The network, analysed.
    pub model: Model,
}

impl ModelFile {
    /// Reads a model and analyses it.
    ///
    /// # Errors
    /// When it cannot be read, or is no network with a logit.
    pub fn read(path: &Path, sensitive: Sensitive) -> Result<ModelFile> {
        let bytes = onnx::bytes(path)?;
        let graph = onnx::decode_at(&bytes, path)?;
        let place = || path.display().to_string();
        let model = Model::new(select(graph, sensitive).with_context(place)?).with_context(place)?;
        Ok(ModelFile { path: path.to_path_buf(), sensitive, bytes, model })
    }

    /// A prover about inputs that the kernel has read, with norms of these weights.
    ///
    /// # Errors
    /// When the kernel refuses the model or the weights.
    pub fn prover(&self, inputs: kernel::Inputs, weights: Option<&[f64]>) -> Result<Prover, Rejection> {
        Prover::about(&self.bytes, self.sensitive, inputs)?.weighted(weights)
    }

    /// The file's name and SHA-256.
    pub fn digest(&self) -> Circumstance {
        named(&self.path, &self.bytes)
    }
}
