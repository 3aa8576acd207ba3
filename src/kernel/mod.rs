//! The trusted kernel (in the making).
pub mod rejection;
