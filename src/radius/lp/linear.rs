//! Linear programs in the words of `good_lp`.

use crate::radius::lp::program::{Program, Row};
use good_lp::variable::UnsolvedProblem;
use good_lp::{Constraint, Expression, Variable, constraint, variable};

/// The objective and bounds for a `good_lp` solver, its variables, and the constraints in the order of the rows.
pub(super) fn pose(program: &Program) -> (UnsolvedProblem, Vec<Variable>, Vec<Constraint>) {
    let mut variables = good_lp::ProblemVariables::new();
    let columns: Vec<Variable> =
        program.columns.iter().map(|c| variables.add(variable().min(c.low).max(c.high))).collect();
    let costs = program.columns.iter().zip(&columns).filter(|(c, _)| c.cost != 0.0);
    let mut objective = Expression::default();
    costs.for_each(|(c, &column)| objective.add_mul(c.cost, column));
    let constraints = program.rows.iter().map(|row| constraint(row, &columns)).collect();
    (variables.minimise(objective), columns, constraints)
}

fn constraint(row: &Row, columns: &[Variable]) -> Constraint {
    let mut sum = Expression::with_capacity(row.terms.len());
    row.terms.iter().for_each(|&(column, factor)| sum.add_mul(factor, columns[column]));
    // `constraint::geq` would copy the expression through a subtraction.
    if row.equality { constraint::eq(sum, row.bound) } else { constraint::leq(-sum, -row.bound) }
}
