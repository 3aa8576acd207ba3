//! The input-convex network g that is trained, its parameters in one flat vector.

use super::feature_map::FeatureMap;
use crate::matrix::Scalar;
use std::ops::Range;

/// Added to a batch's variance before the root is taken.
pub const VARIANCE_FLOOR: f64 = 1e-5;
/// Weight of the newest batch in the running mean and variance.
pub const MOMENTUM: f64 = 0.1;
/// A batch-norm's gain never falls below this: it multiplies convex functions.
pub const GAIN_FLOOR: f64 = 1e-3;

/// Sizes of g: t₀ = U₀ψ + b₀, t_k = A_k z_{k−1} + U_k ψ + b_k, z_k = norm(relu(t_k)), g = t_L (one row).
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    inputs: usize,
    layers: Vec<Layer>,
    parameters: usize,
}

/// Where one layer's parameters lie in the flat vector; all matrices row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Number of units.
    pub rows: usize,
    /// Number of units of the layer below (0 for the first).
    pub below: usize,
    /// A `[rows × below]`, never negative.
    pub hidden: Range<usize>,
    /// U `[rows × inputs]`, of free sign.
    pub pass: Range<usize>,
    /// b `[rows]`.
    pub bias: Range<usize>,
    /// The scalar batch-norm's gain (never below [`GAIN_FLOOR`]); its bias is the entry after it.
    pub gain: Option<usize>,
}

impl Architecture {
    /// `inputs` coordinates of ψ, the units of every hidden layer, and whether a scalar batch-norm follows each.
    pub fn new(inputs: usize, hidden: &[usize], batch_norm: bool) -> Self {
        let mut next = 0;
        let mut take = |count: usize| {
            next += count;
            next - count..next
        };
        let mut layers = Vec::new();
        let mut below = 0;
        for (k, &rows) in hidden.iter().chain([&1]).enumerate() {
            let (hidden_range, pass, bias) = (take(rows * below), take(rows * inputs), take(rows));
            let gain = (batch_norm && k < hidden.len()).then(|| take(2).start);
            layers.push(Layer { rows, below, hidden: hidden_range, pass, bias, gain });
            below = rows;
        }
        Architecture { inputs, layers, parameters: next }
    }

    /// Coordinates of ψ.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Hidden layers and, last, the output.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Length of the flat parameter vector.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Does a batch-norm couple the samples of a batch?
    pub fn batch_norm(&self) -> bool {
        self.layers.iter().any(|layer| layer.gain.is_some())
    }

    /// Replaces what would break convexity: negative hidden weights by 0, gains below the floor by the floor.
    pub fn project<T: Scalar>(&self, parameters: &mut [T]) {
        for layer in &self.layers {
            for weight in &mut parameters[layer.hidden.clone()] {
                // Written so that −0 becomes 0 too; NaN stays, and is reported as a divergence.
                if *weight <= T::ZERO {
                    *weight = T::ZERO;
                }
            }
            if let Some(gain) = layer.gain {
                let floor = T::of(GAIN_FLOOR);
                if parameters[gain] < floor {
                    parameters[gain] = floor;
                }
            }
        }
    }
}

/// Running statistics of one scalar batch-norm, for inference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

/// f = g ∘ φ with weights.
#[derive(Clone, Debug)]
pub struct Network<T> {
    /// φ.
    pub map: FeatureMap,
    /// Sizes of g.
    pub architecture: Architecture,
    /// `[architecture.parameters()]`.
    pub parameters: Vec<T>,
    /// One per hidden layer when there is batch-norm, else empty.
    pub running: Vec<Running>,
}

impl<T: Scalar> Network<T> {
    /// A network with every parameter 0 and every gain 1.
    pub fn zeros(map: FeatureMap, hidden: &[usize], batch_norm: bool) -> Self {
        let architecture = Architecture::new(map.size(), hidden, batch_norm);
        let mut parameters = vec![T::ZERO; architecture.parameters()];
        for layer in architecture.layers() {
            if let Some(gain) = layer.gain {
                parameters[gain] = T::ONE;
            }
        }
        let running = vec![Running { mean: 0.0, variance: 1.0 }; if batch_norm { hidden.len() } else { 0 }];
        Network { map, architecture, parameters, running }
    }

    /// What layer `k`'s batch-norm does at inference, as (a, b) of y = a·z + b, each rounded to f32 once, as the
    /// exported model stores them. `None` without batch-norm.
    pub fn inference_norm(&self, k: usize) -> Option<(f32, f32)> {
        let gain = self.architecture.layers()[k].gain?;
        let (scale, bias) = (self.parameters[gain].wide(), self.parameters[gain + 1].wide());
        let root = (self.running[k].variance + VARIANCE_FLOOR).sqrt();
        Some(((scale / root) as f32, (bias - self.running[k].mean * scale / root) as f32))
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
