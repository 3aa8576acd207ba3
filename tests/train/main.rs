//! Training: gradients and whole runs.

mod gradients;
mod runs;
