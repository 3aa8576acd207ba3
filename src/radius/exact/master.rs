//! The smallest change of the input that satisfies every cut, and the multipliers that prove it.

use crate::norm::Norm;
use crate::radius::exact::moves::{Moves, Term};
use crate::radius::exact::piecewise::{Cut, End, Piecewise};
use crate::radius::exact::places::Places;
use crate::radius::exact::smooth::Smooth;

/// Longest moves that a master for l1 looks at, in distances found: it needs some limit, which grows with them.
const FAR: f64 = 1e3;

/// As far as that limit grows, in radii known at the start.
const FARTHEST: f64 = 1e45;

/// By so much a level's radius grows at once: multipliers that are good where coefficients all but cancel are proven
/// before rounding far away takes others for better.
const RISE: f64 = 1e6;

/// A level's value below this share of the margin is 0.
const LEVEL: f64 = 1e-11;

/// How the problem is solved: one way per kind of norm.
#[derive(Clone)]
pub(super) enum Master {
    /// l1: with the longest moves looked at now, and at all.
    Sum(Piecewise, f64, f64),
    /// l∞: for a ball of this radius, the collapsed cut's largest minimum.
    Level(Piecewise, f64),
    /// Everything between.
    Smooth(Smooth),
}

/// What the cuts allow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Solved {
    /// No point nearer than this satisfies them.
    Distance(f64),
    /// None at all does.
    Nothing,
    /// As the first, but better multipliers may exist.
    AtLeast(f64),
}

impl Master {
    /// For one norm, with a radius known to hold and the first cut.
    pub fn new(moves: Moves, norm: Norm, radius: f64, first: Cut) -> Master {
        let mut master = match norm {
            Norm::L1 => {
                let places = Places::new(&moves, FAR * radius, 1.0);
                Master::Sum(Piecewise::new(moves, places, false), FAR * radius, FARTHEST * radius)
            }
            Norm::Linf => {
                let places = Places::new(&moves, radius, 0.0);
                Master::Level(Piecewise::new(moves, places, true), radius)
            }
            Norm::L2 | Norm::Lp(_) => {
                let unit = if norm == Norm::L2 { 1.0 } else { radius };
                Master::Smooth(Smooth::new(moves, norm.p(), unit))
            }
        };
        master.add(first);
        master
    }

    /// Adds a cut.
    pub fn add(&mut self, cut: Cut) {
        match self {
            Master::Sum(dual, ..) | Master::Level(dual, _) => dual.add(cut),
            Master::Smooth(dual) => dual.add(cut),
        }
    }

    /// Forgets idle cuts; the indices that are gone, falling.
    pub fn forget(&mut self, idle: &dyn Fn(usize) -> bool) -> Vec<usize> {
        match self {
            Master::Sum(dual, ..) | Master::Level(dual, _) => dual.forget(idle),
            Master::Smooth(dual) => dual.forget(idle),
        }
    }

    /// Solves the problem for the present cuts.
    pub fn solve(&mut self) -> Solved {
        match self {
            Master::Sum(dual, reach, farthest) => loop {
                let end = dual.maximise();
                if (end != End::Unbounded && dual.value() * FAR <= *reach) || *reach >= *farthest {
                    break solved(end, dual.value());
                }
                *reach *= FAR;
                dual.replace(Places::new(&dual.moves, *reach, 1.0));
            },
            Master::Smooth(dual) => {
                let end = dual.maximise();
                solved(end, dual.bound())
            }
            Master::Level(dual, radius) => raise_level(dual, radius),
        }
    }

    /// The cuts.
    pub fn cuts(&self) -> &[Cut] {
        match self {
            Master::Sum(dual, ..) | Master::Level(dual, _) => &dual.cuts,
            Master::Smooth(dual) => &dual.cuts,
        }
    }

    /// Computes anew what steps have changed again and again: rounding errors may have made an end of it.
    pub fn renew(&mut self) {
        match self {
            Master::Sum(dual, ..) | Master::Level(dual, _) => dual.renew(),
            Master::Smooth(_) => {}
        }
    }

    /// Gives up sooner where there may be no solution.
    pub fn hurry(&mut self) {
        if let Master::Smooth(dual) = self {
            dual.hurry();
        }
    }

    /// Asks every cut for `amount` more.
    pub fn push(&mut self, amount: f64) {
        match self {
            Master::Sum(dual, ..) | Master::Level(dual, _) => dual.push(amount),
            Master::Smooth(dual) => dual.push(amount),
        }
    }

    /// One multiplier per cut.
    pub fn multipliers(&self) -> &[f64] {
        match self {
            Master::Sum(dual, ..) | Master::Level(dual, _) => &dual.multipliers,
            Master::Smooth(dual) => &dual.multipliers,
        }
    }

    /// The changes of the variables that satisfy the cuts at the distance found.
    pub fn solution(&self) -> Vec<f64> {
        match self {
            Master::Sum(dual, ..) | Master::Level(dual, _) => dual.solution(),
            Master::Smooth(dual) => dual.solution(),
        }
    }
}

fn solved(end: End, distance: f64) -> Solved {
    match end {
        End::Best => Solved::Distance(distance),
        End::Unbounded => Solved::Nothing,
        End::Stopped => Solved::AtLeast(distance),
    }
}

/// The largest radius at which some combination of the cuts is still not negative on the ball, or one that is [`RISE`]
/// times what it was.
fn raise_level(dual: &mut Piecewise, radius: &mut f64) -> Solved {
    let most = *radius * RISE;
    for _ in 0..30 {
        let end = dual.maximise();
        if *radius == most {
            return Solved::AtLeast(*radius);
        }
        let margin = dual.margin();
        let next = root(&dual.moves, dual.coefficients(), margin, *radius);
        if next == f64::INFINITY {
            return Solved::Nothing;
        }
        let next = next.min(most);
        let done = dual.value() <= LEVEL * margin.abs() || next <= *radius * (1.0 + 1e-13);
        if next > *radius {
            *radius = next;
            dual.replace(Places::new(&dual.moves, next, 0.0));
        }
        if end == End::Stopped {
            return Solved::AtLeast(*radius);
        }
        if done {
            return Solved::Distance(*radius);
        }
    }
    Solved::AtLeast(*radius)
}

/// The largest radius from `start` on at which margin + Σ min of the changes over the ball is not negative; infinite when
/// it never is.
fn root(moves: &Moves, coefficients: &[f64], margin: f64, start: f64) -> f64 {
    let mut radius = start;
    for _ in 0..60 {
        let (least, slope) = level(moves, coefficients, radius);
        let value = margin + least;
        if value <= 0.0 || (value <= 1e-14 * margin && slope < 0.0) {
            break;
        }
        if slope >= 0.0 {
            return f64::INFINITY;
        }
        let next = radius - value / slope;
        // A concave kink may make the true root nearer than the tangent's.
        let mut step = next - radius;
        while margin + level(moves, coefficients, radius + step).0 < -1e-13 * margin.abs() && step > 1e-16 * radius {
            step *= 0.5;
        }
        if radius + step <= radius * (1.0 + 1e-15) {
            break;
        }
        radius += step;
    }
    radius
}

/// Σ over the coordinates of the least change within `radius`, and its derivative in `radius`.
fn level(moves: &Moves, coefficients: &[f64], radius: f64) -> (f64, f64) {
    let (mut sum, mut slope) = (0.0, 0.0);
    for i in 0..moves.low.len() {
        let (low, high) = (moves.low[i].max(-radius), moves.high[i].min(radius));
        let terms = &moves.terms[i];
        let (mut least, mut at) = if terms.is_empty() {
            let c = coefficients[i];
            if c > 0.0 { (c * low, low) } else { (c * high, high) }
        } else {
            let gain = |delta: f64| gain(coefficients, i, terms, delta);
            if gain(low) < gain(high) { (gain(low), low) } else { (gain(high), high) }
        };
        for term in terms {
            let delta = term.turn.crossing();
            if low < delta && delta < high && gain(coefficients, i, terms, delta) < least {
                (least, at) = (gain(coefficients, i, terms, delta), delta);
            }
        }
        sum += least;
        // An end that grows with the radius.
        if at.abs() == radius && (at > moves.low[i] && at < moves.high[i]) {
            let beyond = |t: &Term| coefficients[t.variable] * t.turn.slope(at);
            slope += at.signum() * (coefficients[i] + terms.iter().map(beyond).sum::<f64>());
        }
    }
    (sum, slope)
}

fn gain(coefficients: &[f64], i: usize, terms: &[Term], delta: f64) -> f64 {
    coefficients[i] * delta + terms.iter().map(|t| coefficients[t.variable] * t.turn.change(delta)).sum::<f64>()
}
