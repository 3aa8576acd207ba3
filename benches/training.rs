//! The training passes over the feature-convex paper's networks, as a share of the rate of one large matrix product of this
//! run: `cargo bench --bench training`. One thread.
//!
//! Before anything is timed, the logits are those of the exported model, and the gradient is that of the same passes in f64,
//! which the tests compare with differences.

use std::time::Instant;

use underplane::matrix::{Threads, View, multiply};
use underplane::model::Model;
use underplane::train::architecture::{Architecture, Convolutions};
use underplane::train::feature_map::{FeatureKind, FeatureMap};
use underplane::train::loss::{Batch, Objective};
use underplane::train::network::Network;
use underplane::train::pass::{Mode, Pass};
use underplane::train::{evaluate, export};

const SAMPLES: usize = 64;

/// The fastest of several runs, in seconds.
fn fastest(mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..7).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

/// Products per second of one f32 matrix product.
fn rate() -> f64 {
    let n = 768;
    let a: Vec<f32> = (0..n * n).map(|i| (i % 17) as f32 / 17.0).collect();
    let mut out = vec![0.0f32; n * n];
    let time = fastest(|| multiply(&mut out, false, View::new(&a, n, n), View::new(&a, n, n), Threads::One));
    (n * n * n) as f64 / time
}

fn network(kind: FeatureKind, features: usize, architecture: Architecture) -> Network<f32> {
    let mut network = Network::zeros(FeatureMap::new(kind, vec![0.45; features]), architecture);
    let number = |i: usize| ((i * 7919) % 1000) as f32 / 1000.0 - 0.5;
    network.parameters.iter_mut().enumerate().for_each(|(i, p)| *p += 0.02 * number(i));
    let architecture = network.architecture.clone();
    architecture.project(&mut network.parameters);
    network
}

fn verify(network: &Network<f32>, inputs: &[f32], shape: &[usize], batch: &Batch<f32>, objective: &Objective) {
    let data = underplane::data::Dataset {
        shape: shape.to_vec(),
        inputs: inputs.to_vec(),
        sensitive: batch.sensitive.to_vec(),
    };
    let model: Model = export::model(network, shape).expect("a model");
    let found = evaluate::logits(network, &data);
    let singles: Vec<f64> = inputs.iter().map(|&x| f64::from(x)).collect();
    for (sample, logit) in singles.chunks(singles.len() / SAMPLES).zip(&found).take(4) {
        let expected = model.enclose(sample)[0].value;
        assert!((logit - expected).abs() < 1e-6 * (1.0 + expected.abs()), "logit {logit}, model {expected}");
    }
    let mut gradient = vec![0.0; network.parameters.len()];
    objective.gradient(network, batch, &mut gradient);
    let wide: Network<f64> = network.cast();
    let [psi, signs] = [batch.psi, batch.signs].map(|v| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
    let batch = Batch { psi: &psi, sensitive: batch.sensitive, signs: &signs, range: None };
    let mut expected = vec![0.0; network.parameters.len()];
    objective.gradient(&wide, &batch, &mut expected);
    let size = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let off: Vec<f64> = expected.iter().zip(&gradient).map(|(e, &g)| e - f64::from(g)).collect();
    assert!(size(&off) < 1e-2 * size(&expected), "f32 is {} off a gradient of size {}", size(&off), size(&expected));
}

fn measure(name: &str, network: &Network<f32>, shape: &[usize], rate: f64) {
    let features: usize = shape.iter().product();
    let inputs: Vec<f32> = (0..SAMPLES * features).map(|i| ((i * 104_729) % 997) as f32 / 997.0).collect();
    let psi: Vec<f32> = network.map.apply(&inputs);
    let sensitive: Vec<bool> = (0..SAMPLES).map(|i| i % 2 == 0).collect();
    let signs: Vec<f32> = (0..SAMPLES).map(|i| if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
    let batch = Batch { psi: &psi, sensitive: &sensitive, signs: &signs, range: None };
    let objective = Objective { frobenius: 0.01, ..Objective::default() };
    verify(network, &inputs, shape, &batch, &objective);
    let products = |of_psi: bool| -> f64 {
        let terms = network.architecture.terms().filter(|term| of_psi || term.from > 0);
        terms.map(|term| (SAMPLES * term.shape.rows() * term.shape.fan_in()) as f64).sum()
    };
    let (all, inner) = (products(true), products(network.architecture.batch_norm() && shape.len() == 3));
    let pass = Pass::new(network, &psi, Mode::Training);
    let h = pass.input_gradient(&signs);
    let mut out = vec![0.0f32; network.parameters.len()];
    let rows = [
        ("forward", all, fastest(|| drop(Pass::new(network, &psi, Mode::Training)))),
        ("backward to the input", all, fastest(|| drop(pass.input_gradient(&signs)))),
        // The tangent, the weights' gradients of values and tangents, and both adjoints.
        (
            "second backward",
            all + 2.0 * all + 2.0 * inner,
            fastest(|| pass.parameter_gradient(&signs, &signs, &h, &mut out)),
        ),
    ];
    for (what, products, time) in rows {
        let found = products / time;
        println!(
            "{name}, {what}: {:.1} ms for {SAMPLES} samples, {:.1} G products/s, {:.2} of the matrix product's rate",
            1e3 * time,
            found / 1e9,
            found / rate
        );
    }
}

fn main() {
    underplane::memory::settle();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| {
        let rate = rate();
        println!("f32 matrix product, 768 cubed: {:.1} G products/s", rate / 1e9);
        let conv = |input, channels, depth, kernels| {
            let shape = Convolutions { input, channels, depth, kernels, stride: 1, passthrough: false };
            Architecture::convolutional(&shape, true, 1).expect("room for the windows")
        };
        let cifar = network(FeatureKind::Abs, 3072, conv([6, 32, 32], 16, 4, [11, 3]));
        measure("paper's CIFAR network", &cifar, &[3, 32, 32], rate);
        let fashion = network(FeatureKind::Centred, 784, conv([1, 28, 28], 4, 2, [5, 3]));
        measure("paper's Fashion-MNIST network", &fashion, &[1, 28, 28], rate);
        let dense = network(FeatureKind::Abs, 3072, Architecture::dense(6144, &[256], false, 1));
        measure("6144-256-1", &dense, &[3072], rate);
    });
}
