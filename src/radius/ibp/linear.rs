//! Linear layers on intervals: one pass over the weight for W·mid and |W|·radius, with a-priori rounding bounds.

use crate::matrix::matrix_vector_and_size;
use crate::model::map::Matrix;
use crate::radius::ibp::intervals::Intervals;
use crate::rounding::{TINY, gamma};

/// A matrix and what is added to its product.
pub(crate) type Linear<'a> = (&'a Matrix, &'a [f64]);

/// W·x + b over the intervals of x.
pub(crate) fn linear((matrix, offset): Linear, x: &Intervals) -> Intervals {
    let infinite: Vec<usize> = (0..x.len()).filter(|&k| !(x.low[k].is_finite() && x.high[k].is_finite())).collect();
    if infinite.is_empty() {
        return finite((matrix, offset), x);
    }
    let mut known = x.clone();
    for &k in &infinite {
        (known.low[k], known.high[k]) = (0.0, 0.0);
    }
    let result = finite((matrix, offset), &known);
    (0..matrix.rows).map(|i| with_infinite(matrix.row(i), result.get(i), x, &infinite)).collect()
}

/// Adds the terms that have an infinite end: a weight of 0 takes nothing from them, and one end may still be known.
fn with_infinite(row: &[f32], (mut low, mut high): (f64, f64), x: &Intervals, infinite: &[usize]) -> (f64, f64) {
    for &k in infinite {
        let w = f64::from(row[k]);
        if w == 0.0 {
            continue;
        }
        let (a, b) = if w > 0.0 { x.get(k) } else { (x.high[k], x.low[k]) };
        low = (low + if a == 0.0 { 0.0 } else { (w * a).next_down() }).next_down();
        high = (high + if b == 0.0 { 0.0 } else { (w * b).next_up() }).next_up();
    }
    (low, high)
}

/// For v = mid + e with |e| ≤ radius: |W v − fl(W mid)| ≤ |W|·(radius + γ_n |mid|), underflow apart. The second product
/// is computed for t ≥ radius + γ_n |mid| and raised by its own γ_n.
fn finite((matrix, offset): Linear, x: &Intervals) -> Intervals {
    let n = matrix.cols;
    let g = gamma(n + 4) * (1.0 + 8.0 * f64::EPSILON);
    let mid: Vec<f64> = x.iter().map(|(low, high)| 0.5 * low + 0.5 * high).collect();
    let widen = |(&m, (low, high)): (&f64, (f64, f64))| {
        let radius = f64::max(high - m, m - low);
        let radius = if radius == 0.0 { 0.0 } else { radius.next_up() };
        let t = (radius + g * m.abs()) * (1.0 + 4.0 * f64::EPSILON);
        // A product that underflowed here would be multiplied by a weight that may be large.
        if radius == 0.0 && m == 0.0 { 0.0 } else { t + TINY }
    };
    let t: Vec<f64> = mid.iter().zip(x.iter()).map(widen).collect();
    let (mut centre, mut spread) = (vec![0.0; matrix.rows], vec![0.0; matrix.rows]);
    matrix_vector_and_size(&mut centre, &mut spread, &matrix.weight, &mid, &t);
    let raise = 1.0 + 2.0 * gamma(n + 4);
    let underflow = 4.0 * (n + 1) as f64 * TINY;
    let row = |i: usize| {
        let (c, e) = (centre[i], (spread[i] * raise + underflow).next_up());
        let b = offset.get(i).copied().unwrap_or(0.0);
        (((c - e).next_down() + b).next_down(), ((c + e).next_up() + b).next_up())
    };
    (0..matrix.rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, end by end.
    fn naive((dense, bias): Linear, x: &Intervals) -> Vec<(f64, f64)> {
        let row = |i: usize| {
            let (mut low, mut high) = (bias[i], bias[i]);
            for (k, &w) in dense.row(i).iter().enumerate().filter(|(_, w)| **w != 0.0) {
                let (a, b) = (f64::from(w) * x.low[k], f64::from(w) * x.high[k]);
                low += a.min(b);
                high += a.max(b);
            }
            (low, high)
        };
        (0..dense.rows).map(row).collect()
    }

    fn layer(rows: usize, cols: usize, seed: usize) -> (Matrix, Vec<f64>) {
        let entry = |i: usize| ((i * 7919 + seed * 31 + 13) % 1009) as f32 / 504.5 - 1.0;
        let weight = (0..rows * cols).map(|i| if i % 7 == 3 { 0.0 } else { entry(i) }).collect();
        (Matrix::new(rows, cols, weight), (0..rows).map(|i| entry(i + 3).into()).collect())
    }

    proptest! {
        #[test]
        fn one_pass_agrees_with_the_definition(rows in 1_usize..11, cols in 1_usize..40, seed in 0_usize..1000, hole in 0_usize..5) {
            let dense = layer(rows, cols, seed);
            let mut x: Intervals = (0..cols).map(|k| {
                let centre = f64::from(dense.0.weight[k]) * 3.0;
                (centre - (k % 3) as f64, centre + (k % 5) as f64)
            }).collect();
            if hole < 2 && cols > 3 {
                x.high[3] = f64::INFINITY;
                x.low[2] = if hole == 1 { f64::NEG_INFINITY } else { x.low[2] };
            }
            for ((low, high), expected) in linear((&dense.0, &dense.1), &x).iter().zip(naive((&dense.0, &dense.1), &x)) {
                prop_assert!(low == expected.0 || (low <= expected.0 + 1e-15 && low > expected.0 - 1e-11));
                prop_assert!(high == expected.1 || (high >= expected.1 - 1e-15 && high < expected.1 + 1e-11));
            }
        }
    }

    #[test]
    fn a_sum_that_rounds_is_still_enclosed() {
        // 1 + 2⁻⁶⁰ is no f64: an upper end of 1 would be wrong.
        let dense = (Matrix::new(1, 2, vec![1.0, 2.0_f32.powi(-60)]), vec![0.0]);
        let (low, high) = linear((&dense.0, &dense.1), &Intervals::point(&[1.0, 1.0])).get(0);
        assert!(low <= 1.0 && high > 1.0);
    }

    #[test]
    fn an_overflow_says_nothing() {
        let dense = (Matrix::new(1, 2, vec![f32::MAX, -f32::MAX]), vec![0.0]);
        assert_eq!(
            linear((&dense.0, &dense.1), &Intervals::point(&[1e300, 1e300])).get(0),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
    }
}
