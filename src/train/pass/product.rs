//! Matrix products cut into row blocks of a fixed size, so that the result does not depend on the number of threads.

use crate::matrix::{Runs, SHORT, Scalar, TILE, Threads, View, multiply, products};
use rayon::prelude::*;

/// Rows per block: a function of the shape alone, never of the machine.
fn block(rows: usize) -> usize {
    rows.div_ceil(2).clamp(16, 128)
}

/// Terms of long rows that are summed before they are added to the others: so much of all rows stays at hand.
const DEPTH: usize = 512;

/// `out (+)= a · bᵀ` with `a` `[n × k]`, `b` `[m × k]`, `out` `[n × m]`.
pub fn times_transposed<T: Scalar>(out: &mut [T], accumulate: bool, a: &[T], b: &[T], k: usize) {
    let m = b.len() / k.max(1);
    if k >= DEPTH && k.is_multiple_of(SHORT) && m > 0 {
        return by_dots(out, accumulate, a, b, [k, m]);
    }
    let b = View::new(b, m, k).transposed();
    by_rows(out, accumulate, a, k, b, m);
}

/// `out (+)= a · b` with `a` `[n × k]`, `b` `[k × m]`, `out` `[n × m]`.
pub fn times<T: Scalar>(out: &mut [T], accumulate: bool, a: &[T], b: &[T], k: usize) {
    let m = b.len() / k.max(1);
    by_rows(out, accumulate, a, k, View::new(b, k, m), m);
}

/// `out (+)= aᵀ · b` with `a` `[n × m]`, `b` `[n × k]`, `out` `[m × k]`.
pub fn transposed_times<T: Scalar>(out: &mut [T], accumulate: bool, a: &[T], b: &[T], n: usize) {
    let (m, k) = (a.len() / n.max(1), b.len() / n.max(1));
    // Copied, because a block of columns of `a` is not contiguous.
    let mut turned = vec![T::ZERO; a.len()];
    for (i, row) in a.chunks_exact(m).enumerate() {
        for (j, &value) in row.iter().enumerate() {
            turned[j * n + i] = value;
        }
    }
    by_rows(out, accumulate, &turned, n, View::new(b, n, k), k);
}

/// Row by row, since both are read along their rows: nothing is laid out anew but short stretches of `a`.
fn by_dots<T: Scalar>(out: &mut [T], accumulate: bool, a: &[T], b: &[T], [k, m]: [usize; 2]) {
    let block = block(a.len() / k);
    out.par_chunks_mut(block * m).zip(a.par_chunks(block * k)).for_each(|(out, a)| {
        let rows = (a.len() / k).next_multiple_of(TILE);
        let mut sums = vec![T::ZERO; rows * m];
        let mut lines = vec![T::ZERO; rows * DEPTH];
        for start in (0..k).step_by(DEPTH) {
            let length = DEPTH.min(k - start);
            for (line, row) in lines.chunks_exact_mut(length).zip(a.chunks_exact(k)) {
                line.copy_from_slice(&row[start..start + length]);
            }
            let at: Vec<usize> = (0..m).map(|row| row * k + start).collect();
            let runs = Runs { count: 1, length, from: [0, 0], to: [0, 0] };
            products(&mut sums, &at, &lines[..rows * length], b, runs);
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = if accumulate { *out + sum } else { sum };
        }
    });
}

fn by_rows<T: Scalar>(out: &mut [T], accumulate: bool, a: &[T], k: usize, b: View<T>, m: usize) {
    if k == 0 || m == 0 {
        if !accumulate {
            out.fill(T::ZERO);
        }
        return;
    }
    let rows = a.len() / k;
    assert_eq!(out.len(), rows * m, "a product's output");
    let block = block(rows);
    out.par_chunks_mut(block * m).zip(a.par_chunks(block * k)).for_each(|(out, a)| {
        multiply(out, accumulate, View::new(a, a.len() / k, k), b, Threads::One);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u64) -> Vec<f64> {
        (0..count).map(|i| ((i as u64 * 2654435761 + seed * 97) % 1000) as f64 / 500.0 - 1.0).collect()
    }

    #[test]
    fn every_product_is_the_sum_of_products() {
        for (n, k, m) in [(1, 1, 1), (3, 5, 2), (70, 9, 33), (300, 4, 7), (5, 544, 3), (33, 1536, 9)] {
            let (a, b) = (numbers(n * k, 1), numbers(k * m, 2));
            let at = |i: usize, j: usize| (0..k).map(|l| a[i * k + l] * b[l * m + j]).sum::<f64>();
            let naive: Vec<f64> = (0..n * m).map(|e| at(e / m, e % m)).collect();
            let turn = |x: &[f64], rows: usize, cols: usize| -> Vec<f64> {
                (0..rows * cols).map(|e| x[(e % rows) * cols + e / rows]).collect()
            };
            let close = |out: &[f64], factor: f64| {
                out.iter().zip(&naive).all(|(x, y)| (x - factor * y).abs() < 1e-12 * (1.0 + k as f64))
            };
            let mut out = vec![f64::NAN; n * m];
            times(&mut out, false, &a, &b, k);
            assert!(close(&out, 1.0), "times {n} {k} {m}");
            times_transposed(&mut out, true, &a, &turn(&b, k, m), k);
            assert!(close(&out, 2.0), "times_transposed {n} {k} {m}");
            transposed_times(&mut out, true, &turn(&a, n, k), &b, k);
            assert!(close(&out, 3.0), "transposed_times {n} {k} {m}");
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let (a, b) = (numbers(97 * 61, 3), numbers(61 * 45, 4));
        let (a, b): (Vec<f32>, Vec<f32>) =
            (a.iter().map(|&v| v as f32).collect(), b.iter().map(|&v| v as f32).collect());
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![0.0f32; 97 * 45];
            pool.install(|| times(&mut out, false, &a, &b, 61));
            out
        };
        let one = run(1);
        for threads in [2, 3, 5] {
            assert_eq!(one, run(threads));
        }
    }
}
