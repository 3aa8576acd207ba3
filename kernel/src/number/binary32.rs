//! Rounding to binary32: ties to even, decided exactly.

use crate::number::exact::Float;
use dashu_int::ops::BitTest;
use dashu_int::{IBig, Sign, UBig};

/// Every midpoint of two binary32 numbers is a multiple of 2^−GRID: half the smallest subnormal.
pub const GRID: i64 = 150;

/// The nearest binary32 of x·2^−GRID for a real x in [floor, floor + 1), x = floor where `exact`.
pub fn round(floor: IBig, exact: bool) -> Option<Float> {
    let (sign, magnitude, exact) = match floor.into_parts() {
        (Sign::Negative, magnitude) if !exact => {
            // −x lies in (magnitude − 1, magnitude).
            (Sign::Negative, magnitude - UBig::ONE, false)
        }
        (sign, magnitude) => (sign, magnitude, exact),
    };
    // Binary32 keeps 24 bits, and no bit below 2^-149, which is bit 1 of the grid.
    let cut = magnitude.bit_len().saturating_sub(24).max(1);
    let kept = &magnitude >> cut;
    let half = magnitude.bit(cut - 1);
    let below = magnitude.trailing_zeros().is_some_and(|zeros| zeros < cut - 1) || !exact;
    let odd = kept.bit(0);
    let rounded = if half && (below || odd) { kept + UBig::ONE } else { kept };
    let mantissa = i64::try_from(rounded).ok()?;
    let value = Float::new(mantissa, cut as i64 - GRID);
    let bits = 64 - i64::from(value.mantissa.leading_zeros());
    let finite = value.mantissa == 0 || value.exponent + bits <= 128;
    finite.then_some(if sign == Sign::Negative { value.negated() } else { value })
}

/// The least binary32 that is not below x·2^−GRID; `None` on overflow.
pub fn not_below(x: IBig) -> Option<Float> {
    let (sign, magnitude) = x.into_parts();
    let cut = magnitude.bit_len().saturating_sub(24).max(1);
    let is_cut = magnitude.trailing_zeros().is_some_and(|zeros| zeros < cut);
    let up = if is_cut && sign == Sign::Positive { UBig::ONE } else { UBig::ZERO };
    round(IBig::from_parts(sign, ((magnitude >> cut) + up) << cut), true)
}

/// The nearest binary32 of n/d, d > 0; `None` on overflow.
pub fn nearest(n: &IBig, d: &IBig) -> Option<Float> {
    let (n, mut floor) = (n << GRID as usize, (n << GRID as usize) / d);
    let exact = &floor * d == n;
    // Division cuts towards 0.
    if !exact && n < IBig::ZERO {
        floor -= IBig::ONE;
    }
    round(floor, exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_not_below_is_the_least_one() {
        let of = |x: IBig| not_below(x).map(|found| (found.mantissa, found.exponent));
        let one: IBig = IBig::ONE << GRID as usize;
        // Binary32 numbers above 1 are 2^−23 apart, below 1 half of that.
        let just = IBig::ONE;
        assert_eq!((of(one.clone()), of(-&one)), (Some((1, 0)), Some((-1, 0))));
        assert_eq!(of(&one + &just), Some(((1 << 23) + 1, -23)));
        assert_eq!(of(&one - &just), Some((1, 0)));
        assert_eq!((of(-&one - &just), of(&just - &one)), (Some((-1, 0)), Some((1 - (1 << 24), -24))));
        assert_eq!((of(IBig::ZERO), of(just.clone()), of(-just)), (Some((0, 0)), Some((1, -149)), Some((0, 0))));
        let top: IBig = ((IBig::ONE << 24) - IBig::ONE) << (GRID as usize + 104);
        assert!(of(top.clone()).is_some() && of(top + 1).is_none());
    }

    #[test]
    fn the_nearest_number_is_even_in_a_tie_and_none_beyond_the_largest() {
        let of = |n: i64, d: i64| nearest(&n.into(), &d.into()).map(|found| (found.mantissa, found.exponent));
        let top = 1 << 24;
        assert_eq!(of(1, 10), Some((13_421_773, -27)));
        assert_eq!(of(-1, 10), Some((-13_421_773, -27)));
        assert_eq!((of(2 * top + 1, 2), of(-2 * top - 1, 2)), (of(top, 1), of(-top, 1)));
        assert_eq!((of(2 * top + 3, 1), of(-2 * top - 3, 1)), (of(2 * top + 4, 1), of(-2 * top - 4, 1)));
        assert_eq!((of(0, 7), of(6, 2)), (Some((0, 0)), Some((3, 0))));
        let huge = IBig::ONE << 128;
        assert_eq!(nearest(&huge, &IBig::ONE), None);
        assert_eq!(nearest(&-huge, &IBig::ONE), None);
    }
}
