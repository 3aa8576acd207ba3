//! What is written and read again is exactly the same function.

use rand::RngExt;
use rand::rngs::StdRng;
use testing::networks::{MAPS, dense, exact, generator, icnn, inputs};
use underplane::model::onnx::{decode, encode};
use underplane::model::{Dense, Graph, Kink, Layer, NodeId};

fn again(graph: &Graph) -> Graph {
    decode(&encode(graph).unwrap()).unwrap()
}

fn assert_same_function(rng: &mut StdRng, first: &Graph, second: &Graph) {
    assert_eq!(first.node(0).shape, second.node(0).shape);
    assert_eq!(first.node(first.output()).size(), second.node(second.output()).size());
    let d = first.input_size();
    for x in inputs(rng, 3, d).chunks(d) {
        assert_eq!(exact(first, x)[first.output()], exact(second, x)[second.output()]);
    }
}

#[test]
fn feature_convex_networks_come_back_as_they_were() {
    let mut rng = generator(1);
    for map in MAPS {
        for leak in [0.0, 0.125, f64::from(0.01_f32)] {
            let graph = icnn(&mut rng, 5, &[6, 4], map, leak);
            let second = again(&graph);
            assert_same_function(&mut rng, &graph, &second);
            let ops = |graph: &Graph| graph.nodes().iter().map(|node| node.operation()).collect::<Vec<_>>();
            assert_eq!(ops(&graph), ops(&second), "{map:?}");
            let names = |graph: &Graph| graph.nodes().iter().map(|node| node.name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&graph)[1..], names(&second)[1..], "names stay");
        }
    }
}

#[test]
fn constants_of_64_bits_are_written_exactly() {
    let mut rng = generator(2);
    for _ in 0..20 {
        let mut graph = Graph::new("x", &[4]);
        let mut wide =
            || (0..4).map(|_| rng.random_range(-1.0_f64..1.0) * 2f64.powi(rng.random_range(-9..9))).collect();
        graph.push("scale", Layer::Scale(wide()), &[0]).unwrap();
        graph.push("shift", Layer::Shift(wide()), &[1]).unwrap();
        let fixed = graph.push("fixed", Layer::Constant(wide()), &[]).unwrap();
        graph.push("kink", Layer::Kink(Kink { below: 0.1, above: 0.7 }), &[2]).unwrap();
        let join = graph.push("join", Layer::Concat { outer: 1 }, &[fixed, 4, 2]).unwrap();
        graph.push("last", Layer::Dense(dense(&mut rng, 1, 12, false)), &[join]).unwrap();
        assert_same_function(&mut rng, &graph, &again(&graph));
    }
}

#[test]
fn the_parts_of_a_constant_have_its_sign() {
    let mut graph = Graph::new("x", &[3]);
    graph.push("scale", Layer::Scale(vec![0.1, -1.0 / 3.0, 1.0 - 2f64.powi(-53)]), &[0]).unwrap();
    let second = again(&graph);
    let mut seen = 0;
    for node in second.nodes() {
        if let Some(Layer::Scale(values)) = &node.layer() {
            assert!(values[0] >= 0.0 && values[1] <= 0.0 && values[2] >= 0.0, "{values:?}");
            seen += 1;
        }
    }
    assert!((2..=4).contains(&seen), "{seen} parts");
}

/// A random graph with every operation and shapes of one to three axes.
fn any_graph(rng: &mut StdRng) -> Graph {
    let shapes: [&[usize]; 4] = [&[6], &[2, 3], &[1, 2, 3], &[3, 1, 2]];
    let mut graph = Graph::new("x", shapes[rng.random_range(0..4)]);
    for step in 0..rng.random_range(1..12) {
        // Names are repeated on purpose: the writer has to tell them apart.
        let name = ["a", "b", "x", "logit", "a.weight", ""][rng.random_range(0..6)];
        let from: NodeId = rng.random_range(0..graph.nodes().len());
        let (shape, size) = (graph.node(from).shape.clone(), graph.node(from).size());
        let twin = |graph: &Graph, rng: &mut StdRng| {
            let same: Vec<NodeId> = (0..graph.nodes().len()).filter(|&id| graph.node(id).shape == shape).collect();
            same[rng.random_range(0..same.len())]
        };
        let single = |rng: &mut StdRng| (0..size).map(|_| f64::from(rng.random_range(0.5_f32..2.0))).collect();
        match rng.random_range(0..10) {
            0 => graph.push(name, Layer::Scale(single(rng)), &[from]),
            1 => graph.push(name, Layer::Shift(single(rng)), &[from]),
            2 => graph.push(name, Layer::Divide(single(rng)), &[from]),
            3 => graph.push(name, Layer::Kink([Kink::RELU, Kink::ABS][step % 2]), &[from]),
            4 => graph.push(name, Layer::Kink(Kink { below: -0.5, above: 1.0 }), &[from]),
            5 => {
                let inputs = [from, twin(&graph, rng), twin(&graph, rng)];
                graph.push(name, Layer::Sum, &inputs[..rng.random_range(2..4)])
            }
            6 => {
                let inputs = [from, twin(&graph, rng), twin(&graph, rng)];
                graph.push(name, Layer::Max, &inputs[..rng.random_range(2..4)])
            }
            7 => {
                let outer = shape[..rng.random_range(0..shape.len())].iter().product();
                graph.push(name, Layer::Concat { outer }, &[from, twin(&graph, rng)])
            }
            8 => {
                let rows = rng.random_range(1..7);
                graph.push(name, Layer::Dense(dense(rng, rows, size, false)), &[from])
            }
            _ => graph.push_reshape(name, from, [&[size][..], &[1, size], &[size, 1]][rng.random_range(0..3)]),
        }
        .unwrap();
    }
    graph
}

#[test]
fn any_graph_comes_back() {
    let mut rng = generator(3);
    for _ in 0..300 {
        let graph = any_graph(&mut rng);
        if graph.output() > 0 {
            assert_same_function(&mut rng, &graph, &again(&graph));
        }
    }
}

#[test]
fn an_output_without_axes_becomes_one_column() {
    let mut graph = Graph::new("x", &[1]);
    graph.push_reshape("flat", 0, &[]).unwrap();
    assert_eq!(again(&graph).node(again(&graph).output()).shape, [1]);
}

#[test]
fn constants_beyond_32_bits_of_range_are_refused() {
    for value in [1e300, 1e-300, f64::from(f32::MAX) * 2.0, 2f64.powi(-150)] {
        let mut graph = Graph::new("x", &[1]);
        graph.push("wide", Layer::Shift(vec![value]), &[0]).unwrap();
        let message = encode(&graph).unwrap_err().to_string();
        assert!(message.contains("node `wide`") && message.contains("32-bit"), "{message}");
    }
    let mut graph = Graph::new("x", &[1]);
    graph.push("part", Layer::Divide(vec![0.1]), &[0]).unwrap();
    assert!(encode(&graph).is_err(), "a divisor has no parts");
}

#[test]
fn large_layers_keep_their_bits() {
    let mut rng = generator(4);
    let weight: Vec<f32> = (0..300).map(|_| f32::from_bits(rng.random_range(0..0x7f00_0000))).collect();
    let mut graph = Graph::new("x", &[100]);
    graph.push("w", Layer::Dense(Dense { rows: 3, cols: 100, weight, bias: vec![-0.0, 1e-40, 3e38] }), &[0]).unwrap();
    let second = again(&graph);
    assert_eq!(graph.node(1).op, second.node(1).op);
}
