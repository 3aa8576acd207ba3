//! Solver runs with more and more of the network in them, and what they prove.
//!
//! A program keeps some pieces as variables and takes the others for the lines that they are at the sample, so its
//! value never exceeds the true one; and it moves some coordinates in a way fixed beforehand, so its value is never
//! below that of the same program with all of them free. Where the answer disagrees with either choice, the choice is
//! dropped. When it disagrees with none, it solves the whole epigraph program as well.

use crate::model::passes::{Slopes, backward, forward, tangent_slopes};
use crate::query::{Perturbation, Query};
use crate::radius::lp::epigraph::{Epigraph, Piece, epigraph};
use crate::radius::lp::found::Found;
use crate::radius::lp::moves::Roles;
use crate::radius::lp::pieces::AtSample;
use crate::radius::lp::program::{Formulation, Goal, formulate};
use crate::radius::lp::slopes::{Solved, slopes};
use crate::radius::lp::{Answer, EXACT_GAP, Failure, Limits, Lp};
use std::collections::BTreeSet;
use std::time::Instant;

/// Solver runs per sample.
const RUNS: u32 = 60;

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

/// The later ones only where the gap, or a failure, asks for them. A run that asks for more digits than there are walks
/// away from the answer again, so some ask for fewer.
const TRIES: [Try; 5] = [
    Try { tolerance: 1e-9, push: 0.0, step: 0.99 },
    Try { tolerance: 3e-8, push: 1e-5, step: 0.9 },
    Try { tolerance: 1e-11, push: 0.0, step: 0.95 },
    Try { tolerance: 5e-7, push: 1e-4, step: 0.8 },
    Try { tolerance: 5e-7, push: 1e-2, step: 0.9 },
];

/// Series of tries per sample, each in units that suit what is known then.
const PASSES: u32 = 3;

/// How far beyond the solution pieces are looked for that the next solution may need.
const BEYOND: f64 = 1.2;

/// Multiples of the length in hand within which the least logit is looked for where there is no box.
const FAR: f64 = 1e4;

/// Slopes this near to an end of their interval are tried at the end itself too.
const SNAP: f64 = 1e-6;

/// Runs the solver until both sides meet; `floor` is a radius proven before.
pub(super) fn search(query: Query, lp: Lp, floor: f64) -> Found {
    let Query { model, x, perturbation, .. } = query;
    let found = Found::new(floor);
    if floor == f64::INFINITY {
        return found;
    }
    let at_sample = AtSample::new(model.network(), x);
    let rooms = x.iter().enumerate().map(|(i, &v)| perturbation.room(i, v)).collect();
    let mut search = Search {
        query,
        lp,
        started: Instant::now(),
        kept: BTreeSet::new(),
        roles: Roles::all_free(perturbation.norm, rooms),
        at_sample,
        found,
    };
    search.choose(lp.whole);
    search.run();
    search.found.kept = search.kept.len();
    search.found
}

struct Search<'a> {
    query: Query<'a>,
    lp: Lp,
    started: Instant,
    at_sample: AtSample<'a>,
    kept: BTreeSet<Piece>,
    roles: Roles,
    found: Found,
}

impl Search<'_> {
    /// What the first program has in it.
    fn choose(&mut self, whole: bool) {
        if whole {
            self.kept = self.at_sample.pieces();
            return;
        }
        let gradient = self.gradient(self.query.x);
        let mut step = self.roles.step(&gradient, BEYOND * self.found.lower);
        self.query.perturbation.unscale(&mut step);
        let point: Vec<f64> = self.query.x.iter().zip(&step).map(|(x, d)| x + d).collect();
        let margin = self.query.model.enclose(self.query.x)[0].value;
        self.roles.guess(&gradient, &self.gradient(&point), margin, self.found.lower);
        self.kept.extend(self.at_sample.wrong(&point, &self.kept));
    }

    /// Of the tangent plane in the perturbation's units, in plain floats.
    fn gradient(&self, point: &[f64]) -> Vec<f64> {
        let network = self.query.model.network();
        let slopes = tangent_slopes(network, &forward(network, point));
        let mut gradient = backward(network, &slopes, &[0]).remove(0);
        self.query.perturbation.unscale(&mut gradient);
        gradient
    }

    fn run(&mut self) {
        for _ in 0..PASSES {
            let length = self.length();
            let settled = self.pass();
            if self.is_done() || (self.found.witness.is_none() && !self.least_logit()) {
                return;
            }
            // A program in other units may go better than one whose answer was thousands of units away.
            let change = self.length() / length;
            if settled && (0.5..=2.0).contains(&change) {
                return;
            }
        }
    }

    fn is_done(&self) -> bool {
        self.found.lower == f64::INFINITY || self.found.gap().is_some_and(|gap| gap <= EXACT_GAP / 2.0)
    }

    /// One series of tries. Says whether any of them got an answer with nothing wrong.
    fn pass(&mut self) -> bool {
        let (mut tries, mut sensitivity, mut settled) = (TRIES.into_iter(), 0.0, None);
        let mut attempt = tries.next();
        while let (Some(this), true) = (attempt, self.found.runs < RUNS) {
            let margin = if sensitivity > 0.0 { this.push * self.found.lower / sensitivity } else { 0.0 };
            let run = match self.solve(Goal::Nearest { margin }, this) {
                Ok(run) => run,
                Err(Failure::Infeasible) if self.roles.free() => continue,
                Err(failure) => {
                    let hopeless = failure == Failure::Infeasible && settled.is_none();
                    self.remark(failure);
                    if hopeless {
                        return false;
                    }
                    attempt = tries.next();
                    continue;
                }
            };
            let gradient = self.raise(&run);
            let distance = self.query.perturbation.norm.upper(&run.change(self.query.x, self.query.perturbation));
            let speed = run.formulation.sensitivity(&run.answer.multipliers, self.query.perturbation.norm, distance);
            if self.is_done() {
                return true;
            }
            let misplaced = self.roles.revise(&gradient, distance, speed);
            if self.keep_wrong(&run.point) || misplaced {
                continue;
            }
            self.approach(&run.point, settled.as_deref());
            if self.is_done() {
                return true;
            }
            if margin == 0.0 {
                (sensitivity, settled) = (speed, Some(run.point));
            }
            attempt = tries.next();
        }
        settled.is_some()
    }

    fn remark(&mut self, failure: Failure) {
        self.found.remark = Some(match failure {
            Failure::Infeasible => format!("{} finds no point with f ≤ 0", self.lp.solver),
            Failure::Solver(reason) => reason,
        });
    }

    fn upper(&self) -> f64 {
        self.found.witness.as_ref().map_or(f64::INFINITY, |witness| witness.distance)
    }

    /// About the size of the answer. A far witness means that it may be far as well.
    fn length(&self) -> f64 {
        let lower = if self.found.lower > 0.0 { self.found.lower } else { 1.0 };
        if self.upper().is_finite() { (lower * self.upper()).sqrt() } else { lower }
    }

    fn formulate(&self, epigraph: &Epigraph, goal: Goal) -> Formulation {
        let length = self.length();
        let limit = if goal == Goal::LeastLogit { FAR * length } else { self.upper() };
        formulate(epigraph, &self.roles, self.query.perturbation.norm, goal, length, limit)
    }

    fn solve(&mut self, goal: Goal, this: Try) -> Result<Run, Failure> {
        let pieces: Vec<Piece> = self.kept.iter().copied().collect();
        let mut epigraph = epigraph(self.query.model.network(), self.query.x, &self.at_sample.lines, &pieces);
        epigraph.unscale(self.query.perturbation);
        let formulation = self.formulate(&epigraph, goal);
        let seconds = self.lp.seconds - self.started.elapsed().as_secs_f64();
        if seconds <= 0.0 {
            return Err(Failure::Solver(format!("time limit of {} s reached", self.lp.seconds)));
        }
        if !formulation.program.is_finite() {
            return Err(Failure::Solver("the program's numbers overflow".into()));
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
        let point = formulation.point(self.query.x, &answer.values, self.query.perturbation);
        Ok(Run { epigraph, formulation, answer, point })
    }

    /// Turns multipliers into slopes and keeps the largest radius that they prove. The gradient of their minorant.
    fn raise(&mut self, run: &Run) -> Vec<f64> {
        let network = self.query.model.network();
        let tangent = tangent_slopes(network, &forward(network, &run.point));
        let mut of = |snap: f64| {
            let solved = Solved { epigraph: &run.epigraph, formulation: &run.formulation, answer: &run.answer };
            let slopes = slopes(network.graph(), solved, &self.at_sample.lines, &tangent, snap);
            self.prove(slopes)
        };
        of(SNAP);
        of(0.0)
    }

    fn prove(&mut self, slopes: Slopes<f64>) -> Vec<f64> {
        let mut minorant = self.query.minorant(slopes.clone());
        let radius = self.query.radius(&minorant);
        if radius > self.found.lower {
            (self.found.lower, self.found.slopes) = (radius, Some(slopes));
        }
        let mut gradient = minorant.parts.remove(0).coefficients;
        self.query.perturbation.unscale(&mut gradient);
        gradient
    }

    /// Keeps the pieces that are wrong at `point`, and if there are any, those wrong a little beyond it too.
    fn keep_wrong(&mut self, point: &[f64]) -> bool {
        let wrong = self.at_sample.wrong(point, &self.kept);
        if wrong.is_empty() {
            return false;
        }
        self.kept.extend(wrong);
        let beyond: Vec<f64> = self.query.x.iter().zip(point).map(|(&x, &p)| x + BEYOND * (p - x)).collect();
        let wrong = self.at_sample.wrong(&beyond, &self.kept);
        self.kept.extend(wrong);
        true
    }

    /// Keeps the nearest verified point on the ray to `point`, and on the segment to it from an earlier answer.
    fn approach(&mut self, point: &[f64], settled: Option<&[f64]>) {
        let ray = self.query.along_ray(point);
        let segment = settled.and_then(|start| self.query.along_segment(start, point));
        for witness in [ray, segment].into_iter().flatten() {
            if self.found.witness.as_ref().is_none_or(|known| witness.distance < known.distance) {
                self.found.witness = Some(witness);
            }
        }
    }

    /// What to do when the solver claims that no point has f ≤ 0: minimise the logit, which gives either slopes that
    /// prove it or a witness that refutes it. Says whether there is a witness.
    fn least_logit(&mut self) -> bool {
        let mut tries = TRIES.into_iter();
        self.roles.free();
        while let (Some(this), true) = (tries.next(), self.found.runs < RUNS) {
            match self.solve(Goal::LeastLogit, this) {
                Ok(run) => {
                    self.raise(&run);
                    self.prove(tangent_slopes(
                        self.query.model.network(),
                        &forward(self.query.model.network(), &run.point),
                    ));
                    self.approach(&run.point, None);
                    if self.found.witness.is_some() || self.is_done() || !self.keep_wrong(&run.point) {
                        break;
                    }
                    tries = TRIES.into_iter();
                }
                Err(failure) => self.remark(failure),
            }
        }
        self.found.witness.is_some()
    }
}

/// A program and its answer.
struct Run {
    epigraph: Epigraph,
    formulation: Formulation,
    answer: Answer,
    /// The answer as an input.
    point: Vec<f64>,
}

impl Run {
    fn change(&self, x: &[f64], perturbation: Perturbation) -> Vec<f64> {
        let mut change: Vec<f64> = self.point.iter().zip(x).map(|(p, x)| p - x).collect();
        perturbation.weigh(&mut change);
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dense, Graph, Kink, Layer, Model};
    use crate::norm::Norm;
    use crate::query::Range;
    use crate::radius::lp::LpSolver;

    /// A network 12-10-6-1 with passthroughs whose weights follow from `seed`.
    fn model(seed: f32) -> Model {
        let mut last = seed;
        let mut next = |positive: bool| {
            last = (last * 12.9898).sin() * 43.758;
            let value = (last - last.floor()) * 2.0 - 1.0;
            if positive { 0.3 * value.abs() } else { value }
        };
        let mut dense = |rows: usize, cols: usize, positive: bool| {
            let weight = (0..rows * cols).map(|_| next(positive)).collect();
            Layer::Dense(Dense { rows, cols, weight, bias: (0..rows).map(|_| next(false) - 0.2).collect() })
        };
        let mut graph = Graph::new("x", &[12]);
        let first = graph.push("first", dense(10, 12, false), &[0]).unwrap();
        let mut z = graph.push("kink", Layer::Kink(Kink::RELU), &[first]).unwrap();
        for (name, rows, below) in [("second", 6, 10), ("last", 1, 6)] {
            let through = graph.push(&format!("{name} z"), dense(rows, below, true), &[z]).unwrap();
            let skip = graph.push(&format!("{name} x"), dense(rows, 12, false), &[0]).unwrap();
            z = graph.push(name, Layer::Sum, &[through, skip]).unwrap();
            if rows > 1 {
                z = graph.push(&format!("{name} kink"), Layer::Kink(Kink { below: 0.1, above: 1.0 }), &[z]).unwrap();
            }
        }
        graph.push("logit", Layer::Shift(vec![1.5]), &[z]).unwrap();
        Model::new(graph).unwrap()
    }

    #[test]
    fn choosing_pieces_and_coordinates_changes_nothing() {
        let mut chosen = 0;
        for seed in 1..30 {
            let model = model(seed as f32 * 0.37);
            let x: Vec<f64> = (0..12).map(|i| f64::from((seed * (i + 3)) % 5) / 4.0).collect();
            if model.enclose(&x)[0].lower() <= 0.0 {
                continue;
            }
            for norm in Norm::STANDARD {
                for range in [None, Some(Range { low: 0.0, high: 1.0 }.into())] {
                    let perturbation = Perturbation { norm, range, weights: None };
                    let run = |whole: bool, solver: LpSolver| {
                        let lp = Lp { whole, ..Lp::new(solver) };
                        search(Query { model: &model, x: &x, index: 0, perturbation }, lp, 0.0)
                    };
                    let (whole, part) = (run(true, LpSolver::Clarabel), run(false, LpSolver::Clarabel));
                    assert_eq!(whole.kept, 16);
                    assert_eq!(whole.witness.is_some(), part.witness.is_some(), "{seed} {perturbation:?}");
                    let mut others = vec![part.lower];
                    others.extend(LpSolver::AVAILABLE[1..].iter().map(|&solver| run(true, solver).lower));
                    for other in others {
                        let agree = whole.lower == other || (whole.lower / other - 1.0).abs() < 1e-6;
                        assert!(agree, "{seed} {perturbation:?}: {} and {other}", whole.lower);
                    }
                    chosen += usize::from(part.kept < 16 && part.witness.is_some());
                }
            }
        }
        assert!(chosen > 50, "only {chosen} comparisons said anything");
    }
}
