//! Certificates: valid ones, and each with one thing wrong.

use super::Made;
use crate::naive_proofs::{Way, certificate, lines, npy, problem, threshold};
use crate::networks::{Map, generator, icnn, inputs};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as Object, Value, json};
use underplane::model::{Dense, Graph, Layer, onnx};

/// A model with inputs and one certificate per way and box.
struct Base {
    name: &'static str,
    graph: Graph,
    inputs: Vec<u8>,
    /// Of the norms of all its certificates, if there are some.
    weights: Option<Vec<u8>>,
    certificates: Vec<Object<String, Value>>,
}

const WAYS: [Way; 5] = [Way::Inf, Way::DualL1, Way::DualL2, Way::MultiplierL1(0.5), Way::MultiplierL2(0.5)];

/// A random network for which every way has a threshold.
fn base(name: &'static str, map: Map, leak: f64) -> Base {
    (0..).find_map(|seed| try_base(name, map, leak, seed)).expect("some seed has thresholds")
}

fn try_base(name: &'static str, map: Map, leak: f64, seed: u64) -> Option<Base> {
    let mut rng = generator(seed);
    let graph = icnn(&mut rng, 3, &[3, 2], map, leak);
    // Every unit must matter, so that no slopes can be left out.
    let positive = |layer: Option<Layer>| !matches!(layer, Some(Layer::Dense(dense)) if dense.weight.contains(&0.0));
    graph.nodes().iter().all(|node| positive(node.layer())).then_some(())?;
    let lines = lines(&mut rng, &graph);
    let x = inputs(&mut rng, 1, 3);
    let mut certificates = Vec::new();
    for way in WAYS {
        if matches!((way, map), (Way::DualL1 | Way::DualL2, Map::Absolute)) {
            continue;
        }
        for range in [None, Some((0.0, 1.0))] {
            let k = threshold(&problem(&graph, &lines, &x, range), way)?;
            certificates.push(object(&certificate(way, &lines, range, k)));
        }
    }
    // The box must matter, so that dropping it is a mistake.
    let radius = |i: usize| certificates[i]["radius"].as_str().and_then(|r| r.parse::<f64>().ok());
    (radius(1) > radius(0)).then_some(())?;
    Some(Base { name, graph, inputs: npy(&x), weights: None, certificates })
}

fn object(line: &str) -> Object<String, Value> {
    serde_json::from_str(line).expect("certificates are JSON")
}

/// max of two layers below a sum: f(x) = Σ max(xᵢ, 2xᵢ − ¼) over three coordinates, at (½, ½, ½).
fn maxima() -> Base {
    let diagonal = |w: f32, b: f32| {
        let weight = (0..9).map(|i| if i % 4 == 0 { w } else { 0.0 }).collect();
        Layer::Dense(Dense { rows: 3, cols: 3, weight, bias: vec![b; 3] })
    };
    let mut graph = Graph::new("x", &[3]);
    let a = graph.push("a", diagonal(1.0, 0.0), &[0]).unwrap();
    let b = graph.push("b", diagonal(2.0, -0.25), &[0]).unwrap();
    let max = graph.push("max", Layer::Max, &[a, b]).unwrap();
    let sum = Dense { rows: 1, cols: 3, weight: vec![1.0; 3], bias: vec![0.0] };
    graph.push("sum", Layer::Dense(sum), &[max]).unwrap();
    let codes = STANDARD.encode([0, 0, 0, 255, 255, 255]);
    // 2·Σxᵢ − ¾ > 0 while Σxᵢ falls from 3/2 by less than 9/8: l1 alone may reach it.
    let line = json!({"version": "1", "input": "0", "norm": "l1", "radius": "1.0625",
        "slopes": [{"node": "max", "bits": "8", "codes": codes}]});
    let exact = json!({"version": "1", "input": "0", "norm": "linf", "radius": "0.4921875", "slopes": []});
    let certificates = [line, exact].map(|line| object(&line.to_string())).to_vec();
    Base { name: "max", graph, inputs: npy(&[0.5; 3]), weights: None, certificates }
}

/// f(x) = x₀ − ½ at ½: exactly 0.
fn tie() -> Base {
    let mut graph = Graph::new("x", &[1]);
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 1, weight: vec![1.0], bias: vec![-0.5] }), &[0]).unwrap();
    let point = STANDARD.encode(0.5_f64.to_le_bytes());
    let line =
        json!({"version": "1", "input": "0", "norm": "l2", "upper": "0", "witness": {"bits": "64", "point": point}});
    Base { name: "tie", graph, inputs: npy(&[0.5]), weights: None, certificates: vec![object(&line.to_string())] }
}

/// f(x) = 1 whatever x.
fn constant() -> Base {
    let mut graph = Graph::new("x", &[2]);
    let flat = Dense { rows: 1, cols: 2, weight: vec![0.0; 2], bias: vec![1.0] };
    graph.push("f", Layer::Dense(flat), &[0]).unwrap();
    let line = |norm: &str| json!({"version": "1", "input": "0", "norm": norm, "radius": "unbounded", "slopes": []});
    let certificates = ["l1", "l2", "linf", "lp:1.5"].map(|norm| object(&line(norm).to_string())).to_vec();
    Base { name: "constant", graph, inputs: npy(&[0.5, 0.25]), weights: None, certificates }
}

/// f(x) = 1 − x₀ at 0: witness (1, 0) at distance 1, and sandwiches around the radius 1.
fn linear() -> Base {
    let mut graph = Graph::new("x", &[2]);
    let weight = vec![-1.0, 0.0];
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 2, weight, bias: vec![1.0] }), &[0]).unwrap();
    let sandwich = |norm: &str, ball: &str, radius: &str| {
        let witness = json!({"bits": "64", "point": encode(&[1.0, 0.0])});
        json!({"version": "1", "input": "0", "norm": norm, "ball": ball, "radius": radius, "upper": "1", "slopes": [],
            "witness": witness, "box": ["-2", "2"]})
    };
    let mut certificates: Vec<Value> = Vec::new();
    for norm in ["l1", "l2", "linf", "lp:3", "lp:1.5"] {
        certificates.push(sandwich(norm, "closed", "0.9999847412109375"));
    }
    for norm in ["l1", "l2", "linf", "lp:3"] {
        let mut open = sandwich(norm, "open", "1");
        open.as_object_mut().expect("an object").remove("box");
        certificates.push(open);
    }
    let certificates = certificates.iter().map(|line| object(&line.to_string())).collect();
    Base { name: "linear", graph, inputs: npy(&[0.0, 0.0]), weights: None, certificates }
}

/// f(x) = 1 − x₀ + x₁/2 − 4x₂ at 0 with the weights (2, 4, ∞): weighted slopes (½, ⅛, 0), witness (1, 0, 0) at distance 2.
fn weighted() -> Base {
    let mut graph = Graph::new("x", &[3]);
    let weight = vec![-1.0, 0.5, -4.0];
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 3, weight, bias: vec![1.0] }), &[0]).unwrap();
    let line = |norm: &str, radius: &str| {
        let witness = json!({"bits": "64", "point": encode(&[1.0, 0.0, 0.0])});
        json!({"version": "1", "input": "0", "norm": norm, "weights": "yes", "radius": radius, "upper": "2",
            "slopes": [], "witness": witness})
    };
    let mut certificates = vec![line("l1", "1.9375"), line("l2", "1.9375"), line("linf", "1.5"), line("lp:3", "1.75")];
    for (norm, multiplier) in [("l1", "0.5"), ("l2", "0.265625")] {
        let mut boxed = line(norm, "1.9375");
        boxed["multiplier"] = json!(multiplier);
        boxed["box"] = json!(["-2", "2"]);
        certificates.push(boxed);
    }
    let mut open = line("l1", "2");
    open["ball"] = json!("open");
    certificates.push(open);
    let certificates = certificates.iter().map(|line| object(&line.to_string())).collect();
    let weights = Some(npy(&[2.0, 4.0, f64::INFINITY]));
    Base { name: "weighted", graph, inputs: npy(&[0.0; 3]), weights, certificates }
}

fn encode(point: &[f64]) -> String {
    STANDARD.encode(point.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

fn bases() -> Vec<Base> {
    vec![
        base("dense", Map::Centred, 0.0),
        base("leaky", Map::Scaled, 0.25),
        base("abs", Map::Absolute, 0.0),
        maxima(),
        tie(),
        constant(),
        linear(),
        weighted(),
    ]
}

fn text(certificates: &[Object<String, Value>]) -> Vec<u8> {
    certificates.iter().map(|c| Value::Object(c.clone()).to_string() + "\n").collect::<String>().into_bytes()
}

/// Models, inputs and the certificates that must be accepted.
pub fn valid() -> Vec<Made> {
    let files = |base: Base| {
        let name = |ext: &str| format!("valid/{}.{ext}", base.name);
        let weights = base.weights.map(|weights| (name("weights.npy"), weights));
        [
            (name("onnx"), onnx::encode(&base.graph).expect("the graph can be written")),
            (name("npy"), base.inputs),
            (name("jsonl"), text(&base.certificates)),
        ]
        .into_iter()
        .chain(weights)
    };
    bases().into_iter().flat_map(files).collect()
}

/// One thing wrong with a certificate.
pub fn invalid() -> Vec<Made> {
    let bases = bases();
    let find = |name: &str| bases.iter().find(|base| base.name == name).expect("a base");
    // The first certificate without a box is Inf, the one with a box follows it.
    let plain = |name: &str| find(name).certificates[0].clone();
    let boxed = |name: &str| find(name).certificates[1].clone();
    let mut made: Vec<Made> = Vec::new();
    let mut add = |code: &str, what: &str, model: &str, certificate: Object<String, Value>| {
        made.push((format!("invalid/{code}.{what}.{model}.jsonl"), text(&[certificate])));
    };
    let with = |mut certificate: Object<String, Value>, key: &str, value: Value| {
        certificate.insert(key.into(), value);
        certificate
    };
    let without = |mut certificate: Object<String, Value>, key: &str| {
        certificate.remove(key);
        certificate
    };
    for (i, certificate) in find("dense").certificates.iter().enumerate() {
        add(
            "not-proven",
            &format!("one-step-too-far-{i}"),
            "dense",
            with(certificate.clone(), "radius", raised(certificate)),
        );
    }
    for (i, certificate) in find("abs").certificates.iter().enumerate() {
        add(
            "not-proven",
            &format!("one-step-too-far-{i}"),
            "abs",
            with(certificate.clone(), "radius", raised(certificate)),
        );
    }
    add("not-proven", "unbounded", "dense", with(plain("dense"), "radius", json!("unbounded")));
    add("not-proven", "box-dropped", "dense", without(boxed("dense"), "box"));
    add("not-proven", "the-sphere-touches", "linear", {
        with(find("linear").certificates[0].clone(), "radius", json!("1"))
    });
    add("not-proven", "tie", "tie", object(r#"{"version":"1","input":"0","norm":"l2","radius":"0","slopes":[]}"#));
    add("not-proven", "maximum-too-far", "max", with(plain("max"), "radius", json!("1.125")));
    add("version", "three", "dense", with(plain("dense"), "version", json!("3")));
    for (what, value) in [
        ("exponent", "1e-3"),
        ("hexadecimal", "0x1p-3"),
        ("negative", "-0.5"),
        ("empty", ""),
        ("nan", "NaN"),
        ("infinite", "inf"),
        ("spaces", " 1"),
        ("plus", "+1"),
        ("no-digits-behind-the-point", "1."),
    ] {
        add("number", what, "dense", with(plain("dense"), "radius", json!(value)));
    }
    add("number", "input-negative", "dense", with(plain("dense"), "input", json!("-1")));
    add("number", "multiplier-zero", "dense", with(plain("dense"), "multiplier", json!("0")));
    add("not-dyadic", "radius", "dense", with(plain("dense"), "radius", json!("0.1")));
    add("not-dyadic", "box", "dense", with(boxed("dense"), "box", json!(["0", "1.1"])));
    add("incomplete", "no-claim", "dense", without(without(plain("dense"), "radius"), "slopes"));
    add("incomplete", "radius-without-slopes", "dense", without(plain("dense"), "slopes"));
    add("incomplete", "slopes-without-radius", "linear", without(find("linear").certificates[0].clone(), "radius"));
    add("incomplete", "upper-without-witness", "linear", without(find("linear").certificates[0].clone(), "witness"));
    add("incomplete", "witness-without-upper", "linear", without(find("linear").certificates[0].clone(), "upper"));
    add("no-such-input", "beyond-the-last", "dense", with(plain("dense"), "input", json!("1")));
    add("class-mismatch", "negative", "dense", with(plain("dense"), "sensitive", json!("negative")));
    add("class-mismatch", "index", "dense", with(plain("dense"), "sensitive", json!("1")));
    add("weights-mismatch", "no-marker", "weighted", without(plain("weighted"), "weights"));
    add("weights-mismatch", "no-weights", "dense", with(plain("dense"), "weights", json!("yes")));
    add("malformed-certificate", "weights-no", "weighted", with(plain("weighted"), "weights", json!("no")));
    add("uint8-mismatch", "raw", "dense", with(plain("dense"), "uint8", json!("raw")));
    add("malformed-certificate", "uint8-word", "dense", with(plain("dense"), "uint8", json!("pixels")));
    for (i, radius) in ["2", "2", "1.625", "2"].into_iter().enumerate() {
        let what = format!("weighted-too-far-{i}");
        add("not-proven", &what, "weighted", with(find("weighted").certificates[i].clone(), "radius", json!(radius)));
    }
    add("not-proven", "weighted-unbounded", "weighted", with(plain("weighted"), "radius", json!("unbounded")));
    add("witness-too-far", "weighted", "weighted", with(plain("weighted"), "upper", json!("1.9375")));
    let moved = json!({"bits": "64", "point": encode(&[1.0, 0.0, 0.25])});
    add("witness-fixed", "weighted", "weighted", with(plain("weighted"), "witness", moved));
    add("norm", "unknown", "dense", with(plain("dense"), "norm", json!("l3")));
    add("norm", "below-one", "dense", with(plain("dense"), "norm", json!("lp:0.5")));
    add("norm-unsupported", "fine-fraction", "dense", with(plain("dense"), "norm", json!("lp:1.0001")));
    let far = with(with(plain("abs"), "norm", json!("lp:1.5")), "radius", json!("100"));
    add("not-proven", "fraction-with-exact-nodes", "abs", far);
    add("empty-box", "ends-swapped", "dense", with(boxed("dense"), "box", json!(["1", "0"])));
    add("outside-box", "input", "dense", with(boxed("dense"), "box", json!(["2", "3"])));
    add("unknown-node", "no-such-name", "dense", slope(plain("dense"), 0, "node", json!("nowhere")));
    add("unknown-node", "affine-node", "dense", slope(plain("dense"), 0, "node", json!("pass0")));
    add("repeated-node", "same-node-twice", "dense", twice(plain("dense")));
    add("bits", "seven", "dense", slope(plain("dense"), 0, "bits", json!("7")));
    add("encoding", "not-base64", "dense", slope(plain("dense"), 0, "codes", json!("*")));
    add(
        "encoding",
        "no-padding",
        "dense",
        slope(slope(plain("dense"), 0, "bits", json!("1")), 0, "codes", json!("AA")),
    );
    add(
        "encoding",
        "unused-bits",
        "dense",
        slope(slope(plain("dense"), 0, "bits", json!("1")), 0, "codes", json!("/w==")),
    );
    add("length", "truncated-slopes", "dense", slope(plain("dense"), 0, "codes", json!("")));
    add(
        "length",
        "truncated-witness",
        "linear",
        with(find("linear").certificates[0].clone(), "witness", json!({"bits": "64", "point": encode(&[1.0])})),
    );
    add(
        "length",
        "witness-of-other-width",
        "linear",
        with(find("linear").certificates[0].clone(), "witness", json!({"bits": "32", "point": encode(&[1.0, 0.0])})),
    );
    add(
        "weight-sum",
        "more-than-one",
        "max",
        slope(plain("max"), 0, "codes", json!(STANDARD.encode([1, 0, 0, 255, 255, 255]))),
    );
    add(
        "weight-sum",
        "less-than-one",
        "max",
        slope(plain("max"), 0, "codes", json!(STANDARD.encode([0, 0, 0, 254, 255, 255]))),
    );
    add("slopes-missing", "one-node", "dense", with(plain("dense"), "slopes", json!([plain("dense")["slopes"][1]])));
    add("negative-coefficient", "lines-below-features", "abs", abs_lines(plain("abs")));
    add("multiplier-missing", "exact-nodes", "abs", with(plain("abs"), "norm", json!("l2")));
    add(
        "witness-positive",
        "the-input-itself",
        "linear",
        with(find("linear").certificates[0].clone(), "witness", json!({"bits": "64", "point": encode(&[0.0, 0.0])})),
    );
    add(
        "witness-too-far",
        "upper-one-step-down",
        "linear",
        with(
            with(
                find("linear").certificates[0].clone(),
                "upper",
                json!("0.99999999999999988897769753748434595763683319091796875"),
            ),
            "radius",
            json!("0.5"),
        ),
    );
    add(
        "witness-outside-box",
        "beyond",
        "linear",
        with(
            with(
                find("linear").certificates[0].clone(),
                "witness",
                json!({"bits": "64", "point": encode(&[3.0, 0.0])}),
            ),
            "upper",
            json!("3"),
        ),
    );
    add(
        "not-finite",
        "witness",
        "linear",
        with(
            find("linear").certificates[0].clone(),
            "witness",
            json!({"bits": "64", "point": encode(&[f64::NAN, 0.0])}),
        ),
    );
    made
}

/// The radius one step of the grid further.
fn raised(certificate: &Object<String, Value>) -> Value {
    let text = certificate["radius"].as_str().expect("a string");
    let (whole, fraction) = text.split_once('.').expect("a decimal");
    // The grid is 2⁻³⁰, whose decimal has thirty digits.
    let digits: num_bigint::BigUint = format!("{whole}{fraction}").parse().expect("digits");
    let step = num_bigint::BigUint::from(5_u8).pow(30);
    let sum = format!("{:0>31}", (digits + step).to_string());
    json!(format!("{}.{}", &sum[..sum.len() - 30], &sum[sum.len() - 30..]))
}

fn slope(mut certificate: Object<String, Value>, at: usize, key: &str, value: Value) -> Object<String, Value> {
    certificate["slopes"][at][key] = value;
    certificate
}

fn twice(mut certificate: Object<String, Value>) -> Object<String, Value> {
    let first = certificate["slopes"][0].clone();
    certificate["slopes"].as_array_mut().expect("a list").push(first);
    certificate
}

/// Lines below |y|, whose coefficients have both signs.
fn abs_lines(mut certificate: Object<String, Value>) -> Object<String, Value> {
    let lines = json!({"node": "absolute", "bits": "8", "codes": STANDARD.encode([255, 255, 255])});
    certificate["slopes"].as_array_mut().expect("a list").push(lines);
    certificate
}
