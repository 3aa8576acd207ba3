//! Which head of f a sample trains: f is the least of them.

use super::{Batch, Objective, Sample};
use crate::matrix::Scalar;
use crate::train::network::Network;
use crate::train::pass::Pass;

/// The heads that a batch trains, with their logits and gradients.
pub struct Chosen<T> {
    heads: usize,
    /// `[n]`.
    at: Vec<usize>,
    /// `[n]`.
    pub g: Vec<T>,
    /// ∇_ψ Σ v_j·g_j `[n × inputs]`; empty where the objective does not look at it.
    pub gradient: Vec<T>,
}

impl<T: Scalar> Chosen<T> {
    /// Of a sensitive sample with margins the head that they leave least, of every other sample the least head.
    pub fn new(objective: &Objective, network: &Network<T>, batch: &Batch<T>, pass: &Pass<T>) -> Chosen<T> {
        let heads = network.architecture.heads();
        let rows = pass.logits().chunks_exact(heads);
        let at: Vec<usize> = rows.clone().map(least).collect();
        let g = rows.zip(&at).map(|(row, &at)| row[at]).collect();
        let mut chosen = Chosen { heads, at, g, gradient: vec![] };
        if heads > 1 && !objective.margin.is_empty() {
            chosen.by_margin(objective, network, batch, pass);
        } else if objective.needs_gradient() {
            chosen.gradient = pass.input_gradient(&chosen.spread(batch.signs));
        }
        chosen
    }

    /// How many samples each head has.
    pub fn attained(&self) -> Vec<usize> {
        (0..self.heads).map(|head| self.at.iter().filter(|&&at| at == head).count()).collect()
    }

    /// One number per sample as one per head, 0 for those that are not chosen.
    pub fn spread(&self, values: &[T]) -> Vec<T> {
        let mut out = vec![T::ZERO; values.len() * self.heads];
        for ((out, &at), &value) in out.chunks_exact_mut(self.heads).zip(&self.at).zip(values) {
            out[at] = value;
        }
        out
    }

    /// Samples do not interact where there are margins, so that one pass gives a head's gradients at all of them.
    fn by_margin(&mut self, objective: &Objective, network: &Network<T>, batch: &Batch<T>, pass: &Pass<T>) {
        let d = network.architecture.inputs();
        let mut least = vec![f64::INFINITY; self.at.len()];
        self.gradient = vec![T::ZERO; batch.psi.len()];
        let at = self.at.clone();
        for head in 0..self.heads {
            let v: Vec<T> = (0..at.len() * self.heads)
                .map(|i| if i % self.heads == head { batch.signs[i / self.heads] } else { T::ZERO })
                .collect();
            let gradient = pass.input_gradient(&v);
            for (j, row) in gradient.chunks_exact(d).enumerate() {
                let g = pass.logits()[j * self.heads + head];
                let left = if batch.sensitive[j] {
                    let psi = &batch.psi[j * d..(j + 1) * d];
                    let sample = Sample { g: g.wide(), sensitive: true, psi, gradient: row };
                    objective
                        .margin
                        .iter()
                        .map(|margin| {
                            let (radius, gains) = objective.reached(network, &sample, batch.range, margin);
                            sample.g - radius * gains.size
                        })
                        .sum()
                } else if at[j] == head {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                };
                if left < least[j] {
                    (least[j], self.at[j], self.g[j]) = (left, head, g);
                    self.gradient[j * d..(j + 1) * d].copy_from_slice(row);
                }
            }
        }
    }
}

/// The first of the least entries.
pub fn least<T: Scalar>(row: &[T]) -> usize {
    (1..row.len()).fold(0, |at, i| if row[i] < row[at] { i } else { at })
}
