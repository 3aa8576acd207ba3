//! Real datasets and users' inputs: readers, splits, preprocessing.

pub mod atomic;
pub mod content;
mod csv_inputs;
pub mod dataset;
pub mod error;
pub mod inputs;
pub mod label;
pub mod npy;
mod records;

pub use dataset::{Dataset, Task};
pub use error::{DataError, Place};
pub use inputs::{InputOptions, Inputs, check_box, read_inputs};
pub use label::{Label, read_labels};
