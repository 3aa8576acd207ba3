//! The largest radius at which a falling bound is still positive.

/// Growth or shrinkage per step while only one side of the crossing is known.
const LEAP: (f64, f64) = (2.0, 1e3);
/// Steps without a bracket before infinity is tried, or only the longest leaps are.
const PATIENCE: usize = 8;
/// More steps than doubling across the whole range of `f64` can take.
const STEPS: usize = 2200;

/// The largest radius found with `bound(radius)` > 0, and within `tolerance` (relative) of one without; 0 when none is
/// found, `f64::INFINITY` when `bound(f64::INFINITY)` > 0. `at_zero` is the bound at 0, and positive.
///
/// Bisection, with secant steps as long as they shrink the bracket faster. Nothing is assumed about `bound`: what is
/// returned was itself evaluated and found positive.
pub(crate) fn largest_positive(at_zero: f64, start: f64, tolerance: f64, bound: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut low_bound) = (0.0, at_zero);
    let mut high: Option<(f64, f64)> = None;
    let mut r = start.clamp(f64::MIN_POSITIVE, f64::MAX);
    let mut bisect = false;
    for step in 0..STEPS {
        let value = bound(r);
        let width = high.map_or(f64::INFINITY, |(high, _)| high - low);
        if value > 0.0 {
            (low, low_bound) = (r, value);
        } else {
            high = Some((r, value));
        }
        if high.is_none() && step == PATIENCE && bound(f64::INFINITY) > 0.0 {
            return f64::INFINITY;
        }
        r = match high {
            None => leap(r, low_bound, at_zero),
            Some((high, value)) if low == 0.0 => {
                let secant = high * at_zero / (at_zero - value);
                let least = if step < PATIENCE { LEAP.0 } else { LEAP.1 };
                within(secant, high / LEAP.1, high / least)
            }
            Some((high, _)) if high - low <= tolerance * low => return low,
            Some((high, value)) => {
                bisect = !bisect && high - low > 0.5 * width;
                let middle = low + 0.5 * (high - low);
                if bisect { middle } else { near_secant(low, low_bound, high, value, tolerance) }
            }
        };
        if r <= low || high.is_some_and(|(high, _)| r >= high) {
            return low;
        }
    }
    low
}

/// The next radius while every bound was positive.
fn leap(r: f64, bound: f64, at_zero: f64) -> f64 {
    let secant = 1.1 * r * at_zero / (at_zero - bound);
    within(if secant > 0.0 { secant } else { f64::INFINITY }, LEAP.0 * r, LEAP.1 * r).min(f64::MAX)
}

/// The crossing of the line through both ends, moved a little towards the middle: close to the crossing the next
/// radius then falls on the other side of it, and the bracket closes from both sides.
fn near_secant(low: f64, low_bound: f64, high: f64, high_bound: f64, tolerance: f64) -> f64 {
    let width = high - low;
    let middle = low + 0.5 * width;
    let share = low_bound / (low_bound - high_bound);
    let nudge = 0.4 * tolerance * low;
    let secant = low + width * share;
    let moved = if secant < middle { (secant + nudge).min(middle) } else { (secant - nudge).max(middle) };
    if share.is_finite() && low < moved && moved < high { moved } else { middle }
}

fn within(x: f64, low: f64, high: f64) -> f64 {
    if x.is_nan() { low } else { x.clamp(low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    proptest! {
        #[test]
        fn the_crossing_is_found_in_few_steps(
            crossing in -12.0..12.0_f64, start in -12.0..12.0_f64, power in 0.3..3.0_f64, jump in any::<bool>(),
        ) {
            let (crossing, start) = (10.0_f64.powf(crossing), 10.0_f64.powf(start));
            let steps = Cell::new(0);
            let bound = |r: f64| {
                steps.set(steps.get() + 1);
                let value = 1.0 - (r / crossing).powf(power);
                if jump && value <= 0.0 { f64::NEG_INFINITY } else { value }
            };
            let found = largest_positive(1.0, start, 1e-4, bound);
            prop_assert!(found < crossing, "{found} is beyond {crossing}");
            prop_assert!(found >= crossing * (1.0 - 1.001e-4), "{found} is far below {crossing}");
            prop_assert!(steps.get() < 120, "{} steps", steps.get());
        }
    }

    #[test]
    fn a_good_start_takes_few_steps() {
        let steps = Cell::new(0);
        let bound = |r: f64| {
            steps.set(steps.get() + 1);
            1.0 - 0.8 * r - 0.1 * r * r - (r - 0.7).max(0.0)
        };
        let found = largest_positive(1.0, 0.3, 1e-4, bound);
        assert!((1.0 - 0.8 * found - 0.1 * found * found - (found - 0.7)).abs() < 3e-4, "{found}");
        assert!(steps.get() <= 12, "{} steps", steps.get());
    }

    #[test]
    fn extremes_end() {
        assert_eq!(largest_positive(1.0, 1.0, 1e-4, |_| 0.5), f64::INFINITY);
        assert_eq!(largest_positive(1.0, 1.0, 1e-4, |_| -1.0), 0.0);
        assert_eq!(largest_positive(1.0, 1.0, 1e-4, |_| f64::NAN), 0.0);
        // Positive for every finite radius, but not at infinity.
        assert_eq!(largest_positive(1.0, 1.0, 1e-4, |r| if r.is_finite() { 1.0 } else { -1.0 }), f64::MAX);
        // A tolerance of 0 ends at neighbouring floats.
        let found = largest_positive(1.0, 1.0, 0.0, |r| 1.0 - r * r / 3.0);
        assert!((found - 3.0_f64.sqrt()).abs() < 1e-15);
    }
}
