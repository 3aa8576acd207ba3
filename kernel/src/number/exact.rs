//! Vectors of exact rationals with one power of two and one odd-or-even denominator for all entries.

use crate::budget;
use crate::rejection::{Code, Rejection};
use dashu_int::ops::{BitTest, Gcd};
use dashu_int::{IBig, UBig};

/// The entries values[i] · 2^exponent / denominator.
#[derive(Clone, Debug)]
pub struct Exact {
    /// Integers.
    pub values: Vec<IBig>,
    /// Power of two.
    pub exponent: i64,
    /// Positive.
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

    /// Numbers mantissa · 2^exponent.
    pub fn dyadics(numbers: &[Float]) -> Exact {
        let exponent = numbers.iter().filter(|n| n.mantissa != 0).map(|n| n.exponent).min().unwrap_or(0);
        let shifted = |n: &Float| match n.mantissa {
            0 => IBig::ZERO,
            mantissa => IBig::from(mantissa) << (n.exponent - exponent) as usize,
        };
        Exact { values: numbers.iter().map(shifted).collect(), exponent, denominator: UBig::ONE }
    }

    /// The same scale for other integers.
    pub fn with(&self, values: Vec<IBig>) -> Exact {
        Exact { values, exponent: self.exponent, denominator: self.denominator.clone() }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.values.len()
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
    pub fn rescaled(&self, exponent: i64, denominator: &UBig) -> Result<Exact, Rejection> {
        self.with(self.values.clone()).scaled(exponent, denominator)
    }

    /// The same.
    pub fn scaled(mut self, exponent: i64, denominator: &UBig) -> Result<Exact, Rejection> {
        self.exponent = power(self.exponent.checked_add(exponent))?;
        self.denominator *= denominator;
        Ok(self)
    }

    /// Brings all to one scale: the least common denominator, and the least power of two of those that are not zero.
    pub fn unify(parts: &mut [&mut Exact]) -> Result<(), Rejection> {
        let mut denominator = UBig::ONE;
        for part in parts.iter() {
            let common = (&denominator).gcd(&part.denominator);
            denominator *= &part.denominator / common;
            budget::within("exact arithmetic", "bits", denominator.bit_len() as u64, budget::BITS)?;
        }
        let exponent = parts.iter().filter(|part| !part.is_zero()).map(|part| part.exponent).min().unwrap_or(0);
        for part in parts {
            part.multiply(&(&denominator / &part.denominator))?;
            part.refine(exponent)?;
        }
        Ok(())
    }

    /// Brings both to one scale.
    pub fn align(&mut self, other: &mut Exact) -> Result<(), Rejection> {
        Exact::unify(&mut [self, other])
    }

    /// Rewrites with the power of two `exponent`, which is not above the present one unless all entries are 0.
    fn refine(&mut self, exponent: i64) -> Result<(), Rejection> {
        if self.is_zero() {
            self.exponent = exponent;
            return Ok(());
        }
        let shift = u64::try_from(power(self.exponent.checked_sub(exponent))?).expect("a finer scale");
        budget::within("exact arithmetic", "bits", shift, budget::BITS)?;
        budget::within("exact arithmetic", "bits", self.bits() + shift, budget::BITS)?;
        if shift > 0 {
            self.values.iter_mut().for_each(|v| *v <<= shift as usize);
            self.exponent = exponent;
        }
        Ok(())
    }

    /// Multiplies numerator and denominator by `factor`.
    fn multiply(&mut self, factor: &UBig) -> Result<(), Rejection> {
        if factor.is_one() {
            return Ok(());
        }
        budget::within("exact arithmetic", "bits", self.bits() + factor.bit_len() as u64, budget::BITS)?;
        self.values.iter_mut().for_each(|v| *v *= factor);
        self.denominator *= factor;
        Ok(())
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
        budget::within("exact arithmetic", "bits", self.bits() + other.bits(), budget::BITS)?;
        let values = match (self.len(), other.len()) {
            (_, 1) => self.values.iter().map(|a| a * &other.values[0]).collect(),
            _ => pairs(&self.values, &other.values)?.map(|(a, b)| a * b).collect(),
        };
        self.with(values).scaled(other.exponent, &other.denominator)?.trimmed()
    }

    /// Σ of the entries, as one entry.
    pub fn sum(&self) -> Exact {
        self.with(vec![self.values.iter().sum()])
    }

    /// Σ aᵢ·bᵢ.
    pub fn dot(&self, other: &Exact) -> Result<Exact, Rejection> {
        Ok(self.times(other)?.sum())
    }

    /// Moves a common power of two into the exponent.
    pub fn trimmed(mut self) -> Result<Exact, Rejection> {
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
    /// Power of two.
    pub exponent: i64,
}

impl Float {
    /// 0.
    pub const ZERO: Float = Float { mantissa: 0, exponent: 0 };
    /// 1.
    pub const ONE: Float = Float { mantissa: 1, exponent: 0 };

    /// With the mantissa made odd.
    pub fn new(mantissa: i64, exponent: i64) -> Float {
        match mantissa {
            0 => Float::ZERO,
            _ => {
                let zeros = mantissa.trailing_zeros();
                Float { mantissa: mantissa >> zeros, exponent: exponent + i64::from(zeros) }
            }
        }
    }

    /// From the bits of an IEEE 754 binary32; `None` for NaN and the infinities.
    pub fn binary32(bits: u32) -> Option<Float> {
        let fraction = i64::from(bits & 0x7f_ffff);
        Float::parts(bits >> 31 == 1, i64::from(bits >> 23 & 0xff), fraction, 23, 0xff)
    }

    /// From the bits of an IEEE 754 binary64; `None` for NaN and the infinities.
    pub fn binary64(bits: u64) -> Option<Float> {
        let fraction = (bits & 0xf_ffff_ffff_ffff) as i64;
        Float::parts(bits >> 63 == 1, (bits >> 52 & 0x7ff) as i64, fraction, 52, 0x7ff)
    }

    fn parts(negative: bool, biased: i64, fraction: i64, width: i64, special: i64) -> Option<Float> {
        if biased == special {
            return None;
        }
        let bias = special / 2 + width;
        let (mantissa, exponent) = match biased {
            0 => (fraction, 1 - bias),
            _ => (fraction | 1 << width, biased - bias),
        };
        Some(Float::new(if negative { -mantissa } else { mantissa }, exponent))
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
