//! Where a case of an audit comes from, and what a report says about it.

use super::digest::{Circumstance, digests};
use super::given::{Unit, bounds};
use super::inputs::{InputFiles, Tell};
use super::model::ModelFile;
use super::piped::Piped;
use super::source::InputSource;
use crate::attack::constants;
use crate::audit::bundle::Entry;
use crate::audit::case::{Case, First};
use crate::data::{Bounds, NamedBox, Reading};
use crate::model::Logit;
use crate::model::Model;
use crate::proof::npy;
use crate::report::run_info::ModelInfo;
use crate::report::sentence::Words;
use anyhow::Result;
use std::path::{Path, PathBuf};
use underplane_kernel as kernel;

/// Samples whose logits are looked at together.
const LOOKED_AT: usize = 100;

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
    pub range: Option<NamedBox>,
    /// Which function of the model's outputs is f.
    pub logit: Logit,
    /// What a distance of 1 means.
    pub in_unit: Option<Unit>,
    /// What the model is.
    pub about: String,
    /// What a radius of 1 means, where its files do not say it.
    pub unit: Option<String>,
    /// What inputs of the sensitive class are called, where their files do not say it.
    pub words: Option<Words>,
    /// How many of the inputs are taken, by their class; `None`: all.
    pub few: Option<First>,
}

/// A case, what a report says about it, and what its files are known by.
pub struct SourceCase {
    /// The case.
    pub case: Case,
    /// Its inputs.
    pub inputs: InputSource,
    /// About the model.
    pub info: ModelInfo,
    /// Of the files.
    pub digests: Vec<Circumstance>,
    /// The model that is audited in the place of one that computes constants.
    pub folded: Option<Vec<u8>>,
    /// What its inputs are read from, where they came through a pipe.
    pub piped: Option<Piped>,
}

impl Source {
    /// A user's own model, without a name for its unit.
    pub fn own(model: &Path, follow_links: bool, files: InputFiles, range: Option<NamedBox>, logit: Logit) -> Source {
        Source {
            name: model.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            about: format!("{} on {}", model.display(), files.inputs.display()),
            unit: None,
            in_unit: None,
            words: None,
            few: None,
            model: model.to_path_buf(),
            follow_links,
            files,
            range,
            logit,
        }
    }

    /// A model of a bundle, of whose inputs the first `limit` are looked at, and `few` taken.
    pub fn bundled(entry: &Entry, limit: Option<usize>, few: Option<First>) -> Source {
        let (inputs, labels) = (entry.inputs.clone(), entry.labels.clone());
        let files = InputFiles { inputs, labels, limit, reading: Reading::default(), ..InputFiles::default() };
        Source {
            name: entry.name.clone(),
            model: entry.file.clone(),
            follow_links: false,
            files,
            range: entry.range().map(NamedBox::Same),
            logit: entry.sensitive().into(),
            about: entry.about.clone(),
            unit: Some(entry.unit.clone()),
            in_unit: None,
            words: entry.words.clone(),
            few,
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or does not fit the others.
    pub fn read(&self, tell: Tell) -> Result<SourceCase> {
        let file = ModelFile::read(&self.model, self.follow_links, &self.logit)?.said(tell);
        let named = self.range.as_ref().map(|named| file.bounds(named, self.files.reading, tell));
        let range = named.transpose()?;
        let all = self.files.open(&file, range.as_ref(), tell)?;
        let weights = Unit::weights(self.in_unit, &file, tell)?;
        let unit = self.unit.clone().unwrap_or_else(|| Unit::name(self.in_unit, &file));
        let words = self.words.clone().or_else(|| file.words());
        let sensitive_label = file.sensitive_label().map(String::from);
        let info = ModelInfo { words, unit, sensitive_label, ..self.info(&file.model, all.count(), range.as_ref()) };
        let inputs = match self.few {
            None => all,
            Some(mut few) => first(&all, &file.model, &mut few)?,
        };
        let mut others = First { sensitive: 0, others: Case::others(&file.model) };
        let others = first(&inputs, &file.model, &mut others)?.load()?.values;
        let box_file = self.range.as_ref().and_then(NamedBox::file);
        let read = digests([Some(self.files.inputs.as_path()), self.files.labels.as_deref(), box_file])?;
        let digests = [file.digests(), read].concat();
        let nothing = kernel::Inputs::read(&npy(&vec![0.0; file.model.input_size()], file.model.input_size()))?;
        let prover = file.prover(nothing, weights.as_deref(), bounds(range.as_ref())?).map_err(|why| why.to_string());
        let table = self.files.table(&file, &inputs)?;
        let folded = file.folded.map(|folded| folded.bytes);
        let (name, preparation) = (self.name.clone(), file.preparation);
        let case = Case { name, model: file.model, prover, range, weights, preparation, table, others };
        let piped = self.files.piped.clone();
        Ok(SourceCase { case, inputs, info, digests, folded, piped })
    }

    fn info(&self, model: &Model, inputs_in_file: usize, range: Option<&Bounds>) -> ModelInfo {
        let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ModelInfo {
            name: self.name.clone(),
            file: file_name(&self.model),
            inputs: file_name(&self.files.inputs),
            inputs_in_file,
            about: self.about.clone(),
            unit: String::new(),
            range: range.map(Bounds::to_string).unwrap_or_default(),
            input_size: model.input_size(),
            constants: constants(model),
            convexity: match model.convexity() {
                Ok(convexity) if convexity.map.is_identity() => "convex in x".into(),
                Ok(_) => "convex in φ(x), φ with kinks".into(),
                Err(broken) => broken.to_string(),
            },
            words: None,
            sensitive_label: None,
        }
    }
}

/// The first samples of a kind.
fn first(inputs: &InputSource, model: &Model, kind: &mut First) -> Result<InputSource> {
    inputs.chosen(LOOKED_AT, &mut |block| (!kind.is_over()).then(|| kind.take(&model.enclose(&block.values))))
}
