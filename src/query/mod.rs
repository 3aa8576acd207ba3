//! What every method is asked: one network, one sample, one attacker.

pub mod coordinate;
pub mod parts;
pub mod perturbation;
pub mod reach;
pub mod separable;
mod weights;
pub mod witness;

pub use perturbation::{Perturbation, Range};
pub use witness::Witness;
