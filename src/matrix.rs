//! Dense matrix products on row-major slices: the one place that talks to `gemm`.

use gemm::Parallelism;
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

/// Lanes of a partial sum: one cache line of `f32`, two vector registers of `f64`.
const LANES: usize = 16;

/// `out[i] = Σ_j weight[i][j] · x[j]` for a row-major weight, with the widest vectors that the machine has.
///
/// # Panics
/// When the shapes do not fit.
pub fn matrix_vector<T: Scalar>(out: &mut [T], weight: &[f32], x: &[T]) {
    assert_eq!(weight.len(), out.len() * x.len(), "a matrix-vector product");
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let cols = x.len();
            let blocks = out.len() / 4 * 4;
            for i in (0..blocks).step_by(4) {
                let rows = [0, 1, 2, 3].map(|k| &weight[(i + k) * cols..(i + k + 1) * cols]);
                out[i..i + 4].copy_from_slice(&dot(rows, x));
            }
            for i in blocks..out.len() {
                out[i] = dot([&weight[i * cols..(i + 1) * cols]], x)[0];
            }
        },
    );
}

#[inline(always)]
fn dot<T: Scalar, const ROWS: usize>(rows: [&[f32]; ROWS], x: &[T]) -> [T; ROWS] {
    let mut sums = [[T::ZERO; LANES]; ROWS];
    let whole = x.len() / LANES * LANES;
    for j in (0..whole).step_by(LANES) {
        let xs: &[T; LANES] = x[j..j + LANES].try_into().expect("LANES entries");
        for (sum, row) in sums.iter_mut().zip(&rows) {
            let ws: &[f32; LANES] = row[j..j + LANES].try_into().expect("LANES entries");
            for lane in 0..LANES {
                sum[lane] = T::of_weight(ws[lane]).fused(xs[lane], sum[lane]);
            }
        }
    }
    let mut result = [T::ZERO; ROWS];
    for ((total, sum), row) in result.iter_mut().zip(&sums).zip(&rows) {
        for &lane in sum {
            *total += lane;
        }
        for j in whole..x.len() {
            *total = T::of_weight(row[j]).fused(x[j], *total);
        }
    }
    result
}

/// `out[j] += Σ_i v[i] · weight[i][j]` for a row-major weight; rows with v[i] = 0 are not read.
///
/// # Panics
/// When the shapes do not fit.
pub fn add_transposed_product<T: Scalar>(out: &mut [T], weight: &[f32], v: &[T]) {
    assert_eq!(weight.len(), out.len() * v.len(), "a transposed matrix-vector product");
    let active: Vec<usize> = (0..v.len()).filter(|&i| v[i] != T::ZERO).collect();
    let cols = out.len();
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let (blocks, rest) = active.as_chunks::<4>();
            for block in blocks {
                add_rows(out, block.map(|i| (v[i], &weight[i * cols..(i + 1) * cols])));
            }
            for &i in rest {
                add_rows(out, [(v[i], &weight[i * cols..(i + 1) * cols])]);
            }
        },
    );
}

#[inline(always)]
fn add_rows<T: Scalar, const ROWS: usize>(out: &mut [T], rows: [(T, &[f32]); ROWS]) {
    for j in 0..out.len() {
        let mut sum = out[j];
        for (factor, row) in rows {
            sum = T::of_weight(row[j]).fused(factor, sum);
        }
        out[j] = sum;
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
