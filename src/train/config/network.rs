//! `[network]` of a config.

use crate::train::feature_map::{Centre, FeatureKind};
use crate::train::initialise::Initialisation;
use serde::{Deserialize, Serialize};

/// `[network]`: the shape of f = g ∘ φ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// φ (default `centred`).
    pub feature_map: FeatureKind,
    /// What μ is the mean of (default `channel`).
    pub centre: Centre,
    /// Inputs are whitened by the training split's covariance with so much added to every standardised variance; the affine
    /// map is multiplied into the weights at the end. Only with the identity (default: not at all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whiten: Option<f64>,
    /// Units of the hidden layers (default `[200, 64]`); not used with `convolution`.
    pub hidden: Vec<usize>,
    /// A convolutional network for images, in place of dense layers (default: none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub convolution: Option<ConvolutionConfig>,
    /// f is the least of so many heads (default 1).
    pub heads: usize,
    /// After an epoch, heads that no training sample had begin again beside the one that most had (default false).
    pub reseed: bool,
    /// Batch-norms (default false): a scalar one after each ReLU of dense layers, one per channel before each convolution and
    /// the readout.
    pub batch_norm: bool,
    /// Starting weights (default `principled`).
    pub initialisation: Initialisation,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        NetworkConfig {
            feature_map: FeatureKind::Centred,
            centre: Centre::Channel,
            whiten: None,
            hidden: vec![200, 64],
            convolution: None,
            heads: 1,
            reseed: false,
            batch_norm: false,
            initialisation: Initialisation::Principled,
        }
    }
}

/// `network.convolution`: a convolution of free sign and ReLU, then residual blocks relu(A∗z + z), then one readout per head.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvolutionConfig {
    /// Channels of every convolution's result (default 16).
    pub channels: usize,
    /// Number of residual blocks (default 4).
    pub depth: usize,
    /// Rows and columns of the first convolution's window and of the others' (default `[11, 3]`).
    pub kernels: [usize; 2],
    /// From one place of the first window to the next (default 1).
    pub stride: usize,
    /// Every block also sees φ(x), through a convolution like the first one (default false).
    pub passthrough: bool,
}

impl Default for ConvolutionConfig {
    fn default() -> Self {
        ConvolutionConfig { channels: 16, depth: 4, kernels: [11, 3], stride: 1, passthrough: false }
    }
}
