//! microlp, a simplex solver without dual values: the dual program is posed and solved as well.

use crate::radius::lp::dual::dual;
use crate::radius::lp::linear::pose;
use crate::radius::lp::program::Program;
use crate::radius::lp::{Answer, Failure, Limits};
use good_lp::{ResolutionError, Solution, SolverModel, WithTimeLimit};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// min linear objective.
pub(super) fn solve_linear(program: &Program, limits: Limits) -> Result<Answer, Failure> {
    let values = values(program, limits)?;
    let mut multipliers = self::values(&dual(program), limits)?;
    multipliers.truncate(program.rows.len());
    Ok(Answer { values, multipliers, iterations: None })
}

fn values(program: &Program, limits: Limits) -> Result<Vec<f64>, Failure> {
    let (problem, columns, constraints) = pose(program);
    let model = problem.using(good_lp::microlp).with_all(constraints);
    let model = if limits.seconds.is_finite() { model.with_time_limit(limits.seconds) } else { model };
    // microlp 0.6 asserts its own invariants: on badly scaled programs it can panic, which must end this run only.
    let outcome = catch_unwind(AssertUnwindSafe(|| model.solve()));
    match outcome.map_err(|_| Failure::Solver("microlp panicked".into()))? {
        Ok(solution) => Ok(columns.iter().map(|&column| solution.value(column)).collect()),
        Err(ResolutionError::Infeasible) => Err(Failure::Infeasible),
        Err(other) => Err(Failure::Solver(other.to_string())),
    }
}
