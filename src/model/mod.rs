//! Networks: the graph, its ONNX form, its convexity, and its evaluation.

pub mod error;
pub mod graph;
mod live;
pub mod onnx;
pub mod sensitive;

pub use error::ModelError;
pub use graph::{Dense, Graph, Kink, Node, NodeId, Op};
pub use sensitive::{Sensitive, select};
