//! Exact sums of products with stored numbers: the only place where speed matters.
//!
//! A sum is accumulated in integers of 64-bit limbs, positive and negative terms apart, so wide that nothing can overflow.

use crate::budget;
use crate::number::exact::{Exact, Float, pairs};
use crate::number::floats::Floats;
use crate::rejection::Rejection;
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};

/// Stored numbers, integers times 2^exponent.
#[derive(Clone, Debug)]
pub struct Factors {
    pub numbers: Floats,
    pub exponent: i64,
    /// Bits of the largest integer.
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
    pub fn new(numbers: Floats) -> Factors {
        let others = || numbers.iter().filter(|number| number.mantissa != 0);
        let exponent = others().map(|number| number.exponent).min().unwrap_or(0);
        let bits = |number: Float| number.mantissa.unsigned_abs().bit_len() + over(number, exponent);
        let bits = others().map(bits).max().unwrap_or(0) as u64;
        Factors { numbers, exponent, bits }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The columns of a run, each with its number over 2^exponent.
    pub fn entries(&self, run: Run) -> impl Iterator<Item = (usize, IBig)> {
        let integer = |number: Float| IBig::from(number.mantissa) << over(number, self.exponent);
        (0..run.count).map(move |i| (run.col + i, integer(self.numbers.at(run.at + i))))
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
                for (at, digits) in pairs(at..at + count, &digits[col..col + count])? {
                    self.add(at, digits, &mut up, &mut down);
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
                for (at, (up, down)) in pairs(at..at + count, sums)? {
                    self.add(at, digits, up, down);
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
        // No sum reaches 2^bits, so no carry leaves these limbs, and no term starts behind them.
        Ok((v.values.iter().map(Digits::of).collect(), bits as usize / 64 + 1))
    }

    /// Adds number `at` times digits to `up`, or its negative to `down`.
    #[inline(always)]
    fn add(&self, at: usize, digits: &Digits, up: &mut [u64], down: &mut [u64]) {
        let number = self.numbers.at(at);
        if number.mantissa == 0 {
            return;
        }
        let sum = if (number.mantissa < 0) == digits.negative { up } else { down };
        let (shift, factor) = (over(number, self.exponent), number.mantissa.unsigned_abs());
        let (limb, shift) = (shift / 64, (shift % 64) as u32);
        // The factor's shift may take it over the end of a limb.
        add_product(&mut sum[limb..], &digits.limbs, factor << shift);
        if shift > factor.leading_zeros() {
            add_product(&mut sum[limb + 1..], &digits.limbs, factor >> (64 - shift));
        }
    }
}

/// The power of two by which a number exceeds 2^exponent, which none that is not 0 falls below.
fn over(number: Float, exponent: i64) -> usize {
    match number.mantissa {
        0 => 0,
        _ => usize::try_from(number.exponent - exponent).expect("the least exponent"),
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
