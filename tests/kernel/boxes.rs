//! Boxes of files: the kernel against a naive rational implementation, and what a certificate about one is good for.

use num_rational::BigRational;
use rand::RngExt;
use rand::rngs::StdRng;
use rayon::prelude::*;
use testing::naive_proofs::{Way, certificate, lines, npy, problem, threshold};
use testing::networks::{MAPS, Map, generator, icnn, inputs, rational};
use underplane::data::store::sha256;
use underplane::model::{Dense, Graph, Layer, onnx};
use underplane::proof;
use underplane_kernel::{self as kernel, Attacker, Bounds, Claim, Class, Code, Settled, check_against};

const INF: f64 = f64::INFINITY;

/// Ends of all coordinates around `x`, some of them at it, and some infinite.
fn ends(rng: &mut StdRng, x: &[f64]) -> Vec<[f64; 2]> {
    let mut room = || match rng.random_range(0..5) {
        0 => INF,
        1 => 0.0,
        _ => f64::from(rng.random_range(0.0..1.0_f32)),
    };
    let mut end = |x: f64, side: f64| f64::from((x + side * room()) as f32);
    x.iter().map(|&x| [end(x, -1.0).min(x), end(x, 1.0).max(x)]).collect()
}

fn file(ends: &[[f64; 2]]) -> Vec<u8> {
    proof::npy(ends.as_flattened(), 2)
}

/// A certificate of version 1 without a box, as one about the box of a file.
fn about(line: &str, digest: &str) -> String {
    line.replacen(r#""version":"1""#, &format!(r#""version":"2","box":"sha256:{digest}""#), 1)
}

#[test]
fn accepts_what_the_slopes_prove_in_the_box_and_nothing_more() {
    let decided: usize = (0..400).into_par_iter().map(regions).sum();
    assert!(decided > 600, "only {decided} regions had a threshold");
}

fn regions(seed: u64) -> usize {
    let mut rng = generator(seed + 10_000);
    let (d, map) = (rng.random_range(1..5), MAPS[(seed % 5) as usize]);
    let graph = icnn(&mut rng, d, &[4, 3], map, [0.0, 0.25][(seed % 2) as usize]);
    let slopes = lines(&mut rng, &graph);
    let x = inputs(&mut rng, 1, d);
    let model = kernel::Model::read(&onnx::encode(&graph).unwrap(), Class::Positive).unwrap();
    let samples = kernel::Inputs::read(&npy(&x)).unwrap();
    let ends = ends(&mut rng, &x);
    let bounds = Bounds::read(&file(&ends)).unwrap();
    let mut decided = 0;
    for way in [Way::Inf, Way::MultiplierL1(0.5), Way::MultiplierL2(1.0), Way::DualL1, Way::DualL2] {
        if matches!((way, map), (Way::DualL1 | Way::DualL2, Map::Absolute | Map::ScaledAbsolute)) {
            continue;
        }
        let mut problem = problem(&graph, &slopes, &x, None);
        for (coordinate, [low, high]) in problem.coordinates.iter_mut().zip(&ends) {
            let end = |end: f64| -> Option<BigRational> { end.is_finite().then(|| rational(end)) };
            (coordinate.low, coordinate.high) = (end(*low), end(*high));
        }
        let Some(k) = threshold(&problem, way) else { continue };
        decided += 1;
        let attacker = Attacker { weights: None, bounds: Some(&bounds) };
        let line = |k| about(&certificate(way, &slopes, None, k), bounds.digest());
        let check = |k| check_against(&model, &samples, attacker, &line(k));
        check(k).unwrap_or_else(|r| panic!("seed {seed} {way:?} {ends:?}: {r}"));
        let refused = check(k + 1).expect_err("one step too far");
        assert_eq!(refused.code, Code::NotProven, "seed {seed} {way:?} {ends:?}: {refused}");
    }
    decided
}

/// f(x) = 1 − x₀ − x₁ at 0.
fn falling() -> (kernel::Model, kernel::Inputs) {
    let mut graph = Graph::new("x", &[2]);
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![-1.0; 2], bias: vec![1.0] }), &[0]).unwrap();
    let model = kernel::Model::read(&onnx::encode(&graph).unwrap(), Class::Positive).unwrap();
    (model, kernel::Inputs::read(&npy(&[0.0; 2])).unwrap())
}

fn unbounded(digest: &str) -> String {
    format!(r#"{{"version":"2","input":"0","norm":"linf","box":"sha256:{digest}","radius":"unbounded","slopes":[]}}"#)
}

#[test]
fn a_certificate_holds_for_the_file_that_it_names_alone() {
    let (model, inputs) = falling();
    let read = |ends: &[[f64; 2]]| Bounds::read(&file(ends)).unwrap();
    let code = |bounds: &Bounds, line: &str| {
        let attacker = Attacker { weights: None, bounds: Some(bounds) };
        check_against(&model, &inputs, attacker, line).err().map(|r| r.code)
    };
    let own = read(&[[-INF, 0.25], [-1.0, 0.5]]);
    assert_eq!(own.digest(), sha256(&file(&[[-INF, 0.25], [-1.0, 0.5]])));
    let line = unbounded(own.digest());
    assert_eq!(code(&own, &line), None);
    let refused = check_against(&model, &inputs, Attacker::default(), &line).unwrap_err();
    assert!(refused.code == Code::BoxMismatch && refused.expected.contains(own.digest()), "{refused}");
    // Narrower ones are other files too; and what names a wider one is not proven there.
    for other in [[[-INF, 0.125], [-1.0, 0.5]], [[-INF, 0.25], [-INF, 0.5]], [[-INF, 0.25], [-1.0, 0.75]]] {
        let other = read(&other);
        assert_eq!(code(&other, &line), Some(Code::BoxMismatch));
    }
    for wider in [[[-INF, 0.5], [-1.0, 0.5]], [[-INF, 0.25], [-1.0, INF]]] {
        let wider = read(&wider);
        assert_eq!(code(&wider, &unbounded(wider.digest())), Some(Code::NotProven));
    }
    for outside in [[[0.125, 0.25], [-1.0, 0.5]], [[-INF, INF], [-1.0, -0.5]]] {
        let outside = read(&outside);
        assert_eq!(code(&outside, &unbounded(outside.digest())), Some(Code::OutsideBox));
    }
    let three = read(&[[-1.0, 0.25]; 3]);
    assert_eq!(code(&three, &unbounded(three.digest())), Some(Code::MalformedBox));
    let shaped = Bounds::read(&proof::npy(&[-INF, 0.25, -1.0, 0.5], 2)).unwrap();
    assert!(shaped.check_shape(&[1, 2]).is_ok() && shaped.check_shape(&[3]).is_err());
    let (flat, square) = (Bounds::read(&proof::npy(&[0.0; 8], 2)).unwrap(), [2, 2]);
    assert!(flat.check_shape(&square).is_ok() && flat.flattened().check_shape(&square).is_ok());
}

#[test]
fn a_claim_about_the_file_is_settled_by_certificates_about_it_alone() {
    let (model, inputs) = falling();
    let bounds = Bounds::read(&file(&[[-INF, 0.25], [-1.0, 0.5]])).unwrap();
    let line = unbounded(bounds.digest());
    let attacker = Attacker { weights: None, bounds: Some(&bounds) };
    let settled = |claim: Claim| claim.settled_by(&model, &inputs, attacker, &line).unwrap();
    let claim = |ends| Claim::read(0, "linf", ends, "7").unwrap();
    assert_eq!(settled(claim(None).in_file()), Some(Settled::Confirmed));
    assert_eq!(settled(claim(None)), None);
    assert_eq!(settled(claim(Some(("-1", "0.5")))), None);
    // The ends of a line are no file's.
    let ends = line.replace(&format!(r#""sha256:{}""#, bounds.digest()), r#"["-1","0.25"]"#);
    let of_ends = |claim: Claim| claim.settled_by(&model, &inputs, Attacker::default(), &ends).unwrap();
    assert_eq!(of_ends(claim(Some(("-1", "0.25")))), Some(Settled::Confirmed));
    assert_eq!(of_ends(claim(None).in_file()), None);
}
