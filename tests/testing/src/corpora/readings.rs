//! Models that runtimes would read as another function, or not at all, than a lenient reader of the same bytes: each is
//! y = relu(W·x + b) with one thing that is not canonical. Both readers must refuse all of them.

use super::Made;
use super::files::{Parts, bytes, elsewhere, integer, node, tensor, value, varint};

/// An attribute of the given type with a value in the given field.
pub fn attribute(name: &str, kind: u64, content: Vec<u8>) -> Vec<u8> {
    [bytes(1, name.as_bytes()), content, integer(20, kind)].concat()
}

pub fn float(field: u64, number: f32) -> Vec<u8> {
    [varint(field << 3 | 5), number.to_le_bytes().to_vec()].concat()
}

fn gemm() -> Vec<u8> {
    node("Gemm", &["x", "W", "b"], &["t"], &[])
}

fn relu() -> Vec<u8> {
    node("Relu", &["t"], &["y"], &[])
}

fn relu_beside() -> Vec<u8> {
    node("Relu", &["x"], &["z"], &[])
}

/// The network with another node behind the others, which nothing reads.
fn beside(other: Vec<u8>) -> Parts {
    Parts { nodes: vec![gemm(), relu(), other], ..Parts::usual() }
}

/// The network with its unit written in another way.
fn unit(relu: Vec<u8>) -> Parts {
    Parts { nodes: vec![gemm(), relu], ..Parts::usual() }
}

/// The network with its bias written in another way.
fn bias(b: Vec<u8>) -> Parts {
    Parts { constants: vec![tensor("W", &[2, 1], &[1.0, -1.0]), b], ..Parts::usual() }
}

/// The network with one more constant, and a node that reads it.
fn with(constant: Vec<u8>, other: Vec<u8>) -> Parts {
    let mut parts = beside(other);
    parts.constants.push(constant);
    parts
}

/// A constant of integers: int32 (type 6) in field 5, int64 (type 7) in field 7.
pub(super) fn integers(name: &str, kind: u64, dims: &[u64], values: &[u64]) -> Vec<u8> {
    let field = if kind == 6 { 5 } else { 7 };
    let dims: Vec<u8> = dims.iter().flat_map(|&d| integer(1, d)).collect();
    let values: Vec<u8> = values.iter().flat_map(|&v| integer(field, v)).collect();
    [dims, integer(2, kind), values, bytes(8, name.as_bytes())].concat()
}

pub fn models() -> Vec<Made> {
    let groups = [protobuf(), versions(), nodes(), constants(), outside(), types(), declarations()];
    let made = |(code, what, bytes): (&str, &str, Vec<u8>)| (format!("malformed/{code}.otherwise-{what}.onnx"), bytes);
    groups.into_iter().flatten().map(made).collect()
}

type Case = (&'static str, &'static str, Vec<u8>);

fn protobuf() -> Vec<Case> {
    let wide_key = [varint(1 << 32 | 4 << 3 | 2), varint(3), b"Neg".to_vec()].concat();
    let long_key = [vec![4 << 3 | 2 | 0x80, 0], varint(4), b"Relu".to_vec()].concat();
    let both = [integer(1, 1), bytes(2, b"features")].concat();
    let merged =
        attribute("value", 4, [bytes(5, &tensor("", &[1], &[1.0])), bytes(5, &tensor("", &[2], &[1.0, 2.0]))].concat());
    let axes = [bytes(1, &bytes(2, b"N")), bytes(1, &both)].concat();
    let input = [bytes(1, b"x"), bytes(2, &bytes(1, &[integer(1, 1), bytes(2, &axes)].concat()))].concat();
    vec![
        ("malformed-model", "key-above-32-bits", unit([relu(), wide_key].concat()).file()),
        ("malformed-model", "key-too-long", unit([node("", &["t"], &["y"], &[]), long_key].concat()).file()),
        ("malformed-model", "operator-twice", unit([relu(), bytes(4, b"Neg")].concat()).file()),
        ("malformed-model", "tensor-merged", beside(node("Constant", &[], &["c"], &[merged])).file()),
        ("malformed-model", "size-and-name", Parts { input, ..Parts::usual() }.file()),
        ("unsupported", "unknown-field", unit([relu(), integer(63, 1)].concat()).file()),
        ("unsupported", "training", [Parts::usual().file(), bytes(20, b"")].concat()),
        ("unsupported", "functions", [Parts::usual().file(), bytes(25, b"")].concat()),
        ("unsupported", "overload", unit([relu(), bytes(8, b"other")].concat()).file()),
        ("unsupported", "graph-attribute", {
            unit(node("Relu", &["t"], &["y"], &[attribute("body", 5, bytes(6, b""))])).file()
        }),
    ]
}

fn versions() -> Vec<Case> {
    let opset = |domain: &[u8], version: u64| bytes(8, &[bytes(1, domain), integer(2, version)].concat());
    let good = Parts::usual().file();
    vec![
        ("malformed-model", "opset-twice", [good.clone(), opset(b"", 16)].concat()),
        ("malformed-model", "opset-twice-by-another-name", [good.clone(), opset(b"ai.onnx", 13)].concat()),
        ("malformed-model", "domain-twice", [good.clone(), opset(b"mine", 1), opset(b"mine", 2)].concat()),
        ("unsupported", "opset-of-another-domain", [good.clone(), opset(b"ai.onnx.ml", 99)].concat()),
        // The version of the format stands in the first two bytes.
        ("unsupported", "no-format", good[2..].to_vec()),
        ("malformed-model", "constant-that-is-no-input", [integer(1, 3), good[2..].to_vec()].concat()),
        ("unsupported", "format-99", [integer(1, 99), good[2..].to_vec()].concat()),
    ]
}

fn nodes() -> Vec<Case> {
    let leaky = |attributes: &[Vec<u8>]| unit(node("LeakyRelu", &["t"], &["y"], attributes));
    let half = || float(2, 0.5);
    let norm = node("BatchNormalization", &["t", "b", "b", "b", "b"], &["y", "m", "v", "m2", "v2"], &[]);
    let flatten = [
        node("Flatten", &["x"], &["f"], &[attribute("axis", 2, integer(3, (-2_i64) as u64))]),
        node("Gemm", &["f", "W", "b"], &["t"], &[]),
        relu(),
    ];
    let concat = node("Concat", &["k", "k"], &["kk"], &[attribute("axis", 2, integer(3, 2))]);
    let list = || integers("k", 7, &[2], &[1, 1]);
    let zero = || attribute("allowzero", 2, integer(3, 0));
    let named = |node: Vec<u8>| [node, bytes(3, b"layer")].concat();
    vec![
        ("malformed-model", "attribute-without-type", leaky(&[[bytes(1, b"alpha"), half()].concat()]).file()),
        ("malformed-model", "attribute-of-another-type", leaky(&[attribute("alpha", 2, integer(3, 0))]).file()),
        (
            "malformed-model",
            "attribute-of-two-values",
            leaky(&[attribute("alpha", 1, [half(), integer(3, 1)].concat())]).file(),
        ),
        (
            "malformed-model",
            "constant-of-two-attributes",
            beside(node(
                "Constant",
                &[],
                &["c"],
                &[attribute("value_float", 1, half()), attribute("value_int", 2, integer(3, 1))],
            ))
            .file(),
        ),
        (
            "unsupported",
            "constant-of-an-unknown-attribute",
            beside(node(
                "Constant",
                &[],
                &["c"],
                &[attribute("first", 1, half()), attribute("value_float", 1, half())],
            ))
            .file(),
        ),
        ("unsupported", "spare-input", unit(node("Relu", &["t", "x"], &["y"], &[])).file()),
        ("unsupported", "spare-output", unit(node("Relu", &["t"], &["y", "z"], &[])).file()),
        ("unsupported", "training-outputs", unit(norm).file_with(&[], 13)),
        ("unsupported", "flatten-from-the-end", Parts { nodes: flatten.to_vec(), ..Parts::usual() }.file()),
        ("shape-mismatch", "concat-axis", with(list(), concat).file()),
        (
            "unsupported",
            "attribute-of-a-later-version",
            with(list(), node("Reshape", &["k", "k"], &["kk"], &[zero()])).file_with(&[], 13),
        ),
        (
            "malformed-model",
            "node-name-twice",
            Parts { nodes: vec![named(gemm()), named(relu())], ..Parts::usual() }.file(),
        ),
    ]
}

fn constants() -> Vec<Case> {
    let one = 1.0_f32.to_le_bytes();
    let single = || [integer(1, 1), integer(2, 1), bytes(8, b"b")].concat();
    let place = [bytes(1, b"location"), bytes(2, b"b.bin")].concat();
    let mul = node("Mul", &["k", "k"], &["kk"], &[]);
    let cast = node("Cast", &["k"], &["kk"], &[attribute("to", 2, integer(3, 6))]);
    let slice = |start: i64, end: i64| {
        let list = |name: &str, value: i64| integers(name, 7, &[1], &[value as u64]);
        let mut parts = with(list("k", 3), node("Slice", &["k", "s", "e", "z", "m"], &["kk"], &[]));
        parts.constants.extend([list("s", start), list("e", end), list("z", 0), list("m", -1)]);
        parts.file()
    };
    let texts = |count: u64| [integer(1, count), integer(2, 8), bytes(6, b"a"), bytes(8, b"k")].concat();
    let labels = [bytes(1, b"k"), bytes(9, b"a"), integer(8, 1), integer(20, 8)].concat();
    vec![
        ("malformed-model", "texts-and-numbers", with(texts(1), node("Constant", &[], &["c"], &[labels])).file()),
        ("malformed-model", "texts-that-are-too-few", with(texts(2), relu_beside()).file()),
        ("malformed-model", "bytes-and-list", bias([single(), bytes(9, &one), float(4, 2.0)].concat()).file()),
        ("malformed-model", "empty-bytes-and-list", bias([single(), bytes(9, b""), float(4, 2.0)].concat()).file()),
        ("malformed-model", "list-of-another-type", bias([single(), float(4, 2.0), integer(5, 1)].concat()).file()),
        (
            "malformed-model",
            "place-outside-of-data-inside",
            bias([single(), bytes(9, &one), bytes(13, &place)].concat()).file(),
        ),
        (
            "malformed-model",
            "data-outside-and-inside",
            bias([elsewhere("b", &[("location", "b.bin")]), bytes(9, &one)].concat()).file(),
        ),
        ("unsupported", "segment", bias([single(), bytes(9, &one), bytes(3, &integer(1, 0))].concat()).file()),
        ("malformed-model", "int32-too-wide", with(integers("k", 6, &[1], &[1 << 32]), mul.clone()).file()),
        ("unsupported", "int32-product", with(integers("k", 6, &[1], &[1 << 16]), mul).file()),
        ("unsupported", "int32-cast", with(integers("k", 7, &[1], &[1 << 32]), cast).file()),
        (
            "unsupported",
            "axes-of-two-axes",
            with(integers("k", 7, &[1, 1], &[1]), node("Unsqueeze", &["x", "k"], &["u"], &[])).file(),
        ),
        ("unsupported", "unused-constant-of-no-type", with(integers("k", 99, &[1], &[1]), relu_beside()).file()),
        ("unsupported", "slice-start-below", slice(-10, -20)),
        ("unsupported", "slice-end-behind", slice(0, i64::MAX)),
    ]
}

/// Numbers in other files, none of which is there, in the model's folder.
fn outside() -> Vec<Case> {
    let case = |what, entries: &[(&str, &str)]| ("external-data", what, bias(elsewhere("b", entries)).file());
    let file = ("location", "b.bin");
    vec![
        case("no-file", &[file]),
        case("no-location", &[("offset", "0")]),
        case("location-twice", &[file, file]),
        case("location-empty", &[("location", "")]),
        case("location-absolute", &[("location", "/b.bin")]),
        case("location-above", &[("location", "../b.bin")]),
        case("location-above-by-a-way-round", &[("location", "a/../../b.bin")]),
        case("location-backslash", &[("location", "..\\b.bin")]),
        case("location-with-zero", &[("location", "b.bin\0")]),
        case("unknown-key", &[file, ("basepath", "..")]),
        case("offset-negative", &[file, ("offset", "-4")]),
        case("offset-signed", &[file, ("offset", "+4")]),
        case("offset-beyond-64-bits", &[file, ("offset", "18446744073709551616")]),
        case("length-of-another-shape", &[file, ("length", "8")]),
    ]
}

fn types() -> Vec<Case> {
    let half = 0.5_f64.to_le_bytes();
    let double = [integer(1, 1), integer(2, 11), bytes(8, b"b"), bytes(9, &half)].concat();
    let shape = integers("k", 6, &[2], &[1, 1]);
    let ratio = attribute("ratio", 1, float(2, 0.5));
    vec![
        ("malformed-model", "double-bias", bias(double).file()),
        ("malformed-model", "shape-of-32-bits", with(shape, node("Reshape", &["x", "k"], &["r"], &[])).file()),
        ("unsupported", "dropout-of-old", unit(node("Dropout", &["t"], &["y"], &[ratio])).file()),
    ]
}

fn declarations() -> Vec<Case> {
    let typed = |name: &str, kind: u64| [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &integer(1, kind)))].concat();
    let weight = bytes(11, &value("W", &[2]));
    let sequence = |of: Vec<u8>| [bytes(1, b"y"), bytes(2, &bytes(4, &bytes(1, &of)))].concat();
    let declared = |info: &[u8]| Parts::usual().file_with(&bytes(13, info), 17);
    let plain = bytes(1, &integer(1, 1));
    let map = bytes(5, &[integer(1, 7), bytes(2, &plain)].concat());
    vec![
        ("malformed-model", "maps-of-a-number", declared(&sequence(map.clone()))),
        ("malformed-model", "texts-of-a-number", declared(&typed("y", 8))),
        ("unsupported", "sequence-of-tensors", declared(&sequence(plain))),
        ("unsupported", "sequence-of-sequences", declared(&sequence(bytes(4, &bytes(1, &map))))),
        ("malformed-model", "type-of-a-value", Parts::usual().file_with(&bytes(13, &typed("t", 7)), 17)),
        ("shape-mismatch", "sizes-of-a-value", Parts::usual().file_with(&bytes(13, &value("t", &[3])), 17)),
        ("shape-mismatch", "sizes-of-a-constant", Parts::usual().file_with(&weight, 17)),
    ]
}
