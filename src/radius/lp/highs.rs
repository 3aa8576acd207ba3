//! HiGHS, behind the Cargo feature `highs`.

use crate::radius::lp::linear::pose;
use crate::radius::lp::program::Program;
use crate::radius::lp::{Answer, Failure, Limits};
use good_lp::{DualValues, ResolutionError, Solution, SolutionWithDual, SolverModel, WithTimeLimit};

/// min linear objective.
pub(super) fn solve_linear(program: &Program, limits: Limits) -> Result<Answer, Failure> {
    let (problem, columns, constraints) = pose(program);
    let mut model = problem.using(good_lp::highs).set_threads(1);
    model.set_verbose(false);
    if limits.seconds.is_finite() {
        model = model.with_time_limit(limits.seconds);
    }
    let references: Vec<_> = constraints.into_iter().map(|c| model.add_constraint(c)).collect();
    let mut solution = match model.solve() {
        Ok(solution) => solution,
        Err(ResolutionError::Infeasible) => return Err(Failure::Infeasible),
        Err(other) => return Err(Failure::Solver(other.to_string())),
    };
    let values = columns.iter().map(|&column| solution.value(column)).collect();
    let dual = solution.compute_dual();
    let multipliers = references.iter().map(|reference| dual.dual(reference.clone()).abs()).collect();
    Ok(Answer { values, multipliers, iterations: None })
}
