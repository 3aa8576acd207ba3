//! The least value of a minorant over a ball and a box, or over the part of them that a tree's leaf is about.
//!
//! Either by the dual norm, or coordinate by coordinate (`sum`).

use crate::argument::minorant::Minorant;
use crate::argument::sum::{Part, least};
use crate::network::map::Map;
use crate::number::exact::{Exact, pairs};
use crate::number::power;
use crate::rejection::{Code, Rejection};
use crate::statement::Norm;
use dashu_int::IBig;
use dashu_int::ops::UnsignedAbs;

/// What is compared with 0.
const LEAST: &str = "the minorant's least value over the ball";

/// Tests that the minorant is positive over the ball, the box and the part (for an open ball: ≥ 0, where that suffices).
pub fn check(minorant: &Minorant, part: &Part) -> Result<(), Rejection> {
    let (region, affine) = (part.region, minorant.kinks.is_empty());
    match (part.norm, &region.radius) {
        (Norm::L1 | Norm::L2, Some(radius)) if affine && part.multiplier.is_none() => {
            check_dual(minorant, part, radius)
        }
        (Norm::Inf, Some(radius)) if affine && region.range.is_none() && part.cuts.is_empty() => {
            check_dual(minorant, part, radius)
        }
        (Norm::Fraction(..), Some(radius)) => check_dual(minorant, part, radius),
        _ => check_sum(minorant, part),
    }
}

/// Whether a value of this sign proves the statement.
fn positive(place: &str, value: &IBig, zero_suffices: bool) -> Result<(), Rejection> {
    if *value > IBig::ZERO || (zero_suffices && value.is_zero()) {
        return Ok(());
    }
    let found = if value.is_zero() { "0" } else { "a negative number" };
    Err(Rejection::new(Code::NotProven, place, "a positive number", found))
}

/// The dual norm: value at x − radius·‖slopes‖_q; a box and a part's ends are not used, and of nodes taken exactly the
/// steepest piece, so that more is proven than asked.
fn check_dual(minorant: &Minorant, part: &Part, radius: &Exact) -> Result<(), Rejection> {
    let (mut value, mut steepness) = steepest(minorant, part.x)?;
    if let Some(weights) = part.weights {
        // |c·δ| ≤ Σ |cᵢ|·scaleᵢ·|wᵢδᵢ|.
        steepness = steepness.times(weights.scales())?;
    }
    positive("the minorant's value at the input", &value.values[0], false)?;
    let mut steps = steepness.times(radius)?;
    value.align(&mut steps)?;
    let (value, steps) = (&value.values[0], &steps.values);
    // What is positive at the center, affine, and ≥ 0 on the whole sphere is positive inside.
    let open = part.region.open && part.region.range.is_none() && minorant.kinks.is_empty();
    let margin = match part.norm {
        Norm::L1 => value - steps.iter().max().unwrap_or(&IBig::ZERO),
        Norm::L2 => value * value - steps.iter().map(|v| v * v).sum::<IBig>(),
        Norm::Inf => value - steps.iter().sum::<IBig>(),
        // q = P/(P − 1) for p = P/Q is P/(P − Q).
        Norm::Fraction(p, q) => return power::compare(steps, value, (p, p - q), open),
    };
    positive(LEAST, &margin, open)
}

/// The minorant's value at `x`, and per coordinate a bound of its slope's size: the larger one of the slope with all
/// rising kinks and the slope with all falling ones, which for at most one kink is the steeper piece.
fn steepest(minorant: &Minorant, x: &Exact) -> Result<(Exact, Exact), Rejection> {
    let mut value = minorant.base.clone().plus(minorant.linear.dot(x)?)?;
    let (mut most, mut least) = (minorant.linear.clone(), minorant.linear.clone());
    for (jumps, arguments) in &minorant.kinks {
        let places = Map::pick(arguments.coordinates.clone(), x.len());
        let argument = arguments.slopes.times(&places.forward(x)?)?.plus(arguments.offsets.clone())?;
        value = value.plus(jumps.dot(&argument.map(|t| t.max(&IBig::ZERO).clone()))?)?;
        let changes = jumps.times(&arguments.slopes)?;
        most = most.plus(places.backward(&changes.map(|v| v.max(&IBig::ZERO).clone()))?)?;
        least = least.plus(places.backward(&changes.map(|v| v.min(&IBig::ZERO).clone()))?)?;
    }
    most.align(&mut least)?;
    let larger = |(a, b): (&IBig, &IBig)| IBig::from(a.unsigned_abs().max(b.unsigned_abs()));
    let values = pairs(&most.values, &least.values)?.map(larger).collect();
    Ok((value, most.with(values)))
}

/// The coordinates one by one, with the multiplier for l1 and l2.
fn check_sum(minorant: &Minorant, part: &Part) -> Result<(), Rejection> {
    let multiplier = match (part.norm, &part.region.radius, part.multiplier) {
        (_, None, _) | (Norm::Inf, ..) => None,
        (Norm::L1 | Norm::L2, _, Some(multiplier)) if multiplier.values[0] > IBig::ZERO => Some(multiplier),
        (Norm::L1 | Norm::L2, ..) => {
            return Err(Rejection::new(Code::MultiplierMissing, "multiplier", "one for l1 and l2 here", "none"));
        }
        (Norm::Fraction(..), ..) => unreachable!("fractional norms go by the dual norm unless the radius is unbounded"),
    };
    let Some((least, _)) = least(minorant, part, multiplier)? else { return Ok(()) };
    // With a multiplier the bound at a point inside exceeds the least one by λ·(ψ(radius) − ψ(‖δ‖)) > 0.
    positive(LEAST, &least, part.region.open && multiplier.is_some())
}
