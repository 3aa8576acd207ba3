//! The least value of one coordinate's function over an interval.

use super::rejection::{Code, Rejection};
use super::statement::Norm;
use super::tree::Side;
use dashu_int::ops::{Gcd, UnsignedAbs};
use dashu_int::{IBig, UBig};

/// A fraction with a positive denominator.
pub type Fraction = (IBig, UBig);

/// The multiplier's term.
pub struct Penalty {
    /// q in q·|δ| (l1) or q·δ² (l2), in units of value per (squared) unit of position; 0 for no multiplier.
    pub weight: IBig,
    /// l1 or l2 where the weight is not 0.
    pub norm: Norm,
}

/// One coordinate's function and where it may go.
pub struct Coordinate {
    slope: IBig,
    /// At most a few.
    pub kinks: Vec<Kink>,
    /// The input's coordinate, which need not lie between the ends.
    pub center: IBig,
    /// `None` without an end.
    low: Option<IBig>,
    high: Option<IBig>,
}

/// jump·max(slope·X + offset, 0).
pub struct Kink {
    /// J.
    pub jump: IBig,
    /// A ≠ 0.
    pub slope: IBig,
    /// B.
    pub offset: IBig,
}

impl Coordinate {
    /// l·X without an end.
    pub fn new(center: IBig, slope: IBig) -> Coordinate {
        Coordinate { slope, kinks: Vec::new(), center, low: None, high: None }
    }

    /// Leaves of the interval what lies on one side of `end`.
    pub fn restrict(&mut self, end: IBig, side: Side) {
        match side {
            Side::Lower if self.high.as_ref().is_none_or(|high| end < *high) => self.high = Some(end),
            Side::Upper if self.low.as_ref().is_none_or(|low| end > *low) => self.low = Some(end),
            _ => {}
        }
    }

    /// Whether no point is left.
    pub fn is_empty(&self) -> bool {
        matches!((&self.low, &self.high), (Some(low), Some(high)) if low > high)
    }

    /// The point of the interval that is nearest to `at`.
    fn nearest(&self, (n, d): Fraction) -> Fraction {
        let beyond_low = self.low.as_ref().filter(|low| n < *low * &d);
        let beyond = beyond_low.or(self.high.as_ref().filter(|high| n > *high * &d));
        beyond.map_or((n, d), |end| (end.clone(), UBig::ONE))
    }

    /// h(X) + the multiplier's term at X = n/d, over the denominator d (l1, l∞) or d².
    pub fn value(&self, (n, d): &Fraction, penalty: &Penalty) -> Fraction {
        let mut h = &self.slope * n;
        for kink in &self.kinks {
            let argument = &kink.slope * n + &kink.offset * d;
            if argument > IBig::ZERO {
                h += &kink.jump * argument;
            }
        }
        if penalty.weight.is_zero() {
            return (h, d.clone());
        }
        let step = n - &self.center * d;
        match penalty.norm {
            Norm::L2 => (h * d + &penalty.weight * (&step * &step), d * d),
            _ => (h + &penalty.weight * IBig::from(step.unsigned_abs()), d.clone()),
        }
    }

    /// The least value over the interval, which is not empty.
    pub fn least(&self, penalty: &Penalty) -> Result<Fraction, Rejection> {
        if self.kinks.is_empty() {
            return self.least_affine(penalty);
        }
        let mut points: Vec<Fraction> = self.kinks.iter().map(Kink::place).collect();
        points.push((self.center.clone(), UBig::ONE));
        points.extend(self.low.iter().chain(&self.high).map(|end| (end.clone(), UBig::ONE)));
        points.retain(|point| self.allows(point));
        points.sort_by(compare);
        points.dedup();
        self.check_ends(&points, penalty)?;
        let mut candidates: Vec<Fraction> = points.iter().map(|point| self.value(point, penalty)).collect();
        if let (Norm::L2, false) = (penalty.norm, penalty.weight.is_zero()) {
            candidates.extend(points.windows(2).filter_map(|ends| self.vertex(&ends[0], &ends[1], penalty)));
        }
        let least = candidates.into_iter().min_by(compare).expect("an end, or without any the center");
        Ok(reduced(least))
    }

    fn least_affine(&self, penalty: &Penalty) -> Result<Fraction, Rejection> {
        let whole = |n: IBig| (n, UBig::ONE);
        let downhill = if self.slope > IBig::ZERO { &self.low } else { &self.high };
        let Some(end) = downhill else {
            self.check_ends(&[whole(self.center.clone())], penalty)?;
            return Ok(self.value(&whole(self.center.clone()), penalty));
        };
        match penalty.norm {
            // The term λδ²/2 stops the descent where 2qδ = −slope.
            Norm::L2 if !penalty.weight.is_zero() => {
                let twice = (IBig::from(2) * &penalty.weight).unsigned_abs();
                let vertex = (&self.center * &twice - &self.slope, twice);
                if self.allows(&vertex) {
                    let four = IBig::from(2) * &vertex.1;
                    let at_center = &self.slope * &self.center * &four;
                    return Ok((at_center - &self.slope * &self.slope, four.unsigned_abs()));
                }
                Ok(self.value(&self.nearest(vertex), penalty))
            }
            Norm::L1 if (&self.slope).unsigned_abs() <= (&penalty.weight).unsigned_abs() => {
                Ok(self.value(&self.nearest(whole(self.center.clone())), penalty))
            }
            _ => Ok(self.value(&whole(end.clone()), penalty)),
        }
    }

    fn allows(&self, (n, d): &Fraction) -> bool {
        self.low.as_ref().is_none_or(|low| low * d <= *n) && self.high.as_ref().is_none_or(|high| *n <= high * d)
    }

    /// Where the interval has no end, the function must not fall towards it.
    fn check_ends(&self, points: &[Fraction], penalty: &Penalty) -> Result<(), Rejection> {
        debug_assert!(!points.is_empty() && (penalty.weight.is_zero() || self.low.is_some()));
        let beyond = |right: bool| {
            let active = self.kinks.iter().filter(|kink| (kink.slope > IBig::ZERO) == right);
            &self.slope + active.map(|kink| &kink.jump * &kink.slope).sum::<IBig>()
        };
        let falls_right = self.high.is_none() && beyond(true) < IBig::ZERO;
        let falls_left = self.low.is_none() && beyond(false) > IBig::ZERO;
        if falls_right || falls_left {
            let expected = "a minorant that does not fall";
            return Err(Rejection::new(Code::NotProven, "an unbounded radius", expected, "a slope"));
        }
        Ok(())
    }

    /// The least value of the parabola between two neighbouring points, if it lies between them.
    fn vertex(&self, (a, b): &Fraction, (c, d): &Fraction, penalty: &Penalty) -> Option<Fraction> {
        // The middle of the two tells which kinks are active.
        let (n, m) = (a * d + c * b, b * d * UBig::from(2_u8));
        let mut slope = self.slope.clone();
        for kink in &self.kinks {
            if &kink.slope * &n + &kink.offset * &m > IBig::ZERO {
                slope += &kink.jump * &kink.slope;
            }
        }
        let twice = IBig::from(2) * &penalty.weight;
        let point = (&twice * &self.center - slope, twice.unsigned_abs());
        let inside =
            compare(&(a.clone(), b.clone()), &point).is_lt() && compare(&point, &(c.clone(), d.clone())).is_lt();
        inside.then(|| self.value(&point, penalty))
    }
}

impl Kink {
    /// Where the argument is 0.
    fn place(&self) -> Fraction {
        let n = if self.slope > IBig::ZERO { -&self.offset } else { self.offset.clone() };
        reduced((n, (&self.slope).unsigned_abs()))
    }
}

fn compare(a: &Fraction, b: &Fraction) -> std::cmp::Ordering {
    (&a.0 * &b.1).cmp(&(&b.0 * &a.1))
}

fn reduced((n, d): Fraction) -> Fraction {
    if d.is_one() {
        return (n, d);
    }
    let common = (&n).unsigned_abs().gcd(&d);
    (n / &common, d / common)
}
