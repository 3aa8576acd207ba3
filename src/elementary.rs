//! Exponential and logarithm of our own, with proven error bounds: a library's have none.
//!
//! Both bounds come from the same parts, with u = 2⁻⁵³: an argument reduced exactly up to a few u, a series whose rest is below
//! u/1000, and Horner's rule with 2n roundings on n terms of falling size. [`RELATIVE`] is more than all of it.

use crate::rounding::TINY;

/// 2⁻⁴⁵, above the relative error of every function here (each below 100·2⁻⁵³).
pub const RELATIVE: f64 = 1.0 / (1_u64 << 45) as f64;

/// ln 2 in two parts; the first has 33 bits, so that its products with up to 11 bits are exact.
const LN_2: [f64; 2] = [f64::from_bits(0x3fe6_2e42_fee0_0000), 1.908_214_929_270_587_7e-10];

/// e^−x for x ≥ 0, within RELATIVE · e^−x + TINY; NaN for NaN.
///
/// x = k·ln 2 + r with |r| < 0.35, up to 3u; Taylor's polynomial of degree 15.
pub fn exp_minus(x: f64) -> f64 {
    if x > 708.0 {
        // Below 2⁻¹⁰²¹ = 2·TINY.
        return 0.5 * TINY;
    }
    let k = (x * std::f64::consts::LOG2_E).round();
    let r = (x - k * LN_2[0]) - k * LN_2[1];
    let sum = (1..=15).rev().fold(1.0, |sum, n| 1.0 - sum * r / f64::from(n));
    // A normal power of two.
    sum * f64::from_bits(((1023.0 - k) as u64) << 52)
}

/// ln(1 + y) for 0 ≤ y ≤ 1, within RELATIVE · ln(1 + y); NaN for NaN.
pub fn ln_1p(y: f64) -> f64 {
    twice_artanh(y / (2.0 + y))
}

/// ln w for finite w > 0, within RELATIVE · |ln w|; NaN for NaN.
///
/// w = 2^k·m with m between √½ and √2; for k ≠ 0, k·ln 2 and ln m are at most twice as large as their sum.
pub fn ln(w: f64) -> f64 {
    let (w, less) = if w < f64::MIN_POSITIVE { (w * (1_u64 << 54) as f64, 54.0) } else { (w, 0.0) };
    if !(w > 0.0 && w.is_finite()) {
        return f64::NAN;
    }
    let exponent = (w.to_bits() >> 52) as i32 - 1023;
    let m = f64::from_bits(w.to_bits() & !(0x7ff << 52) | 1023 << 52);
    let (m, k) = if m > std::f64::consts::SQRT_2 { (0.5 * m, exponent + 1) } else { (m, exponent) };
    (f64::from(k) - less) * std::f64::consts::LN_2 + twice_artanh((m - 1.0) / (m + 1.0))
}

/// 2·artanh z for |z| ≤ 1/3, up to z³⁷.
fn twice_artanh(z: f64) -> f64 {
    let square = z * z;
    let sum = (0..=18).rev().fold(0.0, |sum, n| sum * square + 1.0 / f64::from(2 * n + 1));
    2.0 * z * sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounding::TINY;
    use proptest::prelude::*;

    /// Much closer to the library's than the bounds are, which are 2⁸ roundings wide: the library's are good to a few.
    fn near(a: f64, b: f64, tiny: f64) -> bool {
        (a - b).abs() <= 0.5 * RELATIVE * b.abs() + tiny
    }

    proptest! {
        #[test]
        fn agree_with_the_library(x in 0.0..800.0_f64, y in 0.0..=1.0_f64, small in -320.0..0.0_f64, w in -1000.0..1000.0_f64) {
            prop_assert!(near(exp_minus(x), (-x).exp(), TINY), "exp -{x}");
            prop_assert!(near(exp_minus(x / 1e3), (-x / 1e3).exp(), 0.0), "exp -{x}/1000");
            prop_assert!(near(ln_1p(y), y.ln_1p(), 0.0), "ln 1 + {y}");
            let tiny = 10_f64.powf(small);
            prop_assert!(near(ln_1p(tiny), tiny.ln_1p(), TINY), "ln 1 + {tiny}");
            for w in [w.exp2(), tiny, y] {
                prop_assert!(w == 0.0 || near(ln(w), w.ln(), 0.0), "ln {w}");
            }
        }
    }

    #[test]
    fn ends_and_nan() {
        assert_eq!([exp_minus(0.0), ln(1.0), ln_1p(0.0)], [1.0, 0.0, 0.0]);
        assert!(exp_minus(f64::INFINITY) <= TINY && exp_minus(708.0) > 0.0);
        assert!([exp_minus(f64::NAN), ln_1p(f64::NAN), ln(f64::NAN), ln(-1.0), ln(0.0)].iter().all(|v| v.is_nan()));
    }
}
