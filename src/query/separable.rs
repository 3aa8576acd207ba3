//! The radius that a minorant proves, when the feature map's kinks are kept: margin + Σ h_i(δ_i) > 0 within reach.
//!
//! h_i(δ) = a_i δ + Σ_k b_k (K_k(t_k + s_k δ) − K_k(t_k)) is piecewise linear in one coordinate. For p = ∞ each h_i is
//! minimised by itself; for the other norms its steepest secant over the current ball stands for it (sound, and exact
//! where h_i is convex), so that slopes rise with the radius and the largest consistent radius is searched for.

use super::coordinate::{Coordinate, Turn};
use crate::model::minorant::steepness;
use crate::model::{Enclosed, Minorant};
use crate::norm::Norm;
use crate::query::{Perturbation, Query, reach};
use crate::rounding::{TINY, mul_up, sum_up};

/// Several roundings' worth of relative error.
pub(super) const SLACK: f64 = 16.0 * f64::EPSILON;

impl Query<'_> {
    /// The largest radius, rounded down, at which `minorant` (made for this sample, with the split's `input_stops()`)
    /// stays positive on the closed ball and inside the box; `f64::INFINITY` when it does everywhere, 0 when the margin
    /// is not known to be positive.
    pub fn radius(self, minorant: &Minorant) -> f64 {
        let (margin, perturbation) = (minorant.value.lower(), self.perturbation);
        if margin <= 0.0 || !margin.is_finite() {
            return 0.0;
        }
        if !self.split().free.is_empty() {
            return search(&self.coordinates(minorant), margin, perturbation);
        }
        if perturbation.range.is_none() && perturbation.weights.is_none() {
            return reach::uncapped(perturbation.norm, margin, &minorant.parts[0].sizes().collect::<Vec<_>>());
        }
        let slopes = perturbation.scaled(&minorant.parts[0]);
        let weights: Vec<f64> = slopes.iter().map(|c| steepness(c.value, c.error)).collect();
        if perturbation.range.is_none() {
            return reach::uncapped(perturbation.norm, margin, &weights);
        }
        let rooms: Vec<f64> = (0..self.size())
            .map(|i| one_sided_room(slopes[i].value, slopes[i].error, perturbation.room(i, self.x[i])))
            .collect();
        reach::capped(perturbation.norm, margin, &weights, &rooms)
    }
}

/// The room on the side towards which a linear term falls; both sides when its sign is uncertain.
fn one_sided_room(c: f64, e: f64, (fall, rise): (f64, f64)) -> f64 {
    if c.abs() <= e {
        if c == 0.0 && e == 0.0 { 0.0 } else { fall.max(rise) }
    } else if c > 0.0 {
        fall
    } else {
        rise
    }
}

/// An upper bound of a coefficient's size.
fn size(coefficient: Enclosed) -> f64 {
    coefficient.value.abs() + coefficient.error
}

impl Turn {
    fn scale_size(&self) -> f64 {
        self.scale.value.abs() + self.scale.error
    }

    /// Where the argument reaches 0, unless that is at δ = 0 or nowhere.
    fn certain_crossing(&self) -> Option<f64> {
        let delta = -self.argument.value / self.scale.value;
        (!self.at_kink() && delta.is_finite()).then_some(delta)
    }

    /// Too near to the kink to say on which side.
    fn at_kink(&self) -> bool {
        self.argument.value.abs() <= 1e4 * self.argument.error
    }

    /// (value, error) of K(t + sδ) − K(t).
    fn enclosed_change(&self, delta: f64) -> (f64, f64) {
        let (t, s) = (self.argument.value, self.scale.value);
        let step = s * delta;
        let end = t + step;
        let carried = self.steepest() * self.scale.error * delta.abs() + TINY * (1.0 + self.steepest());
        if !self.at_kink() && t * end > 0.0 && end.abs() > 1e4 * self.argument.error {
            let value = self.kink.slope(t) * step;
            return (value, carried + SLACK * value.abs());
        }
        let value = self.kink.slope(end) * end - self.kink.slope(t) * t;
        let size = self.steepest() * (2.0 * t.abs() + step.abs());
        (value, carried + 2.0 * self.steepest() * self.argument.error + SLACK * size)
    }

    /// An upper bound of −c·K'(t)·s·direction just beside δ = 0.
    fn initial(&self, coefficient: Enclosed, direction: f64) -> f64 {
        let one = |slope: f64| -coefficient.value * slope * self.scale.value * direction;
        let error = self.steepest() * (coefficient.error * self.scale_size() + size(coefficient) * self.scale.error)
            + SLACK * self.steepest() * size(coefficient) * self.scale_size();
        let value = if self.at_kink() {
            one(self.kink.below).max(one(self.kink.above))
        } else {
            one(self.kink.slope(self.argument.value))
        };
        value + error + TINY
    }
}

impl Coordinate {
    /// An upper bound of |h'| everywhere.
    fn steepest(&self) -> f64 {
        let one = |(c, t): &(Enclosed, Turn)| mul_up(mul_up(size(*c), t.steepest()), t.scale_size());
        let kinks: f64 = self.terms.iter().map(one).sum();
        (self.slope.value.abs() + self.slope.error + kinks) * (1.0 + SLACK * (self.terms.len() + 1) as f64)
    }

    /// An upper bound of −h(δ); for an infinite δ of what −h goes beyond all corners by.
    fn decrease(&self, delta: f64) -> f64 {
        if delta.is_infinite() {
            return if self.falls_beyond(delta.signum()) { f64::INFINITY } else { f64::NEG_INFINITY };
        }
        let first = self.slope.value * delta;
        let underflow = TINY * (self.terms.len() + 1) as f64;
        let (mut value, mut error) = (-first, self.slope.error * delta.abs() + SLACK * first.abs() + underflow);
        for (coefficient, turn) in &self.terms {
            let (change, change_error) = turn.enclosed_change(delta);
            let product = coefficient.value * change;
            value -= product;
            error += size(*coefficient) * change_error
                + coefficient.error * turn.steepest() * turn.scale_size() * delta.abs()
                + SLACK * (product.abs() + value.abs());
        }
        let bound = value + error * (1.0 + SLACK * (self.terms.len() + 1) as f64) + SLACK * value.abs();
        // After an overflow nothing is known, and `f64::max` would drop a NaN.
        if bound.is_nan() { f64::INFINITY } else { bound }
    }

    /// Whether h may fall beyond all corners, in this direction.
    fn falls_beyond(&self, direction: f64) -> bool {
        let (mut slope, mut error, mut sizes) =
            (-self.slope.value * direction, self.slope.error, self.slope.value.abs());
        for (c, Turn { kink, scale, .. }) in &self.terms {
            let part = |slope: f64| -c.value * slope * scale.value * direction;
            let is_clear = scale.error < scale.value.abs();
            slope += if is_clear {
                part(kink.slope(scale.value * direction))
            } else {
                part(kink.below).max(part(kink.above))
            };
            let steepest = kink.below.abs().max(kink.above.abs());
            error += steepest * (c.error * (scale.value.abs() + scale.error) + size(*c) * scale.error);
            sizes += steepest * size(*c) * scale.value.abs();
        }
        let count = (self.terms.len() + 1) as f64;
        // Where nothing depends on the coordinate nothing is rounded. After an overflow nothing is known.
        let nothing = error == 0.0 && sizes == 0.0;
        let most = slope + error * (1.0 + SLACK * count) + SLACK * count * sizes + TINY * count;
        !nothing && (most.is_nan() || most > 0.0)
    }

    /// The ends of the segments of h inside the ball and the box, 0 left out. A crossing just outside is kept: looking a
    /// little further than the attacker can go is sound, and a float position may be on the wrong side.
    fn corners_within(&self, radius: f64) -> impl Iterator<Item = f64> {
        let (low, high) = (self.low.max(-radius), self.high.min(radius));
        let (first, last) = (low - 1e-9 * low.abs(), high + 1e-9 * high.abs());
        let inside = move |d: &f64| first < *d && *d < last;
        let crossings = self.terms.iter().filter_map(|(_, turn)| turn.certain_crossing()).filter(inside);
        [low, high].into_iter().chain(crossings).filter(|&d| d != 0.0)
    }

    /// What the float position of a crossing may hide: the true corner lies within a few roundings of it.
    fn corner_error(&self, delta: f64) -> f64 {
        2.0 * self.steepest() * self.corner_shift(delta)
    }

    /// How far the true corner may be from its float position.
    fn corner_shift(&self, delta: f64) -> f64 {
        let shift = |t: &Turn| {
            let relative = SLACK + 2.0 * t.scale.error / t.scale.value.abs();
            relative * delta.abs() + 2.0 * t.argument.error / t.scale.value.abs()
        };
        let near = self.terms.iter().map(|(_, turn)| turn).filter(|t| t.certain_crossing() == Some(delta)).map(shift);
        near.fold(0.0, f64::max)
    }

    /// An upper bound of max −h over the ball and the box.
    pub(super) fn largest_decrease(&self, radius: f64) -> f64 {
        let corners = self.corners_within(radius).map(|d| self.decrease(d) + self.corner_error(d));
        corners.fold(self.decrease_nearby(radius), f64::max).next_up()
    }

    /// An upper bound of max (−h − price·ψ) over the ball and the box, with ψ(δ) = δ²/2 or |δ|.
    pub(super) fn largest_decrease_at_a_price(&self, radius: f64, price: f64, square: bool) -> f64 {
        let mut corners: Vec<f64> = self.corners_within(radius).collect();
        corners.extend(self.may_stay().then_some(0.0));
        corners.sort_unstable_by(f64::total_cmp);
        // −h at a corner, with what its float position hides, which holds on both segments beside it.
        let at = |d: f64| {
            let moved = price * self.corner_shift(d) * (1.0 + if square { d.abs() } else { 0.0 });
            self.decrease(d) + self.corner_error(d) + moved
        };
        let values: Vec<f64> = corners.iter().map(|&d| at(d)).collect();
        let paid = |value: f64, price: f64| value - price + SLACK * (value.abs() + price.abs());
        let mut largest = f64::NEG_INFINITY;
        for k in 0..corners.len() {
            let (p, q) = (corners[k], corners[(k + 1).min(corners.len() - 1)]);
            let (low, high) = (values[k], values[(k + 1).min(corners.len() - 1)]);
            let most = if square {
                // The parabola lies above its tangent at the vertex, and the segment's best point is then one of its ends.
                let vertex = ((high - low) / (q - p) / price).clamp(p, q);
                let vertex = if vertex.is_nan() { p } else { vertex };
                let tangent = |d: f64| price * (vertex * d - 0.5 * vertex * vertex);
                let size = price * (vertex.abs() * p.abs().max(q.abs()) + vertex * vertex);
                paid(low, tangent(p)).max(paid(high, tangent(q))) + SLACK * size
            } else {
                paid(low, price * p.abs()).max(paid(high, price * q.abs()))
            };
            largest = largest.max(most);
        }
        let hidden = if self.may_stay() { 2.0 * self.decrease_at_kinks(radius) } else { 0.0 };
        let bound = (largest + hidden + TINY).next_up();
        if bound.is_nan() { f64::INFINITY } else { bound }
    }

    /// Whether the coordinate may stay where it is.
    fn may_stay(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }

    /// An upper bound of −h at δ = 0 and at corners near it, where the coordinate may be there.
    fn decrease_nearby(&self, radius: f64) -> f64 {
        if self.may_stay() { self.decrease_at_kinks(radius) } else { f64::NEG_INFINITY }
    }

    /// An upper bound of −h at corners too near to δ = 0 to be located.
    fn decrease_at_kinks(&self, radius: f64) -> f64 {
        let distance = |t: &Turn| 2.0 * (t.argument.value.abs() + t.argument.error) / t.scale.value.abs();
        let near = self
            .terms
            .iter()
            .map(|(_, turn)| turn)
            .filter(|t| t.at_kink() && t.argument.error > 0.0 && t.scale.value != 0.0);
        let farthest = near.map(distance).fold(0.0, f64::max).min(radius);
        mul_up(self.steepest(), farthest) * (1.0 + SLACK)
    }

    /// An upper bound of max −h(δ)/|δ| over the ball and the box.
    fn steepest_secant(&self, radius: f64) -> f64 {
        let mut steepest = 0.0_f64;
        for (direction, room) in [(-1.0, -self.low), (1.0, self.high)] {
            if room > 0.0 {
                let linear = -self.slope.value * direction;
                let kinks: f64 = self.terms.iter().map(|(c, turn)| turn.initial(*c, direction)).sum();
                let size = self.steepest();
                steepest = steepest.max(linear + kinks + self.slope.error + SLACK * size);
            }
        }
        let secants = self.corners_within(radius).map(|d| (self.decrease(d) + self.corner_error(d)) / d.abs());
        let secant = secants.fold(steepest, f64::max);
        (secant * (1.0 + SLACK)).min(self.steepest())
    }

    /// The larger room of the two sides.
    fn room(&self) -> f64 {
        self.high.max(-self.low)
    }
}

/// (radius proven by the slopes of the ball of radius `r`, distance from the crossing): the second is positive where `r`
/// itself is proven, and its zero is the largest such r.
fn attempt(coordinates: &[Coordinate], rooms: &[f64], margin: f64, perturbation: Perturbation, r: f64) -> (f64, f64) {
    if perturbation.norm == Norm::Linf {
        let total = sum_up(coordinates.iter().map(|c| c.largest_decrease(r)));
        return if total < margin { (r, margin - total) } else { (0.0, -(total - margin)) };
    }
    let secants: Vec<f64> = coordinates.iter().map(|c| c.steepest_secant(r)).collect();
    let achieved = proven(perturbation, margin, &secants, rooms);
    (achieved.min(r), achieved.min(4.0 * r) - r)
}

/// The radius for slopes that hold everywhere within it.
fn proven(perturbation: Perturbation, margin: f64, slopes: &[f64], rooms: &[f64]) -> f64 {
    match perturbation.range {
        None => reach::uncapped(perturbation.norm, margin, slopes),
        Some(_) => reach::capped(perturbation.norm, margin, slopes, rooms),
    }
}

/// Evaluations of the whole sum that the search may spend.
const EVALUATIONS: usize = 60;

/// Relative width at which the search is content.
const PRECISION: f64 = 1e-13;

/// The largest proven radius: doubling from the radius of the steepest slopes, then the Illinois variant of false
/// position. Every radius kept has been proven by its own evaluation.
fn search(coordinates: &[Coordinate], margin: f64, perturbation: Perturbation) -> f64 {
    let steepest: Vec<f64> = coordinates.iter().map(Coordinate::steepest).collect();
    let rooms: Vec<f64> = coordinates.iter().map(Coordinate::room).collect();
    let floor = proven(perturbation, margin, &steepest, &rooms);
    if floor == f64::INFINITY || floor == 0.0 {
        return floor;
    }
    if perturbation.range.is_some() && sum_up(coordinates.iter().map(|c| c.largest_decrease(c.room()))) < margin {
        return f64::INFINITY;
    }
    let attempt = |r: f64| attempt(coordinates, &rooms, margin, perturbation, r);
    let mut best = floor;
    let (mut low, mut high) = ((floor, attempt(floor).1.max(0.0)), (f64::INFINITY, 0.0));
    let (mut kept_low, mut jumped) = (false, false);
    for _ in 0..EVALUATIONS {
        let r = match high.0.is_finite() {
            false => 2.0 * low.0,
            // A radius proven by the slopes of a larger ball is often the answer: look just above it.
            true if jumped => low.0 * (1.0 + 0.5 * PRECISION),
            true => false_position(low, high),
        };
        let (proven, distance) = attempt(r);
        best = best.max(proven);
        jumped = false;
        if proven >= r {
            // The same end twice in a row: halve the other end's weight, or it would never move.
            high.1 *= if kept_low { 0.5 } else { 1.0 };
            (low, kept_low) = ((r, distance), true);
        } else {
            low.1 *= if kept_low { 1.0 } else { 0.5 };
            (high, kept_low) = ((r, distance), false);
            if proven > low.0 * (1.0 + PRECISION) {
                (low.0, jumped) = (proven, true);
            }
        }
        if high.0 - low.0 <= PRECISION * low.0 {
            break;
        }
    }
    best
}

/// Where the line through two bracketing points vanishes, kept inside the bracket; its middle when that says nothing.
fn false_position((low, above): (f64, f64), (high, below): (f64, f64)) -> f64 {
    let r = low + (high - low) * above / (above - below);
    let edge = 0.25 * PRECISION * low;
    if r.is_finite() { r.clamp(low + edge, (high - edge).max(low + edge)) } else { low + 0.5 * (high - low) }
}
