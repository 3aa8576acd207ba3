//! Random convex networks for the laws of the methods that find exact radii, and how those are run.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use underplane::model::{Curve, Dense, Graph, Kink, Layer, Model, NodeId};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::{Method, Outcome, Samples};

pub const UNIT_BOX: Option<Ranges<'static>> = Some(Ranges::Same(Range { low: 0.0, high: 1.0 }));

/// Signs that the weights of a layer may have.
#[derive(Clone, Copy, PartialEq)]
enum Signs {
    Any,
    Positive,
    Negative,
}

fn dense(rng: &mut impl Rng, rows: usize, cols: usize, signs: Signs, size: f32) -> Layer {
    let coarse = rng.random_bool(0.3);
    let mut weight = |_| {
        let value: f32 = rng.random_range(-size..size);
        // Coarse weights make ties and degenerate programs.
        let value = if coarse { (value * 4.0 / size).round() } else { value };
        match (signs, rng.random_bool(0.2)) {
            (_, true) => 0.0,
            (Signs::Any, _) => value,
            (Signs::Positive, _) => value.abs(),
            (Signs::Negative, _) => -value.abs(),
        }
    };
    let weight = (0..rows * cols).map(&mut weight).collect();
    let bias = (0..rows).map(|_| rng.random_range(-size..size)).collect();
    Layer::Dense(Dense { rows, cols, weight, bias })
}

pub fn push(graph: &mut Graph, op: Layer, inputs: &[NodeId]) -> NodeId {
    graph.push(&format!("n{}", graph.nodes().len()), op, inputs).unwrap()
}

/// A random smooth unit of what `argument` gives.
fn smooth(rng: &mut impl Rng, graph: &mut Graph, argument: NodeId) -> NodeId {
    let curve = match rng.random_range(0..5) {
        0 => Curve::SOFTPLUS,
        1 => Curve::Elu(1.0),
        2 => Curve::Elu(0.625),
        3 => Curve::LogSumExp,
        _ => {
            let kink = push(graph, Layer::Kink(Kink::RELU), &[argument]);
            return push(graph, Layer::Smooth(Curve::square(true)), &[kink]);
        }
    };
    match curve {
        Curve::LogSumExp => {
            let halves = vec![0.5; graph.node(argument).size()];
            let other = push(graph, Layer::Scale(halves), &[argument]);
            push(graph, Layer::Smooth(curve), &[argument, other])
        }
        _ => push(graph, Layer::Smooth(curve), &[argument]),
    }
}

/// A random hidden layer on top of the convex, freely signed entries of `below` (none for the first).
fn hidden(rng: &mut impl Rng, graph: &mut Graph, psi: NodeId, below: Option<NodeId>, width: usize) -> NodeId {
    let d = graph.node(psi).size();
    let size = 10_f32.powf(rng.random_range(-1.0..0.5));
    let affine = |graph: &mut Graph, rng: &mut _| {
        let op = dense(rng, width, d, Signs::Any, size);
        let skip = push(graph, op, &[psi]);
        let Some(below) = below else { return skip };
        let op = dense(rng, width, graph.node(below).size(), Signs::Positive, size);
        let through = push(graph, op, &[below]);
        push(graph, Layer::Sum, &[through, skip])
    };
    let argument = affine(graph, rng);
    match rng.random_range(0..4) {
        0 => {
            let other = affine(graph, rng);
            push(graph, Layer::Max, &[argument, other])
        }
        1 => push(graph, Layer::Kink(Kink { below: 0.125, above: 1.0 }), &[argument]),
        2 => {
            let kink = push(graph, Layer::Kink(Kink::RELU), &[argument]);
            push(graph, Layer::Concat { outer: 1 }, &[kink, argument])
        }
        _ => push(graph, Layer::Kink(Kink::RELU), &[argument]),
    }
}

/// A random convex network on `d` inputs whose logit at the sample is `logit`, and the sample, in the unit box.
pub fn random_model(seed: u64, d: usize, logit: f64) -> (Model, Vec<f64>) {
    random(seed, d, logit, false)
}

/// The same with smooth units behind every hidden layer.
pub fn random_smooth_model(seed: u64, d: usize, logit: f64) -> (Model, Vec<f64>) {
    random(seed, d, logit, true)
}

fn random(seed: u64, d: usize, logit: f64, is_smooth: bool) -> (Model, Vec<f64>) {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut graph = Graph::new("x", &[d]);
    let mut psi = 0;
    let mut constants = |low: f64, high: f64| (0..d).map(|_| rng.random_range(low..high)).collect::<Vec<f64>>();
    let fronts = [
        Layer::Shift(constants(-1.0, 1.0)),
        Layer::Divide(constants(0.2, 3.0).into_iter().map(|c| f64::from(c as f32)).collect()),
        Layer::Scale(constants(-2.0, 2.0)),
    ];
    for front in fronts {
        if rng.random_bool(0.5) {
            psi = push(&mut graph, front, &[psi]);
        }
    }
    let mut below = None;
    for _ in 0..rng.random_range(1..4) {
        let width = rng.random_range(1..9);
        below = Some(hidden(rng, &mut graph, psi, below, width));
        if is_smooth {
            below = below.map(|node| smooth(rng, &mut graph, node));
        }
    }
    let below = below.unwrap();
    let op = dense(rng, 1, graph.node(below).size(), Signs::Positive, 1.0);
    let through = push(&mut graph, op, &[below]);
    let op = dense(rng, 1, d, Signs::Any, 1.0);
    let skip = push(&mut graph, op, &[psi]);
    let mut terms = vec![through, skip];
    if rng.random_bool(0.3) {
        // Concave units with nonpositive weights.
        let op = dense(rng, 3, d, Signs::Any, 1.0);
        let argument = push(&mut graph, op, &[psi]);
        let concave = push(&mut graph, Layer::Kink(Kink { below: 1.75, above: 0.5 }), &[argument]);
        let op = dense(rng, 1, 3, Signs::Negative, 1.0);
        terms.push(push(&mut graph, op, &[concave]));
    }
    let sum = push(&mut graph, Layer::Sum, &terms);
    // Samples are float32, and some lie on the box's faces.
    let x: Vec<f64> = (0..d).map(|_| f64::from(rng.random_range(-0.3..1.3_f32).clamp(0.0, 1.0))).collect();
    let x: Vec<f64> = if rng.random_bool(0.3) { x.iter().map(|v| (v * 4.0).round() / 4.0).collect() } else { x };
    let value = Model::new(graph.clone()).unwrap().enclose(&x)[0].value;
    push(&mut graph, Layer::Shift(vec![logit - value]), &[sum]);
    (Model::new(graph).unwrap(), x)
}

pub fn run(method: &impl Method, model: &Model, x: &[f64], perturbation: Perturbation) -> Outcome {
    method.certify(model, Samples::new(x, x.len()), perturbation).remove(0)
}

pub fn perturbations() -> impl Iterator<Item = Perturbation<'static>> {
    Norm::STANDARD
        .into_iter()
        .flat_map(|norm| [None, UNIT_BOX].map(|range| Perturbation { norm, range, weights: None }))
}

/// Lower and upper side, the latter infinite without a witness.
pub fn sides(outcome: &Outcome) -> (f64, f64) {
    let lower = outcome.radius().unwrap_or_else(|| panic!("{:?}", outcome.verdict)).value();
    (lower, outcome.witness.as_ref().map_or(f64::INFINITY, |w| w.distance))
}

/// relu(x₀) + relu(−x₀) + 0.5 with an idle second input: positive everywhere.
pub fn positive_everywhere() -> Model {
    let mut graph = Graph::new("x", &[2]);
    let first = Dense { rows: 2, cols: 2, weight: vec![1., 0., -1., 0.], bias: vec![0.; 2] };
    let first = push(&mut graph, Layer::Dense(first), &[0]);
    let kink = push(&mut graph, Layer::Kink(Kink::RELU), &[first]);
    push(&mut graph, Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1., 1.], bias: vec![0.5] }), &[kink]);
    Model::new(graph).unwrap()
}

/// 3x₀ − 4x₂.
pub fn linear() -> Model {
    let mut graph = Graph::new("x", &[3]);
    push(&mut graph, Layer::Dense(Dense { rows: 1, cols: 3, weight: vec![3., 0., -4.], bias: vec![0.] }), &[0]);
    Model::new(graph).unwrap()
}
