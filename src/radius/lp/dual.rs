//! The dual of a linear program as a program of its own, for solvers that report no multipliers.

use super::program::{Column, Program, Row};

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
