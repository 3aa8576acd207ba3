//! Vectors of exact rationals with one power of two and one denominator for all entries.

use crate::budget;
use crate::number::exponential::quotient;
use crate::rejection::{Code, Rejection};
use dashu_int::ops::{BitTest, Gcd};
use dashu_int::{IBig, UBig};

/// The entries values[i] · 2^exponent / denominator, denominator > 0.
#[derive(Clone, Debug)]
pub struct Exact {
    pub values: Vec<IBig>,
    pub exponent: i64,
    pub denominator: UBig,
}

impl Exact {
    /// `count` zeros.
    pub fn zeros(count: usize) -> Exact {
        Exact::integers(vec![IBig::ZERO; count])
    }

    /// Integers as they are.
    pub fn integers(values: Vec<IBig>) -> Exact {
        Exact { values, exponent: 0, denominator: UBig::ONE }
    }

    /// Stored numbers.
    pub fn dyadics(numbers: &[Float]) -> Exact {
        let exponent = numbers.iter().filter(|n| n.mantissa != 0).map(|n| n.exponent).min().unwrap_or(0);
        let shifted = |n: &Float| match n.mantissa {
            0 => IBig::ZERO,
            mantissa => IBig::from(mantissa) << (n.exponent - exponent) as usize,
        };
        Exact { values: numbers.iter().map(shifted).collect(), exponent, denominator: UBig::ONE }
    }

    /// Other integers on the same scale.
    pub fn with(&self, values: Vec<IBig>) -> Exact {
        Exact { values, exponent: self.exponent, denominator: self.denominator.clone() }
    }

    /// The same, of each integer.
    pub fn map(&self, new: impl Fn(&IBig) -> IBig) -> Exact {
        self.with(self.values.iter().map(new).collect())
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The integer of entry `i`, or of the only one.
    pub fn at(&self, i: usize) -> &IBig {
        &self.values[if self.len() == 1 { 0 } else { i }]
    }

    /// Bits of the largest integer, the denominator included.
    pub fn bits(&self) -> u64 {
        let largest = self.values.iter().map(BitTest::bit_len).max().unwrap_or(0);
        largest.max(self.denominator.bit_len()) as u64
    }

    /// Whether every entry is 0.
    pub fn is_zero(&self) -> bool {
        self.values.iter().all(IBig::is_zero)
    }

    /// Every entry times 2^exponent/denominator.
    pub fn scaled(mut self, exponent: i64, denominator: &UBig) -> Result<Exact, Rejection> {
        self.exponent = power(self.exponent.checked_add(exponent))?;
        self.denominator *= denominator;
        Ok(self)
    }

    /// Every entry rounded to a multiple of 2^−places, up or down.
    pub fn rounded(&self, places: usize, up: bool) -> Result<Exact, Rejection> {
        let shift = power(self.exponent.checked_add(places as i64))?;
        budget::bits(self.bits().saturating_add(shift.unsigned_abs()))?;
        let (wider, divisor) = (shift.max(0) as usize, &self.denominator << shift.min(0).unsigned_abs() as usize);
        let round = |v: &IBig| quotient(&(v << wider), &divisor, up);
        Ok(Exact { exponent: -(places as i64), denominator: UBig::ONE, ..self.map(round) })
    }

    /// Brings all to one scale: the least common denominator, and the least power of two of those that are not zero.
    pub fn unify(parts: &mut [&mut Exact]) -> Result<(), Rejection> {
        let mut denominator = UBig::ONE;
        for part in parts.iter() {
            let common = (&denominator).gcd(&part.denominator);
            denominator *= &part.denominator / common;
            budget::bits(denominator.bit_len() as u64)?;
        }
        let exponent = parts.iter().filter(|part| !part.is_zero()).map(|part| part.exponent).min().unwrap_or(0);
        for part in parts {
            let factor = &denominator / &part.denominator;
            if !part.is_zero() {
                let shift = power(part.exponent.checked_sub(exponent))?.unsigned_abs();
                let growth = (&factor - UBig::ONE).bit_len() as u64 + shift;
                budget::bits(part.bits().saturating_add(growth))?;
                if !factor.is_one() {
                    part.values.iter_mut().for_each(|v| *v *= &factor);
                }
                if shift > 0 {
                    part.values.iter_mut().for_each(|v| *v <<= shift as usize);
                }
            }
            (part.exponent, part.denominator) = (exponent, denominator.clone());
        }
        Ok(())
    }

    /// Brings both to one scale.
    pub fn align(&mut self, other: &mut Exact) -> Result<(), Rejection> {
        Exact::unify(&mut [self, other])
    }

    /// Entrywise sum.
    pub fn plus(mut self, mut other: Exact) -> Result<Exact, Rejection> {
        self.align(&mut other)?;
        pairs(&mut self.values, other.values)?.for_each(|(a, b)| *a += b);
        Ok(self)
    }

    /// Entrywise difference.
    pub fn minus(self, other: Exact) -> Result<Exact, Rejection> {
        self.plus(other.negated())
    }

    /// Entrywise −x.
    pub fn negated(mut self) -> Exact {
        self.values.iter_mut().for_each(|v| *v = -std::mem::take(v));
        self
    }

    /// Entrywise product; a vector of one entry multiplies every entry.
    pub fn times(&self, other: &Exact) -> Result<Exact, Rejection> {
        budget::bits(self.bits() + other.bits())?;
        let values = match (self.len(), other.len()) {
            (_, 1) => self.values.iter().map(|a| a * &other.values[0]).collect(),
            _ => pairs(&self.values, &other.values)?.map(|(a, b)| a * b).collect(),
        };
        self.with(values).scaled(other.exponent, &other.denominator)?.trimmed()
    }

    /// Σ aᵢ·bᵢ, as one entry.
    pub fn dot(&self, other: &Exact) -> Result<Exact, Rejection> {
        let products = self.times(other)?;
        Ok(products.with(vec![products.values.iter().sum()]))
    }

    /// Moves a common power of two into the exponent; refuses what is too large.
    pub fn trimmed(mut self) -> Result<Exact, Rejection> {
        budget::bits(self.bits())?;
        let zeros = self.values.iter().filter_map(IBig::trailing_zeros).min().unwrap_or(0);
        if zeros > 0 {
            self.values.iter_mut().for_each(|v| *v >>= zeros);
            self.exponent = power(self.exponent.checked_add(zeros as i64))?;
        }
        Ok(self)
    }
}

/// A power of two that is small enough to be computed with.
fn power(exponent: Option<i64>) -> Result<i64, Rejection> {
    let refuse = || Rejection::new(Code::TooLarge, "exact arithmetic", "a power of two of 64 bits", "a larger one");
    exponent.ok_or_else(refuse)
}

/// Both side by side. They must be of one length: nothing may fall off the end unseen.
pub fn pairs<A, B>(a: A, b: B) -> Result<std::iter::Zip<A::IntoIter, B::IntoIter>, Rejection>
where
    A: IntoIterator<IntoIter: ExactSizeIterator>,
    B: IntoIterator<IntoIter: ExactSizeIterator>,
{
    let (a, b) = (a.into_iter(), b.into_iter());
    same_length(a.len(), b.len())?;
    Ok(a.zip(b))
}

/// Refuses vectors of different lengths.
pub fn same_length(expected: usize, found: usize) -> Result<(), Rejection> {
    if expected == found {
        return Ok(());
    }
    Err(Rejection::new(Code::ShapeMismatch, "exact arithmetic", format!("{expected} entries"), found.to_string()))
}

/// mantissa · 2^exponent, mantissa odd or 0: what a finite binary float is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Float {
    /// Signed, below 2^53 in magnitude.
    pub mantissa: i64,
    pub exponent: i64,
}

impl Float {
    pub const ZERO: Float = Float { mantissa: 0, exponent: 0 };
    pub const ONE: Float = Float { mantissa: 1, exponent: 0 };

    /// With the mantissa made odd.
    pub fn new(mantissa: i64, exponent: i64) -> Float {
        if mantissa == 0 {
            return Float::ZERO;
        }
        let zeros = mantissa.trailing_zeros();
        Float { mantissa: mantissa >> zeros, exponent: exponent + i64::from(zeros) }
    }

    /// From the bits of an IEEE 754 binary16; `None` for NaN and the infinities.
    pub fn binary16(bits: u16) -> Option<Float> {
        Float::binary(u64::from(bits), 5, 10)
    }

    /// From the bits of an IEEE 754 binary32; `None` for NaN and the infinities.
    pub fn binary32(bits: u32) -> Option<Float> {
        Float::binary(u64::from(bits), 8, 23)
    }

    /// From the bits of an IEEE 754 binary64; `None` for NaN and the infinities.
    pub fn binary64(bits: u64) -> Option<Float> {
        Float::binary(bits, 11, 52)
    }

    /// A sign, then `exponent` bits, then `fraction` bits.
    fn binary(bits: u64, exponent: u32, fraction: u32) -> Option<Float> {
        let special = (1 << exponent) - 1;
        let (biased, low) = ((bits >> fraction & special) as i64, (bits & ((1 << fraction) - 1)) as i64);
        let bias = special as i64 / 2 + i64::from(fraction);
        let (mantissa, power) = match biased {
            0 => (low, 1 - bias),
            _ if biased == special as i64 => return None,
            _ => (low | 1 << fraction, biased - bias),
        };
        let negative = bits >> (exponent + fraction) == 1;
        Some(Float::new(if negative { -mantissa } else { mantissa }, power))
    }

    /// Whether it is larger than `other`.
    pub fn exceeds(self, other: Float) -> bool {
        let pair = Exact::dyadics(&[self, other]);
        pair.values[0] > pair.values[1]
    }

    /// −x.
    pub fn negated(self) -> Float {
        Float { mantissa: -self.mantissa, exponent: self.exponent }
    }
}
