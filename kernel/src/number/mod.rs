//! Integers, dyadic numbers and exact products; rounding only where a name says so.

pub mod binary32;
pub mod exact;
pub mod exponential;
pub mod floats;
pub mod power;
pub mod product;
