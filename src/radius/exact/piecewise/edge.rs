//! From one vertex to the next: along an edge, through kinks, as long as the function rises.

use crate::matrix::add_scaled;
use crate::radius::exact::piecewise::{End, NOISE, Piecewise, TOLERANCE, Tight};
use crate::radius::exact::places::Places;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// The next kink of a coordinate along an edge.
struct Crossing {
    at: f64,
    coordinate: usize,
    place: usize,
    rate: f64,
}

impl PartialEq for Crossing {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Crossing {}
impl PartialOrd for Crossing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Crossing {
    /// The nearest one is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        // The bits of numbers ≥ 0 are ordered like the numbers.
        other.at.to_bits().cmp(&self.at.to_bits())
    }
}

impl Piecewise {
    /// Goes along the edge on which condition `j` loosens until the function stops rising.
    pub(super) fn walk(&mut self, j: usize) -> End {
        let direction: Vec<f64> = self.inverse.column(j).iter().copied().collect();
        let mut rates = vec![0.0; self.moves.variables];
        for (&p, cut) in direction.iter().zip(&self.cuts) {
            add_scaled(&mut rates, p, &cut.coefficients);
        }
        let mut slope = self.reduced(j);
        let blocking = (0..self.cuts.len())
            .filter(|&k| direction[k] < -1e-13 && !self.tight.contains(&Tight::Zero(k)))
            .map(|k| (self.multipliers[k].max(0.0) / -direction[k], k))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let limit = blocking.map_or(f64::INFINITY, |(at, _)| at);
        let mut crossings = BinaryHeap::from(self.crossings(&rates, limit));
        let enter = loop {
            let Some(next) = crossings.pop() else { break blocking.map(|(at, k)| (at, Tight::Zero(k))) };
            if self.ties[next.coordinate] > 0 || slope + next.rate <= TOLERANCE * slope.abs().max(next.rate.abs()) {
                if self.is_noise(&direction, &next) {
                    continue;
                }
                break Some((next.at, Tight::Tie(next.coordinate, next.place)));
            }
            slope += next.rate;
            let old = std::mem::replace(&mut self.base[next.coordinate], next.place);
            self.move_values(next.coordinate, old, next.place);
            crossings.extend(self.crossing(next.coordinate, &rates, next.at, limit));
        };
        let Some((step, entering)) = enter else {
            self.multipliers = direction.iter().map(|p| p.max(0.0)).collect();
            self.coefficients = rates;
            return End::Unbounded;
        };
        self.multipliers.iter_mut().zip(&direction).for_each(|(l, p)| *l = (*l + step * p).max(0.0));
        add_scaled(&mut self.coefficients, step, &rates);
        if let Tight::Zero(k) = entering {
            self.multipliers[k] = 0.0;
        }
        self.exchange(j, entering)
    }

    /// Every coordinate's first crossing before `limit` along the edge.
    fn crossings(&self, rates: &[f64], limit: f64) -> Vec<Crossing> {
        let Places { starts, delta, cost, .. } = &self.places;
        let mut found: Vec<Crossing> = Vec::with_capacity(self.base.len());
        for (i, &base) in self.base.iter().enumerate() {
            if starts[i + 1] - starts[i] != 2 || self.places.has_kinks() {
                found.extend(self.crossing(i, rates, 0.0, limit));
                continue;
            }
            // The same with one other place, which a tie of this coordinate would be at.
            let place = 2 * starts[i] + 1 - base;
            let gap = delta[place] - delta[base];
            let rate = rates[i] * gap;
            let excess = cost[place] - cost[base] + self.coefficients[i] * gap;
            let at = excess.max(0.0) / -rate + 0.0;
            let falls = rate < -1e-12 * rates[i].abs() * (delta[place].abs() + delta[base].abs());
            if falls & (at < limit) & (self.ties[i] == 0) {
                found.push(Crossing { at, coordinate: i, place, rate });
            }
        }
        found
    }

    /// The first place of coordinate `i` that beats its base beyond `from` along the edge.
    #[inline]
    fn crossing(&self, i: usize, rates: &[f64], from: f64, limit: f64) -> Option<Crossing> {
        if self.moves.terms[i].is_empty() {
            let Places { delta, cost, .. } = &self.places;
            let (coefficient, rate) = (self.coefficients[i], rates[i]);
            return self.first(i, (from, limit), |p| rate * delta[p], |p| cost[p] + coefficient * delta[p]);
        }
        let rate = |place| self.places.gain(&self.moves, rates, i, place);
        self.first(i, (from, limit), rate, |place| self.place_value(i, place))
    }

    /// The same from every place's rate and value.
    #[inline(always)]
    fn first(
        &self,
        i: usize,
        (from, limit): (f64, f64),
        rate_of: impl Fn(usize) -> f64,
        value_of: impl Fn(usize) -> f64,
    ) -> Option<Crossing> {
        let base = self.base[i];
        let base_rate = rate_of(base);
        let (mut nearest, mut steepest, mut found) = (limit, 0.0, None);
        for place in self.places.starts[i]..self.places.starts[i + 1] {
            let own = rate_of(place);
            let rate = own - base_rate;
            if rate >= -1e-12 * (own.abs() + base_rate.abs()) || (self.ties[i] > 0 && self.is_tied(i, place)) {
                continue;
            }
            // A sum with 0, since -0 would count as the farthest.
            let at = ((value_of(place) - value_of(base)).max(0.0) / -rate).max(from) + 0.0;
            if at < nearest || (at == nearest && rate < steepest && found.is_some()) {
                (nearest, steepest, found) = (at, rate, Some(place));
            }
        }
        found.map(|place| Crossing { at: nearest, coordinate: i, place, rate: steepest })
    }

    /// Whether the rate is all that cancellation left: in exact numbers there may be no crossing.
    fn is_noise(&self, direction: &[f64], crossing: &Crossing) -> bool {
        let tie = Tight::Tie(crossing.coordinate, crossing.place);
        let size: f64 = direction.iter().enumerate().map(|(k, p)| (p * self.normal_entry(tie, k)).abs()).sum();
        -crossing.rate <= 10.0 * NOISE * size
    }

    pub(super) fn is_tied(&self, i: usize, place: usize) -> bool {
        self.tight.contains(&Tight::Tie(i, place))
    }
}
