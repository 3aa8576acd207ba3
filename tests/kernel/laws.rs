//! The kernel against a naive rational implementation on random small networks: at every region it must accept the
//! largest radius that the slopes prove on a fine grid, and refuse the next one.

use num_traits::Signed;
use rand::RngExt;
use rayon::prelude::*;
use testing::naive_proofs::{Lines, Way, certificate, lines, npy, problem, threshold};
use testing::networks::{MAPS, Map, exact_logit, generator, icnn, inputs};
use underplane::model::{Dense, Graph, Layer, onnx};
use underplane_kernel::{self as kernel, Attacker, Claim, Class, Code, Settled};

struct Case {
    graph: Graph,
    lines: Lines,
    x: Vec<f64>,
    model: kernel::Model,
    inputs: kernel::Inputs,
}

fn case(seed: u64) -> Case {
    let mut rng = generator(seed);
    let d = rng.random_range(1..5);
    let hidden: Vec<usize> = (0..rng.random_range(1..4)).map(|_| rng.random_range(1..5)).collect();
    let leak = [0.0, 0.0, 0.125, 0.25][rng.random_range(0..4)];
    let graph = icnn(&mut rng, d, &hidden, MAPS[(seed % 5) as usize], leak);
    let lines = lines(&mut rng, &graph);
    // Vectors of zeros have no scale of their own.
    let x = if seed.is_multiple_of(7) { vec![0.0; d] } else { inputs(&mut rng, 1, d) };
    let model = kernel::Model::read(&onnx::encode(&graph).unwrap(), Class::Positive).unwrap();
    let inputs = kernel::Inputs::read(&npy(&x)).unwrap();
    Case { graph, lines, x, model, inputs }
}

#[test]
fn accepts_what_the_slopes_prove_and_nothing_more() {
    let decided: usize = (0..500).into_par_iter().map(regions).sum();
    assert!(decided > 2000, "only {decided} regions had a threshold");
}

/// How many regions of one network have a threshold, each of them tested.
fn regions(seed: u64) -> usize {
    let case = case(seed);
    let has_kinks = matches!(MAPS[(seed % 5) as usize], Map::Absolute | Map::ScaledAbsolute);
    let multiplier = [0.125, 0.5, 1.0, 3.0][(seed / 5 % 4) as usize];
    let mut decided = 0;
    for way in [Way::Inf, Way::DualL1, Way::DualL2, Way::MultiplierL1(multiplier), Way::MultiplierL2(multiplier)] {
        for range in [None, Some((0.0, 1.0)), Some((-0.5, 1.25))] {
            if let (true, Way::DualL1 | Way::DualL2) = (has_kinks, way) {
                continue;
            }
            let problem = problem(&case.graph, &case.lines, &case.x, range);
            let Some(k) = threshold(&problem, way) else { continue };
            decided += 1;
            let check = |k| kernel::check_line(&case.model, &case.inputs, &certificate(way, &case.lines, range, k));
            check(k).unwrap_or_else(|r| panic!("seed {seed} {way:?} {range:?}: {r}"));
            let refused = check(k + 1).expect_err("one step too far");
            assert_eq!(refused.code, Code::NotProven, "seed {seed} {way:?} {range:?}: {refused}");
        }
    }
    decided
}

#[test]
fn a_certified_ball_holds_no_point_of_the_other_class() {
    let mut met = 0;
    for seed in 0..1500 {
        let case = case(seed);
        let range = [None, Some((0.0, 1.0))][(seed % 2) as usize];
        let problem = problem(&case.graph, &case.lines, &case.x, range);
        let Some(k) = threshold(&problem, Way::Inf) else { continue };
        met += 1;
        let line = certificate(Way::Inf, &case.lines, range, k);
        kernel::check_line(&case.model, &case.inputs, &line).unwrap();
        // Every vertex of the ball, and points on its faces: radius rounded down to a float.
        let r = (k as f64 * (0.5_f64).powi(30)).next_down().max(0.0);
        for vertex in 0..3_usize.pow(case.x.len() as u32) {
            let direction = |i: usize| (vertex / 3_usize.pow(i as u32) % 3) as f64 - 1.0;
            let corner = |(i, &x): (usize, &f64)| {
                let moved = x + direction(i) * r;
                let moved = if (moved - x).abs() > r {
                    if moved > x { moved.next_down() } else { moved.next_up() }
                } else {
                    moved
                };
                range.map_or(moved, |(low, high)| moved.clamp(low, high))
            };
            let point: Vec<f64> = case.x.iter().enumerate().map(corner).collect();
            assert!(exact_logit(&case.graph, &point).is_positive(), "seed {seed}: {point:?}");
        }
    }
    assert!(met > 150, "only {met} balls");
}

#[test]
fn evaluates_logits_exactly() {
    for seed in 0..3000 {
        let case = case(seed);
        let exact = exact_logit(&case.graph, &case.x);
        let sign = if exact.is_positive() { 1 } else { -i32::from(exact.is_negative()) };
        assert_eq!(case.model.logit_sign(&case.inputs, 0).unwrap(), sign, "seed {seed}");
    }
}

/// f = x at 1/4, with what certificates say about it: a radius of 1/4, a witness at 1/4, and a witness at 1/4 stated as
/// within 1/2.
fn quarter() -> (kernel::Model, kernel::Inputs, [String; 3]) {
    let mut graph = Graph::new("x", &[1]);
    let layer = Dense { rows: 1, cols: 1, weight: vec![1.0], bias: vec![0.0] };
    graph.push("f", Layer::Dense(layer), &[0]).unwrap();
    let model = kernel::Model::read(&onnx::encode(&graph).unwrap(), Class::Positive).unwrap();
    let inputs = kernel::Inputs::read(&npy(&[0.25])).unwrap();
    let line = |rest: &str| format!(r#"{{"version":"1","input":"0","norm":"linf","ball":"open",{rest}}}"#);
    let witness = |upper: &str| line(&format!(r#""upper":"{upper}","witness":{{"bits":"32","point":"AAAAAA=="}}"#));
    (model, inputs, [line(r#""radius":"0.25","slopes":[]"#), witness("0.25"), witness("0.5")])
}

#[test]
fn a_claim_is_the_exact_decimal_that_is_written() {
    let (model, inputs, [radius, near, far]) = quarter();
    let long = |digit: &str| format!("0.25{}{digit}", "0".repeat(4_900));
    let tiny = format!("0.{}1", "0".repeat(4_900));
    let (above, below) = (long("1"), format!("0.24{}", "9".repeat(4_900)));
    let (confirmed, refuted) = (Some(Settled::Confirmed), Some(Settled::Refuted));
    for (claim, by_radius, by_near, by_far) in [
        ("0.25", confirmed, None, None),
        ("00.250", confirmed, None, None),
        ("+25E-2", confirmed, None, None),
        (".0025e+2", confirmed, None, None),
        (&long("0"), confirmed, None, None),
        (&below, confirmed, None, None),
        ("0.24999999999999999999", confirmed, None, None),
        ("1e-400", confirmed, None, None),
        ("2e-5000", confirmed, None, None),
        (&tiny, confirmed, None, None),
        ("0", confirmed, None, None),
        ("0.25000000000000000001", None, refuted, None),
        (&above, None, refuted, None),
        ("0.5", None, refuted, None),
        ("0.50000000000000000001", None, refuted, refuted),
        ("7.", None, refuted, refuted),
        ("1e400", None, refuted, refuted),
        ("9e5000", None, refuted, refuted),
        ("unbounded", None, refuted, refuted),
    ] {
        let claimed = Claim::read(0, "linf", None, claim).unwrap_or_else(|r| panic!("{claim}: {r}"));
        let settled = |line: &str| claimed.settled_by(&model, &inputs, Attacker::default(), line).unwrap();
        let found = (settled(&radius), settled(&near), settled(&far));
        assert_eq!(found, (by_radius, by_near, by_far), "{claim}");
        assert_eq!(claimed.is_empty(), claim == "0", "{claim}");
    }
}

#[test]
fn a_claim_is_settled_by_valid_certificates_about_the_same_alone() {
    let (model, inputs, [radius, near, _]) = quarter();
    let other = |line: &str, from: &str, to: &str| line.replacen(from, to, 1);
    let boxed = |line: &str, high: &str| {
        let line = other(line, r#""radius":"0.25""#, r#""radius":"0.125""#);
        other(&line, r#""norm""#, &format!(r#""box":["0","{high}"],"norm""#))
    };
    let settled = |claim: &Claim, line: &str| claim.settled_by(&model, &inputs, Attacker::default(), line);
    let claim = |input: u64, norm: &str, ends: Option<(&str, &str)>| Claim::read(input, norm, ends, "0.125").unwrap();
    for claim in [claim(1, "linf", None), claim(0, "l2", None), claim(0, "linf", Some(("0", "1")))] {
        assert_eq!(settled(&claim, &radius), Ok(None));
        assert_eq!(settled(&claim, &near), Ok(None));
    }
    let plain = claim(0, "linf", None);
    assert_eq!(settled(&plain, &boxed(&radius, "1")), Ok(None));
    let within = claim(0, "linf", Some(("0", "1")));
    assert_eq!(settled(&within, &boxed(&radius, "1.0")), Ok(Some(Settled::Confirmed)));
    assert_eq!(settled(&within, &boxed(&radius, "2")), Ok(None));
    // A closed ball holds the open one; a certificate that is none settles nothing.
    assert_eq!(
        settled(&plain, &other(&radius, r#""radius":"0.25""#, r#""radius":"0.5""#)).unwrap_err().code,
        Code::NotProven
    );
    let closed = other(&other(&radius, "open", "closed"), "0.25", "0.125");
    assert_eq!(
        settled(&Claim::read(0, "lp:1", None, "0.125").unwrap(), &other(&closed, "linf", "l1")),
        Ok(Some(Settled::Confirmed))
    );
    assert_eq!(settled(&plain, &other(&near, "0.25", "0.125")).unwrap_err().code, Code::WitnessTooFar);
}

#[test]
fn a_claim_that_is_no_decimal_or_beyond_the_budget_is_refused() {
    let digits = "7".repeat(5_001);
    for (text, code) in [
        ("", Code::Number),
        (".", Code::Number),
        ("e5", Code::Number),
        ("1e", Code::Number),
        ("1e5.0", Code::Number),
        ("1e+-5", Code::Number),
        ("1,5", Code::Number),
        ("1_000", Code::Number),
        ("1.2.3", Code::Number),
        ("-0.5", Code::Number),
        ("++1", Code::Number),
        ("+ 1", Code::Number),
        (" 1", Code::Number),
        ("0x1p3", Code::Number),
        ("nan", Code::Number),
        ("inf", Code::Number),
        ("١", Code::Number),
        ("1e5001", Code::TooLarge),
        ("1e-5001", Code::TooLarge),
        ("1e99999999999999999999", Code::TooLarge),
        ("1e-99999999999999999999", Code::TooLarge),
        (&digits, Code::TooLarge),
    ] {
        assert_eq!(Claim::read(0, "linf", None, text).map(|_| ()).unwrap_err().code, code, "{text}");
    }
    assert_eq!(Claim::read(0, "l3", None, "1").unwrap_err().code, Code::Norm);
    assert_eq!(Claim::read(0, "l2", Some(("1", "0")), "1").unwrap_err().code, Code::EmptyBox);
}
