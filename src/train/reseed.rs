//! Heads that no sample of an epoch attained begin again beside the one that most samples had.

use super::architecture::{Affine, Shape};
use super::network::Network;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use std::ops::Range;

/// Share of a row's size by which the copy's weights differ from the original.
const SPREAD: f32 = 0.1;

/// Gives every head without samples the weights of the head with the most, changed at random; weights that convexity keeps
/// at 0 or above stay there.
pub fn reseed(network: &mut Network<f32>, attained: &[usize], rng: &mut impl Rng) {
    let Some(busiest) = (0..attained.len()).max_by_key(|&head| attained[head]) else { return };
    let output: Affine = network.architecture.affine().last().expect("an output step").clone();
    for idle in (0..attained.len()).filter(|&head| attained[head] == 0 && attained.len() > 1) {
        for term in &output.terms {
            let Shape::Dense { cols, .. } = term.shape else { continue };
            let row = |head: usize| -> Range<usize> {
                term.weight.start + head * cols..term.weight.start + (head + 1) * cols
            };
            let weights = network.parameters[row(busiest)].to_vec();
            let size = (weights.iter().map(|w| w * w).sum::<f32>() / cols.max(1) as f32).sqrt();
            for (to, w) in network.parameters[row(idle)].iter_mut().zip(weights) {
                let noise: f32 = StandardNormal.sample(rng);
                let moved = w + SPREAD * size * noise;
                *to = if term.nonnegative { moved.max(0.0) } else { moved };
            }
        }
        let bias = output.bias.start;
        network.parameters[bias + idle] = network.parameters[bias + busiest];
    }
}
