//! What can be wrong with a model.

use std::path::{Path, PathBuf};

/// Why a model could not be read or built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file could not be opened, read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not an ONNX model.
    #[error("not a readable ONNX model: {0}")]
    Decode(String),
    /// What is wrong, with the file it is wrong in.
    #[error("{path}: {error}")]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: Box<ModelError>,
    },
    /// The model as a whole (its opset, inputs, outputs …) is not one that can be read or written.
    #[error("{0}")]
    Model(String),
    /// A stored tensor is malformed.
    #[error("tensor `{tensor}`: {what}")]
    Tensor {
        /// Name of the tensor.
        tensor: String,
        /// What is wrong with it.
        what: String,
    },
    /// The model uses something that is not supported.
    #[error("node `{node}`: {what}")]
    Unsupported {
        /// Node name.
        node: String,
        /// What is not supported.
        what: String,
    },
    /// Shapes, sizes or counts do not fit.
    #[error("node `{node}`: expected {expected}, found {found}")]
    Shape {
        /// Node name.
        node: String,
        /// What the operation needs.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A constant is NaN or infinite.
    #[error("node `{node}`: {place} is {value}")]
    NotFinite {
        /// Node name.
        node: String,
        /// Which entry.
        place: String,
        /// Its value.
        value: f64,
    },
}

impl ModelError {
    pub(crate) fn shape(node: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        ModelError::Shape { node: node.into(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn unsupported(node: &str, what: impl Into<String>) -> Self {
        ModelError::Unsupported { node: node.into(), what: what.into() }
    }

    pub(crate) fn tensor(tensor: &str, what: impl Into<String>) -> Self {
        ModelError::Tensor { tensor: tensor.into(), what: what.into() }
    }

    /// The same error with the file's name in front; an error that names a file already stays as it is.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            ModelError::File { .. } | ModelError::In { .. } => self,
            error => ModelError::In { path: path.into(), error: Box::new(error) },
        }
    }

    pub(crate) fn not_finite(node: &str, place: String, value: f64) -> Self {
        ModelError::NotFinite { node: node.into(), place, value }
    }
}
