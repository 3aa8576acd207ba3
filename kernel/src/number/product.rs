//! Exact sums of products with stored numbers: the only place where speed matters.
//!
//! Every number is an odd integer below 2²⁴ (2⁵³ for binary64) times a power of two. A sum is accumulated in fixed-width
//! integers of 64-bit limbs, positive and negative terms apart, wide enough that nothing can overflow.

use crate::budget;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::Rejection;
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};

/// Stored numbers, each its mantissa · 2^(exponent + shift).
#[derive(Clone, Debug)]
pub struct Factors {
    /// Signed, below 2⁵³ in magnitude.
    mantissas: Vec<i64>,
    shifts: Vec<u16>,
    exponent: i64,
    /// Bits of the largest mantissa · 2^shift.
    bits: u64,
}

/// Limbs of one number that a factor can multiply: its magnitude, and the same times 2³².
struct Digits {
    negative: bool,
    plain: Vec<u64>,
    raised: Vec<u64>,
}

/// Consecutive columns of a row, and the first of as many numbers that multiply them.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The first column.
    pub col: usize,
    /// Place of its number.
    pub at: usize,
    /// How many.
    pub count: usize,
}

impl Factors {
    /// Takes the numbers as they are.
    pub fn new(numbers: &[Float]) -> Factors {
        let nonzero = || numbers.iter().filter(|w| w.mantissa != 0);
        let exponent = nonzero().map(|w| w.exponent).min().unwrap_or(0);
        let over = |w: &Float| u16::try_from(w.exponent - exponent).expect("the exponents of floats differ by less");
        let shift = |w: &Float| if w.mantissa == 0 { 0 } else { over(w) };
        let bits = nonzero().map(|w| u64::from(64 - w.mantissa.unsigned_abs().leading_zeros()) + u64::from(shift(w)));
        let bits = bits.max().unwrap_or(0);
        let shifts = numbers.iter().map(shift).collect();
        Factors { mantissas: numbers.iter().map(|w| w.mantissa).collect(), shifts, exponent, bits }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.mantissas.len()
    }

    /// The power of two that all of them share.
    pub fn exponent(&self) -> i64 {
        self.exponent
    }

    /// The columns of a run, each with its number over that power.
    pub fn entries(&self, run: Run) -> impl Iterator<Item = (usize, IBig)> {
        let number = |at: usize| IBig::from(self.mantissas[at]) << usize::from(self.shifts[at]);
        (0..run.count).map(move |i| (run.col + i, number(run.at + i)))
    }

    /// Entry `row` of `rows` is the sum of number·v[col] over the runs of `runs(row)`, in which no column stands twice.
    pub fn forward<I: Iterator<Item = Run>>(
        &self,
        v: &Exact,
        rows: usize,
        runs: impl Fn(usize) -> I,
    ) -> Result<Exact, Rejection> {
        let (digits, limbs) = self.digits(v)?;
        let mut values = Vec::with_capacity(rows);
        let (mut up, mut down) = (vec![0; limbs], vec![0; limbs]);
        for row in 0..rows {
            up.fill(0);
            down.fill(0);
            for Run { col, at, count } in runs(row) {
                for (factor, digits) in pairs(self.run(at, count)?, &digits[col..col + count])? {
                    accumulate(factor, digits, &mut up, &mut down);
                }
            }
            values.push(difference(&up, &down));
        }
        v.with(values).scaled(self.exponent, &UBig::ONE)?.trimmed()
    }

    /// The transpose: entry `col` of `cols` is the sum of number·v[row] over all rows with the column in `runs(row)`.
    pub fn backward<I: Iterator<Item = Run>>(
        &self,
        v: &Exact,
        cols: usize,
        runs: impl Fn(usize) -> I,
    ) -> Result<Exact, Rejection> {
        let (digits, limbs) = self.digits(v)?;
        let (mut up, mut down) = (vec![0; limbs * cols], vec![0; limbs * cols]);
        for (row, digits) in digits.iter().enumerate().filter(|(_, digits)| !digits.plain.is_empty()) {
            for Run { col, at, count } in runs(row) {
                let own = col * limbs..(col + count) * limbs;
                let sums = pairs(up[own.clone()].chunks_exact_mut(limbs), down[own].chunks_exact_mut(limbs))?;
                for (factor, (up, down)) in pairs(self.run(at, count)?, sums)? {
                    accumulate(factor, digits, up, down);
                }
            }
        }
        let sums = pairs(up.chunks_exact(limbs), down.chunks_exact(limbs))?;
        let values = sums.map(|(up, down)| difference(up, down)).collect();
        v.with(values).scaled(self.exponent, &UBig::ONE)?.trimmed()
    }

    /// Mantissas and shifts.
    #[inline(always)]
    fn run(&self, at: usize, count: usize) -> Result<impl ExactSizeIterator<Item = (&i64, &u16)>, Rejection> {
        pairs(&self.mantissas[at..at + count], &self.shifts[at..at + count])
    }

    /// The digits of `v`, and how many limbs a sum of as many products needs.
    fn digits(&self, v: &Exact) -> Result<(Vec<Digits>, usize), Rejection> {
        let terms = u64::from(usize::BITS - v.len().leading_zeros());
        // The products are formed from limbs raised by up to 32 bits and a shift of whole limbs, hence the slack.
        let bits = v.bits() + self.bits + terms + 32;
        budget::within("exact arithmetic", "bits", bits, budget::BITS)?;
        Ok((v.values.iter().map(Digits::of).collect(), (bits / 64 + 3) as usize))
    }
}

/// Adds factor times digits to `up`, or its negative to `down`.
#[inline(always)]
fn accumulate((mantissa, shift): (&i64, &u16), digits: &Digits, up: &mut [u64], down: &mut [u64]) {
    if *mantissa == 0 || digits.plain.is_empty() {
        return;
    }
    let (limb, shift) = (usize::from(shift / 64), shift % 64);
    // The shift is split so that the factor stays below 2⁵³⁺¹¹ = 2⁶⁴; mantissas of 24 bits take up to 2⁵⁵.
    let sum = if (*mantissa < 0) == digits.negative { up } else { down };
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
