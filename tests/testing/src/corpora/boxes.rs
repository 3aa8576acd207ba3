//! The box of a file: valid certificates about one, each with one thing wrong, and files that are none.

use super::Made;
use crate::naive_proofs;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use underplane::data::store::sha256;
use underplane::model::{Dense, Graph, Layer, onnx};
use underplane::proof::npy;

const INF: f64 = f64::INFINITY;

/// Of the coordinates of f(x) = 1 − x₀ + x₁/2 − 4x₂, at 0: f falls along x₀ alone.
const BOX: [f64; 6] = [-INF, 2.0, 0.0, INF, -1.0, 0.0];

fn model() -> Graph {
    let mut graph = Graph::new("x", &[3]);
    let weight = vec![-1.0, 0.5, -4.0];
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 3, weight, bias: vec![1.0] }), &[0]).expect("a layer");
    graph
}

fn line(norm: &str, radius: &str) -> Value {
    let digest = format!("sha256:{}", sha256(&npy(&BOX, 2)));
    let multiplier = if norm == "linf" { Value::Null } else { json!("1") };
    let line = json!({"version": "2", "input": "0", "norm": norm, "box": digest, "radius": radius, "slopes": []});
    let line = with(line, "multiplier", multiplier);
    with(with(line, "upper", json!("1")), "witness", witness(&[1.0, 0.0, 0.0]))
}

fn witness(point: &[f64]) -> Value {
    let bytes: Vec<u8> = point.iter().flat_map(|v| v.to_le_bytes()).collect();
    json!({"bits": "64", "point": STANDARD.encode(bytes)})
}

/// `null` for a key that is to be left out.
fn with(mut line: Value, key: &str, value: Value) -> Value {
    let object = line.as_object_mut().expect("an object");
    match value {
        Value::Null => drop(object.remove(key)),
        value => drop(object.insert(key.into(), value)),
    }
    line
}

/// The model, the input, the box and the certificates that must be accepted.
pub fn valid() -> Vec<Made> {
    let lines = ["l1", "l2", "linf"].map(|norm| line(norm, "0.9375"));
    let text = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
    vec![
        ("valid/boxed.onnx".into(), onnx::encode(&model()).expect("the graph can be written")),
        ("valid/boxed.npy".into(), naive_proofs::npy(&[0.0; 3])),
        ("valid/boxed.box.npy".into(), npy(&BOX, 2)),
        ("valid/boxed.jsonl".into(), text),
    ]
}

/// One thing wrong each.
pub fn invalid() -> Vec<Made> {
    let about = |model: &str, code: &str, what: &str, line: Value| {
        (format!("invalid/{code}.box-{what}.{model}.jsonl"), format!("{line}\n").into_bytes())
    };
    let file = |code: &str, what: &str, line: Value| about("boxed", code, what, line);
    let good = || line("linf", "0.9375");
    let digest = good()["box"].as_str().expect("a digest").to_string();
    let other = format!("sha256:{}", sha256(b"another box"));
    let mut made: Vec<Made> =
        ["l1", "l2", "linf"].map(|norm| file("not-proven", &format!("too-far-{norm}"), line(norm, "1"))).to_vec();
    made.extend([
        file("not-proven", "everywhere", line("linf", "unbounded")),
        file("box-mismatch", "of-another-file", with(good(), "box", json!(other))),
        file("box-mismatch", "of-two-ends", with(good(), "box", json!(["-1", "1"]))),
        file("box-mismatch", "dropped", with(good(), "box", Value::Null)),
        about("weighted", "box-mismatch", "not-named", with(good(), "weights", json!("yes"))),
        file("malformed-certificate", "of-version-1", with(good(), "version", json!("1"))),
        file("malformed-certificate", "yes", with(good(), "box", json!("yes"))),
        file("malformed-certificate", "short-digest", with(good(), "box", json!(digest[..70]))),
        file("malformed-certificate", "upper-case", with(good(), "box", json!(digest.to_uppercase()))),
        file("witness-outside-box", "below-lo", with(good(), "witness", witness(&[1.0, -0.5, 0.0]))),
        file("witness-outside-box", "above-hi", with(good(), "witness", witness(&[0.0, 0.0, 0.25]))),
    ]);
    made
}

/// Files that are no boxes.
pub fn malformed() -> Vec<Made> {
    let file = |code: &str, what: &str, bytes: Vec<u8>| (format!("malformed/{code}.{what}.box"), bytes);
    let of = |code: &str, what: &str, low: f64, high: f64| file(code, what, npy(&[0.0, 1.0, low, high], 2));
    let bytes = b"\x93NUMPY\x01\x00\x3a\x00{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}\n\x01\x02";
    vec![
        of("malformed-box", "lo-nan", f64::NAN, 1.0),
        of("malformed-box", "hi-nan", 0.0, f64::NAN),
        of("malformed-box", "lo-infinite", INF, INF),
        of("malformed-box", "hi-minus-infinite", -INF, -INF),
        of("empty-box", "ends-swapped", 1.0, 0.5),
        file("malformed-box", "three-columns", npy(&BOX, 3)),
        file("malformed-box", "flat", npy(&BOX, 6)),
        file("malformed-box", "bytes", bytes.to_vec()),
        file("malformed-inputs", "not-npy", b"lo,hi\n0,1\n".to_vec()),
    ]
}
