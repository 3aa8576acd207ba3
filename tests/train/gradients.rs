//! Every gradient of the trainer, that of the penalties included, against finite differences in f64.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use underplane::train::feature_map::{FeatureKind, FeatureMap};
use underplane::train::loss::{Batch, Classification, Margin, Norm, Objective, Penalised, Penalty};
use underplane::train::network::Network;
use underplane::train::pass::{Mode, Pass};

struct Case {
    network: Network<f64>,
    psi: Vec<f64>,
    sensitive: Vec<bool>,
    signs: Vec<f64>,
}

/// A random network with every kind of parameter away from 0, and a random batch.
fn case(kind: FeatureKind, hidden: &[usize], batch_norm: bool, seed: u64) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (features, n) = (5, 6);
    let centre = (0..features).map(|_| rng.random_range(-0.5..0.5f32)).collect();
    let mut network: Network<f64> = Network::zeros(FeatureMap::new(kind, centre), hidden, batch_norm);
    let count = network.parameters.len();
    network.parameters = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    for layer in network.architecture.layers().to_vec() {
        network.parameters[layer.hidden].iter_mut().for_each(|w| *w = w.abs());
        if let Some(gain) = layer.gain {
            network.parameters[gain] = network.parameters[gain].abs() + 0.2;
        }
    }
    let inputs: Vec<f32> = (0..n * features).map(|_| rng.random_range(-2.0..2.0)).collect();
    let psi = network.map.apply(&inputs);
    let sensitive = (0..n).map(|i| i % 2 == 0).collect();
    let signs = (0..n).map(|_| if batch_norm && rng.random_bool(0.5) { -1.0 } else { 1.0 }).collect();
    Case { network, psi, sensitive, signs }
}

fn objectives() -> Vec<(&'static str, Objective)> {
    let penalty = |norm| Objective { penalty: vec![Penalty { norm, weight: 0.7 }], ..Objective::default() };
    let margin = |norm| Objective { margin: vec![Margin { norm, radius: 0.3 }], ..Objective::default() };
    vec![
        ("plain", Objective::default()),
        ("l1", penalty(Norm::L1)),
        ("l2", penalty(Norm::L2)),
        ("linf", penalty(Norm::Linf)),
        ("frobenius", Objective { frobenius: 0.4, ..Objective::default() }),
        ("margin l1", margin(Norm::L1)),
        ("margin l2", margin(Norm::L2)),
        ("margin linf", margin(Norm::Linf)),
        (
            "everything",
            Objective {
                penalty: vec![Penalty { norm: Norm::L2, weight: 0.1 }, Penalty { norm: Norm::L1, weight: 0.05 }],
                frobenius: 0.2,
                penalised: Penalised::Sensitive,
                margin: vec![Margin { norm: Norm::Linf, radius: 0.1 }, Margin { norm: Norm::L2, radius: 0.2 }],
                sensitive_weight: Some(1.5),
                ..Objective::default()
            },
        ),
        (
            "squared hinge",
            Objective {
                classification: Classification::SquaredHinge,
                penalty: vec![Penalty { norm: Norm::L2, weight: 0.1 }],
                sensitive_weight: Some(1.5),
                ..Objective::default()
            },
        ),
    ]
}

/// Central differences of `value` in every entry of `at`, compared with `gradient`.
fn compare(what: &str, at: &[f64], gradient: &[f64], mut value: impl FnMut(&[f64]) -> f64) {
    let step = 1e-6;
    let mut moved = at.to_vec();
    for i in 0..at.len() {
        moved[i] = at[i] + step;
        let above = value(&moved);
        moved[i] = at[i] - step;
        let below = value(&moved);
        moved[i] = at[i];
        let expected = (above - below) / (2.0 * step);
        let error = (gradient[i] - expected).abs();
        assert!(error < 1e-6 * (1.0 + expected.abs()), "{what}, entry {i}: {} against {expected}", gradient[i]);
    }
}

#[test]
fn parameter_gradients_match_finite_differences() {
    for (shape, hidden) in
        [("linear", vec![]), ("one layer", vec![4]), ("two layers", vec![4, 3]), ("three", vec![5, 4, 3])]
    {
        for batch_norm in [false, true] {
            for (name, objective) in objectives() {
                let case = case(FeatureKind::Centred, &hidden, batch_norm, 11);
                let batch = Batch { psi: &case.psi, sensitive: &case.sensitive, signs: &case.signs };
                let mut gradient = vec![0.0; case.network.parameters.len()];
                let (value, _) = objective.gradient(&case.network, &batch, &mut gradient);
                assert_eq!(value, objective.value(&case.network, &batch, Mode::Training));
                let mut network = case.network.clone();
                let what = format!("{shape}, batch-norm {batch_norm}, {name}");
                compare(&what, &case.network.parameters, &gradient, |parameters| {
                    network.parameters.copy_from_slice(parameters);
                    objective.value(&network, &batch, Mode::Training)
                });
            }
        }
    }
}

#[test]
fn absolute_value_features_have_the_same_gradients() {
    for (name, objective) in objectives() {
        let case = case(FeatureKind::Abs, &[4, 3], false, 5);
        assert_eq!(case.network.architecture.inputs(), 10);
        let batch = Batch { psi: &case.psi, sensitive: &case.sensitive, signs: &case.signs };
        let mut gradient = vec![0.0; case.network.parameters.len()];
        objective.gradient(&case.network, &batch, &mut gradient);
        let mut network = case.network.clone();
        compare(name, &case.network.parameters, &gradient, |parameters| {
            network.parameters.copy_from_slice(parameters);
            objective.value(&network, &batch, Mode::Training)
        });
    }
}

#[test]
fn input_gradients_match_finite_differences_in_both_modes() {
    for mode in [Mode::Training, Mode::Inference] {
        for batch_norm in [false, true] {
            let mut case = case(FeatureKind::Identity, &[4, 3], batch_norm, 3);
            case.network.running.iter_mut().for_each(|r| (r.mean, r.variance) = (0.3, 1.7));
            let gradient = Pass::new(&case.network, &case.psi, mode).input_gradient(&case.signs);
            let what = format!("{mode:?}, batch-norm {batch_norm}");
            compare(&what, &case.psi, &gradient, |psi| {
                let pass = Pass::new(&case.network, psi, mode);
                pass.logits().iter().zip(&case.signs).map(|(g, v)| g * v).sum()
            });
        }
    }
}

/// Without batch-norm samples do not interact: a batch's gradient is the mean of its samples' gradients.
#[test]
fn a_batch_is_the_mean_of_its_samples() {
    let objective = Objective { penalty: vec![Penalty { norm: Norm::L2, weight: 0.5 }], ..Objective::default() };
    let case = case(FeatureKind::Centred, &[4, 3], false, 8);
    let gradient = |range: std::ops::Range<usize>| {
        let psi = &case.psi[range.start * 5..range.end * 5];
        let batch = Batch { psi, sensitive: &case.sensitive[range.clone()], signs: &case.signs[range] };
        let mut out = vec![0.0; case.network.parameters.len()];
        objective.gradient(&case.network, &batch, &mut out);
        out
    };
    let whole = gradient(0..6);
    let mut mean = vec![0.0; whole.len()];
    for i in 0..6 {
        mean.iter_mut().zip(gradient(i..i + 1)).for_each(|(mean, g)| *mean += g / 6.0);
    }
    assert!(whole.iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-12));
}
