//! A dense layer's weights, and its exact products with vectors: the only place where speed matters.
//!
//! Every weight is an odd integer below 2²⁴ times a power of two. A product is accumulated in fixed-width integers of
//! 64-bit limbs, positive and negative terms apart, wide enough that nothing can overflow.

use crate::budget;
use crate::number::exact::{Exact, Float, pairs, same_length};
use crate::rejection::Rejection;
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};

/// A matrix `[rows × cols]`.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Number of outputs.
    pub rows: usize,
    /// Number of inputs.
    pub cols: usize,
    /// Signed mantissas, row-major, below 2⁵³ in magnitude.
    mantissas: Vec<i64>,
    /// Each weight is its mantissa · 2^(exponent + shift).
    shifts: Vec<u16>,
    exponent: i64,
    /// Bits of the largest mantissa · 2^shift.
    bits: u64,
}

/// Limbs of one number that a weight can multiply: its magnitude, and the same times 2³².
struct Digits {
    negative: bool,
    plain: Vec<u64>,
    raised: Vec<u64>,
}

impl Layer {
    /// Takes `weights` `[rows × cols]`, row-major.
    pub fn new(rows: usize, cols: usize, weights: &[Float]) -> Layer {
        let nonzero = || weights.iter().filter(|w| w.mantissa != 0);
        let exponent = nonzero().map(|w| w.exponent).min().unwrap_or(0);
        let shift = |w: &Float| if w.mantissa == 0 { 0 } else { (w.exponent - exponent) as u16 };
        let bits = nonzero().map(|w| u64::from(64 - w.mantissa.unsigned_abs().leading_zeros()) + u64::from(shift(w)));
        let bits = bits.max().unwrap_or(0);
        let shifts = weights.iter().map(shift).collect();
        Layer { rows, cols, mantissas: weights.iter().map(|w| w.mantissa).collect(), shifts, exponent, bits }
    }

    /// The sign of one weight: −1, 0 or 1.
    pub fn sign(&self, row: usize, col: usize) -> i64 {
        self.mantissas[row * self.cols + col].signum()
    }

    /// One weight.
    pub fn weight(&self, row: usize, col: usize) -> Float {
        let at = row * self.cols + col;
        Float::new(self.mantissas[at], self.exponent + i64::from(self.shifts[at]))
    }

    /// W·v for `v` of `cols` entries.
    pub fn forward(&self, v: &Exact) -> Result<Exact, Rejection> {
        let (digits, limbs) = self.digits(v, self.cols)?;
        let mut values = Vec::with_capacity(self.rows);
        let (mut up, mut down) = (vec![0; limbs], vec![0; limbs]);
        for row in 0..self.rows {
            up.fill(0);
            down.fill(0);
            for (col, digits) in digits.iter().enumerate() {
                self.accumulate(row * self.cols + col, digits, &mut up, &mut down);
            }
            values.push(difference(&up, &down));
        }
        Ok(self.scaled(v, values))
    }

    /// Wᵀ·v for `v` of `rows` entries.
    pub fn backward(&self, v: &Exact) -> Result<Exact, Rejection> {
        let (digits, limbs) = self.digits(v, self.rows)?;
        let (mut up, mut down) = (vec![0; limbs * self.cols], vec![0; limbs * self.cols]);
        for (row, digits) in digits.iter().enumerate().filter(|(_, digits)| !digits.plain.is_empty()) {
            let sums = pairs(up.chunks_exact_mut(limbs), down.chunks_exact_mut(limbs))?;
            for (col, (up, down)) in sums.enumerate() {
                self.accumulate(row * self.cols + col, digits, up, down);
            }
        }
        let sums = pairs(up.chunks_exact(limbs), down.chunks_exact(limbs))?;
        let values = sums.map(|(up, down)| difference(up, down)).collect();
        Ok(self.scaled(v, values))
    }

    fn scaled(&self, v: &Exact, values: Vec<IBig>) -> Exact {
        Exact { values, exponent: v.exponent + self.exponent, denominator: v.denominator.clone() }.trimmed()
    }

    /// The digits of `v`, which has `terms` entries, and how many limbs a sum of as many products needs.
    fn digits(&self, v: &Exact, terms: usize) -> Result<(Vec<Digits>, usize), Rejection> {
        same_length(terms, v.len())?;
        let terms = u64::from(usize::BITS - terms.leading_zeros());
        // The products are formed from limbs raised by up to 32 bits and a shift of whole limbs, hence the slack.
        let bits = v.bits() + self.bits + terms + 32;
        budget::within("exact arithmetic", "bits", bits, budget::BITS)?;
        Ok((v.values.iter().map(Digits::of).collect(), (bits / 64 + 3) as usize))
    }

    #[inline(always)]
    fn accumulate(&self, at: usize, digits: &Digits, up: &mut [u64], down: &mut [u64]) {
        let mantissa = self.mantissas[at];
        if mantissa == 0 || digits.plain.is_empty() {
            return;
        }
        let (limb, shift) = (usize::from(self.shifts[at] / 64), self.shifts[at] % 64);
        // The shift is split so that the factor stays below 2⁵³⁺¹¹ = 2⁶⁴; mantissas of 24 bits take up to 2⁵⁵.
        let sum = if (mantissa < 0) == digits.negative { up } else { down };
        let magnitude = mantissa.unsigned_abs();
        if u32::from(shift) < magnitude.leading_zeros() && shift < 32 {
            add_product(&mut sum[limb..], &digits.plain, magnitude << shift);
        } else if shift >= 32 && u32::from(shift - 32) < magnitude.leading_zeros() {
            add_product(&mut sum[limb..], &digits.raised, magnitude << (shift - 32));
        } else {
            let wide = u128::from(magnitude) << shift;
            add_product(&mut sum[limb..], &digits.plain, wide as u64);
            add_product(&mut sum[limb + 1..], &digits.plain, (wide >> 64) as u64);
        }
    }
}

impl Digits {
    fn of(value: &IBig) -> Digits {
        let (sign, magnitude) = (value.sign(), value.clone().into_parts().1);
        let raised = &magnitude << 32;
        Digits { negative: sign == Sign::Negative, plain: limbs(&magnitude), raised: limbs(&raised) }
    }
}

/// The 64-bit limbs of `value`, lowest first, none for 0.
fn limbs(value: &UBig) -> Vec<u64> {
    let mut bytes = value.to_le_bytes().into_vec();
    bytes.resize(value.bit_len().div_ceil(64) * 8, 0);
    bytes.chunks_exact(8).map(|chunk| u64::from_le_bytes(chunk.try_into().expect("8 bytes"))).collect()
}

#[inline(always)]
fn add_product(sum: &mut [u64], digits: &[u64], factor: u64) {
    let mut carry = 0_u128;
    let (low, high) = sum.split_at_mut(digits.len());
    for (i, limb) in low.iter_mut().enumerate() {
        let total = u128::from(digits[i]) * u128::from(factor) + u128::from(*limb) + carry;
        *limb = total as u64;
        carry = total >> 64;
    }
    let mut rest = high.iter_mut();
    while carry != 0 {
        let limb = rest.next().expect("sums are wide enough");
        carry += u128::from(*limb);
        *limb = carry as u64;
        carry >>= 64;
    }
}

fn difference(up: &[u64], down: &[u64]) -> IBig {
    let number = |limbs: &[u64]| {
        let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        IBig::from(UBig::from_le_bytes(&bytes))
    };
    number(up) - number(down)
}
