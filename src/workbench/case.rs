//! Where a case of an audit comes from, and what a report says about it.

use super::digest::{Circumstance, digests};
use super::inputs::{InputFiles, Tell};
use super::model::ModelFile;
use crate::attack::constants;
use crate::audit::bundle::Entry;
use crate::audit::run::Case;
use crate::data::Reading;
use crate::model::Logit;
use crate::model::Model;
use crate::query::Range;
use crate::report::run_info::ModelInfo;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A model and inputs to be audited, in files.
pub struct Source {
    /// Short name.
    pub name: String,
    /// The model.
    pub model: PathBuf,
    /// Whether data files are read through links out of the model's folder.
    pub follow_links: bool,
    /// Its inputs.
    pub files: InputFiles,
    /// The box.
    pub range: Option<Range>,
    /// Which function of the model's outputs is f.
    pub logit: Logit,
    /// What the model is.
    pub about: String,
    /// What a radius of 1 means.
    pub unit: String,
}

/// A case, what a report says about it, and what its files are known by.
pub struct SourceCase {
    /// The case.
    pub case: Case,
    /// About the model.
    pub info: ModelInfo,
    /// Of the files.
    pub digests: Vec<Circumstance>,
}

impl Source {
    /// A user's own model, without a name for its unit.
    pub fn own(model: &Path, follow_links: bool, files: InputFiles, range: Option<Range>, logit: Logit) -> Source {
        Source {
            name: model.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            about: format!("{} on {}", model.display(), files.inputs.display()),
            unit: "input units".into(),
            model: model.to_path_buf(),
            follow_links,
            files,
            range,
            logit,
        }
    }

    /// A model of a bundle, of whose inputs the first `limit` are taken.
    pub fn bundled(entry: &Entry, limit: Option<usize>) -> Source {
        let (inputs, labels) = (entry.inputs.clone(), entry.labels.clone());
        let files = InputFiles { inputs, labels, limit, reading: Reading::default(), ..InputFiles::default() };
        Source {
            name: entry.name.clone(),
            model: entry.file.clone(),
            follow_links: false,
            files,
            range: entry.range(),
            logit: entry.sensitive().into(),
            about: entry.about.clone(),
            unit: entry.unit.clone(),
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or does not fit the others.
    pub fn read(&self, tell: Tell) -> Result<SourceCase> {
        let file = ModelFile::read(&self.model, self.follow_links, &self.logit)?.said(tell);
        let samples = self.files.read(&file, self.range, tell)?;
        let info = self.info(&file.model, samples.count);
        let labels = (0..samples.count).map(|i| samples.label(i)).collect();
        let others = digests([Some(self.files.inputs.as_path()), self.files.labels.as_deref()])?;
        let onnx = file.bytes()?.into_owned();
        let digests = [file.digests(), others].concat();
        let case = Case {
            name: self.name.clone(),
            model: file.model,
            onnx,
            logit: self.logit.clone(),
            values: samples.values,
            numbers: samples.numbers,
            labels,
            range: self.range,
        };
        Ok(SourceCase { case, info, digests })
    }

    fn info(&self, model: &Model, inputs_in_file: usize) -> ModelInfo {
        let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ModelInfo {
            name: self.name.clone(),
            file: file_name(&self.model),
            inputs: file_name(&self.files.inputs),
            inputs_in_file,
            about: self.about.clone(),
            unit: self.unit.clone(),
            range: self.range.map(|range| range.to_string()).unwrap_or_default(),
            input_size: model.input_size(),
            constants: constants(model),
            convexity: match model.convexity() {
                Ok(convexity) if convexity.map.is_identity() => "convex in x".into(),
                Ok(_) => "convex in φ(x), φ with kinks".into(),
                Err(broken) => broken.to_string(),
            },
        }
    }
}
