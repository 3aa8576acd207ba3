//! Smooth units in the kernel: how far its lines and its witnesses reach, against naive series, and what it refuses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};
use testing::convex_networks::{perturbations, random_smooth_model, run};
use testing::corpora::files::{node, tensor};
use testing::corpora::windows::{file, int, ints, real};
use testing::naive_proofs::npy;
use testing::naive_smooth::{exp, ln};
use testing::networks::rational;
use underplane::model::{Node, Sensitive, onnx};
use underplane::proof::Prover;
use underplane::query::Query;
use underplane::radius::exact::Exact;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Limits, Method};
use underplane_kernel::{Class, Code, Inputs, Model, Rejection, check_line};

/// Small enough that a radius or a witness beside the true one by this share is told apart.
const SHARE: f64 = 1e-11;

/// u(x) − 3/4, u one of the units.
fn model(unit: Vec<u8>) -> Vec<u8> {
    let nodes = vec![unit, node("Add", &["u", "c"], &["v"], &[])];
    file(nodes, vec![tensor("c", &[1], &[-0.75]), tensor("two", &[], &[2.0])], &[1], ("v", &[1.0])).file()
}

fn unit(operator: &str, alpha: Option<f32>) -> Vec<u8> {
    node(operator, &["x"], &["u"], &alpha.map(|alpha| real("alpha", alpha)).into_iter().collect::<Vec<_>>())
}

fn plain(x: f64) -> String {
    // Every binary float is a finite decimal.
    let text = format!("{x:.60}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn check(bytes: &[u8], x: f64, line: &str) -> Result<(), Rejection> {
    let model = Model::read(bytes, Class::Positive)?;
    check_line(&model, &Inputs::read(&npy(&[x])).unwrap(), line).map(drop)
}

fn radius(codes: &str, radius: f64) -> String {
    let radius = plain(radius);
    format!(r#"{{"version":"1","input":"0","norm":"linf","radius":"{radius}","slopes":[{{"node":"u",{codes}}}]}}"#)
}

fn coded(code: u8) -> String {
    format!(r#""bits":"8","codes":"{}""#, STANDARD.encode([code]))
}

fn whole(k: u32) -> BigRational {
    rational(f64::from(k))
}

fn entropy(s: &BigRational) -> BigRational {
    if s.is_zero() { BigRational::zero() } else { s * ln(s) }
}

/// The conjugate of ELU(α) at s.
fn elu(s: &BigRational, alpha: &BigRational) -> BigRational {
    if s >= alpha { BigRational::zero() } else { alpha * entropy(&(s / alpha)) - s + alpha }
}

type Conjugate = Box<dyn Fn(&BigRational) -> BigRational>;

fn units() -> Vec<(Vec<u8>, Conjugate)> {
    let half = rational(0.5);
    vec![
        (unit("Softplus", None), Box::new(|s| entropy(s) + entropy(&(BigRational::one() - s)))),
        (unit("Elu", None), Box::new(|s| elu(s, &BigRational::one()))),
        (unit("Elu", Some(0.5)), Box::new(move |s| elu(s, &half))),
        (unit("Celu", Some(3.0)), Box::new(|s| elu(s, &BigRational::one()) * whole(3))),
    ]
}

#[test]
fn lines_reach_as_far_as_their_conjugates_say_and_no_further() {
    let x = 2.5;
    for (k, (unit, conjugate)) in units().into_iter().enumerate() {
        let bytes = model(unit);
        for code in [1_u8, 77, 128, 200, 254, 255] {
            // s·(x − r) − u*(s) − 3/4 = 0.
            let s = whole(u32::from(code)) / whole(255);
            let exact = rational(x) - (conjugate(&s) + rational(0.75)) / &s;
            let r = exact.to_f64().unwrap();
            let place = format!("unit {k}, code {code}: {r}");
            if r <= 0.0 {
                let refused = check(&bytes, x, &radius(&coded(code), 0.0625)).unwrap_err();
                assert_eq!(refused.code, Code::NotProven, "{place}");
                continue;
            }
            check(&bytes, x, &radius(&coded(code), r * (1.0 - SHARE))).expect(&place);
            let refused = check(&bytes, x, &radius(&coded(code), r * (1.0 + SHARE))).expect_err(&place);
            assert_eq!(refused.code, Code::NotProven, "{place}");
        }
        // The flat line is −u*(0) − 3/4 < 0 everywhere.
        assert_eq!(check(&bytes, x, &radius(&coded(0), 0.0625)).unwrap_err().code, Code::NotProven);
    }
}

#[test]
fn witnesses_are_as_near_as_exact_values_say_and_no_nearer() {
    // u(t) = 3/4 at the root; 1/4 below 0 too, for the parts that bend there.
    let root = ln(&(exp(&rational(0.75)) - BigRational::one())).to_f64().unwrap();
    for (unit, root) in [(unit("Softplus", None), root), (unit("Elu", None), 0.75), (unit("Celu", Some(2.0)), 0.75)] {
        let (bytes, x) = (model(unit), 2.5);
        let line = |point: f64| {
            let point = STANDARD.encode(point.to_le_bytes());
            format!(
                r#"{{"version":"1","input":"0","norm":"linf","upper":"4","witness":{{"bits":"64","point":"{point}"}}}}"#
            )
        };
        check(&bytes, x, &line(root - 1e-13)).unwrap();
        assert_eq!(check(&bytes, x, &line(root + 1e-13)).unwrap_err().code, Code::WitnessPositive);
    }
    // The bent part of an Elu: −u(−x) would be concave, so f = u(x) + 1/4 by another constant.
    let nodes = vec![unit("Elu", None), node("Add", &["u", "c"], &["v"], &[])];
    let bytes = file(nodes, vec![tensor("c", &[1], &[0.25])], &[1], ("v", &[1.0])).file();
    let root = ln(&rational(0.75)).to_f64().unwrap();
    for (step, valid) in [(-1e-14, true), (1e-14, false)] {
        let point = STANDARD.encode((root + step).to_le_bytes());
        let line = format!(
            r#"{{"version":"1","input":"0","norm":"l1","upper":"4","witness":{{"bits":"64","point":"{point}"}}}}"#
        );
        assert_eq!(check(&bytes, 1.0, &line).is_ok(), valid);
    }
}

#[test]
fn squares_take_any_slope_that_is_a_finite_float() {
    // The line 2t − 1 of t² at 1, from 2.5 on: positive as long as 2(2.5 − r) − 1 − 3/4 > 0.
    for square in [node("Mul", &["x", "x"], &["u"], &[]), node("Pow", &["x", "two"], &["u"], &[])] {
        let bytes = model(square);
        let line =
            |s: f32, r: f64| radius(&format!(r#""bits":"32","codes":"{}""#, STANDARD.encode(s.to_le_bytes())), r);
        check(&bytes, 2.5, &line(2.0, 1.624)).unwrap();
        assert_eq!(check(&bytes, 2.5, &line(2.0, 1.625)).unwrap_err().code, Code::NotProven);
        check(&bytes, -2.5, &line(-2.0, 1.624)).unwrap();
        assert_eq!(check(&bytes, 2.5, &line(-2.0, 0.1)).unwrap_err().code, Code::NotProven);
        for s in [f32::NAN, f32::INFINITY] {
            assert_eq!(check(&bytes, 2.5, &line(s, 0.1)).unwrap_err().code, Code::NotFinite);
        }
        let short = radius(r#""bits":"16","codes":"AAA=""#, 0.1);
        assert_eq!(check(&bytes, 2.5, &short).unwrap_err().code, Code::NotFinite);
    }
}

#[test]
fn squares_with_an_edge_take_no_slope_beyond_it() {
    // x² up to 1, 2x − 1 beyond: the line 2x − 1 − 3/4 is positive as long as 2(2.5 − r) > 1.75.
    let nodes = vec![
        node("Mul", &["x", "x"], &["s"], &[]),
        node("Mul", &["x", "two"], &["d"], &[]),
        node("Sub", &["d", "one"], &["l"], &[]),
        node("Greater", &["x", "one"], &["m"], &[]),
        node("Where", &["m", "l", "s"], &["u"], &[]),
        node("Add", &["u", "c"], &["v"], &[]),
    ];
    let constants = vec![tensor("c", &[1], &[-0.75]), tensor("two", &[], &[2.0]), tensor("one", &[], &[1.0])];
    let bytes = file(nodes, constants, &[1], ("v", &[1.0])).file();
    let line = |s: f32, r: f64| radius(&format!(r#""bits":"32","codes":"{}""#, STANDARD.encode(s.to_le_bytes())), r);
    check(&bytes, 2.5, &line(2.0, 1.624)).unwrap();
    assert_eq!(check(&bytes, 2.5, &line(2.0, 1.626)).unwrap_err().code, Code::NotProven);
    // The line 3x − 9/4 lies below x², but not below the tangent.
    assert_eq!(check(&bytes, 2.5, &line(3.0, 0.1)).unwrap_err().code, Code::WeightSum);
    assert_eq!(check(&bytes, 2.5, &line(2.000_000_2, 0.1)).unwrap_err().code, Code::WeightSum);
    check(&bytes, -2.5, &line(-3.0, 1.4)).unwrap();
}

#[test]
fn what_is_not_convex_or_not_understood_is_refused() {
    let read = |bytes: &[u8]| Model::read(bytes, Class::Positive).unwrap_err().code;
    for (operator, alpha) in [("Elu", 1.5), ("Elu", -0.5), ("Celu", 0.0), ("Celu", -1.0), ("Elu", f32::NAN)] {
        let code = read(&model(unit(operator, Some(alpha))));
        assert!(matches!(code, Code::Unsupported | Code::NotFinite), "{operator} {alpha}: {code}");
    }
    assert_eq!(read(&model(node("Pow", &["x", "c"], &["u"], &[]))), Code::Unsupported);
    assert_eq!(read(&model(node("Pow", &["two", "x"], &["u"], &[]))), Code::Unsupported);
    assert_eq!(read(&model(node("Softplus", &["two"], &["u"], &[]))), Code::Unsupported);
    let product = vec![unit("Softplus", None), node("Mul", &["u", "x"], &["v"], &[])];
    assert_eq!(read(&file(product, vec![], &[1], ("v", &[1.0])).file()), Code::Unsupported);
    // A smooth unit behind a negative weight, and the square of what can be below 0 and is not affine.
    let constants = || vec![tensor("c", &[1], &[-0.75])];
    let minus = vec![unit("Softplus", None), node("Add", &["u", "c"], &["v"], &[])];
    assert_eq!(read(&file(minus.clone(), constants(), &[1], ("v", &[-1.0])).file()), Code::NotConvex);
    let squared = [minus, vec![node("Mul", &["v", "v"], &["w"], &[])]].concat();
    assert_eq!(read(&file(squared, constants(), &[1], ("w", &[1.0])).file()), Code::NotConvex);
    let rising = vec![unit("Softplus", None), node("Mul", &["u", "u"], &["w"], &[])];
    Model::read(&file(rising, vec![], &[1], ("w", &[1.0])).file(), Class::Positive).unwrap();
}

#[test]
fn weights_of_a_log_sum_exp_are_one_together() {
    let reduce = node("ReduceLogSumExp", &["x"], &["u"], &[ints("axes", &[1]), int("keepdims", 1)]);
    let bytes = file(vec![reduce], vec![], &[2], ("u", &[1.0])).file_with(&[], 17);
    let model = Model::read(&bytes, Class::Positive).unwrap();
    let inputs = Inputs::read(&npy(&[1.0, 0.5])).unwrap();
    let line = |codes: [u8; 2], r: f64| radius(&format!(r#""bits":"8","codes":"{}""#, STANDARD.encode(codes)), r);
    // Σ s·x + ln-sum of the weights 102/255 = 0.4 and 0.6.
    let (a, b) = (rational(102.0) / whole(255), rational(153.0) / whole(255));
    let r = (&a + &b * rational(0.5) - entropy(&a) - entropy(&b)).to_f64().unwrap();
    check_line(&model, &inputs, &line([102, 153], r * (1.0 - SHARE))).unwrap();
    assert_eq!(check_line(&model, &inputs, &line([102, 153], r * (1.0 + SHARE))).unwrap_err().code, Code::NotProven);
    assert_eq!(check_line(&model, &inputs, &line([102, 154], 0.1)).unwrap_err().code, Code::WeightSum);
}

#[test]
fn what_the_methods_find_on_smooth_networks_is_proven() {
    let limits = Limits { gap: 1e-4, seconds: 5.0, passes: 200 };
    let methods: [&dyn Method; 2] = [&Sharp, &Exact { limits }];
    let mut proven = 0;
    for seed in 0..12 {
        let (model, x) = random_smooth_model(seed, 3, 0.5);
        // A concave kink is written with two Relus, which the kernel does not take for one.
        let concave = |node: &Node| node.op.kink().is_some_and(|kink| kink.above < kink.below);
        if model.graph().nodes().iter().any(concave) {
            continue;
        }
        let bytes = onnx::encode(model.graph()).unwrap();
        let prover = Prover::new(&bytes, Sensitive::Positive, &x, x.len()).unwrap();
        for perturbation in perturbations() {
            for method in methods {
                let samples = underplane::radius::Samples::new(&x, x.len());
                let outcome = method.certify(&model, samples, perturbation).remove(0);
                let query = Query { model: &model, x: &x, index: 0, perturbation };
                let proof = prover.prove(query, &outcome);
                assert!(proof.is_ok(), "seed {seed} {} {perturbation:?}: {:?}", method.name(), proof.err());
                proven += 1;
            }
        }
        let _ = run(&Sharp, &model, &x, perturbations().next().unwrap());
    }
    assert!(proven >= 6 * 6 * 2, "{proven}");
}
