//! Cutting planes from the sample outwards.

mod corners;
mod elsewhere;
mod rays;

use crate::matrix::add_scaled;
use crate::model::lifted::{Image, Lifted, Tangent};
use crate::model::minorant::minorants_at;
use crate::model::passes::{Slopes, Values, tangent_slopes};
use crate::model::{Convexity, Minorant, Model};
use crate::norm::Norm;
use crate::query::Witness;
use crate::query::parts::Part;
use crate::query::{Perturbation, separable};
use crate::radius::exact::cuts::{Made, collapse};
use crate::radius::exact::master::{Master, Solved};
use crate::radius::exact::moves::Moves;
use crate::radius::exact::piecewise::Cut;
use crate::radius::exact::{Found, Limits, OUT_OF_PASSES, OUT_OF_REACH, OUT_OF_TIME, branch};
use rays::{Deep, Segment};
use std::time::Instant;

/// How much of the way from the nearest known point with f ≤ 0 to the master's solution the next tangent goes: cuts made
/// inside are deeper.
const OUTWARD: f64 = 0.5;

/// The least value that such a cut must have at the solution, as a share of f there.
const DEPTH: f64 = 0.2;

/// A cut that was not used this often is forgotten, once there are that many.
const IDLE: usize = 12;
const MANY: usize = 24;

/// Beyond this many radii known at the start no finite radius is claimed without a witness: slopes of 32 bits prove less.
pub(super) const FAR: f64 = 1e8;

/// Passes that a search may spend beyond that: where units are far apart a few are enough.
const FAR_PASSES: usize = 12;

/// A search that comes this far is given up: that is more than any units of coordinates are apart.
const FARTHEST: f64 = 1e45;

/// Floats do not tell sides apart that are closer than this gap.
const FINEST: f64 = 1e-13;

/// Passes without progress after which there will be none.
const PATIENCE: usize = 40;

/// Passes in one part of the ball: branching on does more than refining.
const PART: usize = 60;

/// What a search knows about one sample.
pub(super) struct Search<'a> {
    pub problem: Problem<'a>,
    /// The moves that it looks at: all, or those of a part of the ball.
    pub moves: Moves,
    /// Whether no kink of φ lies among the moves, so that f is convex there.
    straight: bool,
    /// A part's bound beyond which nothing more needs to be known; infinite for the whole ball.
    cutoff: f64,
    made: Vec<Made>,
    /// Where f ≤ 0 about begins on some ray, and how far away that is.
    inner: Option<(f64, Image)>,
    /// Where f begins to rise on the last ray that met no f ≤ 0.
    turn: Option<Image>,
    /// A point with f < 0 in the box.
    deep: Option<Deep>,
    nearest: Option<Segment>,
    /// The radius known at the start.
    pub first: f64,
    /// Passes of this search, how many in a row moved neither side, and how many were far away.
    passes: usize,
    stalled: usize,
    far: usize,
    pub found: Found,
}

/// One sample of a model and what is asked about it.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    pub model: &'a Model,
    pub convexity: &'a Convexity,
    pub lifted: &'a Lifted<'a>,
    pub x: &'a [f64],
    pub perturbation: Perturbation<'a>,
    pub limits: Limits,
    pub started: Instant,
}

/// What a search ends with besides what it found.
pub(super) struct Ended {
    /// No point of the part with f ≤ 0 is nearer, in floats; infinite where there is none.
    pub bound: f64,
    /// The master's last solution.
    pub changes: Vec<f64>,
    /// The slopes that its multipliers mean, and the price of distance.
    pub slopes: Slopes<f64>,
    pub price: f64,
    /// The coefficients of its minorant.
    pub coefficients: Vec<f64>,
    /// The cuts in use.
    pub cuts: Vec<(Tangent, Cut)>,
}

/// Searches from `x`, where the network has these values and for which the radius `floor` > 0 is proven.
pub(super) fn search(
    model: &Model,
    convexity: &Convexity,
    (x, values): (&[f64], Values<f64>),
    perturbation: Perturbation,
    limits: Limits,
    floor: f64,
) -> Found {
    let lifted = Lifted::new(model, convexity, values);
    let started = Instant::now();
    let limits = Limits { gap: limits.gap.max(FINEST), ..limits };
    let problem = Problem { model, convexity, lifted: &lifted, x, perturbation, limits, started };
    let found = close(problem, floor);
    if found.upper() <= found.lower * (1.0 + limits.gap) {
        return found;
    }
    elsewhere::ask(problem, found, floor)
}

/// The search, and branching where it does not suffice.
fn close(problem: Problem, floor: f64) -> Found {
    let Problem { model, convexity, x, perturbation, .. } = problem;
    let moves = Moves::new(model, convexity, x, perturbation);
    let mut search = Search::new(problem, moves, f64::INFINITY, floor);
    if floor < f64::INFINITY {
        let ended = search.run(Vec::new());
        if !search.straight && !search.is_done() {
            branch::close(&mut search, ended);
        }
    }
    if search.found.upper() == f64::INFINITY && search.found.lower < f64::INFINITY {
        search.level();
    }
    search.found
}

impl<'a> Search<'a> {
    /// Over some moves, none of which reaches f ≤ 0 within `floor`.
    pub fn new(problem: Problem<'a>, moves: Moves, cutoff: f64, floor: f64) -> Search<'a> {
        Search {
            problem,
            straight: moves.are_straight(),
            moves,
            cutoff,
            made: Vec::new(),
            inner: None,
            turn: None,
            deep: None,
            nearest: None,
            first: floor,
            passes: 0,
            stalled: 0,
            far: 0,
            found: Found::new(floor),
        }
    }

    /// Adds cuts until both sides meet or nothing more is to be had; starts with those of another search.
    pub fn run(&mut self, cuts: Vec<(Tangent, Cut)>) -> Ended {
        let nowhere = vec![0.0; self.moves.variables];
        let image = self.problem.image(&nowhere);
        let tangent = self.problem.lifted.tangent(&image);
        let first = self.cut(tangent, &image);
        let mut master = Master::new(self.moves.clone(), self.problem.perturbation.norm, self.first, first);
        // Many a part of the ball has no point with f ≤ 0.
        if self.cutoff < f64::INFINITY {
            master.hurry();
        }
        for (tangent, cut) in cuts {
            self.made.push(Made { tangent, idle: 0 });
            master.add(cut);
        }
        let (bound, changes) = self.climb(&mut master);
        let whole = self.cutoff == f64::INFINITY;
        if whole {
            self.prove(master.multipliers());
        }
        if !(whole && self.is_done()) {
            self.confirm();
        }
        if whole && self.straight && bound < f64::INFINITY && !self.is_done() {
            self.deepen(&mut master, &changes);
        }
        let (slopes, price) = (self.slopes(master.multipliers()), 1.0 / master.multipliers().iter().sum::<f64>());
        let mut coefficients = vec![0.0; self.moves.variables];
        for (multiplier, cut) in master.multipliers().iter().zip(master.cuts()) {
            add_scaled(&mut coefficients, multiplier * price, &cut.coefficients);
        }
        let used = |k: &usize| *k > 0 && master.multipliers()[*k] > 0.0;
        let kept: Vec<usize> = (0..self.made.len()).filter(used).collect();
        let cut = |k: usize| (self.made[k].tangent.clone(), master.cuts()[k].clone());
        Ended { bound, changes, slopes, price, coefficients, cuts: kept.into_iter().map(cut).collect() }
    }

    /// The bound and the solution that the search ends with.
    fn climb(&mut self, master: &mut Master) -> (f64, Vec<f64>) {
        let mut target = 0.5 * self.problem.limits.gap;
        let mut best = (0.0_f64, f64::INFINITY);
        loop {
            self.passes += 1;
            self.found.passes += 1;
            let solved = master.solve();
            let (Solved::Distance(bound) | Solved::AtLeast(bound)) = solved else {
                self.found.remark = Some(OUT_OF_REACH);
                return (f64::INFINITY, Vec::new());
            };
            let changes = master.solution();
            if bound >= self.cutoff {
                return (bound, changes);
            }
            let image = self.problem.image(&changes);
            let tangent = self.problem.lifted.tangent(&image);
            self.approach(&changes, (&image, &tangent), bound);
            if bound > 2.0 * self.found.lower && self.cutoff == f64::INFINITY {
                self.prove(master.multipliers());
            }
            let flat = tangent.value <= target * self.problem.value();
            if flat && !self.straight {
                self.touch(&changes);
                return (bound, changes);
            }
            if self.meets(master, bound, target) {
                return (bound, changes);
            }
            if self.is_near(bound, target) {
                // What floats took for a point with f ≤ 0 is none.
                (self.nearest, target) = (None, 0.5 * target);
            }
            if flat {
                self.push(master, bound, target);
                if self.meets(master, bound, 2.0 * target) || self.touches(master, &changes, bound) {
                    return (bound, changes);
                }
            }
            let reached = (bound, self.nearest.as_ref().map_or(f64::INFINITY, |n| n.distance));
            let progress = reached.0 > best.0 * (1.0 + 1e-12) || reached.1 < best.1;
            best = (best.0.max(reached.0), best.1.min(reached.1));
            if self.is_over(bound, progress) || target < 1e-14 {
                return (bound, changes);
            }
            if !progress {
                master.renew();
            }
            self.forget(master);
            let cut = self.next(image, tangent);
            master.add(cut);
        }
    }

    /// Whether both sides meet, proven for the whole ball, in floats for a part of it.
    fn meets(&mut self, master: &Master, bound: f64, gap: f64) -> bool {
        if !self.is_near(bound, gap) {
            return false;
        }
        self.confirm();
        if self.cutoff < f64::INFINITY {
            return self.found.witness.as_ref().is_some_and(|w| w.distance <= bound * (1.0 + 2.0 * gap));
        }
        self.prove(master.multipliers());
        self.is_done()
    }

    /// The same with a point where f is 0 as far as floats can tell.
    fn touches(&mut self, master: &Master, changes: &[f64], bound: f64) -> bool {
        self.touch(changes);
        if self.found.upper() > bound * (1.0 + self.problem.limits.gap) {
            return false;
        }
        if self.cutoff < f64::INFINITY {
            return true;
        }
        self.prove(master.multipliers());
        self.is_done()
    }

    pub fn is_done(&self) -> bool {
        self.found.upper() <= self.found.lower * (1.0 + self.problem.limits.gap)
    }

    fn is_over(&mut self, bound: f64, progress: bool) -> bool {
        let Limits { seconds, passes, .. } = self.problem.limits;
        let (elapsed, in_part) = (self.problem.started.elapsed().as_secs_f64(), self.cutoff < f64::INFINITY);
        // Where no point of a box has been met with f ≤ 0, the rest is left to another norm's search.
        let halfway = elapsed >= 0.5 * seconds || self.passes >= passes / 2;
        let Perturbation { norm, range, .. } = self.problem.perturbation;
        let met = self.nearest.is_some() || self.found.witness.is_some();
        let nowhere = range.is_some() && norm != Norm::Linf && !met;
        self.stalled = if progress { 0 } else { self.stalled + 1 };
        self.far += usize::from(bound > FAR * self.first);
        if halfway && nowhere && !in_part {
            self.found.remark = Some(OUT_OF_REACH);
        } else if elapsed >= seconds {
            self.found.remark = Some(OUT_OF_TIME);
        } else if self.far > FAR_PASSES || bound > FARTHEST * self.first {
            self.found.remark = Some(OUT_OF_REACH);
        } else if self.stalled > if in_part { PATIENCE / 4 } else { PATIENCE } {
            self.found.remark = Some("the cuts no longer help");
        } else if self.passes >= if in_part { PART } else { passes } {
            self.found.remark = Some(OUT_OF_PASSES);
        }
        self.found.remark.is_some()
    }

    /// The tangent's cut, remembered.
    fn cut(&mut self, tangent: Tangent, image: &Image) -> Cut {
        let margin = tangent.value - self.problem.lifted.slope(&tangent, image);
        let mut coefficients = self.problem.lifted.coefficients(&tangent);
        self.problem.perturbation.unscale(&mut coefficients[..self.problem.x.len()]);
        self.made.push(Made { tangent, idle: 0 });
        Cut { margin, coefficients }
    }

    /// The cut where the ray through the master's solution turns; or between the solution and the inner point, if that
    /// excludes the solution well; else the solution's own.
    fn next(&mut self, image: Image, tangent: Tangent) -> Cut {
        let turn = self.turn.take();
        let between = self.inner.as_ref().map(|(_, inner)| inner.toward(&image, OUTWARD));
        if let Some(point) = turn.or(between) {
            let candidate = self.problem.lifted.tangent(&point);
            let at_solution = candidate.value + self.problem.lifted.slope(&candidate, &image.minus(&point));
            if at_solution > DEPTH * tangent.value {
                return self.cut(candidate, &point);
            }
        }
        self.cut(tangent, &image)
    }

    /// Forgets cuts that have long been idle.
    fn forget(&mut self, master: &mut Master) {
        for (made, &multiplier) in self.made.iter_mut().zip(master.multipliers()) {
            made.idle = if multiplier > 0.0 { 0 } else { made.idle + 1 };
        }
        if self.made.len() > MANY {
            let gone = master.forget(&|k| self.made[k].idle > IDLE);
            gone.into_iter().for_each(|k| drop(self.made.remove(k)));
        }
    }

    fn slopes(&self, multipliers: &[f64]) -> Slopes<f64> {
        let rest = tangent_slopes(self.problem.model.network(), self.problem.lifted.at_sample());
        collapse((self.problem.model.graph(), &self.problem.convexity.stops), &self.made, multipliers, &rest)
    }

    /// Proves what the multipliers promise for the whole ball.
    fn prove(&mut self, multipliers: &[f64]) {
        let slopes = self.slopes(multipliers);
        let Problem { convexity, x, perturbation, .. } = self.problem;
        let minorant = self.problem.minorant(slopes.clone());
        let mut radius = separable::radius(&minorant, convexity, x, perturbation);
        if !convexity.free.is_empty() && radius.is_finite() {
            let part = Part::new(&minorant, convexity, x, perturbation);
            radius = radius.max(part.radius(1.0 / multipliers.iter().sum::<f64>(), 8.0 * radius));
        }
        if radius > self.found.lower {
            (self.found.lower, self.found.evidence) = (radius, Some(slopes.into()));
        }
    }

    /// A point moved into the box.
    pub fn clipped(&self, point: Vec<f64>) -> Vec<f64> {
        point.into_iter().map(|value| self.clip(value)).collect()
    }

    fn clip(&self, value: f64) -> f64 {
        self.problem.perturbation.range.map_or(value, |range| value.clamp(range.low, range.high))
    }

    /// What another search of the same sample met.
    pub fn keep_both(&mut self, found: Found) {
        found.witness.into_iter().for_each(|witness| self.keep(witness));
        let nearer = found.tie.filter(|tie| self.found.tie.as_ref().is_none_or(|known| tie.distance < known.distance));
        self.found.tie = nearer.or(self.found.tie.take());
    }

    pub fn keep(&mut self, witness: Witness) {
        if self.found.witness.as_ref().is_none_or(|known| witness.distance < known.distance) {
            self.found.witness = Some(witness);
        }
    }
}

impl Problem<'_> {
    /// f at the sample, in floats.
    pub fn value(&self) -> f64 {
        self.lifted.at_sample().of(self.model.graph().output(), 0)[0]
    }

    /// The changes of the nodes for changes of the variables.
    pub fn image(&self, changes: &[f64]) -> Image {
        if self.perturbation.weights.is_none() {
            return self.lifted.image(changes);
        }
        let mut changes = changes.to_vec();
        self.perturbation.unscale(&mut changes[..self.x.len()]);
        self.lifted.image(&changes)
    }

    /// The input changed by `delta`.
    pub fn point(&self, delta: &[f64]) -> Vec<f64> {
        let mut delta = delta.to_vec();
        self.perturbation.unscale(&mut delta);
        // Rounded towards the input: among coordinates of other units a rounding may be the largest move of all.
        let moved = |(x, d): (&f64, &f64)| match x + d {
            far if (far - x).abs() <= d.abs() => far,
            far if *d > 0.0 => far.next_down(),
            far => far.next_up(),
        };
        self.x.iter().zip(&delta).map(moved).collect()
    }

    /// The minorant of these slopes, with its errors.
    pub fn minorant(&self, slopes: Slopes<f64>) -> Minorant {
        minorants_at(self.model.network(), self.lifted.at_sample(), slopes, self.convexity.input_stops()).remove(0)
    }
}
