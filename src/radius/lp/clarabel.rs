//! Clarabel, an interior-point solver: linear programs through `good_lp`, quadratic ones directly.

use crate::radius::lp::linear::pose;
use crate::radius::lp::program::Program;
use crate::radius::lp::{Answer, Failure, Limits};
use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultSettings, DefaultSolution, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus, SupportedConeT,
    ZeroConeT,
};
use good_lp::{DualValues, ResolutionError, Solution, SolutionWithDual, SolverModel};

/// Far more than an answer takes: a run that gets here cycles.
const ITERATIONS: u32 = 100;

/// min linear objective.
pub(super) fn solve_linear(program: &Program, limits: Limits) -> Result<Answer, Failure> {
    let (problem, columns, constraints) = pose(program);
    let mut model = problem.using(good_lp::clarabel);
    let settings = model.settings();
    settings.tol_gap_abs(limits.tolerance).tol_gap_rel(limits.tolerance).tol_feas(limits.tolerance);
    settings.time_limit(limits.seconds).max_threads(1).max_iter(ITERATIONS).max_step_fraction(limits.step);
    let references: Vec<_> = constraints.into_iter().map(|c| model.add_constraint(c)).collect();
    let mut solution = match model.solve() {
        Ok(solution) => solution,
        Err(ResolutionError::Infeasible) => return Err(Failure::Infeasible),
        Err(other) => return Err(Failure::Solver(other.to_string())),
    };
    check(solution.inner())?;
    let values = columns.iter().map(|&column| solution.value(column)).collect();
    let iterations = solution.inner().iterations;
    let dual = solution.compute_dual();
    let multipliers = references.iter().map(|reference| dual.dual(reference.clone()).abs()).collect();
    Ok(Answer { values, multipliers, iterations: Some(iterations) })
}

/// min quadratic objective.
pub(super) fn solve_quadratic(program: &Program, limits: Limits) -> Result<Answer, Failure> {
    let standard = Standard::of(program);
    let settings = DefaultSettings {
        verbose: false,
        tol_gap_abs: limits.tolerance,
        tol_gap_rel: limits.tolerance,
        tol_feas: limits.tolerance,
        time_limit: limits.seconds,
        max_threads: 1,
        max_iter: ITERATIONS,
        max_step_fraction: limits.step,
        ..DefaultSettings::default()
    };
    let Standard { quadratic, cost, matrix, bounds, cones } = &standard;
    let mut solver = DefaultSolver::new(quadratic, cost, matrix, bounds, cones, settings)
        .map_err(|error| Failure::Solver(error.to_string()))?;
    solver.solve();
    check(&solver.solution)?;
    Ok(Answer {
        values: solver.solution.x.clone(),
        multipliers: solver.solution.z[..program.rows.len()].to_vec(),
        iterations: Some(solver.solution.iterations),
    })
}

/// Only a point with multipliers is an answer; its accuracy is measured afterwards.
fn check(solution: &DefaultSolution<f64>) -> Result<(), Failure> {
    match solution.status {
        SolverStatus::Solved | SolverStatus::AlmostSolved => Ok(()),
        SolverStatus::PrimalInfeasible | SolverStatus::AlmostPrimalInfeasible => Err(Failure::Infeasible),
        other => Err(Failure::Solver(format!("status {other}"))),
    }
}

/// min cost·v + ½ vᵀ quadratic v subject to matrix·v + s = bounds, s in the cones; the program's rows come first.
struct Standard {
    quadratic: CscMatrix<f64>,
    cost: Vec<f64>,
    matrix: CscMatrix<f64>,
    bounds: Vec<f64>,
    cones: Vec<SupportedConeT<f64>>,
}

impl Standard {
    fn of(program: &Program) -> Standard {
        let n = program.columns.len();
        let mut entries: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
        let (mut bounds, mut cones) = (Vec::new(), Vec::new());
        for row in &program.rows {
            row.terms.iter().for_each(|&(column, factor)| entries[column].push((bounds.len(), -factor)));
            bounds.push(-row.bound);
            cones.push(if row.equality { ZeroConeT(1) } else { NonnegativeConeT(1) });
        }
        for (j, column) in program.columns.iter().enumerate() {
            for (sign, bound) in [(-1.0, -column.low), (1.0, column.high)] {
                if bound.is_finite() {
                    entries[j].push((bounds.len(), sign));
                    bounds.push(bound);
                    cones.push(NonnegativeConeT(1));
                }
            }
        }
        let diagonal = program.columns.iter().map(|c| c.quadratic);
        let squares = diagonal.enumerate().map(|(j, q)| if q == 0.0 { vec![] } else { vec![(j, q)] }).collect();
        Standard {
            quadratic: by_columns(n, squares),
            cost: program.columns.iter().map(|c| c.cost).collect(),
            matrix: by_columns(bounds.len(), entries),
            bounds,
            cones: merged(cones),
        }
    }
}

fn by_columns(rows: usize, entries: Vec<Vec<(usize, f64)>>) -> CscMatrix<f64> {
    let columns = entries.len();
    let mut starts = vec![0];
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for column in entries {
        for (row, value) in column {
            places.push(row);
            values.push(value);
        }
        starts.push(places.len());
    }
    CscMatrix::new(rows, columns, starts, places, values)
}

/// Neighbouring cones of one kind as one.
fn merged(cones: Vec<SupportedConeT<f64>>) -> Vec<SupportedConeT<f64>> {
    let mut result: Vec<SupportedConeT<f64>> = Vec::new();
    for cone in cones {
        match (result.last_mut(), &cone) {
            (Some(NonnegativeConeT(n)), NonnegativeConeT(more)) | (Some(ZeroConeT(n)), ZeroConeT(more)) => *n += more,
            _ => result.push(cone),
        }
    }
    result
}
