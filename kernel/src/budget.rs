//! Limits that are checked before any arithmetic (FORMAT.md, "Budgets").

use crate::rejection::{Code, Rejection};

/// Bytes of a model file.
pub const MODEL_BYTES: u64 = 1 << 30;
/// Bytes of an inputs file.
pub const INPUTS_BYTES: u64 = 4 << 30;
/// Bytes of one certificate line.
pub const LINE_BYTES: u64 = 64 << 20;
/// Lines of a certificate file.
pub const LINES: u64 = 10_000_000;
/// Nodes of a model.
pub const NODES: u64 = 100_000;
/// Entries of one vector.
pub const ENTRIES: u64 = 1 << 24;
/// Weights of all layers, and entries of all vectors.
pub const WEIGHTS: u64 = 1 << 28;
/// Characters of a number.
pub const CHARACTERS: u64 = 1_200;
/// Characters of a claimed radius.
pub const CLAIM_CHARACTERS: u64 = 5_000;
/// Power of ten of a claimed radius, either way.
pub const CLAIM_POWER: u64 = 5_000;
/// Nodes of a certificate's tree.
pub const TREE_NODES: u64 = 1 << 18;
/// Splits above one leaf.
pub const TREE_DEPTH: u64 = 10_000;
/// Strings, lists and objects of one certificate line.
pub const VALUES: u64 = 1 << 22;
/// Bits of an exact number.
pub const BITS: u64 = 1 << 16;
/// Largest numerator and denominator of P in `lp:P`.
pub const EXPONENT: u64 = 64;

/// Refuses `found` above `most`.
pub fn within(place: &str, what: &str, found: u64, most: u64) -> Result<(), Rejection> {
    if found <= most {
        return Ok(());
    }
    Err(Rejection::new(Code::TooLarge, place, format!("at most {most} {what}"), found.to_string()))
}

/// Refuses exact numbers of more than `BITS` bits.
pub fn bits(found: u64) -> Result<(), Rejection> {
    within("exact arithmetic", "bits", found, BITS)
}
