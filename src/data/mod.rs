//! Real datasets and users' inputs: readers, splits, preprocessing.

pub mod arff;
pub mod atomic;
pub mod cifar;
pub mod content;
mod csv_inputs;
pub mod dataset;
pub mod error;
pub mod export;
pub mod fetch;
mod heading;
pub mod idx;
pub mod import;
pub mod inputs;
pub mod label;
pub mod missing;
pub mod npy;
mod npz_inputs;
pub mod reading;
pub(crate) mod records;
pub mod sample_shape;
pub mod sources;
pub mod split;
pub mod store;
pub mod table;
mod tar;
pub mod tasks;
pub mod weights;

pub use dataset::{Column, Dataset, Task};
pub use error::{DataError, Place};
pub use inputs::{InputOptions, Inputs, check_box, read_inputs};
pub use label::{Label, read_labels};
pub use npz_inputs::member;
pub use reading::Reading;
pub use store::data_dir;
pub use tasks::{OwnTable, load_own, load_task, task_names};
