//! An entry's files, read, and what today's code proves about them.

use super::change::TOLERANCE;
use super::definition::Entry;
use super::files::Files;
use super::store::{Proven, Verified};
use crate::data::preparation::{self, Preparation};
use crate::data::{Bounds, InputOptions, NamedBox, Reading, member, read_inputs};
use crate::model::logit::threshold;
use crate::model::onnx::Beside;
use crate::model::{Logit, Model, onnx};
use crate::norm::{Norm, NormError};
use crate::proof::{KernelBounds, KernelInputs, ModelBytes, Prover, log_odds};
use crate::query::{Perturbation, Query};
use crate::radius::catalogue::{Settings, listed, names, single, takes};
use crate::radius::heads;
use crate::radius::{Guarantee, Method, Samples, Setting, Verdict};
use anyhow::{Context, Result, anyhow};
use std::path::Path;
use std::sync::Arc;

/// What an entry is about.
pub struct Today {
    model: Model,
    /// The file that is certified, where the entry's computes constants that are rounded in it.
    pub folded: Option<Vec<u8>>,
    /// `[count × input size]`.
    inputs: Vec<f64>,
    pub count: usize,
    pub range: Option<Bounds>,
    pub norms: Vec<Norm>,
    pub methods: Vec<Box<dyn Method>>,
    pub prover: Prover,
    /// What the files are known by.
    pub files: Files,
}

impl Today {
    /// Reads the files; `tell` hears what is to be said about how the inputs were read.
    ///
    /// # Errors
    /// When they cannot be read, or the entry means nothing.
    pub fn read(folder: &Path, entry: &Entry, tell: &mut dyn FnMut(&str)) -> Result<Today> {
        let bad = |reason: String| entry.bad(folder, reason);
        let path = folder.join(&entry.model);
        let place = || path.display().to_string();
        let logit = entry.logit().map_err(bad)?;
        let beside = Beside::of(&path, entry.follow_links);
        let onnx = std::fs::read(&path).with_context(place)?;
        let imported = onnx::import(&onnx[..], &path, &beside, logit.output.as_deref())?;
        logit.check_odds(imported.is_odds).with_context(place)?;
        let folded = imported.folded(&onnx, &path, &beside)?;
        let (graph, notes) = match &folded {
            Some(folded) => folded.read(&path, logit.output.as_deref())?,
            None => (imported.graph, imported.notes),
        };
        notes.iter().for_each(|note| tell(&format!("{}: {note}", path.display())));
        let model = Model::of_heads(logit.heads(graph).with_context(place)?).with_context(place)?;
        let record = imported.metadata.get(preparation::KEY);
        let preparation = record.map(|text| Preparation::parse(text, model.input_size())).transpose().map_err(bad)?;
        let coordinates = preparation.as_ref().map(Preparation::coordinates);
        let inputs = Inputs::read(folder, entry, (&model, preparation), tell)?;
        let shape = &model.graph().node(0).shape;
        let (named, reading) = (entry.named_box(folder).map_err(bad)?, entry.reading().map_err(bad)?);
        let range = named.map(|named| named.read(shape, coordinates, reading)).transpose()?;
        let norms = entry.norms().map_err(bad)?;
        let methods = entry.methods.iter().map(|name| method(name)).collect::<Result<Vec<_>, _>>().map_err(bad)?;
        let Inputs { values, count } = inputs;
        let place_of_inputs = folder.join(&entry.inputs);
        let (file, _) = member(&place_of_inputs);
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let files = Files::of(&onnx, &beside, &bytes);
        let samples = KernelInputs::of(&place_of_inputs, reading, &values, shape)
            .with_context(|| place_of_inputs.display().to_string())?;
        let file = match &folded {
            Some(folded) => folded.bytes.as_slice().into(),
            None => ModelBytes { onnx: onnx.into(), beside: beside.read() },
        };
        let box_file = range.as_ref().and_then(Bounds::file);
        let bounds = box_file.map(|file| KernelBounds::of(&file.path, reading, &file.ends(), shape)).transpose()?;
        let prover = Prover::about(&file, logit, samples.read).with_context(place)?;
        let prover = prover.within(bounds.map(|bounds| bounds.read));
        let folded = folded.map(|folded| folded.bytes);
        Ok(Today { model, folded, inputs: values, count, range, norms, methods, prover, files })
    }

    /// The proven radius, or why there is none; `Ok(None)` where nothing can be certified.
    pub fn certify(&self, method: &dyn Method, index: usize, norm: Norm) -> Result<Option<Proven>, String> {
        let size = self.model.input_size();
        let x = &self.inputs[index * size..(index + 1) * size];
        let perturbation = Perturbation { norm, range: self.range.as_ref().map(Bounds::ranges), weights: None };
        let samples = Samples { first: index, ..Samples::new(x, size) };
        let outcome = heads::certify(method, &self.model, samples, perturbation).remove(0);
        match &outcome.verdict {
            Verdict::Certified(_) => {}
            Verdict::NotSensitive => return Ok(None),
            Verdict::Abstain(why) | Verdict::Unknown(why) | Verdict::NotProven(why) | Verdict::NotAsked(why) => {
                return Err(why.clone());
            }
        }
        let query = Query { model: &self.model, x, index, perturbation };
        let proof = self.prover.prove(query, &outcome).map_err(|e| e.to_string())?;
        let upper = outcome.witness.as_ref().filter(|_| proof.has_witness).map(|w| format!("{:?}", w.distance));
        let row = Verified {
            input: index.to_string(),
            norm: norm.to_string(),
            method: method.name().into(),
            lower: proof.radius.to_string(),
            upper: upper.unwrap_or_default(),
        };
        Ok(Some(Proven { row, certificate: proof.line }))
    }
}

/// The samples that an entry takes.
struct Inputs {
    /// `[count × input size]`.
    values: Vec<f64>,
    count: usize,
}

impl Inputs {
    fn read(
        folder: &Path,
        entry: &Entry,
        (model, preparation): (&Model, Option<Preparation>),
        tell: &mut dyn FnMut(&str),
    ) -> Result<Inputs> {
        let place = folder.join(&entry.inputs);
        let reading = entry.reading().map_err(|reason| entry.bad(folder, reason))?;
        let (preparation, header) = (preparation.map(Arc::new), entry.header.known());
        let options = InputOptions { preparation, reading, header, ..InputOptions::default() };
        let inputs = read_inputs(&place, &options)?;
        inputs.notes.iter().for_each(|note| tell(note));
        let fits = inputs.fit(&model.graph().node(0).shape, entry.flatten);
        fits.map_err(|why| anyhow!("{}: {why}", place.display()))?;
        let count = entry.limit.unwrap_or(usize::MAX).min(inputs.len());
        let values = inputs.values.iter().take(count * model.input_size()).map(|&v| f64::from(v)).collect();
        Ok(Inputs { values, count })
    }
}

impl Entry {
    /// Which function of the model's outputs is f.
    fn logit(&self) -> Result<Logit, String> {
        let sensitive = self.sensitive.as_deref().unwrap_or("positive").parse()?;
        let threshold = match (&self.threshold, &self.probability) {
            (Some(_), Some(_)) => return Err("expected `threshold` or `probability`, found both".into()),
            (Some(text), None) => Some(threshold(text).map_err(|why| format!("`threshold`: {why}"))?),
            (None, Some(text)) => Some(log_odds(text).map_err(|why| format!("`probability`: {why}"))?),
            (None, None) => None,
        };
        Ok(Logit { sensitive, output: self.output.clone(), threshold, of_probability: self.probability.is_some() })
    }

    /// The box, its file from the folder.
    fn named_box(&self, folder: &Path) -> Result<Option<NamedBox>, String> {
        let named = self.r#box.as_deref().map(str::parse).transpose()?;
        Ok(named.map(|named| match named {
            NamedBox::File(path) => NamedBox::File(folder.join(path)),
            same => same,
        }))
    }

    /// How the inputs' numbers are read.
    fn reading(&self) -> Result<Reading, String> {
        let uint8 = self.uint8.as_deref().map(str::parse).transpose()?;
        Ok(Reading { uint8, flatten: self.flatten, round: self.round })
    }

    fn norms(&self) -> Result<Vec<Norm>, String> {
        match &self.norms {
            None => Ok(Norm::STANDARD.to_vec()),
            Some(names) => names.iter().map(|name| name.parse().map_err(|e: NormError| e.to_string())).collect(),
        }
    }
}

/// The methods whose radii have certificates. Those that go on until both sides meet close the gap so far that another
/// way to the same radius ends within [`TOLERANCE`].
fn methods() -> Vec<Box<dyn Method>> {
    let further = Settings { gap: Some(0.5 * TOLERANCE), ..Settings::default() };
    let closes = |method: &dyn Method| method.guarantee() == Guarantee::Exact && takes(method, Setting::Gap);
    let either = single(&Settings::default()).into_iter().zip(single(&further));
    let repeatable = either.map(|(usual, further)| if closes(usual.as_ref()) { further } else { usual });
    repeatable.filter(|method| method.has_evidence()).collect()
}

fn method(name: &str) -> Result<Box<dyn Method>, String> {
    let methods = methods();
    let known = listed(&names(&methods, |_| true), "or");
    let found = methods.into_iter().find(|method| method.name() == name);
    found.ok_or_else(|| format!("method `{name}`: expected {known}, whose radii have certificates"))
}
