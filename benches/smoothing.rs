//! Randomized smoothing on a 784-200-64-1 network, single thread: seconds per input for n = 100,000, and the ratio to a
//! naive twin (one noise vector at a time) in the same run.
//!
//! `cargo bench --bench smoothing`. Answers are verified before anything is timed.

use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};
use std::time::Instant;
use testing::networks::{Map, generator, icnn, inputs, model};
use underplane::model::Model;
use underplane::model::passes::forward;
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::smoothing::Smoothing;
use underplane::radius::{Method, Samples};

const D: usize = 784;
/// Noise vectors that the twin evaluates.
const TWIN: usize = 5000;

fn twin(model: &Model, rng: &mut StdRng, x: &[f64], sigma: f64) -> usize {
    let vote = |_: &usize| {
        let mut noisy = |&x: &f64| {
            let epsilon: f64 = StandardNormal.sample(rng);
            (x + sigma * epsilon) as f32
        };
        let input: Vec<f32> = x.iter().map(&mut noisy).collect();
        forward(model.network(), &input).nodes[model.graph().output()][0] > 0.0
    };
    (0..TWIN).filter(vote).count()
}

fn main() {
    underplane::memory::settle();
    let mut rng = generator(1);
    for map in [Map::Centred, Map::Absolute] {
        let model = model(icnn(&mut rng, D, &[200, 64], map, 0.0));
        let x = inputs(&mut rng, 4, D);
        let method = Smoothing::default();
        let start = Instant::now();
        let predictions = method.predictions(&model, Samples::new(&x, D)).expect("settings that mean something");
        let seconds = start.elapsed().as_secs_f64() / 4.0;
        let start = Instant::now();
        let votes = twin(&model, &mut rng, &x[..D], method.sigma);
        let naive = start.elapsed().as_secs_f64() * (method.samples + method.selection) as f64 / TWIN as f64;
        let (share, expected) = (votes as f64 / TWIN as f64, predictions[0].positive as f64 / method.samples as f64);
        assert!((share - expected).abs() < 0.05, "{share}, the twin says {expected}");
        let outcomes = method.certify(&model, Samples::new(&x[..D], D), Perturbation::new(Norm::L2));
        println!(
            "{:<9} n=100000 {seconds:>7.3} s per input   one at a time {naive:>7.3} s   {:>5.1} times faster",
            format!("{map:?}"),
            naive / seconds
        );
        println!("          {}", outcomes[0].detail);
    }
}
