//! max over λ ≥ 0 of λ·margins + Σ_i min over the places of coordinate i of (cost + λ·changes): the master problem of the
//! norms l1 and l∞ by its dual, a concave piecewise-linear function of as many variables as there are cuts.
//!
//! A simplex method that walks along edges: a vertex is where as many conditions are tight as there are multipliers (a
//! multiplier is 0, or two places of a coordinate tie). A step loosens one condition and goes on through kinks as long as
//! the function rises (the bound-flipping, or long-step, ratio test).

use super::moves::Moves;
use super::places::Places;
use crate::matrix::{add_scaled, dot};
use nalgebra::{DMatrix, DVector};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A condition that holds at the vertex.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tight {
    /// The multipliers sum to 1.
    Normal,
    /// This multiplier is 0.
    Zero(usize),
    /// This place of this coordinate is as good as the coordinate's base.
    Tie(usize, usize),
}

/// How a maximisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At the largest value.
    Best,
    /// It has none: along the multipliers now in place the function rises for ever.
    Unbounded,
    /// Cut off; the multipliers are the best so far.
    Stopped,
}

/// One affine minorant: f ≥ margin + coefficients · changes of the variables.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub margin: f64,
    pub coefficients: Vec<f64>,
}

/// Violations below this share are none.
const TOLERANCE: f64 = 1e-10;

/// A sum below this share of its terms' sizes may be rounding errors alone.
const NOISE: f64 = 1e-14;

/// Steps between two inversions from scratch.
const REFRESH: usize = 50;

/// The dual and its present vertex.
pub(super) struct Piecewise {
    pub moves: Moves,
    places: Places,
    pub cuts: Vec<Cut>,
    /// Whether the multipliers sum to 1.
    normalised: bool,
    pub multipliers: Vec<f64>,
    /// Σ multipliers · coefficients.
    coefficients: Vec<f64>,
    base: Vec<usize>,
    /// How many tight ties a coordinate has.
    ties: Vec<u8>,
    tight: Vec<Tight>,
    /// Column j is the direction in which only condition j loosens, `[multipliers × conditions]`.
    inverse: DMatrix<f64>,
    /// Every cut's value at the base places.
    values: Vec<f64>,
    scale: f64,
}

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
    /// Without cuts, which a normalised dual needs one of.
    pub fn new(moves: Moves, places: Places, normalised: bool) -> Piecewise {
        let n = moves.low.len();
        let mut master = Piecewise {
            coefficients: vec![0.0; moves.variables],
            base: vec![0; n],
            ties: vec![0; n],
            moves,
            places,
            cuts: Vec::new(),
            normalised,
            multipliers: Vec::new(),
            tight: Vec::new(),
            inverse: DMatrix::zeros(0, 0),
            values: Vec::new(),
            scale: 0.0,
        };
        master.rebase();
        master
    }

    /// Adds a cut, with multiplier 0 unless it is the first of a normalised dual.
    pub fn add(&mut self, cut: Cut) {
        let k = self.cuts.len();
        self.scale = self.scale.max(cut.margin.abs());
        self.cuts.push(cut);
        if self.normalised && k == 0 {
            self.restart();
            return;
        }
        let row: Vec<f64> = self.tight.iter().map(|&tight| self.normal_entry(tight, k)).collect();
        let last: Vec<f64> = (0..k).map(|r| -(0..k).map(|j| self.inverse[(r, j)] * row[j]).sum::<f64>()).collect();
        let mut inverse = std::mem::replace(&mut self.inverse, DMatrix::zeros(0, 0)).resize(k + 1, k + 1, 0.0);
        last.iter().enumerate().for_each(|(r, &v)| inverse[(r, k)] = v);
        inverse[(k, k)] = 1.0;
        self.inverse = inverse;
        self.tight.push(Tight::Zero(k));
        self.multipliers.push(0.0);
        let cut = &self.cuts[k];
        self.values.push(cut.margin + dot(&cut.coefficients, &self.base_point()));
    }

    /// Asks for f ≤ −amount instead of less.
    pub fn push(&mut self, amount: f64) {
        self.cuts.iter_mut().for_each(|cut| cut.margin += amount);
        self.values.iter_mut().for_each(|value| *value += amount);
    }

    /// Forgets the cuts that `idle` says so of, as long as their multipliers are tight at 0.
    pub fn forget(&mut self, idle: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let mut gone: Vec<usize> = Vec::new();
        for k in (0..self.cuts.len()).rev().filter(|&k| idle(k)) {
            let Some(j) = self.tight.iter().position(|&tight| tight == Tight::Zero(k)) else { continue };
            self.tight.remove(j);
            for tight in &mut self.tight {
                if let Tight::Zero(other) = tight {
                    *other -= usize::from(*other > k);
                }
            }
            let inverse = std::mem::replace(&mut self.inverse, DMatrix::zeros(0, 0));
            self.inverse = inverse.remove_row(k).remove_column(j);
            self.cuts.remove(k);
            self.multipliers.remove(k);
            self.values.remove(k);
            gone.push(k);
        }
        gone
    }

    /// Changes the places; the vertex is kept where that is possible.
    pub fn replace(&mut self, places: Places) {
        let old = std::mem::replace(&mut self.places, places);
        let mut kept = true;
        for i in 0..self.base.len() {
            match self.places.find(i, old.corner[self.base[i]]) {
                Some(place) => self.base[i] = place,
                None => (self.base[i], kept) = (self.places.starts[i], kept && self.ties[i] == 0),
            }
        }
        for tight in &mut self.tight {
            if let Tight::Tie(i, place) = tight {
                match self.places.find(*i, old.corner[*place]) {
                    Some(found) => *place = found,
                    None => kept = false,
                }
            }
        }
        if !(kept && self.refresh()) {
            self.restart();
        }
    }

    /// The dual's value.
    pub fn value(&self) -> f64 {
        self.multipliers.iter().zip(&self.values).map(|(l, v)| l * v).sum::<f64>()
            + self.base.iter().map(|&place| self.places.cost[place]).sum::<f64>()
    }

    /// The margin of the collapsed cut.
    pub fn margin(&self) -> f64 {
        self.multipliers.iter().zip(&self.cuts).map(|(l, cut)| l * cut.margin).sum()
    }

    /// The collapsed cut's coefficients.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The changes of the variables at the primal solution: base places, mixed with those that tie.
    pub fn solution(&self) -> Vec<f64> {
        let mut changes = self.base_point();
        for (j, &tight) in self.tight.iter().enumerate() {
            if let Tight::Tie(i, place) = tight {
                let weight = (-self.reduced(j)).clamp(0.0, 1.0);
                self.places.add_changes(&self.moves, &mut changes, (i, place), weight);
                self.places.add_changes(&self.moves, &mut changes, (i, self.base[i]), -weight);
            }
        }
        changes
    }

    /// Climbs to the largest value.
    pub fn maximise(&mut self) -> End {
        let most = 100 + 30 * self.cuts.len();
        for step in 0..most {
            if step % REFRESH == REFRESH - 1 && !self.refresh() {
                self.restart();
            }
            let Some(j) = self.choose() else { return End::Best };
            match self.walk(j) {
                End::Best => {}
                other => return other,
            }
        }
        End::Stopped
    }

    /// How fast the function rises when condition `j` loosens.
    fn reduced(&self, j: usize) -> f64 {
        self.inverse.column(j).iter().zip(&self.values).map(|(q, v)| q * v).sum()
    }

    /// The condition whose loosening makes the function rise fastest; the base of its coordinate may change for that.
    fn choose(&mut self) -> Option<usize> {
        let reduced: Vec<f64> = (0..self.tight.len()).map(|j| self.reduced(j)).collect();
        let mut best = (0.0, None, None);
        let mut weight_left: Vec<(usize, f64)> = Vec::new();
        for (j, &tight) in self.tight.iter().enumerate() {
            let least = match tight {
                Tight::Normal => continue,
                Tight::Zero(_) => TOLERANCE * self.scale,
                Tight::Tie(i, _) => {
                    match weight_left.iter_mut().find(|(other, _)| *other == i) {
                        Some((_, weight)) => *weight += reduced[j],
                        None => weight_left.push((i, 1.0 + reduced[j])),
                    }
                    TOLERANCE
                }
            };
            let score = reduced[j] * reduced[j] / self.inverse.column(j).norm_squared();
            if reduced[j] > least && score > best.0 {
                best = (score, Some(j), None);
            }
        }
        for (i, weight) in weight_left {
            if weight < -TOLERANCE {
                let of_coordinate = |j: &usize| matches!(self.tight[*j], Tight::Tie(other, _) if other == i);
                let ties: Vec<usize> = (0..self.tight.len()).filter(of_coordinate).collect();
                let direction =
                    ties.iter().fold(DVector::zeros(self.cuts.len()), |sum, &j| sum + self.inverse.column(j));
                let score = weight * weight / direction.norm_squared();
                if score > best.0 {
                    let heaviest = ties.iter().copied().min_by(|&a, &b| reduced[a].total_cmp(&reduced[b]));
                    best = (score, heaviest, Some((i, direction)));
                }
            }
        }
        if let (_, Some(j), Some((i, direction))) = best {
            self.swap(j, i, direction);
        }
        best.1
    }

    /// Makes the place of tie `j` the base of coordinate `i`, whose old base then ties.
    fn swap(&mut self, j: usize, i: usize, direction: DVector<f64>) {
        let Tight::Tie(_, place) = self.tight[j] else { unreachable!("a tie") };
        let old = std::mem::replace(&mut self.base[i], place);
        self.tight[j] = Tight::Tie(i, old);
        self.inverse.set_column(j, &-direction);
        self.move_values(i, old, place);
    }

    /// Goes along the edge on which condition `j` loosens until the function stops rising.
    fn walk(&mut self, j: usize) -> End {
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

    fn is_tied(&self, i: usize, place: usize) -> bool {
        self.tight.contains(&Tight::Tie(i, place))
    }

    /// Condition `entering` takes the place of condition `j`.
    fn exchange(&mut self, j: usize, entering: Tight) -> End {
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
    fn normal_entry(&self, tight: Tight, k: usize) -> f64 {
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
    fn base_point(&self) -> Vec<f64> {
        let mut changes = vec![0.0; self.moves.variables];
        for (i, &place) in self.base.iter().enumerate() {
            self.places.add_changes(&self.moves, &mut changes, (i, place), 1.0);
        }
        changes
    }

    fn move_values(&mut self, i: usize, from: usize, to: usize) {
        for (value, cut) in self.values.iter_mut().zip(&self.cuts) {
            let gain = |place| self.places.gain(&self.moves, &cut.coefficients, i, place);
            *value += gain(to) - gain(from);
        }
    }

    /// Recomputes everything from the tight conditions; false when they no longer describe a vertex.
    fn refresh(&mut self) -> bool {
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

    /// Sums up the cuts, and moves the bases of coordinates without ties to their best places; false when a tie is beaten.
    fn rebase(&mut self) -> bool {
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
    fn place_value(&self, i: usize, place: usize) -> f64 {
        self.places.cost[place] + self.places.gain(&self.moves, &self.coefficients, i, place)
    }

    fn best(&self, i: usize) -> usize {
        let places = self.places.starts[i]..self.places.starts[i + 1];
        let by_value = |&a: &usize, &b: &usize| self.place_value(i, a).total_cmp(&self.place_value(i, b));
        places.min_by(by_value).expect("a place")
    }

    /// The vertex of the best single cut, or of no cut at all.
    fn restart(&mut self) {
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
