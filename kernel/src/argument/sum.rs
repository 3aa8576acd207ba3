//! A minorant over a part of the ball as a sum of functions of single coordinates.
//!
//! Everything is brought to integers: positions x = X·2^e (X may be a fraction where a kink lies between the grid's
//! points), values V·unit. One coordinate's part is h(X) = l·X + Σ Jₖ·max(Aₖ·X + Bₖ, 0), with, for l1 and l2, the
//! multiplier's term λ·|δ| or λ·δ²/2 added (`interval`). With weights the term is λ·w|δ| or λ·w²δ²/2, and a coordinate stays
//! within ±radius·scale, scale ≥ 1/w.

use crate::argument::interval::{Coordinate, Fraction, Kink, Penalty};
use crate::argument::minorant::Minorant;
use crate::argument::part::Part;
use crate::budget;
use crate::evidence::tree::Side;
use crate::number::exact::{Exact, pairs};
use crate::rejection::Rejection;
use crate::statement::Norm;
use dashu_int::ops::{BitTest, Gcd};
use dashu_int::{IBig, UBig};

/// Everything in integers.
pub struct Problem {
    /// Constant part, multiplier's −λ·ψ(radius) included.
    base: IBig,
    coordinates: Vec<Coordinate>,
    /// One for all coordinates, or one each.
    penalties: Vec<Penalty>,
}

impl Problem {
    /// On one grid of positions and in one unit of values.
    pub fn new(
        minorant: &Minorant,
        x: &Exact,
        norm: Norm,
        part: &Part,
        multiplier: Option<&Exact>,
    ) -> Result<Problem, Rejection> {
        let places = Places::new(x, part)?;
        let grid = places.grid;
        // Values in one unit: the linear part and every kink's jump times its argument.
        let mut base = minorant.base.clone();
        let mut linear = minorant.linear.clone().scaled(grid, &UBig::ONE)?;
        let mut groups = Vec::with_capacity(minorant.kinks.len());
        for group in &minorant.kinks {
            let mut slopes = group.arguments.slopes.clone().scaled(grid, &UBig::ONE)?;
            let mut offsets = group.arguments.offsets.clone();
            slopes.align(&mut offsets)?;
            groups.push((
                group.jumps.clone().scaled(slopes.exponent, &slopes.denominator)?,
                slopes,
                offsets,
                &group.arguments.coordinates,
            ));
        }
        let (mut weight, mut cost) = (Exact::zeros(1), Exact::zeros(1));
        if let Some(multiplier) = multiplier {
            // λ·|δ|, or λ/2·δ².
            weight = multiplier.clone().scaled(if let Norm::L1 = norm { grid } else { 2 * grid - 1 }, &UBig::ONE)?;
            let r = &places.radius;
            cost = weight.with(vec![&weight.values[0] * if let Norm::L1 = norm { r.clone() } else { r * r }]);
            if let Some(weights) = part.weights {
                weight = weights.price(&weight, norm)?;
            }
        }
        let mut parts = vec![&mut base, &mut linear, &mut weight, &mut cost];
        parts.extend(groups.iter_mut().map(|(jumps, ..)| jumps));
        Exact::unify(&mut parts)?;
        let mut coordinates = places.coordinates(linear.values, part)?;
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
        let penalties = weight.values.into_iter().map(|weight| Penalty { weight, norm }).collect();
        Ok(Problem { base: constant, coordinates, penalties })
    }

    fn penalty(&self, i: usize) -> &Penalty {
        if self.penalties.len() == 1 { &self.penalties[0] } else { &self.penalties[i] }
    }

    /// The least value, unless there is no point.
    pub fn least(&self) -> Result<Option<Fraction>, Rejection> {
        if self.coordinates.iter().any(Coordinate::is_empty) {
            return Ok(None);
        }
        let mut total: Fraction = (self.base.clone(), UBig::ONE);
        for (i, coordinate) in self.coordinates.iter().enumerate() {
            total = sum(total, coordinate.least(self.penalty(i))?)?;
        }
        Ok(Some(total))
    }

    /// Whether a least value of 0 over the closed ball proves that the open ball is positive.
    pub fn allows_zero(&self, minorant: &Minorant, part: &Part) -> bool {
        // With a multiplier the bound at a point inside exceeds the least one by λ·(ψ(radius) − ψ(‖δ‖)) > 0. Without
        // one, an affine minorant that is positive at the center and ≥ 0 on the whole sphere is positive inside.
        let at_center = || {
            let value = |(i, c): (usize, &Coordinate)| c.value(&(c.center.clone(), UBig::ONE), self.penalty(i)).0;
            &self.base + self.coordinates.iter().enumerate().map(value).sum::<IBig>() > IBig::ZERO
        };
        let whole = part.region.range.is_none() && part.cuts.is_empty();
        self.penalties.iter().all(|penalty| penalty.weight > IBig::ZERO)
            || (whole && minorant.kinks.is_empty() && at_center())
    }
}

/// Positions on one grid.
struct Places {
    centers: Vec<IBig>,
    radius: IBig,
    /// radius·scale per coordinate, where there are weights.
    reaches: Option<Vec<IBig>>,
    range: Vec<IBig>,
    /// One per cut.
    ends: Vec<IBig>,
    /// Power of two.
    grid: i64,
}

impl Places {
    fn new(x: &Exact, part: &Part) -> Result<Places, Rejection> {
        let mut centers = x.clone();
        let mut radius = part.region.radius.clone().unwrap_or_else(|| Exact::zeros(1));
        let mut range = part.region.range.clone().unwrap_or_else(|| Exact::zeros(2));
        let mut ends: Vec<Exact> = part.cuts.iter().map(|cut| cut.at.clone()).collect();
        let mut reaches = part.weights.map(|weights| weights.scales().times(&radius)).transpose()?;
        let mut all = vec![&mut centers, &mut radius, &mut range];
        all.extend(&mut ends);
        all.extend(&mut reaches);
        Exact::unify(&mut all)?;
        Ok(Places {
            grid: centers.exponent,
            centers: centers.values,
            radius: radius.values.swap_remove(0),
            reaches: reaches.map(|reaches| reaches.values),
            range: range.values,
            ends: ends.into_iter().map(|mut end| end.values.swap_remove(0)).collect(),
        })
    }

    /// Linear functions with these slopes, each where ball, box and cuts let its coordinate go.
    fn coordinates(self, slopes: Vec<IBig>, part: &Part) -> Result<Vec<Coordinate>, Rejection> {
        let mut all: Vec<Coordinate> =
            pairs(self.centers, slopes)?.map(|(center, slope)| Coordinate::new(center, slope)).collect();
        for (i, coordinate) in all.iter_mut().enumerate() {
            // A coordinate that cannot change has a scale of 0, so a reach of 0, in an unbounded ball too.
            if part.region.radius.is_some() || part.weights.is_some_and(|weights| weights.is_fixed(i)) {
                let reach = self.reaches.as_ref().map_or(&self.radius, |reaches| &reaches[i]);
                let (low, high) = (&coordinate.center - reach, &coordinate.center + reach);
                coordinate.restrict(low, Side::Upper);
                coordinate.restrict(high, Side::Lower);
            }
            if part.region.range.is_some() {
                coordinate.restrict(self.range[0].clone(), Side::Upper);
                coordinate.restrict(self.range[1].clone(), Side::Lower);
            }
        }
        for (cut, end) in pairs(part.cuts, self.ends)? {
            all[cut.coordinate].restrict(end, cut.side);
        }
        Ok(all)
    }
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
