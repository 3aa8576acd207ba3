//! The training loop.

use super::checkpoint::{Best, Checkpoints, Resumable, State};
use super::config::{Config, Selection};
use super::ensemble::mean;
use super::epoch::Epoch;
use super::error::TrainError;
use super::evaluate::logits;
use super::network::Network;
use super::run::Run;
use super::threshold::Threshold;
use super::whitening::{fold, of_steps, whitened};
use crate::data::Task;
use std::borrow::Cow;

/// A finished run.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The selected weights, the threshold in the last bias.
    pub network: Network<f32>,
    /// Every epoch, one network of the ensemble after the other.
    pub history: Vec<Epoch>,
    /// The epoch whose weights are kept, from 1, of every network of the ensemble.
    pub selected: Vec<usize>,
    /// What was subtracted from the last bias.
    pub threshold: f64,
    /// Wall-clock time.
    pub seconds: f64,
    /// The epochs after which an interrupted run went on.
    pub resumed: Vec<usize>,
}

/// Trains on `task.train`, selects and sets the threshold on `task.validation`; `task.test` is not read. The result
/// depends on config and task alone, not on the number of threads or on interruptions. `progress` is called after every
/// epoch.
///
/// # Errors
/// When a split is empty or of one class, the augmentation or the network needs images, the run diverges, or its state
/// cannot be written or is another run's.
pub fn train(
    config: &Config,
    task: &Task,
    resumable: Option<Resumable>,
    progress: &mut dyn FnMut(&Epoch),
) -> Result<Trained, TrainError> {
    check(config, task)?;
    let joined = joined(config, task);
    let joined = joined.as_ref();
    let (task, whitening) = whitened(config, joined);
    let mut checkpoints = Checkpoints::new(config, &task, resumable);
    let (mut members, mut states) = (Vec::new(), Vec::new());
    for member in 0..config.ensemble {
        let (network, state) = train_member(config, &task, member, &mut checkpoints, progress)?;
        members.push(network);
        states.push(state);
    }
    let mut network = mean(&members, &config.network.hidden);
    if let Some(whitening) = whitening {
        fold(&mut network, &whitening);
    }
    let split = if config.threshold == Threshold::Training { &joined.train } else { &joined.validation };
    let threshold = config.threshold.choose(&logits(&network, split), &split.sensitive);
    for bias in network.architecture.last_bias() {
        network.parameters[bias] = (f64::from(network.parameters[bias]) - threshold) as f32;
    }
    let times: Vec<f64> = states.iter().flat_map(|state| state.times.clone()).collect();
    let seconds = checkpoints.seconds(&times);
    checkpoints.remove();
    let selected = states.iter().filter_map(|state| state.best.as_ref()).map(|best| best.epoch).collect();
    let resumed = states.iter().flat_map(|state| state.resumed.clone()).collect();
    let history = states.into_iter().flat_map(|state| state.history).collect();
    Ok(Trained { network, history, selected, threshold, seconds, resumed })
}

/// One network of the ensemble, and how it came about.
fn train_member(
    config: &Config,
    task: &Task,
    member: usize,
    checkpoints: &mut Checkpoints,
    progress: &mut dyn FnMut(&Epoch),
) -> Result<(Network<f32>, State), TrainError> {
    let steps = of_steps(config);
    let mut run = Run::new(&steps, task, member)?;
    let mut state = State::default();
    if let Some(found) = checkpoints.found(&mut run, member)? {
        state = found;
        state.history.iter().for_each(&mut *progress);
    }
    while state.history.len() < config.epochs && !state.waited(config.patience) {
        let epoch = state.history.len() + 1;
        epoch_of(config, &mut run, &mut state, epoch)?;
        progress(&state.history[epoch - 1]);
        checkpoints.keep(&run, &state, member)?;
    }
    if config.ensemble > 1 {
        checkpoints.leave(&run, &state, member)?;
    }
    let best = state.best.as_ref().expect("at least one epoch ran");
    let (parameters, running) = (best.parameters.clone(), best.running.clone());
    Ok((Network { parameters, running, ..run.network }, state))
}

/// One epoch, its evaluation, and whether it is the best one.
fn epoch_of(config: &Config, run: &mut Run, state: &mut State, epoch: usize) -> Result<(), TrainError> {
    let rate = config.optimiser.rate_at((epoch - 1) as f64, config.epochs);
    let (training_loss, heads) = run.epoch(epoch)?;
    let network = run.evaluated();
    let found = config.validation.then(|| run.validate(&network));
    let (loss, accuracy) = found.unwrap_or_default();
    let score = score(config.selection, epoch, loss, accuracy);
    let best = state.best.as_ref().is_none_or(|best| score < best.score);
    if best {
        state.best = Some(Best { epoch, score, parameters: network.parameters, running: network.running });
    }
    let (validation_loss, validation_accuracy) = found.unzip();
    let heads = if heads.len() > 1 { heads } else { vec![] };
    state.history.push(Epoch { epoch, rate, training_loss, validation_loss, validation_accuracy, heads, best });
    Ok(())
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
fn score(selection: Selection, epoch: usize, loss: f64, accuracy: f64) -> [f64; 2] {
    match selection {
        Selection::Loss => [loss, 0.0],
        Selection::Accuracy => [-accuracy, loss],
        Selection::Last => [-(epoch as f64), 0.0],
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
    if config.network.convolution.is_some() && task.train.shape.len() != 3 {
        let found = format!("samples of shape {:?}", task.train.shape);
        return Err(error("images [channels, height, width] for `network.convolution`", found));
    }
    Ok(())
}
