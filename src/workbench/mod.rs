//! What the command line, other front ends and sharded runs share: files are read, methods run, radii proven, ties
//! settled, copies for the checkers written.
//!
//! Nothing here prints: what a user should hear goes to whoever is told, a line at a time, and progress to a tick.

mod case;
mod checkers;
pub mod claims;
mod columns;
mod digest;
mod given;
mod inputs;
mod model;
mod proofs;
pub mod shell;
mod ties;

pub use case::{Source, SourceCase};
pub use checkers::{Checkers, INPUTS, WEIGHTS};
pub use columns::Column;
pub use digest::{Circumstance, digest, digests};
pub use given::{Given, WeightsFile};
pub use inputs::{InputFiles, Loaded, Tell};
pub use model::ModelFile;
pub use proofs::Proofs;
