//! The convolutional networks of the paper's shapes, with random weights.

use rand::RngExt;
use rand::rngs::StdRng;
use underplane::model::map::{Axis, Map, Windows};
use underplane::model::passes::forward;
use underplane::model::{Dense, Graph, Kink, Layer, Model, NodeId};

/// What the networks differ in.
pub struct Shape {
    pub channels: usize,
    pub size: usize,
    pub width: usize,
    pub depth: usize,
    pub first: usize,
    pub absolute: bool,
}

pub const FASHION: Shape = Shape { channels: 1, size: 28, width: 4, depth: 2, first: 5, absolute: false };
pub const CIFAR: Shape = Shape { channels: 3, size: 32, width: 16, depth: 4, first: 11, absolute: true };

/// A convolution of free sign behind the feature map, and `depth` with weights that are never below 0, each beside a way
/// around it; before each a batch normalisation. The logit is above 0 at all `inputs`.
pub fn network(rng: &mut StdRng, shape: &Shape, inputs: &[f64]) -> Graph {
    let Shape { channels, size, width, depth, first, absolute } = *shape;
    let mut graph = Graph::new("x", &[channels, size, size]);
    let mean = vec![-0.4; graph.input_size()];
    let mut z = push(&mut graph, Layer::Shift(mean), &[0]);
    if absolute {
        let sizes = push(&mut graph, Layer::Kink(Kink::ABS), &[z]);
        z = push(&mut graph, Layer::Concat { outer: 1 }, &[z, sizes]);
    }
    z = normalised(rng, &mut graph, z, size);
    z = windows(rng, &mut graph, z, [size, first, width], -0.05..0.05);
    z = push(&mut graph, Layer::Kink(Kink::RELU), &[z]);
    for _ in 0..depth {
        z = normalised(rng, &mut graph, z, size);
        let moved = windows(rng, &mut graph, z, [size, 3, width], 0.0..0.01);
        z = push(&mut graph, Layer::Sum, &[moved, z]);
        z = push(&mut graph, Layer::Kink(Kink::RELU), &[z]);
    }
    z = normalised(rng, &mut graph, z, size);
    let cols = graph.node(z).size();
    let weight = (0..cols).map(|_| rng.random_range(0.0..0.01)).collect();
    z = push(&mut graph, Layer::Dense(Dense { rows: 1, cols, weight, bias: vec![0.0] }), &[z]);
    let values = forward(Model::new(graph.clone()).expect("a convex network").network(), inputs);
    let least = values.nodes[z].iter().fold(f64::INFINITY, |least, &logit| least.min(logit));
    push(&mut graph, Layer::Shift(vec![f64::from((0.5 - least) as f32)]), &[z]);
    graph
}

fn push(graph: &mut Graph, layer: Layer, inputs: &[NodeId]) -> NodeId {
    graph.push(&format!("n{}", graph.nodes().len()), layer, inputs).expect("shapes that fit")
}

fn normalised(rng: &mut StdRng, graph: &mut Graph, z: NodeId, size: usize) -> NodeId {
    let channels = graph.node(z).size() / (size * size);
    let mut constants = |low: f32, high: f32| -> Vec<f64> {
        let one = |_| f64::from(rng.random_range(low..high));
        (0..channels).map(one).flat_map(|c| std::iter::repeat_n(c, size * size)).collect()
    };
    let (factors, shifts) = (constants(0.5, 1.5), constants(-1.0, 0.5));
    let scaled = push(graph, Layer::Scale(factors), &[z]);
    push(graph, Layer::Shift(shifts), &[scaled])
}

fn windows(
    rng: &mut StdRng,
    graph: &mut Graph,
    z: NodeId,
    [size, cells, outputs]: [usize; 3],
    weights: std::ops::Range<f32>,
) -> NodeId {
    let inputs = graph.node(z).size() / (size * size);
    let axis = Axis::new(size, cells, 1, 1, cells / 2, cells / 2).expect("room for the window");
    let weight = (0..outputs * inputs * cells * cells).map(|_| rng.random_range(weights.clone())).collect();
    let map = Map::Windows(Windows::new(1, [inputs, outputs], [axis, axis], weight));
    let offset = (0..outputs).flat_map(|o| vec![o as f64 / 64.0 - 0.1; size * size]).collect();
    push(graph, Layer::Linear(map, offset), &[z])
}
