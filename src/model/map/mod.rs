//! Linear operators that are no plain matrix: entries that are picked, and windows that move.
//!
//! What a map is, is said by [`Map::entries`]; everything else is a faster way to the same sums.

mod pick;
mod windows;

pub use pick::Pick;
pub use windows::{Axis, Windows};

use crate::matrix::Scalar;

/// y = M·x, for vectors flattened row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Map {
    /// Every entry of y is one of x, or 0.
    Pick(Pick),
    /// A convolution.
    Windows(Windows),
}

impl Map {
    /// Number of entries of y.
    pub fn rows(&self) -> usize {
        match self {
            Map::Pick(pick) => pick.from.len(),
            Map::Windows(windows) => windows.rows(),
        }
    }

    /// Number of entries of x.
    pub fn cols(&self) -> usize {
        match self {
            Map::Pick(pick) => pick.cols,
            Map::Windows(windows) => windows.cols(),
        }
    }

    /// Number of stored constants.
    pub fn constants(&self) -> usize {
        match self {
            Map::Pick(_) => 0,
            Map::Windows(windows) => windows.weight.len(),
        }
    }

    /// (column, weight) of one row; each column at most once, all others are 0.
    pub fn entries(&self, row: usize) -> Box<dyn Iterator<Item = (usize, f64)> + '_> {
        match self {
            Map::Pick(pick) => Box::new(pick.from[row].into_iter().map(|col| (col, 1.0))),
            Map::Windows(windows) => Box::new(windows.entries(row)),
        }
    }

    /// M·x for every sample of a batch.
    pub fn forward<T: Scalar>(&self, x: &[T], batch: usize) -> Vec<T> {
        let cols = self.cols();
        let mut all = Vec::with_capacity(batch * self.rows());
        for x in x.chunks_exact(cols).take(batch) {
            match self {
                Map::Pick(pick) => all.extend(pick.from.iter().map(|from| from.map_or(T::ZERO, |col| x[col]))),
                Map::Windows(windows) => all.extend(windows.forward(x)),
            }
        }
        all
    }

    /// Mᵀ·v for every sample of a batch.
    pub fn transposed<T: Scalar>(&self, v: &[T], batch: usize) -> Vec<T> {
        let (rows, cols) = (self.rows(), self.cols());
        let mut all = vec![T::ZERO; batch * cols];
        for (out, v) in all.chunks_exact_mut(cols).zip(v.chunks_exact(rows)) {
            match self {
                Map::Pick(pick) => {
                    for (from, &v) in pick.from.iter().zip(v) {
                        if let Some(col) = from {
                            out[*col] += v;
                        }
                    }
                }
                Map::Windows(windows) => windows.add_transposed(out, v),
            }
        }
        all
    }

    /// |M|·x in plain floats, each entry a sum of [`Map::terms`] products at most.
    pub fn sizes(&self, x: &[f64]) -> Vec<f64> {
        (0..self.rows()).map(|row| self.entries(row).map(|(col, w)| w.abs() * x[col]).sum()).collect()
    }

    /// |M|ᵀ·v in plain floats, each entry a sum of [`Map::transposed_terms`] products at most.
    pub fn transposed_sizes(&self, v: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.cols()];
        for (row, &v) in v.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            self.entries(row).for_each(|(col, w)| all[col] += w.abs() * v);
        }
        all
    }

    /// The most products that an entry of M·x is the sum of; 0 where nothing is rounded.
    pub fn terms(&self) -> usize {
        match self {
            Map::Pick(_) => 0,
            Map::Windows(windows) => windows.cells(),
        }
    }

    /// The same for Mᵀ·v, with the sums that they are added up in.
    pub fn transposed_terms(&self) -> usize {
        match self {
            Map::Pick(pick) => pick.most_often(),
            Map::Windows(windows) => (windows.outputs + 1) * windows.axes[0].cells * windows.axes[1].cells,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// M·x and Mᵀ·v by the entries alone.
    fn naive(map: &Map, x: &[f64], v: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let forward = (0..map.rows()).map(|row| map.entries(row).map(|(col, w)| w * x[col]).sum()).collect();
        let mut back = vec![0.0; map.cols()];
        (0..map.rows()).for_each(|row| map.entries(row).for_each(|(col, w)| back[col] += w * v[row]));
        (forward, back)
    }

    fn axis() -> impl Strategy<Value = Axis> {
        (1..6_usize, 1..4_usize, 1..3_usize, 1..3_usize, 0..3_usize, 0..3_usize)
            .prop_filter_map("room for the window", |(input, cells, stride, dilation, before, after)| {
                Axis::new(input, cells, stride, dilation, before, after)
            })
    }

    /// Small whole numbers: every sum is exact.
    fn whole(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7 + seed * 13) % 11) as f64 - 5.0).collect()
    }

    proptest! {
        #[test]
        fn windows_are_the_loops_that_define_a_convolution(
            a in axis(), b in axis(), groups in 1..3_usize, inputs in 1..3_usize, outputs in 1..3_usize, seed in 0..9_usize,
        ) {
            let count = groups * outputs * inputs * a.cells * b.cells;
            let weight: Vec<f32> = whole(count, seed).iter().map(|&w| w as f32).collect();
            let windows = Windows { groups, inputs, outputs, axes: [a, b], weight: weight.clone() };
            let map = Map::Windows(windows);
            let (x, v) = (whole(map.cols(), seed + 1), whole(map.rows(), seed + 2));
            // Σ over channels and cells of weight[o][c][k][l] · x[c][i·stride + k·dilation − before][…].
            let mut expected = Vec::new();
            for o in 0..groups * outputs {
                for i in 0..a.output {
                    for j in 0..b.output {
                        let mut sum = 0.0;
                        for c in 0..inputs {
                            for k in 0..a.cells {
                                for l in 0..b.cells {
                                    let p = (i * a.stride + k * a.dilation) as i64 - a.before as i64;
                                    let q = (j * b.stride + l * b.dilation) as i64 - b.before as i64;
                                    let inside = (0..a.input as i64).contains(&p) && (0..b.input as i64).contains(&q);
                                    if inside {
                                        let channel = o / outputs * inputs + c;
                                        let w = weight[((o * inputs + c) * a.cells + k) * b.cells + l];
                                        sum += f64::from(w) * x[(channel * a.input + p as usize) * b.input + q as usize];
                                    }
                                }
                            }
                        }
                        expected.push(sum);
                    }
                }
            }
            let (forward, back) = naive(&map, &x, &v);
            prop_assert_eq!(&forward, &expected);
            prop_assert_eq!(map.forward(&x, 1), expected);
            prop_assert_eq!(map.transposed(&v, 1), back);
            let absolute = |values: &[f64]| values.iter().map(|v| v.abs()).collect::<Vec<_>>();
            let (x, v) = (absolute(&x), absolute(&v));
            let size = Map::Windows(Windows { weight: weight.iter().map(|w| w.abs()).collect(), ..match map.clone() {
                Map::Windows(windows) => windows,
                Map::Pick(_) => unreachable!("windows"),
            } });
            prop_assert_eq!((map.sizes(&x), map.transposed_sizes(&v)), naive(&size, &x, &v));
            prop_assert!((0..map.rows()).all(|row| map.entries(row).count() <= map.terms()));
        }

        #[test]
        fn picks_pick_and_their_transposes_add_up(from in prop::collection::vec(prop::option::of(0..5_usize), 1..9)) {
            let map = Map::Pick(Pick { from: from.clone(), cols: 5 });
            let (x, v) = (whole(10, 3), whole(2 * from.len(), 4));
            let (first, last) = (naive(&map, &x[..5], &v[..from.len()]), naive(&map, &x[5..], &v[from.len()..]));
            prop_assert_eq!(map.forward(&x, 2), [first.0, last.0].concat());
            prop_assert_eq!(map.transposed(&v, 2), [first.1, last.1].concat());
            let fan = |col: usize| from.iter().filter(|from| **from == Some(col)).count();
            let most = (0..5).map(fan).max().unwrap();
            prop_assert_eq!(map.transposed_terms(), if most > 1 { most } else { 0 });
        }
    }
}
