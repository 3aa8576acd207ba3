//! Models with windows and padding: valid certificates, and files with one thing wrong.

use super::Made;
use super::files::{Parts, bytes, integer, node, tensor, value};
use super::readings::{attribute, float, integers};
use crate::naive_proofs::{decimal, npy};
use crate::naive_windows::{Around, Image, Window};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// An attribute of integers.
pub fn ints(name: &str, values: &[i64]) -> Vec<u8> {
    attribute(name, 7, values.iter().flat_map(|&v| integer(8, v as u64)).collect())
}

/// An attribute of one integer.
pub fn int(name: &str, value: i64) -> Vec<u8> {
    attribute(name, 2, integer(3, value as u64))
}

/// An attribute of one number.
pub fn real(name: &str, value: f32) -> Vec<u8> {
    attribute(name, 1, float(2, value))
}

/// An attribute of text.
pub fn text(name: &str, value: &str) -> Vec<u8> {
    attribute(name, 3, bytes(4, value.as_bytes()))
}

/// A list of 64-bit integers.
pub fn list(name: &str, values: &[i64]) -> Vec<u8> {
    let values: Vec<u64> = values.iter().map(|&v| v as u64).collect();
    integers(name, 7, &[values.len() as u64], &values)
}

/// A file that ends in y = flat(`last`)·W for the nodes before, from x `[N, shape]`.
pub fn file(mut nodes: Vec<Vec<u8>>, mut constants: Vec<Vec<u8>>, shape: &[u64], (last, w): (&str, &[f32])) -> Parts {
    nodes.push(node("Flatten", &[last], &["flat"], &[]));
    nodes.push(node("MatMul", &["flat", "W"], &["y"], &[]));
    constants.push(tensor("W", &[w.len() as u64, 1], w));
    Parts { nodes, constants, input: value("x", shape), output: "y" }
}

/// A function below f everywhere.
type Below = Box<dyn Fn(&[f64]) -> f64>;

/// A model with its input, one unit whose pieces at the input are its slopes, and the affine function that is left.
struct Base {
    name: &'static str,
    parts: Parts,
    x: Vec<f64>,
    unit: &'static str,
    codes: Vec<u8>,
    below: Below,
}

fn packed(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|c| c.iter().enumerate().fold(0, |byte, (i, &bit)| byte | u8::from(bit) << i)).collect()
}

fn dot(values: &[f64], w: &[f32]) -> f64 {
    values.iter().zip(w).map(|(v, &w)| v * f64::from(w)).sum()
}

/// Where the unit is active; both pieces occur.
fn active(t: &[f64]) -> Vec<bool> {
    let active: Vec<bool> = t.iter().map(|&t| t > 0.0).collect();
    assert!(active.contains(&true) && active.contains(&false), "{t:?}");
    active
}

fn through(t: &[f64], active: &[bool]) -> Vec<f64> {
    t.iter().zip(active).map(|(&t, &on)| if on { t } else { 0.0 }).collect()
}

/// Two groups, strides, dilation and padding, and a unit behind it.
fn conv() -> Base {
    let weight = [1.0, -0.5, 2.0, 0.25, -1.0, 1.5, 0.5, -2.0, 1.0, 0.75, -0.25, 1.0, 0.5, 1.0, -1.5, 2.0];
    let bias = [0.5, -0.25, 0.125, -1.0];
    let window = Window { strides: [2, 1], dilations: [1, 2], before: [1, 0], behind: [0, 1], ..Window::plain([2, 2]) };
    let attributes =
        [int("group", 2), ints("strides", &[2, 1]), ints("dilations", &[1, 2]), ints("pads", &[1, 0, 0, 1])];
    let nodes = vec![node("Conv", &["x", "K", "b"], &["c"], &attributes), node("Relu", &["c"], &["act"], &[])];
    let constants = vec![tensor("K", &[4, 1, 2, 2], &weight), tensor("b", &[4], &bias)];
    let x: Vec<f64> = (0..24).map(|i| f64::from(i * 7 % 11) / 4.0 - 1.0).collect();
    let first =
        move |x: &[f64]| Image::new([2, 3, 4], x.to_vec()).conv(&window, (&weight, &bias), 2).expect("room").values;
    let active = active(&first(&x));
    let w: Vec<f32> = (0..active.len()).map(|i| (i % 4 + 1) as f32 / 4.0).collect();
    let parts = file(nodes, constants, &[2, 3, 4], ("act", &w));
    let codes = packed(&active);
    Base { name: "conv", parts, x, unit: "act", codes, below: Box::new(move |x| dot(&through(&first(x), &active), &w)) }
}

/// An average without the padding's cells, and a maximum of four cells, in the order of their offsets.
fn pools() -> Base {
    let average = Window { strides: [2, 2], before: [1, 1], behind: [1, 1], ..Window::plain([2, 2]) };
    let window = Window { before: [0, 1], ..Window::plain([2, 2]) };
    let nodes = vec![
        node(
            "AveragePool",
            &["x"],
            &["a"],
            &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])],
        ),
        node("MaxPool", &["a"], &["max"], &[ints("kernel_shape", &[2, 2]), ints("pads", &[0, 1, 0, 0])]),
    ];
    let x: Vec<f64> = (0..16).map(|i| f64::from(i * 5 % 13) / 2.0 + f64::from(i % 3) / 8.0).collect();
    let first = move |x: &[f64]| Image::new([1, 4, 4], x.to_vec()).average(&average, false).expect("room");
    // Of each place the first cell that holds the largest number.
    let image = first(&x);
    let mut chosen = Vec::new();
    for place in (0..2).flat_map(|i| (0..3).map(move |j| (i, j))) {
        let cells = image.cells(0, &window, place);
        let most = cells.iter().flatten().fold(f64::NEG_INFINITY, |m, &v| m.max(v));
        chosen.push(cells.iter().position(|&cell| cell == Some(most)).expect("a cell"));
    }
    let bits: Vec<bool> = (0..4).flat_map(|k| chosen.iter().map(move |&c| c == k)).collect();
    let w: Vec<f32> = (0..6).map(|i| (i + 1) as f32 / 4.0).collect();
    let parts = file(nodes, vec![], &[1, 4, 4], ("max", &w));
    let below = move |x: &[f64]| {
        let image = first(x);
        let places = (0..2).flat_map(|i| (0..3).map(move |j| (i, j)));
        let cells: Vec<f64> =
            places.zip(&chosen).map(|(place, &c)| image.cells(0, &window, place)[c].expect("no padding")).collect();
        dot(&cells, &w)
    };
    Base { name: "pools", parts, x, unit: "max", codes: packed(&bits), below: Box::new(below) }
}

/// −¼ around four entries, more on one side than on the other.
fn pad() -> Base {
    let nodes = vec![node("Pad", &["x", "p", "v"], &["padded"], &[text("mode", "constant")]), {
        node("Conv", &["padded", "K"], &["c"], &[])
    }];
    let nodes = [nodes, vec![node("Relu", &["c"], &["act"], &[])]].concat();
    let kernel = [1.0, -1.0, 0.5, 2.0];
    let constants =
        vec![list("p", &[0, 0, 1, 0, 0, 0, 0, 2]), tensor("v", &[], &[-0.25]), tensor("K", &[1, 1, 2, 2], &kernel)];
    let x = vec![0.5, -1.0, 0.75, 0.25];
    let first = move |x: &[f64]| {
        let padded = Image::new([1, 2, 2], x.to_vec()).pad([0, 1, 0], [0, 0, 2], Around::Constant(-0.25));
        padded.conv(&Window::plain([2, 2]), (&kernel, &[0.0]), 1).expect("room").values
    };
    let active = active(&first(&x));
    let w: Vec<f32> = (0..active.len()).map(|i| (i % 3 + 1) as f32 / 2.0).collect();
    let parts = file(nodes, constants, &[1, 2, 2], ("act", &w));
    let codes = packed(&active);
    Base { name: "pad", parts, x, unit: "act", codes, below: Box::new(move |x| dot(&through(&first(x), &active), &w)) }
}

impl Base {
    /// The affine function's value at the input, and its slopes: small dyadic numbers, so exactly.
    fn affine(&self) -> (f64, Vec<f64>) {
        let value = (self.below)(&self.x);
        let slope = |i: usize| {
            let mut moved = self.x.clone();
            moved[i] += 1.0;
            (self.below)(&moved) - value
        };
        (value, (0..self.x.len()).map(slope).collect())
    }

    /// The largest k for which k·2⁻³⁰ is proven.
    fn threshold(&self, norm: &str) -> u64 {
        let (value, slopes) = self.affine();
        let sizes = slopes.iter().map(|s| s.abs());
        let dual = if norm == "l1" { sizes.fold(0.0, f64::max) } else { sizes.sum() };
        assert!(value > 0.0 && dual > 0.0, "{}: {value}, {dual}", self.name);
        // 2³⁰·value and the products have few bits.
        let scale = f64::from(1 << 30);
        let mut k = (value * scale / dual) as u64 + 2;
        while k as f64 * dual >= value * scale {
            k -= 1;
        }
        k
    }

    fn line(&self, norm: &str, k: u64, codes: &[u8]) -> Value {
        json!({"version": "1", "input": "0", "norm": norm, "radius": decimal(k),
            "slopes": [{"node": self.unit, "bits": "1", "codes": STANDARD.encode(codes)}]})
    }
}

pub fn valid() -> Vec<Made> {
    let mut made = Vec::new();
    for base in [conv(), pools(), pad()] {
        let name = base.name;
        let lines = ["linf", "l1"].map(|norm| format!("{}\n", base.line(norm, base.threshold(norm), &base.codes)));
        made.push((format!("valid/{name}.onnx"), base.parts.file()));
        made.push((format!("valid/{name}.npy"), npy(&base.x)));
        made.push((format!("valid/{name}.jsonl"), lines.concat().into_bytes()));
    }
    made
}

/// Certificates that do not hold, and well-formed models that are not read.
pub fn invalid() -> Vec<Made> {
    let mut made = Vec::new();
    for base in [conv(), pools(), pad()] {
        for norm in ["linf", "l1"] {
            let line = base.line(norm, base.threshold(norm) + 1, &base.codes);
            let name = format!("invalid/not-proven.one-step-too-far-{norm}.{}.jsonl", base.name);
            made.push((name, format!("{line}\n").into_bytes()));
        }
    }
    // The maximum's operands column by column: the second and the third are swapped, six places each.
    let base = pools();
    let bit = |i: usize| base.codes[i / 8] >> (i % 8) & 1 == 1;
    let swapped: Vec<bool> = (0..24).map(|i| bit([0, 2, 1, 3][i / 6] * 6 + i % 6)).collect();
    let line = base.line("linf", base.threshold("linf"), &packed(&swapped));
    made.push(("invalid/not-proven.operands-by-columns.pools.jsonl".into(), format!("{line}\n").into_bytes()));
    let short = base.line("linf", base.threshold("linf"), &base.codes[..2]);
    made.push(("invalid/length.three-operands.pools.jsonl".into(), format!("{short}\n").into_bytes()));
    // In version 19 an average has dilations.
    let file = |parts: Parts| parts.file_with(&[], 19);
    made.extend(models().into_iter().map(|(code, what, p)| (format!("invalid/{code}.{what}.onnx"), file(p))));
    made
}

type Case = (&'static str, &'static str, Parts);

/// One node of each, from x `[N, 1, 4, 4]`, and what must stand behind it.
fn one(node: Vec<u8>, constants: Vec<Vec<u8>>) -> Parts {
    file(vec![node], constants, &[1, 4, 4], ("t", &[1.0]))
}

/// What runtimes may read, and the kernel does not; and what mixes the samples of a batch.
fn models() -> Vec<Case> {
    let pool = |operator: &str, more: &[Vec<u8>]| {
        let kernel = ints("kernel_shape", &[2, 2]);
        one(node(operator, &["x"], &["t"], &[vec![kernel], more.to_vec()].concat()), vec![])
    };
    let conv = |more: &[Vec<u8>]| {
        let kernel = tensor("K", &[1, 1, 2, 2], &[1.0; 4]);
        one(node("Conv", &["x", "K"], &["t"], more), vec![kernel])
    };
    let pad = |pads: &[i64], more: &[Vec<u8>]| one(node("Pad", &["x", "p"], &["t"], more), vec![list("p", pads)]);
    let indices = node("MaxPool", &["x"], &["t", "where"], &[ints("kernel_shape", &[2, 2])]);
    let axes = vec![list("p", &[0, 1]), tensor("v", &[], &[0.0]), list("a", &[2])];
    let moved = node("Transpose", &["x"], &["t"], &[ints("perm", &[1, 0, 2, 3])]);
    let slices = ["s", "e", "a"].map(|name| list(name, if name == "e" { &[1] } else { &[0] }));
    let behind = vec![
        node("Conv", &["x", "K"], &["c"], &[]),
        node("Flatten", &["c"], &["f"], &[]),
        node("Unsqueeze", &["f", "one"], &["u"], &[]),
        node("Conv", &["x", "u"], &["t"], &[]),
    ];
    let behind_constants = vec![tensor("K", &[1, 1, 2, 2], &[1.0; 4]), list("one", &[1])];
    vec![
        ("unsupported", "conv-auto-pad", conv(&[text("auto_pad", "SAME")])),
        ("unsupported", "conv-pads-beside-same", conv(&[text("auto_pad", "SAME_LOWER"), ints("pads", &[0, 0, 1, 1])])),
        ("unsupported", "conv-pads-beside-valid", conv(&[text("auto_pad", "VALID"), ints("pads", &[1, 1, 1, 1])])),
        ("unsupported", "conv-weights-of-the-input", file(behind, behind_constants, &[1, 4, 4], ("t", &[1.0]))),
        ("unsupported", "max-pool-indices", one(indices, vec![])),
        ("unsupported", "max-pool-storage-order", pool("MaxPool", &[int("storage_order", 1)])),
        ("unsupported", "max-pool-padding-alone", pool("MaxPool", &[ints("pads", &[2, 0, 0, 0])])),
        ("unsupported", "average-pool-ceil", {
            pool("AveragePool", &[int("ceil_mode", 1), int("count_include_pad", 1), ints("strides", &[3, 3])])
        }),
        ("unsupported", "average-pool-dilations", pool("AveragePool", &[ints("dilations", &[2, 1])])),
        ("unsupported", "pad-mirror", pad(&[0, 0, 1, 1, 0, 0, 1, 1], &[text("mode", "mirror")])),
        ("unsupported", "pad-wrap-far", pad(&[0, 0, 9, 1, 0, 0, 1, 1], &[text("mode", "wrap")])),
        ("unsupported", "pad-reflect-far", pad(&[0, 0, 4, 1, 0, 0, 1, 1], &[text("mode", "reflect")])),
        ("unsupported", "pad-crops-all", pad(&[0, 0, -9, 0, 0, 0, 0, 0], &[])),
        ("unsupported", "pad-batch", pad(&[1, 0, 0, 0, 0, 0, 0, 0], &[])),
        ("unsupported", "pad-axes", one(node("Pad", &["x", "p", "v", "a"], &["t"], &[]), axes)),
        ("unsupported", "transpose-batch", one(moved, vec![])),
        ("unsupported", "gather-batch", one(node("Gather", &["x", "i"], &["t"], &[]), vec![list("i", &[0])])),
        ("unsupported", "slice-batch", one(node("Slice", &["x", "s", "e", "a"], &["t"], &[]), slices.to_vec())),
        ("unsupported", "expand-batch", one(node("Expand", &["x", "s"], &["t"], &[]), vec![list("s", &[2, 1, 4, 4])])),
        (
            "too-large",
            "expand-far",
            one(node("Expand", &["x", "s"], &["t"], &[]), vec![list("s", &[1, 1 << 40, 4, 4])]),
        ),
        ("too-large", "pad-far", pad(&[0, 0, 1 << 40, 0, 0, 0, 0, 0], &[])),
        ("too-large", "conv-pads-far", conv(&[ints("pads", &[1 << 40, 0, 0, 0])])),
        ("too-large", "max-pool-work", {
            let attributes = [ints("kernel_shape", &[8192, 8192]), ints("pads", &[8191, 8191, 8191, 8191])];
            one(node("MaxPool", &["x"], &["t"], &attributes), vec![])
        }),
    ]
}

/// What is no node of these operators at all.
pub fn malformed() -> Vec<Made> {
    let conv = |dims: &[u64], more: &[Vec<u8>]| {
        let kernel = tensor("K", dims, &vec![1.0; dims.iter().product::<u64>() as usize]);
        one(node("Conv", &["x", "K"], &["t"], more), vec![kernel])
    };
    let usual = [1, 1, 2, 2];
    let pool = |attributes: &[Vec<u8>]| one(node("MaxPool", &["x"], &["t"], attributes), vec![]);
    let kernel = || ints("kernel_shape", &[2, 2]);
    let double = [integer(2, 11), bytes(8, b"v"), bytes(9, &0.5_f64.to_le_bytes())].concat();
    let pads = || list("p", &[0; 8]);
    let cases: Vec<Case> = vec![
        ("malformed-model", "conv-group-0", conv(&usual, &[int("group", 0)])),
        ("shape-mismatch", "conv-group", conv(&usual, &[int("group", 2)])),
        ("shape-mismatch", "conv-outputs-of-a-group", conv(&[3, 1, 2, 2], &[int("group", 2)])),
        ("shape-mismatch", "conv-kernel-shape", conv(&usual, &[ints("kernel_shape", &[2, 3])])),
        ("shape-mismatch", "conv-window-wider-than-the-input", conv(&[1, 1, 5, 1], &[])),
        ("shape-mismatch", "conv-weights-of-three-axes", conv(&[1, 1, 2], &[])),
        ("malformed-model", "conv-pads-length", conv(&usual, &[ints("pads", &[1, 1])])),
        ("malformed-model", "conv-pads-negative", conv(&usual, &[ints("pads", &[-1, 0, 0, 0])])),
        ("malformed-model", "conv-strides-0", conv(&usual, &[ints("strides", &[0, 1])])),
        ("malformed-model", "conv-dilations-length", conv(&usual, &[ints("dilations", &[1])])),
        ("malformed-model", "conv-auto-pad-type", conv(&usual, &[int("auto_pad", 0)])),
        ("malformed-model", "max-pool-no-kernel", pool(&[])),
        ("malformed-model", "max-pool-kernel-0", pool(&[ints("kernel_shape", &[0, 2])])),
        ("malformed-model", "max-pool-ceil-2", pool(&[kernel(), int("ceil_mode", 2)])),
        ("unsupported", "max-pool-alpha", pool(&[kernel(), attribute("alpha", 1, float(2, 0.5))])),
        ("shape-mismatch", "pad-length", one(node("Pad", &["x", "p"], &["t"], &[]), vec![list("p", &[0; 4])])),
        ("malformed-model", "pad-double", one(node("Pad", &["x", "p", "v"], &["t"], &[]), vec![pads(), double])),
        (
            "malformed-model",
            "pad-no-pads",
            one(node("Pad", &["x", "", "K"], &["t"], &[]), vec![tensor("K", &[], &[1.0])]),
        ),
        ("malformed-model", "pad-32-bit-pads", {
            one(node("Pad", &["x", "p"], &["t"], &[]), vec![integers("p", 6, &[8], &[0; 8])])
        }),
    ];
    cases.into_iter().map(|(code, what, parts)| (format!("malformed/{code}.{what}.onnx"), parts.file())).collect()
}
