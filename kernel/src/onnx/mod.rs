//! ONNX files: refused unless understood, and translated into the network.

pub mod affine;
pub mod attribute;
pub mod batch_norm;
pub mod build;
pub mod call;
pub mod conditions;
pub mod constants;
pub mod declared;
pub mod elsewhere;
pub mod ends;
pub mod file;
pub mod form;
pub mod forms;
pub mod kinds;
pub mod ml;
pub mod moves;
pub mod nodes;
pub mod operators;
pub mod protobuf;
pub mod reductions;
pub mod schema;
pub mod sizes;
pub mod smooth;
pub mod tensor;
pub mod units;
pub mod windows;
