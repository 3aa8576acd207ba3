//! Laws of the branch and bound on random networks whose feature map has kinks; the kernel replays its trees.

use num_traits::Signed;
use rand::RngExt;
use testing::networks::{Map, exact_logit, generator, icnn, inputs, model};
use underplane::model::{Model, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::Prover;
use underplane::query::{Perturbation, Query, Range, Ranges};
use underplane::radius::exact::{EXACT_GAP, Exact, Limits, Tightened};
use underplane::radius::sharp::Sharp;
use underplane::radius::{Evidence, Method, Outcome, Samples};

struct Case {
    model: Model,
    prover: Prover,
    x: Vec<f64>,
}

/// Small networks on (y, |y|) or on scaled ones, each with a sensitive input.
fn cases(count: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for seed in 0.. {
        let rng = &mut generator(1000 + seed);
        let d = rng.random_range(1..7);
        let hidden: Vec<usize> = (0..rng.random_range(1..3)).map(|_| rng.random_range(2..9)).collect();
        let map = if rng.random_bool(0.5) { Map::Absolute } else { Map::ScaledAbsolute };
        let graph = icnn(rng, d, &hidden, map, 0.0);
        let x = inputs(rng, 1, d);
        let file = onnx::encode(&graph).unwrap();
        let model = model(graph);
        if model.enclose(&x)[0].lower() > 1e-3 && !model.convexity().unwrap().free.is_empty() {
            let prover = Prover::new(&file, Sensitive::Positive, &x, d).unwrap();
            cases.push(Case { model, prover, x });
        }
        if cases.len() == count {
            return cases;
        }
    }
    unreachable!("seeds do not end")
}

fn run(method: &dyn Method, case: &Case, perturbation: Perturbation) -> Outcome {
    method.certify(&case.model, Samples::new(&case.x, case.x.len()), perturbation).remove(0)
}

fn perturbations() -> impl Iterator<Item = Perturbation<'static>> {
    let boxes = [None, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))];
    Norm::STANDARD.into_iter().flat_map(move |norm| boxes.map(|range| Perturbation { norm, range, weights: None }))
}

#[test]
fn both_sides_meet_and_the_kernel_accepts_them() {
    let (mut closed, mut open, mut trees) = (0, 0, 0);
    let exact = Exact { limits: Limits { seconds: 10.0, ..Exact::default().limits } };
    for (number, case) in cases(300).iter().enumerate() {
        for perturbation in perturbations() {
            let outcome = run(&exact, case, perturbation);
            let lower = outcome.radius().unwrap().value();
            let place = format!("case {number} {perturbation:?}: {lower}, {}", outcome.detail);
            let sharp = run(&Sharp, case, perturbation).radius().unwrap().value();
            assert!(sharp <= lower, "{place}: sharp {sharp}");
            if let Some(witness) = &outcome.witness {
                assert!(lower <= witness.distance, "{place}");
                assert!(!exact_logit(case.model.graph(), &witness.point).is_positive(), "{place}");
                let met = witness.distance <= lower * (1.0 + EXACT_GAP);
                (closed, open) = (closed + usize::from(met), open + usize::from(!met));
                if !met {
                    println!("{place}");
                }
            }
            trees += usize::from(matches!(outcome.evidence, Some(Evidence::Tree(_))));
            let query = Query { model: &case.model, x: &case.x, index: 0, perturbation };
            let proof = case.prover.prove(query, &outcome).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert!(proof.radius.value() >= lower * (1.0 - 1e-6), "{place}: the kernel proves {}", proof.radius);
        }
    }
    assert!(closed > 1000 && open == 0 && trees > 100, "{closed} closed, {open} open, {trees} trees");
}

#[test]
fn no_point_of_a_fine_sample_within_the_radius_is_negative() {
    for (number, case) in cases(40).iter().enumerate() {
        let rng = &mut generator(number as u64);
        let d = case.x.len();
        for perturbation in perturbations() {
            for method in [&Exact::default() as &dyn Method, &Tightened::default()] {
                let radius = run(method, case, perturbation).radius().unwrap().value().min(100.0);
                let mut points = Vec::new();
                for _ in 0..400 {
                    let direction: Vec<f64> = (0..d)
                        .map(|_| if rng.random_bool(0.3) { 0.0 } else { rng.random_range(-1.0..1.0_f64) })
                        .map(|v| if perturbation.norm == Norm::Linf && v != 0.0 { v.signum() } else { v })
                        .collect();
                    let length = perturbation.norm.upper(&direction).max(1e-9);
                    let reach =
                        0.999_999 * radius * if rng.random_bool(0.5) { 1.0 } else { rng.random_range(0.0..1.0) };
                    let moved = |i: usize| perturbation.clip(i, case.x[i] + reach * direction[i] / length);
                    points.extend((0..d).map(moved));
                }
                let least = case.model.enclose(&points).iter().map(|f| f.upper()).fold(f64::INFINITY, f64::min);
                assert!(
                    least > 0.0,
                    "case {number} {perturbation:?} {}: radius {radius}, logit {least}",
                    method.name()
                );
            }
        }
    }
}
