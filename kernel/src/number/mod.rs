//! Integers, dyadic numbers and exact products: no rounding but one, to binary32.

pub mod binary32;
pub mod exact;
pub mod power;
pub mod product;
