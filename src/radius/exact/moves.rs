//! How every coordinate of an input may move, and what its moves do to the variables of the lifted network.

use crate::model::{Convexity, Kink, Model};
use crate::query::Perturbation;

/// A bend of φ: variable `variable`, an entry of a bent node, is Σ K(argument + scale · δ) over its bends, δ in the
/// perturbation's unit of its coordinate (u, with weights).
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub variable: usize,
    pub kink: Kink,
    pub argument: f64,
    pub scale: f64,
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

impl Term {
    /// K(t + sδ) − K(t).
    pub fn change(&self, delta: f64) -> f64 {
        let (t, end) = (self.argument, self.argument + self.scale * delta);
        if t * end > 0.0 {
            return self.kink.slope(t) * (self.scale * delta);
        }
        self.kink.slope(end) * end - self.kink.slope(t) * t
    }

    /// Where the kink is; NaN where it does not bend.
    pub fn crossing(&self) -> f64 {
        if self.kink.below == self.kink.above { f64::NAN } else { -self.argument / self.scale }
    }
}

impl Moves {
    /// Those that the attacker has at `x`.
    pub fn new(model: &Model, convexity: &Convexity, x: &[f64], perturbation: Perturbation) -> Moves {
        let mut terms = vec![Vec::new(); x.len()];
        let mut variables = x.len();
        for bent in &convexity.map.bent {
            for (i, coordinate, bend) in bent.bends() {
                let (scale, argument) = (perturbation.scale(coordinate), bend.argument(x[coordinate]).value);
                if scale != 0.0 {
                    terms[coordinate].push(Term { variable: variables + i, kink: bend.kink, argument, scale });
                }
            }
            variables += model.graph().node(bent.node).size();
        }
        let room = |(i, &x): (usize, &f64)| perturbation.room(i, x);
        let (low, high) = x.iter().enumerate().map(room).map(|(fall, rise)| (-fall, rise)).unzip();
        Moves { low, high, terms, variables }
    }

    /// The changes of the variables when the coordinates move by `delta`.
    pub fn changes(&self, delta: &[f64]) -> Vec<f64> {
        let mut changes = vec![0.0; self.variables];
        changes[..delta.len()].copy_from_slice(delta);
        for (terms, &delta) in self.terms.iter().zip(delta) {
            terms.iter().for_each(|term| changes[term.variable] += term.change(delta));
        }
        changes
    }

    /// Whether no kink lies strictly inside its coordinate's moves.
    pub fn are_straight(&self) -> bool {
        let bends = |i: usize| self.terms[i].iter().any(|t| self.low[i] < t.crossing() && t.crossing() < self.high[i]);
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
