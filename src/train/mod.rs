//! Training of feature-convex networks f = g ∘ φ, dense and convolutional, of one head or the least of several.
//!
//! Own f32 passes on matrix products, because the gradient penalty needs the derivative of a gradient and that is an
//! explicit product of masks and matrices (see [`pass`]). Same config, data and seed give the same bits on any number
//! of threads.

pub mod architecture;
pub mod augment;
mod checkpoint;
pub mod config;
mod ensemble;
mod epoch;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod feature_map;
pub mod initialise;
pub mod logistic;
pub mod loss;
pub mod network;
pub mod optimiser;
pub mod pass;
pub mod record;
mod reseed;
mod run;
pub mod threshold;
pub mod trainer;
mod whitening;

pub use checkpoint::Resumable;
pub use config::Config;
pub use epoch::Epoch;
pub use error::TrainError;
pub use network::Network;
pub use record::Record;
pub use trainer::{Trained, joined, train};
