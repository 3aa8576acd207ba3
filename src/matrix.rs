//! Dense matrix products on row-major slices: the one place that talks to `gemm`.

use gemm::Parallelism;

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
    /// Rounded once.
    fn fused(self, factor: Self, addend: Self) -> Self;
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
