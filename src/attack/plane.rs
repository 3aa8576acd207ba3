//! Starts that see the kinks of φ: nearest points of planes in feature space, pulled back coordinate by coordinate.
//!
//! The gradient at a point does not see that |y_i| turns on the other side of 0. The tangent plane of g at φ(z), seen as
//! a function of x, is a sum Σ h_i(δ_i) with h_i piecewise linear, which can be minimised over a ball exactly (p = ∞) or
//! for a price λ per unit of distance.

use crate::attack::Goal;
use crate::model::passes::{backward, forward, tangent_slopes};
use crate::model::{Convexity, Kink};
use crate::norm::Norm;

/// Planes per cap, each made at the point that the one before led to.
const PLANES: usize = 2;

/// No coordinate moves farther than this many times the distance of the tangent's nearest point.
const CAPS: [f64; 2] = [2.0, 8.0];

/// Halvings in the search for the radius or the price.
const HALVINGS: usize = 40;

/// One bend's share of h_i: K(t + δ) times its coefficient.
struct Term {
    kink: Kink,
    argument: f64,
    coefficient: f64,
}

/// h_i(δ), with h_i(0) = 0.
#[derive(Default)]
struct Coordinate {
    slope: f64,
    terms: Vec<Term>,
    low: f64,
    high: f64,
}

/// Points to start from; none where φ has no kinks. `reach` is the distance of the tangent's nearest point.
pub(super) fn starts(goal: Goal, reach: f64) -> Vec<Vec<f64>> {
    let Some(convexity) = goal.model.convexity().ok().filter(|convexity| !convexity.free.is_empty()) else {
        return Vec::new();
    };
    let mut points = Vec::new();
    for cap in CAPS {
        let mut point = goal.x.to_vec();
        for _ in 0..PLANES {
            point = nearest(goal, convexity, &point, cap * reach);
            points.push(point.clone());
        }
    }
    points
}

/// About the point nearest to x where the plane made at `point` is 0.
fn nearest(goal: Goal, convexity: &Convexity, point: &[f64], cap: f64) -> Vec<f64> {
    let network = goal.model.network();
    let values = forward(network, point);
    let logit = values.of(network.graph().output(), 0)[0];
    let coefficients = backward(network, &tangent_slopes(network, &values), &convexity.stops);
    let coordinates = coordinates(goal, convexity, &coefficients, cap);
    let at_point: f64 = coordinates.iter().zip(point.iter().zip(goal.x)).map(|(c, (p, x))| c.value(p - x)).sum();
    let margin = logit - at_point;
    let chosen = |price: f64| -> Vec<f64> { coordinates.iter().map(|c| c.cheapest(goal.norm(), price)).collect() };
    let falls = |delta: &[f64]| -coordinates.iter().zip(delta).map(|(c, &d)| c.value(d)).sum::<f64>() >= margin;
    // p = ∞: the price is the radius itself, and more of it goes farther; else less of it does.
    let steepest = coordinates.iter().map(Coordinate::steepest).fold(0.0, f64::max);
    let (mut short, mut far) = match goal.norm() {
        Norm::Linf => (0.0, cap),
        Norm::L1 => (steepest, 0.0),
        _ => (1e3 * steepest / cap.max(f64::MIN_POSITIVE), 0.0),
    };
    for _ in 0..HALVINGS {
        let middle = 0.5 * (short + far);
        if falls(&chosen(middle)) {
            far = middle;
        } else {
            short = middle;
        }
    }
    let mut nearest: Vec<f64> = chosen(far).iter().zip(goal.x).map(|(d, x)| x + d).collect();
    goal.clip(&mut nearest);
    nearest
}

fn coordinates(goal: Goal, convexity: &Convexity, coefficients: &[Vec<f64>], cap: f64) -> Vec<Coordinate> {
    let limited = |(i, (&x, &slope)): (usize, (&f64, &f64))| {
        let (fall, rise) = goal.perturbation.room(i, x);
        Coordinate { slope, terms: Vec::new(), low: -fall.min(cap), high: rise.min(cap) }
    };
    let mut result: Vec<Coordinate> = goal.x.iter().zip(&coefficients[0]).enumerate().map(limited).collect();
    for (bent, coefficients) in convexity.map.bent.iter().zip(&coefficients[1..]) {
        for (i, coordinate, bend) in bent.bends() {
            let argument = bend.argument(goal.x[coordinate]).value;
            result[coordinate].terms.push(Term { kink: bend.kink, argument, coefficient: coefficients[i] });
        }
    }
    result
}

impl Term {
    fn value(&self, delta: f64) -> f64 {
        let at = |t: f64| self.kink.slope(t) * t;
        self.coefficient * (at(self.argument + delta) - at(self.argument))
    }
}

impl Coordinate {
    fn value(&self, delta: f64) -> f64 {
        self.slope * delta + self.terms.iter().map(|term| term.value(delta)).sum::<f64>()
    }

    fn steepest(&self) -> f64 {
        let kinks = self.terms.iter().map(|t| t.coefficient.abs() * t.kink.below.abs().max(t.kink.above.abs()));
        self.slope.abs() + kinks.sum::<f64>()
    }

    /// The δ of least h(δ) + λ|δ| (p = 1), h(δ) + λδ²/2 (other p), or h(δ) with |δ| ≤ λ (p = ∞).
    fn cheapest(&self, norm: Norm, price: f64) -> f64 {
        let (low, high) = match norm {
            Norm::Linf => (self.low.max(-price), self.high.min(price)),
            _ => (self.low, self.high),
        };
        let cost = |delta: f64| match norm {
            Norm::Linf => self.value(delta),
            Norm::L1 => self.value(delta) + price * delta.abs(),
            _ => self.value(delta) + 0.5 * price * delta * delta,
        };
        let mut corners: Vec<f64> = self.terms.iter().map(|t| -t.argument).collect();
        corners.retain(|&d| low < d && d < high);
        corners.extend([low, high, 0.0]);
        if !matches!(norm, Norm::L1 | Norm::Linf) && price > 0.0 {
            corners.sort_by(f64::total_cmp);
            // Inside every segment the cost is a parabola.
            let lowest = |pair: &[f64]| {
                let slope = (self.value(pair[1]) - self.value(pair[0])) / (pair[1] - pair[0]);
                (-slope / price).clamp(pair[0], pair[1])
            };
            let inside: Vec<f64> = corners.windows(2).filter(|pair| pair[0] < pair[1]).map(lowest).collect();
            corners.extend(inside);
        }
        corners.into_iter().filter(|d| d.is_finite()).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// h(δ) = δ − 2(|1 + δ| − 1): rises at 0, turns at −1, and falls on the other side of its kink.
    fn coordinate() -> Coordinate {
        let term = Term { kink: Kink::ABS, argument: 1.0, coefficient: -2.0 };
        Coordinate { slope: 1.0, terms: vec![term], low: -4.0, high: 3.0 }
    }

    #[test]
    fn the_cheapest_step_is_that_of_a_fine_grid() {
        let coordinate = coordinate();
        for norm in [Norm::L1, Norm::L2, Norm::Linf] {
            for price in [0.1, 0.5, 0.9, 1.5, 2.5, 4.0] {
                let cost = |d: f64| match norm {
                    Norm::Linf if d.abs() > price => f64::INFINITY,
                    Norm::Linf => coordinate.value(d),
                    Norm::L1 => coordinate.value(d) + price * d.abs(),
                    _ => coordinate.value(d) + 0.5 * price * d * d,
                };
                let grid = (-400..=300).map(|k| cost(f64::from(k) / 100.0)).fold(f64::INFINITY, f64::min);
                let found = coordinate.cheapest(norm, price);
                assert!(cost(found) <= grid + 1e-9, "{norm} {price}: {found}");
            }
        }
    }
}
