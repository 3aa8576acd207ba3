//! The user's arrays: what is certified.

pub mod read;
pub mod sample_shape;
pub mod uint8;

pub use read::Inputs;
pub use uint8::Uint8;
