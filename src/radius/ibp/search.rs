//! The largest radius at which a falling bound is still positive, for one sample: a search that says which radius it
//! wants to know about and is told the bound there, so that many of them can share what evaluates the bounds.

/// Growth or shrinkage per step while only one side of the crossing is known.
const LEAP: (f64, f64) = (2.0, 1e3);
/// Growth of the distance from a guess per step while only one side is known, and the largest one.
const STRETCH: (f64, f64) = (16.0, 0.25);
/// Steps without a bracket before infinity is tried, or only the longest leaps are.
const PATIENCE: usize = 8;
/// More steps than doubling across the whole range of `f64` can take.
const STEPS: usize = 2200;

/// The largest radius found with a bound > 0, and within `tolerance` (relative) of one without; 0 when none is found,
/// `f64::INFINITY` when the bound there is > 0.
///
/// Bisection, with secant steps as long as they shrink the bracket faster. Nothing is assumed about the bounds: what is
/// found was itself evaluated and told to be positive.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// The bound at 0, positive.
    at_zero: f64,
    tolerance: f64,
    low: (f64, f64),
    high: Option<(f64, f64)>,
    /// A radius that the crossing is thought to be near, and how near, while that is not refuted.
    guess: Option<(f64, f64)>,
    /// The radius to be evaluated next; `None` when all is done.
    next: Option<f64>,
    /// The radius that comes after infinity.
    after: Option<f64>,
    step: usize,
    bisect: bool,
}

impl Search {
    /// From a first radius.
    pub fn new(at_zero: f64, start: f64, tolerance: f64) -> Search {
        Search {
            at_zero,
            tolerance,
            low: (0.0, at_zero),
            high: None,
            guess: None,
            next: Some(start.clamp(f64::MIN_POSITIVE, f64::MAX)),
            after: None,
            step: 0,
            bisect: false,
        }
    }

    /// Where the crossing is thought to be within `spread` (relative) of `guess`, or beyond every radius; `start` is for
    /// the case that this is wrong.
    pub fn near(at_zero: f64, guess: f64, spread: f64, start: f64, tolerance: f64) -> Search {
        let search = Search::new(at_zero, start, tolerance);
        if guess == f64::INFINITY {
            return Search { after: search.next, next: Some(guess), ..search };
        }
        let first = guess * (1.0 - spread);
        if !(first > 0.0 && first < f64::MAX) {
            return search;
        }
        Search { next: Some(first), guess: Some((guess, spread)), ..search }
    }

    /// The radius whose bound it wants to be told.
    pub fn query(&self) -> Option<f64> {
        self.next
    }

    /// What was found.
    pub fn found(&self) -> f64 {
        self.low.0
    }

    /// Where the bound is about 0: the crossing of the line through both ends of the bracket.
    pub fn estimate(&self) -> f64 {
        let ((low, low_bound), Some((high, high_bound))) = (self.low, self.high) else { return self.low.0 };
        let crossing = low + (high - low) * (low_bound / (low_bound - high_bound));
        if low <= crossing && crossing <= high { crossing } else { low }
    }

    /// Takes the bound at the radius of the query.
    pub fn tell(&mut self, value: f64) {
        let Some(r) = self.next else { return };
        if r == f64::INFINITY {
            self.next = self.after.take();
            if value > 0.0 {
                (self.low, self.next) = ((r, value), None);
            }
            return;
        }
        let width = self.high.map_or(f64::INFINITY, |(high, _)| high - self.low.0);
        if value > 0.0 {
            self.low = (r, value);
        } else {
            self.high = Some((r, value));
        }
        let next = self.after_step(r, width);
        let inside = |r: f64| r > self.low.0 && self.high.is_none_or(|(high, _)| r < high);
        self.next = next.filter(|&r| inside(r) && self.step + 1 < STEPS);
        if self.high.is_none() && self.step == PATIENCE {
            (self.after, self.next) = (self.next, Some(f64::INFINITY));
        }
        self.step += 1;
    }

    /// The radius after `r`, at which the bracket was `width` wide.
    fn after_step(&mut self, r: f64, width: f64) -> Option<f64> {
        let ((low, low_bound), at_zero, tolerance) = (self.low, self.at_zero, self.tolerance);
        Some(match self.high {
            None => self.stretched(1.0).unwrap_or_else(|| leap(r, low_bound, at_zero)),
            Some((high, value)) if low == 0.0 => self.stretched(-1.0).filter(|&r| r < high).unwrap_or_else(|| {
                let secant = high * at_zero / (at_zero - value);
                let least = if self.step < PATIENCE { LEAP.0 } else { LEAP.1 };
                within(secant, high / LEAP.1, high / least)
            }),
            Some((high, _)) if high - low <= tolerance * low => return None,
            Some((high, value)) => {
                self.bisect = !self.bisect && high - low > 0.5 * width;
                let middle = low + 0.5 * (high - low);
                if self.bisect { middle } else { near_secant(low, low_bound, high, value, tolerance) }
            }
        })
    }

    /// A radius on one side of the guess, further away from it each time; `None` without a guess.
    fn stretched(&mut self, side: f64) -> Option<f64> {
        let (guess, spread) = self.guess?;
        // Upwards the first radius is as far from the guess as the one before it was downwards.
        let spread = if side < 0.0 { spread * STRETCH.0 } else { spread };
        let next = if side < 0.0 { spread } else { spread * STRETCH.0 };
        self.guess = (next <= STRETCH.1).then_some((guess, next));
        Some(guess * (1.0 + side * spread)).filter(|r| r.is_finite() && spread <= STRETCH.1)
    }
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

    fn run(mut search: Search, bound: impl Fn(f64) -> f64) -> f64 {
        while let Some(r) = search.query() {
            search.tell(bound(r));
        }
        search.found()
    }

    fn largest_positive(at_zero: f64, start: f64, tolerance: f64, bound: impl Fn(f64) -> f64) -> f64 {
        run(Search::new(at_zero, start, tolerance), bound)
    }

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
    fn a_guess_near_the_crossing_takes_few_steps_and_a_wrong_one_does_no_harm() {
        for error in [0.0, 1e-7, -1e-7, 3e-6, -3e-6, 1e-4, -1e-4, 0.3, -0.9, 1e9] {
            let steps = Cell::new(0);
            let bound = |r: f64| {
                steps.set(steps.get() + 1);
                1.0 - 3.0 * r
            };
            let found = run(Search::near(1.0, (1.0 + error) / 3.0, 1e-5, 1e-6, 1e-12), bound);
            assert!(found < 1.0 / 3.0 && found > (1.0 - 1.1e-12) / 3.0, "{error}: {found}");
            assert!(steps.get() <= if f64::abs(error) < 1e-5 { 5 } else { 40 }, "{error}: {} steps", steps.get());
        }
        assert_eq!(run(Search::near(1.0, f64::INFINITY, 1e-5, 1.0, 1e-12), |_| 0.5), f64::INFINITY);
        for guess in [f64::INFINITY, 0.0, f64::NAN] {
            let found = run(Search::near(1.0, guess, 1e-5, 1e-3, 1e-9), |r| 1.0 - r);
            assert!(found < 1.0 && found > 1.0 - 1.1e-9, "{guess}: {found}");
        }
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
