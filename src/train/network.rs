//! f = g ∘ φ with weights.

use super::architecture::{Architecture, Norm};
use super::feature_map::FeatureMap;
use crate::matrix::Scalar;

/// Added to a batch's variance before the root is taken.
pub const VARIANCE_FLOOR: f64 = 1e-5;
/// Weight of the newest batch in the running mean and variance.
pub const MOMENTUM: f64 = 0.1;

/// Running statistics of one channel of a batch-norm, for inference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

impl Running {
    /// Before any batch.
    pub const START: Running = Running { mean: 0.0, variance: 1.0 };
}

/// f = g ∘ φ with weights; f is the least of g's heads.
#[derive(Clone, Debug)]
pub struct Network<T> {
    /// φ.
    pub map: FeatureMap,
    /// What g is made of.
    pub architecture: Architecture,
    /// `[architecture.parameters()]`.
    pub parameters: Vec<T>,
    /// Of every batch-norm, a channel after the other.
    pub running: Vec<Vec<Running>>,
}

impl<T: Scalar> Network<T> {
    /// A network with every parameter 0 and every gain 1.
    pub fn zeros(map: FeatureMap, architecture: Architecture) -> Self {
        let mut parameters = vec![T::ZERO; architecture.parameters()];
        for norm in architecture.norms() {
            parameters[norm.gains()].fill(T::ONE);
        }
        let running = architecture.norms().map(|norm| vec![Running::START; norm.channels]).collect();
        Network { map, architecture, parameters, running }
    }

    /// What a batch-norm does at inference, as (a, b) of y = a·z + b per channel, each rounded to f32 once, as the exported
    /// model stores them.
    pub fn inference_norm(&self, norm: &Norm) -> Vec<(f32, f32)> {
        let (gains, biases) = self.parameters[norm.at.clone()].split_at(norm.channels);
        let constants = |((gain, bias), running): ((&T, &T), &Running)| {
            let scale = gain.wide() / (running.variance + VARIANCE_FLOOR).sqrt();
            (scale as f32, (bias.wide() - running.mean * scale) as f32)
        };
        gains.iter().zip(biases).zip(&self.running[norm.number]).map(constants).collect()
    }

    /// The same network in another precision.
    pub fn cast<S: Scalar>(&self) -> Network<S> {
        Network {
            map: self.map.clone(),
            architecture: self.architecture.clone(),
            parameters: self.parameters.iter().map(|&p| S::of(p.wide())).collect(),
            running: self.running.clone(),
        }
    }
}
