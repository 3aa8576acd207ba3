//! Real datasets and users' inputs: readers, splits, preprocessing.

pub mod arff;
pub mod cifar;
pub mod content;
pub mod dataset;
pub mod delimiter;
pub mod error;
pub mod export;
pub mod fetch;
pub mod idx;
pub mod import;
pub mod inputs;
pub mod npy;
pub mod preparation;
pub(crate) mod records;
pub mod sources;
pub mod split;
pub mod store;
pub mod table;
mod tar;
pub mod tasks;
mod whitening;

pub use dataset::{Column, Dataset, Task};
pub use delimiter::Delimiter;
pub use error::{DataError, Place};
pub use inputs::bounds::{Bounds, NamedBox};
pub use inputs::label::Label;
pub use inputs::label_file::read_labels;
pub use inputs::npz::member;
pub use inputs::read::{open_array, read_inputs, spool};
pub use inputs::reading::Reading;
pub use inputs::{InputOptions, Inputs, check_box};
pub use preparation::Preparation;
pub use store::data_dir;
pub use tasks::{OwnTable, load_own, load_task, task_names};
pub use whitening::Whitening;
