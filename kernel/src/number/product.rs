//! Exact sums of products with stored numbers: the only place where speed matters.
//!
//! A sum is accumulated in integers of 64-bit limbs, positive and negative terms apart, so wide that nothing can overflow.

use crate::budget;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::Rejection;
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};

/// Stored numbers mantissa · 2^(shift + exponent).
#[derive(Clone, Debug)]
pub struct Factors {
    /// Mantissa and shift.
    numbers: Vec<(i64, usize)>,
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
    pub fn new(numbers: &[Float]) -> Factors {
        let exponent = numbers.iter().filter(|w| w.mantissa != 0).map(|w| w.exponent).min().unwrap_or(0);
        let shift = |w: &Float| if w.mantissa == 0 { 0 } else { (w.exponent - exponent) as usize };
        let numbers: Vec<(i64, usize)> = numbers.iter().map(|w| (w.mantissa, shift(w))).collect();
        let bits = numbers.iter().map(|&(mantissa, shift)| mantissa.unsigned_abs().bit_len() + shift).max();
        Factors { numbers, exponent, bits: bits.unwrap_or(0) as u64 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The columns of a run, each with its number over 2^exponent.
    pub fn entries(&self, run: Run) -> impl Iterator<Item = (usize, IBig)> {
        let numbers = self.numbers[run.at..run.at + run.count].iter().enumerate();
        numbers.map(move |(i, &(mantissa, shift))| (run.col + i, IBig::from(mantissa) << shift))
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
                for (number, digits) in pairs(&self.numbers[at..at + count], &digits[col..col + count])? {
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
                for (number, (up, down)) in pairs(&self.numbers[at..at + count], sums)? {
                    add(number, digits, up, down);
                }
            }
        }
        let values = pairs(up.chunks_exact(limbs), down.chunks_exact(limbs))?.map(difference).collect();
        v.with(values).scaled(self.exponent, &UBig::ONE)?.trimmed()
    }

    /// The digits of `v`, and how many limbs a sum of as many products takes.
    fn digits(&self, v: &Exact) -> Result<(Vec<Digits>, usize), Rejection> {
        let bits = v.bits() + self.bits + v.len().bit_len() as u64;
        budget::bits(bits)?;
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
fn add(&(mantissa, shift): &(i64, usize), digits: &Digits, up: &mut [u64], down: &mut [u64]) {
    if mantissa == 0 {
        return;
    }
    let sum = if (mantissa < 0) == digits.negative { up } else { down };
    let (limb, shift, factor) = (shift / 64, shift as u32 % 64, mantissa.unsigned_abs());
    add_product(&mut sum[limb..], &digits.limbs, factor << shift);
    if shift > factor.leading_zeros() {
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
