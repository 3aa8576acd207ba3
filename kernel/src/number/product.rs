//! Exact sums of products with stored numbers: the only place where speed matters.
//!
//! A sum is accumulated in integers of 64-bit limbs, positive and negative terms apart, so wide that nothing can overflow.

use crate::budget;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::Rejection;
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};
use std::ops::Range;

/// Stored numbers mantissa · 2^(shift + exponent).
#[derive(Clone, Debug)]
pub struct Factors {
    pub mantissas: Vec<i64>,
    shifts: Vec<u16>,
    pub exponent: i64,
    /// Bits of the largest mantissa · 2^shift.
    bits: u64,
}

/// Consecutive columns of a row, the first of which is `col`, and as many numbers that multiply them, from `at` on.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub col: usize,
    pub at: usize,
    pub count: usize,
}

impl Factors {
    /// Takes the numbers as they are.
    pub fn new(numbers: impl Iterator<Item = Float> + Clone) -> Factors {
        let exponent = numbers.clone().filter(|w| w.mantissa != 0).map(|w| w.exponent).min().unwrap_or(0);
        let over = |w: Float| u16::try_from(w.exponent - exponent).expect("the exponents of floats differ by less");
        let shifts: Vec<u16> = numbers.clone().map(|w| if w.mantissa == 0 { 0 } else { over(w) }).collect();
        let mantissas: Vec<i64> = numbers.map(|w| w.mantissa).collect();
        let bits = |at: usize| mantissas[at].unsigned_abs().bit_len() as u64 + u64::from(shifts[at]);
        let bits = (0..shifts.len()).map(bits).max().unwrap_or(0);
        Factors { mantissas, shifts, exponent, bits }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.mantissas.len()
    }

    /// The columns of a run, each with its number over 2^exponent.
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
        let (mut up, mut down) = (vec![0; limbs], vec![0; limbs]);
        let mut values = Vec::with_capacity(rows);
        for row in 0..rows {
            up.fill(0);
            down.fill(0);
            for Run { col, at, count } in runs(row) {
                for (number, digits) in pairs(self.numbers(at..at + count)?, &digits[col..col + count])? {
                    add(number, digits, &mut up, &mut down);
                }
            }
            values.push(difference((&up, &down)));
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
        for (row, digits) in digits.iter().enumerate().filter(|(_, digits)| !digits.limbs.is_empty()) {
            for Run { col, at, count } in runs(row) {
                let own = col * limbs..(col + count) * limbs;
                let sums = pairs(up[own.clone()].chunks_exact_mut(limbs), down[own].chunks_exact_mut(limbs))?;
                for (number, (up, down)) in pairs(self.numbers(at..at + count)?, sums)? {
                    add(number, digits, up, down);
                }
            }
        }
        let values = pairs(up.chunks_exact(limbs), down.chunks_exact(limbs))?.map(difference).collect();
        v.with(values).scaled(self.exponent, &UBig::ONE)?.trimmed()
    }

    /// Mantissas and shifts.
    fn numbers(&self, own: Range<usize>) -> Result<impl ExactSizeIterator<Item = (&i64, &u16)>, Rejection> {
        pairs(&self.mantissas[own.clone()], &self.shifts[own])
    }

    /// The digits of `v`, and how many limbs a sum of as many products takes.
    fn digits(&self, v: &Exact) -> Result<(Vec<Digits>, usize), Rejection> {
        let bits = v.bits() + self.bits + v.len().bit_len() as u64;
        budget::bits(bits)?;
        // No sum reaches 2^bits, so no carry leaves these limbs, and no term starts behind them.
        Ok((v.values.iter().map(Digits::of).collect(), bits as usize / 64 + 1))
    }
}

/// A number: its sign, and the limbs of its magnitude, lowest first, none for 0.
struct Digits {
    negative: bool,
    limbs: Vec<u64>,
}

impl Digits {
    fn of(value: &IBig) -> Digits {
        let (sign, magnitude) = value.clone().into_parts();
        let mut bytes = magnitude.to_le_bytes().into_vec();
        bytes.resize(magnitude.bit_len().div_ceil(64) * 8, 0);
        let limb = |chunk: &[u8]| u64::from_le_bytes(chunk.try_into().expect("8 bytes"));
        Digits { negative: sign == Sign::Negative, limbs: bytes.chunks_exact(8).map(limb).collect() }
    }
}

/// Adds mantissa · 2^shift times digits to `up`, or its negative to `down`.
#[inline(always)]
fn add((mantissa, shift): (&i64, &u16), digits: &Digits, up: &mut [u64], down: &mut [u64]) {
    if *mantissa == 0 {
        return;
    }
    let sum = if (*mantissa < 0) == digits.negative { up } else { down };
    let (limb, shift, factor) = (usize::from(shift / 64), shift % 64, mantissa.unsigned_abs());
    // The factor's shift may take it over the end of a limb.
    add_product(&mut sum[limb..], &digits.limbs, factor << shift);
    if u32::from(shift) > factor.leading_zeros() {
        add_product(&mut sum[limb + 1..], &digits.limbs, factor >> (64 - shift));
    }
}

fn difference((up, down): (&[u64], &[u64])) -> IBig {
    let number = |limbs: &[u64]| {
        let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        IBig::from(UBig::from_le_bytes(&bytes))
    };
    number(up) - number(down)
}

/// Adds digits · factor.
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
