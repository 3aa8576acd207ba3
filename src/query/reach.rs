//! How far an attacker must go before a sum of capped linear decreases uses up a margin.
//!
//! The attacker lowers a function by at most Σ w_i ρ_i with 0 ≤ ρ_i ≤ room_i and ‖ρ‖_p ≤ r. The result is the largest
//! r, rounded down, at which that stays strictly below the margin: a fractional knapsack for p = 1, water-filling for
//! 1 < p < ∞, a capped sum for p = ∞. Every result is re-evaluated with outward rounding, through multipliers where
//! there are any (weak duality: all of them give valid radii), so that a float error in the search can only make it
//! smaller.

use crate::norm::Norm;
use crate::rounding::{add_up, div_down, div_up, max_abs, mul_up, sub_down, sum_up};

/// The radius without caps: margin / ‖w‖_{p*}. `f64::INFINITY` when every weight is 0; 0 when nothing can be said.
pub fn uncapped(norm: Norm, margin: f64, weights: &[f64]) -> f64 {
    divide(margin, norm.dual_upper(weights))
}

/// margin / steepness, rounded down; infinite when the steepness is exactly 0.
pub fn divide(margin: f64, steepness: f64) -> f64 {
    if margin.is_nan() || margin <= 0.0 || steepness.is_nan() {
        0.0
    } else if steepness == 0.0 {
        f64::INFINITY
    } else {
        div_down(margin, steepness)
    }
}

/// The radius with caps `rooms`, `[weights.len()]`, each ≥ 0 or infinite.
pub fn capped(norm: Norm, margin: f64, weights: &[f64], rooms: &[f64]) -> f64 {
    if margin.is_nan() || margin <= 0.0 || weights.iter().any(|w| w.is_nan()) {
        return 0.0;
    }
    if sum_up(weights.iter().zip(rooms).map(|(&w, &room)| mul_up(w, room))) < margin {
        return f64::INFINITY;
    }
    let reachable: Vec<f64> = weights.iter().zip(rooms).map(|(&w, &room)| if room > 0.0 { w } else { 0.0 }).collect();
    let plain = uncapped(norm, margin, &reachable);
    let better = match norm {
        Norm::L1 => knapsack(margin, &reachable, rooms),
        Norm::L2 => water_filling(margin, &reachable, rooms),
        Norm::Linf => capped_sum(margin, &reachable, rooms),
        Norm::Lp(p) => fractional(p, margin, &reachable, rooms),
    };
    plain.max(better)
}

/// p = 1: for every τ ≥ 0 the decrease is at most τ·r + Σ max(w_i − τ, 0)·room_i.
fn knapsack(margin: f64, weights: &[f64], rooms: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
    order.sort_unstable_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let mut used = 0.0;
    let mut tau = 0.0;
    for i in order {
        tau = weights[i];
        used += weights[i] * rooms[i];
        if used >= margin {
            break;
        }
    }
    if tau == 0.0 {
        return 0.0;
    }
    let above = |(&w, &room): (&f64, &f64)| if w > tau { mul_up((w - tau).next_up(), room) } else { 0.0 };
    divide(sub_down(margin, sum_up(weights.iter().zip(rooms).map(above))), tau)
}

/// p = 2: for every λ > 0 the decrease is at most λr²/2 + Σ max over 0 ≤ ρ ≤ room_i of (w_i ρ − λρ²/2).
fn water_filling(margin: f64, weights: &[f64], rooms: &[f64]) -> f64 {
    let pairs = || weights.iter().zip(rooms).filter(|(w, _)| **w > 0.0);
    let lambda = 1.0 / filled(margin, weights, weights, rooms);
    if !(lambda.is_finite() && lambda > 0.0) {
        return 0.0;
    }
    let conjugate = |(&w, &room): (&f64, &f64)| {
        if room <= (w / lambda).next_down() {
            mul_up(room, add_up(w, -(lambda * room / 2.0).next_down().next_down()))
        } else {
            div_up(mul_up(w, w), 2.0 * lambda)
        }
    };
    let left = sub_down(margin, sum_up(pairs().map(conjugate)));
    if left <= 0.0 {
        return 0.0;
    }
    ((2.0 * left).next_down() / lambda).next_down().max(0.0).sqrt().next_down().max(0.0)
}

/// 1 < p < ∞: for every 0 ≤ τ_i ≤ w_i the decrease is at most r·‖τ‖_{p*} + Σ (w_i − τ_i)·room_i. The best τ_i is w_i
/// where ρ_i = s·w_i^{1/(p−1)} stays below the cap, and a multiple of room_i^{p−1} where it does not.
fn fractional(p: f64, margin: f64, weights: &[f64], rooms: &[f64]) -> f64 {
    let largest = max_abs(weights);
    let rates: Vec<f64> = weights.iter().map(|w| (w / largest).powf(1.0 / (p - 1.0))).collect();
    let s = filled(margin, weights, &rates, rooms);
    let share = |i: usize| match s * rates[i] < rooms[i] {
        true => weights[i],
        false => weights[i].min(largest * (rooms[i] / s).powf(p - 1.0)),
    };
    let shares: Vec<f64> = (0..weights.len()).map(share).collect();
    let capped = |i: usize| match shares[i] < weights[i] {
        true => mul_up((weights[i] - shares[i]).next_up(), rooms[i]),
        false => 0.0,
    };
    uncapped(Norm::Lp(p), sub_down(margin, sum_up((0..weights.len()).map(capped))), &shares)
}

/// The s at which Σ w_i min(s·rate_i, room_i) meets the margin, in plain floats: Newton from 0 on a concave, increasing,
/// piecewise linear function takes finitely many steps.
fn filled(margin: f64, weights: &[f64], rates: &[f64], rooms: &[f64]) -> f64 {
    let entries = || weights.iter().zip(rates).zip(rooms).filter(|((w, _), _)| **w > 0.0);
    let mut s = 0.0_f64;
    for _ in 0..=weights.len() {
        let value: f64 = entries().map(|((w, rate), room)| w * (rate * s).min(*room)).sum();
        let slope: f64 = entries().filter(|((_, rate), room)| **rate * s < **room).map(|((w, rate), _)| w * rate).sum();
        let step = (margin - value) / slope;
        if !(step.is_finite() && s + step > s * (1.0 + 1e-15)) {
            break;
        }
        s += step;
    }
    s
}

/// p = ∞: Σ w_i min(r, room_i).
fn capped_sum(margin: f64, weights: &[f64], rooms: &[f64]) -> f64 {
    let pairs = || weights.iter().zip(rooms).filter(|(w, _)| **w > 0.0);
    let radius = filled(margin, weights, &vec![1.0; weights.len()], rooms);
    shrink_until(radius, |r| sum_up(pairs().map(|(&w, &room)| mul_up(w, r.min(room)))) < margin)
}

/// The first of `radius`, and slightly smaller ones, that `holds`; 0 when none does.
fn shrink_until(radius: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let mut less = f64::EPSILON;
    let mut candidate = radius;
    while !holds(candidate) {
        candidate = radius * (1.0 - less);
        less *= 4.0;
        if less > 1.0 {
            return 0.0;
        }
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// max Σ w_i ρ_i over 0 ≤ ρ_i ≤ room_i and ‖ρ‖_p ≤ r, with the multiplier found by bisection.
    fn decrease(p: f64, r: f64, weights: &[f64], rooms: &[f64]) -> f64 {
        let at = |s: f64| -> Vec<f64> {
            weights.iter().zip(rooms).map(|(w, room)| (s * w.powf(1.0 / (p - 1.0))).min(*room)).collect()
        };
        let size = |rho: &[f64]| rho.iter().map(|v| v.powf(p)).sum::<f64>().powf(1.0 / p);
        let (mut low, mut high) = (1e-30_f64, 1e30_f64);
        for _ in 0..200 {
            let middle = (low * high).sqrt();
            if size(&at(middle)) < r { low = middle } else { high = middle }
        }
        at(high).iter().zip(weights).map(|(rho, w)| rho * w).sum()
    }

    proptest! {
        #[test]
        fn capped_radii_are_sound_and_tight(
            entries in prop::collection::vec((0.0..2.0_f64, prop::sample::select(&[0.0, 0.1, 0.4, 1.0, f64::INFINITY][..])), 1..12),
            p in prop::sample::select(&[1.1, 1.5, 2.0, 2.5, 4.0][..]),
            margin in 0.05..3.0_f64,
        ) {
            let (weights, rooms): (Vec<f64>, Vec<f64>) = entries.into_iter().unzip();
            let radius = capped(Norm::from_p(p).unwrap(), margin, &weights, &rooms);
            if radius == f64::INFINITY {
                let all = weights.iter().zip(&rooms).filter(|(w, _)| **w > 0.0).map(|(w, room)| w * room);
                prop_assert!(all.sum::<f64>() < margin);
            } else {
                prop_assert!(decrease(p, radius * (1.0 - 1e-9), &weights, &rooms) < margin, "{radius} is too large");
                prop_assert!(decrease(p, radius * (1.0 + 1e-6), &weights, &rooms) > margin * (1.0 - 1e-6), "{radius} is too small");
            }
        }

        #[test]
        fn the_fractional_case_meets_its_neighbours(
            entries in prop::collection::vec((0.01..2.0_f64, 0.0..1.0_f64), 1..30), margin in 0.05..3.0_f64,
        ) {
            let (weights, rooms): (Vec<f64>, Vec<f64>) = entries.into_iter().unzip();
            let two = capped(Norm::L2, margin, &weights, &rooms);
            if two < f64::INFINITY {
                prop_assert!((fractional(2.0, margin, &weights, &rooms) / two - 1.0).abs() < 1e-9);
                let largest = capped(Norm::Linf, margin, &weights, &rooms);
                let most = capped(Norm::L1, margin, &weights, &rooms);
                for p in [1.2, 1.7, 3.0, 8.0] {
                    let radius = capped(Norm::Lp(p), margin, &weights, &rooms);
                    prop_assert!(largest <= radius * (1.0 + 1e-9) && radius <= most * (1.0 + 1e-9), "{p}: {radius}");
                }
            }
        }
    }
}
