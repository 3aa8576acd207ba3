//! Solver runs with more and more kept pieces, and what they prove.
//!
//! Every program has a subset of the pieces as variables and the others as the lines that they are at the sample, so
//! its value never exceeds the true one. Where the solution disagrees with a line that the logit depends on, that
//! piece is kept from then on; when there is none, the solution solves the whole epigraph program as well.

use super::epigraph::{Epigraph, Piece, epigraph};
use super::program::{Formulation, Goal, formulate};
use super::{Answer, EXACT_GAP, Failure, Limits, Lp};
use crate::model::minorant::minorants;
use crate::model::passes::{Slopes, Values, adjoints, forward, tangent_slopes};
use crate::model::{Convexity, Graph, Kink, Model, Op};
use crate::perturbation::{Norm, Perturbation, separable};
use crate::radius::Witness;
use crate::radius::witness::{along_ray, along_segment};
use std::collections::BTreeSet;
use std::time::Instant;

/// Solver runs per sample.
const RUNS: u32 = 40;

/// One way to run the solver.
#[derive(Clone, Copy)]
struct Try {
    tolerance: f64,
    /// By how much of the radius the point is pushed beyond logit 0: the ray through a point with logit 1e-12 may miss
    /// every negative point, the segment to a pushed one does not.
    push: f64,
    /// See [`Limits::step`]: long steps are fast, and can cycle.
    step: f64,
}

/// The later ones only where the gap, or a failure, asks for them.
const TRIES: [Try; 4] = [
    Try { tolerance: 1e-9, push: 0.0, step: 0.99 },
    Try { tolerance: 1e-10, push: 1e-5, step: 0.9 },
    Try { tolerance: 1e-12, push: 0.0, step: 0.95 },
    Try { tolerance: 1e-11, push: 1e-3, step: 0.8 },
];

/// How far beyond the solution pieces are looked for that the next solution may need.
const BEYOND: f64 = 1.2;

/// Multiples of the length in hand within which the least logit is looked for where there is no box.
const FAR: f64 = 1e4;

/// Multipliers below this share of the largest one do not decide a slope.
const NEGLIGIBLE: f64 = 1e-14;

/// Slopes this near to an end of their interval are tried at the end itself too.
const SNAP: f64 = 1e-6;

/// What the runs proved, and how they went.
pub(super) struct Found {
    /// Proven radius.
    pub lower: f64,
    /// The nearest verified point.
    pub witness: Option<Witness>,
    runs: u32,
    iterations: Option<u32>,
    kept: usize,
    remark: Option<String>,
}

impl Found {
    /// upper/lower − 1 when both sides are finite.
    fn gap(&self) -> Option<f64> {
        let upper = self.witness.as_ref()?.distance;
        (self.lower > 0.0).then(|| (upper / self.lower - 1.0).max(0.0))
    }

    /// For the `detail` column.
    pub fn detail(&self, lp: Lp, norm: Norm) -> String {
        let solver = if norm == Norm::L2 { super::LpSolver::Clarabel } else { lp.solver };
        let (gap, remark) = match self.gap() {
            Some(gap) if gap <= EXACT_GAP => (format!("gap {gap:.1e}"), None),
            Some(gap) => (format!("not exact: gap {gap:.1e}"), self.remark.as_ref()),
            None if self.lower == f64::INFINITY => ("no point has f ≤ 0".into(), None),
            None => ("not exact: no point with f ≤ 0 found".into(), self.remark.as_ref()),
        };
        let mut detail = format!("{gap}, {solver}, {} runs", self.runs);
        if let Some(iterations) = self.iterations {
            detail += &format!(", {iterations} iterations");
        }
        detail += &format!(", {} units kept", self.kept);
        if let Some(remark) = remark {
            detail += &format!("; {remark}");
        }
        detail
    }
}

/// Runs the solver until both sides meet; `floor` is a radius proven before, and `kept` what the first run keeps.
pub(super) fn search(
    model: &Model,
    convexity: &Convexity,
    x: &[f64],
    perturbation: Perturbation,
    lp: Lp,
    (floor, kept): (f64, BTreeSet<Piece>),
) -> Found {
    let values = forward(model.network(), x);
    let lines = tangent_slopes(model.network(), &values);
    let found = Found { lower: floor, witness: None, runs: 0, iterations: None, kept: kept.len(), remark: None };
    let started = Instant::now();
    let mut search = Search { model, convexity, x, perturbation, lp, values, lines, started, found };
    if floor < f64::INFINITY {
        search.run(kept);
    }
    search.found
}

struct Search<'a> {
    model: &'a Model,
    convexity: &'a Convexity,
    x: &'a [f64],
    perturbation: Perturbation,
    lp: Lp,
    /// At the sample.
    values: Values<f64>,
    /// At the sample.
    lines: Slopes<f64>,
    started: Instant,
    found: Found,
}

impl Search<'_> {
    fn run(&mut self, mut kept: BTreeSet<Piece>) {
        let (mut tries, mut sensitivity, mut settled) = (TRIES.into_iter(), 0.0, None);
        let mut attempt = tries.next();
        while let (Some(this), true) = (attempt, self.found.runs < RUNS) {
            let pieces: Vec<Piece> = kept.iter().copied().collect();
            let epigraph = epigraph(self.model.network(), self.x, &self.lines, &pieces);
            let margin = if sensitivity > 0.0 { this.push * self.found.lower / sensitivity } else { 0.0 };
            let formulation = self.formulate(&epigraph, Goal::Nearest { margin });
            let answer = match self.solve(&formulation, this) {
                Ok(answer) => answer,
                Err(failure) => {
                    let hopeless = failure == Failure::Infeasible && settled.is_none();
                    self.remark(failure);
                    if !hopeless || self.least_logit(&mut kept) {
                        attempt = tries.next();
                        continue;
                    }
                    return;
                }
            };
            let point = formulation.point(self.x, &answer.values, self.perturbation);
            self.raise(&epigraph, &formulation, &answer, &point);
            let more = self.disagreeing(&point, &kept);
            if !more.is_empty() {
                kept.extend(more);
                self.found.kept = kept.len();
                continue;
            }
            self.approach(&point, settled.as_deref());
            if self.found.gap().is_some_and(|gap| gap <= EXACT_GAP / 2.0) {
                return;
            }
            if margin == 0.0 {
                sensitivity = formulation.sensitivity(&answer.multipliers, self.perturbation.norm, self.found.lower);
                settled = Some(point);
            }
            attempt = tries.next();
        }
        if settled.is_none() {
            self.least_logit(&mut kept);
        }
    }

    fn remark(&mut self, failure: Failure) {
        self.found.remark = Some(match failure {
            Failure::Infeasible => format!("{} finds no point with f ≤ 0", self.lp.solver),
            Failure::Solver(reason) => reason,
        });
    }

    fn formulate(&self, epigraph: &Epigraph, goal: Goal) -> Formulation {
        let upper = self.found.witness.as_ref().map_or(f64::INFINITY, |witness| witness.distance);
        let lower = if self.found.lower > 0.0 { self.found.lower } else { 1.0 };
        // A far witness means that the answer may be far as well.
        let length = if upper.is_finite() { (lower * upper).sqrt() } else { lower };
        let limit = if goal == Goal::LeastLogit { FAR * length } else { upper };
        formulate(epigraph, self.x, self.perturbation, goal, length, limit)
    }

    fn solve(&mut self, formulation: &Formulation, this: Try) -> Result<Answer, Failure> {
        let seconds = self.lp.seconds - self.started.elapsed().as_secs_f64();
        if seconds <= 0.0 {
            return Err(Failure::Solver(format!("time limit of {} s reached", self.lp.seconds)));
        }
        self.found.runs += 1;
        let limits = Limits { tolerance: this.tolerance, step: this.step, seconds };
        let answer = self.lp.solver.solve(&formulation.program, limits)?;
        if let Some(iterations) = answer.iterations {
            *self.found.iterations.get_or_insert(0) += iterations;
        }
        if answer.values.iter().chain(&answer.multipliers).any(|v| !v.is_finite()) {
            return Err(Failure::Solver("the solver's answer is not finite".into()));
        }
        Ok(answer)
    }

    /// Turns multipliers into slopes and keeps the largest radius that they prove.
    fn raise(&mut self, epigraph: &Epigraph, formulation: &Formulation, answer: &Answer, point: &[f64]) {
        let tangent = tangent_slopes(self.model.network(), &forward(self.model.network(), point));
        for snap in [0.0, SNAP] {
            let mut slopes = self.lines.clone();
            let largest = answer.multipliers.iter().copied().fold(0.0, f64::max);
            for (k, (piece, _)) in epigraph.pieces.iter().enumerate() {
                let multipliers = formulation.of_piece(k, &answer.multipliers);
                set(self.model.graph(), &mut slopes, *piece, multipliers, largest * NEGLIGIBLE, snap, &tangent);
            }
            self.prove(slopes);
        }
    }

    fn prove(&mut self, slopes: Slopes<f64>) {
        let minorants = minorants(self.model.network(), self.x, slopes, self.convexity.input_stops());
        let radius = separable::radius(&minorants[0], self.convexity, self.model.graph(), self.x, self.perturbation);
        self.found.lower = self.found.lower.max(radius);
    }

    /// Keeps the nearest verified point on the ray to `point`, and on the segment to it from an earlier solution.
    fn approach(&mut self, point: &[f64], settled: Option<&[f64]>) {
        let ray = along_ray(self.model, self.x, point, self.perturbation);
        let segment = settled.and_then(|start| along_segment(self.model, self.x, start, point, self.perturbation));
        for witness in [ray, segment].into_iter().flatten() {
            if self.found.witness.as_ref().is_none_or(|known| witness.distance < known.distance) {
                self.found.witness = Some(witness);
            }
        }
    }

    /// The pieces whose lines are wrong at `point`, and if there are any, those wrong a little beyond it too.
    fn disagreeing(&self, point: &[f64], kept: &BTreeSet<Piece>) -> Vec<Piece> {
        let beyond: Vec<f64> = self.x.iter().zip(point).map(|(&x, &p)| x + BEYOND * (p - x)).collect();
        let network = self.model.network();
        let mut pieces = Vec::new();
        for point in [point, &beyond] {
            let values = forward(network, point);
            let slopes = tangent_slopes(network, &values);
            let adjoints = adjoints(network, &slopes, &[]);
            for (id, node) in network.graph().nodes().iter().enumerate() {
                let Some(adjoint) = adjoints[id].as_ref().filter(|_| !slopes.nodes[id].is_empty()) else { continue };
                let wrong = |&entry: &usize| {
                    adjoint[entry] != 0.0
                        && !kept.contains(&Piece { node: id, entry })
                        && self.loss(id, entry, &values) > 0.0
                };
                pieces.extend((0..node.size()).filter(wrong).map(|entry| Piece { node: id, entry }));
            }
            if pieces.is_empty() {
                break;
            }
        }
        pieces
    }

    /// How far the line of an entry lies off its value, 0 when that is rounding noise.
    fn loss(&self, node: usize, entry: usize, values: &Values<f64>) -> f64 {
        const NOISE: f64 = 1e-10;
        let inputs = &self.model.graph().node(node).inputs;
        let size = self.model.graph().node(node).size();
        let arguments = || inputs.iter().map(|&input| values.of(input, 0)[entry]);
        let before = inputs.iter().map(|&input| self.values.of(input, 0)[entry].abs()).fold(0.0, f64::max);
        let slopes = self.lines.nodes[node].iter().skip(entry).step_by(size);
        let line: f64 = arguments().zip(slopes).map(|(argument, slope)| argument * slope).sum();
        let loss = (values.of(node, 0)[entry] - line).abs();
        if loss <= NOISE * before { 0.0 } else { loss }
    }

    /// What to do when the solver claims that no point has f ≤ 0: minimise the logit, which gives either slopes that
    /// prove it or a witness that refutes it. Says whether there is a witness.
    fn least_logit(&mut self, kept: &mut BTreeSet<Piece>) -> bool {
        let mut tries = TRIES.into_iter();
        while let (Some(this), true) = (tries.next(), self.found.runs < RUNS) {
            let pieces: Vec<Piece> = kept.iter().copied().collect();
            let epigraph = epigraph(self.model.network(), self.x, &self.lines, &pieces);
            let formulation = self.formulate(&epigraph, Goal::LeastLogit);
            match self.solve(&formulation, this) {
                Ok(answer) => {
                    let point = formulation.point(self.x, &answer.values, self.perturbation);
                    self.raise(&epigraph, &formulation, &answer, &point);
                    self.prove(tangent_slopes(self.model.network(), &forward(self.model.network(), &point)));
                    self.approach(&point, None);
                    let more = self.disagreeing(&point, kept);
                    if self.found.witness.is_some() || self.found.lower == f64::INFINITY || more.is_empty() {
                        break;
                    }
                    kept.extend(more);
                    self.found.kept = kept.len();
                    tries = TRIES.into_iter();
                }
                Err(failure) => self.remark(failure),
            }
        }
        self.found.witness.is_some()
    }
}

/// The slope, or the weights, that the multipliers of a piece's rows stand for.
fn set(
    graph: &Graph,
    slopes: &mut Slopes<f64>,
    piece: Piece,
    multipliers: &[f64],
    negligible: f64,
    snap: f64,
    tangent: &Slopes<f64>,
) {
    let node = graph.node(piece.node);
    let total: f64 = multipliers.iter().map(|y| y.max(0.0)).sum();
    let places = (0..).map(|k| k * node.size() + piece.entry);
    if total <= negligible {
        for place in places.take_while(|&place| place < tangent.nodes[piece.node].len()) {
            slopes.nodes[piece.node][place] = tangent.nodes[piece.node][place];
        }
        return;
    }
    let shares = multipliers.iter().map(|y| {
        let share = y.max(0.0) / total;
        if share <= snap {
            0.0
        } else if share >= 1.0 - snap {
            1.0
        } else {
            share
        }
    });
    if let Op::Kink(Kink { below, above }) = node.op {
        let slope = shares.zip([above, below]).map(|(share, slope)| share * slope).sum();
        slopes.nodes[piece.node][piece.entry] = slope;
    } else {
        shares.zip(places).for_each(|(share, place)| slopes.nodes[piece.node][place] = share);
    }
}
