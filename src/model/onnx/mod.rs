//! ONNX in and out.

mod batch_norm;
mod call;
mod elementwise;
pub(crate) mod exact;
mod integers;
mod join;
mod kinks;
mod layers;
mod layout;
#[cfg(test)]
mod mutations;
mod operators;
mod pick;
mod proto;
mod reader;
mod stored;
mod tensor;
mod writer;

pub use reader::{decode, read};
pub use writer::{encode, write};
