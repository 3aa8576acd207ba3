//! **underplane** trains, certifies and audits feature-convex neural networks.
//!
//! A feature-convex classifier f = g ∘ φ lies above its tangent planes, which gives a closed-form certified radius for
//! every ℓp norm (Pfrommer, Anderson, Piet, Sojoudi, NeurIPS 2023). This crate computes that radius and others on the
//! same networks, with rigorous rounding, and cross-checks them.

pub mod attack;
pub mod audit;
pub mod claims;
pub mod data;
mod elementary;
pub mod files;
pub mod matrix;
pub mod memory;
pub mod model;
pub mod norm;
pub mod proof;
pub mod query;
pub mod radius;
pub mod regress;
pub mod report;
pub mod rounding;
pub mod separation;
pub mod stream;
pub mod train;
pub mod workbench;
