//! Products of one matrix with batches of vectors, each entry of a result one sum from the first column to the last: it
//! depends neither on the size of the batch nor on the place in it, as it may in [`super::multiply`].
//!
//! The matrix is stored in panels of [`LANES`] rows, column by column, so that the rows of a panel are the lanes of a
//! register; a tile of several vectors shares what is read of it.

use super::Scalar;
use super::dispatch::dispatched;

/// Rows of a panel: one cache line of `f32`.
const LANES: usize = 16;
/// Vectors of a tile of two panels.
const PAIRED: usize = 8;
/// Vectors of a tile of one panel.
const SINGLE: usize = 16;
/// Vectors of a tile of one panel, where each has two sums.
const SIZED: usize = 6;

/// A matrix in panels.
#[derive(Clone, Debug)]
pub struct Panels {
    rows: usize,
    cols: usize,
    /// `[panels × cols × LANES]`; rows beyond the last one are 0.
    data: Vec<f32>,
}

impl Panels {
    /// From a row-major matrix `[rows × cols]`.
    ///
    /// # Panics
    /// When `weight` does not hold `rows · cols` entries.
    pub fn new(rows: usize, cols: usize, weight: &[f32]) -> Panels {
        assert_eq!(weight.len(), rows * cols, "a {rows}×{cols} matrix");
        let mut data = vec![0.0; rows.div_ceil(LANES) * cols * LANES];
        for (i, row) in weight.chunks_exact(cols.max(1)).enumerate() {
            let panel = &mut data[i / LANES * cols * LANES..];
            row.iter().enumerate().for_each(|(k, &w)| panel[k * LANES + i % LANES] = w);
        }
        Panels { rows, cols, data }
    }

    /// Number of vectors in `x`.
    #[inline(always)]
    fn batch(&self, x: usize) -> usize {
        assert!(self.cols > 0 && x.is_multiple_of(self.cols), "vectors of {} entries", self.cols);
        x / self.cols
    }
}

dispatched!(
    /// `out[b][i] = Σ_j weight[i][j] · x[b][j]`.
    ///
    /// # Panics
    /// When the shapes do not fit, or the matrix has no columns.
    panel_products,
    products,
    (out: &mut [T], panels: &Panels, x: &[T])
);

dispatched!(
    /// `out[b][i] = Σ_j weight[i][j] · x[b][j]` and `size[b][i] = Σ_j |weight[i][j]| · t[b][j]`.
    ///
    /// # Panics
    /// When the shapes do not fit, or the matrix has no columns.
    panel_products_and_sizes,
    products_and_sizes,
    (out: &mut [T], size: &mut [T], panels: &Panels, x: &[T], t: &[T])
);

/// Sums of the rows of one panel.
type Lanes<T> = [T; LANES];

#[inline(always)]
fn widened<T: Scalar>(weights: &[f32]) -> Lanes<T> {
    let weights: &[f32; LANES] = weights.try_into().expect("LANES entries");
    let mut wide = [T::ZERO; LANES];
    for lane in 0..LANES {
        wide[lane] = T::of_weight(weights[lane]);
    }
    wide
}

#[inline(always)]
fn absolute<T: Scalar>(mut weights: Lanes<T>) -> Lanes<T> {
    for lane in 0..LANES {
        weights[lane] = weights[lane].size();
    }
    weights
}

/// Sums and weights are by value, so that they stay in registers.
#[inline(always)]
fn plus<T: Scalar, const FUSED: bool>(mut sum: Lanes<T>, weights: &Lanes<T>, x: T) -> Lanes<T> {
    for lane in 0..LANES {
        sum[lane] = if FUSED { weights[lane].fused(x, sum[lane]) } else { weights[lane] * x + sum[lane] };
    }
    sum
}

/// The sums of [`SINGLE`] vectors with one panel, every one a variable of its own: in an array of arrays they would not
/// stay in registers.
macro_rules! single {
    ($($sum:ident $i:tt),*) => {
        #[inline(always)]
        fn one_panel<T: Scalar, const FUSED: bool>(panel: &[f32], x: [&[T]; SINGLE]) -> [Lanes<T>; SINGLE] {
            let x = cut(x);
            $(let mut $sum = [T::ZERO; LANES];)*
            for (k, w) in panel.chunks_exact(LANES).enumerate().take(x[0].len()) {
                let w = widened::<T>(w);
                $($sum = plus::<T, FUSED>($sum, &w, x[$i][k]);)*
            }
            [$($sum),*]
        }
    };
}

/// The same for [`PAIRED`] vectors with two panels.
macro_rules! paired {
    ($($sum:ident $other:ident $i:tt),*) => {
        #[inline(always)]
        fn two_panels<T: Scalar, const FUSED: bool>(panels: &[f32], x: [&[T]; PAIRED]) -> [[Lanes<T>; 2]; PAIRED] {
            let x = cut(x);
            $(let (mut $sum, mut $other) = ([T::ZERO; LANES], [T::ZERO; LANES]);)*
            let (first, second) = panels.split_at(panels.len() / 2);
            let weights = first.chunks_exact(LANES).zip(second.chunks_exact(LANES));
            for (k, (w, v)) in weights.enumerate().take(x[0].len()) {
                let (w, v) = (widened::<T>(w), widened::<T>(v));
                $($sum = plus::<T, FUSED>($sum, &w, x[$i][k]);
                $other = plus::<T, FUSED>($other, &v, x[$i][k]);)*
            }
            [$([$sum, $other]),*]
        }
    };
}

/// The same for [`SIZED`] pairs of vectors with a panel and with its absolute values.
macro_rules! sized {
    ($($sum:ident $size:ident $i:tt),*) => {
        #[inline(always)]
        fn sized<T: Scalar, const FUSED: bool>(
            panel: &[f32],
            x: [&[T]; SIZED],
            t: [&[T]; SIZED],
        ) -> [[Lanes<T>; 2]; SIZED] {
            let (x, t) = (cut(x), cut(t));
            $(let (mut $sum, mut $size) = ([T::ZERO; LANES], [T::ZERO; LANES]);)*
            for (k, w) in panel.chunks_exact(LANES).enumerate().take(x[0].len()) {
                let w = widened::<T>(w);
                let v = absolute(w);
                $($sum = plus::<T, FUSED>($sum, &w, x[$i][k]);
                $size = plus::<T, FUSED>($size, &v, t[$i][k]);)*
            }
            [$([$sum, $size]),*]
        }
    };
}

single!(a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9, l 10, m 11, n 12, o 13, p 14, q 15);
paired!(a a2 0, b b2 1, c c2 2, d d2 3, e e2 4, f f2 5, g g2 6, h h2 7);
sized!(a a2 0, b b2 1, c c2 2, d d2 3, e e2 4, f f2 5);

/// Slices of one length, which spares the loops their checks.
#[inline(always)]
fn cut<T, const N: usize>(x: [&[T]; N]) -> [&[T]; N] {
    let cols = x[0].len();
    x.map(
        #[inline(always)]
        |x| &x[..cols],
    )
}

/// N vectors from number `first` on; the last one stands for those beyond it.
#[inline(always)]
fn vectors<T, const N: usize>(x: &[T], cols: usize, first: usize) -> [&[T]; N] {
    let last = x.len() / cols - 1;
    std::array::from_fn(
        #[inline(always)]
        |i| {
            let at = (first + i).min(last) * cols;
            &x[at..at + cols]
        },
    )
}

/// Copies the lanes that are rows to the vectors that there are, from vector `first` and row `row` on.
#[inline(always)]
fn store<T: Scalar>(out: &mut [T], rows: usize, first: usize, row: usize, sums: &[Lanes<T>]) {
    for (out, sums) in out.chunks_exact_mut(rows).skip(first).zip(sums) {
        match out[row..].first_chunk_mut::<LANES>() {
            Some(out) => *out = *sums,
            None => out[row..].iter_mut().zip(sums).for_each(|(out, &sum)| *out = sum),
        }
    }
}

#[inline(always)]
fn products<T: Scalar, const FUSED: bool>(out: &mut [T], panels: &Panels, x: &[T]) {
    let Panels { rows, cols, data } = panels;
    let (rows, cols, batch) = (*rows, *cols, panels.batch(x.len()));
    assert_eq!(out.len(), batch * rows, "a product's output");
    // Panels stay near the processor while the vectors pass by.
    let pairs = data.chunks_exact(2 * LANES * cols);
    let (last, mut row) = (pairs.remainder(), 0);
    for pair in pairs {
        for first in (0..batch).step_by(PAIRED) {
            let sums = two_panels::<T, FUSED>(pair, vectors(x, cols, first));
            store(out, rows, first, row, &sums.map(|[a, _]| a));
            store(out, rows, first, row + LANES, &sums.map(|[_, b]| b));
        }
        row += 2 * LANES;
    }
    for first in (0..if last.is_empty() { 0 } else { batch }).step_by(SINGLE) {
        store(out, rows, first, row, &one_panel::<T, FUSED>(last, vectors(x, cols, first)));
    }
}

#[inline(always)]
fn products_and_sizes<T: Scalar, const FUSED: bool>(out: &mut [T], size: &mut [T], panels: &Panels, x: &[T], t: &[T]) {
    let Panels { rows, cols, data } = panels;
    let (rows, cols, batch) = (*rows, *cols, panels.batch(x.len()));
    assert_eq!((out.len(), size.len(), t.len()), (batch * rows, batch * rows, x.len()), "a pair of products");
    for first in (0..batch).step_by(SIZED) {
        let (x, t) = (vectors(x, cols, first), vectors(t, cols, first));
        for (p, panel) in data.chunks_exact(LANES * cols).enumerate() {
            let sums = sized::<T, FUSED>(panel, x, t);
            store(out, rows, first, p * LANES, &sums.map(|[a, _]| a));
            store(size, rows, first, p * LANES, &sums.map(|[_, b]| b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(i: usize) -> f32 {
        ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0
    }

    fn check<T: Scalar>(tolerance: f64) {
        for (rows, cols, batch) in [(1, 1, 1), (16, 5, 8), (17, 33, 9), (40, 70, 13), (70, 3, 30)] {
            let weight: Vec<f32> = (0..rows * cols).map(entry).collect();
            let panels = Panels::new(rows, cols, &weight);
            let x: Vec<T> = (0..batch * cols).map(|i| T::of(entry(i + 5).into())).collect();
            let t: Vec<T> = (0..batch * cols).map(|i| T::of(entry(i + 7).abs().into())).collect();
            let (mut plain, mut out, mut size) =
                (vec![T::ONE; batch * rows], vec![T::ONE; batch * rows], vec![T::ONE; batch * rows]);
            panel_products(&mut plain, &panels, &x);
            panel_products_and_sizes(&mut out, &mut size, &panels, &x, &t);
            assert_eq!(plain, out, "one order of summation");
            for (b, i) in (0..batch).flat_map(|b| (0..rows).map(move |i| (b, i))) {
                let row = |j: usize| f64::from(weight[i * cols + j]);
                let sum: f64 = (0..cols).map(|j| row(j) * x[b * cols + j].wide()).sum();
                let sizes: f64 = (0..cols).map(|j| row(j).abs() * t[b * cols + j].wide()).sum();
                assert!((out[b * rows + i].wide() - sum).abs() < tolerance, "{rows}×{cols}, vector {b}, row {i}");
                assert!((size[b * rows + i].wide() - sizes).abs() < tolerance, "{rows}×{cols}, vector {b}, row {i}");
            }
            // Alone, every vector has the very same products.
            for b in 0..batch {
                let mut one = vec![T::ZERO; rows];
                panel_products(&mut one, &panels, &x[b * cols..(b + 1) * cols]);
                assert_eq!(one, plain[b * rows..(b + 1) * rows]);
            }
        }
    }

    #[test]
    fn products_agree_with_their_definition_and_not_with_the_batch() {
        check::<f32>(1e-4);
        check::<f64>(1e-12);
    }
}
