//! Two normal numbers of 64 random bits, by operations that every machine rounds the same way.

use std::f32::consts::FRAC_PI_2;

/// 2⁻³², the unit of the bits.
const UNIT: f32 = 1.0 / 4_294_967_296.0;

/// √(−2 ln u)·(cos θ, sin θ) for u = (`low` + ½)·2⁻³² and an angle θ of `high`·2⁻³² turns, but for one that is always the
/// same, within about 10⁻⁶ (where u is near 1, so that the numbers are near 0: within 5·10⁻⁵).
///
/// Source: Box and Muller, *A note on the generation of random normal deviates*, 1958; the polynomials are those of
/// Moshier's Cephes library in single precision. Nothing is fused, so that vectors of it are the same numbers.
#[inline(always)]
pub fn normal_pair(low: u32, high: u32) -> (f32, f32) {
    let length = (-2.0 * ln((low as f32 + 0.5) * UNIT)).max(0.0).sqrt();
    // An eighth of a turn to either side, and quarters of one.
    let t = (high << 2) as i32 as f32 * (UNIT * FRAC_PI_2);
    let quarters = high >> 30;
    let z = t * t;
    let sin = ((-1.951_529_6e-4 * z + 8.332_161e-3) * z - 1.666_665_5e-1) * z * t + t;
    let cos = ((2.443_315_7e-5 * z - 1.388_731_6e-3) * z + 4.166_664_6e-2) * z * z - 0.5 * z + 1.0;
    let (a, b) = if quarters & 1 == 1 { (sin, cos) } else { (cos, sin) };
    let signed = |v: f32, minus: u32| f32::from_bits(v.to_bits() ^ (minus << 31));
    (length * signed(a, (quarters ^ (quarters >> 1)) & 1), length * signed(b, quarters >> 1))
}

/// For 0 < u ≤ 1.
#[inline(always)]
fn ln(u: f32) -> f32 {
    // u = 2^power·(1 + x) with 1 + x from √½ to √2.
    let bits = u.to_bits();
    let power = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let x = f32::from_bits(bits.wrapping_sub((power << 23) as u32)) - 1.0;
    let (power, z) = (power as f32, x * x);
    let mut y = 7.037_683_6e-2 * x - 1.151_461e-1;
    y = y * x + 1.167_699_9e-1;
    y = y * x - 1.242_014_1e-1;
    y = y * x + 1.424_932_3e-1;
    y = y * x - 1.666_805_7e-1;
    y = y * x + 2.000_071_5e-1;
    y = y * x - 2.499_999_4e-1;
    y = y * x + 3.333_333e-1;
    // ln 2 in two parts, the first one exact in products.
    y = y * x * z - 2.121_944_4e-4 * power - 0.5 * z;
    x + y + 0.693_359_4 * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn a_pair_is_that_of_its_definition() {
        let numbers = (0..1_000_000_u32).map(|k| k.wrapping_mul(2_654_435_761));
        let edges = [0, 1, 2, u32::MAX, u32::MAX - 1, u32::MAX / 2, 1 << 30, (1 << 30) - 1, 3 << 30];
        let highs = |low: u32| [low.wrapping_mul(747_796_405).wrapping_add(7), 0, 1 << 30, u32::MAX];
        for (low, high) in numbers.chain(edges).flat_map(|low| highs(low).map(|high| (low, high))) {
            let length = (-2.0 * ((f64::from(low) + 0.5) / 2_f64.powi(32)).ln()).sqrt();
            let turns = f64::from(high >> 30) / 4.0 + f64::from((high << 2) as i32) / 2_f64.powi(34);
            let (a, b) = normal_pair(low, high);
            let bound = if length < 0.1 { 5e-5 } else { 2e-6 };
            for (found, expected) in [(a, length * (2.0 * PI * turns).cos()), (b, length * (2.0 * PI * turns).sin())] {
                assert!((f64::from(found) - expected).abs() < bound, "{low} {high}: {found}, {expected}");
            }
        }
        // The largest there are.
        assert!((normal_pair(0, 0).0 - 6.7637).abs() < 1e-3, "{}", normal_pair(0, 0).0);
    }
}
