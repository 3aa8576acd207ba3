//! Branching proofs: valid ones, and each with one thing wrong.

use super::Made;
use crate::naive_proofs::npy;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use underplane::model::{Dense, Graph, Kink, Layer, onnx};

/// f(x) = 1 − (weight − 1)·(|y₀| + |y₁|) with y = x − (¼, −½), as Σ relu(2yᵢ − |yᵢ|) + relu(−2yᵢ − |yᵢ|) − weight·|yᵢ| +
/// 1: on either side of yᵢ = 0 one of the two units is a line, and over both sides no pair of slopes is any good.
pub fn graph(weight: f32) -> Graph {
    let dense = |rows: usize, weight: Vec<f32>, bias: Vec<f32>| {
        Layer::Dense(Dense { rows, cols: weight.len() / rows, weight, bias })
    };
    let mut graph = Graph::new("x", &[2]);
    let y = graph.push("mean", Layer::Shift(vec![-0.25, 0.5]), &[0]).unwrap();
    let size = graph.push("absolute", Layer::Kink(Kink::ABS), &[y]).unwrap();
    let psi = graph.push("features", Layer::Concat { outer: 1 }, &[y, size]).unwrap();
    let units = [[2.0, 0.0, -1.0, 0.0], [-2.0, 0.0, -1.0, 0.0], [0.0, 2.0, 0.0, -1.0], [0.0, -2.0, 0.0, -1.0]];
    let t = graph.push("pass0", dense(4, units.concat(), vec![0.0; 4]), &[psi]).unwrap();
    let z = graph.push("act0", Layer::Kink(Kink { below: 0.0, above: 1.0 }), &[t]).unwrap();
    let top = graph.push("layer1", dense(1, vec![1.0; 4], vec![1.0]), &[z]).unwrap();
    let pass = graph.push("pass1", dense(1, vec![0.0, 0.0, -weight, -weight], vec![0.0]), &[psi]).unwrap();
    graph.push("f", Layer::Sum, &[top, pass]).unwrap();
    graph
}

/// Of the model `branching`; f = 1 − (|y₀| + |y₁|)/8.
pub const WEIGHT: f32 = 1.125;

/// y = (½, ¼).
pub const INPUT: [f64; 2] = [0.75, -0.25];

/// Slopes of the four units, 0 or 1, lowest bit first.
fn leaf(units: u8, multiplier: Option<&str>) -> Value {
    let slopes = json!([{"node": "act0", "bits": "1", "codes": STANDARD.encode([units])}]);
    match multiplier {
        None => json!({"slopes": slopes}),
        Some(multiplier) => json!({"slopes": slopes, "multiplier": multiplier}),
    }
}

fn split(coordinate: usize, at: &str) -> Value {
    json!({"coordinate": coordinate.to_string(), "at": at})
}

/// Split at both kinks; each leaf takes the units that are lines there.
fn tree(multiplier: Option<&str>) -> Vec<Value> {
    let second = |first: u8| [split(1, "-0.5"), leaf(first | 0b1000, multiplier), leaf(first | 0b0100, multiplier)];
    [vec![split(0, "0.25")], second(0b10).to_vec(), second(0b01).to_vec()].concat()
}

fn line(norm: &str, radius: &str, tree: Vec<Value>) -> Value {
    json!({"version": "1", "input": "0", "norm": norm, "radius": radius, "tree": tree})
}

fn with(mut line: Value, key: &str, value: Value) -> Value {
    line[key] = value;
    line
}

/// One proof per norm and box, with a radius that is just below the largest one, and one just above it.
fn thresholds() -> Vec<(&'static str, Value, &'static str)> {
    let boxed = |line: Value| with(line, "box", json!(["-4", "4"]));
    vec![
        ("linf", line("linf", "3.62499904632568359375", tree(None)), "3.625"),
        ("linf-box", boxed(line("linf", "3.99999904632568359375", tree(None))), "4"),
        ("l1", line("l1", "7.24999904632568359375", tree(Some("0.125"))), "7.25"),
        ("l2", line("l2", "5.1259765625", tree(Some("0.0345458984375"))), "5.126953125"),
        ("l2-box", boxed(line("l2", "5.15380859375", tree(Some("0.03125")))), "5.154296875"),
    ]
}

/// The certificates that must be accepted.
pub fn lines() -> Vec<Value> {
    let mut lines: Vec<Value> = thresholds().into_iter().map(|(_, line, _)| line).collect();
    let everywhere = |norm| with(line(norm, "unbounded", tree(None)), "box", json!(["-3", "3"]));
    lines.extend(["linf", "l1", "l2", "lp:1.5"].map(everywhere));
    // With a multiplier the sphere may touch.
    lines.push(with(line("l1", "7.25", tree(Some("0.125"))), "ball", json!("open")));
    // Splits a little beside the kinks.
    let mut beside = tree(None);
    beside[0]["at"] = json!("0.2501220703125");
    beside[4]["at"] = json!("-0.500244140625");
    lines.push(line("linf", "3.5", beside));
    // A part without points needs no good slopes; one coordinate may be split twice at one place.
    lines.push(line("linf", "3.5", [vec![split(0, "100")], tree(None), vec![leaf(0, None)]].concat()));
    lines.push(line("linf", "3.5", [vec![split(1, "-100"), leaf(0, None)], tree(None)].concat()));
    let again = [vec![split(0, "0.25")], tree(None)[1..4].to_vec(), tree(None)].concat();
    lines.push(line("linf", "3.5", again));
    lines.push(line("linf", "0.0625", vec![leaf(0, None)]));
    // The dual norm proves the whole ball in every leaf.
    lines.push(line("lp:1.5", "0.0625", vec![split(0, "1"), leaf(0, None), leaf(0, None)]));
    lines
}

fn text(line: &Value) -> Vec<u8> {
    format!("{line}\n").into_bytes()
}

/// The model, the input and the certificates that must be accepted.
pub fn valid() -> Vec<Made> {
    let everywhere = ["l1", "l2", "linf"].map(|norm| line(norm, "unbounded", tree(None)));
    let files = |name: &str, weight: f32, lines: &[Value]| {
        [
            (format!("valid/{name}.onnx"), onnx::encode(&graph(weight)).expect("the graph can be written")),
            (format!("valid/{name}.npy"), npy(&INPUT)),
            (format!("valid/{name}.jsonl"), lines.iter().flat_map(text).collect()),
        ]
    };
    // With weight 1, f is 1 everywhere.
    [files("branching", WEIGHT, &lines()), files("branching-flat", 1.0, &everywhere)].concat()
}

/// One thing wrong with a tree.
pub fn invalid() -> Vec<Made> {
    let mut made = unproven();
    made.extend(shapes());
    made.extend(parts());
    made
}

fn file(code: &str, what: &str, line: &Value) -> Made {
    (format!("invalid/{code}.{what}.branching.jsonl"), text(line))
}

fn linf(tree: Vec<Value>) -> Value {
    line("linf", "3.5", tree)
}

/// Trees as they should be that do not prove the radius.
fn unproven() -> Vec<Made> {
    let bad = |what: &str, line: Value| file("not-proven", &format!("tree-{what}"), &line);
    let mut made: Vec<Made> = Vec::new();
    for (name, line, above) in thresholds() {
        made.push(bad(&format!("one-step-too-far-{name}"), with(line, "radius", json!(above))));
    }
    let changed = |change: fn(&mut Vec<Value>)| {
        let mut tree = tree(None);
        change(&mut tree);
        linf(tree)
    };
    made.push(bad("sides-swapped", changed(|tree| tree.swap(2, 3))));
    made.push(bad("sides-of-the-root-swapped", changed(|tree| tree[1..].rotate_left(3))));
    made.push(bad("wrong-coordinate", changed(|tree| tree[0]["coordinate"] = json!("1"))));
    made.push(bad("split-elsewhere", changed(|tree| tree[0]["at"] = json!("1.25"))));
    made.push(bad("sign-of-the-split", changed(|tree| tree[0]["at"] = json!("-0.25"))));
    made.push(bad("last-leaf", changed(|tree| tree[6] = leaf(0, None))));
    made.push(bad("first-leaf", changed(|tree| tree[2] = leaf(0, None))));
    made.push(bad("one-split-left-out", changed(|tree| drop(tree.drain(4..6)))));
    made.push(bad("one-leaf", linf(vec![leaf(0b0101, None)])));
    made.push(bad("unbounded", line("linf", "unbounded", tree(None))));
    let mut swapped = tree(None);
    swapped.swap(2, 3);
    let everywhere = text(&line("linf", "unbounded", swapped));
    made.push(("invalid/not-proven.tree-sides-swapped.branching-flat.jsonl".into(), everywhere));
    let touching = |norm, radius, tree| with(line(norm, radius, tree), "ball", json!("open"));
    made.push(bad("open-ball-touches", touching("linf", "3.625", tree(None))));
    made.push(bad("part-that-reaches-the-ball", linf([vec![split(0, "4")], tree(None), vec![leaf(0, None)]].concat())));
    made.push(bad("dual-norm-over-a-part", line("lp:1.5", "3.5", tree(None))));
    made
}

/// Lists that are no tree.
fn shapes() -> Vec<Made> {
    let whole = tree(None);
    let bad = |what: &str, tree: Vec<Value>| file("tree", what, &linf(tree));
    vec![
        bad("empty", Vec::new()),
        bad("split-alone", vec![split(0, "0.25")]),
        bad("one-side", whole[..4].to_vec()),
        bad("last-leaf-missing", whole[..6].to_vec()),
        bad("surplus-leaf", [whole.clone(), vec![leaf(0, None)]].concat()),
        bad("surplus-split", [whole.clone(), vec![split(0, "0")]].concat()),
        bad("second-tree", [whole.clone(), whole.clone()].concat()),
        bad("leaf-before-the-splits", [vec![leaf(0, None)], whole].concat()),
    ]
}

/// Nodes that are none, or not of this model.
fn parts() -> Vec<Made> {
    let node = |at: usize, node: Value| {
        let mut tree = tree(None);
        tree[at] = node;
        linf(tree)
    };
    let slopes = |change: fn(&mut Value)| {
        let mut last = leaf(0b0101, None);
        change(&mut last["slopes"]);
        node(6, last)
    };
    let malformed = |what: &str, line: Value| file("malformed-certificate", &format!("tree-{what}"), &line);
    let whole = || linf(tree(None));
    let mut both = tree(Some("0.03125"));
    both[2] = leaf(0b1010, None);
    let mut unclaimed = whole();
    unclaimed.as_object_mut().expect("an object").remove("radius");
    let empty = json!({"slopes": []});
    vec![
        malformed("and-slopes", with(whole(), "slopes", leaf(0, None)["slopes"].clone())),
        malformed("and-multiplier", with(whole(), "multiplier", json!("0.5"))),
        malformed("object", with(whole(), "tree", json!({}))),
        malformed("of-texts", with(whole(), "tree", json!(["0"]))),
        malformed("nested", with(whole(), "tree", json!([tree(None)]))),
        malformed("split-without-place", node(0, json!({"coordinate": "0"}))),
        malformed("split-without-coordinate", node(0, json!({"at": "0.25"}))),
        malformed("split-with-slopes", node(0, json!({"coordinate": "0", "at": "0.25", "slopes": []}))),
        malformed("split-with-multiplier", node(0, json!({"coordinate": "0", "at": "0.25", "multiplier": "1"}))),
        file("no-such-coordinate", "one-too-far", &node(0, split(2, "0.25"))),
        file("no-such-coordinate", "far-away", &node(4, split(999_999_999_999, "0.25"))),
        file("number", "tree-coordinate-negative", &node(0, json!({"coordinate": "-1", "at": "0.25"}))),
        file("number", "tree-place-nan", &node(0, split(0, "NaN"))),
        file("number", "tree-multiplier-zero", &node(2, leaf(0b1010, Some("0")))),
        file("not-dyadic", "tree-place", &node(0, split(0, "0.1"))),
        file("too-large", "tree-place", &node(0, split(0, &"1".repeat(1_300)))),
        file("incomplete", "tree-without-radius", &unclaimed),
        file("multiplier-missing", "one-leaf", &line("l2", "3.5", both)),
        file("slopes-missing", "one-leaf", &node(6, empty.clone())),
        file("slopes-missing", "part-without-points", &linf([vec![split(0, "99")], tree(None), vec![empty]].concat())),
        file("unknown-node", "one-leaf", &slopes(|slopes| slopes[0]["node"] = json!("layer1"))),
        file("length", "one-leaf", &slopes(|slopes| slopes[0]["codes"] = json!("AAA="))),
        file(
            "negative-coefficient",
            "one-leaf",
            &slopes(|slopes| {
                let lines = json!({"node": "absolute", "bits": "1", "codes": "AA=="});
                slopes.as_array_mut().expect("a list").push(lines);
            }),
        ),
    ]
}
