//! Cutting planes from the sample outwards.

use super::cuts::{Made, collapse};
use super::master::{Master, Solved};
use super::moves::Moves;
use super::piecewise::Cut;
use super::{Found, Limits};
use crate::model::lifted::{Image, Lifted, Tangent};
use crate::model::minorant::minorants;
use crate::model::passes::tangent_slopes;
use crate::model::{Convexity, Model};
use crate::perturbation::parts::Part;
use crate::perturbation::{Perturbation, separable};
use crate::radius::{Witness, witness};
use std::time::Instant;

/// How much of the way from the nearest known point with f ≤ 0 to the master's solution the next tangent goes: cuts made
/// inside are deeper.
const OUTWARD: f64 = 0.5;

/// The least value that such a cut must have at the solution, as a share of f there.
const DEPTH: f64 = 0.2;

/// A cut that was not used this often is forgotten, once there are that many.
const IDLE: usize = 12;
const MANY: usize = 24;

/// A search that comes this far, in radii known at its start, is given up: floats say little out there.
const FAR: f64 = 1e9;

/// Passes without progress after which there will be none.
const PATIENCE: usize = 40;

/// What a search knows about one sample.
pub(super) struct Search<'a> {
    model: &'a Model,
    convexity: &'a Convexity,
    x: &'a [f64],
    perturbation: Perturbation,
    limits: Limits,
    started: Instant,
    lifted: Lifted<'a>,
    moves: Moves,
    made: Vec<Made>,
    /// Where f ≤ 0 about begins on some ray, and how far away that is.
    inner: Option<(f64, Image)>,
    /// Where f begins to rise on the last ray that met no f ≤ 0.
    turn: Option<Image>,
    /// A point with f < 0 in the box.
    deep: Option<Deep>,
    nearest: Option<Segment>,
    /// The radius known at the start.
    first: f64,
    /// Passes in a row that moved neither side.
    stalled: usize,
    found: Found,
}

/// How f goes on a ray.
enum Root {
    /// It vanishes about here.
    Crosses(f64),
    /// It does not, and does not fall any more beyond here.
    Turns(f64),
}

struct Deep {
    delta: Vec<f64>,
    image: Image,
    bound: f64,
}

/// A point on a segment of changes of the input.
struct Segment {
    from: Vec<f64>,
    to: Vec<f64>,
    factor: f64,
    distance: f64,
}

/// Searches from `x`, for which the radius `floor` > 0 is proven.
pub(super) fn search(
    model: &Model,
    convexity: &Convexity,
    x: &[f64],
    perturbation: Perturbation,
    limits: Limits,
    floor: f64,
) -> Found {
    let lifted = Lifted::new(model, convexity, x);
    let moves = Moves::new(model, convexity, &lifted, x, perturbation);
    let mut search = Search {
        model,
        convexity,
        x,
        perturbation,
        limits,
        started: Instant::now(),
        lifted,
        moves,
        made: Vec::new(),
        inner: None,
        turn: None,
        deep: None,
        nearest: None,
        first: floor,
        stalled: 0,
        found: Found::new(floor),
    };
    search.run();
    search.found
}

impl Search<'_> {
    fn run(&mut self) {
        if self.found.lower == f64::INFINITY {
            return;
        }
        let nowhere = vec![0.0; self.moves.variables];
        let image = self.lifted.image(&nowhere);
        let tangent = self.lifted.tangent(&image);
        let first = self.cut(tangent, &image);
        let mut master = Master::new(self.moves.clone(), self.perturbation.norm, self.found.lower, first);
        let mut target = 0.5 * self.limits.gap;
        let mut best = (0.0_f64, f64::INFINITY);
        loop {
            self.found.passes += 1;
            let solved = master.solve();
            let (Solved::Distance(bound) | Solved::AtLeast(bound)) = solved else {
                self.prove(master.multipliers());
                if self.found.lower.is_finite() {
                    self.found.remark = Some("no point with f ≤ 0 within reach");
                }
                return;
            };
            let changes = master.solution();
            let image = self.lifted.image(&changes);
            let tangent = self.lifted.tangent(&image);
            self.approach(&changes, (&image, &tangent), bound);
            if bound > 2.0 * self.found.lower {
                self.prove(master.multipliers());
            }
            if self.is_near(bound, target) {
                self.prove(master.multipliers());
                self.confirm();
                if self.is_done() {
                    return;
                }
                // What floats took for a point with f ≤ 0 may not be one.
                (self.nearest, target) = (None, 0.5 * target);
            }
            if tangent.value <= target * self.made[0].tangent.value {
                self.push(&mut master, bound, target);
                if self.is_near(bound, 2.0 * target) {
                    self.prove(master.multipliers());
                    self.confirm();
                    if self.is_done() {
                        return;
                    }
                }
            }
            let reached = (bound, self.nearest.as_ref().map_or(f64::INFINITY, |n| n.distance));
            let progress = reached.0 > best.0 * (1.0 + 1e-12) || reached.1 < best.1;
            best = (best.0.max(reached.0), best.1.min(reached.1));
            if self.is_over(bound, progress) || target < 1e-14 {
                break;
            }
            self.forget(&mut master);
            let cut = self.next(image, tangent);
            master.add(cut);
        }
        self.prove(master.multipliers());
        self.confirm();
    }

    fn is_done(&self) -> bool {
        self.found.gap().is_some_and(|gap| gap <= self.limits.gap)
    }

    /// Whether the nearest point known leaves no more than the gap wanted.
    fn is_near(&self, bound: f64, gap: f64) -> bool {
        self.nearest.as_ref().is_some_and(|nearest| nearest.distance <= bound * (1.0 + gap))
    }

    /// Looks for a point with f ≤ 0 where the cuts are a little negative: the solution may be one that rays miss.
    fn push(&mut self, master: &mut Master, bound: f64, gap: f64) {
        let whole = self.made[0].tangent.value;
        for share in [0.5, 0.1, 0.01] {
            let Some(changes) = master.pushed(share * gap * whole) else { break };
            let delta = changes[..self.x.len()].to_vec();
            let image = self.lifted.image(&self.moves.changes(&delta));
            let tangent = self.lifted.tangent(&image);
            if tangent.value > 0.0 {
                let cut = self.cut(tangent, &image);
                master.add(cut);
                break;
            }
            self.offer(Segment { from: vec![0.0; delta.len()], to: delta, factor: 1.0, distance: 0.0 });
            if self.is_near(bound, gap) {
                break;
            }
        }
    }

    fn is_over(&mut self, bound: f64, progress: bool) -> bool {
        let late = self.started.elapsed().as_secs_f64() >= self.limits.seconds;
        self.stalled = if progress { 0 } else { self.stalled + 1 };
        if late {
            self.found.remark = Some("out of time");
        } else if bound > FAR * self.first {
            self.found.remark = Some("no point with f ≤ 0 within reach");
        } else if self.stalled > PATIENCE {
            self.found.remark = Some("the cuts no longer help");
        } else if self.found.passes >= self.limits.passes {
            self.found.remark = Some("out of passes");
        }
        self.found.remark.is_some()
    }

    /// The tangent's cut, remembered.
    fn cut(&mut self, tangent: Tangent, image: &Image) -> Cut {
        let margin = tangent.value - self.lifted.slope(&tangent, image);
        let coefficients = self.lifted.coefficients(&tangent);
        self.made.push(Made { tangent, idle: 0 });
        Cut { margin, coefficients }
    }

    /// The cut where the ray through the master's solution turns; or between the solution and the inner point, if that
    /// excludes the solution well; else the solution's own.
    fn next(&mut self, image: Image, tangent: Tangent) -> Cut {
        let turn = self.turn.take();
        let between = self.inner.as_ref().map(|(_, inner)| inner.toward(&image, OUTWARD));
        if let Some(point) = turn.or(between) {
            let candidate = self.lifted.tangent(&point);
            let at_solution = candidate.value + self.lifted.slope(&candidate, &image.minus(&point));
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

    /// Looks for nearer points with f ≤ 0 beyond the master's solution.
    fn approach(&mut self, changes: &[f64], (image, tangent): (&Image, &Tangent), bound: f64) {
        let nowhere = image.times(0.0);
        self.turn = None;
        let root = self.root(&nowhere, image, 1.0, tangent);
        if let Root::Turns(factor) = root
            && factor > 1.0
        {
            self.turn = Some(image.times(factor));
        }
        if let Root::Crosses(factor) = root {
            if self.inner.as_ref().is_none_or(|(best, _)| factor * bound < *best) {
                self.inner = Some((factor * bound, image.times(factor)));
            }
            let free = self.perturbation.range.is_none() && self.convexity.free.is_empty();
            if free {
                let delta = changes[..self.x.len()].to_vec();
                self.offer(Segment { from: vec![0.0; delta.len()], to: delta, factor, distance: 0.0 });
                return;
            }
        }
        let delta = &changes[..self.x.len()];
        if self.deep.as_ref().is_none_or(|deep| deep.bound < 0.9 * bound) {
            self.dive(delta, bound);
        }
        let Some(deep) = &self.deep else { return };
        if let Root::Crosses(factor) = self.root(image, &deep.image, 0.0, tangent)
            && factor <= 1.0
        {
            let segment = Segment { from: delta.to_vec(), to: deep.delta.clone(), factor, distance: 0.0 };
            self.offer(segment);
        }
    }

    /// Follows f, convex and positive at `start`, on the ray from `from` through `to`.
    fn root(&self, from: &Image, to: &Image, start: f64, tangent: &Tangent) -> Root {
        let along = to.minus(from);
        let (mut factor, mut value) = (start, tangent.value);
        let mut slope = self.lifted.slope(tangent, &along);
        let small = 1e-15 * self.made[0].tangent.value.abs();
        for _ in 0..50 {
            let next = factor - value / slope;
            if value <= small || (slope < 0.0 && next <= factor) {
                return Root::Crosses(factor);
            }
            if slope >= 0.0 || !(next.is_finite() && next < 1e12) {
                return Root::Turns(factor);
            }
            factor = next;
            let tangent = self.lifted.tangent(&from.toward(to, factor));
            (value, slope) = (tangent.value, self.lifted.slope(&tangent, &along));
        }
        Root::Crosses(factor)
    }

    fn offer(&mut self, mut segment: Segment) {
        let point = segment.point(segment.factor);
        segment.distance = self.perturbation.norm.upper(&point);
        if self.nearest.as_ref().is_none_or(|nearest| segment.distance < nearest.distance) {
            self.nearest = Some(segment);
        }
    }

    /// Looks for a point with f < 0 on the ray through `delta`, clipped into the box.
    fn dive(&mut self, delta: &[f64], bound: f64) {
        for factor in [1.01, 1.1, 1.5, 3.0, 10.0, 100.0] {
            let clipped: Vec<f64> = delta
                .iter()
                .enumerate()
                .map(|(i, d)| (d * factor).clamp(self.moves.low[i], self.moves.high[i]))
                .collect();
            let image = self.lifted.image(&self.moves.changes(&clipped));
            if self.lifted.tangent(&image).value < 0.0 {
                self.deep = Some(Deep { delta: clipped, image, bound });
                return;
            }
        }
    }

    /// Proves what the multipliers promise.
    fn prove(&mut self, multipliers: &[f64]) {
        let network = self.model.network();
        let rest = tangent_slopes(network, self.lifted.at_sample());
        let slopes = collapse(self.model.graph(), &self.made, multipliers, &rest);
        let minorant = minorants(network, self.x, slopes.clone(), self.convexity.input_stops()).remove(0);
        let graph = self.model.graph();
        let mut radius = separable::radius(&minorant, self.convexity, graph, self.x, self.perturbation);
        if !self.convexity.free.is_empty() && radius.is_finite() {
            let part = Part::new(&minorant, self.convexity, graph, self.x, self.perturbation);
            let price = 1.0 / multipliers.iter().sum::<f64>();
            radius = radius.max(part.radius(price, 8.0 * radius));
        }
        if radius > self.found.lower {
            (self.found.lower, self.found.slopes) = (radius, Some(slopes));
        }
    }

    /// Turns the nearest point into a witness, a little beyond it if need be.
    fn confirm(&mut self) {
        let Some(nearest) = &self.nearest else { return };
        // A step that costs nothing measurable, and larger ones until rounding errors are overcome.
        let first = 1e-4 * self.limits.gap.clamp(1e-11, 1e-6);
        for step in std::iter::successors(Some(first), |step| Some(step * 8.0)).take_while(|step| *step < 1e-2) {
            let reach = nearest.factor + step;
            let point = nearest.point(reach).iter().zip(self.x).map(|(d, x)| self.clip(x + d)).collect::<Vec<_>>();
            if let Some(witness) = witness::check(self.model, self.x, &point, self.perturbation) {
                self.keep(witness);
                return;
            }
        }
    }

    fn clip(&self, value: f64) -> f64 {
        self.perturbation.range.map_or(value, |range| value.clamp(range.low, range.high))
    }

    fn keep(&mut self, witness: Witness) {
        if self.found.witness.as_ref().is_none_or(|known| witness.distance < known.distance) {
            self.found.witness = Some(witness);
        }
    }
}

impl Segment {
    fn point(&self, factor: f64) -> Vec<f64> {
        self.from.iter().zip(&self.to).map(|(a, b)| a + factor * (b - a)).collect()
    }
}
