//! Dense matrix products on row-major slices: the one place that talks to `gemm`, and kernels for one vector and
//! for batches whose sums do not depend on the batch.

mod dispatch;
mod panels;
mod shifted;
mod vector;

pub(crate) use dispatch::{all, fill, mapped, update, vectorized};
pub use panels::{Panels, panel_products, panel_products_and_sizes};
pub use shifted::{LANES, Runs, SHORT, Shifted, TILE, products};
pub use vector::{add_scaled, add_transposed_product, dot, matrix_vector, matrix_vector_and_size, sparse_product};

use gemm::Parallelism;
use std::ops::Range;
use std::sync::OnceLock;

/// A float that networks are evaluated in: `f32` (fast) or `f64` (to be bounded rigorously).
pub trait Scalar:
    Copy
    + Send
    + Sync
    + PartialOrd
    + Default
    + std::fmt::Debug
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::AddAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The nearest value of this type.
    fn of(value: f64) -> Self;
    /// Exact for both types.
    fn wide(self) -> f64;
    /// self · factor + addend, rounded once.
    fn fused(self, factor: Self, addend: Self) -> Self;
    /// The absolute value.
    fn size(self) -> Self;
    /// A stored weight, exactly.
    fn of_weight(weight: f32) -> Self;
    /// Stored weights as a slice of this type; `wide` keeps the converted copy.
    fn weights<'a>(narrow: &'a [f32], wide: &'a OnceLock<Vec<f64>>) -> &'a [Self];
}

impl Scalar for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn of(value: f64) -> Self {
        value as f32
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn fused(self, factor: Self, addend: Self) -> Self {
        self.mul_add(factor, addend)
    }
    #[inline(always)]
    fn size(self) -> Self {
        self.abs()
    }
    #[inline(always)]
    fn of_weight(weight: f32) -> Self {
        weight
    }
    fn weights<'a>(narrow: &'a [f32], _: &'a OnceLock<Vec<f64>>) -> &'a [Self] {
        narrow
    }
}

impl Scalar for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn of(value: f64) -> Self {
        value
    }
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn fused(self, factor: Self, addend: Self) -> Self {
        self.mul_add(factor, addend)
    }
    #[inline(always)]
    fn size(self) -> Self {
        self.abs()
    }
    #[inline(always)]
    fn of_weight(weight: f32) -> Self {
        f64::from(weight)
    }
    fn weights<'a>(narrow: &'a [f32], wide: &'a OnceLock<Vec<f64>>) -> &'a [Self] {
        wide.get_or_init(|| narrow.iter().map(|&w| f64::from(w)).collect())
    }
}

/// A read-only matrix view, `[rows × cols]`, by strides.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> View<'a, T> {
    /// A row-major matrix.
    ///
    /// # Panics
    /// When `data` does not hold `rows · cols` entries.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "a {rows}×{cols} matrix");
        View { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// Some of its columns.
    ///
    /// # Panics
    /// When they are not all there.
    pub fn columns(self, cols: Range<usize>) -> Self {
        assert!(cols.start < cols.end && cols.end <= self.cols, "columns of a matrix");
        View { data: &self.data[cols.start * self.col_stride..], cols: cols.len(), ..self }
    }

    /// The same memory, read as the transpose.
    pub fn transposed(self) -> Self {
        View {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// How many threads one product may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread only.
    One,
    /// The current rayon pool.
    Pool,
}

/// `out = a · b`, or `out += a · b` when `accumulate`; `out` is row-major `[a.rows × b.cols]`.
///
/// # Panics
/// When the shapes do not fit.
pub fn multiply<T: Scalar>(out: &mut [T], accumulate: bool, a: View<T>, b: View<T>, threads: Threads) {
    assert_eq!(a.cols, b.rows, "inner dimensions of a product");
    assert_eq!(out.len(), a.rows * b.cols, "a product's output");
    if out.is_empty() {
        return;
    }
    if a.cols == 0 {
        if !accumulate {
            out.fill(T::ZERO);
        }
        return;
    }
    let parallelism = match threads {
        Threads::One => Parallelism::None,
        Threads::Pool => Parallelism::Rayon(0),
    };
    // SAFETY: `View` and the assertions above keep every index of the three strided matrices inside its slice, and
    // `out` is borrowed mutably, so it overlaps neither operand.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            out.as_mut_ptr(),
            1,
            b.cols as isize,
            accumulate,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(i: usize) -> f32 {
        ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0
    }

    proptest! {
        #[test]
        fn products_agree_with_their_definition(rows in 1_usize..40, cols in 1_usize..70, batch in 1_usize..9) {
            let weight: Vec<f32> = (0..rows * cols).map(entry).collect();
            let x: Vec<f64> = (0..batch * cols).map(|i| f64::from(entry(i + 5))).collect();
            let v: Vec<f64> = (0..rows).map(|i| if i % 3 == 0 { 0.0 } else { f64::from(entry(i)) }).collect();
            let wide: Vec<f64> = weight.iter().map(|&w| f64::from(w)).collect();
            let naive = |b: usize, i: usize| (0..cols).map(|j| wide[i * cols + j] * x[b * cols + j]).sum::<f64>();
            let mut all = vec![0.0; batch * rows];
            multiply(&mut all, false, View::new(&x, batch, cols), View::new(&wide, rows, cols).transposed(), Threads::One);
            for b in 0..batch {
                let mut one = vec![0.0; rows];
                matrix_vector(&mut one, &weight, &x[b * cols..(b + 1) * cols]);
                for i in 0..rows {
                    prop_assert!((one[i] - naive(b, i)).abs() < 1e-12);
                    prop_assert!((all[b * rows + i] - naive(b, i)).abs() < 1e-12);
                }
            }
            let mut back = vec![1.0; cols];
            add_transposed_product(&mut back, &weight, &v);
            for j in 0..cols {
                let sum: f64 = (0..rows).map(|i| wide[i * cols + j] * v[i]).sum();
                prop_assert!((back[j] - 1.0 - sum).abs() < 1e-12);
            }
        }
    }
}
