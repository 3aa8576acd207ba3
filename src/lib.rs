//! **underplane** trains, certifies and audits feature-convex neural networks.
//!
//! A feature-convex classifier f = g ∘ φ lies above its tangent planes, which gives a closed-form certified radius for
//! every ℓp norm (Pfrommer, Anderson, Piet, Sojoudi, NeurIPS 2023). This crate computes that radius and others on the
//! same networks, with rigorous rounding, and cross-checks them.

#[cfg(feature = "full")]
pub mod audit;
#[cfg(feature = "full")]
pub mod data;
pub mod kernel;
#[cfg(feature = "full")]
pub mod matrix;
#[cfg(feature = "full")]
pub mod model;
#[cfg(feature = "full")]
pub mod perturbation;
#[cfg(feature = "full")]
pub mod proof;
#[cfg(feature = "full")]
pub mod radius;
#[cfg(feature = "full")]
pub mod report;
#[cfg(feature = "full")]
pub mod rounding;
#[cfg(feature = "full")]
pub mod train;
