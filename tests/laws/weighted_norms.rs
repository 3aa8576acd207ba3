//! Weighted norms: every method against its plain self, against the others, and against the kernel.

use rand::RngExt;
use rand::rngs::StdRng;
use testing::convex_networks::{perturbations, random_model, run, sides};
use testing::networks::{MAPS, Map, generator, icnn, inputs, model};
use underplane::model::{Dense, Graph, Layer, Model, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::{Prover, npy};
use underplane::query::Witness;
use underplane::query::{Perturbation, Query};
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::{EXACT_GAP, Exact, Tightened};
use underplane::radius::ibp::Ibp;
use underplane::radius::lp::Lp;
use underplane::radius::sharp::Sharp;
use underplane::radius::smoothing::Smoothing;
use underplane::radius::{Method, Outcome, Samples, Verdict};
use underplane_kernel::{Attacker, Class, Code, Inputs, Model as KernelModel, Weights, check_against, check_line};

fn methods() -> Vec<Box<dyn Method>> {
    vec![
        Box::new(ClosedForm),
        Box::new(Sharp),
        Box::new(Tightened::default()),
        Box::new(Exact::default()),
        Box::new(Ibp { tolerance: 1e-9 }),
        Box::new(Lp::default()),
    ]
}

fn certify(method: &dyn Method, model: &Model, x: &[f64], perturbation: Perturbation) -> Outcome {
    method.certify(model, Samples::new(x, x.len()), perturbation).remove(0)
}

/// Networks with every kind of feature map, and samples that they call sensitive.
fn cases(count: usize) -> Vec<(u64, Model, Vec<f64>, Map)> {
    let case = |seed: u64| {
        let rng = &mut generator(seed);
        let map = MAPS[seed as usize % MAPS.len()];
        let d = rng.random_range(1..9);
        let network = model(icnn(rng, d, &[6, 4], map, 0.0));
        let x = inputs(rng, 1, d);
        (network.enclose(&x)[0].lower() > 1e-2).then_some((seed, network, x, map))
    };
    (0..).filter_map(case).take(count).collect()
}

/// Weights that are no powers of two, some infinite.
fn weights(rng: &mut StdRng, d: usize) -> Vec<f64> {
    let one = |_| match rng.random_bool(0.15) {
        true => f64::INFINITY,
        false => f64::from(10_f32.powf(rng.random_range(-1.0..1.0))),
    };
    (0..d).map(one).collect()
}

/// ‖w ⊙ (point − x)‖ in plain floats; coordinates of infinite weight must not move.
fn distance(norm: Norm, weights: &[f64], x: &[f64], point: &[f64]) -> f64 {
    let step = |i: usize| if point[i] == x[i] { 0.0 } else { weights[i] * (point[i] - x[i]).abs() };
    let steps: Vec<f64> = (0..x.len()).map(step).collect();
    norm.upper(&steps)
}

fn check_witness(witness: &Witness, x: &[f64], perturbation: Perturbation) {
    let weights = perturbation.weights.unwrap();
    let found = distance(perturbation.norm, weights, x, &witness.point);
    assert!((witness.distance / found - 1.0).abs() < 1e-12, "{perturbation:?}: {witness:?}, {found}");
    let untouched = |i: usize| weights[i].is_finite() || witness.point[i] == x[i];
    assert!((0..x.len()).all(untouched), "{perturbation:?}: {witness:?}");
}

#[test]
fn weights_of_one_change_nothing_and_weights_of_two_double_the_radius() {
    for (seed, model, x, _) in cases(20) {
        for plain in perturbations() {
            for method in methods() {
                let name = method.name();
                let with = |weight: f64| {
                    let weights = vec![weight; x.len()];
                    certify(method.as_ref(), &model, &x, Perturbation { weights: Some(&weights), ..plain })
                };
                let before = certify(method.as_ref(), &model, &x, plain);
                let (Some(radius), ones, twos) = (before.radius(), with(1.0), with(2.0)) else {
                    assert_eq!(before.verdict, with(1.0).verdict, "{name}");
                    continue;
                };
                let (radius, ones) = (radius.value(), ones.radius().unwrap().value());
                assert!(
                    radius == ones || (ones / radius - 1.0).abs() <= 1e-12,
                    "{seed} {name} {plain:?}: {radius} {ones}"
                );
                let twos = twos.radius().unwrap().value();
                let tolerance = if ["tightened"].contains(&name) { 1e-3 } else { 2e-6 };
                let same = twos == 2.0 * radius || (twos / (2.0 * radius) - 1.0).abs() <= tolerance;
                assert!(same, "{seed} {name} {plain:?}: {radius}, {twos}");
            }
        }
    }
}

/// The network as a function of w ⊙ x.
fn scaled(model: &Model, weights: &[f64]) -> Model {
    let mut graph = Graph::new("x", &[weights.len()]);
    let inverse = weights.iter().map(|w| 1.0 / w).collect();
    let mut ids = vec![graph.push("unscale", Layer::Scale(inverse), &[0]).unwrap()];
    for node in model.graph().nodes().iter().skip(1) {
        let inputs: Vec<usize> = node.inputs.iter().map(|&input| ids[input]).collect();
        ids.push(graph.push(&node.name, node.layer().unwrap(), &inputs).unwrap());
    }
    Model::new(graph).unwrap()
}

#[test]
fn a_weighted_norm_is_the_plain_norm_of_a_scaled_network() {
    for (seed, model, x, map) in cases(40) {
        let rng = &mut generator(seed + 4000);
        let given: Vec<f64> = (0..x.len()).map(|_| f64::from(10_f32.powf(rng.random_range(-1.0..1.0)))).collect();
        let other = scaled(&model, &given);
        let y: Vec<f64> = x.iter().zip(&given).map(|(x, w)| x * w).collect();
        for norm in [Norm::L1, Norm::L2, Norm::Linf, Norm::Lp(3.0)] {
            let weighted = Perturbation { weights: Some(&given), ..Perturbation::new(norm) };
            for method in methods() {
                let name = method.name();
                let radius = |outcome: Outcome| outcome.radius().map(|radius| radius.value());
                let found = radius(certify(method.as_ref(), &model, &x, weighted));
                let plain = radius(certify(method.as_ref(), &other, &y, Perturbation::new(norm)));
                let (Some(a), Some(b)) = (found, plain) else { continue };
                // Lip(φ) does not know which scale belongs to which slope; how branching ends may hang on roundings.
                let steps = name == "closed-form" && map != Map::Identity
                    || ["tightened", "exact"].contains(&name) && matches!(map, Map::Absolute | Map::ScaledAbsolute);
                let tolerance = if name == "tightened" { 1e-3 } else { 3e-6 };
                assert!(steps || a == b || a > 1e3 || (a / b - 1.0).abs() < tolerance, "{seed} {name} {norm}: {a} {b}");
            }
        }
    }
}

#[test]
fn the_ladder_holds_for_random_weights() {
    let (mut compared, mut fixed) = (0, 0);
    for (seed, model, x, map) in cases(60) {
        let rng = &mut generator(seed + 1000);
        let weights = weights(rng, x.len());
        fixed += weights.iter().filter(|w| w.is_infinite()).count();
        for plain in perturbations() {
            let perturbation = Perturbation { weights: Some(&weights), ..plain };
            let outcomes: Vec<Outcome> =
                methods().iter().map(|m| certify(m.as_ref(), &model, &x, perturbation)).collect();
            let place = format!("seed {seed} {perturbation:?}");
            let lower = |k: usize| outcomes[k].radius().map_or(0.0, |radius| radius.value());
            let witnesses: Vec<&Witness> = outcomes.iter().filter_map(|o| o.witness.as_ref()).collect();
            witnesses.iter().for_each(|witness| check_witness(witness, &x, perturbation));
            let nearest = witnesses.iter().map(|w| w.distance).fold(f64::INFINITY, f64::min);
            for (k, method) in methods().iter().enumerate() {
                assert!(lower(k) <= nearest, "{place}: {} {} above {nearest}", method.name(), lower(k));
            }
            assert!(lower(0) <= lower(1) && lower(1) <= lower(2) && lower(1) <= lower(3), "{place}");
            assert!(lower(2) <= lower(3) * (1.0 + 1e-3), "{place}: {} {}", lower(2), lower(3));
            let affine = !matches!(map, Map::Absolute | Map::ScaledAbsolute);
            if let Some(witness) = &outcomes[3].witness {
                let closed = witness.distance <= lower(3) * (1.0 + 2.0 * EXACT_GAP);
                compared += usize::from(closed);
                assert!(closed || !affine, "{place}: {}", outcomes[3].detail);
            }
            if affine {
                let apart = lower(3) != lower(5) && (lower(3) / lower(5) - 1.0).abs() > 1e-6;
                assert!(!apart || lower(3) > 1e3, "{place}: exact {} lp {} {}", lower(3), lower(5), outcomes[5].detail);
            }
        }
    }
    assert!(compared > 200 && fixed > 30, "{compared} {fixed}");
}

#[test]
fn exact_and_lp_agree_on_networks_of_other_forms() {
    let mut compared = 0;
    for seed in 0..40 {
        let rng = &mut generator(seed);
        let d = rng.random_range(1..12);
        let (model, x) = random_model(seed, d, 0.8);
        let weights = weights(rng, d);
        for plain in perturbations() {
            let perturbation = Perturbation { weights: Some(&weights), ..plain };
            let (exact, lp) =
                (run(&Exact::default(), &model, &x, perturbation), run(&Lp::default(), &model, &x, perturbation));
            let ((lower, upper), (other, other_upper)) = (sides(&exact), sides(&lp));
            let place = format!("seed {seed} {perturbation:?}: {lower}..{upper}, lp {other}..{other_upper}");
            assert!(lower <= other_upper && other <= upper, "{place}");
            if upper < f64::INFINITY && upper <= lower * (1.0 + EXACT_GAP) && other_upper <= other * (1.0 + EXACT_GAP) {
                compared += 1;
                assert!((lower / other - 1.0).abs() <= 1e-6 + 1e-9, "{place}");
            }
        }
    }
    assert!(compared > 60, "only {compared}");
}

#[test]
fn no_point_of_a_certified_ball_is_on_the_other_side() {
    for (seed, model, x, _) in cases(30) {
        let rng = &mut generator(seed + 2000);
        let weights = weights(rng, x.len());
        for plain in perturbations() {
            let perturbation = Perturbation { weights: Some(&weights), ..plain };
            for method in methods() {
                let Some(radius) = certify(method.as_ref(), &model, &x, perturbation).radius() else { continue };
                for _ in 0..20 {
                    let direction: Vec<f64> = x.iter().map(|_| rng.random_range(-1.0..1.0)).collect();
                    let length = plain.norm.upper(&direction) * (1.0 + 1e-9);
                    let size = radius.value().min(1e3) / length;
                    let moved = |i: usize| {
                        if weights[i].is_infinite() { x[i] } else { x[i] + direction[i] * size / weights[i] }
                    };
                    let point: Vec<f64> = (0..x.len()).map(moved).collect();
                    let clip = |(i, v)| perturbation.clip(i, v);
                    let point: Vec<f64> = point.into_iter().enumerate().map(clip).collect();
                    assert!(model.enclose(&point)[0].upper() > 0.0, "{} {perturbation:?}", method.name());
                }
            }
        }
    }
}

#[test]
fn an_attacker_who_can_change_nothing_has_no_witness() {
    for (_, model, x, map) in cases(10) {
        let weights = vec![f64::INFINITY; x.len()];
        for plain in perturbations() {
            let perturbation = Perturbation { weights: Some(&weights), ..plain };
            for method in methods() {
                if method.name() == "lp" && matches!(map, Map::Absolute | Map::ScaledAbsolute) {
                    continue;
                }
                let outcome = certify(method.as_ref(), &model, &x, perturbation);
                assert_eq!(outcome.radius().unwrap().value(), f64::INFINITY, "{} {plain:?}", method.name());
                assert_eq!(outcome.witness, None);
            }
        }
    }
}

#[test]
fn smoothing_declines() {
    let (_, model, x, _) = cases(1).remove(0);
    let weights = vec![1.0; x.len()];
    let weighted = Perturbation { weights: Some(&weights), ..Perturbation::new(Norm::L2) };
    let outcome = certify(&Smoothing { samples: 100, ..Smoothing::default() }, &model, &x, weighted);
    assert!(matches!(outcome.verdict, Verdict::Unknown(why) if why.contains("plain norms")));
}

#[test]
fn weighted_radii_have_certificates_that_hold_for_their_weights_alone() {
    let (mut proven, mut trees) = (0, 0);
    for (seed, model, x, _) in cases(25) {
        let bytes = onnx::encode(model.graph()).unwrap();
        let rng = &mut generator(seed + 3000);
        let given = weights(rng, x.len());
        let halves: Vec<f64> = given.iter().map(|w| 0.5 * w).collect();
        let all_fixed = given.iter().all(|w| w.is_infinite());
        let read = |weights: &[f64]| Weights::read(&npy(weights, 1)).unwrap();
        let (own, others) = (read(&given), read(&halves));
        let network = KernelModel::read(&bytes, Class::Positive).unwrap();
        let samples = Inputs::read(&npy(&x, x.len())).unwrap();
        let prover = Prover::new(&bytes, Sensitive::Positive, &x, x.len()).unwrap().weighted(Some(&given)).unwrap();
        for plain in perturbations().chain([Perturbation::new(Norm::Lp(1.5)), Perturbation::new(Norm::Lp(3.0))]) {
            let perturbation = Perturbation { weights: Some(&given), ..plain };
            let query = Query { model: &model, x: &x, index: 0, perturbation };
            for method in methods().iter().filter(|method| method.has_evidence()) {
                let outcome = certify(method.as_ref(), &model, &x, perturbation);
                let Some(radius) = outcome.radius() else { continue };
                let place = format!("seed {seed} {} {perturbation:?} {radius}", method.name());
                let proof = prover.prove(query, &outcome).unwrap_or_else(|why| panic!("{place}: {why}"));
                proven += 1;
                trees += usize::from(proof.line.contains("\"tree\""));
                assert!(proof.line.contains(r#""weights":"yes""#));
                let fractional = matches!(plain.norm, Norm::Lp(_));
                assert!(
                    fractional || proof.radius.value() >= radius.value() * (1.0 - 6e-7),
                    "{place}: {}",
                    proof.radius
                );
                assert!(outcome.witness.is_none() || proof.has_witness, "{place}");
                check_against(&network, &samples, Attacker { weights: Some(&own), bounds: None }, &proof.line).unwrap();
                if let Some(witness) = &outcome.witness {
                    let beyond = witness.distance * (1.0 + 1e-9);
                    let found = prover.confirm(query, outcome.evidence.as_ref(), beyond);
                    assert!(found.is_err(), "{place}: a radius beyond a witness");
                }
                let code = |weights| {
                    let attacker = Attacker { weights, bounds: None };
                    check_against(&network, &samples, attacker, &proof.line).unwrap_err().code
                };
                assert_eq!(code(None), Code::WeightsMismatch);
                assert_eq!(check_line(&network, &samples, &proof.line).unwrap_err().code, Code::WeightsMismatch);
                let is_tight = method.name() == "exact" && outcome.witness.is_some() && !fractional && !all_fixed;
                if is_tight {
                    assert_eq!(code(Some(&others)), Code::NotProven, "{place}");
                }
                let unmarked = proof.line.replace(r#""weights":"yes","#, "").replace(r#","weights":"yes""#, "");
                let refused =
                    check_against(&network, &samples, Attacker { weights: Some(&own), bounds: None }, &unmarked)
                        .unwrap_err();
                assert_eq!(refused.code, Code::WeightsMismatch);
            }
        }
    }
    assert!(proven > 300 && trees > 5, "{proven} {trees}");
}

#[test]
fn extreme_weights_stay_sound() {
    // f(x) = 1 − x₀ − x₁ at 0: the cheapest way is along x₁, at a distance of w₁.
    let mut graph = Graph::new("x", &[2]);
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![-1.0; 2], bias: vec![1.0] }), &[0]).unwrap();
    let bytes = onnx::encode(&graph).unwrap();
    let model = Model::new(graph).unwrap();
    for (first, second) in
        [(f32::MAX, 1.0), (f32::MAX, f32::MIN_POSITIVE), (3.0, f32::from_bits(1)), (f32::INFINITY, 7.0)]
    {
        let given = [f64::from(first), f64::from(second)];
        let perturbation = Perturbation { weights: Some(&given), ..Perturbation::new(Norm::L1) };
        for method in methods() {
            let outcome = certify(method.as_ref(), &model, &[0.0; 2], perturbation);
            let radius = outcome.radius().unwrap().value();
            let share = radius / given[1];
            assert!(share < 1.0 && share > 1.0 - 2e-6, "{} {given:?}: {radius}", method.name());
            if method.has_evidence() {
                let prover = Prover::new(&bytes, Sensitive::Positive, &[0.0; 2], 2).unwrap();
                let prover = prover.weighted(Some(&given)).unwrap();
                let query = Query { model: &model, x: &[0.0; 2], index: 0, perturbation };
                assert!(prover.prove(query, &outcome).is_ok());
                let beyond = given[1] * (1.0 + 1e-12);
                assert!(prover.confirm(query, None, beyond).is_err());
            }
        }
    }
}
