//! Real datasets: readers, splits, preprocessing.

pub mod dataset;

pub use dataset::{Dataset, Task};
