//! How every coordinate of an input may move, and what its moves do to the variables of the lifted network.

use crate::query::Query;
use crate::query::coordinate::Turn;

/// A turn of φ, and the variable that it is a part of: an entry of a bent node is the sum over its turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub variable: usize,
    pub turn: Turn,
}

/// The moves of all coordinates.
#[derive(Clone, Debug)]
pub(super) struct Moves {
    /// How far each coordinate may fall, ≤ 0, and rise, ≥ 0; or another interval in a branch.
    pub low: Vec<f64>,
    pub high: Vec<f64>,
    /// The kinks on each coordinate.
    pub terms: Vec<Vec<Term>>,
    /// Number of variables: coordinates and kinks.
    pub variables: usize,
}

impl Moves {
    /// Those that the attacker has.
    pub fn new(query: Query) -> Moves {
        let mut firsts = vec![query.size()];
        for bent in &query.split().map.bent {
            firsts.push(firsts[firsts.len() - 1] + query.model.graph().node(bent.node).size());
        }
        let mut terms = vec![Vec::new(); query.size()];
        for (place, turn) in query.turns() {
            terms[place.coordinate].push(Term { variable: firsts[place.bent] + place.entry, turn });
        }
        let room = |(i, &x): (usize, &f64)| query.perturbation.room(i, x);
        let (low, high) = query.x.iter().enumerate().map(room).map(|(fall, rise)| (-fall, rise)).unzip();
        Moves { low, high, terms, variables: firsts[firsts.len() - 1] }
    }

    /// The changes of the variables when the coordinates move by `delta`.
    pub fn changes(&self, delta: &[f64]) -> Vec<f64> {
        let mut changes = vec![0.0; self.variables];
        changes[..delta.len()].copy_from_slice(delta);
        for (terms, &delta) in self.terms.iter().zip(delta) {
            terms.iter().for_each(|term| changes[term.variable] += term.turn.change(delta));
        }
        changes
    }

    /// Whether no kink lies strictly inside its coordinate's moves.
    pub fn are_straight(&self) -> bool {
        let bends = |i: usize| {
            self.terms[i].iter().any(|t| self.low[i] < t.turn.crossing() && t.turn.crossing() < self.high[i])
        };
        !(0..self.low.len()).any(bends)
    }

    /// Keeps coordinate `i` between `low` and `high`.
    pub fn limit(&mut self, i: usize, low: f64, high: f64) {
        self.low[i] = self.low[i].max(low);
        self.high[i] = self.high[i].min(high);
    }

    /// The least move of some coordinate that every choice makes.
    pub fn least(&self) -> f64 {
        self.low.iter().zip(&self.high).map(|(low, high)| low.max(-high)).fold(0.0, f64::max)
    }
}
