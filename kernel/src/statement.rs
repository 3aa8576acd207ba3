//! What a certificate states.

use crate::bounds::Bounds;
use crate::inputs::uint8::Uint8;
use crate::logit::Logit;
use crate::number::exact::{Exact, Float};
use crate::rejection::Rejection;
use crate::weights::Weights;
use dashu_int::IBig;
use std::fmt;

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
    /// The box: its lower ends and its upper ones.
    pub range: Option<[Ends; 2]>,
    /// Whether the sphere is left out.
    pub open: bool,
}

/// Ends of the box on one side: one for all coordinates, or one for each, which may be missing.
#[derive(Clone, Debug)]
pub struct Ends {
    /// 0 stands for a missing one.
    places: Exact,
    missing: Vec<bool>,
}

impl Ends {
    /// The same for all coordinates, one entry.
    pub fn same(place: Exact) -> Ends {
        Ends { places: place, missing: vec![false] }
    }

    /// One for each coordinate.
    pub fn each(ends: &[Option<Float>]) -> Ends {
        let places: Vec<Float> = ends.iter().map(|end| end.unwrap_or(Float::ZERO)).collect();
        Ends { places: Exact::dyadics(&places), missing: ends.iter().map(Option::is_none).collect() }
    }

    /// The places of all ends, for another scale.
    pub fn places(&self) -> Exact {
        self.places.clone()
    }

    /// Whether both are the same for all coordinates, and at one place.
    pub fn is(&self, other: &Ends) -> Result<bool, Rejection> {
        let apart = self.places.clone().minus(other.places.clone())?;
        Ok(apart.is_zero() && self.missing == other.missing)
    }

    /// The end of coordinate `i` among `places`, which are those of all ends on some scale.
    pub fn of<'a>(&self, places: &'a Exact, i: usize) -> Option<&'a IBig> {
        let missing = self.missing[if self.missing.len() == 1 { 0 } else { i }];
        (!missing).then(|| places.at(i))
    }
}

/// The box, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatedBox {
    /// The two ends of every coordinate.
    Ends(String, String),
    /// That of a file, by its SHA-256: the one that the checker's user named.
    File(String),
}

/// `LO,HI`, or the digest.
impl fmt::Display for StatedBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatedBox::Ends(low, high) => write!(f, "{low},{high}"),
            StatedBox::File(digest) => write!(f, "sha256:{digest}"),
        }
    }
}

/// What the checker's user says about the attacker, beside norm and radius.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attacker<'a> {
    /// The weights of every norm.
    pub weights: Option<&'a Weights>,
    /// The box of a file.
    pub bounds: Option<&'a Bounds>,
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
    /// The box.
    pub range: Option<StatedBox>,
    /// Whether the sphere is left out.
    pub open: bool,
    /// Every point within this distance has f > 0; `unbounded` for every point at all.
    pub radius: Option<String>,
    /// Some point within this distance has f ≤ 0.
    pub upper: Option<String>,
}
