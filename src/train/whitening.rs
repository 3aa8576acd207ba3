//! Training on whitened inputs, where plain descent does not stall; the affine map is multiplied into the weights after it.

use super::augment::{Augmentation, mirrored};
use super::config::Config;
use super::network::Network;
use crate::data::{Dataset, Task, Whitening};
use std::borrow::Cow;

/// The task with whitened inputs, which have the mean square 1 as a whole, not each coordinate, and the map; the task as it
/// is where nothing is to be whitened. Images that are to be mirrored train as they are and mirrored, both in every epoch:
/// a mirrored whitened image is no whitened mirrored one.
pub fn whitened<'a>(config: &Config, task: &'a Task) -> (Cow<'a, Task>, Option<Whitening>) {
    let Some(ridge) = config.network.whiten else { return (Cow::Borrowed(task), None) };
    let train = if config.augmentation.flip { with_mirrored(&task.train) } else { Cow::Borrowed(&task.train) };
    let (whitening, white) = Whitening::fit(&train.inputs, train.features(), ridge);
    let narrow = |inputs: Vec<f64>, features: usize| inputs.iter().map(|z| (z / root(features)) as f32).collect();
    let side = |data: &Dataset, inputs: Vec<f64>| Dataset { inputs: narrow(inputs, data.features()), ..data.clone() };
    let validation = side(&task.validation, whitening.apply(&task.validation.inputs));
    let task = Task { train: side(&train, white), validation, ..task.clone() };
    (Cow::Owned(task), Some(whitening))
}

/// The config of the steps on whitened inputs, among which mirrored ones are already.
pub fn of_steps(config: &Config) -> Cow<'_, Config> {
    match config.network.whiten {
        Some(_) => Cow::Owned(Config { augmentation: Augmentation::default(), ..config.clone() }),
        None => Cow::Borrowed(config),
    }
}

/// The samples, and behind them the same mirrored.
fn with_mirrored(data: &Dataset) -> Cow<'_, Dataset> {
    let inputs = [data.inputs.as_slice(), &mirrored(data)].concat();
    Cow::Owned(Dataset { inputs, sensitive: data.sensitive.repeat(2), shape: data.shape.clone() })
}

/// What whitened inputs are divided by.
fn root(features: usize) -> f64 {
    (features as f64).sqrt()
}

/// The same function of raw inputs, but for the rounding of its weights to float32.
pub fn fold(network: &mut Network<f32>, whitening: &Whitening) {
    let d = network.architecture.inputs();
    let affine: Vec<_> = network.architecture.affine().cloned().collect();
    let of_psi = affine.iter().flat_map(|affine| affine.terms.iter().map(move |term| (affine, term)));
    for (affine, term) in of_psi.filter(|(_, term)| term.from == 0) {
        for (row, bias) in affine.bias.clone().enumerate() {
            let weights = term.weight.start + row * d..term.weight.start + (row + 1) * d;
            let v: Vec<f64> = network.parameters[weights.clone()].iter().map(|&w| f64::from(w) / root(d)).collect();
            let (w, offset) = whitening.raw(&v);
            network.parameters[weights].iter_mut().zip(w).for_each(|(weight, w)| *weight = w as f32);
            let bias = &mut network.parameters[bias];
            *bias = (f64::from(*bias) + offset) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::architecture::Architecture;
    use crate::train::evaluate::logits;
    use crate::train::feature_map::{FeatureKind, FeatureMap};

    #[test]
    fn a_folded_network_is_the_same_function_of_raw_inputs() {
        let (n, d) = (60, 7);
        let inputs: Vec<f32> = (0..n * d).map(|i| ((i * 7919) % 263) as f32 / 100.0).collect();
        let data = Dataset { shape: vec![d], inputs, sensitive: (0..n).map(|i| i % 2 == 0).collect() };
        let (whitening, white) = Whitening::fit(&data.inputs, d, 1e-2);
        let white = white.iter().map(|z| (z / root(d)) as f32).collect();
        let mut network = Network::zeros(
            FeatureMap::new(FeatureKind::Identity, vec![0.0; d]),
            Architecture::dense(d, &[5, 3], false, 1),
        );
        let count = network.parameters.len();
        network.parameters = (0..count).map(|i| ((i * 31) % 23) as f32 / 10.0 - 1.0).collect();
        let before = logits(&network, &Dataset { inputs: white, ..data.clone() });
        fold(&mut network, &whitening);
        for (before, after) in before.iter().zip(logits(&network, &data)) {
            assert!((before - after).abs() < 1e-4 * (1.0 + before.abs()), "{before} {after}");
        }
    }
}
