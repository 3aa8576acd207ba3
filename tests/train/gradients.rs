//! Every gradient of the trainer, that of the penalties included, against finite differences in f64.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use underplane::train::architecture::{Architecture, Convolutions};
use underplane::train::feature_map::{FeatureKind, FeatureMap};
use underplane::train::loss::{Batch, Classification, Margin, Norm, Objective, Penalised, Penalty, PullBack};
use underplane::train::network::Network;
use underplane::train::pass::{Mode, Pass};

struct Case {
    network: Network<f64>,
    psi: Vec<f64>,
    sensitive: Vec<bool>,
    signs: Vec<f64>,
}

/// Parameters are multiples of this, so that convolutions, which take float32, see the steps of differences.
const GRID: f64 = 1.0 / 1_048_576.0;

/// A dense network of one head.
fn case(kind: FeatureKind, hidden: &[usize], batch_norm: bool, seed: u64) -> Case {
    let sizes = if kind == FeatureKind::Abs { 10 } else { 5 };
    random(kind, 5, Architecture::dense(sizes, hidden, batch_norm, 1), seed)
}

/// A random network with every kind of parameter away from 0, and a random batch.
fn random(kind: FeatureKind, features: usize, architecture: Architecture, seed: u64) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let n = 6;
    let centre = (0..features).map(|_| rng.random_range(-0.5..0.5f32)).collect();
    let mut network: Network<f64> = Network::zeros(FeatureMap::new(kind, centre), architecture);
    let batch_norm = network.architecture.batch_norm();
    let count = network.parameters.len();
    network.parameters = (0..count).map(|_| (rng.random_range(-1.0..1.0f64) / GRID).round() * GRID).collect();
    let terms: Vec<_> = network.architecture.terms().cloned().collect();
    for term in terms.into_iter().filter(|term| term.nonnegative) {
        network.parameters[term.weight].iter_mut().for_each(|w| *w = w.abs());
    }
    let norms: Vec<_> = network.architecture.norms().cloned().collect();
    for gain in norms.iter().flat_map(|norm| norm.gains()) {
        network.parameters[gain] = network.parameters[gain].abs() + 0.2;
    }
    let inputs: Vec<f32> = (0..n * features).map(|_| rng.random_range(-2.0..2.0)).collect();
    let psi = network.map.apply(&inputs);
    let sensitive = (0..n).map(|i| i % 2 == 0).collect();
    let signs = (0..n).map(|_| if batch_norm && rng.random_bool(0.5) { -1.0 } else { 1.0 }).collect();
    Case { network, psi, sensitive, signs }
}

/// Images of 2 × 3 × 4 on (y, |y|), 3 channels.
fn convolutional(depth: usize, stride: usize, passthrough: bool, batch_norm: bool, heads: usize) -> Case {
    let shape = Convolutions { input: [4, 3, 4], channels: 3, depth, kernels: [3, 2], stride, passthrough };
    let architecture = Architecture::convolutional(&shape, batch_norm, heads).unwrap();
    let mut case = random(FeatureKind::Abs, 24, architecture, 29);
    // So that logits stay small.
    case.network.parameters.iter_mut().for_each(|p| *p = (*p / (4.0 * GRID)).round() * GRID);
    case
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
fn compare(what: &str, at: &[f64], gradient: &[f64], value: impl FnMut(&[f64]) -> f64) {
    compare_by(1e-6, what, at, gradient, value);
}

fn compare_by(step: f64, what: &str, at: &[f64], gradient: &[f64], mut value: impl FnMut(&[f64]) -> f64) {
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
                let batch = Batch { psi: &case.psi, sensitive: &case.sensitive, signs: &case.signs, range: None };
                let mut gradient = vec![0.0; case.network.parameters.len()];
                let value = objective.gradient(&case.network, &batch, &mut gradient).value;
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
        let batch = Batch { psi: &case.psi, sensitive: &case.sensitive, signs: &case.signs, range: None };
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
            case.network.running.iter_mut().flatten().for_each(|r| (r.mean, r.variance) = (0.3, 1.7));
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
        let batch = Batch { psi, sensitive: &case.sensitive[range.clone()], signs: &case.signs[range], range: None };
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

/// Of whatever network, in every parameter.
fn check(what: &str, case: &Case, objective: &Objective, range: Option<[f64; 2]>) {
    let batch = Batch { psi: &case.psi, sensitive: &case.sensitive, signs: &case.signs, range };
    let mut gradient = vec![0.0; case.network.parameters.len()];
    let value = objective.gradient(&case.network, &batch, &mut gradient).value;
    assert_eq!(value, objective.value(&case.network, &batch, Mode::Training));
    let mut network = case.network.clone();
    compare_by(GRID, what, &case.network.parameters, &gradient, |parameters| {
        network.parameters.copy_from_slice(parameters);
        objective.value(&network, &batch, Mode::Training)
    });
}

#[test]
fn convolutional_networks_have_the_same_gradients() {
    for (depth, stride, passthrough) in [(0, 1, false), (1, 1, false), (2, 1, true), (1, 2, true)] {
        for batch_norm in [false, true] {
            for (name, objective) in objectives() {
                if batch_norm && !objective.margin.is_empty() {
                    continue;
                }
                let case = convolutional(depth, stride, passthrough, batch_norm, 1);
                let what = format!("depth {depth}, stride {stride}, batch-norm {batch_norm}, {name}");
                check(&what, &case, &objective, None);
            }
        }
    }
}

/// Samples train the head that is least for them.
#[test]
fn networks_of_several_heads_have_the_same_gradients() {
    for (name, objective) in objectives() {
        let dense = random(FeatureKind::Abs, 5, Architecture::dense(10, &[4, 3], false, 3), 6);
        check(&format!("dense, {name}"), &dense, &objective, None);
        check(&format!("convolutional, {name}"), &convolutional(1, 1, false, false, 2), &objective, None);
        let batch = Batch { psi: &dense.psi, sensitive: &dense.sensitive, signs: &dense.signs, range: None };
        let attained =
            objective.gradient(&dense.network, &batch, &mut vec![0.0; dense.network.parameters.len()]).attained;
        assert_eq!((attained.len(), attained.iter().sum::<usize>()), (3, 6), "{name}");
    }
}

#[test]
fn sharp_margins_have_the_gradients_of_what_coordinates_lose() {
    for norm in Norm::ALL {
        for range in [None, Some([-1.0, 1.5])] {
            for (kind, size) in [(FeatureKind::Identity, 5), (FeatureKind::Centred, 5), (FeatureKind::Abs, 10)] {
                let margin = vec![Margin { norm, radius: 0.3 }];
                let objective = Objective { margin, pull_back: PullBack::Sharp, ..Objective::default() };
                let case = random(kind, 5, Architecture::dense(size, &[4, 3], false, 2), 17);
                check(&format!("{norm:?} {range:?} {kind:?}"), &case, &objective, range);
            }
        }
    }
}

/// An adaptive margin asks of a sample no more than its tangent plane reaches; what it asks is not derived.
#[test]
fn adaptive_margins_ask_for_what_is_reached() {
    let objective = |radius: f64, adaptive: bool| Objective {
        margin: vec![Margin { norm: Norm::L2, radius }],
        adaptive,
        ..Objective::default()
    };
    let case = case(FeatureKind::Centred, &[4, 3], false, 8);
    let batch = Batch { psi: &case.psi, sensitive: &[true; 6], signs: &case.signs, range: None };
    let value = |objective: Objective| objective.value(&case.network, &batch, Mode::Training);
    let (huge, small) = (1e3, 1e-9);
    assert!(value(objective(huge, true)) < value(objective(huge, false)));
    assert!((value(objective(small, true)) - value(objective(small, false))).abs() < 1e-6);
}

/// Focal weights count a sample less the surer it is.
#[test]
fn focal_weights_leave_out_what_is_sure() {
    let case = case(FeatureKind::Centred, &[4], false, 8);
    let batch = Batch { psi: &case.psi, sensitive: &case.sensitive, signs: &case.signs, range: None };
    let value = |focal: f64| Objective { focal, ..Objective::default() }.value(&case.network, &batch, Mode::Training);
    assert!(value(0.0) > value(1.0) && value(1.0) > value(4.0));
}
