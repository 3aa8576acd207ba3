//! The conditions that make a vertex, and what follows from them.

use crate::matrix::{add_scaled, dot};
use crate::radius::exact::piecewise::{Cut, End, NOISE, Piecewise, Tight};
use nalgebra::DMatrix;

impl Piecewise {
    /// Condition `entering` takes the place of condition `j`.
    pub(super) fn exchange(&mut self, j: usize, entering: Tight) -> End {
        let k = self.cuts.len();
        let normal: Vec<f64> = (0..k).map(|r| self.normal_entry(entering, r)).collect();
        let products: Vec<f64> =
            (0..k).map(|l| self.inverse.column(l).iter().zip(&normal).map(|(q, n)| q * n).sum()).collect();
        let leaving = std::mem::replace(&mut self.tight[j], entering);
        for (tight, change) in [(leaving, -1_i8), (entering, 1)] {
            if let Tight::Tie(i, _) = tight {
                self.ties[i] = self.ties[i].wrapping_add_signed(change);
            }
        }
        let pivot = products[j];
        let size: f64 = self.inverse.column(j).iter().zip(&normal).map(|(q, n)| (q * n).abs()).sum();
        if pivot.abs() <= NOISE * size || !pivot.is_finite() {
            self.restart();
            return End::Stopped;
        }
        let column = self.inverse.column(j).clone_owned();
        for l in (0..k).filter(|&l| l != j) {
            let factor = products[l] / pivot;
            if factor != 0.0 {
                self.inverse.column_mut(l).axpy(-factor, &column, 1.0);
            }
        }
        self.inverse.set_column(j, &(column / pivot));
        End::Best
    }

    /// Entry `k` of a condition's normal.
    pub(super) fn normal_entry(&self, tight: Tight, k: usize) -> f64 {
        match tight {
            Tight::Normal => 1.0,
            Tight::Zero(other) => f64::from(u8::from(other == k)),
            Tight::Tie(i, place) => {
                let row = &self.cuts[k].coefficients;
                let gain = |place| self.places.gain(&self.moves, row, i, place);
                gain(place) - gain(self.base[i])
            }
        }
    }

    /// The changes of the variables at the base places.
    pub(super) fn base_point(&self) -> Vec<f64> {
        let mut changes = vec![0.0; self.moves.variables];
        for (i, &place) in self.base.iter().enumerate() {
            self.places.add_changes(&self.moves, &mut changes, i, place, 1.0);
        }
        changes
    }

    pub(super) fn move_values(&mut self, i: usize, from: usize, to: usize) {
        for (value, cut) in self.values.iter_mut().zip(&self.cuts) {
            let gain = |place| self.places.gain(&self.moves, &cut.coefficients, i, place);
            *value += gain(to) - gain(from);
        }
    }

    /// Recomputes everything from the tight conditions; false when they no longer describe a vertex.
    pub(super) fn refresh(&mut self) -> bool {
        let k = self.cuts.len();
        let normals = DMatrix::from_fn(k, k, |j, r| self.normal_entry(self.tight[j], r));
        let Some(inverse) = normals.try_inverse().filter(|q| q.iter().all(|v| v.is_finite())) else { return false };
        self.inverse = inverse;
        let right = |&tight: &Tight| match tight {
            Tight::Normal => 1.0,
            Tight::Zero(_) => 0.0,
            Tight::Tie(i, place) => self.places.cost[self.base[i]] - self.places.cost[place],
        };
        let right: Vec<f64> = self.tight.iter().map(right).collect();
        let multiplier = |r: usize| (0..k).map(|j| self.inverse[(r, j)] * right[j]).sum::<f64>();
        self.multipliers = (0..k).map(multiplier).collect();
        let largest = self.multipliers.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        if self.multipliers.iter().any(|&l| l < -1e-9 * largest) {
            return false;
        }
        self.multipliers.iter_mut().for_each(|l| *l = l.max(0.0));
        self.rebase()
    }

    /// Recomputes everything, from the start where that is no vertex.
    pub fn renew(&mut self) {
        if !self.refresh() {
            self.restart();
        }
    }

    /// Sums up the cuts, and moves the bases of coordinates without ties to their best places; false when a tie is beaten.
    pub(super) fn rebase(&mut self) -> bool {
        self.sum_up();
        let noise = 1e-11 * self.margin().abs();
        for i in 0..self.base.len() {
            let value = |place: usize| self.place_value(i, place);
            let best = self.best(i);
            if self.ties[i] == 0 {
                self.base[i] = best;
            } else if value(best) < value(self.base[i]) - noise && !self.is_tied(i, best) {
                return false;
            }
        }
        let point = self.base_point();
        self.values = self.cuts.iter().map(|cut| cut.margin + dot(&cut.coefficients, &point)).collect();
        true
    }

    fn sum_up(&mut self) {
        self.coefficients.fill(0.0);
        for (&l, cut) in self.multipliers.iter().zip(&self.cuts) {
            add_scaled(&mut self.coefficients, l, &cut.coefficients);
        }
    }

    /// Cost and gain at a place of coordinate `i`.
    pub(super) fn place_value(&self, i: usize, place: usize) -> f64 {
        self.places.cost[place] + self.places.gain(&self.moves, &self.coefficients, i, place)
    }

    pub(super) fn best(&self, i: usize) -> usize {
        let places = self.places.starts[i]..self.places.starts[i + 1];
        let by_value = |&a: &usize, &b: &usize| self.place_value(i, a).total_cmp(&self.place_value(i, b));
        places.min_by(by_value).expect("a place")
    }

    /// The vertex of the best single cut, or of no cut at all.
    pub(super) fn restart(&mut self) {
        let k = self.cuts.len();
        self.ties.fill(0);
        self.tight = (0..k).map(Tight::Zero).collect();
        self.inverse = DMatrix::identity(k, k);
        self.multipliers = vec![0.0; k];
        if self.normalised {
            let of = |cut: &Cut| {
                let least = |i: usize| {
                    let places = self.places.starts[i]..self.places.starts[i + 1];
                    let gain = |place| self.places.gain(&self.moves, &cut.coefficients, i, place);
                    places.map(gain).fold(f64::INFINITY, f64::min)
                };
                cut.margin + (0..self.base.len()).map(least).sum::<f64>()
            };
            let values: Vec<f64> = self.cuts.iter().map(of).collect();
            let best = (0..k).max_by(|&a, &b| values[a].total_cmp(&values[b])).expect("a cut");
            self.multipliers[best] = 1.0;
            self.tight[best] = Tight::Normal;
            (0..k).for_each(|j| self.inverse[(best, j)] = if j == best { 1.0 } else { -1.0 });
        }
        self.rebase();
    }
}
