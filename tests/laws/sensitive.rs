//! The logit of the sensitive class, chosen by sign or by index.

use rand::RngExt;
use rand::rngs::StdRng;
use testing::networks::{dense, exact, generator, inputs, rational};
use underplane::model::{Dense, Graph, Kink, Layer, Sensitive, select};

/// Two outputs behind one hidden layer, with a passthrough if `skip`.
fn two_outputs(rng: &mut StdRng, skip: bool, coarse: bool) -> Graph {
    let mut graph = Graph::new("x", &[3]);
    let first = graph.push("first", Layer::Dense(dense(rng, 4, 3, false)), &[0]).unwrap();
    let hidden = graph.push("relu", Layer::Kink(Kink::RELU), &[first]).unwrap();
    let mut last = dense(rng, 2, 4, false);
    if coarse {
        last.weight.iter_mut().for_each(|w| *w = (*w * 64.0).round() / 64.0);
    }
    let mut output = graph.push("last", Layer::Dense(last), &[hidden]).unwrap();
    if skip {
        let pass = graph.push("pass", Layer::Dense(dense(rng, 2, 3, false)), &[0]).unwrap();
        output = graph.push("sum", Layer::Sum, &[output, pass]).unwrap();
    }
    let output = graph.push("shift", Layer::Shift(vec![0.1, -2f64.powi(-70)]), &[output]).unwrap();
    graph.push_reshape("same", output, &[2, 1]).unwrap();
    graph
}

#[test]
fn an_index_gives_the_exact_difference() {
    let mut rng = generator(1);
    for round in 0..40 {
        let graph = two_outputs(&mut rng, round % 2 == 0, round % 3 == 0);
        for index in [0, 1] {
            let logit = select(graph.clone(), Sensitive::Index(index)).unwrap();
            assert_eq!(logit.node(logit.output()).size(), 1);
            for x in inputs(&mut rng, 2, 3).chunks(3) {
                let both = &exact(&graph, x)[graph.output()];
                assert_eq!(exact(&logit, x)[logit.output()][0], &both[index] - &both[1 - index]);
            }
        }
    }
}

/// The signs of the factors that every hidden unit is multiplied with.
fn assert_signs_show(graph: &Graph, last: &Dense, plus: usize) {
    for node in graph.nodes() {
        let factors: Vec<f64> = match &node.layer() {
            Some(Layer::Scale(values)) => values.clone(),
            Some(Layer::Dense(dense)) if dense.rows == 1 => dense.weight.iter().map(|&w| f64::from(w)).collect(),
            _ => continue,
        };
        let ones = factors.iter().all(|&f| f == 1.0);
        for (k, factor) in factors.into_iter().enumerate() {
            let difference = last.row(plus)[k] > last.row(1 - plus)[k];
            assert!(ones || factor == 0.0 || (factor > 0.0) == difference, "{factor} for unit {k}");
        }
    }
}

#[test]
fn every_factor_has_the_sign_of_its_weight_difference() {
    let mut rng = generator(2);
    for round in 0..40 {
        let mut graph = Graph::new("x", &[4]);
        let mut last = dense(&mut rng, 2, 4, false);
        if round % 2 == 0 {
            // So far apart that 64 bits do not hold the difference, in both orders and signs.
            let tiny = f32::from_bits(rng.random_range(1..1 << 24));
            last.weight = vec![1.0, tiny, -tiny, -0.75, tiny, 1.5, 0.3, -tiny];
        }
        graph.push("last", Layer::Dense(last.clone()), &[0]).unwrap();
        for plus in [0, 1] {
            let logit = select(graph.clone(), Sensitive::Index(plus)).unwrap();
            assert_signs_show(&logit, &last, plus);
            let x = inputs(&mut rng, 1, 4);
            let both = &exact(&graph, &x)[graph.output()];
            assert_eq!(exact(&logit, &x)[logit.output()][0], &both[plus] - &both[1 - plus]);
        }
    }
}

#[test]
fn differences_of_32_bits_stay_one_layer() {
    let mut graph = Graph::new("x", &[2]);
    let last = Dense { rows: 2, cols: 2, weight: vec![1.0, 0.5, 0.25, 2.0], bias: vec![0.5, 1.0] };
    graph.push("last", Layer::Dense(last), &[0]).unwrap();
    let logit = select(graph, Sensitive::Index(1)).unwrap();
    let dense: Vec<Dense> = logit
        .nodes()
        .iter()
        .filter_map(|node| if let Some(Layer::Dense(dense)) = node.layer() { Some(dense) } else { None })
        .collect();
    assert_eq!(dense.len(), 1, "the layer of two outputs is gone");
    assert_eq!(dense[0].weight, [-0.75, 1.5]);
    assert!(logit.nodes().iter().all(|node| !matches!(node.layer(), Some(Layer::Scale(_)))));
}

#[test]
fn other_outputs_are_subtracted_as_they_are() {
    let mut graph = Graph::new("x", &[2]);
    graph.push("abs", Layer::Kink(Kink::ABS), &[0]).unwrap();
    let logit = select(graph, Sensitive::Index(0)).unwrap();
    assert_eq!(exact(&logit, &[-0.25, 0.5])[logit.output()][0], rational(-0.25));
}

#[test]
fn deep_and_shared_sums_end() {
    let mut graph = Graph::new("x", &[2]);
    for _ in 0..5000 {
        let last = graph.output();
        graph.push("twice", Layer::Sum, &[last, last]).unwrap();
    }
    assert!(select(graph, Sensitive::Index(0)).is_ok());
}

#[test]
fn negative_turns_the_sign_round() {
    let mut graph = Graph::new("x", &[1]);
    graph.push("shift", Layer::Shift(vec![0.5]), &[0]).unwrap();
    let positive = select(graph.clone(), Sensitive::Positive).unwrap();
    assert_eq!(positive, graph);
    let negative = select(graph, Sensitive::Negative).unwrap();
    assert_eq!(exact(&negative, &[0.25])[negative.output()][0], rational(-0.75));
}

#[test]
fn what_does_not_fit_says_what_does() {
    let outputs = |size: usize| {
        let mut graph = Graph::new("x", &[1]);
        let dense = Dense { rows: size, cols: 1, weight: vec![1.0; size], bias: vec![0.0; size] };
        graph.push("last", Layer::Dense(dense), &[0]).unwrap();
        graph
    };
    let cases = [
        (1, Sensitive::Index(0), "positive or negative"),
        (2, Sensitive::Positive, "0 or 1"),
        (2, Sensitive::Negative, "0 or 1"),
        (2, Sensitive::Index(2), "0 or 1"),
        (3, Sensitive::Positive, "3 outputs"),
        (3, Sensitive::Index(1), "the least of 2"),
        (3, Sensitive::Index(3), "an index from 0 to 2"),
    ];
    for (size, sensitive, words) in cases {
        let message = select(outputs(size), sensitive).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn the_words_are_read_and_written() {
    for word in ["positive", "negative", "0", "1", "17"] {
        assert_eq!(word.parse::<Sensitive>().unwrap().to_string(), word);
    }
    for word in ["", "02", "+1", "Positive", "-1", "first"] {
        assert!(word.parse::<Sensitive>().unwrap_err().contains("positive, negative or an index"));
    }
}
