//! f as the least of two heads: valid certificates of version 2, and each with one thing wrong.

use super::Made;
use super::files::{Parts, node, tensor, value};
use crate::naive_proofs::npy;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The input: f = min(max(x₀, 0) + 1, x₀ + x₁ + 1) is 2 there.
const INPUT: [f64; 2] = [1.0, 1.0];

/// min(max(x₀, 0) + 1, x₀ + x₁ + 1), with an operator behind the minimum.
fn model() -> Parts {
    Parts {
        nodes: vec![
            node("MatMul", &["x", "A"], &["a"], &[]),
            node("Relu", &["a"], &["r"], &[]),
            node("MatMul", &["x", "B"], &["b"], &[]),
            node("Min", &["r", "b"], &["m"], &[]),
            node("Add", &["m", "c"], &["y"], &[]),
        ],
        constants: vec![
            tensor("A", &[2, 1], &[1.0, 0.0]),
            tensor("B", &[2, 1], &[1.0, 1.0]),
            tensor("c", &[1], &[1.0]),
        ],
        input: value("x", &[2]),
        output: "y",
    }
}

/// The first head with the unit's line of slope 0 or 1.
fn first(slope: u8) -> Value {
    json!({"slopes": [{"node": "r", "bits": "1", "codes": STANDARD.encode([slope])}]})
}

fn second() -> Value {
    json!({"slopes": []})
}

fn line(norm: &str, radius: &str, heads: &[Value]) -> Value {
    json!({"version": "2", "input": "0", "norm": norm, "radius": radius, "heads": heads})
}

fn with(mut line: Value, key: &str, value: Value) -> Value {
    line[key] = value;
    line
}

fn without(mut line: Value, key: &str) -> Value {
    line.as_object_mut().expect("an object").remove(key);
    line
}

/// A point with a distance of 2.5 in linf, at which the second head is −1 and the first one 1.
fn witness(line: Value, upper: &str) -> Value {
    let point: Vec<u8> = [-1.0_f64, -1.5].iter().flat_map(|v| v.to_le_bytes()).collect();
    with(with(line, "upper", json!(upper)), "witness", json!({"bits": "64", "point": STANDARD.encode(point)}))
}

/// Norms with radii just below 3/2, 3/√2 and 3 (the second head's), and above.
const RADII: [(&str, &str, &str); 3] = [("linf", "1.4375", "1.5"), ("l2", "2.0625", "2.125"), ("l1", "2.9375", "3")];

/// The model, the input and the certificates that must be accepted.
pub fn valid() -> Vec<Made> {
    let lines: Vec<Value> = RADII.iter().map(|(norm, radius, _)| line(norm, radius, &[first(0), second()])).collect();
    // A tree in one head, slopes in the other; a unit of a single coordinate taken exactly; a witness of one head.
    let split = json!({"tree": [{"coordinate": "0", "at": "0.5"}, first(0), first(1)]});
    let more = vec![
        line("linf", "1.25", &[split, second()]),
        line("linf", "1.25", &[json!({"slopes": []}), first(1)]),
        witness(line("linf", "1.25", &[first(1), second()]), "2.5"),
        without(without(witness(line("linf", "1", &[]), "2.5"), "radius"), "heads"),
    ];
    let text = lines.iter().chain(&more).flat_map(|line| format!("{line}\n").into_bytes()).collect();
    vec![
        ("valid/heads.onnx".into(), model().file()),
        ("valid/heads.npy".into(), npy(&INPUT)),
        ("valid/heads.jsonl".into(), text),
    ]
}

/// One thing wrong each.
pub fn invalid() -> Vec<Made> {
    let file = |code: &str, what: &str, line: Value| {
        (format!("invalid/{code}.heads-{what}.heads.jsonl"), format!("{line}\n").into_bytes())
    };
    let good = || line("linf", "1.25", &[first(1), second()]);
    let mut made: Vec<Made> = RADII
        .iter()
        .map(|(norm, _, above)| {
            file("not-proven", &format!("too-far-{norm}"), line(norm, above, &[first(0), second()]))
        })
        .collect();
    made.extend([
        file("heads", "one-of-two", line("linf", "1.25", &[second()])),
        file("heads", "three", line("linf", "1.25", &[first(1), second(), second()])),
        file("incomplete", "none", line("linf", "1.25", &[])),
        file("heads", "slopes-alone", with(without(good(), "heads"), "slopes", json!([]))),
        file("malformed-certificate", "and-slopes", with(good(), "slopes", json!([]))),
        file("malformed-certificate", "of-version-1", with(good(), "version", json!("1"))),
        file("not-proven", "first-too-steep", line("linf", "2.25", &[first(1), second()])),
        file("not-proven", "everywhere", line("linf", "unbounded", &[first(0), second()])),
        file("incomplete", "empty-head", line("linf", "1.25", &[json!({}), second()])),
        file("witness-too-far", "witness", witness(good(), "2.4375")),
        file("logit-mismatch", "threshold", with(good(), "threshold", json!("0.5"))),
        file("logit-mismatch", "output", with(good(), "output", json!("y"))),
        file("number", "threshold-no-float32", with(good(), "threshold", json!("1.000000000931322574615478515625"))),
        file(
            "malformed-certificate",
            "threshold-of-version-1",
            with(with(good(), "version", json!("1")), "threshold", json!("0")),
        ),
    ]);
    made
}
