//! max over λ ≥ 0 of λ·margins + Σ_i min over the places of coordinate i of (cost + λ·changes): the master problem of the
//! norms l1 and l∞ by its dual, a concave piecewise-linear function of as many variables as there are cuts.
//!
//! A simplex method that walks along edges: a vertex is where as many conditions are tight as there are multipliers (a
//! multiplier is 0, or two places of a coordinate tie). A step loosens one condition and goes on through kinks as long as
//! the function rises (the bound-flipping, or long-step, ratio test).

mod edge;
mod vertex;

use crate::matrix::dot;
use crate::radius::exact::moves::Moves;
use crate::radius::exact::places::Places;
use nalgebra::{DMatrix, DVector};

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
#[derive(Clone)]
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
    /// The first cut's margin.
    scale: f64,
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
        if k == 0 {
            self.scale = cut.margin.abs();
        }
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
                self.places.add_changes(&self.moves, &mut changes, i, place, weight);
                self.places.add_changes(&self.moves, &mut changes, i, self.base[i], -weight);
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

    /// The least weight of a place that counts: where the coordinate moves far, even a tiny one changes the cuts.
    fn least_weight(&self, tie: Tight, weight: f64) -> f64 {
        if weight <= 0.0 || weight > TOLERANCE {
            return TOLERANCE;
        }
        let largest = (0..self.cuts.len()).map(|k| self.normal_entry(tie, k).abs()).fold(0.0, f64::max);
        TOLERANCE * (self.scale / largest).min(1.0)
    }

    /// The condition whose loosening makes the function rise fastest; the base of its coordinate may change for that.
    fn choose(&mut self) -> Option<usize> {
        let reduced: Vec<f64> = (0..self.tight.len()).map(|j| self.reduced(j)).collect();
        let mut best = (0.0, None, None);
        let mut weight_left: Vec<(usize, f64)> = Vec::new();
        for (j, &tight) in self.tight.iter().enumerate() {
            let least = match tight {
                Tight::Normal => continue,
                // What the cut's own terms leave in rounding may be much more than that.
                Tight::Zero(k) => TOLERANCE * self.scale + NOISE * self.cuts[k].margin.abs(),
                Tight::Tie(i, _) => {
                    match weight_left.iter_mut().find(|(other, _)| *other == i) {
                        Some((_, weight)) => *weight += reduced[j],
                        None => weight_left.push((i, 1.0 + reduced[j])),
                    }
                    self.least_weight(tight, reduced[j])
                }
            };
            let score = reduced[j] * reduced[j] / self.inverse.column(j).norm_squared();
            if reduced[j] > least && score > best.0 {
                best = (score, Some(j), None);
            }
        }
        for (i, weight) in weight_left {
            let of_coordinate = |j: &usize| matches!(self.tight[*j], Tight::Tie(other, _) if other == i);
            let ties: Vec<usize> = (0..self.tight.len()).filter(of_coordinate).collect();
            if ties.iter().any(|&j| -weight > self.least_weight(self.tight[j], -weight)) {
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
}
