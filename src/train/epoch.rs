//! The history of a run.

use serde::{Deserialize, Serialize};

/// What one epoch left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// The learning rate at its start.
    pub rate: f64,
    /// Mean of the objective over its training batches.
    pub training_loss: f64,
    /// The objective on the validation split after it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation split after it, at threshold 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// How many training samples each head had in it, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<usize>,
    /// Is this the best checkpoint so far?
    pub best: bool,
}
