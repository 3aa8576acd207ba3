//! Integers, dyadic numbers and exact products: no rounding anywhere.

pub mod exact;
pub mod power;
pub mod product;
