//! Interval bound propagation on a 784-200-64-1 network, single thread: milliseconds per input with bisection to 1e-4,
//! as a ratio to the naive twin in the same run.
//!
//! `cargo bench --bench ibp`. Answers are verified before anything is timed.

use std::hint::black_box;
use std::time::Instant;
use testing::naive_ibp;
use testing::networks::{Map, generator, icnn, inputs, model};
use underplane::model::Model;
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::ibp::Ibp;
use underplane::radius::{Method, Samples};

const D: usize = 784;
const COUNT: usize = 100;
/// Inputs that the twin is asked for.
const TWIN_COUNT: usize = 3;

/// Median of several runs over `count` inputs, in milliseconds per input.
fn milliseconds(runs: usize, count: usize, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3 / count as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Sensitive inputs, shaped like digits: most pixels are 0.
fn sensitive_inputs(model: &Model) -> Vec<f64> {
    let mut rng = generator(2);
    let mut x = Vec::new();
    while x.len() < COUNT * D {
        let mut one = inputs(&mut rng, 1, D);
        one.iter_mut().for_each(|v| *v = if *v < 0.75 { 0.0 } else { f64::from((*v * 4.0 - 3.0) as f32) });
        if model.enclose(&one)[0].lower() > 0.0 {
            x.extend(one);
        }
    }
    x
}

fn certify(model: &Model, x: &[f64], perturbation: Perturbation) -> Vec<f64> {
    let outcomes = Ibp::default().certify(model, Samples::new(x, D), perturbation);
    outcomes.iter().map(|o| o.radius().expect("a sensitive input").value()).collect()
}

fn main() {
    underplane::memory::settle();
    for map in [Map::Centred, Map::Absolute] {
        let model = model(icnn(&mut generator(1), D, &[200, 64], map, 0.0));
        let x = sensitive_inputs(&model);
        for range in [None, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))] {
            for norm in [Norm::Linf, Norm::L2, Norm::L1, Norm::Lp(1.5)] {
                measure(&model, map, &x, Perturbation { norm, range, weights: None });
            }
        }
    }
}

fn measure(model: &Model, map: Map, x: &[f64], perturbation: Perturbation) {
    let few = &x[..TWIN_COUNT * D];
    let twin = || -> Vec<f64> {
        let one = |x| naive_ibp::radius(model.graph(), x, perturbation, 1e-4).expect("a sensitive input");
        few.chunks(D).map(one).collect()
    };
    let found = certify(model, x, perturbation);
    for (a, b) in found.iter().zip(twin()) {
        assert!(*a == b || (a / b - 1.0).abs() < 3e-4, "{a}, the twin says {b}");
    }
    let batch = milliseconds(7, COUNT, || drop(black_box(certify(model, x, perturbation))));
    let rival = milliseconds(3, TWIN_COUNT, || drop(black_box(twin())));
    let mut sorted = found;
    sorted.sort_by(f64::total_cmp);
    let box_name = perturbation.range.map_or("no box".into(), |ranges| format!("box {}", ranges.at(0)));
    println!(
        "{:<9} {:<7} {box_name:<8} {batch:>8.3} ms   naive {rival:>9.3} ms   {:>6.1} times faster   median radius {:.4}",
        format!("{map:?}"),
        perturbation.norm.to_string(),
        rival / batch,
        sorted[sorted.len() / 2],
    );
}
