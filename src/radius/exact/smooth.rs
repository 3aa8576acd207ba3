//! max over λ ≥ 0 of λ·margins + Σ_i min over the moves of coordinate i of (|δ|^p / p + λ·changes): the master problem of
//! the norms with 1 < p < ∞ by its dual, concave and once differentiable where no coordinate has two best moves.
//!
//! Newton's method on the multipliers that are positive or want to be; a step ends where a multiplier reaches 0 or the
//! function stops rising.

use crate::matrix::{Threads, View, add_scaled, dot, multiply};
use crate::radius::exact::moves::{Moves, Term};
use crate::radius::exact::piecewise::{Cut, End};
use nalgebra::{DMatrix, DVector};

/// Newton steps per maximisation.
const STEPS: usize = 60;

/// Relative accuracy of the cuts at the solution.
const TOLERANCE: f64 = 1e-11;

/// The dual and its present point.
#[derive(Clone)]
pub(super) struct Smooth {
    pub moves: Moves,
    pub cuts: Vec<Cut>,
    pub multipliers: Vec<f64>,
    /// Of every cut with those before it and itself, where the problem is plain.
    products: Vec<Vec<f64>>,
    /// Σ multipliers · coefficients.
    coefficients: Vec<f64>,
    /// p and p/(p − 1).
    powers: (f64, f64),
    /// The unit of length in which |δ|^p is taken.
    unit: f64,
    scale: f64,
    /// Whether p = 2 and no coordinate has kinks.
    plain: bool,
    /// A walk that comes this far never ends.
    far: f64,
}

/// Steps between two ends of a walk.
const NARROWED: usize = 45;

/// How far walks go: multipliers are as far apart as the squares of what units are, and beyond that is noise.
const FAR: f64 = 1e75;
const NEAR: f64 = 1e30;

/// A coordinate's best move.
struct Move {
    delta: f64,
    /// −dδ/d(slope), 0 where an end or a kink holds it.
    give: f64,
    value: f64,
}

impl Smooth {
    /// Without cuts.
    pub fn new(moves: Moves, p: f64, unit: f64) -> Smooth {
        let coefficients = vec![0.0; moves.variables];
        let powers = (p, p / (p - 1.0));
        let plain = p == 2.0 && moves.terms.iter().all(Vec::is_empty);
        Smooth {
            moves,
            cuts: Vec::new(),
            multipliers: Vec::new(),
            products: Vec::new(),
            coefficients,
            powers,
            unit,
            scale: 0.0,
            plain,
            far: FAR,
        }
    }

    /// Takes walks beyond what is usual for endless ones, where it does not matter much.
    pub fn hurry(&mut self) {
        self.far = NEAR;
    }

    /// Adds a cut with multiplier 0.
    pub fn add(&mut self, cut: Cut) {
        self.scale = self.scale.max(cut.margin.abs());
        self.cuts.push(cut);
        if let (true, Some(new)) = (self.plain, self.cuts.last()) {
            self.products.push(self.cuts.iter().map(|cut| dot(&cut.coefficients, &new.coefficients)).collect());
        }
        self.multipliers.push(0.0);
    }

    /// Asks for f ≤ −amount instead of less.
    pub fn push(&mut self, amount: f64) {
        self.cuts.iter_mut().for_each(|cut| cut.margin += amount);
    }

    /// Forgets the cuts that `idle` says so of, if their multipliers are 0.
    pub fn forget(&mut self, idle: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let gone: Vec<usize> = (0..self.cuts.len()).rev().filter(|&k| self.multipliers[k] == 0.0 && idle(k)).collect();
        for &k in &gone {
            self.cuts.remove(k);
            self.multipliers.remove(k);
            if self.plain {
                self.products.remove(k);
                self.products[k..].iter_mut().for_each(|row| _ = row.remove(k));
            }
        }
        gone
    }

    /// The distance that the multipliers prove, in exact arithmetic.
    pub fn bound(&self) -> f64 {
        self.unit * (self.powers.0 * self.value(&self.coefficients, self.margin()).max(0.0)).powf(1.0 / self.powers.0)
    }

    /// The margin of the collapsed cut.
    pub fn margin(&self) -> f64 {
        self.multipliers.iter().zip(&self.cuts).map(|(l, cut)| l * cut.margin).sum()
    }

    /// The changes of the variables at the primal solution.
    pub fn solution(&self) -> Vec<f64> {
        self.moves.changes(&self.deltas(&self.coefficients))
    }

    fn value(&self, coefficients: &[f64], margin: f64) -> f64 {
        margin + self.best_moves(coefficients).iter().map(|best| best.value).sum::<f64>()
    }

    /// Every coordinate's best move.
    fn best_moves(&self, coefficients: &[f64]) -> Vec<Move> {
        let Moves { low, high, .. } = &self.moves;
        if !self.plain {
            return (0..low.len()).map(|i| self.best(i, coefficients)).collect();
        }
        let square = self.unit * self.unit;
        let best = |(c, (&low, &high)): (&f64, (&f64, &f64))| {
            let wanted = -square * c;
            let delta = wanted.max(low).min(high);
            let give = if delta == wanted && low < high { square } else { 0.0 };
            Move { delta, give, value: delta * (0.5 * delta / square + c) }
        };
        coefficients.iter().zip(low.iter().zip(high)).map(best).collect()
    }

    fn deltas(&self, coefficients: &[f64]) -> Vec<f64> {
        self.best_moves(coefficients).iter().map(|best| best.delta).collect()
    }

    /// min over δ of |δ/unit|^p/p + coefficients·changes.
    fn best(&self, i: usize, coefficients: &[f64]) -> Move {
        let (low, high, terms) = (self.moves.low[i], self.moves.high[i], &self.moves.terms[i]);
        if terms.is_empty() {
            return self.on_segment(low, high, coefficients[i], 0.0);
        }
        let mut corners: Vec<f64> = terms.iter().map(|t| t.turn.crossing()).filter(|c| low < *c && *c < high).collect();
        corners.extend([low, high]);
        corners.sort_unstable_by(f64::total_cmp);
        let segment = |ends: &[f64]| {
            let inside = middle(ends[0], ends[1]);
            let slope_of = |t: &Term| coefficients[t.variable] * t.turn.slope(inside);
            let slope = coefficients[i] + terms.iter().map(slope_of).sum::<f64>();
            let at = |delta: f64| {
                coefficients[i] * delta
                    + terms.iter().map(|t| coefficients[t.variable] * t.turn.change(delta)).sum::<f64>()
            };
            self.on_segment(ends[0], ends[1], slope, at(inside) - slope * inside)
        };
        corners.windows(2).map(segment).min_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or_else(|| {
            let delta = low;
            let linear = coefficients[i] * delta
                + terms.iter().map(|t| coefficients[t.variable] * t.turn.change(delta)).sum::<f64>();
            Move { delta, give: 0.0, value: self.cost(delta) + linear }
        })
    }

    fn cost(&self, delta: f64) -> f64 {
        (delta / self.unit).abs().powf(self.powers.0) / self.powers.0
    }

    /// On [low, high], where the changes are slope · δ + constant.
    fn on_segment(&self, low: f64, high: f64, slope: f64, constant: f64) -> Move {
        let (p, q) = self.powers;
        let steep = (slope * self.unit).abs();
        let free = if p == 2.0 { steep } else { steep.powf(q - 1.0) };
        let wanted = -slope.signum() * free * self.unit;
        let delta = wanted.clamp(low, high);
        let give = match () {
            () if delta != wanted || low == high => 0.0,
            () if p == 2.0 => self.unit * self.unit,
            // Near 0 the derivative is 0 or infinite: bounded, so that the matrix stays one.
            () => (q - 1.0) * steep.max(1e-8).powf(q - 2.0) * self.unit * self.unit,
        };
        let cost = if p == 2.0 { 0.5 * (delta / self.unit).powi(2) } else { self.cost(delta) };
        Move { delta, give, value: cost + slope * delta + constant }
    }

    /// Climbs to the largest value.
    pub fn maximise(&mut self) -> End {
        for _ in 0..STEPS {
            let moves = self.best_moves(&self.coefficients);
            let delta: Vec<f64> = moves.iter().map(|m| m.delta).collect();
            let changes = self.moves.changes(&delta);
            let gradient: Vec<f64> =
                self.cuts.iter().map(|cut| cut.margin + dot(&cut.coefficients, &changes)).collect();
            let least = TOLERANCE * self.scale;
            let wants = |k: usize| gradient[k] > least || (self.multipliers[k] > 0.0 && gradient[k] < -least);
            if !(0..self.cuts.len()).any(wants) {
                return End::Best;
            }
            let Some(direction) = self.direction(&gradient, &moves) else { return End::Stopped };
            match self.walk(&direction, &gradient) {
                None => return End::Unbounded,
                Some(step) if step > 0.0 => {}
                Some(_) => return End::Stopped,
            }
        }
        End::Stopped
    }

    /// Newton's direction in the multipliers that may move, 0 in the others.
    fn direction(&self, gradient: &[f64], moves: &[Move]) -> Option<Vec<f64>> {
        let mut working: Vec<usize> =
            (0..self.cuts.len()).filter(|&k| self.multipliers[k] > 0.0 || gradient[k] > 0.0).collect();
        let gram = self.gram(&working, moves);
        let mut kept: Vec<usize> = (0..working.len()).collect();
        loop {
            let k = kept.len();
            let trace: f64 = kept.iter().map(|&a| gram[(a, a)]).sum();
            let ridge = 1e-13 * trace / k as f64 + f64::MIN_POSITIVE;
            let matrix = DMatrix::from_fn(k, k, |a, b| gram[(kept[a], kept[b])] + if a == b { ridge } else { 0.0 });
            let right = DVector::from_fn(k, |a, _| gradient[working[kept[a]]]);
            let step = if trace > 0.0 { matrix.cholesky()?.solve(&right) } else { right };
            let stuck = (0..k).filter(|&a| step[a] < 0.0 && self.multipliers[working[kept[a]]] == 0.0);
            let stuck: Vec<usize> = stuck.collect();
            if stuck.is_empty() {
                let mut direction = vec![0.0; self.cuts.len()];
                (0..k).for_each(|a| direction[working[kept[a]]] = step[a]);
                return Some(direction);
            }
            let mut position = 0;
            kept.retain(|_| {
                position += 1;
                !stuck.contains(&(position - 1))
            });
            if kept.is_empty() {
                working.clear();
                return None;
            }
        }
    }

    /// Σ over the coordinates of give · n nᵀ, n the change of the slope per multiplier.
    fn gram(&self, working: &[usize], moves: &[Move]) -> DMatrix<f64> {
        let free: Vec<usize> = (0..moves.len()).filter(|&i| moves[i].give > 0.0).collect();
        let (k, n) = (working.len(), free.len());
        if self.plain && n == moves.len() {
            let product = |a: usize, b: usize| self.products[working[a.max(b)]][working[a.min(b)]];
            return DMatrix::from_fn(k, k, |a, b| self.unit * self.unit * product(a, b));
        }
        let mut rows = Vec::with_capacity(k * n);
        for &cut in working {
            let coefficients = &self.cuts[cut].coefficients;
            rows.extend(free.iter().map(|&i| {
                let slope_of = |t: &Term| coefficients[t.variable] * t.turn.slope(moves[i].delta);
                let slope = coefficients[i] + self.moves.terms[i].iter().map(slope_of).sum::<f64>();
                slope * moves[i].give.sqrt()
            }));
        }
        let mut product = vec![0.0; k * k];
        multiply(&mut product, false, View::new(&rows, k, n), View::new(&rows, k, n).transposed(), Threads::One);
        DMatrix::from_row_slice(k, k, &product)
    }

    /// Moves along `direction` as far as the function rises; `None` when it does for ever.
    fn walk(&mut self, direction: &[f64], gradient: &[f64]) -> Option<f64> {
        let mut rates = vec![0.0; self.moves.variables];
        for (&d, cut) in direction.iter().zip(&self.cuts) {
            add_scaled(&mut rates, d, &cut.coefficients);
        }
        let rise: f64 = direction.iter().zip(&self.cuts).map(|(d, cut)| d * cut.margin).sum();
        let start = dot(direction, gradient);
        if start.is_nan() || start <= 0.0 {
            return Some(0.0);
        }
        let ends = (0..self.cuts.len()).filter(|&k| direction[k] < 0.0);
        let limit = ends.map(|k| self.multipliers[k] / -direction[k]).fold(f64::INFINITY, f64::min);
        let slope = |step: f64| {
            let mut at = self.coefficients.clone();
            add_scaled(&mut at, step, &rates);
            rise + dot(&rates, &self.moves.changes(&self.deltas(&at)))
        };
        let Some(step) = search(slope, start, (limit, self.far)) else {
            self.multipliers = direction.to_vec();
            self.coefficients = rates;
            return None;
        };
        self.multipliers.iter_mut().zip(direction).for_each(|(l, d)| *l = (*l + step * d).max(0.0));
        if step == limit {
            let blocking = (0..self.cuts.len()).filter(|&k| direction[k] < 0.0);
            let first = blocking.min_by(|&a, &b| self.multipliers[a].total_cmp(&self.multipliers[b]));
            first.into_iter().for_each(|k| self.multipliers[k] = 0.0);
        }
        self.coefficients.fill(0.0);
        for (&l, cut) in self.multipliers.iter().zip(&self.cuts) {
            add_scaled(&mut self.coefficients, l, &cut.coefficients);
        }
        Some(step)
    }
}

/// Where a falling function with `start` > 0 at 0 vanishes, at most at `limit`; `None` when it never does up to `far`.
fn search(slope: impl Fn(f64) -> f64, start: f64, (limit, far): (f64, f64)) -> Option<f64> {
    let (mut low, mut high) = ((0.0, start), (f64::INFINITY, 0.0));
    let mut step = limit.min(1.0);
    let mut narrowed = 0;
    while narrowed < NARROWED {
        let value = slope(step);
        if value.abs() <= 1e-3 * start || (step == limit && value >= 0.0) {
            return Some(step);
        }
        if value > 0.0 {
            low = (step, value)
        } else {
            high = (step, value)
        }
        step = match high.0.is_finite() {
            false if step > far => return None,
            false => (4.0 * step).min(limit),
            true => {
                narrowed += 1;
                let secant = low.0 + (high.0 - low.0) * low.1 / (low.1 - high.1);
                secant.clamp(low.0 + 0.05 * (high.0 - low.0), high.0 - 0.05 * (high.0 - low.0))
            }
        };
    }
    Some(low.0)
}

fn middle(low: f64, high: f64) -> f64 {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => 0.5 * (low + high),
        (true, false) => low + 1.0,
        (false, true) => high - 1.0,
        (false, false) => 0.0,
    }
}
