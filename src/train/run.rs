//! A run on its way: a pass over the training split, and what the network is worth after it.

use super::architecture::{Architecture, Convolutions};
use super::config::{Config, NetworkConfig};
use super::error::TrainError;
use super::evaluate::chunk;
use super::feature_map::FeatureMap;
use super::initialise::initialise;
use super::loss::{Batch, Found};
use super::network::{MOMENTUM, Network, Running};
use super::optimiser::Optimiser;
use super::pass::{Mode, Pass};
use super::reseed::reseed;
use crate::data::{Dataset, Task};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The state of a run.
pub struct Run<'a> {
    config: &'a Config,
    task: &'a Task,
    pub network: Network<f32>,
    pub optimiser: Optimiser,
    pub rng: ChaCha8Rng,
    pub order: Vec<usize>,
    validation: Vec<f32>,
}

impl<'a> Run<'a> {
    /// Before the first epoch of a network of the ensemble.
    ///
    /// # Errors
    /// When the network does not fit the samples.
    pub fn new(config: &'a Config, task: &'a Task, member: usize) -> Result<Self, TrainError> {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed.wrapping_add(member as u64));
        let shape = &config.network;
        let map = FeatureMap::fit(shape.feature_map, shape.centre, &task.train);
        let scale = root_mean_square(&map, &task.train);
        let architecture = architecture(shape, &map, task)?;
        let mut network = Network::zeros(map, architecture);
        initialise(shape.initialisation, &network.architecture, scale, &mut network.parameters, &mut rng);
        let mut decayed = vec![false; network.parameters.len()];
        for term in network.architecture.terms() {
            decayed[term.weight.clone()].fill(true);
        }
        let optimiser = Optimiser::new(&config.optimiser, decayed);
        let validation = network.map.apply(&task.validation.inputs);
        Ok(Run { config, task, network, optimiser, rng, order: (0..task.train.len()).collect(), validation })
    }

    /// One pass over the training split; the mean objective, and how many samples trained each head.
    ///
    /// # Errors
    /// When the run diverges.
    pub fn epoch(&mut self, epoch: usize) -> Result<(f64, Vec<usize>), TrainError> {
        self.order.shuffle(&mut self.rng);
        let steps = self.order.len().div_ceil(self.config.batch);
        let (mut total, mut heads) = (0.0, vec![0; self.network.architecture.heads()]);
        let order = self.order.clone();
        for (step, indices) in order.chunks(self.config.batch).enumerate() {
            let progress = (epoch - 1) as f64 + step as f64 / steps as f64;
            let rate = self.config.optimiser.rate_at(progress, self.config.epochs);
            let found = self.step(indices, rate);
            total += found.value * indices.len() as f64;
            heads.iter_mut().zip(found.attained).for_each(|(all, more)| *all += more);
        }
        let mean = total / order.len() as f64;
        // A NaN weight can hide behind a ReLU, so the weights themselves are looked at.
        let finite = self.network.parameters.iter().all(|p| p.is_finite());
        if !mean.is_finite() || !finite {
            let what = if finite { format!("the loss is {mean}") } else { "a parameter is not finite".into() };
            return Err(TrainError::Diverged { epoch, what });
        }
        if self.config.network.reseed && epoch < self.config.epochs {
            reseed(&mut self.network, &heads, &mut self.rng);
        }
        Ok((mean, heads))
    }

    /// What is evaluated and kept: the weights, or their average.
    pub fn evaluated(&self) -> Network<f32> {
        let average = &self.optimiser.moments.average;
        let parameters = if average.is_empty() { &self.network.parameters } else { average };
        Network { parameters: parameters.clone(), ..self.network.clone() }
    }

    fn step(&mut self, indices: &[usize], rate: f64) -> Found {
        let inputs = self.config.augmentation.apply(&self.task.train, indices, &mut self.rng);
        let psi: Vec<f32> = self.network.map.apply(&inputs);
        let sensitive: Vec<bool> = indices.iter().map(|&i| self.task.train.sensitive[i]).collect();
        let signs = signs(self.network.architecture.batch_norm(), indices.len(), &mut self.rng);
        let batch = Batch { psi: &psi, sensitive: &sensitive, signs: &signs, range: self.range() };
        let mut gradient = vec![0.0f32; self.network.parameters.len()];
        let found = self.config.loss.gradient(&self.network, &batch, &mut gradient);
        self.optimiser.step(&mut self.network.parameters, &gradient, rate);
        self.network.architecture.project(&mut self.network.parameters);
        self.optimiser.average(&self.network.parameters);
        self.take_statistics(&found.statistics, indices.len());
        found
    }

    /// Moves the running means and variances towards a batch's.
    fn take_statistics(&mut self, statistics: &[Vec<Running>], samples: usize) {
        let architecture = &self.network.architecture;
        for ((norm, seen), running) in architecture.norms().zip(statistics).zip(&mut self.network.running) {
            let count = (samples * architecture.size(norm.from) / norm.channels) as f64;
            for (running, seen) in running.iter_mut().zip(seen) {
                let unbiased = seen.variance * count / (count - 1.0).max(1.0);
                *running = Running {
                    mean: (1.0 - MOMENTUM) * running.mean + MOMENTUM * seen.mean,
                    variance: (1.0 - MOMENTUM) * running.variance + MOMENTUM * unbiased,
                };
            }
        }
    }

    /// The box that margins know of.
    fn range(&self) -> Option<[f64; 2]> {
        self.task.range.map(|(low, high)| [f64::from(low), f64::from(high)])
    }

    /// Objective and accuracy of a network on the validation split, at inference.
    pub fn validate(&self, network: &Network<f32>) -> (f64, f64) {
        let inputs = network.architecture.inputs();
        let split: &Dataset = &self.task.validation;
        let (mut total, mut right) = (0.0, 0);
        // Of the batch's size, because the batch penalty grows with it.
        let chunk = if self.config.loss.frobenius > 0.0 { self.config.batch } else { chunk(network) };
        for (psi, sensitive) in self.validation.chunks(chunk * inputs).zip(split.sensitive.chunks(chunk)) {
            let signs = vec![1.0; sensitive.len()];
            let batch = Batch { psi, sensitive, signs: &signs, range: self.range() };
            total += self.config.loss.value(network, &batch, Mode::Inference) * sensitive.len() as f64;
            let pass = Pass::new(network, psi, Mode::Inference);
            right += pass.least().iter().zip(sensitive).filter(|&(&f, &s)| (f > 0.0) == s).count();
        }
        (total / split.len() as f64, right as f64 / split.len() as f64)
    }
}

/// What the config asks for, on samples of the task's shape.
fn architecture(shape: &NetworkConfig, map: &FeatureMap, task: &Task) -> Result<Architecture, TrainError> {
    let Some(wanted) = &shape.convolution else {
        return Ok(Architecture::dense(map.size(), &shape.hidden, shape.batch_norm, shape.heads));
    };
    let [channels, height, width] = task.train.shape[..] else { unreachable!("images have been asked for") };
    let input = [channels * map.size() / map.centre().len().max(1), height, width];
    let convolutions = Convolutions {
        input,
        channels: wanted.channels,
        depth: wanted.depth,
        kernels: wanted.kernels,
        stride: wanted.stride,
        passthrough: wanted.passthrough,
    };
    Architecture::convolutional(&convolutions, shape.batch_norm, shape.heads).ok_or_else(|| TrainError::Data {
        task: task.name.clone(),
        expected: "images that hold the windows of `network.convolution`".into(),
        found: format!("samples of shape {:?}", task.train.shape),
    })
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
