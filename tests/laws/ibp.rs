//! Laws of interval bound propagation on random networks, convex and not.

use num_traits::Signed;
use rand::RngExt;
use rand::rngs::StdRng;
use testing::naive_ibp;
use testing::networks;
use testing::networks::{MAPS, Map, dense, exact_gradient, exact_logit, generator, icnn, inputs, model, rational};
use underplane::model::{Dense, Graph, Kink, Layer, Model};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::ibp::Ibp;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Method, Samples, Verdict};

const UNIT_BOX: Option<Ranges<'static>> = Some(Ranges::Same(Range { low: 0.0, high: 1.0 }));
const EXPONENTS: [f64; 5] = [1.0, 1.5, 2.0, 3.0, f64::INFINITY];

fn radii(method: &dyn Method, model: &Model, x: &[f64], perturbation: Perturbation) -> Vec<f64> {
    let outcomes = method.certify(model, Samples::new(x, model.input_size()), perturbation);
    outcomes.iter().map(|o| o.radius().map_or(0.0, |r| r.value())).collect()
}

/// Not convex: weights of both signs behind every kink, a maximum, a negative scale, and the input joined to a hidden
/// layer in a concatenation, itself scaled by constants.
pub(crate) fn tangle(rng: &mut StdRng, d: usize) -> Graph {
    let mut graph = Graph::new("x", &[d]);
    let constants = |rng: &mut StdRng, n: usize| -> Vec<f64> {
        (0..n)
            .map(|_| f64::from(rng.random_range(0.3_f32..2.0)) * if rng.random_bool(0.5) { 1.0 } else { -1.0 })
            .collect()
    };
    let scaled = graph.push("scaled", Layer::Scale(constants(rng, d)), &[0]).unwrap();
    let divided = graph.push("divided", Layer::Divide(constants(rng, d)), &[0]).unwrap();
    let first = graph.push("first", Layer::Dense(dense(rng, 5, d, false)), &[scaled]).unwrap();
    let leaky = Layer::Kink(Kink { below: rng.random_range(-0.5..0.5), above: rng.random_range(0.5..1.5) });
    let hidden = graph.push("leaky", leaky, &[first]).unwrap();
    let joined = graph.push("joined", Layer::Concat { outer: 1 }, &[divided, hidden, scaled]).unwrap();
    let second = graph.push("second", Layer::Dense(dense(rng, 4, 2 * d + 5, false)), &[joined]).unwrap();
    let size = graph.push("size", Layer::Kink(Kink::ABS), &[second]).unwrap();
    let other = graph.push("other", Layer::Dense(dense(rng, 4, d, false)), &[0]).unwrap();
    let largest = graph.push("largest", Layer::Max, &[size, other]).unwrap();
    let turned = graph.push("turned", Layer::Scale(constants(rng, 4)), &[largest]).unwrap();
    let constant = graph.push("constant", Layer::Constant(constants(rng, 4)), &[]).unwrap();
    let sum = graph.push("sum", Layer::Sum, &[turned, second, constant]).unwrap();
    let shaped = graph.push_reshape("shaped", sum, &[2, 2]).unwrap();
    let again = graph.push_reshape("again", second, &[2, 2]).unwrap();
    let rows = graph.push("rows", Layer::Concat { outer: 2 }, &[shaped, again]).unwrap();
    graph.push("out", Layer::Dense(dense(rng, 1, 8, false)), &[rows]).unwrap();
    graph
}

fn random_graph(rng: &mut StdRng, seed: u64, d: usize) -> Graph {
    match seed % 3 {
        0 => tangle(rng, d),
        k => icnn(rng, d, &[6, 4], MAPS[(seed / 3) as usize % MAPS.len()], if k == 1 { 0.0 } else { 0.2 }),
    }
}

/// A random point of the closed ball (and of the box), mostly on its boundary.
fn point_within(rng: &mut StdRng, x: &[f64], r: f64, perturbation: Perturbation) -> Vec<f64> {
    let mut delta: Vec<f64> = x.iter().map(|_| rng.random_range(-1.0..1.0_f64)).collect();
    match rng.random_range(0..3) {
        0 => delta.iter_mut().for_each(|d| *d = d.signum()),
        1 => {
            let keep = rng.random_range(0..x.len());
            (0..x.len()).filter(|&i| i != keep).for_each(|i| delta[i] = 0.0);
        }
        _ => {}
    }
    let size = perturbation.norm.upper(&delta).max(1e-300);
    let moved = |(i, (d, x)): (usize, (&f64, &f64))| perturbation.clip(i, x + d / size * r);
    delta.iter().zip(x).enumerate().map(moved).collect()
}

#[test]
fn no_point_within_a_radius_is_misclassified() {
    let (mut certified, mut refuted) = (0, 0);
    for seed in 0..150 {
        let mut rng = generator(seed);
        let d = 1 + seed as usize % 4;
        let graph = random_graph(&mut rng, seed, d);
        let model = model(graph);
        let x = inputs(&mut rng, 3, d);
        for p in EXPONENTS {
            for range in [None, UNIT_BOX] {
                let perturbation = Perturbation { norm: Norm::from_p(p).unwrap(), range, weights: None };
                for (x, r) in x.chunks(d).zip(radii(&Ibp::default(), &model, &x, perturbation)) {
                    if r == 0.0 {
                        continue;
                    }
                    let r = r.min(20.0);
                    certified += 1;
                    for k in 0..60 {
                        let reach = if k % 3 > 0 { r * (1.0 - 1e-12) } else { r * rng.random_range(1.0..2.0) + 1e-3 };
                        let y = point_within(&mut rng, x, reach, perturbation);
                        if model.enclose(&y)[0].upper() > 0.0 {
                            continue;
                        }
                        refuted += 1;
                        let delta: Vec<f64> = y.iter().zip(x).map(|(a, b)| a - b).collect();
                        let distance = perturbation.norm.upper(&delta);
                        assert!(
                            r < distance,
                            "seed {seed} p={p} {range:?}: radius {r}, but f ≤ 0 at {y:?}, {distance} from {x:?}"
                        );
                    }
                }
            }
        }
    }
    assert!(certified > 500 && refuted > 500, "{certified} radii, {refuted} points with f ≤ 0");
}

#[test]
fn the_radius_agrees_with_the_naive_twin() {
    let mut compared = 0;
    for seed in 0..60 {
        let mut rng = generator(1000 + seed);
        let map = MAPS[seed as usize % MAPS.len()];
        let model = model(icnn(&mut rng, 5, &[7, 4], map, 0.0));
        let x = inputs(&mut rng, 4, 5);
        for p in EXPONENTS {
            for range in [None, UNIT_BOX] {
                let perturbation = Perturbation { norm: Norm::from_p(p).unwrap(), range, weights: None };
                for (x, r) in x.chunks(5).zip(radii(&Ibp::default(), &model, &x, perturbation)) {
                    match naive_ibp::radius(model.graph(), x, perturbation, 1e-5) {
                        None => assert_eq!(r, 0.0),
                        Some(f64::INFINITY) => assert_eq!(r, f64::INFINITY),
                        Some(twin) => {
                            compared += 1;
                            assert!(
                                (r / twin - 1.0).abs() < 1.2e-4,
                                "seed {seed} {map:?} p={p} {range:?}: {r}, twin {twin}"
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

/// One linear layer behind an elementwise affine map of the given kind.
fn affine(rng: &mut StdRng, d: usize, map: Map) -> Graph {
    icnn(rng, d, &[], map, 0.0)
}

#[test]
fn an_affine_network_has_its_closed_form_radius() {
    for seed in 0..60 {
        let mut rng = generator(seed);
        // Scaled: an elementwise operation in front of the first linear layer.
        let map = [Map::Identity, Map::Centred, Map::Scaled][seed as usize % 3];
        let model = model(affine(&mut rng, 6, map));
        let x = inputs(&mut rng, 4, 6);
        for p in EXPONENTS {
            let perturbation = Perturbation::new(Norm::from_p(p).unwrap());
            let tight = Ibp { tolerance: 1e-9 };
            for (method, tolerance) in [(Ibp::default(), 1.01e-4), (tight, 1e-8)] {
                let closed = radii(&Sharp, &model, &x, perturbation);
                for ((x, r), closed) in x.chunks(6).zip(radii(&method, &model, &x, perturbation)).zip(closed) {
                    assert!(r <= closed * (1.0 + 1e-10), "seed {seed} p={p}: {r} above {closed}");
                    assert!(r >= closed * (1.0 - tolerance), "seed {seed} p={p}: {r} far below {closed}");
                    let (f, gradient) = exact_gradient(model.graph(), x);
                    if p == 1.0 && f.is_positive() {
                        assert!(rational(r) * gradient.iter().map(|g| g.abs()).max().unwrap() < f);
                    }
                }
            }
        }
    }
}

#[test]
fn a_scale_in_front_of_the_first_layer_counts() {
    // f = 1 − 100·x by a scale of 100 and a weight of −1: the distance to f ≤ 0 is 0.01 for every norm.
    let mut graph = Graph::new("x", &[2]);
    let scaled = graph.push("scale", Layer::Scale(vec![100.0, 1.0]), &[0]).unwrap();
    let out = Dense { rows: 1, cols: 2, weight: vec![-1.0, 0.0], bias: vec![1.0] };
    graph.push("out", Layer::Dense(out), &[scaled]).unwrap();
    let model = model(graph);
    for p in EXPONENTS {
        let r = radii(&Ibp { tolerance: 1e-9 }, &model, &[0.0, 0.0], Perturbation::new(Norm::from_p(p).unwrap()))[0];
        assert!(r < 0.01 && r > 0.01 * (1.0 - 1e-8), "p={p}: {r}");
    }
}

#[test]
fn opposite_entries_on_one_coordinate_cancel() {
    // y and −y joined: 3y + 2(−y) − ½ has slope 1 in y, not 5.
    let mut graph = Graph::new("x", &[1]);
    let turned = graph.push("turned", Layer::Scale(vec![-1.0]), &[0]).unwrap();
    let joined = graph.push("joined", Layer::Concat { outer: 1 }, &[0, turned]).unwrap();
    let out = Dense { rows: 1, cols: 2, weight: vec![3.0, 2.0], bias: vec![-0.5] };
    graph.push("out", Layer::Dense(out), &[joined]).unwrap();
    let model = model(graph);
    for p in [1.0, 2.0, f64::INFINITY] {
        let r = radii(&Ibp { tolerance: 1e-9 }, &model, &[1.0], Perturbation::new(Norm::from_p(p).unwrap()))[0];
        assert!(r < 0.5 && r > 0.5 * (1.0 - 1e-8), "p={p}: {r}");
    }
}

#[test]
fn with_a_box_an_affine_network_has_the_capped_radius() {
    for seed in 0..80 {
        let mut rng = generator(seed);
        let model = model(affine(&mut rng, 5, [Map::Identity, Map::Scaled][seed as usize % 2]));
        let mut x = inputs(&mut rng, 4, 5);
        x[seed as usize % 5] = 0.0;
        let inside = |norm| Perturbation { norm, range: UNIT_BOX, weights: None };
        for norm in [Norm::L1, Norm::Linf] {
            let capped = radii(&Sharp, &model, &x, inside(norm));
            for (r, capped) in radii(&Ibp::default(), &model, &x, inside(norm)).into_iter().zip(capped) {
                assert!(
                    r == capped || (r <= capped * (1.0 + 1e-10) && r >= capped * (1.0 - 1.01e-4)),
                    "seed {seed} {norm}: {r}, {capped}"
                );
            }
        }
        for norm in [Norm::L1, Norm::L2, Norm::Lp(1.5)] {
            let free = radii(&Ibp::default(), &model, &x, Perturbation::new(norm));
            for (boxed, free) in radii(&Ibp::default(), &model, &x, inside(norm)).into_iter().zip(free) {
                assert!(boxed >= free * (1.0 - 1e-4), "seed {seed} {norm}: a box takes freedom away: {boxed}, {free}");
            }
        }
    }
}

#[test]
fn a_network_that_is_not_convex_gets_radii() {
    let mut certified = 0;
    for seed in 0..60 {
        let mut rng = generator(seed);
        let model = model(tangle(&mut rng, 3));
        let x = inputs(&mut rng, 2, 3);
        let outcomes = Ibp::default().certify(&model, Samples::new(&x, 3), Perturbation::new(Norm::L2));
        for (x, outcome) in x.chunks(3).zip(outcomes) {
            let positive = exact_logit(model.graph(), x).is_positive();
            assert_eq!(matches!(outcome.verdict, Verdict::Certified(_)), positive, "seed {seed}");
            let convex = model.convexity().is_ok();
            certified += usize::from(!convex && outcome.radius().is_some_and(|r| r.value() > 1e-3));
        }
    }
    assert!(certified > 20, "{certified}");
}

#[test]
fn flat_networks_are_unbounded_and_ties_are_not_certified() {
    for (bias, expected) in [(1.0, f64::INFINITY), (0.0, 0.0), (-1.0, 0.0)] {
        let mut graph = Graph::new("x", &[3]);
        let first = graph.push(
            "first",
            Layer::Dense(Dense { rows: 2, cols: 3, weight: vec![0.0; 6], bias: vec![0.5; 2] }),
            &[0],
        );
        let act = graph.push("act", Layer::Kink(Kink::RELU), &[first.unwrap()]).unwrap();
        graph
            .push("out", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![2.0, -2.0], bias: vec![bias] }), &[act])
            .unwrap();
        let model = model(graph);
        for norm in [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(1.5)] {
            for range in [None, UNIT_BOX] {
                let outcome = &Ibp::default().certify(
                    &model,
                    Samples::new(&[0.5; 3], 3),
                    Perturbation { norm, range, weights: None },
                )[0];
                assert_eq!(
                    outcome.radius().map_or(0.0, |r| r.value()),
                    expected,
                    "{norm} {bias} {:?}",
                    outcome.verdict
                );
                assert!(bias > 0.0 || !matches!(outcome.verdict, Verdict::Certified(_)));
            }
        }
    }
}

#[test]
fn bounded_below_is_unbounded_robustness() {
    // relu(−x) + relu(x) + ¼ ≥ ¼ everywhere, though it depends on x.
    let mut graph = Graph::new("x", &[1]);
    let first = Dense { rows: 2, cols: 1, weight: vec![1.0, -1.0], bias: vec![0.0; 2] };
    let first = graph.push("first", Layer::Dense(first), &[0]).unwrap();
    let act = graph.push("act", Layer::Kink(Kink::RELU), &[first]).unwrap();
    graph
        .push("out", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0; 2], bias: vec![0.25] }), &[act])
        .unwrap();
    let model = model(graph);
    for norm in Norm::STANDARD {
        assert_eq!(radii(&Ibp::default(), &model, &[0.5], Perturbation::new(norm)), [f64::INFINITY]);
    }
    // Inside a box 2 − x is positive on all of [0, 1], and 0.9 − x is not.
    for (bias, expected) in [(2.0, f64::INFINITY), (0.9, 0.4)] {
        let mut graph = Graph::new("x", &[1]);
        graph
            .push("out", Layer::Dense(Dense { rows: 1, cols: 1, weight: vec![-1.0], bias: vec![bias] }), &[0])
            .unwrap();
        let model = networks::model(graph);
        for norm in Norm::STANDARD {
            let r =
                radii(&Ibp { tolerance: 1e-7 }, &model, &[0.5], Perturbation { norm, range: UNIT_BOX, weights: None })
                    [0];
            assert!(r == expected || (r - expected).abs() < 1e-6, "{norm} {bias}: {r}");
        }
    }
}

#[test]
fn the_answer_does_not_depend_on_the_batch() {
    for seed in 0..12 {
        let mut rng = generator(seed);
        let d = 6 + seed as usize;
        let model = model(if seed % 3 == 0 { tangle(&mut rng, d) } else { random_graph(&mut rng, seed, d) });
        let x = inputs(&mut rng, 45, d);
        for norm in Norm::STANDARD {
            for range in [None, UNIT_BOX] {
                let perturbation = Perturbation { norm, range, weights: None };
                let all = radii(&Ibp::default(), &model, &x, perturbation);
                for size in [1, 7, 30] {
                    let parts = x.chunks(d * size).flat_map(|x| radii(&Ibp::default(), &model, x, perturbation));
                    assert_eq!(all, parts.collect::<Vec<f64>>(), "seed {seed} {norm} {range:?}, batches of {size}");
                }
            }
        }
    }
}

/// Proposals in `f32` overflow, or see no slope; the radius is found all the same.
#[test]
fn networks_beyond_single_precision_get_their_radii() {
    for (size, slope) in [(1e-30, 1.0), (1e30, 1e8), (1e-12, 1e12)] {
        let mut graph = Graph::new("x", &[2]);
        let scaled = graph.push("scaled", Layer::Scale(vec![slope; 2]), &[0]).unwrap();
        let first = Dense { rows: 5, cols: 2, weight: vec![size as f32; 10], bias: vec![0.0; 5] };
        let first = graph.push("first", Layer::Dense(first), &[scaled]).unwrap();
        let act = graph.push("act", Layer::Kink(Kink::RELU), &[first]).unwrap();
        let turned =
            graph.push("turned", Layer::Scale(vec![-1.0 / f64::from(size as f32) / slope; 5]), &[act]).unwrap();
        let out = Dense { rows: 1, cols: 5, weight: vec![0.25; 5], bias: vec![4.0] };
        graph.push("out", Layer::Dense(out), &[turned]).unwrap();
        let model = model(graph);
        // f = 4 − 5/4·(x + y), and 3 at (0.4, 0.4).
        for (norm, expected) in [(Norm::Linf, 1.2), (Norm::L1, 2.4)] {
            let r = radii(&Ibp::default(), &model, &[0.4, 0.4], Perturbation::new(norm))[0];
            assert!(r < expected && r > expected * (1.0 - 1e-11), "{size} {slope} {norm}: {r}");
        }
    }
}

#[test]
fn ibp_has_no_fixed_place_beside_the_closed_form() {
    let (mut above, mut below) = (0, 0);
    for seed in 0..60 {
        let mut rng = generator(seed);
        let model = model(icnn(&mut rng, 4, &[6, 4], Map::Identity, 0.0));
        let x = inputs(&mut rng, 4, 4);
        let perturbation = Perturbation::new(Norm::L2);
        for (ibp, closed) in
            radii(&Ibp::default(), &model, &x, perturbation).iter().zip(radii(&ClosedForm, &model, &x, perturbation))
        {
            above += usize::from(*ibp > closed);
            below += usize::from(*ibp < closed);
        }
    }
    assert!(above > 0 && below > 0, "{above} above, {below} below");
}
