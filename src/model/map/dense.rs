//! A plain matrix of 32-bit floats.

use super::Kept;
use crate::matrix::{
    Panels, Scalar, Threads, View, add_transposed_product, matrix_vector, matrix_vector_and_size, multiply,
    panel_products, panel_products_and_sizes,
};
use crate::rounding::{norm2_of_squares, norm2_up, sum_up};
use std::ops::Range;
use std::sync::Arc;

/// Batches of at least this many samples go through matrix–matrix products …
const BATCHED: usize = 8;

/// … where the matrix has at least this many rows: blocking a thinner one costs more than it saves.
const BLOCKED: usize = 4;

/// Matrices of at most so many constants keep a copy in the floats that they are multiplied in …
const KEPT: usize = 1 << 20;

/// … and of others so many rows and columns at a time are copied.
const TILE: [usize; 2] = [128, 1024];

/// y = W·x.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Number of outputs.
    pub rows: usize,
    /// Number of inputs.
    pub cols: usize,
    /// `[rows × cols]`, row-major; graphs of the same network share them.
    pub weight: Arc<Vec<f32>>,
    wide: Kept<Vec<f64>>,
    panels: Kept<Panels>,
    row_norms: Kept<Vec<f64>>,
    col_norms: Kept<Vec<f64>>,
    gain: Kept<f64>,
    is_nonnegative: Kept<bool>,
}

impl Matrix {
    /// From its entries `[rows × cols]`.
    pub fn new(rows: usize, cols: usize, weight: Vec<f32>) -> Matrix {
        Matrix::shared(rows, cols, Arc::new(weight))
    }

    /// From entries that others may have, too.
    pub fn shared(rows: usize, cols: usize, weight: Arc<Vec<f32>>) -> Matrix {
        let (wide, panels, row_norms, col_norms, gain, is_nonnegative) = Default::default();
        Matrix { rows, cols, weight, wide, panels, row_norms, col_norms, gain, is_nonnegative }
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.weight[i * self.cols..(i + 1) * self.cols]
    }

    /// Upper bounds of the ℓ2 norms of the rows.
    pub fn row_norms(&self) -> &[f64] {
        self.row_norms.0.get_or_init(|| {
            let wide = |i| self.row(i).iter().map(|&w| f64::from(w)).collect::<Vec<_>>();
            (0..self.rows).map(|i| norm2_up(&wide(i))).collect()
        })
    }

    /// Upper bounds of the ℓ2 norms of the columns.
    pub fn col_norms(&self) -> &[f64] {
        self.col_norms.0.get_or_init(|| {
            let mut squares = vec![0.0; self.cols];
            for row in self.weight.chunks_exact(self.cols.max(1)) {
                squares.iter_mut().zip(row).for_each(|(sum, &w)| *sum += f64::from(w) * f64::from(w));
            }
            let column = |j| (0..self.rows).map(|i| f64::from(self.weight[i * self.cols + j])).collect::<Vec<_>>();
            let norm = |(j, &sum)| norm2_of_squares(sum, self.rows).unwrap_or_else(|| norm2_up(&column(j)));
            squares.iter().enumerate().map(norm).collect()
        })
    }

    /// An upper bound of the rows' ℓ1 norms.
    pub(super) fn gain(&self) -> f64 {
        *self.gain.0.get_or_init(|| {
            let norm = |i| sum_up(self.row(i).iter().map(|&w| f64::from(w.abs())));
            (0..self.rows).map(norm).fold(0.0, f64::max)
        })
    }

    pub(super) fn is_nonnegative(&self) -> bool {
        *self.is_nonnegative.0.get_or_init(|| self.weight.iter().all(|&w| w >= 0.0))
    }

    fn panels(&self) -> &Panels {
        self.panels.0.get_or_init(|| Panels::new(self.rows, self.cols, &self.weight))
    }

    /// W·x for every sample of a batch, in sums that do not depend on the batch.
    pub(crate) fn steady_forward<T: Scalar>(&self, x: &[T], batch: usize) -> Vec<T> {
        let mut out = vec![T::ZERO; batch * self.rows];
        if self.rows >= BLOCKED && self.cols > 0 {
            panel_products(&mut out, self.panels(), x);
        } else if self.cols > 0 {
            for (out, x) in out.chunks_exact_mut(self.rows.max(1)).zip(x.chunks_exact(self.cols)) {
                matrix_vector(out, &self.weight, x);
            }
        }
        out
    }

    /// The same and |W|·t.
    pub(crate) fn steady_sizes<T: Scalar>(&self, x: &[T], t: &[T], batch: usize) -> (Vec<T>, Vec<T>) {
        let (mut out, mut size) = (vec![T::ZERO; batch * self.rows], vec![T::ZERO; batch * self.rows]);
        if self.rows >= BLOCKED && self.cols > 0 {
            panel_products_and_sizes(&mut out, &mut size, self.panels(), x, t);
        } else if self.cols > 0 {
            let results = out.chunks_exact_mut(self.rows.max(1)).zip(size.chunks_exact_mut(self.rows.max(1)));
            for ((out, size), (x, t)) in results.zip(x.chunks_exact(self.cols).zip(t.chunks_exact(self.cols))) {
                matrix_vector_and_size(out, size, &self.weight, x, t);
            }
        }
        (out, size)
    }

    fn view<T: Scalar>(&self) -> View<'_, T> {
        View::new(T::weights(&self.weight, &self.wide.0), self.rows, self.cols)
    }

    /// Whether products in `T` go tile by tile.
    fn is_tiled<T: Scalar>(&self) -> bool {
        size_of::<T>() > size_of::<f32>() && self.weight.len() > KEPT
    }

    /// The entries of a tile.
    fn tile<'t, T: Scalar>(&self, rows: &Range<usize>, cols: &Range<usize>, tile: &'t mut Vec<T>) -> View<'t, T> {
        tile.clear();
        for i in rows.clone() {
            tile.extend(self.row(i)[cols.clone()].iter().map(|&w| T::of_weight(w)));
        }
        View::new(tile, rows.len(), cols.len())
    }

    /// Adds W·x, or Wᵀ·x, for every sample of a batch.
    fn add_tiled<T: Scalar>(&self, out: &mut [T], x: &[T], batch: usize, transposed: bool) {
        let turned = |[rows, cols]: [usize; 2]| if transposed { [cols, rows] } else { [rows, cols] };
        let ([to, from], [height, width]) = (turned([self.rows, self.cols]), turned(TILE));
        let (x, mut tile) = (View::new(x, batch, from), Vec::new());
        for own in ranges(to, height) {
            let mut sums = vec![T::ZERO; batch * own.len()];
            for read in ranges(from, width) {
                let tile = match transposed {
                    true => self.tile(&read, &own, &mut tile),
                    false => self.tile(&own, &read, &mut tile).transposed(),
                };
                multiply(&mut sums, true, x.columns(read), tile, Threads::One);
            }
            for (out, sums) in out.chunks_exact_mut(to).zip(sums.chunks_exact(own.len())) {
                out[own.clone()].iter_mut().zip(sums).for_each(|(out, &sum)| *out += sum);
            }
        }
    }

    /// W·x for every sample of a batch.
    pub(super) fn forward<T: Scalar>(&self, x: &[T], batch: usize) -> Vec<T> {
        let mut out = vec![T::ZERO; batch * self.rows];
        if batch >= BATCHED && self.rows >= BLOCKED && self.is_tiled::<T>() {
            self.add_tiled(&mut out, x, batch, false);
        } else if batch >= BATCHED && self.rows >= BLOCKED {
            multiply(&mut out, false, View::new(x, batch, self.cols), self.view().transposed(), Threads::One);
        } else if self.cols > 0 {
            for (out, x) in out.chunks_exact_mut(self.rows.max(1)).zip(x.chunks_exact(self.cols)) {
                matrix_vector(out, &self.weight, x);
            }
        }
        out
    }

    /// Adds Wᵀ·v for every sample of a batch.
    pub(super) fn add_transposed<T: Scalar>(&self, out: &mut [T], v: &[T], batch: usize) {
        if batch >= BATCHED && self.rows >= BLOCKED && self.is_tiled::<T>() {
            self.add_tiled(out, v, batch, true);
        } else if batch >= BATCHED && self.rows >= BLOCKED {
            multiply(out, true, View::new(v, batch, self.rows), self.view(), Threads::One);
        } else if self.cols > 0 {
            for (out, v) in out.chunks_exact_mut(self.cols).zip(v.chunks_exact(self.rows.max(1))) {
                add_transposed_product(out, &self.weight, v);
            }
        }
    }
}

/// 0..`size` in pieces of at most `most`.
fn ranges(size: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    (0..size).step_by(most).map(move |start| start..size.min(start + most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_tile_by_tile_agree_with_those_of_single_vectors() {
        let (rows, cols, batch) = (300, 3600, BATCHED + 1);
        let entry = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0;
        let matrix = Matrix::new(rows, cols, (0..rows * cols).map(entry).collect());
        assert!(matrix.is_tiled::<f64>() && !matrix.is_tiled::<f32>());
        let vectors = |size: usize| (0..batch * size).map(|i| f64::from(entry(i + 5))).collect::<Vec<f64>>();
        let close = |all: &[f64], one: &[f64]| all.iter().zip(one).all(|(a, b)| (a - b).abs() < 1e-10);
        let (x, v) = (vectors(cols), vectors(rows));
        let (out, mut back) = (matrix.forward(&x, batch), vec![1.0; batch * cols]);
        matrix.add_transposed(&mut back, &v, batch);
        for b in 0..batch {
            assert!(close(&out[b * rows..][..rows], &matrix.forward(&x[b * cols..][..cols], 1)));
            let mut one = vec![1.0; cols];
            matrix.add_transposed(&mut one, &v[b * rows..][..rows], 1);
            assert!(close(&back[b * cols..][..cols], &one));
        }
        assert!(matrix.wide.0.get().is_none(), "no copy is kept");
    }

    #[test]
    fn norms_of_columns_are_not_below_those_of_each() {
        for scale in [1.0, 1e-30, 1e30] {
            let weight = (0..35).map(|i| if i % 5 == 2 { 0.0 } else { (i as f32 - 16.5) * scale }).collect();
            let matrix = Matrix::new(7, 5, weight);
            for (j, &norm) in matrix.col_norms().iter().enumerate() {
                let exact = (0..7).map(|i| f64::from(matrix.row(i)[j]).powi(2)).sum::<f64>().sqrt();
                assert!(norm >= exact && norm <= exact * (1.0 + 1e-14), "{norm} {exact}");
            }
        }
    }
}
