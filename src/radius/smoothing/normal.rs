//! The quantile of the standard normal distribution, rigorously rounded down.
//!
//! Φ(z) = ½ + (z + z³/3 + z⁵/(3·5) + …) / (√(2π) · exp(z²/2)) for z ≥ 0: both series have positive terms only, so
//! that γ of the number of roundings bounds their relative errors, and their remainders are below twice the next term
//! once their terms more than halve.

use crate::rounding::gamma;
use statrs::function::erf::erfc_inv;

/// √(2π) = 2.506628274631000502415765…, rounded down.
const ROOT_OF_TWO_PI: f64 = 2.506_628_274_631_000_2;

/// An upper bound of Φ(z), z ≥ 0.
pub(crate) fn cumulative_upper(z: f64) -> f64 {
    assert!(z >= 0.0, "a quantile of {z}");
    // Φ(z) < 1, and the series would only get longer.
    if z > 30.0 {
        return 1.0;
    }
    let square = z * z;
    let (mut odd, mut odd_sum) = (z, z);
    let (mut power, mut power_sum) = (1.0_f64, 1.0_f64);
    let mut n = 0_usize;
    loop {
        n += 1;
        odd *= square / (2 * n + 1) as f64;
        power *= square / (2 * n) as f64;
        odd_sum += odd;
        power_sum += power;
        if square / ((2 * n + 3) as f64) < 0.25 && odd <= odd_sum * 2.0_f64.powi(-60) {
            break;
        }
    }
    // At most four roundings per term on any path. The next term is below a quarter of the last, its remainder below
    // the last; leaving the other remainder out only makes the divisor smaller.
    let error = gamma(4 * n + 16);
    let above = (odd_sum + odd) * (1.0 + error);
    let below = power_sum * (1.0 - error) * ROOT_OF_TWO_PI;
    (0.5 + (above / below) * (1.0 + 8.0 * f64::EPSILON)).next_up().min(1.0)
}

/// A z ≥ 0 with Φ(z) ≤ p, proven, and near the largest; `None` when p ≤ ½.
pub(crate) fn quantile_lower(p: f64) -> Option<f64> {
    if p.is_nan() || p <= 0.5 {
        return None;
    }
    let p = p.min(1.0_f64.next_down());
    // 1 − p is exact for p ≥ ½.
    let mut z = std::f64::consts::SQRT_2 * erfc_inv(2.0 * (1.0 - p));
    if !(z >= 0.0 && z.is_finite()) {
        z = 9.0;
    }
    let mut margin = 1e-16;
    for attempt in 0..200 {
        let cumulative = cumulative_upper(z);
        if cumulative <= p && attempt > 0 {
            return Some(z);
        }
        let density = (-0.5 * z * z).exp() / ROOT_OF_TWO_PI;
        let newton = (cumulative - p) / density;
        let change = if attempt == 0 { newton } else { newton.max(0.0) + margin };
        z = (z - if change.is_finite() { change.clamp(-0.5, 0.5) } else { 0.5 }).max(0.0);
        margin *= 4.0;
    }
    Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (p as an exact `f64`, Φ⁻¹(p)) by mpmath with 40 digits.
    #[allow(clippy::excessive_precision)]
    const KNOWN: [(f64, f64); 16] = [
        (0.5000000000000002, 5.565832849343533844467847e-16),
        (0.5000001, 0.0000002506628273311648301161888),
        (0.51, 0.02506890825871105803269163),
        (0.6, 0.2533471031357997413246887),
        (0.75, 0.674489750196081743202227),
        (0.8413447460685429, 0.9999999999999999057376864),
        (0.9, 1.281551565544600593487448),
        (0.95, 1.644853626951472284276316),
        (0.99, 2.326347874040840767637189),
        (0.999, 3.090232306167813277758202),
        (0.9999, 3.719016485455708386722759),
        (0.9999309247, 3.811456087492375490039229),
        (0.99999, 4.264890793923840769947835),
        (0.999999, 4.753424308817087765688097),
        (0.99999999, 5.612001243305504982604508),
        (0.9999999999, 6.361340889697421864155442),
    ];

    #[test]
    fn quantiles_are_below_the_truth_and_near_it() {
        for (p, expected) in KNOWN {
            let z = quantile_lower(p).unwrap();
            assert!(z <= expected, "p = {p}: {z} above {expected}");
            // An error of a few roundings in Φ, seen through its slope.
            let density = (-0.5 * expected * expected).exp() / ROOT_OF_TWO_PI;
            assert!(expected - z <= 1e-13 / density, "p = {p}: {z} far below {expected}");
        }
    }

    #[test]
    fn no_quantile_without_a_majority() {
        for p in [0.5, 0.3, 0.0, -1.0, f64::NAN] {
            assert_eq!(quantile_lower(p), None);
        }
        assert!(quantile_lower(0.5_f64.next_up()).unwrap() < 1e-15);
        assert!(quantile_lower(1.0).unwrap() > 7.0);
    }

    #[test]
    fn quantiles_rise() {
        let quantiles: Vec<f64> = (1..1000).map(|i| quantile_lower(0.5 + i as f64 / 2000.0).unwrap()).collect();
        assert!(quantiles.is_sorted());
    }
}
