//! Lagrange's multiplier of the ball: λ > 0 that maximises base + Σ min (hᵢ(δ) + λ·ψ(δ)) − λ·ψ(r) (METHOD §6).
//!
//! Plain floats: the kernel checks the result, so a bad multiplier only proves less.

use super::plan::Bound;
use crate::model::Minorant;
use crate::norm::Norm;
use crate::query::coordinate::Coordinate;
use crate::query::{Query, reach};

/// The best multiplier for l1 or l2 at `radius` over the part between `cuts`; `None` where none is needed or found.
pub fn best(query: Query, minorant: &Minorant, radius: f64, cuts: &[Bound]) -> Option<f64> {
    if !radius.is_finite() {
        return None;
    }
    if radius == 0.0 {
        return Some(1.0);
    }
    let Query { x, perturbation, .. } = query;
    let mut coordinates = query.coordinates(minorant);
    coordinates.iter_mut().for_each(|coordinate| coordinate.limit(-radius, radius));
    for cut in cuts {
        let coordinate = coordinates.get_mut(cut.coordinate)?;
        let scale = perturbation.scale(cut.coordinate);
        if scale > 0.0 {
            coordinate.limit((cut.low - x[cut.coordinate]) / scale, (cut.high - x[cut.coordinate]) / scale);
        }
    }
    if coordinates.iter().any(|c| c.low > c.high) {
        return Some(1.0);
    }
    let is_l1 = perturbation.norm == Norm::L1;
    let cost = if is_l1 { radius } else { radius * radius / 2.0 };
    let corners: Vec<Vec<(f64, f64)>> = coordinates.iter().map(Coordinate::corners).collect();
    // What is left of the margin, and whether a larger λ would leave more: by how far the attacker then goes, which is
    // known even where the change of the sum is lost in rounding.
    let evaluate = |lambda: f64| {
        let places = coordinates.iter().zip(&corners).map(|(c, corners)| c.cheapest(corners, lambda, !is_l1));
        let penalty = |delta: f64| if is_l1 { delta.abs() } else { delta * delta / 2.0 };
        let priced = places.map(|(delta, h)| (h + lambda * penalty(delta), penalty(delta)));
        let (least, spent) = priced.fold((0.0, 0.0), |(a, b), (value, penalty)| (a + value, b + penalty));
        (least - lambda * cost, spent > cost)
    };
    let lambda = turn(|lambda| evaluate(lambda).1, |lambda| evaluate(lambda).0);
    // Where the box holds the attacker back before the ball does, every small λ is good.
    let small = (minorant.value.lower() / cost * 1e-20).max(f64::MIN_POSITIVE);
    let lambda = lambda.max(small);
    lambda.is_finite().then_some(lambda)
}

/// Where a concave function of λ > 0 stops rising: by bisection over the floats in their order.
fn turn(rises: impl Fn(f64) -> bool, value: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (f64::MIN_POSITIVE.to_bits(), f64::MAX.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if rises(f64::from_bits(middle)) { low = middle } else { high = middle }
    }
    let (low, high) = (f64::from_bits(low), f64::from_bits(high));
    if value(low) > value(high) { low } else { high }
}

/// A radius for a fractional norm: by the dual norm of the steepest slopes, which is how the kernel sees it.
pub fn by_dual_norm(query: Query, minorant: &Minorant) -> f64 {
    let steepest = |coordinate: &Coordinate| {
        let (least, most) = coordinate.slopes();
        least.abs().max(most.abs())
    };
    let slopes: Vec<f64> = query.coordinates(minorant).iter().map(steepest).collect();
    reach::uncapped(query.norm(), minorant.value.lower(), &slopes)
}
