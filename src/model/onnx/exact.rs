//! Sums, products and quotients of f64 numbers, given only where they are exact.
//!
//! The error-free transforms are those of Knuth (two-sum) and Dekker (product residue by fused multiply-add).

/// Below this magnitude the residue of a product could underflow to zero, so nothing is claimed there:
/// a product has at most 106 bits, 2⁻⁹⁶⁰ · 2⁻¹⁰⁶ is still a normal or subnormal f64.
const SMALL: f64 = f64::from_bits((1023 - 960) << 52);

/// The sum and its rounding error: a + b = sum + error exactly, unless the sum overflows.
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

/// a + b where that is an f64.
pub(crate) fn add(a: f64, b: f64) -> Option<f64> {
    let (sum, error) = two_sum(a, b);
    (sum.is_finite() && error == 0.0).then_some(sum)
}

/// a · b where that is an f64 (numbers near the underflow threshold are not decided).
pub(crate) fn mul(a: f64, b: f64) -> Option<f64> {
    let product = a * b;
    if a == 0.0 || b == 0.0 || a.abs() == 1.0 || b.abs() == 1.0 {
        return product.is_finite().then_some(product);
    }
    let decided = product.is_finite() && product.abs() >= SMALL;
    (decided && a.mul_add(b, -product) == 0.0).then_some(product)
}

/// a / b where that is an f64 (numbers near the underflow threshold are not decided).
pub(crate) fn div(a: f64, b: f64) -> Option<f64> {
    let quotient = a / b;
    if b == 0.0 || !quotient.is_finite() {
        return None;
    }
    if a == 0.0 || b.abs() == 1.0 {
        return Some(quotient);
    }
    let decided = a.abs() >= SMALL && quotient.abs() >= SMALL;
    (decided && quotient.mul_add(b, -a) == 0.0).then_some(quotient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_results_are_given() {
        assert_eq!(add(1.0, 2f64.powi(-52)), Some(1.0 + 2f64.powi(-52)));
        assert_eq!(mul(f64::from(0.1f32), f64::from(0.3f32)), Some(f64::from(0.1f32) * f64::from(0.3f32)));
        assert_eq!(div(3.0, 4.0), Some(0.75));
        assert_eq!(mul(0.0, 1e-300), Some(0.0));
    }

    #[test]
    fn rounded_results_are_refused() {
        assert_eq!(add(1.0, 2f64.powi(-53)), None);
        assert_eq!(add(f64::MAX, f64::MAX), None);
        assert_eq!(mul(0.1, 0.1), None);
        assert_eq!(mul(1e-200, 1e-200), None, "the residue underflows");
        assert_eq!(mul(1e200, 1e200), None);
        assert_eq!(div(1.0, 3.0), None);
        assert_eq!(div(1.0, 0.0), None);
    }
}
