//! Laws that hold on random networks: enclosures enclose, minorants lie below, radii stay below their exact values.

use num_rational::BigRational;
use num_traits::Signed;
use rand::RngExt;
use testing::networks::{MAPS, Map, exact_gradient, exact_logit, generator, icnn, inputs, model, rational};
use underplane::model::curvature::analyse;
use underplane::model::minorant::{minorants, tangents};
use underplane::model::passes::{forward, tangent_slopes};
use underplane::model::{Dense, Graph, Kink, Layer, Model};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Method, Samples, Verdict};

const CASES: u64 = 40;

fn radii(method: &dyn Method, model: &Model, x: &[f64], perturbation: Perturbation) -> Vec<f64> {
    let outcomes = method.certify(model, Samples::new(x, model.input_size()), perturbation);
    outcomes.iter().map(|o| o.radius().map_or(0.0, |r| r.value())).collect()
}

#[test]
fn enclosures_hold_the_exact_logit() {
    for seed in 0..CASES {
        let mut rng = generator(seed);
        let map = MAPS[seed as usize % MAPS.len()];
        let graph = icnn(&mut rng, 5, &[7, 4], map, if seed % 2 == 0 { 0.0 } else { 0.1 });
        let x = inputs(&mut rng, 10, 5);
        let model = model(graph);
        for (x, enclosed) in x.chunks(5).zip(model.enclose(&x)) {
            let exact = exact_logit(model.graph(), x);
            assert!((&exact - rational(enclosed.value)).abs() <= rational(enclosed.error), "seed {seed}");
            assert!(rational(enclosed.lower()) <= exact && exact <= rational(enclosed.upper()), "seed {seed}");
            assert!(enclosed.error < 1e-13, "seed {seed}: error {}", enclosed.error);
        }
    }
}

#[test]
fn any_slopes_give_a_minorant() {
    for seed in 0..CASES {
        let mut rng = generator(seed);
        let map = [Map::Identity, Map::Centred, Map::Scaled][seed as usize % 3];
        let model = model(icnn(&mut rng, 4, &[6, 5], map, 0.0));
        let convexity = model.convexity().unwrap();
        let x = inputs(&mut rng, 1, 4);
        let mut slopes = tangent_slopes(model.network(), &forward(model.network(), &x));
        for node in &mut slopes.nodes {
            node.iter_mut().for_each(|s| *s = rng.random_range(-0.5..1.5));
        }
        let minorant = &minorants(model.network(), &x, slopes, convexity.input_stops())[0];
        for _ in 0..20 {
            let y: Vec<f64> = x.iter().map(|x| x + rng.random_range(-2.0..2.0)).collect();
            let part = &minorant.parts[0];
            let mut lowest = rational(minorant.value.lower());
            for i in 0..4 {
                let step = rational(y[i]) - rational(x[i]);
                lowest += rational(part.coefficients[i]) * &step - rational(part.errors[i]) * step.abs();
            }
            assert!(lowest <= exact_logit(model.graph(), &y), "seed {seed}");
        }
    }
}

/// r · ‖∇f‖_{p*} < f in exact arithmetic.
fn below_exact_value(r: f64, f: &BigRational, gradient: &[BigRational], norm: Norm) -> bool {
    let r = rational(r);
    match norm {
        Norm::L1 => &r * gradient.iter().map(|g| g.abs()).max().unwrap() < *f,
        Norm::Linf => &r * gradient.iter().map(|g| g.abs()).sum::<BigRational>() < *f,
        _ => &r * &r * gradient.iter().map(|g| g * g).sum::<BigRational>() < f * f,
    }
}

#[test]
fn the_closed_form_never_exceeds_its_exact_value_and_is_near_it() {
    for seed in 0..CASES {
        let mut rng = generator(seed);
        let model = model(icnn(&mut rng, 6, &[9, 5], [Map::Identity, Map::Centred][seed as usize % 2], 0.0));
        // Both the one-by-one and the batched route.
        for count in [1, 20] {
            let x = inputs(&mut rng, count, 6);
            for norm in Norm::STANDARD {
                let found = radii(&ClosedForm, &model, &x, Perturbation::new(norm));
                for (x, r) in x.chunks(6).zip(found) {
                    let (f, gradient) = exact_gradient(model.graph(), x);
                    if f.is_positive() {
                        assert!(below_exact_value(r, &f, &gradient, norm), "seed {seed} {norm}: {r}");
                        let slightly_more = r * (1.0 + 1e-11) + 1e-13;
                        assert!(!below_exact_value(slightly_more, &f, &gradient, norm), "seed {seed} {norm}: {r}");
                    } else {
                        assert_eq!(r, 0.0);
                    }
                }
            }
        }
    }
}

/// A random point of the closed ball (and of the box), often on its boundary.
fn point_within(rng: &mut rand::rngs::StdRng, x: &[f64], r: f64, perturbation: Perturbation) -> Vec<f64> {
    let mut delta: Vec<f64> = x.iter().map(|_| rng.random_range(-1.0..1.0_f64).powi(3)).collect();
    if rng.random_bool(0.5) {
        delta.iter_mut().for_each(|d| *d = d.signum());
    }
    if rng.random_bool(0.3) {
        let keep = rng.random_range(0..x.len());
        (0..x.len()).filter(|&i| i != keep).for_each(|i| delta[i] = 0.0);
    }
    let size = perturbation.norm.upper(&delta).max(1e-300);
    let moved = |(i, (d, x)): (usize, (&f64, &f64))| perturbation.clip(i, x + d / size * r);
    delta.iter().zip(x).enumerate().map(moved).collect()
}

#[test]
fn no_point_within_a_radius_is_misclassified() {
    let mut attained = 0;
    for seed in 0..150 {
        let mut rng = generator(seed);
        let map = MAPS[seed as usize % MAPS.len()];
        let d = 1 + seed as usize % 3;
        let model = model(icnn(&mut rng, d, &[6, 4], map, if seed % 4 == 0 { 0.2 } else { 0.0 }));
        let x = inputs(&mut rng, 3, d);
        for p in [1.0, 1.5, 2.0, 3.0, f64::INFINITY] {
            for range in [None, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))] {
                let perturbation = Perturbation { norm: Norm::from_p(p).unwrap(), range, weights: None };
                let closed = radii(&ClosedForm, &model, &x, perturbation);
                let sharp = radii(&Sharp, &model, &x, perturbation);
                for (i, x) in x.chunks(d).enumerate() {
                    assert!(closed[i] <= sharp[i], "seed {seed}");
                    let r = sharp[i].min(10.0);
                    if r == 0.0 {
                        continue;
                    }
                    for _ in 0..60 {
                        let y = point_within(&mut rng, x, r * (1.0 - 1e-12), perturbation);
                        assert!(
                            model.enclose(&y)[0].upper() > 0.0,
                            "seed {seed} {map:?} p={p} {range:?}: {r} {x:?} {y:?}"
                        );
                        let further = point_within(&mut rng, x, r * 1.3, perturbation);
                        attained += usize::from(model.enclose(&further)[0].lower() <= 0.0);
                    }
                }
            }
        }
    }
    assert!(attained > 1000, "the points must be able to refute: {attained}");
}

/// In one dimension the tangent plane seen through φ has one argument, so the exact radius of `sharp` is a scan away.
#[test]
fn sharp_is_the_least_distance_at_which_the_pulled_back_plane_vanishes() {
    for seed in 0..200 {
        let mut rng = generator(seed);
        let map = MAPS[seed as usize % MAPS.len()];
        let model = model(icnn(&mut rng, 1, &[5, 3], map, 0.0));
        let convexity = model.convexity().unwrap();
        let x = inputs(&mut rng, 1, 1);
        let minorant = &tangents(model.network(), &x, convexity.input_stops())[0];
        if minorant.value.lower() <= 0.0 {
            continue;
        }
        let plane = |delta: f64| -> f64 {
            let mut total = minorant.value.value + minorant.parts[0].coefficients[0] * delta;
            for (bent, part) in convexity.map.bent.iter().zip(&minorant.parts[1..]) {
                for (entry, coordinate, bend) in bent.bends() {
                    let at = |v: f64| bend.kink.slope(v - bend.at.value) * (v - bend.at.value);
                    total += part.coefficients[entry] * (at(x[coordinate] + delta) - at(x[coordinate]));
                }
            }
            total
        };
        let found = radii(&Sharp, &model, &x, Perturbation::new(Norm::Linf))[0];
        let steps = 200_000;
        let horizon = 20.0;
        let first =
            (1..=steps).map(|k| k as f64 / steps as f64 * horizon).find(|&r| plane(r) <= 0.0 || plane(-r) <= 0.0);
        match first {
            Some(r) => assert!((found - r).abs() <= horizon / steps as f64 * 1.01, "seed {seed}: {found} {r}"),
            None => assert!(found >= horizon, "seed {seed}: {found}"),
        }
    }
}

#[test]
fn convexity_is_found_and_its_break_is_named() {
    for seed in 0..CASES {
        let mut rng = generator(seed);
        let map = MAPS[seed as usize % MAPS.len()];
        let mut graph = icnn(&mut rng, 3, &[4, 3], map, 0.0);
        let absolute = matches!(map, Map::Absolute | Map::ScaledAbsolute);
        assert_eq!(model(graph.clone()).convexity().unwrap().map.is_identity(), !absolute);
        // One negative weight behind the first activation.
        let id = graph.nodes().iter().position(|n| n.name == "layer1").unwrap();
        let Some(Layer::Dense(mut layer)) = graph.node(id).layer() else { panic!("a layer") };
        layer.weight[1] = -0.25;
        graph = with_op(&graph, id, Layer::Dense(layer));
        // Where nothing reads the broken entry, f stays convex.
        let last = graph.nodes().iter().position(|n| n.name == "layer2").unwrap();
        let Some(Layer::Dense(mut readout)) = graph.node(last).layer() else { panic!("a layer") };
        readout.weight[0] = 0.0;
        assert!(model(with_op(&graph, last, Layer::Dense(readout.clone()))).convexity().is_ok());
        readout.weight[0] = 0.5;
        let broken = model(with_op(&graph, last, Layer::Dense(readout)));
        let reason = broken.convexity().unwrap_err().reason.clone();
        assert!(reason.contains("layer1") && reason.contains("W[0][1] = -2.5e-1"), "{reason}");
        let x = inputs(&mut rng, 2, 3);
        for outcome in ClosedForm.certify(&broken, Samples::new(&x, 3), Perturbation::new(Norm::L2)) {
            let unknown = matches!(outcome.verdict, Verdict::Unknown(ref why) if why.contains("layer1"));
            assert!(unknown || outcome.verdict == Verdict::NotSensitive);
        }
    }
}

/// What φ leaves out is convex, and nothing that φ takes could be given back.
fn assert_smallest(model: &Model) {
    let convexity = model.convexity().unwrap();
    let is_convex = |free: &[usize]| {
        analyse(model.graph(), free).nodes[model.graph().output()].curvature.iter().all(|c| c.is_convex())
    };
    let nodes = &convexity.stops[1..];
    assert!(is_convex(nodes));
    for left_out in nodes {
        let fewer: Vec<usize> = nodes.iter().copied().filter(|node| node != left_out).collect();
        assert!(!is_convex(&fewer), "node {left_out} of {nodes:?} is not needed");
    }
}

#[test]
fn the_feature_map_takes_no_kink_that_it_does_not_need() {
    let mut taken = 0;
    for seed in 0..200 {
        let mut rng = generator(seed);
        let mut graph = Graph::new("x", &[2]);
        let mut sum = graph.push("start", Layer::Scale(vec![1.0, -1.0]), &[0]).unwrap();
        for k in 0..6 {
            let c: Vec<f64> = (0..2).map(|_| f64::from(rng.random_range(-1.0_f32..1.0))).collect();
            let shifted = graph.push(&format!("shift{k}"), Layer::Shift(c), &[0]).unwrap();
            let kink = [Kink::RELU, Kink::ABS, Kink { below: 1.0, above: 0.5 }][rng.random_range(0..3)];
            let bent = graph.push(&format!("kink{k}"), Layer::Kink(kink), &[shifted]).unwrap();
            let factors = (0..2).map(|_| f64::from(rng.random_range(-1_i8..=1))).collect();
            let scaled = graph.push(&format!("scale{k}"), Layer::Scale(factors), &[bent]).unwrap();
            sum = graph.push(&format!("sum{k}"), Layer::Sum, &[sum, scaled]).unwrap();
        }
        let weight = (0..2).map(|_| [-1.0, 0.0, 1.0][rng.random_range(0..3)]).collect();
        graph.push("out", Layer::Dense(Dense { rows: 1, cols: 2, weight, bias: vec![0.5] }), &[sum]).unwrap();
        let model = model(graph);
        assert_smallest(&model);
        taken += model.convexity().unwrap().stops.len() - 1;
    }
    assert!(taken > 300, "only {taken} kinks");
}

#[test]
fn the_break_names_the_constant_that_turned_the_curvature() {
    let mut graph = Graph::new("x", &[2]);
    let dense = |name: &str, graph: &mut Graph, of: usize| {
        let dense = Dense { rows: 2, cols: 2, weight: vec![1.0, 1.0, 1.0, -1.0], bias: vec![0.0; 2] };
        graph.push(name, Layer::Dense(dense), &[of]).unwrap()
    };
    let first = dense("first", &mut graph, 0);
    let active = graph.push("active", Layer::Kink(Kink::RELU), &[first]).unwrap();
    let gain = graph.push("gain", Layer::Scale(vec![1.0, -2.0]), &[active]).unwrap();
    let readout = Dense { rows: 1, cols: 2, weight: vec![1.0; 2], bias: vec![0.0] };
    graph.push("readout", Layer::Dense(readout), &[gain]).unwrap();
    let reason = model(graph).convexity().unwrap_err().reason.clone();
    assert!(reason.contains("`gain`: constant[1] = -2e0") && reason.contains("`readout`"), "{reason}");
}

fn with_op(graph: &Graph, id: usize, op: Layer) -> Graph {
    let mut copy = Graph::new("x", &graph.node(0).shape);
    for (i, node) in graph.nodes().iter().enumerate().skip(1) {
        copy.push(&node.name, if i == id { op.clone() } else { node.layer().unwrap() }, &node.inputs).unwrap();
    }
    copy
}

#[test]
fn the_lipschitz_constant_of_value_and_absolute_value_is_a_power_of_two() {
    let mut rng = generator(3);
    let model = model(icnn(&mut rng, 4, &[5], Map::Absolute, 0.0));
    let map = &model.convexity().unwrap().map;
    assert_eq!(map.lipschitz_form(), Some((2, 1.0)));
    assert_eq!(map.lipschitz(Norm::Linf), 1.0);
    for (norm, expected) in [(Norm::L1, 2.0), (Norm::L2, 2.0_f64.sqrt()), (Norm::Lp(3.0), 2.0_f64.cbrt())] {
        let found = map.lipschitz(norm);
        assert!(found >= expected && found <= expected * (1.0 + 1e-11), "{norm}: {found}");
    }
}

#[test]
fn a_flat_network_is_robust_without_bound_and_a_tie_is_not() {
    for (bias, expected) in [(1.0, f64::INFINITY), (0.0, 0.0), (-1.0, 0.0)] {
        let mut graph = Graph::new("x", &[3]);
        let zero = Dense { rows: 1, cols: 3, weight: vec![0.0; 3], bias: vec![bias] };
        graph.push("out", Layer::Dense(zero), &[0]).unwrap();
        let model = model(graph);
        for norm in [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(1.5)] {
            for method in [&ClosedForm as &dyn Method, &Sharp] {
                let outcome = &method.certify(&model, Samples::new(&[0.5; 3], 3), Perturbation::new(norm))[0];
                assert_eq!(outcome.radius().map_or(0.0, |r| r.value()), expected, "{norm} {bias}");
                assert!(bias > 0.0 || !matches!(outcome.verdict, Verdict::Certified(_)));
            }
        }
    }
}

/// max(3e38·(3e38·x…), x) overflows on the way: whatever is answered, it must not be a radius made of the finite branch.
#[test]
fn an_overflow_in_one_branch_of_a_maximum_is_not_forgotten() {
    let mut graph = Graph::new("x", &[1]);
    let mut wide = 0;
    for k in 0..10 {
        wide = graph.push(&format!("wide{k}"), Layer::Scale(vec![-3e38]), &[wide]).unwrap();
    }
    let zero = graph.push("zero", Layer::Scale(vec![0.0]), &[wide]).unwrap();
    let lifted = graph.push("lifted", Layer::Shift(vec![-5.0]), &[zero]).unwrap();
    let other = graph.push("other", Layer::Shift(vec![1.0]), &[0]).unwrap();
    graph.push("max", Layer::Max, &[other, lifted]).unwrap();
    let model = model(graph);
    for x in [0.0, 1.0, -0.5] {
        let enclosed = model.enclose(&[x])[0];
        assert!(enclosed.lower() <= x + 1.0 && x + 1.0 <= enclosed.upper(), "{enclosed:?}");
        for method in [&ClosedForm as &dyn Method, &Sharp] {
            let outcome = &method.certify(&model, Samples::new(&[x], 1), Perturbation::new(Norm::L2))[0];
            assert!(outcome.radius().is_none_or(|r| r.value() <= x + 1.0), "{outcome:?}");
        }
    }
}
