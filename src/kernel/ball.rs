//! The least value of a minorant over a ball and a box.
//!
//! Everything is brought to integers: positions x = X·2^e (X may be a fraction where a kink lies between the grid's
//! points), values V·unit. One coordinate's part is h(X) = l·X + Σ Jₖ·max(Aₖ·X + Bₖ, 0), with, for l1 and l2, the
//! multiplier's term λ·|δ| or λ·δ²/2 added.

use super::budget;
use super::exact::{Exact, pairs};
use super::minorant::{Kinks, Minorant};
use super::power;
use super::rejection::{Code, Rejection};
use super::statement::{Norm, Region};
use dashu_int::ops::{BitTest, Gcd, UnsignedAbs};
use dashu_int::{IBig, UBig};

/// A fraction with a positive denominator.
type Fraction = (IBig, UBig);

/// Tests that the minorant is positive over the ball and the box (for an open ball: ≥ 0, where that suffices).
pub fn check(minorant: &Minorant, x: &Exact, norm: Norm, region: &Region) -> Result<(), Rejection> {
    let affine = minorant.kinks.is_empty();
    let by_dual_norm = match norm {
        _ if region.radius.is_none() => false,
        Norm::L1 | Norm::L2 => affine && region.multiplier.is_none(),
        Norm::Inf => affine && region.range.is_none(),
        Norm::Fraction(..) => true,
    };
    match &region.radius {
        Some(radius) if by_dual_norm => check_dual(minorant, x, norm, (region, radius)),
        _ => check_sum(minorant, x, norm, region),
    }
}

/// Whether a least value of this sign proves the statement.
fn positive(value: &IBig, zero_suffices: bool) -> Result<(), Rejection> {
    if *value > IBig::ZERO || (zero_suffices && value.is_zero()) {
        return Ok(());
    }
    let found = if value.is_zero() { "0" } else { "a negative number" };
    Err(Rejection::new(Code::NotProven, "the minorant's least value over the ball", "a positive number", found))
}

/// The dual norm: value at x − radius·‖slopes‖_q; a box is not used, and of nodes taken exactly the steepest piece.
fn check_dual(
    minorant: &Minorant,
    x: &Exact,
    norm: Norm,
    (region, radius): (&Region, &Exact),
) -> Result<(), Rejection> {
    let (value, steepness) = steepest(minorant, x)?;
    positive(&value.values[0], false).map_err(|mut r| {
        r.place = "the minorant's value at the input".into();
        r
    })?;
    let mut steps = steepness.times(radius)?;
    let mut value = value;
    value.align(&mut steps)?;
    let open = region.open && region.range.is_none() && minorant.kinks.is_empty();
    let margin = match norm {
        Norm::L1 => &value.values[0] - steps.values.iter().max().cloned().unwrap_or(IBig::ZERO),
        Norm::L2 => &value.values[0] * &value.values[0] - steps.values.iter().map(|v| v * v).sum::<IBig>(),
        Norm::Inf => &value.values[0] - steps.values.iter().sum::<IBig>(),
        // q = P/(P − 1) for p = P/Q is P/(P − Q).
        Norm::Fraction(p, q) => return power::compare(&steps.values, &value.values[0], (p, p - q), open),
    };
    positive(&margin, open)
}

/// The minorant's value at `x`, and per coordinate a bound of its slope's size: the larger one of the slope with all
/// rising kinks and the slope with all falling ones, which for at most one kink is the steeper piece.
fn steepest(minorant: &Minorant, x: &Exact) -> Result<(Exact, Exact), Rejection> {
    let mut value = minorant.base.clone().plus(minorant.linear.dot(x)?)?;
    let (mut most, mut least) = (minorant.linear.clone(), minorant.linear.clone());
    for Kinks { jumps, arguments } in &minorant.kinks {
        let at = |i: &Option<usize>| i.map_or(IBig::ZERO, |i| x.values[i].clone());
        let place = x.with(arguments.coordinates.iter().map(at).collect());
        let argument = arguments.slopes.times(&place)?.plus(arguments.offsets.clone())?;
        let positive = argument.with(argument.values.iter().map(|t| t.clone().max(IBig::ZERO)).collect());
        value = value.plus(jumps.dot(&positive)?)?;
        let changes = jumps.times(&arguments.slopes)?;
        let (mut up, mut down) = (Exact::zeros(x.len()), Exact::zeros(x.len()));
        for (change, i) in pairs(&changes.values, &arguments.coordinates)? {
            let side = if *change > IBig::ZERO { &mut up } else { &mut down };
            if let Some(i) = i {
                side.values[*i] += change;
            }
        }
        most = most.plus(changes.with(up.values))?;
        least = least.plus(changes.with(down.values))?;
    }
    most.align(&mut least)?;
    let larger = |(a, b): (&IBig, &IBig)| IBig::from(a.unsigned_abs().max(b.unsigned_abs()));
    let values = pairs(&most.values, &least.values)?.map(larger).collect();
    Ok((value, most.with(values)))
}

/// The coordinates one by one, with the multiplier for l1 and l2.
fn check_sum(minorant: &Minorant, x: &Exact, norm: Norm, region: &Region) -> Result<(), Rejection> {
    let penalty = match (norm, &region.radius, &region.multiplier) {
        (_, None, _) | (Norm::Inf, ..) => None,
        (Norm::L1 | Norm::L2, _, Some(multiplier)) => Some(multiplier),
        (Norm::L1 | Norm::L2, _, None) => {
            return Err(Rejection::new(Code::MultiplierMissing, "multiplier", "one for l1 and l2 here", "none"));
        }
        (Norm::Fraction(..), ..) => unreachable!("fractional norms go by the dual norm unless the radius is unbounded"),
    };
    let problem = Problem::new(minorant, x, norm, region, penalty)?;
    let mut total: Fraction = (problem.base.clone(), UBig::ONE);
    for coordinate in &problem.coordinates {
        let least = coordinate.least(&problem)?;
        total = sum(total, least)?;
    }
    let open = region.open && region.radius.is_some() && problem.allows_zero(minorant, region);
    positive(&total.0, open)
}

fn sum(a: Fraction, b: Fraction) -> Result<Fraction, Rejection> {
    if a.1 == b.1 {
        return Ok((a.0 + b.0, a.1));
    }
    let common = (&a.1).gcd(&b.1);
    let (left, right) = (&b.1 / &common, &a.1 / &common);
    let denominator = &a.1 * &left;
    budget::within("exact arithmetic", "bits", denominator.bit_len() as u64, budget::BITS)?;
    Ok((a.0 * left + b.0 * right, denominator))
}

/// Everything in integers.
struct Problem {
    /// Constant part, multiplier's −λ·ψ(radius) included.
    base: IBig,
    coordinates: Vec<Coordinate>,
    /// q in q·|δ| (l1) or q·δ² (l2), in units of value per (squared) unit of position; 0 for no multiplier.
    weight: IBig,
    norm: Norm,
}

/// One coordinate's function and where it may go.
struct Coordinate {
    slope: IBig,
    kinks: Vec<Kink>,
    center: IBig,
    /// `None` without an end.
    low: Option<IBig>,
    high: Option<IBig>,
}

/// jump·max(slope·X + offset, 0).
struct Kink {
    jump: IBig,
    slope: IBig,
    offset: IBig,
}

impl Problem {
    fn new(
        minorant: &Minorant,
        x: &Exact,
        norm: Norm,
        region: &Region,
        multiplier: Option<&Exact>,
    ) -> Result<Problem, Rejection> {
        // Positions on one grid.
        let mut positions = x.clone();
        let mut radius = region.radius.clone().unwrap_or_else(|| Exact::zeros(1));
        let mut range = region.range.clone().unwrap_or_else(|| Exact::zeros(2));
        Exact::unify(&mut [&mut positions, &mut radius, &mut range])?;
        let grid = positions.exponent;
        let reach = region.radius.as_ref().map(|_| &radius.values[0]);
        let interval = |center: &IBig| {
            let mut low = reach.map(|r| center - r);
            let mut high = reach.map(|r| center + r);
            if region.range.is_some() {
                low = Some(low.map_or(range.values[0].clone(), |low| low.max(range.values[0].clone())));
                high = Some(high.map_or(range.values[1].clone(), |high| high.min(range.values[1].clone())));
            }
            (low, high)
        };
        // Values in one unit: the linear part and every kink's jump times its argument.
        let mut base = minorant.base.clone();
        let mut linear = minorant.linear.rescaled(grid, &UBig::ONE);
        let mut groups = Vec::with_capacity(minorant.kinks.len());
        for group in &minorant.kinks {
            let mut slopes = group.arguments.slopes.rescaled(grid, &UBig::ONE);
            let mut offsets = group.arguments.offsets.clone();
            slopes.align(&mut offsets)?;
            groups.push((
                group.jumps.rescaled(slopes.exponent, &slopes.denominator),
                slopes,
                offsets,
                &group.arguments.coordinates,
            ));
        }
        let (mut weight, mut cost) = (Exact::zeros(1), Exact::zeros(1));
        if let Some(multiplier) = multiplier {
            // λ·|δ|, or λ/2·δ².
            weight = multiplier.rescaled(if let Norm::L1 = norm { grid } else { 2 * grid - 1 }, &UBig::ONE);
            let r = &radius.values[0];
            cost = weight.with(vec![&weight.values[0] * if let Norm::L1 = norm { r.clone() } else { r * r }]);
        }
        let mut parts = vec![&mut base, &mut linear, &mut weight, &mut cost];
        parts.extend(groups.iter_mut().map(|(jumps, ..)| jumps));
        Exact::unify(&mut parts)?;
        let coordinate = |(center, slope): (&IBig, IBig)| {
            let (low, high) = interval(center);
            Coordinate { slope, kinks: Vec::new(), center: center.clone(), low, high }
        };
        let mut coordinates: Vec<Coordinate> = pairs(&positions.values, linear.values)?.map(coordinate).collect();
        let mut constant = &base.values[0] - &cost.values[0];
        for (jumps, slopes, offsets, places) in groups {
            let entries = pairs(pairs(jumps.values, slopes.values)?, pairs(offsets.values, places)?)?;
            for ((jump, slope), (offset, place)) in entries {
                match place {
                    Some(i) if !slope.is_zero() => coordinates[*i].kinks.push(Kink { jump, slope, offset }),
                    _ => constant += jump * offset.max(IBig::ZERO),
                }
            }
        }
        let weight = weight.values.swap_remove(0);
        Ok(Problem { base: constant, coordinates, weight, norm })
    }

    /// Whether a least value of 0 over the closed ball proves that the open ball is positive.
    fn allows_zero(&self, minorant: &Minorant, region: &Region) -> bool {
        // With a multiplier the bound at a point inside exceeds the least one by λ·(ψ(radius) − ψ(‖δ‖)) > 0. Without
        // one, an affine minorant that is positive at the center and ≥ 0 on the sphere is positive inside.
        let at_center = || {
            let value = |c: &Coordinate| c.value(&(c.center.clone(), UBig::ONE), self).0;
            &self.base + self.coordinates.iter().map(value).sum::<IBig>() > IBig::ZERO
        };
        self.weight > IBig::ZERO || (region.range.is_none() && minorant.kinks.is_empty() && at_center())
    }
}

impl Coordinate {
    /// h(X) + the multiplier's term at X = n/d, over the denominator d (l1, l∞) or d².
    fn value(&self, (n, d): &Fraction, problem: &Problem) -> Fraction {
        let mut h = &self.slope * n;
        for kink in &self.kinks {
            let argument = &kink.slope * n + &kink.offset * d;
            if argument > IBig::ZERO {
                h += &kink.jump * argument;
            }
        }
        if problem.weight.is_zero() {
            return (h, d.clone());
        }
        let step = n - &self.center * d;
        match problem.norm {
            Norm::L2 => (h * d + &problem.weight * (&step * &step), d * d),
            _ => (h + &problem.weight * IBig::from(step.unsigned_abs()), d.clone()),
        }
    }

    /// The least value over the interval.
    fn least(&self, problem: &Problem) -> Result<Fraction, Rejection> {
        if self.kinks.is_empty() {
            return self.least_affine(problem);
        }
        let mut points: Vec<Fraction> = self.kinks.iter().map(Kink::place).collect();
        points.push((self.center.clone(), UBig::ONE));
        points.extend(self.low.iter().chain(&self.high).map(|end| (end.clone(), UBig::ONE)));
        points.retain(|point| self.allows(point));
        points.sort_by(compare);
        points.dedup();
        self.check_ends(&points, problem)?;
        let mut candidates: Vec<Fraction> = points.iter().map(|point| self.value(point, problem)).collect();
        if let (Norm::L2, false) = (problem.norm, problem.weight.is_zero()) {
            candidates.extend(points.windows(2).filter_map(|ends| self.vertex(&ends[0], &ends[1], problem)));
        }
        let least = candidates.into_iter().min_by(compare).expect("the center is a candidate");
        Ok(reduced(least))
    }

    fn least_affine(&self, problem: &Problem) -> Result<Fraction, Rejection> {
        let whole = |n: &IBig| (n.clone(), UBig::ONE);
        let downhill = if self.slope > IBig::ZERO { &self.low } else { &self.high };
        let Some(end) = downhill else {
            self.check_ends(&[whole(&self.center)], problem)?;
            return Ok(self.value(&whole(&self.center), problem));
        };
        match problem.norm {
            // The term λδ²/2 stops the descent where 2qδ = −slope.
            Norm::L2 if !problem.weight.is_zero() => {
                let twice = IBig::from(2) * &problem.weight;
                if (&self.slope).unsigned_abs() < (&twice * (end - &self.center)).unsigned_abs() {
                    let four = (IBig::from(2) * &twice).unsigned_abs();
                    let at_center = &self.slope * &self.center * &four;
                    return Ok((at_center - &self.slope * &self.slope, four));
                }
                Ok(self.value(&whole(end), problem))
            }
            Norm::L1 if (&self.slope).unsigned_abs() <= (&problem.weight).unsigned_abs() => {
                Ok(self.value(&whole(&self.center), problem))
            }
            _ => Ok(self.value(&whole(end), problem)),
        }
    }

    fn allows(&self, (n, d): &Fraction) -> bool {
        self.low.as_ref().is_none_or(|low| low * d <= *n) && self.high.as_ref().is_none_or(|high| *n <= high * d)
    }

    /// Where the interval has no end, the function must not fall towards it.
    fn check_ends(&self, points: &[Fraction], problem: &Problem) -> Result<(), Rejection> {
        debug_assert!(!points.is_empty() && (problem.weight.is_zero() || self.low.is_some()));
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
    fn vertex(&self, (a, b): &Fraction, (c, d): &Fraction, problem: &Problem) -> Option<Fraction> {
        // The middle of the two tells which kinks are active.
        let (n, m) = (a * d + c * b, b * d * UBig::from(2_u8));
        let mut slope = self.slope.clone();
        for kink in &self.kinks {
            if &kink.slope * &n + &kink.offset * &m > IBig::ZERO {
                slope += &kink.jump * &kink.slope;
            }
        }
        let twice = IBig::from(2) * &problem.weight;
        let point = (&twice * &self.center - slope, twice.unsigned_abs());
        let inside =
            compare(&(a.clone(), b.clone()), &point).is_lt() && compare(&point, &(c.clone(), d.clone())).is_lt();
        inside.then(|| self.value(&point, problem))
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
