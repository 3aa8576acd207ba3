//! A model's file.

use super::digest::{Circumstance, hashed, name, shown};
use super::inputs::Tell;
use crate::data::preparation::{self, Preparation};
use crate::data::store::sha256;
use crate::data::{Bounds, NamedBox, Reading};
use crate::model::onnx::{Beside, Folded};
use crate::model::{Logit, Model, Sensitive, onnx};
use crate::proof::{ModelBytes, Prover};
use crate::report::sentence::Words;
use anyhow::{Context, Result, anyhow, ensure};
use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use underplane_kernel as kernel;

/// The name of the file that is certified in the place of one that computes constants.
pub const FOLDED: &str = onnx::FOLDED;

/// Files of at most so many bytes stay in memory.
const KEPT: u64 = 1 << 20;

/// A model's file: the program, the kernel and a report's digest see the same bytes, whenever they read them.
pub struct ModelFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which function of the model's outputs is f.
    pub logit: Logit,
    /// What a reader should hear about how the file was read.
    notes: Vec<String>,
    /// The network, analysed.
    pub model: Model,
    /// How rows of a table become its inputs, where it says so.
    pub preparation: Option<Arc<Preparation>>,
    /// Whether data files are read through links out of its folder.
    pub follow_links: bool,
    /// The file that is certified in its place, where it computes constants that are no exact numbers.
    pub folded: Option<Folded>,
    /// Of all bytes.
    sha256: String,
    /// The names and SHA-256 of other files that hold some of its numbers.
    beside: Vec<Circumstance>,
    /// What is small, or can be read only once.
    kept: Option<Vec<u8>>,
}

impl ModelFile {
    /// Reads a model and analyses it; data files that are links out of its folder are read with `follow_links` only.
    ///
    /// # Errors
    /// When it cannot be read, or is no network with a logit.
    pub fn read(path: &Path, follow_links: bool, logit: &Logit) -> Result<ModelFile> {
        let place = || path.display().to_string();
        ensure!(!path.is_dir(), "{}: it is {}", place(), onnx::folder(path));
        let beside = Beside::of(path, follow_links);
        let is_large = path.metadata().is_ok_and(|file| file.is_file() && file.len() > KEPT);
        let output = logit.output.as_deref();
        let (sha256, imported, kept) = if is_large {
            let (sha256, imported) =
                hashed(File::open(path).with_context(place)?, |source| onnx::import(source, path, &beside, output));
            (sha256.with_context(place)?, imported, None)
        } else {
            let bytes = std::fs::read(path).with_context(place)?;
            (sha256(&bytes), onnx::import(&bytes[..], path, &beside, output), Some(bytes))
        };
        let imported = imported?;
        logit.check_odds(imported.is_odds).with_context(place)?;
        let folded = match imported.is_rounded() {
            true => imported.folded(&unchanged(path, kept.as_deref(), &sha256)?, path, &beside)?,
            false => None,
        };
        let preparation = imported.metadata.get(preparation::KEY).cloned();
        let (graph, mut notes) = match &folded {
            Some(folded) => folded.read(path, output)?,
            None => (imported.graph, imported.notes),
        };
        let heads = logit.heads(graph).with_context(place)?;
        if heads.len() > 1 {
            notes.push(format!("f is the least of {} heads", heads.len()));
        }
        let model = Model::of_heads(heads).with_context(place)?;
        let preparation = preparation.map(|text| Preparation::parse(&text, model.input_size()).map(Arc::new));
        let preparation = preparation.transpose().map_err(anyhow::Error::msg).with_context(place)?;
        let (path, logit, beside) = (path.to_path_buf(), logit.clone(), digests_of(&beside));
        Ok(ModelFile { path, logit, notes, preparation, follow_links, model, folded, sha256, beside, kept })
    }

    /// The same, after `tell` has heard how it was read.
    pub fn said(self, tell: Tell) -> ModelFile {
        self.notes.iter().for_each(|note| tell(&format!("note: {}: {note}", self.path.display())));
        self
    }

    /// The bytes that are certified: those that were read, once more, or of the file in its place.
    ///
    /// # Errors
    /// When a file cannot be read any more, or has changed.
    pub fn bytes(&self) -> Result<ModelBytes<'_>> {
        if let Some(folded) = &self.folded {
            return Ok(folded.bytes.as_slice().into());
        }
        let beside = Beside::of(&self.path, self.follow_links);
        for (name, _) in &self.beside {
            beside.part(name, 0, 0).map_err(|why| anyhow!("{}: {why}", self.path.display()))?;
        }
        ensure!(digests_of(&beside) == self.beside, "{}: its data has changed since it was read", self.path.display());
        Ok(ModelBytes { onnx: unchanged(&self.path, self.kept.as_deref(), &self.sha256)?, beside: beside.read() })
    }

    /// A prover about inputs that the kernel has read, with norms of these weights, and in the box of that file.
    ///
    /// # Errors
    /// When the file has changed, or the kernel refuses the model or the weights.
    pub fn prover(
        &self,
        inputs: kernel::Inputs,
        weights: Option<&[f64]>,
        bounds: Option<kernel::Bounds>,
    ) -> Result<Prover> {
        Ok(Prover::about(&self.bytes()?, self.logit.clone(), inputs)?.weighted(weights)?.within(bounds))
    }

    /// The box for its inputs; `tell` hears how it was read.
    ///
    /// # Errors
    /// When its file cannot be read, or does not fit the model.
    pub fn bounds(&self, named: &NamedBox, reading: Reading, tell: Tell) -> Result<Bounds> {
        let names = self.preparation.as_ref().map(|preparation| preparation.coordinates());
        let bounds = named.read(&self.model.graph().node(0).shape, names, reading)?;
        let notes = bounds.file().map_or(&[][..], |file| &file.notes);
        notes.iter().for_each(|note| tell(&format!("note: {note}")));
        Ok(bounds)
    }

    /// What inputs of the sensitive class are called, where it was trained on a table with labels.
    pub fn words(&self) -> Option<Words> {
        self.sensitive_label().map(Words::labelled)
    }

    /// The label of the sensitive class in the table that the model was trained on.
    pub fn sensitive_label(&self) -> Option<&str> {
        let preparation = self.preparation.as_ref().filter(|_| self.logit.sensitive == Sensitive::Positive);
        preparation.map(|preparation| preparation.label.sensitive.as_str())
    }

    /// The SHA-256 of all its files, as a report shows them.
    pub fn digests(&self) -> Vec<Circumstance> {
        let own = (name(&self.path), self.sha256.clone());
        let folded = self.folded.iter().map(|folded| (FOLDED.to_string(), sha256(&folded.bytes)));
        std::iter::once(own).chain(self.beside.iter().cloned()).chain(folded).map(shown).collect()
    }
}

/// The bytes of a file that was read before, kept or read again.
fn unchanged<'a>(path: &Path, kept: Option<&'a [u8]>, digest: &str) -> Result<Cow<'a, [u8]>> {
    if let Some(bytes) = kept {
        return Ok(Cow::from(bytes));
    }
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    ensure!(sha256(&bytes) == digest, "{}: it has changed since it was read", path.display());
    Ok(Cow::from(bytes))
}

/// The names and SHA-256 of the files that were read.
fn digests_of(beside: &Beside) -> Vec<Circumstance> {
    beside.read().into_iter().map(|(name, bytes)| (name, sha256(&bytes))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dense, Graph, Layer};

    #[test]
    fn a_large_file_is_read_again_unless_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, cols: usize, weight: f32| {
            let mut graph = Graph::new("x", &[cols]);
            let dense = Dense { rows: 1, cols, weight: vec![weight; cols], bias: vec![0.5] };
            graph.push("f", Layer::Dense(dense), &[0]).unwrap();
            let path = folder.path().join(name);
            onnx::write(&graph, &path).unwrap();
            path
        };
        let small = write("small.onnx", 3, 1.0);
        let large = write("large.onnx", KEPT as usize, 1.0);
        let read = |path: &Path| ModelFile::read(path, false, &Sensitive::Positive.into()).unwrap();
        let (first, second) = (read(&small), read(&large));
        assert!(first.kept.is_some() && second.kept.is_none());
        assert_eq!(*second.bytes().unwrap().onnx, std::fs::read(&large).unwrap());
        write("small.onnx", 3, 2.0);
        write("large.onnx", KEPT as usize, 2.0);
        assert!(first.bytes().is_ok());
        assert!(second.bytes().unwrap_err().to_string().contains("has changed"));
    }
}
