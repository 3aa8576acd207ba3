//! The epigraph of the network through a linear or quadratic programming solver: an independent route to the exact
//! radius.

mod clarabel;
mod dual;
mod epigraph;
mod found;
#[cfg(feature = "highs")]
mod highs;
mod linear;
mod microlp;
mod moves;
mod pieces;
mod program;
mod search;
mod slopes;

use crate::model::Model;
use crate::norm::Norm;
use crate::query::{Perturbation, Query};
pub use crate::radius::EXACT_GAP;
use crate::radius::sharp::Sharp;
use crate::radius::{
    Cost, Evidence, Guarantee, Method, Needs, Norms, Outcome, Radius, Samples, Setting, Verdict, does_not_apply,
    not_certified,
};
use found::Found;
use program::Program;
use std::fmt;
use std::str::FromStr;
use std::time::Instant;

/// The program that solves the linear programs; quadratic ones (p = 2) always go to Clarabel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LpSolver {
    /// Interior point, pure Rust, with dual values; microlp where it does not end with an exact radius.
    #[default]
    Clarabel,
    /// Simplex, pure Rust, without dual values: the dual program is solved too.
    Microlp,
    /// Simplex in C++, behind the Cargo feature `highs`.
    Highs,
}

impl LpSolver {
    /// Those in this build.
    pub const AVAILABLE: &[LpSolver] = if cfg!(feature = "highs") {
        &[LpSolver::Clarabel, LpSolver::Microlp, LpSolver::Highs]
    } else {
        &[LpSolver::Clarabel, LpSolver::Microlp]
    };
}

impl fmt::Display for LpSolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LpSolver::Clarabel => "clarabel",
            LpSolver::Microlp => "microlp",
            LpSolver::Highs => "highs",
        })
    }
}

impl FromStr for LpSolver {
    type Err = String;

    fn from_str(text: &str) -> Result<LpSolver, String> {
        match text.trim() {
            "clarabel" => Ok(LpSolver::Clarabel),
            "microlp" => Ok(LpSolver::Microlp),
            "highs" if cfg!(feature = "highs") => Ok(LpSolver::Highs),
            "highs" => Err("LP solver `highs`: this build has no HiGHS; build with `--features highs`".into()),
            other => Err(format!("LP solver `{other}`: expected clarabel, microlp or highs")),
        }
    }
}

/// min ‖x' − x‖ subject to f(x') ≤ 0, with f as the least value of its epigraph.
///
/// - Requirement: f convex with an affine feature map, without smooth units; p = 1, 2 or ∞.
/// - Guarantee: exact where both sides are proven and agree to [`EXACT_GAP`] (`detail` names the gap), else sound.
/// - Method: units that keep their sign stay lines, those found on the other side at the solution join as variables,
///   until the solution needs no more. The solver is not trusted: its multipliers become slopes, whose minorant is
///   evaluated with rigorous rounding, and its point is moved along its ray until f ≤ 0 is proven.
/// - Cost: a few solver runs; where Clarabel's sides do not meet (p = 1, ∞), a few of microlp's as well.
/// - Reference: METHOD §3; strong duality of linear programs.
#[derive(Clone, Copy, Debug)]
pub struct Lp {
    /// Who solves.
    pub solver: LpSolver,
    /// Time limit per sample.
    pub seconds: f64,
    /// Starts with every unit and every coordinate as a variable: one large program in place of a few small ones that
    /// grow. The answers agree.
    pub whole: bool,
}

impl Lp {
    /// With the default time limit of a minute per sample, and programs that grow.
    pub fn new(solver: LpSolver) -> Lp {
        Lp { solver, seconds: 60.0, whole: false }
    }
}

impl Default for Lp {
    fn default() -> Lp {
        Lp::new(LpSolver::default())
    }
}

/// What a solver may spend.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Accuracy in the program's scaled units.
    tolerance: f64,
    /// Share of the way to the boundary that an interior-point step may go.
    step: f64,
    /// Time; infinite for none.
    seconds: f64,
}

/// A solver's claim: nothing in it is trusted.
#[derive(Clone, Debug)]
struct Answer {
    /// One per column.
    values: Vec<f64>,
    /// One per row, ≥ 0 for inequalities.
    multipliers: Vec<f64>,
    iterations: Option<u32>,
}

/// Why a solver gave no answer.
#[derive(Clone, Debug, PartialEq)]
enum Failure {
    /// The solver claims that no point satisfies the rows.
    Infeasible,
    /// Anything else.
    Solver(String),
}

impl LpSolver {
    fn solve(self, program: &Program, limits: Limits) -> Result<Answer, Failure> {
        if program.columns.iter().any(|column| column.quadratic != 0.0) {
            return clarabel::solve_quadratic(program, limits);
        }
        match self {
            LpSolver::Clarabel => clarabel::solve_linear(program, limits),
            LpSolver::Microlp => microlp::solve_linear(program, limits),
            #[cfg(feature = "highs")]
            LpSolver::Highs => highs::solve_linear(program, limits),
            #[cfg(not(feature = "highs"))]
            LpSolver::Highs => Err(Failure::Solver("this build has no HiGHS; build with `--features highs`".into())),
        }
    }
}

impl Method for Lp {
    fn name(&self) -> &'static str {
        "lp"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Exact
    }

    fn needs(&self) -> Needs {
        Needs::Convex
    }

    fn cost(&self) -> Cost {
        Cost::Search
    }

    fn norms(&self) -> Norms {
        Norms::Standard
    }

    fn settings(&self) -> &'static [Setting] {
        &[Setting::Solver, Setting::Seconds]
    }

    fn applies(&self, model: &Model, perturbation: Perturbation) -> Result<(), String> {
        self.norms().check(perturbation)?;
        self.needs().check(model)?;
        if has_smooth_units(model) { Err(SMOOTH.into()) } else { Ok(()) }
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        if let Err(broken) = model.convexity() {
            return does_not_apply(&broken.to_string(), model, samples);
        }
        if self.norms().check(perturbation).is_err() {
            return does_not_apply("lp handles p = 1, 2 and ∞", model, samples);
        }
        (0..samples.count()).map(|i| self.one(samples.query(i, model, perturbation))).collect()
    }
}

/// Why no linear rows are the network.
const SMOOTH: &str = "smooth unit";

fn has_smooth_units(model: &Model) -> bool {
    model.graph().nodes().iter().any(|node| node.op.curve().is_some())
}

impl Lp {
    fn one(&self, query: Query) -> Outcome {
        let Query { model, x, perturbation, .. } = query;
        let logit = model.enclose(x)[0];
        if logit.lower() <= 0.0 {
            return Outcome::plain(not_certified(logit));
        }
        if !query.split().free.is_empty() {
            return Outcome::plain(Verdict::Unknown("non-affine feature map".into()));
        }
        if has_smooth_units(model) {
            return Outcome::plain(Verdict::Unknown(SMOOTH.into()));
        }
        let sharp = Sharp.certify(model, Samples::new(x, x.len()), perturbation).remove(0);
        let floor = sharp.radius().map_or(0.0, Radius::value);
        let found = self.search(query, floor);
        let detail = found.detail(*self, perturbation.norm);
        let verdict = Verdict::Certified(Radius::new(found.lower));
        Outcome {
            witness: found.witness,
            detail,
            evidence: found.slopes.map(Evidence::from),
            ..Outcome::plain(verdict)
        }
    }

    /// Clarabel's search, where its two sides do not meet, is followed by one of the simplex solver.
    fn search(&self, query: Query, floor: f64) -> Found {
        let started = Instant::now();
        let run = |lp: Lp, floor: f64| search::search(query, lp, floor);
        let found = run(*self, floor);
        let seconds = self.seconds - started.elapsed().as_secs_f64();
        let apart = found.gap().is_some_and(|gap| gap > EXACT_GAP);
        let helps = self.solver == LpSolver::Clarabel && query.norm() != Norm::L2;
        if !apart || !helps || seconds <= 0.0 {
            return found;
        }
        let second = Lp { solver: LpSolver::Microlp, seconds, ..*self };
        let better = run(second, found.lower);
        found.joined(better, second.solver)
    }
}
