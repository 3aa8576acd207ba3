//! Networks whose layers are windows and picks: every method's laws hold, and the kernel, which reads them as ONNX
//! operators, accepts their proofs.

use num_traits::{Signed, ToPrimitive};
use rand::RngExt;
use rand::rngs::StdRng;
use testing::networks::{exact_gradient, exact_logit, generator, rational};
use underplane::model::map::{Axis, Map, Pick, Windows};
use underplane::model::minorant::tangents;
use underplane::model::{Dense, Graph, Kink, Layer, Model, NodeId, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::Prover;
use underplane::query::{Perturbation, Query, Range, Ranges};
use underplane::radius::exact::Exact;
use underplane::radius::ibp::Ibp;
use underplane::radius::lp::Lp;
use underplane::radius::{Method, Samples, closed_form::ClosedForm, sharp::Sharp};

fn push(graph: &mut Graph, op: Layer, inputs: &[NodeId]) -> NodeId {
    graph.push(&format!("n{}", graph.nodes().len()), op, inputs).unwrap()
}

fn axis(rng: &mut StdRng, input: usize) -> Axis {
    let mut any = |most: usize| rng.random_range(1..=most);
    let (cells, stride, dilation) = (any(3), any(2), any(2));
    let (before, after) = (any(3) - 1, any(3) - 1);
    Axis::new(input, cells, stride, dilation, before, after).unwrap_or(Axis::new(input, 1, 1, 1, 0, 0).unwrap())
}

/// A window over `channels` planes of this size, with weights from `least` on.
fn windows(rng: &mut StdRng, channels: usize, sizes: [usize; 2], least: f32) -> Windows {
    let groups = if channels.is_multiple_of(2) && rng.random_bool(0.3) { 2 } else { 1 };
    let axes = sizes.map(|size| axis(rng, size));
    let outputs = rng.random_range(1..3);
    let count = groups * outputs * (channels / groups) * axes[0].cells * axes[1].cells;
    let weight = (0..count).map(|_| rng.random_range(least..1.0_f32)).collect();
    Windows::new(groups, [channels / groups, outputs], axes, weight)
}

/// Two layers of windows, the first of free sign, with units behind them, picks between them, and a way around.
fn network(rng: &mut StdRng, absolute: bool) -> Graph {
    let (channels, sizes) = (rng.random_range(1..3), [rng.random_range(1..4), rng.random_range(2..5)]);
    let d = channels * sizes[0] * sizes[1];
    let mut graph = Graph::new("x", &[channels, sizes[0], sizes[1]]);
    let mut psi = 0;
    let mut planes = channels;
    if absolute {
        let size = push(&mut graph, Layer::Kink(Kink::ABS), &[0]);
        psi = push(&mut graph, Layer::Concat { outer: 1 }, &[0, size]);
        planes = 2 * channels;
    }
    let first = windows(rng, planes, sizes, -1.0);
    let shape = (first.groups * first.outputs, [first.axes[0].output, first.axes[1].output]);
    let moved = push(&mut graph, Layer::Linear(Map::Windows(first), vec![]), &[psi]);
    let shift = (0..graph.node(moved).size()).map(|_| f64::from(rng.random_range(-0.5..1.0_f32))).collect();
    let biased = push(&mut graph, Layer::Shift(shift), &[moved]);
    let units = push(&mut graph, Layer::Kink(Kink::RELU), &[biased]);
    let second = windows(rng, shape.0, shape.1, 0.0);
    let moved = push(&mut graph, Layer::Linear(Map::Windows(second), vec![]), &[units]);
    let units = push(&mut graph, Layer::Kink(Kink::RELU), &[moved]);
    let size = graph.node(units).size();
    let from = (0..rng.random_range(1..6)).map(|_| rng.random_bool(0.85).then(|| rng.random_range(0..size))).collect();
    let picked = push(&mut graph, Layer::Linear(Map::Pick(Pick::new(from, size)), vec![]), &[units]);
    let cols = graph.node(picked).size();
    let weight = (0..cols).map(|_| rng.random_range(0.0..1.0_f32)).collect();
    let logit = push(&mut graph, Layer::Dense(Dense { rows: 1, cols, weight, bias: vec![0.5] }), &[picked]);
    let weight = (0..d).map(|_| rng.random_range(-1.0..1.0_f32)).collect();
    let around = push(&mut graph, Layer::Dense(Dense { rows: 1, cols: d, weight, bias: vec![0.0] }), &[0]);
    push(&mut graph, Layer::Sum, &[logit, around]);
    graph
}

#[test]
fn windows_and_picks_keep_every_law_and_are_proven() {
    let methods: [&dyn Method; 5] = [&ClosedForm, &Sharp, &Exact::default(), &Lp::default(), &Ibp::default()];
    let (mut certified, mut proven, mut met) = (0, 0, 0);
    for seed in 0..60 {
        let rng = &mut generator(9100 + seed);
        let graph = network(rng, seed % 2 == 1);
        let x: Vec<f64> = (0..graph.input_size()).map(|_| f64::from(rng.random_range(0.0..1.0_f32))).collect();
        let model = Model::new(graph.clone()).unwrap();
        assert!(model.convexity().is_ok(), "seed {seed}");
        let (value, enclosed) = (exact_logit(&graph, &x), model.enclose(&x)[0]);
        assert!(rational(enclosed.lower()) <= value && value <= rational(enclosed.upper()), "seed {seed}");
        assert!(enclosed.error <= 1e-12 * (1.0 + value.to_f64().unwrap().abs()), "seed {seed}: {enclosed:?}");
        if seed % 2 == 0 {
            let stops = model.convexity().unwrap().input_stops();
            let (minorant, gradient) = (&tangents(model.network(), &x, stops)[0], exact_gradient(&graph, &x).1);
            assert!(rational(minorant.value.lower()) <= value, "seed {seed}");
            let [part] = &minorant.parts[..] else { panic!("seed {seed}: the input alone") };
            for ((&c, &e), exact) in part.coefficients.iter().zip(&part.errors).zip(&gradient) {
                assert!((rational(c) - exact).abs() <= rational(e) && e < 1e-12, "seed {seed}: {c} ± {e}");
            }
        }
        if enclosed.lower() <= 1e-3 {
            continue;
        }
        let bytes = onnx::encode(&graph).unwrap();
        let prover =
            Prover::new(&bytes, Sensitive::Positive, &x, x.len()).unwrap_or_else(|why| panic!("{seed}: {why}"));
        for norm in [Norm::L1, Norm::L2, Norm::Linf] {
            for range in [None, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))] {
                let perturbation = Perturbation { norm, range, weights: None };
                let query = Query { model: &model, x: &x, index: 0, perturbation };
                let outcomes = methods.map(|m| m.certify(&model, Samples::new(&x, x.len()), perturbation).remove(0));
                let nearest = outcomes.iter().filter_map(|o| o.witness.as_ref()).map(|w| w.distance);
                let nearest = nearest.fold(f64::INFINITY, f64::min);
                for (method, outcome) in methods.iter().zip(&outcomes) {
                    let place = format!("seed {seed} {} {perturbation:?}", method.name());
                    let Some(radius) = outcome.radius() else { continue };
                    certified += 1;
                    assert!(radius.value() <= nearest, "{place}: {radius} beyond {nearest}");
                    if let Some(witness) = &outcome.witness {
                        assert!(!exact_logit(&graph, &witness.point).is_positive(), "{place}");
                    }
                    if method.has_evidence() {
                        let proof = prover.prove(query, outcome).unwrap_or_else(|why| panic!("{place}: {why}"));
                        assert!(proof.radius.value() >= radius.value() * (1.0 - 1e-6), "{place}: {}", proof.radius);
                        proven += 1;
                    }
                }
                met += usize::from(outcomes[2].is_exact());
            }
        }
    }
    assert!(certified > 400 && proven > 300 && met > 100, "{certified} certified, {proven} proven, {met} exact");
}
