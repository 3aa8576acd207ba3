//! The kernel against a naive rational implementation on random small networks: at every region it must accept the
//! largest radius that the slopes prove on a fine grid, and refuse the next one.

mod naive_proofs;
mod networks;

use naive_proofs::{Lines, Way, certificate, lines, npy, problem, threshold};
use networks::{MAPS, Map, exact_logit, generator, icnn, inputs};
use num_traits::Signed;
use rand::RngExt;
use rayon::prelude::*;
use underplane::kernel::{self, Class, Code};
use underplane::model::{Graph, onnx};

struct Case {
    graph: Graph,
    lines: Lines,
    x: Vec<f64>,
    model: kernel::Model,
    inputs: kernel::Inputs,
}

fn case(seed: u64) -> Case {
    let mut rng = generator(seed);
    let d = rng.random_range(1..5);
    let hidden: Vec<usize> = (0..rng.random_range(1..4)).map(|_| rng.random_range(1..5)).collect();
    let leak = [0.0, 0.0, 0.125, 0.25][rng.random_range(0..4)];
    let graph = icnn(&mut rng, d, &hidden, MAPS[(seed % 5) as usize], leak);
    let lines = lines(&mut rng, &graph);
    // Vectors of zeros have no scale of their own.
    let x = if seed.is_multiple_of(7) { vec![0.0; d] } else { inputs(&mut rng, 1, d) };
    let model = kernel::Model::read(&onnx::encode(&graph).unwrap(), Class::Positive).unwrap();
    let inputs = kernel::Inputs::read(&npy(&x)).unwrap();
    Case { graph, lines, x, model, inputs }
}

#[test]
fn accepts_what_the_slopes_prove_and_nothing_more() {
    let decided: usize = (0..500).into_par_iter().map(regions).sum();
    assert!(decided > 2000, "only {decided} regions had a threshold");
}

/// How many regions of one network have a threshold, each of them tested.
fn regions(seed: u64) -> usize {
    let case = case(seed);
    let has_kinks = matches!(MAPS[(seed % 5) as usize], Map::Absolute | Map::ScaledAbsolute);
    let multiplier = [0.125, 0.5, 1.0, 3.0][(seed / 5 % 4) as usize];
    let mut decided = 0;
    for way in [Way::Inf, Way::DualL1, Way::DualL2, Way::MultiplierL1(multiplier), Way::MultiplierL2(multiplier)] {
        for range in [None, Some((0.0, 1.0)), Some((-0.5, 1.25))] {
            if let (true, Way::DualL1 | Way::DualL2) = (has_kinks, way) {
                continue;
            }
            let problem = problem(&case.graph, &case.lines, &case.x, range);
            let Some(k) = threshold(&problem, way) else { continue };
            decided += 1;
            let check = |k| kernel::check_line(&case.model, &case.inputs, &certificate(way, &case.lines, range, k));
            check(k).unwrap_or_else(|r| panic!("seed {seed} {way:?} {range:?}: {r}"));
            let refused = check(k + 1).expect_err("one step too far");
            assert_eq!(refused.code, Code::NotProven, "seed {seed} {way:?} {range:?}: {refused}");
        }
    }
    decided
}

#[test]
fn a_certified_ball_holds_no_point_of_the_other_class() {
    let mut met = 0;
    for seed in 0..1500 {
        let case = case(seed);
        let range = [None, Some((0.0, 1.0))][(seed % 2) as usize];
        let problem = problem(&case.graph, &case.lines, &case.x, range);
        let Some(k) = threshold(&problem, Way::Inf) else { continue };
        met += 1;
        let line = certificate(Way::Inf, &case.lines, range, k);
        kernel::check_line(&case.model, &case.inputs, &line).unwrap();
        // Every vertex of the ball, and points on its faces: radius rounded down to a float.
        let r = (k as f64 * (0.5_f64).powi(30)).next_down().max(0.0);
        for vertex in 0..3_usize.pow(case.x.len() as u32) {
            let direction = |i: usize| (vertex / 3_usize.pow(i as u32) % 3) as f64 - 1.0;
            let corner = |(i, &x): (usize, &f64)| {
                let moved = x + direction(i) * r;
                let moved = if (moved - x).abs() > r {
                    if moved > x { moved.next_down() } else { moved.next_up() }
                } else {
                    moved
                };
                range.map_or(moved, |(low, high)| moved.clamp(low, high))
            };
            let point: Vec<f64> = case.x.iter().enumerate().map(corner).collect();
            assert!(exact_logit(&case.graph, &point).is_positive(), "seed {seed}: {point:?}");
        }
    }
    assert!(met > 150, "only {met} balls");
}

#[test]
fn evaluates_logits_exactly() {
    for seed in 0..3000 {
        let case = case(seed);
        let exact = exact_logit(&case.graph, &case.x);
        let sign = if exact.is_positive() { 1 } else { -i32::from(exact.is_negative()) };
        assert_eq!(case.model.logit_sign(&case.inputs, 0).unwrap(), sign, "seed {seed}");
    }
}
