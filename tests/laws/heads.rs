//! f as the least of several heads: what methods, witnesses and proofs say of it is the least of what they say of each.

use testing::networks::{Map, generator, icnn, inputs};
use underplane::model::{Graph, Layer, Logit, Model, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::Prover;
use underplane::query::{Perturbation, Query, Range, Ranges};
use underplane::radius::catalogue::{Settings, single};
use underplane::radius::{Samples, Subject, Verdict, heads};

/// Random heads over one input, and their minimum as a file has it.
fn networks(seed: u64, map: Map) -> (Vec<Model>, Graph) {
    let mut rng = generator(seed);
    let graphs: Vec<Graph> = (0..3).map(|_| icnn(&mut rng, 3, &[4, 3], map, 0.0)).collect();
    let mut whole = Graph::new("x", &[3]);
    let mut below = Vec::new();
    for (k, graph) in graphs.iter().enumerate() {
        let mut ids = vec![0];
        for node in &graph.nodes()[1..] {
            let of: Vec<usize> = node.inputs.iter().map(|&input| ids[input]).collect();
            ids.push(whole.push(&format!("h{k}{}", node.name), node.layer().expect("a layer"), &of).unwrap());
        }
        below.push(whole.push(&format!("n{k}"), Layer::Scale(vec![-1.0]), &[ids[graph.output()]]).unwrap());
    }
    let top = whole.push("max", Layer::Max, &below).unwrap();
    whole.push("y", Layer::Scale(vec![-1.0]), &[top]).unwrap();
    (graphs.into_iter().map(|graph| Model::new(graph).unwrap()).collect(), whole)
}

#[test]
fn the_least_of_heads_has_the_least_of_their_radii() {
    let (mut certified, mut proven, mut witnesses) = (0, 0, 0);
    for seed in 0..12 {
        let map = if seed % 3 == 2 { Map::Absolute } else { Map::Identity };
        let (singles, whole) = networks(seed, map);
        let bytes = onnx::encode(&whole).unwrap();
        let model = Model::of_heads(Logit::from(Sensitive::Positive).heads(whole).unwrap()).unwrap();
        assert_eq!(model.heads().len(), 3);
        let mut rng = generator(seed + 1000);
        let x = inputs(&mut rng, 4, 3);
        let prover = Prover::new(&bytes, Sensitive::Positive, &x, 3).unwrap();
        for sample in x.chunks(3) {
            let least = singles.iter().map(|model| model.enclose(sample)[0].value).fold(f64::INFINITY, f64::min);
            assert!((model.enclose(sample)[0].value - least).abs() < 1e-9);
        }
        for norm in [Norm::L1, Norm::L2, Norm::Linf] {
            for range in [None, Some(Ranges::Same(Range { low: -4.0, high: 4.0 }))] {
                let perturbation = Perturbation { norm, range, weights: None };
                for method in single(&Settings::default()).iter().filter(|method| method.subject() == Subject::Base) {
                    if heads::applies(method.as_ref(), &model, perturbation).is_err() {
                        continue;
                    }
                    let samples = Samples::new(&x, 3);
                    let of = |model: &Model| heads::certify(method.as_ref(), model, samples, perturbation);
                    let (found, each) = (of(&model), singles.iter().map(of).collect::<Vec<_>>());
                    for (i, outcome) in found.iter().enumerate() {
                        let verdicts = || each.iter().map(|column| &column[i].verdict);
                        let expected = verdicts().map(|verdict| match verdict {
                            Verdict::Certified(radius) => radius.value(),
                            Verdict::NotSensitive => -1.0,
                            _ => f64::NAN,
                        });
                        let expected: Vec<f64> = expected.collect();
                        let query = Query { model: &model, x: &x[3 * i..3 * i + 3], index: i, perturbation };
                        match &outcome.verdict {
                            Verdict::Certified(radius) => {
                                let least = expected.iter().copied().fold(f64::INFINITY, f64::min);
                                let near = radius.value() == least || (radius.value() / least - 1.0).abs() < 2e-6;
                                assert!(near, "{} {norm}: {radius} of {expected:?}", method.name());
                                certified += 1;
                                if method.has_evidence() {
                                    let proof = prover.prove(query, outcome);
                                    let proof = proof.unwrap_or_else(|why| panic!("{} {norm}: {why}", method.name()));
                                    assert!(proof.radius.value() >= least * (1.0 - 1e-6));
                                    proven += 1;
                                }
                            }
                            Verdict::NotSensitive => assert!(expected.contains(&-1.0)),
                            _ => assert!(expected.iter().any(|radius| radius.is_nan())),
                        }
                        if let Some(witness) = &outcome.witness {
                            assert!(query.check(&witness.point).is_some(), "{} {norm}", method.name());
                            witnesses += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(certified > 200 && proven > 100 && witnesses > 50, "{certified} {proven} {witnesses}");
}
