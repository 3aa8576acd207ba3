//! A minorant over a part of the ball as a sum of functions of single coordinates.
//!
//! Everything is brought to integers: positions x = X·2^e (X may be a fraction where a kink lies between the grid's
//! points), values V·unit. One coordinate's part is h(X) = l·X + Σ Jₖ·max(Aₖ·X + Bₖ, 0), with, for l1 and l2, the
//! multiplier's term λ·|δ| or λ·δ²/2 added (`interval`), and λ·ψ(radius), which it cannot exceed in the ball, taken off.
//! With weights the term is λ·w|δ| or λ·w²δ²/2, and a coordinate stays within ±radius·scale, scale ≥ 1/w.

use crate::argument::interval::{Coordinate, Fraction};
use crate::argument::minorant::Minorant;
use crate::budget;
use crate::evidence::tree::{Cut, Side};
use crate::number::exact::{Exact, pairs};
use crate::rejection::Rejection;
use crate::statement::{Norm, Region};
use crate::weights::Weights;
use dashu_int::ops::{BitTest, Gcd};
use dashu_int::{IBig, UBig};

/// Where a minorant must be positive.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The ball's center.
    pub x: &'a Exact,
    pub norm: Norm,
    /// Of the norm, if it has some.
    pub weights: Option<&'a Weights>,
    /// The ball and the box.
    pub region: &'a Region,
    /// Ends of single coordinates.
    pub cuts: &'a [Cut<'a>],
    /// λ > 0, evidence.
    pub multiplier: Option<&'a Exact>,
}

/// The least value over the part, in some unit, unless there is no point.
pub fn least(minorant: &Minorant, part: &Part, multiplier: Option<&Exact>) -> Result<Option<Fraction>, Rejection> {
    let (region, norm) = (part.region, part.norm);
    // Positions on one grid.
    let mut centers = part.x.clone();
    let mut radius = region.radius.clone().unwrap_or_else(|| Exact::zeros(1));
    let mut reaches = part.weights.map_or(Ok(radius.clone()), |weights| weights.scales().times(&radius))?;
    let places = |side: usize| region.range.as_ref().map_or_else(|| Exact::zeros(1), |ends| ends[side].places());
    let (mut lows, mut highs) = (places(0), places(1));
    let mut ends: Vec<Exact> = part.cuts.iter().map(|cut| cut.at.clone()).collect();
    let positions = [&mut centers, &mut radius, &mut reaches, &mut lows, &mut highs];
    Exact::unify(&mut positions.into_iter().chain(&mut ends).collect::<Vec<_>>())?;
    let grid = centers.with(vec![IBig::ONE]);
    // Values in one unit: the linear part, every kink's jump times its argument, and the multiplier's terms.
    let mut base = minorant.base.clone();
    let mut linear = minorant.linear.times(&grid)?;
    let mut kinks = Vec::with_capacity(minorant.kinks.len());
    for (jumps, arguments) in &minorant.kinks {
        let (mut slopes, mut offsets) = (arguments.slopes.times(&grid)?, arguments.offsets.clone());
        slopes.align(&mut offsets)?;
        let jumps = jumps.times(&slopes.with(vec![IBig::ONE]))?;
        kinks.push((jumps, slopes, offsets, &arguments.coordinates));
    }
    let (mut weight, mut cost) = (Exact::zeros(1), Exact::zeros(1));
    if let Some(multiplier) = multiplier {
        let r = &radius.values[0];
        weight = multiplier.times(&grid)?;
        cost = weight.map(|weight| weight * r);
        if let Norm::L2 = norm {
            weight = weight.times(&grid)?.scaled(-1, &UBig::ONE)?;
            cost = weight.map(|weight| weight * r * r);
        }
        if let Some(weights) = part.weights {
            weight = weights.price(&weight, norm)?;
        }
    }
    let values = [&mut base, &mut linear, &mut weight, &mut cost];
    Exact::unify(&mut values.into_iter().chain(kinks.iter_mut().map(|(jumps, ..)| jumps)).collect::<Vec<_>>())?;
    let mut constant = &base.values[0] - &cost.values[0];
    // Linear functions, each where ball, box and cuts let its coordinate go.
    let mut coordinates = Vec::with_capacity(centers.len());
    for (i, (center, slope)) in pairs(centers.values, linear.values)?.enumerate() {
        let mut coordinate = Coordinate::new(center, slope, weight.at(i).clone());
        // A coordinate that cannot change has a scale of 0, so a reach of 0, in an unbounded ball too.
        if region.radius.is_some() || part.weights.is_some_and(|weights| weights.is_fixed(i)) {
            coordinate.restrict(&coordinate.center - reaches.at(i), Side::Upper);
            coordinate.restrict(&coordinate.center + reaches.at(i), Side::Lower);
        }
        if let Some([lower, upper]) = &region.range {
            lower.of(&lows, i).into_iter().for_each(|low| coordinate.restrict(low.clone(), Side::Upper));
            upper.of(&highs, i).into_iter().for_each(|high| coordinate.restrict(high.clone(), Side::Lower));
        }
        coordinates.push(coordinate);
    }
    for (cut, end) in pairs(part.cuts, &ends)? {
        coordinates[cut.coordinate].restrict(end.values[0].clone(), cut.side);
    }
    for (jumps, slopes, offsets, places) in &kinks {
        let entries = pairs(pairs(&jumps.values, &slopes.values)?, pairs(&offsets.values, *places)?)?;
        for ((jump, slope), (offset, place)) in entries {
            match place {
                Some(i) => coordinates[*i].add(jump, slope, offset),
                None => constant += jump * offset.max(&IBig::ZERO),
            }
        }
    }
    if coordinates.iter().any(Coordinate::is_empty) {
        return Ok(None);
    }
    let mut total: Fraction = (constant, UBig::ONE);
    for coordinate in coordinates {
        total = sum(total, coordinate.least(norm)?)?;
    }
    Ok(Some(total))
}

fn sum(a: Fraction, b: Fraction) -> Result<Fraction, Rejection> {
    if a.1 == b.1 {
        return Ok((a.0 + b.0, a.1));
    }
    let common = (&a.1).gcd(&b.1);
    let (left, right) = (&b.1 / &common, &a.1 / &common);
    let denominator = &a.1 * &left;
    budget::bits(denominator.bit_len() as u64)?;
    Ok((a.0 * left + b.0 * right, denominator))
}
