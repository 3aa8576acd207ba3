//! Random feature-convex networks for the law tests, and their exact evaluation.

use crate::naive_smooth;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use underplane::model::{Dense, Graph, Kink, Layer, Model, NodeId};

/// How the network in front of the first layer looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Map {
    Identity,
    Centred,
    Scaled,
    Absolute,
    ScaledAbsolute,
}

/// All of them.
pub const MAPS: [Map; 5] = [Map::Identity, Map::Centred, Map::Scaled, Map::Absolute, Map::ScaledAbsolute];

/// A seeded generator.
pub fn generator(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// A matrix of free sign, or a nonnegative one with a third of exact zeros.
pub fn dense(rng: &mut StdRng, rows: usize, cols: usize, nonnegative: bool) -> Dense {
    let size = 1.0 / (cols as f32).sqrt();
    let mut weight = |_| {
        let w: f32 = rng.random_range(-1.0..1.0) * size;
        if nonnegative { w.max(0.0) } else { w }
    };
    let weight = (0..rows * cols).map(&mut weight).collect();
    let bias = (0..rows).map(|_| rng.random_range(-0.3..0.3)).collect();
    Dense { rows, cols, weight, bias }
}

/// φ, and the node of its features.
pub fn feature_map(rng: &mut StdRng, graph: &mut Graph, map: Map) -> NodeId {
    let d = graph.input_size();
    let mut constant = |low: f64, high: f64| (0..d).map(|_| f64::from(rng.random_range(low..high) as f32)).collect();
    let centred = match map {
        Map::Identity => 0,
        _ => graph.push("mean", Layer::Shift(constant(-0.6, -0.1)), &[0]).unwrap(),
    };
    let y = match map {
        Map::Scaled | Map::ScaledAbsolute => {
            graph.push("deviation", Layer::Divide(constant(0.3, 3.0)), &[centred]).unwrap()
        }
        _ => centred,
    };
    match map {
        Map::Absolute | Map::ScaledAbsolute => {
            let size = graph.push("absolute", Layer::Kink(Kink::ABS), &[y]).unwrap();
            graph.push("features", Layer::Concat { outer: 1 }, &[y, size]).unwrap()
        }
        _ => y,
    }
}

/// An input-convex network on φ with passthroughs into every layer; `leak` is the slope of its activations below 0.
pub fn icnn(rng: &mut StdRng, d: usize, hidden: &[usize], map: Map, leak: f64) -> Graph {
    let mut graph = Graph::new("x", &[d]);
    let psi = feature_map(rng, &mut graph, map);
    let features = graph.node(psi).size();
    let kink = Layer::Kink(Kink { below: leak, above: 1.0 });
    let mut z = None;
    for (k, &width) in hidden.iter().chain(&[1]).enumerate() {
        let pass = dense(rng, width, features, false);
        let pass = graph.push(&format!("pass{k}"), Layer::Dense(pass), &[psi]).unwrap();
        let t = match z {
            None => pass,
            Some((z, before)) => {
                let layer = dense(rng, width, before, true);
                let layer = graph.push(&format!("layer{k}"), Layer::Dense(layer), &[z]).unwrap();
                graph.push(&format!("sum{k}"), Layer::Sum, &[layer, pass]).unwrap()
            }
        };
        z = Some((
            if k < hidden.len() { graph.push(&format!("act{k}"), kink.clone(), &[t]).unwrap() } else { t },
            width,
        ));
    }
    graph
}

/// The model of a graph.
pub fn model(graph: Graph) -> Model {
    Model::new(graph).unwrap()
}

/// `count` inputs in [0, 1]^d, each an exact `f32`.
pub fn inputs(rng: &mut StdRng, count: usize, d: usize) -> Vec<f64> {
    (0..count * d).map(|_| f64::from(rng.random_range(0.0_f32..1.0))).collect()
}

/// A float as the rational that it is.
pub fn rational(x: f64) -> BigRational {
    BigRational::from_float(x).expect("finite")
}

/// Every node's exact value.
pub fn exact(graph: &Graph, x: &[f64]) -> Vec<Vec<BigRational>> {
    let mut nodes: Vec<Vec<BigRational>> = Vec::new();
    for node in graph.nodes() {
        let input = |k: usize| &nodes[node.inputs[k]];
        let with = |c: &[f64], f: &dyn Fn(&BigRational, BigRational) -> BigRational| -> Vec<BigRational> {
            input(0).iter().zip(c).map(|(x, &c)| f(x, rational(c))).collect()
        };
        let value = match &node.layer() {
            None => x.iter().map(|&x| rational(x)).collect(),
            Some(Layer::Constant(c)) => c.iter().map(|&c| rational(c)).collect(),
            Some(Layer::Scale(c)) => with(c, &|x, c| x * c),
            Some(Layer::Shift(c)) => with(c, &|x, c| x + c),
            Some(Layer::Divide(c)) => with(c, &|x, c| x / c),
            Some(Layer::Reshape) => input(0).clone(),
            Some(Layer::Dense(dense)) => (0..dense.rows)
                .map(|i| {
                    let terms = dense.row(i).iter().zip(input(0)).map(|(&w, x)| rational(f64::from(w)) * x);
                    terms.fold(rational(f64::from(dense.bias[i])), |a, b| a + b)
                })
                .collect(),
            Some(Layer::Linear(map, offset)) => {
                let row = |i: usize| map.entries(i).map(|(j, w)| rational(w.value) * &input(0)[j]).sum::<BigRational>();
                (0..map.rows()).map(|i| row(i) + rational(offset.get(i).copied().unwrap_or(0.0))).collect()
            }
            Some(Layer::Kink(kink)) => {
                input(0).iter().map(|t| t * rational(if t.is_negative() { kink.below } else { kink.above })).collect()
            }
            Some(Layer::Sum) => {
                (0..node.size()).map(|i| node.inputs.iter().map(|&k| nodes[k][i].clone()).sum()).collect()
            }
            Some(Layer::Max) => {
                (0..node.size()).map(|i| node.inputs.iter().map(|&k| nodes[k][i].clone()).max().unwrap()).collect()
            }
            Some(Layer::Smooth(curve)) => (0..node.size())
                .map(|i| naive_smooth::value(*curve, &node.inputs.iter().map(|&k| &nodes[k][i]).collect::<Vec<_>>()))
                .collect(),
            Some(Layer::Concat { outer }) => (0..*outer)
                .flat_map(|block| {
                    let nodes = &nodes;
                    node.inputs.iter().flat_map(move |&k| {
                        let chunk = nodes[k].len() / outer;
                        nodes[k][block * chunk..(block + 1) * chunk].to_vec()
                    })
                })
                .collect(),
        };
        nodes.push(value);
    }
    nodes
}

/// The exact logit.
pub fn exact_logit(graph: &Graph, x: &[f64]) -> BigRational {
    exact(graph, x)[graph.output()][0].clone()
}

/// The exact logit and the exact gradient with respect to the input, for a network without kinks in φ and without
/// maxima: reverse mode, kinks by the sign of their exact argument.
pub fn exact_gradient(graph: &Graph, x: &[f64]) -> (BigRational, Vec<BigRational>) {
    let values = exact(graph, x);
    let zero = BigRational::zero;
    let mut adjoints: Vec<Vec<BigRational>> = graph.nodes().iter().map(|n| vec![zero(); n.size()]).collect();
    adjoints[graph.output()][0] = rational(1.0);
    for id in (0..=graph.output()).rev() {
        let node = graph.node(id);
        let v = adjoints[id].clone();
        match &node.layer() {
            Some(Layer::Dense(dense)) => {
                for i in 0..dense.rows {
                    for j in 0..dense.cols {
                        adjoints[node.inputs[0]][j] += rational(f64::from(dense.row(i)[j])) * &v[i];
                    }
                }
            }
            Some(Layer::Linear(map, _)) => {
                for i in 0..v.len() {
                    map.entries(i).for_each(|(j, w)| adjoints[node.inputs[0]][j] += rational(w.value) * &v[i]);
                }
            }
            Some(Layer::Scale(c)) => (0..v.len()).for_each(|i| adjoints[node.inputs[0]][i] += &v[i] * rational(c[i])),
            Some(Layer::Divide(c)) => (0..v.len()).for_each(|i| adjoints[node.inputs[0]][i] += &v[i] / rational(c[i])),
            Some(Layer::Kink(kink)) => {
                for i in 0..v.len() {
                    let slope = if values[node.inputs[0]][i].is_negative() { kink.below } else { kink.above };
                    adjoints[node.inputs[0]][i] += &v[i] * rational(slope);
                }
            }
            Some(Layer::Smooth(curve)) => {
                for i in 0..v.len() {
                    let inputs: Vec<&BigRational> = node.inputs.iter().map(|&k| &values[k][i]).collect();
                    for (&input, slope) in node.inputs.iter().zip(naive_smooth::slopes(*curve, &inputs)) {
                        adjoints[input][i] += &v[i] * slope;
                    }
                }
            }
            Some(Layer::Sum) | Some(Layer::Shift(_)) | Some(Layer::Reshape) => {
                for &input in &node.inputs {
                    (0..v.len()).for_each(|i| adjoints[input][i] += &v[i]);
                }
            }
            None | Some(Layer::Constant(_)) => {}
            Some(Layer::Max) | Some(Layer::Concat { .. }) => panic!("not needed here"),
        }
    }
    (values[graph.output()][0].clone(), adjoints[0].clone())
}
