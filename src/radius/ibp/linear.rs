//! Linear layers on batches of intervals: one pass over the weight for W·mid and |W|·radius, with a-priori rounding
//! bounds.

use crate::matrix::mapped;
use crate::model::map::Matrix;
use crate::radius::ibp::intervals::{Intervals, around, middles};

/// A matrix and what is added to its product.
pub(crate) type Linear<'a> = (&'a Matrix, &'a [f64]);

/// What the intervals are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Products in `f32` without their rounding errors: where the radius is about, and nothing else.
    Propose,
    /// Products in `f64`, every end rounded outward: what a radius rests on.
    Decide,
}

/// Middles of intervals and bounds of what lies around them, in the form in which matrices read them.
///
/// For v = mid + e with |e| ≤ radius: |W v − fl(W mid)| ≤ |W|·(radius + γ_n |mid|), underflow apart. The second product
/// is computed for t ≥ radius + γ_n |mid| and raised by its own γ_n.
#[derive(Clone, Debug)]
pub(crate) struct Middle {
    values: Values,
    /// The entries with an infinite end, which are left out.
    infinite: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Values {
    /// mid and radius, neither rounded in any direction.
    Narrow(Vec<f32>, Vec<f32>),
    /// mid and t.
    Wide(Vec<f64>, Vec<f64>),
}

impl Middle {
    /// Of a batch of vectors of intervals.
    pub fn of(x: &Intervals, batch: usize, aim: Aim) -> Middle {
        if x.is_finite() {
            return Middle { values: values(x, batch, aim), infinite: Vec::new() };
        }
        let is_infinite = |&k: &usize| !(x.low[k].is_finite() && x.high[k].is_finite());
        let infinite: Vec<usize> = (0..x.len()).filter(is_infinite).collect();
        let mut known = x.clone();
        infinite.iter().for_each(|&k| known.set(k, (0.0, 0.0)));
        Middle { values: values(&known, batch, aim), infinite }
    }
}

fn values(x: &Intervals, batch: usize, aim: Aim) -> Values {
    match aim {
        Aim::Propose => Values::Narrow(
            mapped(&x.low, &x.high, |low, high| (0.5 * low + 0.5 * high) as f32),
            mapped(&x.low, &x.high, |low, high| (0.5 * high - 0.5 * low) as f32),
        ),
        Aim::Decide => {
            let (mid, t) = middles(x, x.len() / batch);
            Values::Wide(mid, t)
        }
    }
}

/// W·x + b over the intervals of x, whose middles are given, for every sample of a batch.
pub(crate) fn linear((matrix, offset): Linear, x: &Intervals, middle: &Middle, batch: usize) -> Intervals {
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
    let (centre, spread) = match &middle.values {
        Values::Wide(mid, t) => matrix.steady_sizes(mid, t, batch),
        Values::Narrow(mid, radius) => {
            let (centre, spread) = matrix.steady_sizes(mid, radius, batch);
            (wide(centre), wide(spread))
        }
    };
    let mut result = around(centre, &spread, offset, matrix.cols);
    for of_sample in middle.infinite.chunk_by(|a, b| a / matrix.cols == b / matrix.cols) {
        let sample = of_sample[0] / matrix.cols;
        for i in 0..matrix.rows {
            let at = sample * matrix.rows + i;
            result.set(at, with_infinite(matrix.row(i), result.get(at), x, of_sample));
        }
    }
    result
}

/// Adds the terms that have an infinite end: a weight of 0 takes nothing from them, and one end may still be known.
fn with_infinite(row: &[f32], (mut low, mut high): (f64, f64), x: &Intervals, infinite: &[usize]) -> (f64, f64) {
    for &k in infinite {
        let w = f64::from(row[k % row.len()]);
        if w == 0.0 {
            continue;
        }
        let (a, b) = if w > 0.0 { x.get(k) } else { (x.high[k], x.low[k]) };
        low = (low + if a == 0.0 { 0.0 } else { (w * a).next_down() }).next_down();
        high = (high + if b == 0.0 { 0.0 } else { (w * b).next_up() }).next_up();
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(layer: Linear, x: &Intervals) -> Intervals {
        linear(layer, x, &Middle::of(x, 1, Aim::Decide), 1)
    }

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
            for ((low, high), expected) in all((&dense.0, &dense.1), &x).iter().zip(naive((&dense.0, &dense.1), &x)) {
                prop_assert!(low == expected.0 || (low <= expected.0 + 1e-15 && low > expected.0 - 1e-11));
                prop_assert!(high == expected.1 || (high >= expected.1 - 1e-15 && high < expected.1 + 1e-11));
            }
        }
    }

    #[test]
    fn a_sum_that_rounds_is_still_enclosed() {
        // 1 + 2⁻⁶⁰ is no f64: an upper end of 1 would be wrong.
        let dense = (Matrix::new(1, 2, vec![1.0, 2.0_f32.powi(-60)]), vec![0.0]);
        let (low, high) = all((&dense.0, &dense.1), &Intervals::point(&[1.0, 1.0])).get(0);
        assert!(low <= 1.0 && high > 1.0);
    }

    #[test]
    fn an_overflow_says_nothing() {
        let dense = (Matrix::new(1, 2, vec![f32::MAX, -f32::MAX]), vec![0.0]);
        assert_eq!(
            all((&dense.0, &dense.1), &Intervals::point(&[1e300, 1e300])).get(0),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
    }
}
