//! The epigraph as a linear or diagonal quadratic program in scaled variables, for any solver.

use crate::model::Kink;
use crate::norm::Norm;
use crate::query::Perturbation;
use crate::radius::lp::epigraph::{Affine, Epigraph, Shape};
use crate::radius::lp::moves::{Role, Roles};

/// min Σ cost·v + ½ Σ quadratic·v² subject to `low` ≤ v ≤ `high` and the rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    /// Variables.
    pub columns: Vec<Column>,
    /// Constraints.
    pub rows: Vec<Row>,
}

/// One variable; infinite bounds are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column {
    pub low: f64,
    pub high: f64,
    pub cost: f64,
    pub quadratic: f64,
}

/// Σ factor·v ≥ `bound`, or = `bound`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// (column, factor), each column once.
    pub terms: Vec<(usize, f64)>,
    pub bound: f64,
    pub equality: bool,
}

/// What is asked of the epigraph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// The nearest point with logit ≤ −`margin`.
    Nearest { margin: f64 },
    /// The least logit within the box, however far.
    LeastLogit,
}

/// A program with the way back to the network's quantities.
#[derive(Clone, Debug)]
pub(super) struct Formulation {
    /// What the solver sees.
    pub program: Program,
    /// For every (input coordinate, sign, column): the change of the coordinate is Σ sign · value · `length`. Several
    /// coordinates may share a column.
    moves: Vec<(usize, f64, usize)>,
    /// Unit of length of the scaled changes.
    length: f64,
    /// For every kept piece its first row; the others follow.
    first_rows: Vec<usize>,
    /// What the logit is divided by in its row, the last one.
    logit_scale: f64,
}

impl Program {
    /// Whether every number but the bounds of variables is finite.
    pub fn is_finite(&self) -> bool {
        let rows =
            self.rows.iter().all(|r| r.bound.is_finite() && r.terms.iter().all(|(_, factor)| factor.is_finite()));
        rows && self.columns.iter().all(|c| c.cost.is_finite() && !c.low.is_nan() && !c.high.is_nan())
    }
}

impl Column {
    fn free(cost: f64) -> Column {
        Column { low: f64::NEG_INFINITY, high: f64::INFINITY, cost, quadratic: 0.0 }
    }

    fn positive(cost: f64) -> Column {
        Column { low: 0.0, ..Column::free(cost) }
    }
}

impl Row {
    fn at_least(terms: Vec<(usize, f64)>, bound: f64) -> Row {
        Row { terms, bound, equality: false }
    }
}

/// Poses the program around a sample. `length` is the expected size of the answer, `limit` an upper bound of it: the box
/// cannot matter for coordinates with more room than that. The least logit is looked for within `limit` only.
pub(super) fn formulate(
    epigraph: &Epigraph,
    roles: &Roles,
    norm: Norm,
    goal: Goal,
    length: f64,
    limit: f64,
) -> Formulation {
    let mut result = Formulation {
        program: Program::default(),
        moves: Vec::new(),
        length,
        first_rows: Vec::new(),
        logit_scale: 1.0,
    };
    let size = epigraph.output.input.len();
    let matters = mattering(epigraph, size);
    let largest = (norm == Norm::Linf && goal != Goal::LeastLogit).then(|| result.push(Column::positive(1.0)));
    for i in (0..size).filter(|&i| matters[i]) {
        match (roles.of(i), largest) {
            ((Role::Still, _), _) => {}
            ((Role::Along(sign), _), Some(largest)) => result.moves.push((i, sign, largest)),
            ((_, rooms), _) => result.add_move(i, rooms, norm, goal, limit, largest),
        }
    }
    let terms = Terms {
        by_coordinate: result.columns_by_coordinate(size),
        largest,
        length,
        first_piece: result.program.columns.len(),
        scales: scales(epigraph, norm, length),
    };
    result.program.columns.extend(epigraph.pieces.iter().map(|_| Column::free(0.0)));
    for (k, (_, shape)) in epigraph.pieces.iter().enumerate() {
        result.add_piece(k, shape, &terms);
    }
    result.logit_scale = scale(&epigraph.output, &terms.scales, norm, length);
    result.add_logit(&epigraph.output, goal, &terms);
    result
}

/// Writes affine expressions in the program's variables.
struct Terms {
    /// (sign, column) of every coordinate's moves.
    by_coordinate: Vec<Vec<(f64, usize)>>,
    /// The column that several coordinates share.
    largest: Option<usize>,
    length: f64,
    /// Column of the first piece.
    first_piece: usize,
    /// Units of the pieces' columns.
    scales: Vec<f64>,
}

impl Terms {
    /// `factor` times the part of `affine` that varies.
    fn of(&self, affine: &Affine, factor: f64) -> Vec<(usize, f64)> {
        let (mut terms, mut along) = (Vec::new(), 0.0);
        for (i, &c) in affine.input.iter().enumerate().filter(|(_, c)| **c != 0.0) {
            for &(sign, column) in &self.by_coordinate[i] {
                let value = factor * c * sign * self.length;
                if Some(column) == self.largest { along += value } else { terms.push((column, value)) }
            }
        }
        terms.extend(self.largest.filter(|_| along != 0.0).map(|column| (column, along)));
        terms.extend(affine.pieces.iter().map(|&(k, c)| (self.first_piece + k, factor * c * self.scales[k])));
        terms
    }
}

/// Which coordinates occur in any row.
fn mattering(epigraph: &Epigraph, size: usize) -> Vec<bool> {
    let mut matters = vec![false; size];
    let mut mark = |affine: &Affine| affine.input.iter().zip(&mut matters).for_each(|(&c, m)| *m |= c != 0.0);
    mark(&epigraph.output);
    for (_, shape) in &epigraph.pieces {
        match shape {
            Shape::Kink(_, argument) => mark(argument),
            Shape::Max(inputs) => inputs.iter().for_each(&mut mark),
        }
    }
    matters
}

/// A size of every piece's value within `length` of the sample, never 0.
fn scales(epigraph: &Epigraph, norm: Norm, length: f64) -> Vec<f64> {
    let mut scales = Vec::with_capacity(epigraph.pieces.len());
    for (_, shape) in &epigraph.pieces {
        let of = |affine: &Affine| scale(affine, &scales, norm, length);
        scales.push(match shape {
            Shape::Kink(_, argument) => of(argument),
            Shape::Max(inputs) => inputs.iter().map(of).fold(0.0, f64::max),
        });
    }
    scales
}

fn scale(affine: &Affine, scales: &[f64], norm: Norm, length: f64) -> f64 {
    let pieces = affine.pieces.iter().map(|&(k, c)| c.abs() * scales[k]);
    let size = pieces.fold(affine.constant.abs().max(length * norm.dual_upper(&affine.input)), f64::max);
    if size > 0.0 && size.is_finite() { size } else { 1.0 }
}

impl Shape {
    fn is_concave(&self) -> bool {
        matches!(self, Shape::Kink(Kink { below, above }, _) if above < below)
    }
}

impl Formulation {
    fn push(&mut self, column: Column) -> usize {
        self.program.columns.push(column);
        self.program.columns.len() - 1
    }

    fn add_move(
        &mut self,
        coordinate: usize,
        (fall, rise): (f64, f64),
        norm: Norm,
        goal: Goal,
        limit: f64,
        largest: Option<usize>,
    ) {
        let measured = goal != Goal::LeastLogit;
        let length = self.length;
        let beyond = if measured { f64::INFINITY } else { limit / length };
        let bound = |room: f64| if room < limit { room / length } else { beyond };
        if norm == Norm::L1 && measured {
            for (sign, room) in [(1.0, rise), (-1.0, fall)] {
                if room > 0.0 {
                    let column = Column { high: bound(room), ..Column::positive(1.0) };
                    let column = self.push(column);
                    self.moves.push((coordinate, sign, column));
                }
            }
        } else if fall > 0.0 || rise > 0.0 {
            let quadratic = if norm == Norm::L2 && measured { 1.0 } else { 0.0 };
            let column = Column { low: -bound(fall), high: bound(rise), cost: 0.0, quadratic };
            let column = self.push(column);
            self.moves.push((coordinate, 1.0, column));
            for (sign, room) in [(1.0, fall), (-1.0, rise)] {
                if let (Some(largest), true) = (largest, room > 0.0) {
                    self.program.rows.push(Row::at_least(vec![(column, sign), (largest, 1.0)], 0.0));
                }
            }
        }
    }

    /// z ≥ slope · argument for both slopes of a kink, or z ≥ each input of a maximum; ≤ where the kink is concave.
    fn add_piece(&mut self, k: usize, shape: &Shape, terms: &Terms) {
        self.first_rows.push(self.program.rows.len());
        let sign = if shape.is_concave() { -1.0 } else { 1.0 };
        let unit = 1.0 / terms.scales[k];
        let mut above = |affine: &Affine, slope: f64| {
            let factor = sign * slope * unit;
            let mut row = if slope == 0.0 { Vec::new() } else { terms.of(affine, -factor) };
            row.push((terms.first_piece + k, sign));
            let bound = if slope == 0.0 { 0.0 } else { factor * affine.constant };
            self.program.rows.push(Row::at_least(row, bound));
        };
        match shape {
            Shape::Kink(kink, argument) => {
                above(argument, kink.above);
                above(argument, kink.below);
            }
            Shape::Max(inputs) => inputs.iter().for_each(|input| above(input, 1.0)),
        }
    }

    /// logit ≤ −margin, or logit ≤ the variable that is minimised. The last row.
    fn add_logit(&mut self, logit: &Affine, goal: Goal, terms: &Terms) {
        let unit = 1.0 / self.logit_scale;
        let mut row = terms.of(logit, -unit);
        let margin = match goal {
            Goal::Nearest { margin } => margin,
            Goal::LeastLogit => {
                row.push((self.push(Column::free(1.0)), 1.0));
                0.0
            }
        };
        self.program.rows.push(Row::at_least(row, unit * (logit.constant + margin)));
    }

    fn columns_by_coordinate(&self, size: usize) -> Vec<Vec<(f64, usize)>> {
        let mut result = vec![Vec::new(); size];
        self.moves.iter().for_each(|&(i, sign, column)| result[i].push((sign, column)));
        result
    }

    /// The point that a solution means, clipped into the box.
    pub fn point(&self, x: &[f64], values: &[f64], perturbation: Perturbation) -> Vec<f64> {
        let mut point = x.to_vec();
        let step = |sign: f64, column: usize| sign * values[column] * self.length;
        self.moves.iter().for_each(|&(i, sign, k)| point[i] += step(sign, k) * perturbation.scale(i));
        point.iter_mut().enumerate().for_each(|(i, v)| *v = perturbation.clip(i, *v));
        point
    }

    /// How fast the distance grows with the margin, for an answer at about `distance`.
    pub fn sensitivity(&self, multipliers: &[f64], norm: Norm, distance: f64) -> f64 {
        let scaled = multipliers.last().map_or(0.0, |y| y / self.logit_scale);
        // For p = 2 the objective is half the square of the scaled distance.
        if norm == Norm::L2 { scaled * self.length * self.length / distance } else { scaled * self.length }
    }

    /// The multipliers of piece `k`'s rows.
    pub fn of_piece<'a>(&self, k: usize, multipliers: &'a [f64]) -> &'a [f64] {
        let end = self.first_rows.get(k + 1).copied().unwrap_or(self.program.rows.len() - 1);
        &multipliers[self.first_rows[k]..end]
    }
}
