//! Linear layers that touch the input: W·u(x + δ) with every u_k a function of one coordinate.
//!
//! Row i moves by at most Σ_j L_ij |δ_j| ≤ r·‖L_i‖_{p*} (L_ij·scale_j with weights), where L_ij bounds the slope of the
//! row in coordinate j: the absolute value of the sum of W_ik·u_k' over the affine entries k on coordinate j, plus
//! |W_ik|·Lip(u_k) for the others. For p < ∞ this is far tighter than intervals of the coordinates, each of which alone
//! may move by r.

use crate::matrix::fill;
use crate::model::feature_map::Coordinatewise;
use crate::model::map::Matrix;
use crate::model::{Affine, Enclosed, Graph, NodeId};
use crate::query::Perturbation;
use crate::radius::ibp::intervals::{Intervals, above, below};
use crate::radius::ibp::linear::{Aim, Linear, Middle, linear};
use crate::radius::ibp::sides::{Falls, RowSlopes, Sides, Slope};
use crate::rounding::{TINY, add_up, mul_up};

/// An entry of a layer's argument that depends on at most one coordinate.
#[derive(Clone, Copy, Debug)]
struct Entry {
    coordinate: Option<usize>,
    /// The derivative where `affine`, else a bound of its absolute value.
    scale: Enclosed,
    affine: bool,
}

/// An entry that is always 0.
const NOTHING: Entry = Entry { coordinate: None, scale: Enclosed { value: 0.0, error: 0.0 }, affine: true };

/// A sample of a block, by number, and a radius around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ball {
    pub sample: usize,
    pub r: f64,
}

/// A linear layer at least some of whose argument is coordinate-wise.
#[derive(Debug)]
pub(crate) struct FirstLayer {
    /// `[rows]`, upper bounds of ‖L_i‖_{p*}.
    steepness: Vec<f64>,
    /// The L_ij themselves, where a box makes a difference to them.
    slopes: Option<RowSlopes>,
    /// No kink between the input and the layer.
    pub affine: bool,
    /// The layer in two parts, where only part of its argument is coordinate-wise.
    split: Option<Split>,
}

/// The columns of a layer by what they multiply.
#[derive(Debug)]
struct Split {
    /// The coordinate-wise part, to which the offset is added.
    touching: Matrix,
    offset: Vec<f64>,
    columns: Vec<usize>,
    /// Everything else.
    rest: Matrix,
    rest_columns: Vec<usize>,
}

/// The layer with argument `argument`, if it touches the input.
pub(crate) fn first_layer(
    graph: &Graph,
    known: &[Option<Coordinatewise>],
    (matrix, offset): Linear,
    argument: NodeId,
    perturbation: Perturbation,
) -> Option<FirstLayer> {
    let entries = entries(graph, known, argument);
    let (columns, rest_columns): (Vec<usize>, Vec<usize>) = (0..entries.len()).partition(|&k| entries[k].is_some());
    let touching: Vec<(usize, Entry)> = columns.iter().filter_map(|&k| entries[k].map(|entry| (k, entry))).collect();
    if touching.is_empty() {
        return None;
    }
    let norm = perturbation.norm;
    let row = |i: usize| {
        let mut slopes = row_slopes(matrix.row(i), &touching, graph.input_size());
        slopes.iter_mut().enumerate().for_each(|(j, slope)| slope.0 = perturbation.up_scale(j, slope.0));
        slopes
    };
    let size = |row: Vec<Slope>| row.into_iter().map(|(size, _)| size).collect::<Vec<_>>();
    let steepness = (0..matrix.rows).map(|i| norm.dual_upper(&size(row(i)))).collect();
    let slopes = perturbation.range.and_then(|ranges| {
        let fixed = (0..graph.input_size()).any(|i| ranges.at(i).low == ranges.at(i).high);
        RowSlopes::new(norm, fixed, (0..matrix.rows).map(row))
    });
    let affine = touching.iter().all(|(_, entry)| entry.affine);
    let split = (!rest_columns.is_empty()).then(|| Split {
        touching: columns_of(matrix, &columns),
        rest: columns_of(matrix, &rest_columns),
        offset: offset.to_vec(),
        columns,
        rest_columns,
    });
    Some(FirstLayer { steepness, slopes, affine, split })
}

/// The argument's entries, through nodes that put entries of others in their places, of which only some may be
/// coordinate-wise.
fn entries(graph: &Graph, known: &[Option<Coordinatewise>], id: NodeId) -> Vec<Option<Entry>> {
    let node = graph.node(id);
    if let Some(places) = node.op.affine().and_then(places) {
        let below: Vec<Vec<Option<Entry>>> = node.inputs.iter().map(|&input| entries(graph, known, input)).collect();
        return places.into_iter().map(|place| place.map_or(Some(NOTHING), |(k, at)| below[k][at])).collect();
    }
    match &known[id] {
        Some(form) => {
            let entry = |(&coordinate, &scale)| Some(Entry { coordinate, scale, affine: form.affine });
            form.coordinate.iter().zip(&form.scale).map(entry).collect()
        }
        None => vec![None; node.size()],
    }
}

/// Per row the input and its entry that it is, or nothing; `None` where a row is not just that.
fn places(affine: &Affine) -> Option<Vec<Option<(usize, usize)>>> {
    if affine.maps.is_empty() || !affine.offset.is_empty() || !affine.maps.iter().all(|map| map.is_exact()) {
        return None;
    }
    let place = |i: usize| {
        let mut entries = affine.entries(i).map(|(k, col, _)| (k, col));
        let first = entries.next();
        entries.next().is_none().then_some(first)
    };
    (0..affine.rows()).map(place).collect()
}

fn columns_of(matrix: &Matrix, columns: &[usize]) -> Matrix {
    let weight = (0..matrix.rows).flat_map(|i| columns.iter().map(move |&k| matrix.row(i)[k])).collect();
    Matrix::new(matrix.rows, columns.len(), weight)
}

/// Upper bounds of |L_ij| for every coordinate j, with the way that L_ij falls.
fn row_slopes(weights: &[f32], touching: &[(usize, Entry)], coordinates: usize) -> Vec<Slope> {
    // Signed sums of the affine entries with their errors, and sizes of the others, by coordinate.
    let mut sums = vec![Enclosed { value: 0.0, error: 0.0 }; coordinates];
    let mut sizes = vec![0.0; coordinates];
    for &(k, entry) in touching {
        let w = f64::from(weights[k]);
        let Some(j) = entry.coordinate.filter(|_| w != 0.0) else { continue };
        if entry.affine {
            sums[j] = plus(sums[j], product(w, entry.scale));
        } else {
            let size = f64::max(entry.scale.upper().abs(), entry.scale.lower().abs());
            sizes[j] = add_exact_zero(sizes[j], mul_up(w.abs(), size));
        }
    }
    let slope = |(sum, &size): (&Enclosed, &f64)| {
        let falls = match size == 0.0 && sum.value.abs() > sum.error {
            true if sum.value > 0.0 => Falls::Down,
            true => Falls::Up,
            false => Falls::Either,
        };
        (add_exact_zero(add_exact_zero(sum.value.abs(), sum.error), size), falls)
    };
    sums.iter().zip(&sizes).map(slope).collect()
}

/// a + b rounded up, exact when one of them is 0.
fn add_exact_zero(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { a + b } else { add_up(a, b) }
}

fn product(w: f64, scale: Enclosed) -> Enclosed {
    let value = w * scale.value;
    let rounding = if scale.value == 0.0 || scale.value.abs() == 1.0 { 0.0 } else { f64::EPSILON * value.abs() + TINY };
    Enclosed { value, error: add_exact_zero(mul_up(w.abs(), scale.error), rounding) }
}

fn plus(a: Enclosed, b: Enclosed) -> Enclosed {
    let value = a.value + b.value;
    let rounding = if a.value == 0.0 || b.value == 0.0 { 0.0 } else { f64::EPSILON * value.abs() };
    Enclosed { value, error: add_exact_zero(add_exact_zero(a.error, b.error), rounding) }
}

impl FirstLayer {
    /// Must the argument be known to evaluate the layer?
    pub fn reads_argument(&self, plain: bool) -> bool {
        plain || self.split.is_some()
    }

    /// The touching part at every sample of a batch, from the argument and the layer's result there.
    pub fn centre(&self, argument: &Intervals, result: &Intervals, batch: usize) -> Intervals {
        match &self.split {
            None => result.clone(),
            Some(split) => {
                let known = argument.select(&split.columns, argument.len() / batch);
                linear((&split.touching, &split.offset), &known, &Middle::of(&known, batch, Aim::Decide), batch)
            }
        }
    }

    /// Whether intervals of the coordinates, too, could say more about the layer in a box.
    pub fn gains_from_intervals(&self) -> bool {
        !self.affine || self.slopes.as_ref().is_none_or(|slopes| !slopes.is_exact())
    }

    /// How far the rows can move around a sample with these rooms to fall and rise; `None` without a box.
    pub fn sides(&self, rooms: &[(f64, f64)]) -> Option<Sides<'_>> {
        self.slopes.as_ref().map(|slopes| slopes.within(rooms))
    }

    /// The layer over balls (their radii possibly infinite) around samples that `centre` and `sides` were made for; of its
    /// argument `argument` holds the entries of those samples alone.
    pub fn evaluate(
        &self,
        (centre, sides): (&Intervals, &[Option<Sides>]),
        argument: &Intervals,
        balls: &[Ball],
        aim: Aim,
    ) -> Intervals {
        let rows = self.steepness.len();
        let mut result = Intervals::zeros(balls.len() * rows);
        let ends = result.low.chunks_exact_mut(rows.max(1)).zip(result.high.chunks_exact_mut(rows.max(1)));
        for (ball, (new_low, new_high)) in balls.iter().zip(ends) {
            let at = ball.sample * rows..(ball.sample + 1) * rows;
            let (low, high) = (&centre.low[at.clone()], &centre.high[at]);
            let Some(sides) = sides.get(ball.sample).and_then(Option::as_ref) else {
                fill(new_low, low, &self.steepness, |low, s| fallen(low, product_up(s, ball.r)));
                fill(new_high, high, &self.steepness, |high, s| risen(high, product_up(s, ball.r)));
                continue;
            };
            for i in 0..rows {
                let (fall, rise) = sides.change(i, ball.r);
                (new_low[i], new_high[i]) = (fallen(low[i], fall), risen(high[i], rise));
            }
        }
        if let Some(split) = &self.split {
            let rest = argument.select(&split.rest_columns, argument.len() / balls.len());
            let middle = Middle::of(&rest, balls.len(), aim);
            result.add(&linear((&split.rest, &[]), &rest, &middle, balls.len()));
        }
        result
    }
}

/// s·r for s, r ≥ 0, rounded up; exactly 0 when a factor is 0.
#[inline(always)]
fn product_up(s: f64, r: f64) -> f64 {
    if (s == 0.0) | (r == 0.0) { 0.0 } else { above(s * r) }
}

#[inline(always)]
fn fallen(low: f64, fall: f64) -> f64 {
    if fall == 0.0 { low } else { below(low - fall) }
}

#[inline(always)]
fn risen(high: f64, rise: f64) -> f64 {
    if rise == 0.0 { high } else { above(high + rise) }
}
