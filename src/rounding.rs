//! Rigorous upper and lower bounds from ordinary `f64` arithmetic.
//!
//! Two tools only: a-priori bounds that hold for any order of summation, with or without fused operations
//! (|fl(Σ a_i b_i) − Σ a_i b_i| ≤ γ_n Σ|a_i b_i|, γ_n = n·u/(1 − n·u), Higham, *Accuracy and Stability of Numerical
//! Algorithms*, §3.1), and one step outward after a single rounded operation.

use crate::matrix::vectorized;

/// Unit roundoff of `f64`, 2⁻⁵³.
pub const UNIT: f64 = f64::EPSILON / 2.0;

/// More than the error of one operation that underflows.
pub const TINY: f64 = f64::MIN_POSITIVE;

/// An upper bound of γ_n.
pub fn gamma(n: usize) -> f64 {
    let nu = n as f64 * UNIT;
    assert!(nu < 0.5, "a sum of {n} terms is beyond the error bound");
    (nu / (1.0 - nu)) * (1.0 + 4.0 * UNIT)
}

/// x + y, rounded up.
pub fn add_up(x: f64, y: f64) -> f64 {
    (x + y).next_up()
}

/// x − y, rounded down.
pub fn sub_down(x: f64, y: f64) -> f64 {
    (x - y).next_down()
}

/// x · y, rounded up; exactly 0 when a factor is 0.
pub fn mul_up(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { 0.0 } else { (x * y).next_up() }
}

/// x / y for y > 0, rounded up.
pub fn div_up(x: f64, y: f64) -> f64 {
    if x == 0.0 { 0.0 } else { (x / y).next_up() }
}

/// x / y for x ≥ 0, y > 0, rounded down and never below 0.
pub fn div_down(x: f64, y: f64) -> f64 {
    let quotient = x / y;
    if quotient == f64::INFINITY && x.is_finite() { f64::MAX } else { quotient.next_down().max(0.0) }
}

/// An upper bound of the sum of nonnegative terms; 0 only when all of them are 0.
pub fn sum_up(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0_f64, 0_usize);
    for term in terms {
        sum += term;
        count += 1;
    }
    if sum == 0.0 || count == 1 { sum } else { (sum * (1.0 + gamma(count + 1))).next_up() }
}

/// Sums of squares between these neither overflow nor hide what underflows in them.
const PLAIN: std::ops::Range<f64> = 1e-200..1e200;

/// An upper bound of √(Σ v_i²) from the computed sum of `count` squares, whatever its order, where that is enough.
pub fn norm2_of_squares(sum: f64, count: usize) -> Option<f64> {
    let up = |sum: f64| (sum * (1.0 + gamma(count + 4)) + count as f64 * TINY).sqrt().next_up();
    (count > 1 && PLAIN.contains(&sum)).then(|| up(sum))
}

/// An upper bound of √(Σ v_i²).
pub fn norm2_up(values: &[f64]) -> f64 {
    if let Some(norm) = norm2_of_squares(lane_sum(values, |v| v * v), values.len()) {
        return norm;
    }
    let largest = max_abs(values);
    if largest == 0.0 || !largest.is_finite() || values.len() == 1 {
        return largest;
    }
    // Squares neither overflow nor lose more than TINY each once the largest entry is near 1.
    let scale = power_of_two_near(largest);
    let inverse = 1.0 / scale;
    let squares = lane_sum(values, |v| (v * inverse) * (v * inverse));
    let n = values.len();
    let bound = squares * (1.0 + gamma(n + 6)) + 4.0 * n as f64 * TINY;
    (bound.sqrt().next_up() * scale).next_up()
}

/// An upper bound of Σ|v_i|; 0 only when all of them are 0.
pub fn norm1_up(values: &[f64]) -> f64 {
    let sum = lane_sum(values, f64::abs);
    if values.len() == 1 {
        sum
    } else if sum == 0.0 {
        0.0
    } else {
        (sum * (1.0 + gamma(values.len() + 1))).next_up()
    }
}

/// Σ f(v_i) in several lanes: the order of a sum does not matter to its error bound, and lanes vectorise.
fn lane_sum(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += f(v);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&v| f(v)).sum::<f64>()
}

/// max |v_i|, exactly; NaN when an entry is NaN.
pub fn max_abs(values: &[f64]) -> f64 {
    // NaN and ∞ compare above everything once the sign bit is gone, as integers do.
    let magnitude = |v: f64| v.to_bits() & !(1 << 63);
    let (chunks, rest) = values.as_chunks::<32>();
    let mut largest = [0_u64; 32];
    vectorized(
        #[inline(always)]
        || {
            let mut lanes = [0_u64; 32];
            for chunk in chunks {
                for lane in 0..32 {
                    lanes[lane] = magnitude(chunk[lane]).max(lanes[lane]);
                }
            }
            largest = lanes;
        },
    );
    f64::from_bits(rest.iter().map(|&v| magnitude(v)).chain(largest).max().unwrap_or(0))
}

/// A power of two within a factor 4 of `x` whose inverse is finite, for `x` > 0.
pub fn power_of_two_near(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i64 - 1023;
    let exponent = exponent.clamp(-1000, 1000);
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Bits of the fractional part of an exponent that [`pow_up`] keeps.
const FRACTION_BITS: i32 = 50;

/// An upper bound of x^e for x ≥ 0 and e ≥ 0, from multiplications and (correctly rounded) square roots alone.
///
/// The exponent is rounded to a multiple of 2⁻⁵⁰ in the direction that makes the power larger.
pub fn pow_up(x: f64, e: f64) -> f64 {
    debug_assert!(x >= 0.0 && e >= 0.0);
    if x == 0.0 {
        return if e == 0.0 { 1.0 } else { 0.0 };
    }
    let whole = e.floor();
    let grid = 2.0_f64.powi(FRACTION_BITS);
    let scaled = (e - whole) * grid;
    let mut fraction = if x > 1.0 { scaled.ceil() } else { scaled.floor() } as u64;
    let mut result = integer_power_up(x, whole);
    // The next bit is set when the fraction was rounded up to 1.
    if fraction >> FRACTION_BITS == 1 {
        result = (result * x).next_up();
        fraction = 0;
    }
    let mut root = x;
    for bit in (0..FRACTION_BITS).rev() {
        root = root.sqrt().next_up();
        if fraction >> bit & 1 == 1 {
            result = (result * root).next_up();
        }
        if fraction & ((1 << bit) - 1) == 0 {
            break;
        }
    }
    result
}

fn integer_power_up(x: f64, e: f64) -> f64 {
    if e > 1e15 {
        return if x <= 1.0 { x } else { f64::INFINITY };
    }
    let (mut e, mut base, mut result) = (e as u64, x, 1.0_f64);
    while e > 0 {
        if e & 1 == 1 {
            result = (result * base).next_up();
        }
        e >>= 1;
        if e > 0 {
            base = (base * base).next_up();
        }
    }
    result
}

/// An upper bound of (Σ|v_i|^q)^{1/q} for the exact q ≥ `q_low` ≥ 1 (the norm falls as q rises).
pub fn power_norm_up(values: &[f64], q_low: f64) -> f64 {
    let largest = max_abs(values);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let sum = sum_up(values.iter().map(|v| pow_up((v.abs() / largest).next_up().min(1.0), q_low)));
    let inverse = (1.0 / q_low).next_up();
    (largest * pow_up(sum.max(1.0), inverse)).next_up()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_are_above_and_near() {
        for x in [1e-300, 1e-9, 0.3, 0.999, 1.0, 1.5, 784.0, 1e20] {
            for e in [0.0, 0.1, 0.5, 1.0, 1.25, 3.0, 7.7] {
                let (bound, value) = (pow_up(x, e), x.powf(e));
                assert!(bound >= value * (1.0 - 1e-15), "{x}^{e}: {bound} below {value}");
                assert!(bound <= value * (1.0 + 1e-11) + 1e-300, "{x}^{e}: {bound} far above {value}");
            }
        }
        assert_eq!(pow_up(0.0, 2.0), 0.0);
    }

    proptest! {
        #[test]
        fn euclidean_norm_is_an_upper_bound(values in prop::collection::vec(-1e3..1e3_f64, 0..50), scale in -300..300) {
            let values: Vec<f64> = values.iter().map(|v| v * 10.0_f64.powi(scale)).collect();
            let bound = norm2_up(&values);
            let largest = max_abs(&values);
            let naive = if largest == 0.0 { 0.0 } else {
                largest * values.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt()
            };
            prop_assert!(bound >= naive * (1.0 - 1e-14));
            prop_assert!(bound <= naive * (1.0 + 1e-12) + 1e-290);
        }

        #[test]
        fn power_norm_agrees_with_the_special_cases(values in prop::collection::vec(-5.0..5.0_f64, 1..40)) {
            let two = norm2_up(&values);
            let general = power_norm_up(&values, 2.0);
            prop_assert!((general - two).abs() <= 1e-11 * two);
            let one: f64 = values.iter().map(|v| v.abs()).sum();
            prop_assert!((power_norm_up(&values, 1.0) - one).abs() <= 1e-11 * one);
            prop_assert!(power_norm_up(&values, 1.0) >= one * (1.0 - 1e-15));
        }
    }
}
