//! Laws of randomized smoothing, on networks whose smoothed classifier is known in closed form.

use crate::ibp::tangle;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use statrs::function::erf::erfc;
use testing::networks::{MAPS, Map, generator, icnn, inputs, model};
use underplane::model::{Dense, Graph, Kink, Layer, Model};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::smoothing::{SmoothedClass, Smoothing, normal_pair};
use underplane::radius::{Guarantee, Method, Outcome, Radius, Samples, Subject, Verdict};

/// The definition: the generator's own numbers one by one, and every logit enclosed in `f64`.
fn naive_votes(model: &Model, x: &[f64], method: &Smoothing, draw: u64, count: usize) -> usize {
    let per_block = ((1 << 16) / x.len()).clamp(1, 1024);
    let vote = |block: usize| {
        let mut generator = ChaCha8Rng::seed_from_u64(method.seed);
        generator.set_stream(draw);
        generator.set_word_pos((block as u128) << 36);
        let vectors = per_block.min(count - block * per_block);
        let mut few = Vec::new();
        let mut noisy = |&x: &f64| {
            if few.is_empty() {
                // Of 128 numbers the first halves of their pairs, then the others.
                let numbers: Vec<u64> = (0..128).map(|_| generator.next_u64()).collect();
                let pairs = numbers.iter().map(|&number| normal_pair(number as u32, (number >> 32) as u32));
                let (first, second): (Vec<f32>, Vec<f32>) = pairs.unzip();
                few = first.into_iter().chain(second).rev().collect();
            }
            let epsilon = f64::from(few.pop().expect("just made"));
            f64::from((x + method.sigma * epsilon) as f32)
        };
        let inputs: Vec<f64> = (0..vectors).flat_map(|_| x.iter().map(&mut noisy).collect::<Vec<f64>>()).collect();
        model.enclose(&inputs).iter().filter(|logit| logit.lower() > 0.0).count()
    };
    (0..count.div_ceil(per_block)).map(vote).sum()
}

/// By the tangent plane, in `f32` and in `f64`: convex networks and others, with kinks in their feature maps, maxima and
/// inputs of many sizes.
#[test]
fn votes_are_those_of_the_exact_network() {
    let (mut inside, mut all) = (0, 0);
    for seed in 0..36 {
        let mut rng = generator(300 + seed);
        let d = [1, 3, 8, 17, 40][seed as usize % 5];
        let graph = match seed % 3 {
            0 => tangle(&mut rng, d),
            k => icnn(&mut rng, d, &[9, 5], MAPS[(seed / 3) as usize % MAPS.len()], if k == 1 { 0.0 } else { 0.2 }),
        };
        let model = model(graph);
        let x = inputs(&mut rng, 2, d);
        let method = Smoothing { samples: 2500, selection: 50, sigma: 0.4, seed, ..Smoothing::default() };
        for (i, prediction) in method.predictions(&model, Samples::new(&x, d)).unwrap().iter().enumerate() {
            let x = &x[i * d..(i + 1) * d];
            let naive = |draw: u64, count| naive_votes(&model, x, &method, 2 * i as u64 + draw, count);
            assert_eq!((prediction.selected, prediction.positive), (naive(0, 50), naive(1, 2500)), "seed {seed}");
            all += 1;
            inside += usize::from(prediction.positive > 0 && prediction.positive < 2500);
        }
    }
    assert!(inside > 20, "{inside} of {all} have votes for both classes");
}

fn half_space(weight: &[f32], bias: f32) -> Model {
    let mut graph = Graph::new("x", &[weight.len()]);
    let out = Dense { rows: 1, cols: weight.len(), weight: weight.to_vec(), bias: vec![bias] };
    graph.push("out", Layer::Dense(out), &[0]).unwrap();
    model(graph)
}

fn cumulative(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

fn radius(outcome: &Outcome) -> Option<f64> {
    outcome.radius().map(Radius::value)
}

#[test]
fn answers_do_not_depend_on_batches_or_threads() {
    let mut rng = generator(1);
    let model = model(icnn(&mut rng, 7, &[9, 5], Map::Absolute, 0.0));
    let x = inputs(&mut rng, 13, 7);
    let method = Smoothing { samples: 3000, sigma: 0.5, seed: 42, ..Smoothing::default() };
    let perturbation = Perturbation::new(Norm::L2);
    let all = method.certify(&model, Samples::new(&x, 7), perturbation);
    let part = |size: usize| -> Vec<Outcome> {
        let batches: Vec<(usize, &[f64])> = x.chunks(7 * size).enumerate().collect();
        let one = |&(b, values): &(usize, &[f64])| {
            method.certify(&model, Samples { first: b * size, ..Samples::new(values, 7) }, perturbation)
        };
        batches.par_iter().flat_map_iter(one).collect()
    };
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for size in [1, 4, 13] {
            assert_eq!(pool.install(|| part(size)), all, "{threads} threads, batches of {size}");
        }
    }
    let reseeded = Smoothing { seed: 43, ..method }.certify(&model, Samples::new(&x, 7), perturbation);
    assert!(
        reseeded.iter().zip(&all).any(|(a, b)| a.detail.split("positive").last() != b.detail.split("positive").last())
    );
}

/// For a half-space the smoothed classifier is the half-space: Φ(distance/σ) of the noise is on the sensitive side.
#[test]
fn a_half_space_gets_its_distance() {
    // Enough to choose the class rightly, too.
    let method = Smoothing { samples: 200_000, selection: 20_000, alpha: 1e-6, sigma: 0.5, ..Smoothing::default() };
    let (weight, norm) = ([0.6_f32, -0.8, 1.2, 0.0], (0.36_f64 + 0.64 + 1.44).sqrt());
    let mut rng = generator(9);
    for target in [0.05_f64, 0.2, 0.5, 0.8] {
        let x: Vec<f64> = (0..4).map(|_| f64::from(rng.random_range(0.0_f32..1.0))).collect();
        let at: f64 = weight.iter().zip(&x).map(|(&w, x)| f64::from(w) * x).sum();
        let model = half_space(&weight, (target * norm - at) as f32);
        let prediction = method.predictions(&model, Samples::new(&x, 4)).unwrap()[0];
        let share = prediction.positive as f64 / 200_000.0;
        let truth = cumulative(target / 0.5);
        assert!((share - truth).abs() < 6.0 * (truth * (1.0 - truth) / 200_000.0).sqrt(), "{share}, truth {truth}");
        assert!(prediction.probability < share && prediction.class == SmoothedClass::Sensitive);
        let found = radius(&method.certify(&model, Samples::new(&x, 4), Perturbation::new(Norm::L2))[0]).unwrap();
        assert!(found < target && found > target - 0.02, "{found}, distance {target}");
    }
}

#[test]
fn the_bound_fails_no_more_often_than_its_risk() {
    let sigma = 1.0;
    let (distance, runs) = (0.4_f64, 2000);
    let truth = cumulative(distance / sigma);
    let model = half_space(&[1.0], distance as f32);
    for (samples, alpha) in [(40, 0.1), (200, 0.05), (200, 0.01)] {
        let settings = |seed| Smoothing { sigma, samples, selection: 101, alpha, seed };
        let run = |seed| settings(seed).predictions(&model, Samples::new(&[0.0], 1)).unwrap()[0];
        let wrong = (0..runs)
            .map(run)
            .filter(|p| {
                2 * p.selected > 101 && p.probability > truth || 2 * p.selected <= 101 && p.probability > 1.0 - truth
            })
            .count();
        let expected = alpha * runs as f64;
        assert!((wrong as f64) < expected + 4.0 * expected.sqrt(), "n={samples} α={alpha}: {wrong} of {runs} wrong");
        assert!(wrong as f64 > 0.2 * expected, "n={samples} α={alpha}: {wrong} of {runs}, a bound of no use");
    }
}

#[test]
fn near_the_boundary_it_abstains_and_beyond_it_the_class_is_the_other() {
    let method = Smoothing { samples: 2000, ..Smoothing::default() };
    let certify = |bias: f32| {
        method
            .certify(&half_space(&[1.0, 0.0], bias), Samples::new(&[0.0, 0.0], 2), Perturbation::new(Norm::L2))
            .remove(0)
    };
    let abstained = certify(0.0);
    assert!(
        matches!(&abstained.verdict, Verdict::Abstain(why) if why.contains("of 2000 noisy inputs")),
        "{abstained:?}"
    );
    assert_eq!(certify(-1.0).verdict, Verdict::NotSensitive);
    assert!(certify(-1.0).detail.contains("smoothed-class=other"));
    let sure = certify(5.0);
    assert!(
        sure.detail.starts_with("sigma=0.25 n=2000 n0=100 alpha=0.001 seed=0 smoothed-class=sensitive"),
        "{}",
        sure.detail
    );
    // All votes: p̲ = α^{1/n}, Φ⁻¹ of it 2.7043…
    let r = radius(&sure).unwrap();
    assert!(sure.detail.contains("positive=2000"));
    assert!(r < 0.25 * 2.7044 && r > 0.25 * 2.7, "{r}");
    assert_eq!(
        (method.subject(), method.guarantee(), method.name()),
        (Subject::Smoothed, Guarantee::Probabilistic, "smoothing")
    );
}

#[test]
fn ties_and_undefined_logits_vote_for_the_other_class() {
    let method = Smoothing { samples: 500, ..Smoothing::default() };
    let verdict = |graph: Graph| {
        method.certify(&model(graph), Samples::new(&[0.5], 1), Perturbation::new(Norm::L2)).remove(0).verdict
    };
    let mut zero = Graph::new("x", &[1]);
    zero.push("out", Layer::Dense(Dense { rows: 1, cols: 1, weight: vec![0.0], bias: vec![0.0] }), &[0]).unwrap();
    assert_eq!(verdict(zero), Verdict::NotSensitive);
    // ∞ − ∞ after an overflow of f32.
    let mut overflow = Graph::new("x", &[1]);
    let huge = Dense { rows: 2, cols: 1, weight: vec![f32::MAX; 2], bias: vec![f32::MAX; 2] };
    let huge = overflow.push("huge", Layer::Dense(huge), &[0]).unwrap();
    let act = overflow.push("act", Layer::Kink(Kink { below: -1.0, above: 1.0 }), &[huge]).unwrap();
    let larger = overflow.push("larger", Layer::Scale(vec![1e30, 1e30]), &[act]).unwrap();
    overflow
        .push("out", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0, -1.0], bias: vec![1.0] }), &[larger])
        .unwrap();
    assert_eq!(verdict(overflow), Verdict::NotSensitive);
}

/// The largest float and more, less even more: below 0, though a sum from the left is infinite.
#[test]
fn a_logit_that_overflows_on_the_way_has_its_exact_sign() {
    for (last, expected) in [(-3e38_f32, 0), (-1e38, 400)] {
        let mut graph = Graph::new("x", &[1]);
        let first = Dense { rows: 4, cols: 1, weight: vec![0.0; 4], bias: vec![1.0; 4] };
        let first = graph.push("first", Layer::Dense(first), &[0]).unwrap();
        let act = graph.push("act", Layer::Kink(Kink { below: -0.5, above: 1.0 }), &[first]).unwrap();
        let out = Dense { rows: 1, cols: 4, weight: vec![2e38, 2e38, last, last], bias: vec![0.0] };
        graph.push("out", Layer::Dense(out), &[act]).unwrap();
        let method = Smoothing { samples: 400, ..Smoothing::default() };
        let prediction = method.predictions(&model(graph), Samples::new(&[0.5], 1)).unwrap()[0];
        assert_eq!(prediction.positive, expected);
    }
}

#[test]
fn other_norms_by_inclusion_and_a_box_changes_nothing() {
    let d = 9;
    let model = half_space(&[1.0; 9], 0.5);
    let x = vec![0.25; d];
    let method = Smoothing { samples: 1000, ..Smoothing::default() };
    let of = |norm, range| {
        radius(&method.certify(&model, Samples::new(&x, d), Perturbation { norm, range, weights: None })[0]).unwrap()
    };
    let l2 = of(Norm::L2, None);
    assert_eq!(of(Norm::L2, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))), l2);
    assert_eq!((of(Norm::L1, None), of(Norm::Lp(1.5), None)), (l2, l2));
    for (norm, divisor) in
        [(Norm::Linf, 3.0), (Norm::Lp(4.0), 3.0_f64.sqrt()), (Norm::Lp(3.0), 9.0_f64.powf(1.0 / 6.0))]
    {
        let r = of(norm, None);
        assert!(r <= l2 / divisor && r > l2 / divisor * (1.0 - 1e-12), "{norm}: {r}");
    }
}

#[test]
fn more_noise_vectors_give_more_and_settings_that_mean_nothing_are_refused() {
    let model = half_space(&[1.0], 1.0);
    let base = Smoothing { samples: 100, sigma: 0.1, ..Smoothing::default() };
    let certify =
        |method: Smoothing| method.certify(&model, Samples::new(&[0.0], 1), Perturbation::new(Norm::L2)).remove(0);
    let found: Vec<f64> =
        [10, 100, 1000, 10_000].map(|samples| radius(&certify(Smoothing { samples, ..base })).unwrap()).to_vec();
    assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
    let one = certify(Smoothing { samples: 1, selection: 1, alpha: 0.4, ..base });
    // One success: p̲ = α.
    assert!(matches!(one.verdict, Verdict::Abstain(_)), "{one:?}");
    for (broken, name) in [
        (Smoothing { sigma: 0.0, ..base }, "sigma"),
        (Smoothing { sigma: f64::NAN, ..base }, "sigma"),
        (Smoothing { sigma: f64::INFINITY, ..base }, "sigma"),
        (Smoothing { alpha: 0.0, ..base }, "alpha"),
        (Smoothing { alpha: 1.0, ..base }, "alpha"),
        (Smoothing { alpha: f64::NAN, ..base }, "alpha"),
        (Smoothing { samples: 0, ..base }, "samples"),
        (Smoothing { selection: 0, ..base }, "selection"),
    ] {
        assert!(matches!(certify(broken).verdict, Verdict::Unknown(why) if why.starts_with(name)), "{broken:?}");
    }
}

#[test]
fn both_classes_are_found_and_the_boundary_is_neither() {
    let method = Smoothing { samples: 1000, ..Smoothing::default() };
    let model = half_space(&[1.0], 0.0);
    let outcomes = method.certify(&model, Samples::new(&[2.0, -2.0, 0.0], 1), Perturbation::new(Norm::Linf));
    let [sensitive, other, neither] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(matches!(sensitive.verdict, Verdict::Certified(_)), "{sensitive:?}");
    assert_eq!(other.verdict, Verdict::NotSensitive);
    assert!(matches!(neither.verdict, Verdict::Abstain(_)), "{neither:?}");
}
