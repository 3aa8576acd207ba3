//! Cutting planes from the sample outwards.

mod corners;
mod level;
mod rays;

use crate::matrix::add_scaled;
use crate::model::lifted::{Image, Tangent};
use crate::model::passes::{Slopes, tangent_slopes};
use crate::norm::Norm;
use crate::query::parts::Part;
use crate::query::{Perturbation, Witness};
use crate::radius::Limits;
use crate::radius::exact::FAR;
use crate::radius::exact::cuts::{Made, collapse};
use crate::radius::exact::found::{Found, OUT_OF_PASSES, OUT_OF_REACH, OUT_OF_TIME};
use crate::radius::exact::master::{Master, Solved};
use crate::radius::exact::moves::Moves;
use crate::radius::exact::piecewise::Cut;
use crate::radius::exact::task::Task;
use rays::{Deep, Segment};

/// How much of the way from the nearest known point with f ≤ 0 to the master's solution the next tangent goes: cuts made
/// inside are deeper.
const OUTWARD: f64 = 0.5;

/// The least value that such a cut must have at the solution, as a share of f there.
const DEPTH: f64 = 0.2;

/// A cut that was not used this often is forgotten, once there are that many.
const IDLE: usize = 12;
const MANY: usize = 24;

/// Passes that a search may spend beyond that: where units are far apart a few are enough.
const FAR_PASSES: usize = 12;

/// A search that comes this far is given up: that is more than any units of coordinates are apart.
const FARTHEST: f64 = 1e45;

/// Passes without progress after which there will be none.
const PATIENCE: usize = 40;

/// Passes in one part of the ball: branching on does more than refining.
const PART: usize = 60;

/// What a search knows about one sample.
pub(super) struct Search<'a> {
    pub task: Task<'a>,
    /// The moves that it looks at: all, or those of a part of the ball.
    pub moves: Moves,
    /// Whether no kink of φ lies among the moves, so that f is convex there.
    pub straight: bool,
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

impl<'a> Search<'a> {
    /// Over some moves, none of which reaches f ≤ 0 within `floor`.
    pub fn new(task: Task<'a>, moves: Moves, cutoff: f64, floor: f64) -> Search<'a> {
        Search {
            task,
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
        let image = self.task.image(&nowhere);
        let tangent = self.task.lifted.tangent(&image);
        let first = self.cut(tangent, &image);
        let mut master = Master::new(self.moves.clone(), self.task.query.perturbation.norm, self.first, first);
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
        let mut target = 0.5 * self.task.limits.gap;
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
            let image = self.task.image(&changes);
            let tangent = self.task.lifted.tangent(&image);
            self.approach(&changes, (&image, &tangent), bound);
            if bound > 2.0 * self.found.lower && self.cutoff == f64::INFINITY {
                self.prove(master.multipliers());
            }
            let flat = tangent.value <= target * self.task.value();
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
        if self.found.upper() > bound * (1.0 + self.task.limits.gap) {
            return false;
        }
        if self.cutoff < f64::INFINITY {
            return true;
        }
        self.prove(master.multipliers());
        self.is_done()
    }

    pub fn is_done(&self) -> bool {
        self.found.upper() <= self.found.lower * (1.0 + self.task.limits.gap)
    }

    fn is_over(&mut self, bound: f64, progress: bool) -> bool {
        let Limits { seconds, passes, .. } = self.task.limits;
        let (elapsed, in_part) = (self.task.started.elapsed().as_secs_f64(), self.cutoff < f64::INFINITY);
        // Where no point of a box has been met with f ≤ 0, the rest is left to another norm's search.
        let halfway = elapsed >= 0.5 * seconds || self.passes >= passes / 2;
        let Perturbation { norm, range, .. } = self.task.query.perturbation;
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
        let margin = tangent.value - self.task.lifted.slope(&tangent, image);
        let mut coefficients = self.task.lifted.coefficients(&tangent);
        self.task.query.perturbation.unscale(&mut coefficients[..self.task.query.x.len()]);
        self.made.push(Made { tangent, idle: 0 });
        Cut { margin, coefficients }
    }

    /// The cut where the ray through the master's solution turns; or between the solution and the inner point, if that
    /// excludes the solution well; else the solution's own.
    fn next(&mut self, image: Image, tangent: Tangent) -> Cut {
        let turn = self.turn.take();
        let between = self.inner.as_ref().map(|(_, inner)| inner.toward(&image, OUTWARD));
        if let Some(point) = turn.or(between) {
            let candidate = self.task.lifted.tangent(&point);
            let at_solution = candidate.value + self.task.lifted.slope(&candidate, &image.minus(&point));
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
        let rest = tangent_slopes(self.task.query.model.network(), self.task.lifted.at_sample());
        collapse(self.task.query.model.graph(), &self.task.query.split().stops, &self.made, multipliers, &rest)
    }

    /// Proves what the multipliers promise for the whole ball.
    fn prove(&mut self, multipliers: &[f64]) {
        let slopes = self.slopes(multipliers);
        let query = self.task.query;
        let minorant = self.task.minorant(slopes.clone());
        let mut radius = query.radius(&minorant);
        if !query.split().free.is_empty() && radius.is_finite() {
            let part = Part::new(query, &minorant);
            radius = radius.max(part.radius(1.0 / multipliers.iter().sum::<f64>(), 8.0 * radius));
        }
        if radius > self.found.lower {
            (self.found.lower, self.found.evidence) = (radius, Some(slopes.into()));
        }
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
