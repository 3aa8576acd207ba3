//! The least value of a minorant over a ball, or over a part of it that ends of single coordinates cut out, by a
//! multiplier: for every λ ≥ 0, min over ‖δ‖ ≤ r of margin + Σ h_i(δ_i) ≥ margin + Σ min (h_i(δ_i) + λψ(δ_i)) − λψ(r), with
//! ψ(t) = |t| for p = 1 and t²/2 for p = 2 (weak duality); for p = ∞ every h_i is minimised by itself.

use crate::model::Minorant;
use crate::norm::Norm;
use crate::query::Query;
use crate::query::coordinate::Coordinate;
use crate::query::separable::SLACK;
use crate::rounding::{gamma, sub_down};

/// A minorant around a sample and what the attacker may do.
#[derive(Clone, Debug)]
pub struct Part {
    coordinates: Vec<Coordinate>,
    margin: f64,
    norm: Norm,
}

impl Part {
    /// With `minorant` made for the query's sample with the split's `input_stops()`.
    pub fn new(query: Query, minorant: &Minorant) -> Part {
        Part { coordinates: query.coordinates(minorant), margin: minorant.value.lower(), norm: query.norm() }
    }

    /// Keeps coordinate `i`'s change between `low` and `high`.
    pub fn limit(&mut self, i: usize, low: f64, high: f64) {
        self.coordinates[i].limit(low, high);
    }

    /// Whether the minorant is positive on the part of the closed ball of this radius.
    pub fn holds(&self, radius: f64, multiplier: f64) -> bool {
        if self.coordinates.iter().any(|c| c.low.max(-radius) > c.high.min(radius)) {
            return true;
        }
        match self.norm {
            Norm::Linf => upper_sum(self.coordinates.iter().map(|c| c.largest_decrease(radius))) < self.margin,
            _ => self.radius(multiplier, radius) >= radius,
        }
    }

    /// For p = 1 and 2, the largest radius that the multiplier proves, at most `most`.
    pub fn radius(&self, multiplier: f64, most: f64) -> f64 {
        let square = match self.norm {
            Norm::L1 => false,
            Norm::L2 => true,
            _ => return 0.0,
        };
        if !(multiplier > 0.0 && multiplier.is_finite()) {
            return 0.0;
        }
        let largest = |c: &Coordinate| c.largest_decrease_at_a_price(most, multiplier, square);
        let left = sub_down(self.margin, upper_sum(self.coordinates.iter().map(largest)));
        if left.is_nan() || left <= 0.0 {
            return 0.0;
        }
        let quotient = (left / multiplier).next_down();
        let radius = if square { (2.0 * quotient).next_down().max(0.0).sqrt().next_down() } else { quotient };
        radius.clamp(0.0, most)
    }
}

/// An upper bound of a sum of terms of any sign.
fn upper_sum(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut size, mut count) = (0.0, 0.0, 0);
    for term in terms {
        (sum, size, count) = (sum + term, size + term.abs(), count + 1);
    }
    (sum + size * gamma(count + 2) * (1.0 + SLACK)).next_up()
}
