//! Reading certificates. A mistake here can lose a proof, never invent one: what is read is proven afterwards.

pub mod certificate;
pub mod json;
pub mod object;
pub mod slopes;
pub mod tree;
