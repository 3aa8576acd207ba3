//! Where exact radii used to end early: kinks stacked on one coordinate, units far apart, and f = 0 without f < 0 nearby.

use assert_cmd::Command;
use num_traits::Signed;
use rand::RngExt;
use rand::rngs::StdRng;
use testing::networks::{exact_logit, generator};
use underplane::model::{Dense, Graph, Kink, Layer, Model, NodeId, onnx};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::exact::{EXACT_GAP, Exact, Limits, Tightened};
use underplane::radius::ibp::Ibp;
use underplane::radius::lp::Lp;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Method, Outcome, Samples};

fn push(graph: &mut Graph, op: Layer, inputs: &[NodeId]) -> NodeId {
    graph.push(&format!("n{}", graph.nodes().len()), op, inputs).unwrap()
}

fn leaky(below: f64) -> Layer {
    Layer::Kink(Kink { below, above: 1.0 })
}

fn dense(rows: usize, weight: &[f32], bias: &[f32]) -> Layer {
    Layer::Dense(Dense { rows, cols: weight.len() / rows, weight: weight.to_vec(), bias: bias.to_vec() })
}

/// What `certify` says of one input: (method, radius or infinity, guarantee, status) per row.
fn certify(graph: &Graph, x: &[f64], more: &[&str]) -> Vec<(String, f64, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.onnx"), onnx::encode(graph).unwrap()).unwrap();
    let line: Vec<String> = x.iter().map(|v| format!("{v:?}")).collect();
    std::fs::write(folder.path().join("x.csv"), line.join(",") + "\n").unwrap();
    let arguments = [&["certify", "m.onnx", "x.csv"], more].concat();
    let output =
        Command::new(env!("CARGO_BIN_EXE_underplane")).current_dir(folder.path()).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)) && !error.contains("panicked"), "{error}");
    let radius = |text: &str| if text == "unbounded" { f64::INFINITY } else { text.parse().unwrap_or(f64::NAN) };
    let row = |f: csv::StringRecord| (f[4].to_string(), radius(&f[6]), f[8].to_string(), f[9].to_string());
    csv::Reader::from_reader(&output.stdout[..]).into_records().map(|fields| row(fields.unwrap())).collect()
}

/// Every row of `exact` and `tightened` has these radii, one per norm.
fn all_are(graph: &Graph, x: &[f64], more: &[&str], truth: [f64; 3]) {
    for (norm, truth) in ["l1", "l2", "linf"].into_iter().zip(truth) {
        let methods = ["--norm", norm, "--method", "sharp,tightened,exact"];
        let rows = certify(graph, x, &[&methods[..], more].concat());
        let [sharp, tightened, exact] = &rows[..] else { panic!("{rows:?}") };
        assert!(sharp.1 <= tightened.1 && tightened.1 <= exact.1 && exact.1 <= truth, "{norm} {truth}: {rows:?}");
        assert!(exact.1 == truth || exact.1 >= truth * (1.0 - EXACT_GAP), "{norm} {truth}: {rows:?}");
        assert_eq!(exact.2, "exact", "{norm} {truth}: {rows:?}");
    }
}

#[test]
fn kinks_stacked_on_a_coordinate_are_one_function_of_it() {
    let infinity = [f64::INFINITY; 3];
    for (offset, d, x, truth) in
        [(0.25, 1, 0.5, infinity), (0.25, 2, 0.75, infinity), (-1.0, 1, 2.0, [1.0; 3]), (-1.0, 1, -6.0, [2.0; 3])]
    {
        let mut graph = Graph::new("x", &[d]);
        let first = push(&mut graph, leaky(0.25), &[0]);
        let second = push(&mut graph, Layer::Kink(Kink::ABS), &[first]);
        push(&mut graph, dense(1, &vec![1.0; d], &[offset]), &[second]);
        all_are(&graph, &vec![x; d], &[], truth);
        all_are(&graph, &vec![x; d], &["--box", "-8,8"], truth);
    }
    // 2 − ||x| − 1|, which no kink alone makes convex: 0 at ±3.
    let mut graph = Graph::new("x", &[1]);
    let size = push(&mut graph, Layer::Kink(Kink::ABS), &[0]);
    let shifted = push(&mut graph, Layer::Shift(vec![-1.0]), &[size]);
    let outer = push(&mut graph, Layer::Kink(Kink::ABS), &[shifted]);
    push(&mut graph, dense(1, &[-1.0], &[2.0]), &[outer]);
    all_are(&graph, &[0.5], &[], [2.5; 3]);
    all_are(&graph, &[0.5], &["--box", "-2,4"], [2.5; 3]);
    // Of two maxima on each coordinate, one with a negative weight: 3 − max(leaky(x), −x/2) + max(x, 0)/2 is 0 at ±6.
    let mut graph = Graph::new("x", &[2]);
    let first = push(&mut graph, leaky(0.25), &[0]);
    let half = push(&mut graph, Layer::Scale(vec![-0.5; 2]), &[0]);
    let largest = push(&mut graph, Layer::Max, &[first, half]);
    let rises = push(&mut graph, Layer::Kink(Kink::RELU), &[0]);
    let halved = push(&mut graph, Layer::Scale(vec![0.5; 2]), &[rises]);
    let both = push(&mut graph, Layer::Concat { outer: 1 }, &[largest, halved]);
    push(&mut graph, dense(1, &[-1., -1., 1., 1.], &[3.0]), &[both]);
    all_are(&graph, &[1.0, 1.0], &[], [4.0, 8.0_f64.sqrt(), 2.0]);
}

/// A random function of every coordinate by itself, `depth` steps deep at most.
fn stack(rng: &mut StdRng, graph: &mut Graph, depth: usize) -> NodeId {
    if depth == 0 {
        return 0;
    }
    let d = graph.input_size();
    let below = stack(rng, graph, depth - 1);
    let mut constants = |low: f64, high: f64| (0..d).map(|_| f64::from(rng.random_range(low..high) as f32)).collect();
    let (shift, scale) = (Layer::Shift(constants(-1.0, 1.0)), Layer::Divide(constants(0.5, 2.0)));
    let below = if rng.random_bool(0.7) { push(graph, shift, &[below]) } else { below };
    let below = if rng.random_bool(0.4) { push(graph, scale, &[below]) } else { below };
    match rng.random_range(0..6) {
        0 | 1 => push(graph, Layer::Kink(Kink::ABS), &[below]),
        2 => push(graph, Layer::Kink(Kink::RELU), &[below]),
        3 => push(graph, leaky([0.25, -0.5, 2.0, f64::from(0.1_f32)][rng.random_range(0..4)]), &[below]),
        kind => {
            let other = stack(rng, graph, depth - 1);
            push(graph, if kind == 4 { Layer::Max } else { Layer::Sum }, &[below, other])
        }
    }
}

fn run(method: &dyn Method, model: &Model, x: &[f64], perturbation: Perturbation) -> Outcome {
    method.certify(model, Samples::new(x, x.len()), perturbation).remove(0)
}

#[test]
fn random_stacks_agree_with_exact_evaluation() {
    let exact = Exact { limits: Limits { seconds: 2.0, ..Exact::default().limits } };
    let tightened = Tightened { limits: Limits { seconds: 2.0, ..Tightened::default().limits } };
    let (mut closed, mut open) = (0, 0);
    for seed in 0..60 {
        let rng = &mut generator(4000 + seed);
        let d = rng.random_range(1..3);
        let mut graph = Graph::new("x", &[d]);
        let features: Vec<NodeId> = (0..2)
            .map(|_| {
                let depth = rng.random_range(1..4);
                stack(rng, &mut graph, depth)
            })
            .collect();
        let psi = push(&mut graph, Layer::Concat { outer: 1 }, &features);
        let weight: Vec<f32> = (0..4 * d).map(|_| rng.random_range(-1.0_f32..1.0)).collect();
        let hidden = push(&mut graph, dense(2, &weight, &[0.125, -0.25]), &[psi]);
        let hidden = push(&mut graph, Layer::Kink(Kink::RELU), &[hidden]);
        push(&mut graph, dense(1, &[1.0, 0.5], &[-0.75]), &[hidden]);
        let x: Vec<f64> = (0..d).map(|_| f64::from(rng.random_range(-2.0_f32..2.0))).collect();
        let model = Model::new(graph.clone()).unwrap();
        assert!(model.convexity().is_ok(), "seed {seed}");
        if model.enclose(&x)[0].lower() <= 1e-3 {
            continue;
        }
        for norm in [Norm::L1, Norm::L2, Norm::Linf] {
            for range in [None, Some(Ranges::Same(Range { low: -2.5, high: 2.5 }))] {
                let perturbation = Perturbation { norm, range, weights: None };
                let of = |method: &dyn Method| run(method, &model, &x, perturbation).radius().unwrap().value();
                let outcome = run(&exact, &model, &x, perturbation);
                let lower = outcome.radius().unwrap().value();
                let place = format!("seed {seed} {perturbation:?}: {lower}, {}", outcome.detail);
                let (sharp, middle) = (of(&Sharp), of(&tightened));
                assert!(sharp <= middle && middle <= lower * (1.0 + 1e-3), "{place}: {sharp}, {middle}");
                let (ibp, lp) = (of(&Ibp::default()), run(&Lp::default(), &model, &x, perturbation));
                if let Some(witness) = &outcome.witness {
                    assert!(!exact_logit(&graph, &witness.point).is_positive(), "{place}");
                    assert!(lower <= witness.distance && ibp <= witness.distance, "{place}");
                    assert!(lp.radius().is_none_or(|radius| radius.value() <= witness.distance), "{place}");
                }
                (closed, open) = if outcome.is_exact() { (closed + 1, open) } else { (closed, open + 1) };
                for _ in 0..60 {
                    let reach = lower.min(40.0) * 0.999_999 / if norm == Norm::L1 { d as f64 } else { 1.0 };
                    let reach = if norm == Norm::L2 { reach / (d as f64).sqrt() } else { reach };
                    let clip = |v: f64| range.map_or(v, |ranges| ranges.at(0).clip(v));
                    let point: Vec<f64> = x.iter().map(|x| clip(x + reach * rng.random_range(-1.0..1.0_f64))).collect();
                    assert!(exact_logit(&graph, &point).is_positive(), "{place}: {point:?}");
                }
            }
        }
    }
    assert!(closed > 100 && open * 10 < closed, "{closed} closed, {open} open");
}

/// relu(w₀·x₀) + relu(w₁·x₁) + … − 1.
fn units(weights: &[f32], offset: f32) -> Graph {
    let d = weights.len();
    let mut graph = Graph::new("x", &[d]);
    let diagonal: Vec<f32> = (0..d * d).map(|k| if k / d == k % d { weights[k % d] } else { 0.0 }).collect();
    let hidden = push(&mut graph, dense(d, &diagonal, &vec![0.0; d]), &[0]);
    let hidden = push(&mut graph, Layer::Kink(Kink::RELU), &[hidden]);
    push(&mut graph, dense(1, &vec![1.0; d], &[offset]), &[hidden]);
    graph
}

#[test]
fn units_far_apart_change_nothing() {
    for exponent in [3, 10, 20, 30, 50] {
        let s = f64::from(exponent).exp2();
        let graph = units(&[(1.0 / s) as f32, s as f32], -1.0);
        // The attacker lowers f by 3: first all that the steep unit gives, 2, at 1/s each, then 1 of the other.
        let (near, far) = (2.0 / s, s);
        all_are(&graph, &[2.0 * s, 2.0 / s], &[], [near + far, near.hypot(far), far]);
        all_are(&graph, &[0.5 * s, 1.5 / s], &[], [1.0 / s, 1.0 / s.hypot(1.0 / s), 1.0 / (s + 1.0 / s)]);
    }
}

#[test]
fn points_where_f_is_zero_and_never_below_end_the_ball() {
    // f runs along 0: no ray from the input through the solution meets f < 0.
    all_are(&units(&[1.0, 1.0], -1.0), &[2.0, 1.0], &[], [2.0, 2.0_f64.sqrt(), 1.0]);
    // |x₀| + |x₁|, as a network and as an operator.
    let mut network = Graph::new("x", &[2]);
    let both = push(&mut network, dense(4, &[1., 0., -1., 0., 0., 1., 0., -1.], &[0.0; 4]), &[0]);
    let units = push(&mut network, Layer::Kink(Kink::RELU), &[both]);
    push(&mut network, dense(1, &[1.0; 4], &[0.0]), &[units]);
    let mut operator = Graph::new("x", &[2]);
    let size = push(&mut operator, Layer::Kink(Kink::ABS), &[0]);
    push(&mut operator, dense(1, &[1.0; 2], &[0.0]), &[size]);
    for graph in [network, operator] {
        for range in [&[][..], &["--box", "-3,3"]] {
            all_are(&graph, &[2.0, 1.0], range, [3.0, 5.0_f64.sqrt(), 2.0]);
            all_are(&graph, &[1.0, 1.0], range, [2.0, 2.0_f64.sqrt(), 1.0]);
        }
    }
}

#[test]
fn networks_without_biases_end_at_the_corner_of_the_box() {
    // f = Σ wᵢxᵢ with wᵢ > 0, through two units: 0 at the origin alone.
    let mut graph = Graph::new("x", &[3]);
    let weight = [0.3, 0.7, 0.1, 0.9, 0.2, 0.6];
    let hidden = push(&mut graph, dense(2, &weight, &[0.0; 2]), &[0]);
    let hidden = push(&mut graph, Layer::Kink(Kink::RELU), &[hidden]);
    push(&mut graph, dense(1, &[0.5, 0.25], &[0.0]), &[hidden]);
    let x = [0.75, 0.5, 0.25];
    all_are(&graph, &x, &["--box", "0,1"], [1.5, 0.875_f64.sqrt(), 0.75]);
}

#[test]
fn with_proofs_an_unbounded_radius_over_kinks_is_a_finite_one_at_least() {
    // |leaky(x)| + 0.25: positive everywhere, but no code of 32 bits is the slope 0 of |·|.
    let mut graph = Graph::new("x", &[2]);
    let first = push(&mut graph, leaky(0.25), &[0]);
    let second = push(&mut graph, Layer::Kink(Kink::ABS), &[first]);
    push(&mut graph, dense(1, &[1.0; 2], &[0.25]), &[second]);
    for norm in ["l1", "l2", "linf"] {
        let rows =
            certify(&graph, &[0.75; 2], &["--norm", norm, "--method", "sharp,tightened,exact", "--proofs", "proofs"]);
        let [sharp, tightened, exact] = &rows[..] else { panic!("{rows:?}") };
        assert!(tightened.1 > 1e6 * sharp.1 && exact.1 > 1e6 * sharp.1, "{rows:?}");
        assert!(rows.iter().all(|row| row.2 == "sound" && row.3 == "certified"), "{rows:?}");
    }
}
