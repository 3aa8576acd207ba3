//! Nearest points of half-spaces and balls, in floats: what the attack moves by. Nothing here is a bound.

use crate::norm::Norm;
use crate::query::Perturbation;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How far every coordinate may fall and rise from a point.
#[derive(Clone, Debug)]
pub(super) struct Rooms {
    pub fall: Vec<f64>,
    pub rise: Vec<f64>,
}

impl Rooms {
    /// Inside the perturbation's box; without one there are no limits.
    pub fn in_box(point: &[f64], perturbation: Perturbation) -> Rooms {
        let room = |side: fn((f64, f64)) -> f64| {
            point.iter().enumerate().map(|(i, &v)| side(perturbation.room(i, v))).collect()
        };
        Rooms { fall: room(|r| r.0), rise: room(|r| r.1) }
    }

    /// The room towards which `slope` falls.
    fn downhill(&self, i: usize, slope: f64) -> f64 {
        if slope > 0.0 { self.fall[i] } else { self.rise[i] }
    }
}

/// The step of least ‖·‖ that lowers the linear function with these slopes by `drop` (raises it when `drop` < 0), as
/// far as the rooms allow.
pub(super) fn step(norm: Norm, slopes: &[f64], drop: f64, rooms: &Rooms) -> Vec<f64> {
    if drop < 0.0 {
        let reversed: Vec<f64> = slopes.iter().map(|c| -c).collect();
        return step(norm, &reversed, -drop, rooms);
    }
    match norm {
        Norm::L1 => greedy(slopes, drop, rooms),
        Norm::L2 => filled(slopes, drop, rooms, |c| c),
        Norm::Linf => filled(slopes, drop, rooms, |_| 1.0),
        Norm::Lp(p) => filled(slopes, drop, rooms, |c| c.powf(1.0 / (p - 1.0))),
    }
}

/// |δ_i| = min(t·w(|c_i|), room_i) with the t that reaches the drop: the optimality conditions for p > 1.
fn filled(slopes: &[f64], drop: f64, rooms: &Rooms, weight: impl Fn(f64) -> f64) -> Vec<f64> {
    let active: Vec<(usize, f64, f64, f64)> = (0..slopes.len())
        .filter(|&i| slopes[i] != 0.0)
        .map(|i| (i, slopes[i], weight(slopes[i].abs()), rooms.downhill(i, slopes[i])))
        .collect();
    let mut t = 0.0_f64;
    for _ in 0..active.len() + 1 {
        let (mut reached, mut rate) = (0.0, 0.0);
        for &(_, c, w, room) in &active {
            if w * t < room {
                reached += c.abs() * w * t;
                rate += c.abs() * w;
            } else {
                reached += c.abs() * room;
            }
        }
        let more = (drop - reached) / rate;
        if !(more.is_finite() && more > 1e-12 * t) {
            break;
        }
        t += more;
    }
    let mut delta = vec![0.0; slopes.len()];
    for (i, c, w, room) in active {
        delta[i] = -c.signum() * (t * w).min(room);
    }
    delta
}

/// A coordinate in the order of its slope.
struct Steepest(f64, usize);

impl PartialEq for Steepest {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Steepest {}

impl PartialOrd for Steepest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Steepest {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

/// p = 1: the steepest coordinates first.
fn greedy(slopes: &[f64], drop: f64, rooms: &Rooms) -> Vec<f64> {
    let usable = (0..slopes.len()).filter(|&i| rooms.downhill(i, slopes[i]) > 0.0 && slopes[i] != 0.0);
    let mut heap: BinaryHeap<Steepest> = usable.map(|i| Steepest(slopes[i].abs(), i)).collect();
    let mut delta = vec![0.0; slopes.len()];
    let mut left = drop;
    while left > 0.0
        && let Some(Steepest(size, i)) = heap.pop()
    {
        let length = (left / size).min(rooms.downhill(i, slopes[i]));
        delta[i] = -slopes[i].signum() * length;
        left -= size * length;
    }
    delta
}

/// Moves `delta` to (about) the nearest point of the ball of the given radius.
pub(super) fn into_ball(norm: Norm, delta: &mut [f64], radius: f64) {
    match norm {
        Norm::Linf => delta.iter_mut().for_each(|v| *v = v.clamp(-radius, radius)),
        Norm::L1 => soften(delta, radius),
        Norm::L2 | Norm::Lp(_) => {
            let size = norm.upper(delta);
            if size > radius {
                delta.iter_mut().for_each(|v| *v *= radius / size);
            }
        }
    }
}

/// p = 1: soft thresholding, with the threshold by Newton's method on a convex piecewise-linear function.
fn soften(delta: &mut [f64], radius: f64) {
    let mut threshold = 0.0_f64;
    for _ in 0..=delta.len() {
        let (mut sum, mut count) = (0.0, 0.0);
        for v in delta.iter().filter(|v| v.abs() > threshold) {
            sum += v.abs() - threshold;
            count += 1.0;
        }
        if count == 0.0 || sum <= radius * (1.0 + 1e-12) {
            break;
        }
        threshold += (sum - radius) / count;
    }
    if threshold > 0.0 {
        delta.iter_mut().for_each(|v| *v = v.signum() * (v.abs() - threshold).max(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Range;
    use proptest::prelude::*;

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    proptest! {
        #[test]
        fn a_free_step_has_the_dual_length(slopes in prop::collection::vec(-1.0..1.0_f64, 1..8), drop in -2.0..2.0_f64) {
            prop_assume!(slopes.iter().any(|c| c.abs() > 1e-3));
            let rooms = Rooms::in_box(&slopes, Perturbation::new(Norm::L2));
            for norm in [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(3.0)] {
                let delta = step(norm, &slopes, drop, &rooms);
                prop_assert!((dot(&slopes, &delta) + drop).abs() < 1e-9);
                let least = drop.abs() / norm.dual_upper(&slopes);
                prop_assert!((norm.upper(&delta) - least).abs() <= 1e-9 * (1.0 + least), "{norm}");
            }
        }

        #[test]
        fn a_step_in_a_box_is_no_longer_than_others(
            slopes in prop::collection::vec(-1.0..1.0_f64, 3), x in prop::collection::vec(0.0..1.0_f64, 3),
            other in prop::collection::vec(0.0..1.0_f64, 3),
        ) {
            let range = Some(Range { low: 0.0, high: 1.0 }.into());
            // Whatever drop the other point of the box reaches, the step reaches it too, and is not longer.
            let away: Vec<f64> = other.iter().zip(&x).map(|(o, x)| o - x).collect();
            let drop = -dot(&slopes, &away);
            prop_assume!(drop > 1e-3);
            for norm in [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(1.5)] {
                let rooms = Rooms::in_box(&x, Perturbation { norm, range, weights: None });
                let delta = step(norm, &slopes, drop, &rooms);
                prop_assert!(delta.iter().zip(&x).all(|(d, x)| (-1e-12..=1.0 + 1e-12).contains(&(x + d))));
                prop_assert!((dot(&slopes, &delta) + drop).abs() < 1e-9);
                prop_assert!(norm.upper(&delta) <= norm.upper(&away) * (1.0 + 1e-9), "{norm}");
            }
        }

        #[test]
        fn balls_hold_what_is_moved_into_them(delta in prop::collection::vec(-1.0..1.0_f64, 1..8), r in 0.01..2.0_f64) {
            for norm in [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(4.0)] {
                let mut moved = delta.clone();
                into_ball(norm, &mut moved, r);
                prop_assert!(norm.upper(&moved) <= r * (1.0 + 1e-9), "{norm}");
                if norm.upper(&delta) <= r {
                    prop_assert_eq!(&moved, &delta);
                }
            }
        }
    }

    #[test]
    fn nothing_to_follow_and_nowhere_to_go() {
        let rooms = Rooms { fall: vec![0.0; 2], rise: vec![0.0; 2] };
        for norm in [Norm::L1, Norm::L2, Norm::Linf] {
            assert_eq!(step(norm, &[0.0, 0.0], 1.0, &rooms), [0.0, 0.0]);
            assert!(step(norm, &[1.0, -1.0], 1.0, &rooms).iter().all(|&v| v == 0.0));
        }
    }
}
