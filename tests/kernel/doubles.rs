//! Files of float64: both readers take them as they are where the numbers are float32, the kernel always, and the reader
//! with weights rounded to float32 otherwise, as a file of its own. Types are never mixed.

use std::io::Write;
use std::path::Path;
use testing::corpora::files::{Parts, bytes, integer, node};
use testing::corpora::windows::{int, ints, list};
use testing::naive_proofs::npy;
use underplane::model::onnx::{Beside, decode, import};
use underplane_kernel::{Class, Code, Inputs, Reading};

type Bytes = Vec<u8>;

/// The numbers of float64 and of float32 in ONNX.
const KINDS: [u64; 2] = [11, 1];

fn constant(kind: u64, name: &str, dims: &[u64], values: &[f64]) -> Bytes {
    let dims: Bytes = dims.iter().flat_map(|&d| integer(1, d)).collect();
    let raw: Bytes = match kind {
        11 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        _ => values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect(),
    };
    [dims, integer(2, kind), bytes(8, name.as_bytes()), bytes(9, &raw)].concat()
}

/// x [N, 2, 4] of this type.
fn input(kind: u64) -> Bytes {
    let dims = [bytes(1, &bytes(2, b"N")), bytes(1, &integer(1, 2)), bytes(1, &integer(1, 4))].concat();
    let tensor = [integer(1, kind), bytes(2, &dims)].concat();
    [bytes(1, b"x"), bytes(2, &bytes(1, &tensor))].concat()
}

/// y = flat(t)·W, where the nodes give t of as many entries as W has.
fn file(kinds: [u64; 2], mut nodes: Vec<Bytes>, mut constants: Vec<Bytes>, weights: &[f64]) -> Bytes {
    nodes.push(node("Flatten", &["t"], &["flat"], &[]));
    nodes.push(node("MatMul", &["flat", "W"], &["y"], &[]));
    constants.push(constant(kinds[1], "W", &[weights.len() as u64, 1], weights));
    let parts = Parts { nodes, constants, input: input(kinds[0]), output: "y" };
    // The usual output is float32.
    let whole = parts.file();
    let (old, new) = (output(1), output(kinds[0]));
    let at = whole.windows(old.len()).rposition(|window| window == old).unwrap();
    [&whole[..at], &new, &whole[at + old.len()..]].concat()
}

/// The declared output, `[N, 1]`.
fn output(kind: u64) -> Bytes {
    let dims = [bytes(1, &bytes(2, b"N")), bytes(1, &integer(1, 1))].concat();
    let tensor = [integer(1, kind), bytes(2, &dims)].concat();
    [bytes(1, b"y"), bytes(2, &bytes(1, &tensor))].concat()
}

/// Nodes that give t from x, their constants of this type, and how many entries t has.
fn cases(kind: u64) -> Vec<(&'static str, Vec<Bytes>, Vec<Bytes>, usize)> {
    let k = |name: &str, dims: &[u64], values: &[f64]| constant(kind, name, dims, values);
    let one = |operator, inputs: &[&str], attributes: &[Bytes]| vec![node(operator, inputs, &["t"], attributes)];
    let channel = |name| k(name, &[2], &[0.5, 2.0]);
    let window = ints("kernel_shape", &[2]);
    vec![
        ("Relu", one("Relu", &["x"], &[]), vec![], 8),
        ("LeakyRelu", one("LeakyRelu", &["x"], &[]), vec![], 8),
        ("PRelu", one("PRelu", &["x", "s"], &[]), vec![k("s", &[2, 1], &[0.25, 0.5])], 8),
        ("Clip", one("Clip", &["x", "l"], &[]), vec![k("l", &[], &[0.25])], 8),
        ("Add", one("Add", &["x", "c"], &[]), vec![k("c", &[4], &[1.0, -0.5, 0.25, 3.0])], 8),
        ("Max", one("Max", &["x", "c"], &[]), vec![k("c", &[], &[0.5])], 8),
        ("Conv", one("Conv", &["x", "w"], &[]), vec![k("w", &[1, 2, 2], &[1.0, 0.5, -2.0, 0.25])], 3),
        ("MaxPool", one("MaxPool", &["x"], std::slice::from_ref(&window)), vec![], 6),
        ("AveragePool", one("AveragePool", &["x"], std::slice::from_ref(&window)), vec![], 6),
        ("Pad", one("Pad", &["x", "p", "v"], &[]), vec![list("p", &[0, 0, 1, 0, 0, 0]), k("v", &[], &[0.5])], 10),
        (
            "BatchNormalization",
            one("BatchNormalization", &["x", "a", "b", "c", "d"], &[]),
            vec![channel("a"), channel("b"), channel("c"), channel("d")],
            8,
        ),
        ("Dropout", one("Dropout", &["x", "r"], &[]), vec![k("r", &[], &[0.5])], 8),
        ("Concat", one("Concat", &["x", "x"], &[int("axis", 2)]), vec![], 16),
    ]
}

fn weights(entries: usize) -> Vec<f64> {
    (1..=entries).map(|k| k as f64 / 8.0).collect()
}

/// f at an input as the kernel computes it, or why not.
fn logit(bytes: &[u8]) -> Result<String, Code> {
    let x = npy(&[0.5, -1.0, 2.0, 0.25, -0.75, 1.5, -0.5, 3.0]);
    let value = |reading: Reading| reading.logit(&Inputs::read(&x).unwrap(), 0);
    Reading::read(bytes, Class::Positive).and_then(value).map(|value| format!("{value:?}")).map_err(|r| r.code)
}

#[test]
fn float64_files_mean_what_float32_files_of_the_same_numbers_do() {
    let [wide, narrow] = KINDS.map(|kind| (kind, cases(kind)));
    for ((name, nodes, constants, entries), (_, _, narrow, _)) in wide.1.into_iter().zip(narrow.1) {
        let (w, alone) = (weights(entries), constants.is_empty());
        let [wide, narrow] =
            [(11, constants.clone()), (1, narrow)].map(|(kind, c)| file([kind; 2], nodes.clone(), c, &w));
        let read = |bytes: &[u8]| decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read(&wide), read(&narrow), "{name}");
        assert_eq!(logit(&wide).unwrap(), logit(&narrow).unwrap(), "{name}");
        // Of two types, in every place.
        let mixed = [file([1, 11], nodes.clone(), constants.clone(), &w), file([1, 1], nodes, constants, &w)];
        for (k, bytes) in mixed.iter().enumerate() {
            let fits = k == 1 && (alone || name == "Dropout");
            assert_eq!(decode(bytes).is_ok(), fits, "{name}, {k}");
            assert_eq!(logit(bytes).err(), (!fits).then_some(Code::MalformedModel), "{name}, {k}");
        }
    }
}

#[test]
fn float64_weights_that_are_no_float32_are_rounded_in_a_file_of_their_own() {
    let third = 1.0 / 3.0;
    let nodes = vec![node("Add", &["x", "c"], &["u"], &[]), node("Relu", &["u"], &["t"], &[])];
    let made = |kind, c: f64, w: f64| {
        let constants = vec![constant(kind, "c", &[], &[c])];
        file([kind; 2], nodes.clone(), constants, &[w; 8])
    };
    let (wide, narrow) = (made(11, 0.1, third), made(1, 0.1, third));
    let rounded = made(11, f64::from(0.1_f32), f64::from(third as f32));
    assert_eq!(decode(&wide).unwrap(), decode(&narrow).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::File::create(&path).unwrap().write_all(&wide).unwrap();
    let beside = Beside::of(&path, false);
    let imported = import(&wide[..], &path, &beside, None).unwrap();
    let folded = imported.folded(&wide, &path, &beside).unwrap().expect("a file of its own");
    assert_eq!(folded.constants, ["`c` (float64)", "`W` (float64)"]);
    let (graph, notes) = folded.read(&path, None).unwrap();
    assert_eq!(graph, decode(&narrow).unwrap());
    assert!(notes[0].contains("`W` (float64)"), "{notes:?}");
    // The kernel reads either file as it stands.
    assert_eq!(logit(&folded.bytes).unwrap(), logit(&rounded).unwrap());
    assert_ne!(logit(&wide).unwrap(), logit(&rounded).unwrap());
    // What rounding makes infinite is refused.
    assert!(decode(&made(11, 0.1, 1e300)).unwrap_err().to_string().contains("inf"));
    // Numbers that are float32 need no other file.
    assert!(!import(&rounded[..], Path::new("m.onnx"), &beside, None).unwrap().is_rounded());
}
