//! The mean of several dense networks of one shape, as one network: it is input-convex as they are.

use super::architecture::Architecture;
use super::network::Network;

/// Layer by layer the members' units side by side; the output is the mean of theirs.
///
/// # Panics
/// When there is none, or they are not dense networks of one shape and one head.
pub fn mean(members: &[Network<f32>], hidden: &[usize]) -> Network<f32> {
    let (count, first) = (members.len(), &members[0]);
    if count == 1 {
        return first.clone();
    }
    let own = &first.architecture;
    let hidden: Vec<usize> = hidden.iter().map(|units| units * count).collect();
    let stretches = if own.batch_norm() { count } else { 0 };
    let mut mean = Network::zeros(first.map.clone(), Architecture::stretched(own.inputs(), &hidden, stretches, 1));
    for (i, member) in members.iter().enumerate() {
        assert!(member.architecture == *own, "members of one shape");
        place(&mut mean, member, i, count);
    }
    mean
}

/// Where the weights of one member go.
fn place(mean: &mut Network<f32>, member: &Network<f32>, i: usize, count: usize) {
    let layers = member.architecture.affine().count();
    let whole = mean.architecture.clone();
    for (k, (own, all)) in member.architecture.affine().zip(whole.affine()).enumerate() {
        let last = k + 1 == layers;
        let rows = own.bias.len();
        let (first, share) = if last { (0, 1.0 / count as f32) } else { (i * rows, 1.0) };
        for (own, all) in own.terms.iter().zip(&all.terms) {
            let (cols, wide) = (own.shape.cols(), all.shape.cols());
            let left = if own.from == 0 { 0 } else { i * cols };
            for (row, weights) in member.parameters[own.weight.clone()].chunks(cols).enumerate() {
                let start = all.weight.start + (first + row) * wide + left;
                mean.parameters[start..start + cols].iter_mut().zip(weights).for_each(|(to, w)| *to += share * w);
            }
        }
        let start = all.bias.start + first;
        let biases = &member.parameters[own.bias.clone()];
        mean.parameters[start..start + rows].iter_mut().zip(biases).for_each(|(to, b)| *to += share * b);
    }
    for (own, all) in member.architecture.norms().zip(whole.norms()) {
        let constants = &member.parameters[own.at.clone()];
        mean.parameters[all.at.start + i] = constants[0];
        mean.parameters[all.at.start + count + i] = constants[1];
        mean.running[all.number][i] = member.running[own.number][0];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::train::evaluate::logits;
    use crate::train::feature_map::{FeatureKind, FeatureMap};
    use crate::train::network::Running;

    #[test]
    fn the_mean_is_the_mean_of_the_members() {
        let inputs: Vec<f32> = (0..40).map(|i| ((i * 7919) % 41) as f32 / 20.0 - 1.0).collect();
        let data = Dataset { shape: vec![2], inputs, sensitive: vec![true; 20] };
        for (hidden, batch_norm) in [(vec![], false), (vec![5], false), (vec![4, 3], true), (vec![4, 3, 2], false)] {
            let member = |seed: usize| {
                let map = FeatureMap::new(FeatureKind::Abs, vec![0.1, -0.2]);
                let mut network = Network::zeros(map, Architecture::dense(4, &hidden, batch_norm, 1));
                let number = |i: usize| ((i * 31 + seed * 17) % 23) as f32 / 11.0 - 1.0;
                network.parameters.iter_mut().enumerate().for_each(|(i, p)| *p = number(i));
                let architecture = network.architecture.clone();
                architecture.project(&mut network.parameters);
                let running = Running { mean: seed as f64, variance: 2.0 + seed as f64 };
                network.running.iter_mut().flatten().for_each(|channel| *channel = running);
                network
            };
            let members: Vec<_> = (1..4).map(member).collect();
            let found = logits(&mean(&members, &hidden), &data);
            let of_members: Vec<Vec<f64>> = members.iter().map(|member| logits(member, &data)).collect();
            for (j, found) in found.into_iter().enumerate() {
                let expected = of_members.iter().map(|logits| logits[j]).sum::<f64>() / 3.0;
                assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{hidden:?}: {found} {expected}");
            }
        }
    }
}
