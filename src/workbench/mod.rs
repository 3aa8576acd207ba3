//! What the command line, other front ends and sharded runs share: files are read, methods run, radii proven, ties
//! settled, copies for the checkers written.
//!
//! Nothing here prints: what a user should hear goes to whoever is told, a line at a time, and progress to a tick.

mod case;
mod checkers;
pub mod claims;
mod digest;
mod given;
mod inputs;
mod model;
mod passage;
mod piped;
mod raw_scales;
mod run;
pub mod shell;
mod source;

pub use case::{Source, SourceCase};
pub use checkers::{BOX, Checkers, INPUTS, WEIGHTS};
pub use digest::{Circumstance, digest, digests, shown};
pub use given::{Given, Unit, WeightsFile};
pub use inputs::{InputFiles, Tell};
pub use model::{FOLDED, ModelFile};
pub use passage::{Passage, Place};
pub use piped::Piped;
pub use run::{Answered, Run};
pub use source::{Blocks, InputSource, Loaded};
