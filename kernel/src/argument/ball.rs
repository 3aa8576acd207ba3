//! The least value of a minorant over a ball and a box, or over the part of them that a tree's leaf is about.
//!
//! Either by the dual norm, or coordinate by coordinate (`sum`).

use crate::argument::minorant::{Kinks, Minorant};
use crate::argument::part::Part;
use crate::argument::sum::Problem;
use crate::number::exact::{Exact, pairs};
use crate::number::power;
use crate::rejection::{Code, Rejection};
use crate::statement::Norm;
use dashu_int::IBig;
use dashu_int::ops::UnsignedAbs;

/// Tests that the minorant is positive over the ball, the box and the part (for an open ball: ≥ 0, where that suffices).
pub fn check(minorant: &Minorant, x: &Exact, norm: Norm, part: &Part) -> Result<(), Rejection> {
    let region = part.region;
    let affine = minorant.kinks.is_empty();
    let by_dual_norm = match norm {
        _ if region.radius.is_none() => false,
        Norm::L1 | Norm::L2 => affine && part.multiplier.is_none(),
        Norm::Inf => affine && region.range.is_none() && part.cuts.is_empty(),
        Norm::Fraction(..) => true,
    };
    match &region.radius {
        Some(radius) if by_dual_norm => check_dual(minorant, x, norm, part, radius),
        _ => check_sum(minorant, x, norm, part),
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

/// The dual norm: value at x − radius·‖slopes‖_q; a box and a part's ends are not used, and of nodes taken exactly the
/// steepest piece, so that more is proven than asked.
fn check_dual(minorant: &Minorant, x: &Exact, norm: Norm, part: &Part, radius: &Exact) -> Result<(), Rejection> {
    let region = part.region;
    let (value, mut steepness) = steepest(minorant, x)?;
    if let Some(weights) = part.weights {
        // |c·δ| ≤ Σ |cᵢ|·scaleᵢ·|wᵢδᵢ|.
        steepness = steepness.times(weights.scales())?;
    }
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
fn check_sum(minorant: &Minorant, x: &Exact, norm: Norm, part: &Part) -> Result<(), Rejection> {
    let region = part.region;
    let penalty = match (norm, &region.radius, part.multiplier) {
        (_, None, _) | (Norm::Inf, ..) => None,
        (Norm::L1 | Norm::L2, _, Some(multiplier)) => Some(multiplier),
        (Norm::L1 | Norm::L2, _, None) => {
            return Err(Rejection::new(Code::MultiplierMissing, "multiplier", "one for l1 and l2 here", "none"));
        }
        (Norm::Fraction(..), ..) => unreachable!("fractional norms go by the dual norm unless the radius is unbounded"),
    };
    let problem = Problem::new(minorant, x, norm, part, penalty)?;
    let Some(least) = problem.least()? else { return Ok(()) };
    let open = region.open && region.radius.is_some() && problem.allows_zero(minorant, part);
    positive(&least.0, open)
}
