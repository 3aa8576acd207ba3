//! The least value of one coordinate's function over an interval.

use crate::evidence::tree::Side;
use crate::rejection::{Code, Rejection};
use crate::statement::Norm;
use dashu_int::ops::{Gcd, UnsignedAbs};
use dashu_int::{IBig, UBig};
use std::cmp::Ordering;

/// A fraction with a positive denominator.
pub type Fraction = (IBig, UBig);

/// h(X) plus the multiplier's term, and where X may go. h is affine but for kinks.
pub struct Coordinate {
    /// h left of all kinks.
    line: Line,
    kinks: Vec<Kink>,
    /// The input's coordinate, which need not lie between the ends.
    pub center: IBig,
    /// q ≥ 0 in the term q·|X − center| (l1) or q·(X − center)² (l2).
    weight: IBig,
    low: Option<IBig>,
    high: Option<IBig>,
}

/// slope·X + offset.
struct Line {
    slope: IBig,
    offset: IBig,
}

/// `line` is added to h from `place` on, where it is 0.
struct Kink {
    place: Fraction,
    line: Line,
}

impl Line {
    fn add(&mut self, other: &Line) {
        self.slope += &other.slope;
        self.offset += &other.offset;
    }

    /// The value at X = n/d, over d.
    fn at(&self, n: &IBig, d: &UBig) -> IBig {
        &self.slope * n + &self.offset * d
    }
}

impl Coordinate {
    /// slope·X, without an end.
    pub fn new(center: IBig, slope: IBig, weight: IBig) -> Coordinate {
        let line = Line { slope, offset: IBig::ZERO };
        Coordinate { line, kinks: Vec::new(), center, weight, low: None, high: None }
    }

    /// Adds jump·max(slope·X + offset, 0).
    pub fn add(&mut self, jump: &IBig, slope: &IBig, offset: &IBig) {
        if slope.is_zero() {
            self.line.offset += jump * offset.max(&IBig::ZERO);
            return;
        }
        let size = slope.unsigned_abs();
        let mut line = Line { slope: jump * slope, offset: jump * offset };
        let place = reduced((if *slope > IBig::ZERO { -offset } else { offset.clone() }, size));
        if *slope < IBig::ZERO {
            // It is there up to its place, and taken away from it on.
            self.line.add(&line);
            line = Line { slope: -line.slope, offset: -line.offset };
        }
        self.kinks.push(Kink { place, line });
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

    /// The least value over the interval, which is not empty: the least one of those between neighbouring kinks.
    pub fn least(mut self, norm: Norm) -> Result<Fraction, Rejection> {
        let whole = |end: &IBig| (end.clone(), UBig::ONE);
        let (mut low, high) = (self.low.as_ref().map(whole), self.high.as_ref().map(whole));
        let mut kinks = std::mem::take(&mut self.kinks);
        kinks.sort_by(|a, b| compare(&a.place, &b.place));
        kinks.retain(|kink| high.as_ref().is_none_or(|high| compare(&kink.place, high).is_lt()));
        let mut values = Vec::with_capacity(kinks.len() + 1);
        for Kink { place, line } in kinks {
            if low.as_ref().is_none_or(|low| compare(low, &place).is_lt()) {
                values.push(self.least_between(low.as_ref(), Some(&place), norm)?);
                low = Some(place);
            }
            self.line.add(&line);
        }
        values.push(self.least_between(low.as_ref(), high.as_ref(), norm)?);
        Ok(values.into_iter().min_by(compare).expect("one value"))
    }

    /// The least value between two ends, where h is `line`: at the point where it is least on the whole axis, or at the
    /// end that is nearest to it.
    fn least_between(
        &self,
        low: Option<&Fraction>,
        high: Option<&Fraction>,
        norm: Norm,
    ) -> Result<Fraction, Rejection> {
        let curved = matches!(norm, Norm::L2) && !self.weight.is_zero();
        let point = if curved {
            // The slope of the term is 2q·(X − center).
            let twice = UBig::from(2_u8) * (&self.weight).unsigned_abs();
            (&self.center * &twice - &self.line.slope, twice)
        } else if (&self.line.slope).unsigned_abs() <= (&self.weight).unsigned_abs() {
            (self.center.clone(), UBig::ONE)
        } else {
            let downhill = if self.line.slope > IBig::ZERO { low } else { high };
            let expected = "a minorant that does not fall";
            let refuse = || Rejection::new(Code::NotProven, "an unbounded radius", expected, "a slope");
            downhill.ok_or_else(refuse)?.clone()
        };
        let below = low.filter(|low| compare(&point, low).is_lt());
        let end = below.or(high.filter(|high| compare(&point, high).is_gt()));
        if curved && end.is_none() {
            // The term is half of what h has fallen by: their sum is h half way from the center.
            let (n, d) = (&self.center * &point.1 + &point.0, UBig::from(2_u8) * &point.1);
            return Ok((self.line.at(&n, &d), d));
        }
        let (n, d) = end.unwrap_or(&point);
        let h = self.line.at(n, d);
        let step = n - &self.center * d;
        Ok(reduced(match norm {
            _ if self.weight.is_zero() => (h, d.clone()),
            Norm::L2 => (h * d + &self.weight * (&step * &step), d * d),
            _ => (h + &self.weight * IBig::from(step.unsigned_abs()), d.clone()),
        }))
    }
}

fn compare(a: &Fraction, b: &Fraction) -> Ordering {
    if a.1 == b.1 { a.0.cmp(&b.0) } else { (&a.0 * &b.1).cmp(&(&b.0 * &a.1)) }
}

fn reduced((n, d): Fraction) -> Fraction {
    if d.is_one() {
        return (n, d);
    }
    let common = (&n).unsigned_abs().gcd(&d);
    (n / &common, d / common)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers from −`most` to `most`, always the same.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self, most: i64) -> IBig {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            IBig::from((self.0 >> 33) as i64 % (2 * most + 1) - most)
        }
    }

    /// A coordinate as it is said to be: ends, and jumps, slopes and offsets of its kinks.
    struct Case {
        center: IBig,
        slope: IBig,
        ends: [IBig; 2],
        kinks: Vec<[IBig; 3]>,
        weight: IBig,
        norm: Norm,
    }

    impl Case {
        /// The slope of h at n/d.
        fn slope(&self, (n, d): &Fraction) -> IBig {
            let active = self.kinks.iter().filter(|[_, slope, offset]| slope * n + offset * d > IBig::ZERO);
            &self.slope + active.map(|[jump, slope, _]| jump * slope).sum::<IBig>()
        }

        /// Over d².
        fn value(&self, (n, d): &Fraction) -> Fraction {
            let kink = |[jump, slope, offset]: &[IBig; 3]| jump * (slope * n + offset * d).max(IBig::ZERO);
            let step = n - &self.center * d;
            let term = match self.norm {
                Norm::L2 => &step * &step,
                _ => IBig::from(step.unsigned_abs()) * d,
            };
            ((&self.slope * n + self.kinks.iter().map(kink).sum::<IBig>()) * d + &self.weight * term, d * d)
        }

        /// The least of the values at all places and at the vertices between them, each value by itself.
        fn least(&self) -> Fraction {
            let place = |[_, slope, offset]: &[IBig; 3]| (-offset * slope, (slope * slope).unsigned_abs());
            let mut points: Vec<Fraction> = self.kinks.iter().map(place).collect();
            points.extend(self.ends.iter().chain([&self.center]).map(|end| (end.clone(), UBig::ONE)));
            points.retain(|(n, d)| *n >= &self.ends[0] * d && *n <= &self.ends[1] * d);
            points.sort_by(compare);
            for k in 1..points.len() {
                let ((a, b), (n, d)) = (points[k - 1].clone(), points[k].clone());
                let slope = self.slope(&(&a * &d + &n * &b, &b * &d * UBig::from(2_u8)));
                let twice = IBig::from(2) * &self.weight;
                if twice > IBig::ZERO && self.norm == Norm::L2 {
                    let vertex = (&twice * &self.center - slope, twice.unsigned_abs());
                    let inside = compare(&(a, b), &vertex).is_lt() && compare(&vertex, &(n, d)).is_lt();
                    points.extend(inside.then_some(vertex));
                }
            }
            points.iter().map(|point| self.value(point)).min_by(compare).expect("an end")
        }
    }

    #[test]
    fn many_kinks_of_one_coordinate_are_swept_as_one_by_one() {
        let mut numbers = Numbers(1);
        for round in 0..3000_i64 {
            let (center, slope, width) = (numbers.next(9), numbers.next(9), IBig::from(1 + round % 7));
            let ends = [&center - &width + numbers.next(3), &center + &width + numbers.next(3)];
            if ends[0] > ends[1] {
                continue;
            }
            let kinks: Vec<[IBig; 3]> =
                (0..round % 10).map(|_| [numbers.next(5), numbers.next(4), numbers.next(20)]).collect();
            let kinks: Vec<[IBig; 3]> = kinks.into_iter().filter(|[_, slope, _]| !slope.is_zero()).collect();
            for norm in [Norm::Inf, Norm::L1, Norm::L2] {
                let weight = if norm == Norm::Inf { IBig::ZERO } else { IBig::from(1 + round % 5) };
                let mut coordinate = Coordinate::new(center.clone(), slope.clone(), weight.clone());
                coordinate.restrict(ends[0].clone(), Side::Upper);
                coordinate.restrict(ends[1].clone(), Side::Lower);
                kinks.iter().for_each(|[jump, slope, offset]| coordinate.add(jump, slope, offset));
                let least = coordinate.least(norm).expect("an interval with both ends");
                let (center, slope, ends, kinks) = (center.clone(), slope.clone(), ends.clone(), kinks.clone());
                let naive = Case { center, slope, ends, kinks, weight, norm }.least();
                assert!(compare(&least, &naive).is_eq(), "round {round}, {norm:?}");
            }
        }
    }
}
