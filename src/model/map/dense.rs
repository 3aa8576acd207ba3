//! A plain matrix of 32-bit floats.

use crate::matrix::{
    Panels, Scalar, Threads, View, add_transposed_product, matrix_vector, matrix_vector_and_size, multiply,
    panel_products, panel_products_and_sizes,
};
use crate::rounding::norm2_up;
use std::sync::OnceLock;

/// Batches of at least this many samples go through matrix–matrix products …
const BATCHED: usize = 8;

/// … where the matrix has at least this many rows: blocking a thinner one costs more than it saves.
const BLOCKED: usize = 4;

/// y = W·x.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Number of outputs.
    pub rows: usize,
    /// Number of inputs.
    pub cols: usize,
    /// `[rows × cols]`, row-major.
    pub weight: Vec<f32>,
    cache: Cache,
}

/// What products reuse; filled when it is asked for, and no part of what the matrix is.
#[derive(Debug, Default)]
struct Cache {
    wide: OnceLock<Vec<f64>>,
    panels: OnceLock<Panels>,
    row_norms: OnceLock<Vec<f64>>,
    col_norms: OnceLock<Vec<f64>>,
}

impl Clone for Cache {
    fn clone(&self) -> Cache {
        Cache::default()
    }
}

impl PartialEq for Cache {
    fn eq(&self, _: &Cache) -> bool {
        true
    }
}

impl Matrix {
    /// From its entries `[rows × cols]`.
    pub fn new(rows: usize, cols: usize, weight: Vec<f32>) -> Matrix {
        Matrix { rows, cols, weight, cache: Cache::default() }
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.weight[i * self.cols..(i + 1) * self.cols]
    }

    /// Upper bounds of the ℓ2 norms of the rows.
    pub fn row_norms(&self) -> &[f64] {
        self.cache.row_norms.get_or_init(|| {
            let wide = |i| self.row(i).iter().map(|&w| f64::from(w)).collect::<Vec<_>>();
            (0..self.rows).map(|i| norm2_up(&wide(i))).collect()
        })
    }

    /// Upper bounds of the ℓ2 norms of the columns.
    pub fn col_norms(&self) -> &[f64] {
        self.cache.col_norms.get_or_init(|| {
            let column = |j| (0..self.rows).map(|i| f64::from(self.weight[i * self.cols + j])).collect::<Vec<_>>();
            (0..self.cols).map(|j| norm2_up(&column(j))).collect()
        })
    }

    fn panels(&self) -> &Panels {
        self.cache.panels.get_or_init(|| Panels::new(self.rows, self.cols, &self.weight))
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
        View::new(T::weights(&self.weight, &self.cache.wide), self.rows, self.cols)
    }

    /// W·x for every sample of a batch.
    pub(super) fn forward<T: Scalar>(&self, x: &[T], batch: usize) -> Vec<T> {
        let mut out = vec![T::ZERO; batch * self.rows];
        if batch >= BATCHED && self.rows >= BLOCKED {
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
        if batch >= BATCHED && self.rows >= BLOCKED {
            multiply(out, true, View::new(v, batch, self.rows), self.view(), Threads::One);
        } else if self.cols > 0 {
            for (out, v) in out.chunks_exact_mut(self.cols).zip(v.chunks_exact(self.rows.max(1))) {
                add_transposed_product(out, &self.weight, v);
            }
        }
    }
}
