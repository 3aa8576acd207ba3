//! What floats make of a map's products: a-priori bounds of their errors, entry by entry.
//!
//! For a matrix the quick bound is γ_n·‖W_i‖₂·‖x̃‖₂ + ‖W_i‖₂·‖e‖₂ (Cauchy–Schwarz, with row norms computed once per
//! model), which costs as much as the matrix has rows. Where inputs or units differ by many orders of magnitude it says
//! nothing: the fine bound is γ_n·Σ|W_ij|·|x̃_j| + Σ|W_ij|·e_j, for as much as the product itself costs.

use super::{Map, Matrix};
use crate::matrix::matrix_vector_and_size;
use crate::rounding::{TINY, gamma, norm2_up};

/// Twice the unit roundoff: covers one rounding and the rounding of the bound itself.
pub(in crate::model) const STEP: f64 = f64::EPSILON;

/// How closely matrices are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// By norms of rows and columns.
    Quick,
    /// Entry by entry.
    Fine,
}

/// (‖x̃‖₂, ‖e‖₂) of a vector that several matrices may read, once it has been asked for.
pub(in crate::model) type Norms = Option<(f64, f64)>;

/// Bounds of |computed − exact| of M·x, where the computed `x` is within `e` of the exact one.
pub(in crate::model) fn forward(map: &Map, x: &[f64], e: &[f64], care: Care, norms: &mut Norms) -> Vec<f64> {
    match map {
        Map::Identity(_) | Map::Pick(_) => map.forward(e, 1),
        Map::Diagonal(diagonal) => {
            let product = map.forward(x, 1);
            product.iter().zip(e).zip(diagonal.weights()).map(|((&y, &e), c)| rounded(y, e, c.size())).collect()
        }
        Map::Dense(matrix) if care == Care::Quick => {
            quick(matrix, *norms.get_or_insert_with(|| (norm2_up(x), norm2_up(e))))
        }
        Map::Dense(matrix) => fine(matrix, x, e),
        Map::Windows(windows) => {
            let g = gamma(windows.cells() + 4) * (1.0 + 4.0 * STEP);
            summed(map.sizes(&sizes(x, e, g)), windows.cells(), g)
        }
    }
}

/// The sizes that products are bounded by: g·|x̃| + e, visible where they are not 0.
fn sizes(x: &[f64], e: &[f64], g: f64) -> Vec<f64> {
    let size = |(&x, &e): (&f64, &f64)| visible(g * x.abs() + e * (1.0 + 4.0 * STEP), x.abs());
    x.iter().zip(e).map(size).collect()
}

/// The bounds from sums of such sizes, with what underflows.
fn summed(sizes: Vec<f64>, terms: usize, g: f64) -> Vec<f64> {
    let underflow = (terms + 2) as f64 * TINY;
    let bound = |size: f64| if size == 0.0 { 0.0 } else { size * (1.0 + g) + underflow };
    sizes.into_iter().map(bound).collect()
}

fn quick(matrix: &Matrix, (size, carried): (f64, f64)) -> Vec<f64> {
    let g = gamma(matrix.cols + 4) * (1.0 + 4.0 * STEP);
    let scale = g * size + carried * (1.0 + 4.0 * STEP);
    let underflow = (matrix.cols + 2) as f64 * TINY;
    // Products vanish only where a factor is exactly 0: `scale` itself may have underflowed.
    let nothing = size == 0.0 && carried == 0.0;
    let bound = |norm: f64| {
        let size = norm * scale;
        if size == 0.0 && (norm == 0.0 || nothing) { 0.0 } else { size * (1.0 + 8.0 * STEP) + underflow }
    };
    matrix.row_norms().iter().map(|&norm| bound(norm)).collect()
}

fn fine(matrix: &Matrix, x: &[f64], e: &[f64]) -> Vec<f64> {
    let g = gamma(matrix.cols + 4) * (1.0 + 4.0 * STEP);
    let (mut values, mut bounds) = (vec![0.0; matrix.rows], vec![0.0; matrix.rows]);
    matrix_vector_and_size(&mut values, &mut bounds, &matrix.weight, x, &sizes(x, e, g));
    summed(bounds, matrix.cols, g)
}

/// Products of a weight and a number at least this large do not vanish.
const VISIBLE: f64 = 1e-200;

/// |v|, but no less than [`VISIBLE`] unless `v` and its error are 0.
fn visible(v: f64, e: f64) -> f64 {
    if v == 0.0 && e == 0.0 { 0.0 } else { v.abs().max(VISIBLE) }
}

/// The error of y = c·x rounded once, where x carries the error e; 0 when nothing was rounded and nothing carried.
pub(in crate::model) fn rounded(y: f64, e: f64, c: f64) -> f64 {
    let size = c * e + STEP * y.abs();
    if size == 0.0 && (e == 0.0 || c == 0.0) && y == 0.0 {
        // c·x may have underflowed to 0, unless a factor is 0: one TINY covers both.
        return if c == 0.0 { 0.0 } else { TINY };
    }
    size * (1.0 + 4.0 * STEP) + TINY
}

/// What a node receives from another one in a backward pass.
pub(in crate::model) struct Contribution {
    /// Bounds of the contribution's own errors.
    pub carried: Vec<f64>,
    /// Bounds of its sizes.
    pub magnitude: Vec<f64>,
    /// Roundings per entry.
    pub terms: usize,
}

/// Of Mᵀ·v, where the computed `v` is within `error` of the exact one.
pub(in crate::model) fn backward(map: &Map, v: &[f64], error: &[f64], care: Care) -> Contribution {
    let terms = map.transposed_terms();
    match map {
        Map::Identity(_) | Map::Pick(_) => {
            let sizes: Vec<f64> = v.iter().map(|v| v.abs()).collect();
            Contribution { carried: map.transposed(error, 1), magnitude: map.transposed(&sizes, 1), terms }
        }
        Map::Diagonal(diagonal) => scaled(v, error, diagonal.weights().map(|c| c.size())),
        Map::Dense(matrix) if care == Care::Quick => {
            let norms = matrix.col_norms();
            let (size, carried) = (norm2_up(v), norm2_up(error));
            let underflow = if size == 0.0 && carried == 0.0 { 0.0 } else { matrix.rows as f64 * TINY };
            let times = |x: f64| -> Vec<f64> {
                let x = x * (1.0 + STEP);
                norms.iter().map(|&norm| if norm == 0.0 { 0.0 } else { norm * x + underflow }).collect()
            };
            Contribution { carried: times(carried), magnitude: times(size), terms }
        }
        Map::Dense(_) | Map::Windows(_) => {
            let pairs = || v.iter().zip(error);
            let sizes: Vec<f64> = pairs().map(|(&v, &e)| visible(v, e)).collect();
            // Where an adjoint or its error is not 0, neither vanishes.
            let lost = |(&v, &e): (&f64, &f64)| if v == 0.0 && e == 0.0 { 0.0 } else { visible(e, 0.0) };
            let carried: Vec<f64> = pairs().map(lost).collect();
            let magnitude = map.transposed_sizes(&sizes);
            let underflow = terms as f64 * TINY;
            let raised = |(carried, &size): (f64, &f64)| carried + if size == 0.0 { 0.0 } else { underflow };
            let carried = map.transposed_sizes(&carried).into_iter().zip(&magnitude).map(raised).collect();
            Contribution { carried, magnitude, terms }
        }
    }
}

/// Of v times factors of these sizes.
pub(in crate::model) fn scaled(v: &[f64], error: &[f64], sizes: impl Iterator<Item = f64>) -> Contribution {
    let (mut carried, mut magnitude) = (Vec::with_capacity(v.len()), Vec::with_capacity(v.len()));
    for ((&v, &e), c) in v.iter().zip(error).zip(sizes) {
        // An adjoint that underflowed to 0 carries an error, and its product with c is not 0 either.
        let underflow = if c == 0.0 || (v == 0.0 && e == 0.0) { 0.0 } else { TINY };
        carried.push(c * e * (1.0 + 2.0 * STEP) + underflow);
        magnitude.push((c * v.abs() + underflow) * (1.0 + 2.0 * STEP));
    }
    Contribution { carried, magnitude, terms: 1 }
}
