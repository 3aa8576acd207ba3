//! The dual of a linear program as a program of its own, for solvers that report no multipliers.

use crate::radius::lp::program::{Column, Program, Row};

/// max Σ bound·y + Σ low·λ − Σ high·μ subject to Aᵀy + λ − μ = cost, y ≥ 0 (free for equalities), λ, μ ≥ 0, written as
/// a minimisation. The first columns are the multipliers y of the rows, in order.
pub(super) fn dual(program: &Program) -> Program {
    let multiplier = |row: &Row| Column {
        low: if row.equality { f64::NEG_INFINITY } else { 0.0 },
        high: f64::INFINITY,
        cost: -row.bound,
        quadratic: 0.0,
    };
    let mut columns: Vec<Column> = program.rows.iter().map(multiplier).collect();
    let mut transposed: Vec<Vec<(usize, f64)>> = vec![Vec::new(); program.columns.len()];
    for (i, row) in program.rows.iter().enumerate() {
        row.terms.iter().for_each(|&(j, factor)| transposed[j].push((i, factor)));
    }
    let mut rows = Vec::with_capacity(transposed.len());
    for (column, mut terms) in program.columns.iter().zip(transposed) {
        let mut slack = |sign: f64, cost: f64| {
            terms.push((columns.len(), sign));
            columns.push(Column { low: 0.0, high: f64::INFINITY, cost, quadratic: 0.0 });
        };
        if column.high.is_finite() {
            slack(-1.0, column.high);
        }
        if column.low.is_finite() && column.low != 0.0 {
            slack(1.0, -column.low);
        }
        // A lower bound of 0 has a free slack: the equality becomes Aᵀy − μ ≤ cost.
        if column.low == 0.0 {
            terms.iter_mut().for_each(|(_, factor)| *factor = -*factor);
            rows.push(Row { terms, bound: -column.cost, equality: false });
        } else {
            rows.push(Row { terms, bound: column.cost, equality: true });
        }
    }
    Program { columns, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radius::lp::{Failure, Limits, LpSolver};

    const LIMITS: Limits = Limits { tolerance: 1e-10, step: 0.99, seconds: 10.0 };

    /// min 2a + 3b − c over a ≥ 0, −1 ≤ b ≤ 4, c ≤ 2: a + b ≥ 3, a − 2b − c ≥ −7, a + c = 1.5.
    fn program() -> Program {
        let column = |low, high, cost| Column { low, high, cost, quadratic: 0.0 };
        let row = |terms: &[(usize, f64)], bound, equality| Row { terms: terms.to_vec(), bound, equality };
        Program {
            columns: vec![
                column(0.0, f64::INFINITY, 2.0),
                column(-1.0, 4.0, 3.0),
                column(f64::NEG_INFINITY, 2.0, -1.0),
            ],
            rows: vec![
                row(&[(0, 1.0), (1, 1.0)], 3.0, false),
                row(&[(0, 1.0), (1, -2.0), (2, -1.0)], -7.0, false),
                row(&[(0, 1.0), (2, 1.0)], 1.5, true),
            ],
        }
    }

    fn value(program: &Program, values: &[f64]) -> f64 {
        program.columns.iter().zip(values).map(|(column, v)| column.cost * v).sum()
    }

    #[test]
    fn primal_and_dual_meet_under_every_solver() {
        // By hand: on a + b = 3 and c = 1.5 − a the cost is 7.5, whatever a ≤ 4.
        let dual = dual(&program());
        for &solver in LpSolver::AVAILABLE {
            let primal = solver.solve(&program(), LIMITS).unwrap();
            assert!((value(&program(), &primal.values) - 7.5).abs() < 1e-7, "{solver}");
            let other = solver.solve(&dual, LIMITS).unwrap();
            assert!((value(&dual, &other.values) + 7.5).abs() < 1e-7, "{solver}");
            for (a, b) in primal.multipliers.iter().zip(&other.values) {
                assert!((a.abs() - b.abs()).abs() < 1e-6, "{solver}: {:?} and {:?}", primal.multipliers, other.values);
            }
        }
    }

    #[test]
    fn contradictions_are_reported_as_such() {
        let mut program = program();
        program.rows.push(Row { terms: vec![(1, 1.0)], bound: 5.0, equality: false });
        for &solver in LpSolver::AVAILABLE {
            assert_eq!(solver.solve(&program, LIMITS).unwrap_err(), Failure::Infeasible, "{solver}");
        }
    }
}
