//! hᵢ: what one coordinate adds to a minorant.
//!
//! hᵢ(δ) = slope·δ + Σ_k c_k (K_k(t_k + s_k δ) − K_k(t_k)) for low ≤ δ ≤ high, δ in the perturbation's unit of the
//! coordinate: piecewise linear, hᵢ(0) = 0. The sample itself, δ = 0, need not lie between the ends. Here in plain floats;
//! bounds with rigorous rounding are in [`separable`](super::separable).

use super::Query;
use crate::model::feature_map::Bent;
use crate::model::{Enclosed, Kink, Minorant};

/// A kink of φ on one coordinate: K(argument + scale·δ).
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// K.
    pub kink: Kink,
    /// t: its argument at the sample.
    pub argument: Enclosed,
    /// s ≠ 0.
    pub scale: Enclosed,
}

/// Where a turn is: the coordinate, and which entry of which bent node of φ it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Index into the input.
    pub coordinate: usize,
    /// Index into the bent nodes of φ, whose coefficients are a minorant's part `bent + 1`.
    pub bent: usize,
    /// Index into the node.
    pub entry: usize,
}

impl<'a> Query<'a> {
    /// All turns of φ that the attacker can move along.
    ///
    /// # Panics
    /// When the network is not feature-convex.
    pub fn turns(self) -> impl Iterator<Item = (Place, Turn)> + 'a {
        let bends = |(bent, node): (usize, &'a Bent)| {
            node.bends().map(move |(entry, coordinate, bend)| (Place { coordinate, bent, entry }, bend))
        };
        let turns = self.split().map.bent.iter().enumerate().flat_map(bends).map(move |(place, bend)| {
            let scale = self.perturbation.times_scale(place.coordinate, bend.scale());
            (place, Turn { kink: bend.kink, argument: bend.argument(self.x[place.coordinate]), scale })
        });
        turns.filter(|(_, turn)| turn.scale.value != 0.0 || turn.scale.error != 0.0)
    }

    /// All hᵢ of `minorant`, made for this sample with the split's `input_stops()`, and the attacker's room.
    pub fn coordinates(self, minorant: &Minorant) -> Vec<Coordinate> {
        let coefficient = |place: Place| {
            let part = &minorant.parts[place.bent + 1];
            Enclosed { value: part.coefficients[place.entry], error: part.errors[place.entry] }
        };
        let terms = self.turns().map(|(place, turn)| (place, turn, coefficient(place)));
        self.with_coefficients(self.perturbation.scaled(&minorant.parts[0]), terms)
    }

    /// The hᵢ of these slopes and of these coefficients of turns.
    pub fn with_coefficients(
        self,
        slopes: Vec<Enclosed>,
        turns: impl Iterator<Item = (Place, Turn, Enclosed)>,
    ) -> Vec<Coordinate> {
        let alone = |(i, slope): (usize, Enclosed)| {
            let (fall, rise) = self.perturbation.room(i, self.x[i]);
            Coordinate { slope, terms: Vec::new(), low: -fall, high: rise }
        };
        let mut all: Vec<Coordinate> = slopes.into_iter().enumerate().map(alone).collect();
        for (place, turn, coefficient) in turns {
            if coefficient.value != 0.0 || coefficient.error != 0.0 {
                all[place.coordinate].terms.push((coefficient, turn));
            }
        }
        all
    }
}

impl Turn {
    /// K(t + sδ) − K(t).
    pub fn change(&self, delta: f64) -> f64 {
        let (t, step) = (self.argument.value, self.scale.value * delta);
        let end = t + step;
        if t * end > 0.0 {
            return self.kink.slope(t) * step;
        }
        self.kink.slope(end) * end - self.kink.slope(t) * t
    }

    /// K'(t + sδ)·s.
    pub fn slope(&self, delta: f64) -> f64 {
        self.kink.slope(self.argument.value + self.scale.value * delta) * self.scale.value
    }

    /// The δ of the kink; NaN where it does not bend.
    pub fn crossing(&self) -> f64 {
        if self.kink.below == self.kink.above { f64::NAN } else { -self.argument.value / self.scale.value }
    }

    /// An upper bound of |K'|.
    pub fn steepest(&self) -> f64 {
        self.kink.below.abs().max(self.kink.above.abs())
    }
}

/// hᵢ and how far its coordinate may move.
#[derive(Clone, Debug)]
pub struct Coordinate {
    /// Of the linear part.
    pub slope: Enclosed,
    /// Coefficients c_k, and the kinks that they multiply.
    pub terms: Vec<(Enclosed, Turn)>,
    /// The least δ.
    pub low: f64,
    /// The largest δ.
    pub high: f64,
}

impl Coordinate {
    /// Keeps δ between `low` and `high`.
    pub fn limit(&mut self, low: f64, high: f64) {
        self.low = self.low.max(low);
        self.high = self.high.min(high);
    }

    /// h(δ).
    pub fn value(&self, delta: f64) -> f64 {
        self.slope.value * delta + self.terms.iter().map(|(c, turn)| c.value * turn.change(delta)).sum::<f64>()
    }

    /// The slope with all falling kinks below their place and all rising ones beyond it, and the other way round: no
    /// piece is steeper, and where at most one kink bends these are the pieces.
    pub fn slopes(&self) -> (f64, f64) {
        let below = |(c, t): &(Enclosed, Turn)| c.value * t.kink.below * t.scale.value;
        let jump = |(c, t): &(Enclosed, Turn)| c.value * (t.kink.above - t.kink.below) * t.scale.value;
        let first = self.slope.value + self.terms.iter().map(below).sum::<f64>();
        let part = |side: fn(f64, f64) -> f64| self.terms.iter().map(|term| side(jump(term), 0.0)).sum::<f64>();
        (first + part(f64::min), first + part(f64::max))
    }

    /// (δ, h(δ)) at the ends, at the kinks, and at 0 or the end next to it, in rising order; nothing where h is linear.
    pub fn corners(&self) -> Vec<(f64, f64)> {
        if self.terms.is_empty() {
            return Vec::new();
        }
        let inside = |delta: f64| delta.clamp(self.low, self.high);
        let kinks = self.terms.iter().map(|(_, turn)| inside(turn.crossing())).filter(|delta| delta.is_finite());
        let mut places: Vec<f64> = [self.low, self.high, inside(0.0)].into_iter().chain(kinks).collect();
        places.sort_unstable_by(f64::total_cmp);
        places.dedup();
        places.into_iter().map(|delta| (delta, self.value(delta))).collect()
    }

    /// The δ of least h(δ) + price·ψ(δ), with ψ(δ) = δ²/2 or |δ|, and h there; `corners` are those of this coordinate, and
    /// both ends are finite.
    pub fn cheapest(&self, corners: &[(f64, f64)], price: f64, square: bool) -> (f64, f64) {
        if self.terms.is_empty() {
            let delta = self.cheapest_linear(price, square);
            return (delta, self.slope.value * delta);
        }
        let cost = |(delta, h): (f64, f64)| h + price * if square { 0.5 * delta * delta } else { delta.abs() };
        // Between two corners h + price·δ²/2 is a parabola.
        let between = |ends: &[(f64, f64)]| {
            let ((low, start), (high, end)) = (ends[0], ends[1]);
            let slope = (end - start) / (high - low);
            let delta = (-slope / price).clamp(low, high);
            (delta, start + slope * (delta - low))
        };
        let vertices = corners.windows(2).filter(|_| square && price > 0.0).map(between);
        let best = corners.iter().copied().chain(vertices).min_by(|a, b| cost(*a).total_cmp(&cost(*b)));
        best.expect("the ends of the interval")
    }

    fn cheapest_linear(&self, price: f64, square: bool) -> f64 {
        let slope = self.slope.value;
        let inside = |delta: f64| delta.clamp(self.low, self.high);
        match square {
            true if price > 0.0 => inside(-slope / price),
            false if slope.abs() <= price => inside(0.0),
            _ if slope > 0.0 => self.low,
            _ => self.high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exactly(value: f64) -> Enclosed {
        Enclosed { value, error: 0.0 }
    }

    /// h(δ) = δ − 2(|1 + δ| − 1): rises at 0, turns at −1, and falls on the other side of its kink.
    fn bent() -> Coordinate {
        let turn = Turn { kink: Kink::ABS, argument: exactly(1.0), scale: exactly(1.0) };
        Coordinate { slope: exactly(1.0), terms: vec![(exactly(-2.0), turn)], low: -4.0, high: 3.0 }
    }

    #[test]
    fn the_cheapest_step_is_that_of_a_fine_grid() {
        let straight = Coordinate { terms: Vec::new(), ..bent() };
        for coordinate in [bent(), straight] {
            for square in [false, true] {
                for price in [0.0, 0.1, 0.5, 0.9, 1.5, 2.5, 4.0] {
                    let penalty = |d: f64| if square { 0.5 * d * d } else { d.abs() };
                    let cost = |d: f64| coordinate.value(d) + price * penalty(d);
                    let grid = (-400..=300).map(|k| cost(f64::from(k) / 100.0)).fold(f64::INFINITY, f64::min);
                    let (delta, h) = coordinate.cheapest(&coordinate.corners(), price, square);
                    assert!((h - coordinate.value(delta)).abs() < 1e-12, "{square} {price}");
                    assert!(cost(delta) <= grid + 1e-9, "{square} {price}: {delta}");
                }
            }
        }
    }

    #[test]
    fn no_secant_is_steeper_than_the_slopes_say() {
        let (least, most) = bent().slopes();
        assert_eq!((least, most), (-1.0, 3.0));
    }
}
