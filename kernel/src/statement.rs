//! What a certificate states.

use crate::inputs::uint8::Uint8;
use crate::logit::Logit;
use crate::number::exact::Exact;

/// The attacker's norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Σ |δᵢ|.
    L1,
    /// √Σ δᵢ².
    L2,
    /// max |δᵢ|.
    Inf,
    /// p = P/Q in lowest terms, neither 1 nor 2.
    Fraction(usize, usize),
}

/// Where the attacker may go, as the kernel computes with it.
#[derive(Clone, Debug)]
pub struct Region {
    /// One entry; `None` for unbounded.
    pub radius: Option<Exact>,
    /// The two ends of the box.
    pub range: Option<Exact>,
    /// Whether the sphere is left out.
    pub open: bool,
}

/// What a valid certificate proves, in the words of its own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Index of the input.
    pub input: u64,
    /// `l1`, `l2`, `linf`, `lp:P`.
    pub norm: String,
    /// Class, output and threshold.
    pub logit: Logit,
    /// Whether the norm is weighted, by the weights that the checker's user named.
    pub weighted: bool,
    /// What bytes mean, if the inputs are bytes.
    pub uint8: Uint8,
    /// Ends of the box.
    pub range: Option<(String, String)>,
    /// Whether the sphere is left out.
    pub open: bool,
    /// Every point within this distance has f > 0; `unbounded` for every point at all.
    pub radius: Option<String>,
    /// Some point within this distance has f ≤ 0.
    pub upper: Option<String>,
}
