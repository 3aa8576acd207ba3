//! Points with f ≤ 0: on rays from the sample, on segments towards a point deep inside, and as witnesses.

use crate::model::lifted::{Image, Tangent};
use crate::radius::exact::master::{Master, Solved};
use crate::radius::exact::piecewise::Cut;
use crate::radius::exact::search::Search;

/// Cuts that the search for a point with f ≤ −amount may add where units are far apart: further away than so many radii
/// known at the start. Elsewhere one is enough.
const PUSHES: usize = 6;
const APART: f64 = 1e3;

/// How far below 0 the last points are looked for, as shares of f at the sample, and how many cuts each may add.
const DEEPER: [f64; 3] = [1e-4, 1e-2, 1.0];
const DEEP_CUTS: usize = 20;

/// How f goes on a ray.
enum Root {
    /// It vanishes about here.
    Crosses(f64),
    /// It does not, and does not fall any more beyond here.
    Turns(f64),
}

/// A point with f < 0, found for this bound.
pub(super) struct Deep {
    delta: Vec<f64>,
    image: Image,
    bound: f64,
}

/// A point on a segment of changes of the input.
pub(super) struct Segment {
    from: Vec<f64>,
    to: Vec<f64>,
    factor: f64,
    pub distance: f64,
}

impl Search<'_> {
    /// Looks for a point with f ≤ 0 where the cuts are a little negative: the solution may be one that rays miss.
    pub(super) fn push(&mut self, master: &mut Master, bound: f64, gap: f64) {
        let whole = self.task.value();
        let pushes = if bound > APART * self.first { PUSHES } else { 1 };
        for share in [0.5, 0.1, 0.01] {
            let amount = share * gap * whole;
            let mut pushed = master.clone();
            pushed.hurry();
            pushed.push(amount);
            for _ in 0..pushes {
                if pushed.solve() == Solved::Nothing {
                    return;
                }
                let delta = pushed.solution()[..self.task.query.x.len()].to_vec();
                let image = self.task.image(&self.moves.changes(&delta));
                let tangent = self.task.lifted.tangent(&image);
                let value = tangent.value;
                if value <= 0.0 {
                    self.offer(Segment { from: vec![0.0; delta.len()], to: delta, factor: 1.0, distance: 0.0 });
                }
                if value <= -0.5 * amount {
                    break;
                }
                let cut = self.cut(tangent, &image);
                pushed.add(Cut { margin: cut.margin + amount, ..cut.clone() });
                master.add(cut);
                if value > 0.0 && pushes == 1 {
                    return;
                }
            }
            if self.is_near(bound, gap) {
                break;
            }
        }
    }

    /// Looks for points with f clearly below 0, and from the solution for the first one on the way to each: in a convex
    /// function's domain of many scales the ray through the solution may miss them all.
    pub(super) fn deepen(&mut self, master: &mut Master, changes: &[f64]) {
        let size = self.task.query.x.len();
        let start = self.task.point(&changes[..size]);
        for share in DEEPER {
            let amount = share * self.task.value();
            let Some(delta) = self.below(master, amount) else { return };
            let end = self.task.point(&delta);
            self.task.query.along_segment(&start, &end).into_iter().for_each(|found| self.keep(found));
            if self.is_done() {
                return;
            }
        }
    }

    /// A change of the input with f ≤ −amount/2, found by cuts that ask for f ≤ −amount.
    fn below(&mut self, master: &mut Master, amount: f64) -> Option<Vec<f64>> {
        let mut pushed = master.clone();
        pushed.hurry();
        pushed.push(amount);
        for _ in 0..DEEP_CUTS {
            if pushed.solve() == Solved::Nothing {
                return None;
            }
            let delta = pushed.solution()[..self.task.query.x.len()].to_vec();
            let image = self.task.image(&self.moves.changes(&delta));
            let tangent = self.task.lifted.tangent(&image);
            if tangent.value <= -0.5 * amount {
                return Some(delta);
            }
            let cut = self.cut(tangent, &image);
            pushed.add(Cut { margin: cut.margin + amount, ..cut.clone() });
            master.add(cut);
        }
        None
    }

    /// Whether the nearest point known leaves no more than the gap wanted.
    pub(super) fn is_near(&self, bound: f64, gap: f64) -> bool {
        self.nearest.as_ref().is_some_and(|nearest| nearest.distance <= bound * (1.0 + gap))
    }

    /// Looks for nearer points with f ≤ 0 beyond the master's solution.
    pub(super) fn approach(&mut self, changes: &[f64], (image, tangent): (&Image, &Tangent), bound: f64) {
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
            if self.task.query.perturbation.range.is_none() && self.task.query.split().free.is_empty() {
                let delta = changes[..self.task.query.x.len()].to_vec();
                self.offer(Segment { from: vec![0.0; delta.len()], to: delta, factor, distance: 0.0 });
                return;
            }
        }
        let delta = &changes[..self.task.query.x.len()];
        if !self.straight {
            return;
        }
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
        let mut slope = self.task.lifted.slope(tangent, &along);
        let small = 1e-15 * self.task.value();
        for _ in 0..50 {
            let next = factor - value / slope;
            if value <= small || (slope < 0.0 && next <= factor) {
                return Root::Crosses(factor);
            }
            if slope >= 0.0 || !(next.is_finite() && next < 1e12) {
                return Root::Turns(factor);
            }
            factor = next;
            let tangent = self.task.lifted.tangent(&from.toward(to, factor));
            (value, slope) = (tangent.value, self.task.lifted.slope(&tangent, &along));
        }
        Root::Crosses(factor)
    }

    fn offer(&mut self, mut segment: Segment) {
        let point = segment.point(segment.factor);
        segment.distance = self.task.query.perturbation.norm.upper(&point);
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
            let image = self.task.image(&self.moves.changes(&clipped));
            if self.task.lifted.tangent(&image).value < 0.0 {
                self.deep = Some(Deep { delta: clipped, image, bound });
                return;
            }
        }
    }

    /// Turns the nearest point into a witness, a little beyond it if need be.
    pub fn confirm(&mut self) {
        let Some(nearest) = &self.nearest else { return };
        // A step that costs nothing measurable, and larger ones until rounding errors are overcome.
        let first = 1e-4 * self.task.limits.gap.clamp(1e-11, 1e-6);
        for step in std::iter::successors(Some(first), |step| Some(step * 8.0)).take_while(|step| *step < 1e-2) {
            let reach = nearest.factor + step;
            let point = self.task.point(&nearest.point(reach));
            if let Some(witness) = self.task.query.check(&point) {
                self.keep(witness);
                return;
            }
        }
    }
}

impl Segment {
    fn point(&self, factor: f64) -> Vec<f64> {
        self.from.iter().zip(&self.to).map(|(a, b)| a + factor * (b - a)).collect()
    }
}
