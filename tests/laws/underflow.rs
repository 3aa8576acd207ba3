//! Products that vanish in `f64` but not in truth: no radius may take them for zeros.

use underplane::model::{Dense, Graph, Kink, Layer, Model, NodeId};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::ibp::Ibp;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Method, Samples};

/// 2⁻¹²⁰ and its inverse, exact in `f32`.
const SMALL: f64 = 1.0 / LARGE;
const LARGE: f64 = (1_u128 << 120) as f64;

type Factor = fn(f64) -> Layer;

fn scale(c: f64) -> Layer {
    Layer::Scale(vec![c])
}

fn divide(c: f64) -> Layer {
    Layer::Divide(vec![1.0 / c])
}

fn dense(c: f64) -> Layer {
    Layer::Dense(Dense { rows: 1, cols: 1, weight: vec![c as f32], bias: vec![0.0] })
}

fn chain(graph: &mut Graph, mut at: NodeId, factors: &[f64], op: Factor) -> NodeId {
    for (k, &c) in factors.iter().enumerate() {
        at = graph.push(&format!("factor {at} {k}"), op(c), &[at]).unwrap();
    }
    at
}

fn radius(method: &dyn Method, model: &Model, x: f64, perturbation: Perturbation) -> f64 {
    method.certify(model, Samples::new(&[x], 1), perturbation)[0].radius().map_or(0.0, |r| r.value())
}

fn all_stay_below(model: &Model, x: f64, exact: f64, range: Option<Ranges<'static>>) {
    for norm in [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(1.5)] {
        for method in [&ClosedForm as &dyn Method, &Sharp, &Ibp::default()] {
            let radius = radius(method, model, x, Perturbation { norm, range, weights: None });
            assert!(radius <= exact, "{} {norm} {range:?}: {radius:e} is above {exact:e}", method.name());
        }
    }
}

#[test]
fn a_slope_that_underflows_on_the_way_back_is_no_zero() {
    for op in [scale as Factor, divide, dense] {
        for pairs in [9, 10, 17] {
            // f(x) = 2 − x: backwards the small factors come first, and at x = 0 the forward pass is exact.
            let factors = [vec![LARGE; pairs], vec![SMALL; pairs], vec![-1.0]].concat();
            let mut graph = Graph::new("x", &[1]);
            let line = chain(&mut graph, 0, &factors, op);
            graph.push("shift", Layer::Shift(vec![2.0]), &[line]).unwrap();
            let model = Model::new(graph).unwrap();
            for range in [None, Some(Ranges::Same(Range { low: 0.0, high: 5.0 }))] {
                all_stay_below(&model, 0.0, 2.0, range);
            }
        }
    }
}

#[test]
fn a_feature_whose_scale_underflows_still_counts() {
    for op in [scale as Factor, divide] {
        for pairs in [9, 10, 17] {
            // f(x) = 2 − |x| with an argument of |·| that passes through 0 in f64.
            let factors = [vec![SMALL; pairs], vec![LARGE; pairs]].concat();
            let mut graph = Graph::new("x", &[1]);
            let y = chain(&mut graph, 0, &factors, op);
            let size = graph.push("size", Layer::Kink(Kink::ABS), &[y]).unwrap();
            let negative = graph.push("negative", Layer::Scale(vec![-1.0]), &[size]).unwrap();
            graph.push("shift", Layer::Shift(vec![2.0]), &[negative]).unwrap();
            all_stay_below(&Model::new(graph).unwrap(), 0.0, 2.0, None);
        }
    }
}

#[test]
fn slope_times_scale_may_underflow() {
    // f(x) = 2⁻⁶⁰⁰ − 2⁻⁶⁰⁰·|2⁻⁶⁰⁰ x|: the slope in x is 2⁻¹²⁰⁰, and f reaches 0 at 2⁶⁰⁰.
    let five = vec![SMALL; 5];
    for x in [0.0, 1.0] {
        let mut graph = Graph::new("x", &[1]);
        let y = chain(&mut graph, 0, &five, scale);
        let size = graph.push("size", Layer::Kink(Kink::ABS), &[y]).unwrap();
        let negative = graph.push("negative", Layer::Scale(vec![-1.0]), &[size]).unwrap();
        let shifted = graph.push("shift", Layer::Shift(vec![1.0]), &[negative]).unwrap();
        chain(&mut graph, shifted, &five, scale);
        let exact = 2.0_f64.powi(600);
        all_stay_below(&Model::new(graph).unwrap(), x, exact, None);
    }
}
