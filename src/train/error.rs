//! What can go wrong in a training run.

use crate::model::ModelError;
use std::path::PathBuf;

/// Why a run could not start or finish.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The config is not readable TOML, or has an unknown or ill-typed key.
    #[error("{source_name}: {message}")]
    Syntax {
        /// File or bundled task.
        source_name: String,
        /// The parser's message, with line and key.
        message: String,
    },
    /// A value in the config makes no sense.
    #[error("{source_name}: `{key}`: expected {expected}, found {found}")]
    Value {
        /// File or bundled task.
        source_name: String,
        /// Dotted key.
        key: String,
        /// What would be accepted.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The samples do not fit the config.
    #[error("task `{task}`: expected {expected}, found {found}")]
    Data {
        /// The task.
        task: String,
        /// What training needs.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Loss or parameters are no longer finite.
    #[error("training diverged in epoch {epoch} ({what}): lower `optimiser.rate`")]
    Diverged {
        /// From 1.
        epoch: usize,
        /// What is not finite.
        what: String,
    },
    /// The state that a run was to take up is not one of it.
    #[error("{path}: expected {expected}, found {found}; without --resume the run begins again")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What would be accepted.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The network cannot be expressed as a model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
