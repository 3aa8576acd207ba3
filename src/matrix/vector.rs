//! Matrix–vector products for one sample: too small for a blocked product, so memory is read once and in order.
//!
//! Weights are `f32` in memory and are widened on the way.

use super::Scalar;
use super::dispatch::dispatched;

/// Lanes of a partial sum: one cache line of `f32`.
const LANES: usize = 16;

dispatched!(
    /// `out[i] = Σ_j weight[i][j] · x[j]` for a row-major weight.
    ///
    /// # Panics
    /// When the shapes do not fit.
    matrix_vector,
    rows_times_vector,
    (out: &mut [T], weight: &[f32], x: &[T])
);

dispatched!(
    /// `out[j] += Σ_i v[i] · weight[i][j]` for a row-major weight; rows with v[i] = 0 are not read.
    ///
    /// # Panics
    /// When the shapes do not fit.
    add_transposed_product,
    add_scaled_rows,
    (out: &mut [T], weight: &[f32], v: &[T])
);

dispatched!(
    /// `out[i] = Σ_j weight[i][j] · x[j]` and `size[i] = Σ_j |weight[i][j]| · t[j]` in one pass over a row-major weight.
    ///
    /// # Panics
    /// When the shapes do not fit.
    matrix_vector_and_size,
    rows_times_vectors,
    (out: &mut [T], size: &mut [T], weight: &[f32], x: &[T], t: &[T])
);

dispatched!(
    /// `sum[j] += factor · row[j]`; with factor 0 the row is not read.
    add_scaled,
    add_scaled_row,
    (sum: &mut [T], factor: T, row: &[T])
);

dispatched!(
    /// `Σ_j a[j] · b[j]`.
    dot,
    dot_of_rows,
    (a: &[T], b: &[T]) -> T
);

/// As [`matrix_vector`] for an `x` of which only the `entries` are not 0.
///
/// # Panics
/// When the shapes do not fit.
pub fn sparse_product<T: Scalar>(out: &mut [T], weight: &[f32], cols: usize, entries: &[(usize, T)]) {
    assert_eq!(weight.len(), out.len() * cols, "a matrix-vector product");
    for (out, row) in out.iter_mut().zip(weight.chunks_exact(cols.max(1))) {
        *out = entries.iter().fold(T::ZERO, |sum, &(j, x)| sum + T::of_weight(row[j]) * x);
    }
}

#[inline(always)]
fn add_scaled_row<T: Scalar, const FUSED: bool>(sum: &mut [T], factor: T, row: &[T]) {
    if factor == T::ZERO {
        return;
    }
    for (sum, &x) in sum.iter_mut().zip(row) {
        *sum = if FUSED { factor.fused(x, *sum) } else { factor * x + *sum };
    }
}

#[inline(always)]
fn dot_of_rows<T: Scalar, const FUSED: bool>(a: &[T], b: &[T]) -> T {
    let mut sum = [T::ZERO; LANES];
    let (whole, rest) = (a.chunks_exact(LANES).zip(b.chunks_exact(LANES)), a.len().min(b.len()) / LANES * LANES);
    for (a, b) in whole {
        let (a, b): (&[T; LANES], &[T; LANES]) = (a.try_into().expect("LANES"), b.try_into().expect("LANES"));
        for lane in 0..LANES {
            sum[lane] = if FUSED { a[lane].fused(b[lane], sum[lane]) } else { a[lane] * b[lane] + sum[lane] };
        }
    }
    a[rest..].iter().zip(&b[rest..]).fold(total(sum), |sum, (&a, &b)| sum + a * b)
}

/// w · x + sum, fused where that is fast. The error bounds cover both.
#[inline(always)]
fn step<T: Scalar, const FUSED: bool>(w: f32, x: T, sum: T) -> T {
    let w = T::of_weight(w);
    if FUSED { w.fused(x, sum) } else { w * x + sum }
}

#[inline(always)]
fn rows_times_vector<T: Scalar, const FUSED: bool>(out: &mut [T], weight: &[f32], x: &[T]) {
    let cols = x.len();
    assert_eq!(weight.len(), out.len() * cols, "a matrix-vector product");
    let row = |i: usize| &weight[i * cols..(i + 1) * cols];
    let blocks = out.len() / 4 * 4;
    for i in (0..blocks).step_by(4) {
        dot4::<T, FUSED>(&mut out[i..i + 4], [row(i), row(i + 1), row(i + 2), row(i + 3)], x);
    }
    for i in blocks..out.len() {
        out[i] = dot1::<T, FUSED>(row(i), x);
    }
}

#[inline(always)]
fn rows_times_vectors<T: Scalar, const FUSED: bool>(out: &mut [T], size: &mut [T], weight: &[f32], x: &[T], t: &[T]) {
    let cols = x.len();
    assert_eq!((size.len(), t.len()), (out.len(), cols), "a pair of products");
    assert_eq!(weight.len(), out.len() * cols, "a matrix-vector product");
    let row = |i: usize| &weight[i * cols..(i + 1) * cols];
    let blocks = out.len() / 2 * 2;
    for i in (0..blocks).step_by(2) {
        let (first, second) = pair2::<T, FUSED>([row(i), row(i + 1)], x, t);
        ((out[i], size[i]), (out[i + 1], size[i + 1])) = (first, second);
    }
    for i in blocks..out.len() {
        (out[i], size[i]) = pair2::<T, FUSED>([row(i), row(i)], x, t).0;
    }
}

/// The dot products with x and the sizes with t of two rows.
#[inline(always)]
fn pair2<T: Scalar, const FUSED: bool>([a, b]: [&[f32]; 2], x: &[T], t: &[T]) -> ((T, T), (T, T)) {
    let zero = [T::ZERO; LANES];
    let (mut p, mut q, mut r, mut s) = (zero, zero, zero, zero);
    let whole = x.len() / LANES * LANES;
    let mut j = 0;
    while j < whole {
        let xs: &[T; LANES] = x[j..j + LANES].try_into().expect("LANES entries");
        let ts: &[T; LANES] = t[j..j + LANES].try_into().expect("LANES entries");
        p = lanes::<T, FUSED>(p, &a[j..j + LANES], xs);
        q = lanes::<T, FUSED>(q, &b[j..j + LANES], xs);
        r = size_lanes::<T, FUSED>(r, &a[j..j + LANES], ts);
        s = size_lanes::<T, FUSED>(s, &b[j..j + LANES], ts);
        j += LANES;
    }
    let size_tail = |sum: T, row: &[f32]| {
        row[whole..].iter().zip(&t[whole..]).fold(sum, |sum, (&w, &t)| step::<T, FUSED>(w.abs(), t, sum))
    };
    (
        (tail::<T, FUSED>(total(p), &a[whole..], &x[whole..]), size_tail(total(r), a)),
        (tail::<T, FUSED>(total(q), &b[whole..], &x[whole..]), size_tail(total(s), b)),
    )
}

/// As [`lanes`], with |w|.
#[inline(always)]
fn size_lanes<T: Scalar, const FUSED: bool>(mut sum: [T; LANES], w: &[f32], t: &[T; LANES]) -> [T; LANES] {
    let w: &[f32; LANES] = w.try_into().expect("LANES entries");
    for lane in 0..LANES {
        sum[lane] = step::<T, FUSED>(w[lane].abs(), t[lane], sum[lane]);
    }
    sum
}

/// One step of a dot product in every lane. By value, so that the lanes stay in registers.
#[inline(always)]
fn lanes<T: Scalar, const FUSED: bool>(mut sum: [T; LANES], w: &[f32], x: &[T; LANES]) -> [T; LANES] {
    let w: &[f32; LANES] = w.try_into().expect("LANES entries");
    for lane in 0..LANES {
        sum[lane] = step::<T, FUSED>(w[lane], x[lane], sum[lane]);
    }
    sum
}

#[inline(always)]
fn total<T: Scalar>(sum: [T; LANES]) -> T {
    sum.into_iter().fold(T::ZERO, |a, b| a + b)
}

#[inline(always)]
fn dot4<T: Scalar, const FUSED: bool>(out: &mut [T], [a, b, c, d]: [&[f32]; 4], x: &[T]) {
    let zero = [T::ZERO; LANES];
    let (mut p, mut q, mut r, mut s) = (zero, zero, zero, zero);
    let whole = x.len() / LANES * LANES;
    let mut j = 0;
    while j < whole {
        let xs: &[T; LANES] = x[j..j + LANES].try_into().expect("LANES entries");
        p = lanes::<T, FUSED>(p, &a[j..j + LANES], xs);
        q = lanes::<T, FUSED>(q, &b[j..j + LANES], xs);
        r = lanes::<T, FUSED>(r, &c[j..j + LANES], xs);
        s = lanes::<T, FUSED>(s, &d[j..j + LANES], xs);
        j += LANES;
    }
    for (out, (sum, row)) in out.iter_mut().zip([(p, a), (q, b), (r, c), (s, d)]) {
        *out = tail::<T, FUSED>(total(sum), &row[whole..], &x[whole..]);
    }
}

#[inline(always)]
fn tail<T: Scalar, const FUSED: bool>(sum: T, row: &[f32], x: &[T]) -> T {
    row.iter().zip(x).fold(sum, |sum, (&w, &x)| step::<T, FUSED>(w, x, sum))
}

#[inline(always)]
fn dot1<T: Scalar, const FUSED: bool>(row: &[f32], x: &[T]) -> T {
    let mut sum = [T::ZERO; LANES];
    let whole = x.len() / LANES * LANES;
    let mut j = 0;
    while j < whole {
        let xs: &[T; LANES] = x[j..j + LANES].try_into().expect("LANES entries");
        sum = lanes::<T, FUSED>(sum, &row[j..j + LANES], xs);
        j += LANES;
    }
    tail::<T, FUSED>(total(sum), &row[whole..], &x[whole..])
}

#[inline(always)]
fn add_scaled_rows<T: Scalar, const FUSED: bool>(out: &mut [T], weight: &[f32], v: &[T]) {
    let cols = out.len();
    assert_eq!(weight.len(), cols * v.len(), "a transposed matrix-vector product");
    let row = |i: usize| &weight[i * cols..(i + 1) * cols];
    let mut pending = [0; 4];
    let mut count = 0;
    for i in 0..v.len() {
        if v[i] == T::ZERO {
            continue;
        }
        pending[count] = i;
        count += 1;
        if count == 4 {
            let [a, b, c, d] = pending;
            add_rows::<T, FUSED, 4>(out, [v[a], v[b], v[c], v[d]], [row(a), row(b), row(c), row(d)]);
            count = 0;
        }
    }
    for &i in &pending[..count] {
        add_rows::<T, FUSED, 1>(out, [v[i]], [row(i)]);
    }
}

#[inline(always)]
fn add_rows<T: Scalar, const FUSED: bool, const ROWS: usize>(out: &mut [T], v: [T; ROWS], rows: [&[f32]; ROWS]) {
    let rows = rows.map(
        #[inline(always)]
        |row| &row[..out.len()],
    );
    for j in 0..out.len() {
        let mut sum = out[j];
        for r in 0..ROWS {
            sum = step::<T, FUSED>(rows[r][j], v[r], sum);
        }
        out[j] = sum;
    }
}
