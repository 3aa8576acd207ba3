//! The finitely many places at which a piecewise-linear master problem looks, per coordinate.

use crate::radius::exact::moves::{Moves, Term};

/// Which place of its coordinate a place is, whatever the ball's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Corner {
    Low,
    High,
    Sample,
    Kink(u16),
}

/// Per coordinate the ends of its moves, the kinks between them and, where moving costs, the sample.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The places of coordinate i are `starts[i]..starts[i + 1]`.
    pub starts: Vec<usize>,
    pub corner: Vec<Corner>,
    pub delta: Vec<f64>,
    /// |δ| where moving costs.
    pub cost: Vec<f64>,
    /// Changes of the coordinate's kinks, for coordinates that have some.
    changes: Vec<Vec<f64>>,
}

impl Places {
    /// For moves of at most `reach`, at a price of `price` per unit.
    pub fn new(moves: &Moves, reach: f64, price: f64) -> Places {
        let n = moves.low.len();
        let mut places = Places {
            starts: Vec::with_capacity(n + 1),
            corner: Vec::with_capacity(3 * n),
            delta: Vec::with_capacity(3 * n),
            cost: Vec::with_capacity(3 * n),
            changes: Vec::new(),
        };
        for i in 0..n {
            places.starts.push(places.delta.len());
            let (low, high) = (moves.low[i].max(-reach), moves.high[i].min(reach));
            places.add(Corner::Low, low, &moves.terms[i], price);
            if high > low {
                places.add(Corner::High, high, &moves.terms[i], price);
            }
            let inside = |delta: f64| low < delta && delta < high;
            if price > 0.0 && inside(0.0) {
                places.add(Corner::Sample, 0.0, &moves.terms[i], price);
            }
            for (k, term) in moves.terms[i].iter().enumerate().filter(|(_, term)| inside(term.turn.crossing())) {
                places.add(Corner::Kink(k as u16), term.turn.crossing(), &moves.terms[i], price);
            }
        }
        places.starts.push(places.delta.len());
        places
    }

    fn add(&mut self, corner: Corner, delta: f64, terms: &[Term], price: f64) {
        self.corner.push(corner);
        self.delta.push(delta);
        self.cost.push(price * delta.abs());
        if !terms.is_empty() {
            self.changes.resize(self.delta.len() - 1, Vec::new());
            self.changes.push(terms.iter().map(|term| term.turn.change(delta)).collect());
        }
    }

    /// Whether some coordinate has kinks.
    pub fn has_kinks(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Σ coefficients · changes at a place of a coordinate, without the cost.
    #[inline]
    pub fn gain(&self, moves: &Moves, coefficients: &[f64], i: usize, place: usize) -> f64 {
        let mut gain = coefficients[i] * self.delta[place];
        let terms = &moves.terms[i];
        if !terms.is_empty() {
            gain += terms.iter().zip(&self.changes[place]).map(|(t, c)| coefficients[t.variable] * c).sum::<f64>();
        }
        gain
    }

    /// Adds factor · (changes at a place) to `changes`.
    pub fn add_changes(&self, moves: &Moves, changes: &mut [f64], i: usize, place: usize, factor: f64) {
        changes[i] += factor * self.delta[place];
        if let Some(of_kinks) = self.changes.get(place) {
            for (term, change) in moves.terms[i].iter().zip(of_kinks) {
                changes[term.variable] += factor * change;
            }
        }
    }

    /// The place of coordinate `i` with this corner.
    pub fn find(&self, i: usize, corner: Corner) -> Option<usize> {
        (self.starts[i]..self.starts[i + 1]).find(|&place| self.corner[place] == corner)
    }
}
