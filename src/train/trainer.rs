//! The training loop.

use super::config::{Config, Selection};
use super::error::TrainError;
use super::evaluate::logits;
use super::feature_map::FeatureMap;
use super::initialise::initialise;
use super::loss::Batch;
use super::network::{MOMENTUM, Network, Running};
use super::optimiser::Optimiser;
use super::pass::{Mode, Pass};
use super::threshold::Threshold;
use super::whitening::{fold, whitened};
use crate::data::{Dataset, Task};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::borrow::Cow;
use std::time::Instant;

/// What one epoch left behind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// The learning rate at its start.
    pub rate: f64,
    /// Mean of the objective over its training batches.
    pub training_loss: f64,
    /// The objective on the validation split after it, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation split after it, at threshold 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// Is this the best checkpoint so far?
    pub best: bool,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The selected weights, the threshold in the last bias.
    pub network: Network<f32>,
    /// Every epoch.
    pub history: Vec<Epoch>,
    /// The epoch whose weights are kept, from 1.
    pub selected: usize,
    /// What was subtracted from the last bias.
    pub threshold: f64,
    /// Wall-clock time.
    pub seconds: f64,
}

/// Samples per evaluation batch of the validation split.
const CHUNK: usize = 512;

/// Trains on `task.train`, selects and sets the threshold on `task.validation`; `task.test` is not read. The result
/// depends on config and task alone, not on the number of threads. `progress` is called after every epoch.
///
/// # Errors
/// When a split is empty or of one class, the augmentation needs images, or the run diverges.
pub fn train(config: &Config, task: &Task, progress: &mut dyn FnMut(&Epoch)) -> Result<Trained, TrainError> {
    check(config, task)?;
    let start = Instant::now();
    let joined = joined(config, task);
    let joined = joined.as_ref();
    let (task, whitening) = whitened(config, joined);
    let mut run = Run::new(config, &task);
    let mut history: Vec<Epoch> = Vec::new();
    let mut best: Option<(usize, Network<f32>, Score)> = None;
    for epoch in 1..=config.epochs {
        let rate = config.optimiser.rate_at((epoch - 1) as f64, config.epochs);
        let training_loss = run.epoch(epoch)?;
        let found = config.validation.then(|| run.validate());
        let (loss, accuracy) = found.unwrap_or_default();
        let score = Score::new(config.selection, epoch, loss, accuracy);
        let improved = best.as_ref().is_none_or(|(_, _, least)| score.0 < least.0);
        if improved {
            best = Some((epoch, run.network.clone(), score));
        }
        let (validation_loss, validation_accuracy) = found.unzip();
        history.push(Epoch { epoch, rate, training_loss, validation_loss, validation_accuracy, best: improved });
        progress(&history[epoch - 1]);
        let waited = epoch - best.as_ref().map_or(epoch, |best| best.0);
        if config.patience.is_some_and(|patience| waited >= patience) {
            break;
        }
    }
    let (selected, mut network, _) = best.expect("at least one epoch ran");
    if let Some(whitening) = whitening {
        fold(&mut network, &whitening);
    }
    let split = if config.threshold == Threshold::Training { &joined.train } else { &joined.validation };
    let threshold = config.threshold.choose(&logits(&network, split), &split.sensitive);
    let bias = network.architecture.layers().last().expect("an output layer").bias.start;
    network.parameters[bias] = (f64::from(network.parameters[bias]) - threshold) as f32;
    Ok(Trained { network, history, selected, threshold, seconds: start.elapsed().as_secs_f64() })
}

/// The task with the validation rows among the training rows, where they are to train.
pub fn joined<'a>(config: &Config, task: &'a Task) -> Cow<'a, Task> {
    if config.validation || task.validation.is_empty() {
        return Cow::Borrowed(task);
    }
    let mut joined = task.clone();
    let validation = std::mem::take(&mut joined.validation.inputs);
    joined.train.inputs.extend(validation);
    joined.train.sensitive.append(&mut joined.validation.sensitive);
    // The record of rows goes with the model: what was trained on is not held out.
    if let Some(table) = joined.preparation.as_mut().and_then(|preparation| preparation.trained_on.as_mut()) {
        table.rows = table.rows.replace('v', "t");
    }
    joined.notes.push(format!("no validation split: its rows train, too ({} in all)", joined.train.len()));
    Cow::Owned(joined)
}

/// Smaller is better, lexicographically.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Score([f64; 2]);

impl Score {
    fn new(selection: Selection, epoch: usize, loss: f64, accuracy: f64) -> Score {
        match selection {
            Selection::Loss => Score([loss, 0.0]),
            Selection::Accuracy => Score([-accuracy, loss]),
            Selection::Last => Score([-(epoch as f64), 0.0]),
        }
    }
}

fn check(config: &Config, task: &Task) -> Result<(), TrainError> {
    let error =
        |expected: &str, found: String| TrainError::Data { task: task.name.clone(), expected: expected.into(), found };
    let splits = [("training", &task.train), ("validation", &task.validation)];
    for (name, split) in splits.into_iter().take(if config.validation { 2 } else { 1 }) {
        let sensitive = split.sensitive.iter().filter(|&&s| s).count();
        if sensitive == 0 || sensitive == split.len() {
            let found = format!("{sensitive} sensitive of {} samples in the {name} split", split.len());
            return Err(error("both classes in every split", found));
        }
        if let Some(i) = split.inputs.iter().position(|x| !x.is_finite()) {
            let (sample, feature) = (i / split.features(), i % split.features());
            let found = format!("{} at sample {sample}, feature {feature} of the {name} split", split.inputs[i]);
            return Err(error("finite features", found));
        }
    }
    if config.augmentation.needs_images() && task.train.shape.len() != 3 {
        let found = format!("samples of shape {:?}", task.train.shape);
        return Err(error("images [channels, height, width] for `augmentation.crop` or `.flip`", found));
    }
    Ok(())
}

/// The state of a run.
struct Run<'a> {
    config: &'a Config,
    task: &'a Task,
    network: Network<f32>,
    optimiser: Optimiser,
    rng: ChaCha8Rng,
    order: Vec<usize>,
    validation: Vec<f32>,
}

impl<'a> Run<'a> {
    fn new(config: &'a Config, task: &'a Task) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let shape = &config.network;
        let map = FeatureMap::fit(shape.feature_map, shape.centre, &task.train);
        let scale = root_mean_square(&map, &task.train);
        let mut network = Network::zeros(map, &shape.hidden, shape.batch_norm);
        initialise(shape.initialisation, &network.architecture, scale, &mut network.parameters, &mut rng);
        let mut decayed = vec![false; network.parameters.len()];
        for layer in network.architecture.layers() {
            decayed[layer.pass.clone()].fill(true);
            decayed[layer.hidden.clone()].fill(true);
        }
        let optimiser = Optimiser::new(&config.optimiser, decayed);
        let validation = network.map.apply(&task.validation.inputs);
        Run { config, task, network, optimiser, rng, order: (0..task.train.len()).collect(), validation }
    }

    /// One pass over the training split; the mean objective.
    fn epoch(&mut self, epoch: usize) -> Result<f64, TrainError> {
        self.order.shuffle(&mut self.rng);
        let steps = self.order.len().div_ceil(self.config.batch);
        let mut total = 0.0;
        let order = self.order.clone();
        for (step, indices) in order.chunks(self.config.batch).enumerate() {
            let progress = (epoch - 1) as f64 + step as f64 / steps as f64;
            let rate = self.config.optimiser.rate_at(progress, self.config.epochs);
            total += self.step(indices, rate) * indices.len() as f64;
        }
        let mean = total / order.len() as f64;
        // A NaN weight can hide behind a ReLU, so the weights themselves are looked at.
        let finite = self.network.parameters.iter().all(|p| p.is_finite());
        if !mean.is_finite() || !finite {
            let what = if finite { format!("the loss is {mean}") } else { "a parameter is not finite".into() };
            return Err(TrainError::Diverged { epoch, what });
        }
        Ok(mean)
    }

    fn step(&mut self, indices: &[usize], rate: f64) -> f64 {
        let inputs = self.config.augmentation.apply(&self.task.train, indices, &mut self.rng);
        let psi: Vec<f32> = self.network.map.apply(&inputs);
        let sensitive: Vec<bool> = indices.iter().map(|&i| self.task.train.sensitive[i]).collect();
        let signs = signs(self.network.architecture.batch_norm(), indices.len(), &mut self.rng);
        let batch = Batch { psi: &psi, sensitive: &sensitive, signs: &signs };
        let mut gradient = vec![0.0f32; self.network.parameters.len()];
        let (value, statistics) = self.config.loss.gradient(&self.network, &batch, &mut gradient);
        self.optimiser.step(&mut self.network.parameters, &gradient, rate);
        self.network.architecture.project(&mut self.network.parameters);
        for (k, (mean, variance)) in statistics.into_iter().enumerate() {
            let count = (indices.len() * self.network.architecture.layers()[k].rows) as f64;
            let unbiased = variance * count / (count - 1.0).max(1.0);
            let running = &mut self.network.running[k];
            *running = Running {
                mean: (1.0 - MOMENTUM) * running.mean + MOMENTUM * mean,
                variance: (1.0 - MOMENTUM) * running.variance + MOMENTUM * unbiased,
            };
        }
        value
    }

    /// Objective and accuracy on the validation split, at inference.
    fn validate(&self) -> (f64, f64) {
        let inputs = self.network.architecture.inputs();
        let split: &Dataset = &self.task.validation;
        let (mut total, mut right) = (0.0, 0);
        // Of the batch's size, because the batch penalty grows with it.
        let chunk = if self.config.loss.frobenius > 0.0 { self.config.batch } else { CHUNK };
        for (psi, sensitive) in self.validation.chunks(chunk * inputs).zip(split.sensitive.chunks(chunk)) {
            let signs = vec![1.0; sensitive.len()];
            let batch = Batch { psi, sensitive, signs: &signs };
            total += self.config.loss.value(&self.network, &batch, Mode::Inference) * sensitive.len() as f64;
            let pass = Pass::new(&self.network, psi, Mode::Inference);
            right += pass.logits().iter().zip(sensitive).filter(|&(&f, &s)| (f > 0.0) == s).count();
        }
        (total / split.len() as f64, right as f64 / split.len() as f64)
    }
}

/// Random signs where batch-norm couples samples, else 1.
fn signs(random: bool, count: usize, rng: &mut impl Rng) -> Vec<f32> {
    (0..count).map(|_| if random && rng.random_bool(0.5) { -1.0 } else { 1.0 }).collect()
}

/// Of the coordinates of ψ over (at most 1,000 samples of) the training split.
fn root_mean_square(map: &FeatureMap, data: &Dataset) -> f64 {
    let rows = data.len().min(1000);
    let psi: Vec<f64> = map.apply(&data.inputs[..rows * data.features()]);
    (psi.iter().map(|x| x * x).sum::<f64>() / psi.len().max(1) as f64).sqrt()
}
