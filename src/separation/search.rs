//! The search for lines of a separation certificate, each of them checked by the kernel.

use super::classes::{Class, Classes};
use super::combination::weights;
use super::cover::{cover, cut};
use super::hyperplane::Hyperplane;
use super::nearest::{independent, nearest};
use super::prune::chosen;
use super::whitened::Whitened;
use rayon::prelude::*;
use underplane_kernel::Rejection;
use underplane_kernel::separation::{Proven, Separation, Tally};

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// At most so many hyperplanes that share the points.
    pub pieces: usize,
    /// Seed of everything random.
    pub seed: u64,
}

/// What happens on the way, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The coordinates are being whitened.
    Whitening,
    /// So many hyperplanes are tried that share the points.
    Sharing(usize),
    /// Hyperplanes for as many points as one can cut off.
    Cutting,
    /// Point by point.
    Points,
    /// What has been proven so far.
    Proven(Tally),
}

/// Sensitive points are handled in batches of so many.
const BATCH: usize = 64;

/// Distances in whitened coordinates up to which exact combinations are tried.
const NEAR: f64 = 1e-3;
/// Weights up to which vertices are left out of a combination, one after the other.
const DUST: [f64; 5] = [0.0, 1e-8, 1e-6, 1e-4, 1e-2];

/// A search in progress.
pub struct Search<'a> {
    classes: &'a Classes,
    kernel: Separation,
    whitened: Option<Whitened>,
    planes: Vec<Hyperplane>,
    /// The lines of points inside.
    inside: Vec<String>,
    /// The number of the next line.
    number: u64,
    /// Sensitive points of which nothing is proven.
    open: Vec<usize>,
    /// Gets every valid line.
    keep: &'a mut dyn FnMut(&str) -> std::io::Result<()>,
    watch: &'a mut dyn FnMut(Event),
}

/// Why a search ended early.
pub type Broken = std::io::Error;

impl<'a> Search<'a> {
    /// Begins with the header. `kernel` has read the files that `classes` was written to.
    ///
    /// # Errors
    /// When the header cannot be kept, or is refused.
    pub fn new(
        classes: &'a Classes,
        kernel: Separation,
        keep: &'a mut dyn FnMut(&str) -> std::io::Result<()>,
        watch: &'a mut dyn FnMut(Event),
    ) -> Search<'a> {
        let open = classes.rows(Class::Sensitive).collect();
        let (planes, inside) = (Vec::new(), Vec::new());
        Search { classes, kernel, whitened: None, planes, inside, number: 1, open, keep, watch }
    }

    /// Takes in a line of an earlier run, or the header: false where the kernel refuses it.
    pub fn take(&mut self, line: &str) -> bool {
        let proven = self.check(line);
        if let (Ok(Proven::Hyperplane { .. }), Some(plane)) = (&proven, Hyperplane::read(line)) {
            self.open.retain(|&i| plane.beyond(self.classes.row(i)) <= 0.0);
            self.planes.push(plane);
        }
        if let Ok(Proven::Inside(i)) = proven {
            self.open.retain(|&open| open != i);
            self.inside.push(line.into());
        }
        proven.is_ok()
    }

    /// Keeps the header and the lines that were taken in.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub fn begin(&mut self, header: &str, lines: &[String]) -> Result<(), Broken> {
        (self.keep)(header)?;
        lines.iter().try_for_each(|line| (self.keep)(line))
    }

    fn check(&mut self, line: &str) -> Result<Proven, Rejection> {
        let proven = self.kernel.check(self.number, line)?;
        self.number += 1;
        Ok(proven)
    }

    /// Offers a new line to the kernel, and keeps it if it is valid.
    fn offer(&mut self, line: &str) -> Result<bool, Broken> {
        let is_valid = self.take(line);
        if is_valid {
            (self.keep)(line)?;
            let tally = self.tally();
            (self.watch)(Event::Proven(tally));
        }
        Ok(is_valid)
    }

    /// What has been proven so far.
    pub fn tally(&self) -> Tally {
        self.kernel.tally()
    }

    /// Hyperplanes that are valid, as few as were found for the same points.
    pub fn planes(&self) -> &[Hyperplane] {
        &self.planes
    }

    /// The valid lines but for the header, fewest hyperplanes first.
    pub fn lines(&self) -> Vec<String> {
        self.planes.iter().map(Hyperplane::line).chain(self.inside.iter().cloned()).collect()
    }

    /// Looks until every point is settled, or nothing more is found.
    ///
    /// # Errors
    /// When a line cannot be kept.
    pub fn run(&mut self, effort: Effort) -> Result<(), Broken> {
        for (i, other) in self.classes.shared() {
            if self.open.contains(&i) {
                self.offer(&combination(i, &[other], &["1".into()]))?;
            }
        }
        if !self.open.is_empty() && self.whitened.is_none() {
            (self.watch)(Event::Whitening);
            self.whitened = Some(Whitened::new(self.classes));
        }
        let before = self.planes.len();
        let shared = self.share(effort)?;
        if !shared {
            self.cut_many()?;
            self.settle_points()?;
            self.share_again(effort);
        }
        if before > 0 || !shared {
            self.prune();
        }
        Ok(())
    }

    fn whitened(&self) -> &Whitened {
        self.whitened.as_ref().expect("whitened before")
    }

    /// A few hyperplanes for all points that are open.
    fn share(&mut self, effort: Effort) -> Result<bool, Broken> {
        for pieces in 1..=effort.pieces {
            if self.open.is_empty() {
                return Ok(true);
            }
            (self.watch)(Event::Sharing(pieces));
            let Some(found) = cover(self.whitened(), self.classes, &self.open, pieces, effort.seed) else { continue };
            for direction in found {
                self.offer_plane(&direction)?;
            }
        }
        Ok(self.open.is_empty())
    }

    /// Where all points outside are known: fewer hyperplanes for them than there are.
    fn share_again(&mut self, effort: Effort) {
        let outside: Vec<usize> = self.classes.rows(Class::Sensitive).filter(|&i| self.is_beyond(i)).collect();
        let mut pieces = 2 * effort.pieces;
        while pieces < self.planes.len() && !outside.is_empty() {
            (self.watch)(Event::Sharing(pieces));
            let found = cover(self.whitened(), self.classes, &outside, pieces, effort.seed);
            let planes: Option<Vec<Hyperplane>> = found.and_then(|found| found.iter().map(|v| self.plane(v)).collect());
            if let Some(planes) = planes
                && outside.iter().all(|&i| planes.iter().any(|plane| plane.beyond(self.classes.row(i)) > 0.0))
                && planes.iter().all(|plane| self.check(&plane.line()).is_ok())
            {
                self.planes = planes;
                return;
            }
            pieces *= 2;
        }
    }

    fn is_beyond(&self, i: usize) -> bool {
        self.planes.iter().any(|plane| plane.beyond(self.classes.row(i)) > 0.0)
    }

    fn plane(&self, direction: &[f64]) -> Option<Hyperplane> {
        Hyperplane::of(&self.whitened().raw(direction), self.classes)
    }

    fn offer_plane(&mut self, direction: &[f64]) -> Result<bool, Broken> {
        match self.plane(direction) {
            Some(plane) if self.open.iter().any(|&i| plane.beyond(self.classes.row(i)) > 0.0) => {
                self.offer(&plane.line())
            }
            _ => Ok(false),
        }
    }

    /// Hyperplanes that cut off as many open points as they can.
    fn cut_many(&mut self) -> Result<(), Broken> {
        (self.watch)(Event::Cutting);
        loop {
            if self.open.is_empty() {
                return Ok(());
            }
            let direction = cut(self.whitened(), self.classes, &self.open);
            if !self.offer_plane(&direction)? {
                return Ok(());
            }
        }
    }

    /// The nearest point of the hull for every open point.
    fn settle_points(&mut self) -> Result<(), Broken> {
        (self.watch)(Event::Points);
        let mut queue = self.open.clone();
        while !queue.is_empty() {
            let batch: Vec<usize> = queue.drain(..BATCH.min(queue.len())).collect();
            let (classes, whitened) = (self.classes, self.whitened());
            let proposed = |&i: &usize| (i, proposal(classes, whitened, i));
            let found: Vec<(usize, Option<Proposal>)> = batch.par_iter().map(proposed).collect();
            for (i, proposal) in found {
                match proposal {
                    _ if !self.open.contains(&i) => {}
                    Some(Proposal::Direction(direction)) => drop(self.offer_plane(&direction)?),
                    Some(Proposal::Line(line)) => drop(self.offer(&line)?),
                    None => {}
                }
            }
            queue.retain(|i| self.open.contains(i));
        }
        Ok(())
    }

    /// Drops hyperplanes whose points others cut off.
    fn prune(&mut self) {
        let points: Vec<usize> = self.classes.rows(Class::Sensitive).collect();
        let beyond = |plane: &Hyperplane| {
            points.iter().copied().filter(|&i| plane.beyond(self.classes.row(i)) > 0.0).collect::<Vec<usize>>()
        };
        let sets: Vec<Vec<usize>> = self.planes.iter().map(beyond).collect();
        self.planes = chosen(&sets, points.len()).into_iter().map(|k| self.planes[k].clone()).collect();
    }
}

/// A hyperplane's direction in whitened coordinates, or a line.
enum Proposal {
    Direction(Vec<f64>),
    Line(String),
}

/// What may settle a point.
fn proposal(classes: &Classes, whitened: &Whitened, i: usize) -> Option<Proposal> {
    let others = classes.rows(Class::Other);
    let found = nearest(whitened.row(i), others.len(), |j| whitened.row(others.start + j));
    let near = found.distance() < NEAR;
    // Where the point lies on a smaller face, rounding lets dust of further vertices in.
    for dust in DUST.into_iter().filter(|_| near) {
        let face = found.face.iter().copied().filter(|(_, weight)| *weight > dust).collect();
        let face = independent(face, |j| whitened.row(others.start + j));
        let of: Vec<usize> = face.iter().map(|(j, _)| *j).collect();
        let vertices: Vec<&[f32]> = of.iter().map(|j| classes.row(others.start + j)).collect();
        if let Some(weights) = weights(classes.row(i), &vertices) {
            let words: Vec<String> = weights.iter().map(ToString::to_string).collect();
            return Some(Proposal::Line(combination(i, &of, &words)));
        }
    }
    let away: Vec<f64> = found.step.iter().map(|step| -step).collect();
    (found.distance() > 0.0).then_some(Proposal::Direction(away))
}

/// The line of a combination.
fn combination(point: usize, of: &[usize], weights: &[String]) -> String {
    let of: Vec<String> = of.iter().map(ToString::to_string).collect();
    format!("{{\"inside\":\"{point}\",\"of\":\"{}\",\"weights\":\"{}\"}}", of.join(" "), weights.join(" "))
}
