//! Quick bounds of what a convolution makes of sizes: by Cauchy and Schwarz the norm of a channel's weights times that of
//! all that a window covers, over which a window of ones sums.

use super::Windows;
use crate::matrix::update;
use crate::rounding::{TINY, gamma, max_abs, norm2_up, power_of_two_near, sum_up};

/// What bounds are made of, once per model.
#[derive(Debug)]
pub(in crate::model) struct Bounds {
    /// Upper bounds of the weights' ℓ2 norms, of every channel of the output and of the input.
    norms: [Vec<f64>; 2],
    /// One channel per group, and no weight but 1.
    ones: Windows,
    /// An upper bound of the rows' ℓ1 norms.
    pub gain: f64,
    /// Whether no weight is below 0.
    pub is_nonnegative: bool,
}

impl Bounds {
    /// Of these weights.
    pub fn new(windows: &Windows) -> Bounds {
        let cells = windows.axes[0].cells * windows.axes[1].cells;
        let rows = || windows.weight.chunks_exact(windows.cells());
        let wide = |weight: &[f32]| weight.iter().map(|&w| f64::from(w)).collect::<Vec<f64>>();
        let column = |group: &[f32], input: usize| {
            let rows = group.chunks_exact(windows.cells());
            norm2_up(&rows.flat_map(|row| wide(&row[input * cells..(input + 1) * cells])).collect::<Vec<f64>>())
        };
        let groups = windows.weight.chunks_exact(windows.outputs * windows.cells());
        let columns = groups.flat_map(|group| (0..windows.inputs).map(move |input| column(group, input)));
        let size = |row: &[f32]| sum_up(row.iter().map(|&w| f64::from(w.abs())));
        Bounds {
            norms: [rows().map(|row| norm2_up(&wide(row))).collect(), columns.collect()],
            ones: Windows::new(windows.groups, [1, 1], windows.axes, vec![1.0; windows.groups * cells]),
            gain: rows().map(size).fold(0.0, f64::max),
            is_nonnegative: windows.weight.iter().all(|&w| w >= 0.0),
        }
    }

    /// Of |M|·x, where no entry of x is below 0.
    pub fn forward(&self, x: &[f64]) -> Vec<f64> {
        let sizes = [self.ones.cols(), self.ones.rows()];
        self.spread(&self.norms[0], sizes, x, |sums, squares| self.ones.add_forward(sums, squares, false))
    }

    /// Of |M|ᵀ·v, where no entry of v is below 0.
    pub fn back(&self, v: &[f64]) -> Vec<f64> {
        let sizes = [self.ones.rows(), self.ones.cols()];
        self.spread(&self.norms[1], sizes, v, |sums, squares| self.ones.add_transposed(sums, squares, false))
    }

    fn spread(
        &self,
        norms: &[f64],
        [read, reached]: [usize; 2],
        x: &[f64],
        over_windows: impl Fn(&mut [f64], &[f64]),
    ) -> Vec<f64> {
        let (groups, largest) = (self.ones.groups, max_abs(x));
        let (read, reached) = (read / groups, reached / groups);
        if largest == 0.0 || !largest.is_finite() {
            return vec![if largest == 0.0 { 0.0 } else { f64::INFINITY }; norms.len() * reached];
        }
        // Squares neither overflow, nor lose more than TINY each, once the largest entry is near 1.
        let (scale, count) = (power_of_two_near(largest), x.len() / groups);
        let (inverse, raise) = (1.0 / scale, 1.0 + gamma(count + 8));
        let (mut squares, mut sums) = (vec![0.0; groups * read], vec![0.0; groups * reached]);
        for (squares, x) in squares.chunks_exact_mut(read).zip(x.chunks_exact(count)) {
            x.chunks_exact(read).for_each(|x| update(squares, x, |sum, x| sum + (x * inverse) * (x * inverse)));
        }
        over_windows(&mut sums, &squares);
        let root = |sum: f64| (sum * raise + count as f64 * TINY).sqrt() * raise * scale;
        sums.iter_mut().for_each(|sum| *sum = root(*sum));
        let mut all = Vec::with_capacity(norms.len() * reached);
        for (norms, roots) in norms.chunks_exact(norms.len() / groups).zip(sums.chunks_exact(reached)) {
            norms.iter().for_each(|norm| all.extend(roots.iter().map(|root| root * norm)));
        }
        all
    }
}
