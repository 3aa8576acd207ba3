//! Files made at random, and what the kernel, the reader and onnxruntime make of them. `fuzz/README.md` says how to run
//! the comparison.

pub mod bound;
pub mod cases;
pub mod compare;
pub mod link;
pub mod readings;
pub mod stored;
