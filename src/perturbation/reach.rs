//! How far an attacker must go before a sum of capped linear decreases uses up a margin.
//!
//! The attacker lowers a function by at most Σ w_i ρ_i with 0 ≤ ρ_i ≤ room_i and ‖ρ‖_p ≤ r. The result is the largest
//! r, rounded down, at which that stays strictly below the margin: a fractional knapsack for p = 1, water-filling for
//! p = 2, a capped sum for p = ∞. Every result is re-evaluated with outward rounding, through a multiplier where there
//! is one (weak duality: any multiplier gives a valid radius), so that a float error in the search can only make it
//! smaller.

use super::norm::Norm;
use crate::rounding::{add_up, div_down, div_up, mul_up, sub_down, sum_up};

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
        Norm::Lp(_) => plain,
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
    // Newton on Σ w_i min(w_i t, room_i) = margin, concave and increasing in t = 1/λ: finitely many steps from 0.
    let mut t = 0.0_f64;
    for _ in 0..=weights.len() {
        let value: f64 = pairs().map(|(w, room)| w * (w * t).min(*room)).sum();
        let slope: f64 = pairs().filter(|(w, room)| **w * t < **room).map(|(w, _)| w * w).sum();
        let step = (margin - value) / slope;
        if !(step.is_finite() && t + step > t * (1.0 + 1e-15)) {
            break;
        }
        t += step;
    }
    let lambda = 1.0 / t;
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

/// p = ∞: Σ w_i min(r, room_i).
fn capped_sum(margin: f64, weights: &[f64], rooms: &[f64]) -> f64 {
    let pairs = || weights.iter().zip(rooms).filter(|(w, _)| **w > 0.0);
    let mut radius = 0.0_f64;
    for _ in 0..=weights.len() {
        let value: f64 = pairs().map(|(w, room)| w * radius.min(*room)).sum();
        let slope: f64 = pairs().filter(|(_, room)| radius < **room).map(|(w, _)| w).sum();
        let step = (margin - value) / slope;
        if !(step.is_finite() && radius + step > radius * (1.0 + 1e-15)) {
            break;
        }
        radius += step;
    }
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
