//! The least value of one coordinate's function over an interval.

use crate::evidence::tree::Side;
use crate::number::exact::pairs;
use crate::rejection::{Code, Rejection};
use crate::statement::Norm;
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
    /// Each bends h once.
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
        let mut piece = Piece { slope: self.slope.clone(), offset: IBig::ZERO };
        for kink in self.kinks.iter().filter(|kink| &kink.slope * n + &kink.offset * d > IBig::ZERO) {
            piece.switch(kink, true);
        }
        self.on(&piece, &(n.clone(), d.clone()), penalty)
    }

    /// The same where h is `piece` at X.
    fn on(&self, piece: &Piece, (n, d): &Fraction, penalty: &Penalty) -> Fraction {
        let h = &piece.slope * n + &piece.offset * d;
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
        let pieces = self.pieces(&points);
        let mut candidates: Vec<Fraction> =
            pairs(&pieces, &points)?.map(|(piece, point)| self.on(piece, point, penalty)).collect();
        if let (Norm::L2, false) = (penalty.norm, penalty.weight.is_zero()) {
            let between = pairs(&pieces[..points.len() - 1], points.windows(2))?;
            candidates.extend(between.filter_map(|(piece, ends)| self.vertex(piece, (&ends[0], &ends[1]), penalty)));
        }
        let least = candidates.into_iter().min_by(compare).expect("an end, or without any the center");
        Ok(reduced(least))
    }

    /// What h is from each of the `points` on, which rise, up to the next one; no kink lies between two of them.
    fn pieces(&self, points: &[Fraction]) -> Vec<Piece> {
        let mut piece = Piece { slope: self.slope.clone(), offset: IBig::ZERO };
        self.kinks.iter().filter(|kink| kink.slope < IBig::ZERO).for_each(|kink| piece.switch(kink, true));
        let mut kinks: Vec<(Fraction, &Kink)> = self.kinks.iter().map(|kink| (kink.place(), kink)).collect();
        kinks.sort_by(|a, b| compare(&a.0, &b.0));
        let mut kinks = kinks.into_iter().peekable();
        let from = |point: &Fraction| {
            // A kink bends at its place, where its argument is 0 on both sides.
            while let Some((_, kink)) = kinks.next_if(|(place, _)| compare(place, point).is_le()) {
                piece.switch(kink, kink.slope > IBig::ZERO);
            }
            piece.clone()
        };
        points.iter().map(from).collect()
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
    fn vertex(&self, piece: &Piece, (low, high): (&Fraction, &Fraction), penalty: &Penalty) -> Option<Fraction> {
        let twice = IBig::from(2) * &penalty.weight;
        let point = (&twice * &self.center - &piece.slope, twice.unsigned_abs());
        let inside = compare(low, &point).is_lt() && compare(&point, high).is_lt();
        inside.then(|| self.on(piece, &point, penalty))
    }
}

/// slope·X + offset: what h is between two kinks.
#[derive(Clone)]
struct Piece {
    slope: IBig,
    offset: IBig,
}

impl Piece {
    /// Adds what an active kink adds, or takes it away.
    fn switch(&mut self, kink: &Kink, on: bool) {
        let (slope, offset) = (&kink.jump * &kink.slope, &kink.jump * &kink.offset);
        if on {
            self.slope += slope;
            self.offset += offset;
        } else {
            self.slope -= slope;
            self.offset -= offset;
        }
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

    /// The least of the values at all places and at the vertices between them, each value by itself.
    fn naive(c: &Coordinate, penalty: &Penalty) -> Fraction {
        let mut points: Vec<Fraction> = c.kinks.iter().map(Kink::place).collect();
        points.extend([&c.low, &c.high].into_iter().flatten().chain([&c.center]).map(|end| (end.clone(), UBig::ONE)));
        points.retain(|point| c.allows(point));
        points.sort_by(compare);
        for k in 1..points.len() {
            let ((a, b), (n, d)) = (points[k - 1].clone(), points[k].clone());
            let middle = (&a * &d + &n * &b, &b * &d * UBig::from(2_u8));
            let active = c.kinks.iter().filter(|k| &k.slope * &middle.0 + &k.offset * &middle.1 > IBig::ZERO);
            let slope = &c.slope + active.map(|k| &k.jump * &k.slope).sum::<IBig>();
            let twice = IBig::from(2) * &penalty.weight;
            if twice > IBig::ZERO && penalty.norm == Norm::L2 {
                let vertex = (&twice * &c.center - slope, twice.unsigned_abs());
                let inside = compare(&(a, b), &vertex).is_lt() && compare(&vertex, &(n, d)).is_lt();
                points.extend(inside.then_some(vertex));
            }
        }
        points.iter().map(|point| c.value(point, penalty)).min_by(compare).expect("an end")
    }

    #[test]
    fn many_kinks_of_one_coordinate_are_swept_as_one_by_one() {
        let mut numbers = Numbers(1);
        for round in 0..3000_i64 {
            let (center, width) = (numbers.next(9), IBig::from(1 + round % 7));
            let mut coordinate = Coordinate::new(center.clone(), numbers.next(9));
            coordinate.restrict(&center + &width + numbers.next(3), Side::Lower);
            coordinate.restrict(&center - &width + numbers.next(3), Side::Upper);
            if coordinate.is_empty() {
                continue;
            }
            for _ in 0..1 + round % 9 {
                let (jump, slope, offset) = (numbers.next(5), numbers.next(4), numbers.next(20));
                if !slope.is_zero() {
                    coordinate.kinks.push(Kink { jump, slope, offset });
                }
            }
            for norm in [Norm::Inf, Norm::L1, Norm::L2] {
                let weight = if norm == Norm::Inf { IBig::ZERO } else { IBig::from(1 + round % 5) };
                let penalty = Penalty { weight, norm };
                let least = coordinate.least(&penalty).expect("an interval with both ends");
                assert!(compare(&least, &naive(&coordinate, &penalty)).is_eq(), "round {round}, {norm:?}");
            }
        }
    }
}
