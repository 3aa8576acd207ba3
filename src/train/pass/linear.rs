//! Linear operators of a batch: forward, transposed, and the gradient of their weights.

use super::product::{times, times_transposed, transposed_times};
use crate::matrix::Scalar;
use crate::model::map::Windows;
use crate::train::architecture::{Shape, Term};
use crate::train::network::Network;
use rayon::prelude::*;

/// Samples whose weight gradients one thread adds up: a number of its own, so that sums do not depend on the machine.
const BLOCK: usize = 8;

/// The convolutions of a network, by the place of their first weight.
#[derive(Debug)]
pub struct Operators(Vec<(usize, Windows)>);

impl Operators {
    /// With the network's weights.
    pub fn new<T: Scalar>(network: &Network<T>) -> Operators {
        let windows = |term: &Term| {
            let windows = term.shape.windows(&network.parameters[term.weight.clone()])?;
            Some((term.weight.start, windows))
        };
        Operators(network.architecture.terms().filter_map(windows).collect())
    }

    fn windows(&self, term: &Term) -> &Windows {
        let found = self.0.iter().find(|(start, _)| *start == term.weight.start);
        &found.expect("every convolution is at hand").1
    }

    /// Adds W·x of every sample.
    pub fn add_forward<T: Scalar>(&self, term: &Term, parameters: &[T], x: &[T], out: &mut [T]) {
        match term.shape {
            Shape::Dense { cols, .. } => times_transposed(out, true, x, &parameters[term.weight.clone()], cols),
            Shape::Windows { .. } => {
                let (windows, rows, cols) = (self.windows(term), term.shape.rows(), term.shape.cols());
                let samples = out.par_chunks_mut(rows).zip(x.par_chunks(cols));
                samples.for_each(|(out, x)| windows.add_forward(out, x, false));
            }
        }
    }

    /// Adds Wᵀ·s of every sample.
    pub fn add_transposed<T: Scalar>(&self, term: &Term, parameters: &[T], s: &[T], out: &mut [T]) {
        match term.shape {
            Shape::Dense { rows, .. } => times(out, true, s, &parameters[term.weight.clone()], rows),
            Shape::Windows { .. } => {
                let (windows, rows, cols) = (self.windows(term), term.shape.rows(), term.shape.cols());
                let samples = out.par_chunks_mut(cols).zip(s.par_chunks(rows));
                samples.for_each(|(out, s)| windows.add_transposed(out, s, false));
            }
        }
    }

    /// Adds Σ_j s_j ⊗ x_j, over all samples, to the gradient of the weights.
    pub fn weight_gradient<T: Scalar>(&self, term: &Term, s: &[T], x: &[T], out: &mut [T]) {
        let (rows, cols) = (term.shape.rows(), term.shape.cols());
        match term.shape {
            Shape::Dense { .. } => transposed_times(out, true, s, x, s.len() / rows),
            Shape::Windows { .. } => {
                let windows = self.windows(term);
                let blocks = s.par_chunks(BLOCK * rows).zip(x.par_chunks(BLOCK * cols));
                let part = |(s, x): (&[T], &[T])| {
                    let mut part = vec![T::ZERO; term.weight.len()];
                    windows.add_weight_gradient(&mut part, s, x);
                    part
                };
                for part in blocks.map(part).collect::<Vec<_>>() {
                    out.iter_mut().zip(part).for_each(|(out, part)| *out += part);
                }
            }
        }
    }
}

/// Adds to every entry its channel's bias.
pub fn add_bias<T: Scalar>(t: &mut [T], bias: &[T], size: usize) {
    for row in t.chunks_exact_mut(size) {
        for (stretch, &b) in row.chunks_exact_mut(size / bias.len()).zip(bias) {
            stretch.iter_mut().for_each(|t| *t += b);
        }
    }
}

/// Adds the sums over samples and the channel's entries.
pub fn bias_gradient<T: Scalar>(s: &[T], size: usize, out: &mut [T]) {
    let each = size / out.len();
    for row in s.chunks_exact(size) {
        for (out, stretch) in out.iter_mut().zip(row.chunks_exact(each)) {
            *out += if each == 1 { stretch[0] } else { T::of(super::norm::sum(stretch)) };
        }
    }
}
