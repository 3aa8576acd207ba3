//! Exact radii where inputs and units are powers of two apart: what the linear program closes, the search closes.

use rand::RngExt;
use rand::rngs::StdRng;
use testing::networks::generator;
use underplane::model::{Dense, Graph, Kink, Layer, Model, NodeId};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::exact::{EXACT_GAP, Exact, Limits};
use underplane::radius::lp::Lp;
use underplane::radius::{Method, Samples};

fn push(graph: &mut Graph, op: Layer, inputs: &[NodeId]) -> NodeId {
    graph.push(&format!("n{}", graph.nodes().len()), op, inputs).unwrap()
}

fn dense(rows: usize, weight: Vec<f32>, bias: Vec<f32>) -> Layer {
    Layer::Dense(Dense { rows, cols: weight.len() / rows, weight, bias })
}

/// A random convex network with a way from the input to every layer, an input in its units, and the largest unit: inputs
/// are up to 2^±span apart, and in half of the networks the units of a layer up to 2^±(span/2).
fn network(rng: &mut StdRng, span: f64) -> (Graph, Vec<f64>, f64) {
    let d = rng.random_range(2..13);
    let units: Vec<f64> = (0..d).map(|_| rng.random_range(-span..=span).round().exp2()).collect();
    let (coarse, apart) = (rng.random_bool(0.5), if rng.random_bool(0.5) { span / 2.0 } else { 0.0 });
    let widths: Vec<usize> = (0..rng.random_range(1..4)).map(|_| rng.random_range(3..24)).chain([1]).collect();
    let number = |rng: &mut StdRng, low: f64| {
        let v = rng.random_range(low..1.0_f64);
        if coarse { (4.0 * v).round() / 4.0 } else { f64::from(v as f32) }
    };
    let mut graph = Graph::new("x", &[d]);
    let mut last: Option<(NodeId, usize)> = None;
    for (k, &rows) in widths.iter().enumerate() {
        let weight = (0..rows * d).map(|i| (number(rng, -1.0) * units[i % d]) as f32).collect();
        let bias = (0..rows).map(|_| number(rng, -1.0) as f32).collect();
        let mut node = push(&mut graph, dense(rows, weight, bias), &[0]);
        if let Some((below, cols)) = last {
            let scale = |rng: &mut StdRng| rng.random_range(-apart..=apart).round().exp2();
            let weight = (0..rows * cols).map(|_| (number(rng, 0.0) * scale(rng)) as f32).collect();
            let carried = push(&mut graph, dense(rows, weight, vec![0.0; rows]), &[below]);
            node = push(&mut graph, Layer::Sum, &[node, carried]);
        }
        if k + 1 < widths.len() {
            node = push(&mut graph, Layer::Kink(Kink::RELU), &[node]);
        }
        last = Some((node, rows));
    }
    let x = units.iter().map(|unit| f64::from((number(rng, -1.0) / unit) as f32)).collect();
    (graph, x, units.iter().map(|unit| 1.0 / unit).fold(0.0, f64::max))
}

#[test]
fn what_the_linear_program_closes_the_search_closes() {
    let exact = Exact { limits: Limits { seconds: 4.0, ..Exact::default().limits } };
    let mut closed = 0;
    for (seed, span) in (0..28).zip([0.0, 10.0, 20.0, 30.0].into_iter().cycle()) {
        let (graph, x, largest) = network(&mut generator(7000 + seed), span);
        let model = Model::new(graph).unwrap();
        if model.enclose(&x)[0].lower() <= 1e-3 {
            continue;
        }
        for norm in [Norm::L1, Norm::L2, Norm::Linf] {
            for range in [None, Some(Ranges::Same(Range { low: -largest, high: largest }))] {
                let perturbation = Perturbation { norm, range, weights: None };
                let run =
                    |method: &dyn Method| method.certify(&model, Samples::new(&x, x.len()), perturbation).remove(0);
                let lp = run(&Lp::default());
                if !lp.is_exact() {
                    continue;
                }
                let found = run(&exact);
                let place = format!("seed {seed}, 2^±{span}, {perturbation:?}: {}; lp {}", found.detail, lp.detail);
                let (lower, program) = (found.radius().unwrap().value(), lp.radius().unwrap().value());
                let reached = found.witness.iter().chain(&found.tie).map(|w| w.distance).fold(f64::INFINITY, f64::min);
                assert!(lower == f64::INFINITY || reached <= lower * (1.0 + EXACT_GAP), "{place}");
                assert!(lower == program || (lower / program - 1.0).abs() <= 3.0 * EXACT_GAP, "{place}");
                closed += 1;
            }
        }
    }
    assert!(closed > 60, "only {closed} programs are closed");
}
