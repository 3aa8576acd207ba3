//! Models, inputs and certificate files that are no such thing, or ask for too much.

use super::Made;
use crate::naive_proofs::npy;
use underplane::model::{Dense, Graph, Kink, Layer, onnx};

/// A field of a protobuf message: length-delimited.
pub fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// A field of a protobuf message: an integer.
pub fn integer(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A float constant.
pub fn tensor(name: &str, dims: &[u64], values: &[f32]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&d| integer(1, d)).collect();
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    [dims, integer(2, 1), bytes(8, name.as_bytes()), bytes(9, &raw)].concat()
}

pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|name| bytes(1, name.as_bytes())).collect();
    let outputs: Vec<u8> = outputs.iter().flat_map(|name| bytes(2, name.as_bytes())).collect();
    let attributes: Vec<u8> = attributes.iter().flat_map(|a| bytes(5, a)).collect();
    [inputs, outputs, bytes(4, operator.as_bytes()), attributes].concat()
}

/// A float constant of one number, in another file as the entries say.
pub fn elsewhere(name: &str, entries: &[(&str, &str)]) -> Vec<u8> {
    let entry =
        |(key, value): &(&str, &str)| bytes(13, &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat());
    let entries: Vec<u8> = entries.iter().flat_map(entry).collect();
    [integer(1, 1), integer(2, 1), bytes(8, name.as_bytes()), entries, integer(14, 1)].concat()
}

/// `[N, dims]` of 32-bit floats.
pub fn value(name: &str, dims: &[u64]) -> Vec<u8> {
    let batch = bytes(1, &bytes(2, b"N"));
    let dims: Vec<u8> = dims.iter().flat_map(|&d| bytes(1, &integer(1, d))).collect();
    let shape = [batch, dims].concat();
    let kind = [integer(1, 1), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &kind))].concat()
}

/// `[N, ?]`.
fn symbolic() -> Vec<u8> {
    let shape = [bytes(1, &bytes(2, b"N")), bytes(1, &bytes(2, b"features"))].concat();
    let kind = [integer(1, 1), bytes(2, &shape)].concat();
    [bytes(1, b"x"), bytes(2, &bytes(1, &kind))].concat()
}

pub struct Parts {
    pub nodes: Vec<Vec<u8>>,
    pub constants: Vec<Vec<u8>>,
    pub input: Vec<u8>,
    pub output: &'static str,
}

impl Parts {
    /// y = relu(W·x + b), as `[N, 2]` to `[N, 1]`.
    pub fn usual() -> Parts {
        Parts {
            nodes: vec![node("Gemm", &["x", "W", "b"], &["t"], &[]), node("Relu", &["t"], &["y"], &[])],
            constants: vec![tensor("W", &[2, 1], &[1.0, -1.0]), tensor("b", &[1], &[0.5])],
            input: value("x", &[2]),
            output: "y",
        }
    }

    pub fn file(&self) -> Vec<u8> {
        self.file_with(&[], 17)
    }

    pub fn file_with(&self, extra: &[u8], opset: u64) -> Vec<u8> {
        let all = |field: u64, parts: &[Vec<u8>]| parts.iter().flat_map(|p| bytes(field, p)).collect::<Vec<u8>>();
        let output = bytes(12, &value(self.output, &[1]));
        let graph =
            [all(1, &self.nodes), all(5, &self.constants), bytes(11, &self.input), output, extra.to_vec()].concat();
        [integer(1, 8), bytes(7, &graph), bytes(8, &integer(2, opset))].concat()
    }

    fn with_nodes(nodes: Vec<Vec<u8>>) -> Vec<u8> {
        Parts { nodes, ..Parts::usual() }.file()
    }

    fn with_constants(constants: Vec<Vec<u8>>) -> Vec<u8> {
        Parts { constants, ..Parts::usual() }.file()
    }
}

/// f = a·relu(x) with a weight behind the unit.
pub fn behind(weight: f32) -> Vec<u8> {
    let layer = |w: Vec<f32>, rows, bias: Vec<f32>| Layer::Dense(Dense { rows, cols: 2, weight: w, bias });
    let mut graph = Graph::new("x", &[2]);
    let t = graph.push("t", layer(vec![1.0, 2.0, -1.0, 0.5], 2, vec![0.0; 2]), &[0]).unwrap();
    let z = graph.push("z", Layer::Kink(Kink::RELU), &[t]).unwrap();
    graph.push("y", layer(vec![1.0, weight], 1, vec![1.0]), &[z]).unwrap();
    onnx::encode(&graph).unwrap()
}

fn onnx_file(folder: &str, code: &str, what: &str, bytes: Vec<u8>) -> Made {
    (format!("{folder}/{code}.{what}.onnx"), bytes)
}

/// Well-formed files that the kernel must refuse all the same.
pub fn invalid() -> Vec<Made> {
    let file = |code, what, bytes| onnx_file("invalid", code, what, bytes);
    let relu = || node("Relu", &["t"], &["y"], &[]);
    let gemm = || node("Gemm", &["x", "W", "b"], &["t"], &[]);
    let alpha = [bytes(1, b"alpha"), vec![2 << 3 | 5], f32::INFINITY.to_le_bytes().to_vec(), integer(20, 1)].concat();
    vec![
        file("not-convex", "tiny-negative-weight", behind(-1e-30)),
        file("not-convex", "smallest-negative-weight", behind(-f32::from_bits(1))),
        file(
            "not-convex",
            "negated-unit",
            Parts::with_nodes(vec![gemm(), node("Relu", &["t"], &["z"], &[]), node("Neg", &["z"], &["y"], &[])]),
        ),
        file(
            "unsupported",
            "sigmoid-inside",
            Parts::with_nodes(vec![gemm(), node("Sigmoid", &["t"], &["s"], &[]), node("Relu", &["s"], &["y"], &[])]),
        ),
        file(
            "unsupported",
            "twice-a-probability",
            Parts::with_nodes(vec![
                gemm(),
                node("Sigmoid", &["t"], &["s"], &[]),
                node("Add", &["s", "s"], &["y"], &[]),
            ]),
        ),
        file("unsupported", "opset-6", Parts::usual().file_with(&[], 6)),
        file("unsupported", "own-domain", Parts::with_nodes(vec![gemm(), [relu(), bytes(7, b"mine")].concat()])),
        file(
            "unsupported",
            "unknown-attribute",
            Parts::with_nodes(vec![
                gemm(),
                node("Relu", &["t"], &["y"], &[[bytes(1, b"slope"), integer(3, 1)].concat()]),
            ]),
        ),
        file(
            "shape-mismatch",
            "layer",
            Parts::with_constants(vec![tensor("W", &[3, 1], &[1.0; 3]), tensor("b", &[1], &[0.0])]),
        ),
        file(
            "shape-mismatch",
            "bias",
            Parts::with_constants(vec![tensor("W", &[2, 1], &[1.0; 2]), tensor("b", &[2], &[0.0; 2])]),
        ),
        file(
            "shape-mismatch",
            "two-outputs",
            Parts::with_constants(vec![tensor("W", &[2, 2], &[1.0; 4]), tensor("b", &[2], &[0.0; 2])]),
        ),
        file(
            "not-finite",
            "weight",
            Parts::with_constants(vec![tensor("W", &[2, 1], &[f32::NAN, 1.0]), tensor("b", &[1], &[0.0])]),
        ),
        file("not-finite", "alpha", Parts::with_nodes(vec![gemm(), node("LeakyRelu", &["t"], &["y"], &[alpha])])),
        file(
            "not-finite",
            "division-by-zero",
            Parts {
                constants: vec![tensor("W", &[2, 1], &[1.0; 2]), tensor("b", &[1], &[0.0])],
                ..Parts { nodes: vec![gemm(), node("Div", &["t", "b"], &["y"], &[])], ..Parts::usual() }
            }
            .file(),
        ),
        ("invalid/input-size.four-coordinates.npy".into(), npy(&[0.0; 4])),
    ]
}

/// Files that are not what they should be.
pub fn malformed() -> Vec<Made> {
    let mut made = models();
    made.extend(inputs());
    made.extend(certificates());
    made.extend(weights());
    made
}

fn weights() -> Vec<Made> {
    let file = |code: &str, what: &str, bytes: Vec<u8>| (format!("malformed/{code}.{what}.weights"), bytes);
    let with = |what: &str, weight: f64| file("malformed-weights", what, npy(&[1.0, weight]));
    vec![
        with("zero", 0.0),
        with("minus-zero", -0.0),
        with("negative", -1.0),
        with("nan", f64::NAN),
        with("minus-infinity", f64::NEG_INFINITY),
        file("malformed-inputs", "not-npy", b"1,2".to_vec()),
    ]
}

fn models() -> Vec<Made> {
    let file = |code, what, bytes| onnx_file("malformed", code, what, bytes);
    let good = Parts::usual().file();
    let relu = |from: &str, to: &str| node("Relu", &[from], &[to], &[]);
    let gemm = || node("Gemm", &["x", "W", "b"], &["t"], &[]);
    let b = || tensor("b", &[1], &[0.0]);
    let huge = |dims: &[u64]| Parts::with_constants(vec![tensor("W", dims, &[1.0, 1.0]), b()]);
    let twice = [bytes(1, b"transB"), integer(3, 0)].concat();
    let reference = [bytes(1, b"transB"), bytes(21, b"outer")].concat();
    let garbage: Vec<u8> = (0_u32..999).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![
        file("malformed-model", "empty", Vec::new()),
        file("malformed-model", "text", b"this is no model".to_vec()),
        file("malformed-model", "garbage", garbage),
        file("malformed-model", "truncated", good[..good.len() / 2].to_vec()),
        file("malformed-model", "endless-integer", [good.clone(), vec![0xff; 64]].concat()),
        file(
            "malformed-model",
            "length-beyond-the-file",
            [good.clone(), varint(7 << 3 | 2), varint(u64::MAX)].concat(),
        ),
        file("malformed-model", "field-number-zero", [good.clone(), vec![0, 1]].concat()),
        file("malformed-model", "group", [good.clone(), vec![9 << 3 | 3]].concat()),
        file("malformed-model", "two-graphs", [good.clone(), good.clone()].concat()),
        file("malformed-model", "no-graph", bytes(8, &integer(2, 17))),
        file("malformed-model", "no-opset", [integer(1, 8), bytes(7, b"")].concat()),
        file("malformed-model", "cycle", Parts::with_nodes(vec![relu("y", "t"), relu("t", "y")])),
        file("malformed-model", "own-output", Parts::with_nodes(vec![relu("y", "y")])),
        file("malformed-model", "missing-input", Parts::with_nodes(vec![gemm(), relu("nowhere", "y")])),
        file("malformed-model", "name-twice", Parts::with_nodes(vec![gemm(), relu("t", "y"), relu("t", "y")])),
        file(
            "malformed-model",
            "output-over-constant",
            Parts::with_nodes(vec![gemm(), relu("t", "W"), relu("t", "y")]),
        ),
        file(
            "malformed-model",
            "constant-twice",
            Parts::with_constants(vec![tensor("W", &[2, 1], &[1.0; 2]), b(), b()]),
        ),
        file(
            "malformed-model",
            "attribute-twice",
            Parts::with_nodes(vec![node("Gemm", &["x", "W"], &["y"], &[twice.clone(), twice])]),
        ),
        file(
            "malformed-model",
            "attribute-reference",
            Parts::with_nodes(vec![node("Gemm", &["x", "W"], &["y"], &[reference])]),
        ),
        file("malformed-model", "no-output-name", Parts::with_nodes(vec![node("Relu", &["x"], &[], &[])])),
        file("malformed-model", "output-nowhere", Parts { output: "nowhere", ..Parts::usual() }.file()),
        file("malformed-model", "two-inputs", Parts::usual().file_with(&bytes(11, &value("second", &[2])), 17)),
        file("malformed-model", "fewer-numbers", Parts::with_constants(vec![tensor("W", &[2, 1], &[1.0]), b()])),
        file("malformed-model", "negative-size", huge(&[u64::MAX, 1])),
        file(
            "malformed-model",
            "name-not-utf8",
            Parts::with_nodes(vec![gemm(), [node("Relu", &["t"], &[], &[]), bytes(2, b"\xff\xfe")].concat()]),
        ),
        file("too-large", "huge-constant", huge(&[1 << 40, 1 << 20])),
        file("too-large", "size-overflow", huge(&[1 << 62, 1 << 62, 1 << 62])),
        file("too-large", "huge-input", Parts { input: value("x", &[1 << 40]), ..Parts::usual() }.file()),
        file("shape-mismatch", "input-without-axes", Parts { input: value("x", &[]), ..Parts::usual() }.file()),
        file("unsupported", "symbolic-input", Parts { input: symbolic(), ..Parts::usual() }.file()),
        file("too-large", "endless-growth", growth()),
    ]
}

/// A long chain of layers whose exact numbers grow beyond the budget: fine to read, refused when evaluated.
fn growth() -> Vec<u8> {
    let count = 3_000;
    let name = |k: usize| {
        if k == 0 {
            "x".to_string()
        } else if k == count {
            "y".into()
        } else {
            format!("t{k}")
        }
    };
    let nodes = (0..count).map(|k| node("MatMul", &[&name(k), "W"], &[&name(k + 1)], &[])).collect();
    let constants = vec![tensor("W", &[1, 1], &[0.333_333_34])];
    Parts { nodes, constants, input: value("x", &[1]), output: "y" }.file()
}

fn inputs() -> Vec<Made> {
    let file = |what: &str, bytes| (format!("malformed/malformed-inputs.{what}.npy"), bytes);
    let header = |text: &str, data: &[u8]| {
        let length = (text.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, text.as_bytes(), data].concat()
    };
    let of = |descr: &str, order: &str, shape: &str| {
        header(&format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n"), &[0; 8])
    };
    let good = npy(&[1.0, 2.0]);
    let mut version = good.clone();
    version[6] = 9;
    vec![
        file("empty", Vec::new()),
        file("text", b"1,2,3\n4,5,6\n".to_vec()),
        file("truncated", good[..good.len() - 1].to_vec()),
        file("too-long", [good.clone(), vec![0]].concat()),
        file("version-nine", version),
        file("header-beyond-the-file", [b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes()].concat()),
        file("no-dictionary", header("hello\n", &[])),
        file("objects", of("|O", "False", "(1, 2)")),
        file("doubles", of("<f8", "False", "(1, 1)")),
        file("big-endian", of(">f4", "False", "(1, 2)")),
        file("column-major", of("<f4", "True", "(1, 2)")),
        file("no-axis", of("<f4", "False", "()")),
        file("negative-size", of("<f4", "False", "(-1, 2)")),
        file("overflow", of("<f4", "False", "(4611686018427387904, 4)")),
        file("no-coordinates", of("<f4", "False", "(2, 0)")),
        file(
            "key-twice",
            header("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n", &[0; 8]),
        ),
        file("bytes-up-to-one", header("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }\n", &[0, 1])),
        ("invalid/input-size.one-axis.npy".into(), of("<f4", "False", "(2,)")),
        (
            "invalid/input-size.samples-last.npy".into(),
            header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", &[0; 24]),
        ),
        ("malformed/too-large.coordinates.npy".into(), of("<f4", "False", "(1, 99999999999)")),
    ]
}

fn certificates() -> Vec<Made> {
    let file = |code: &str, what: &str, bytes: Vec<u8>| (format!("malformed/{code}.{what}.linear.jsonl"), bytes);
    let line = |radius: &str| {
        format!(r#"{{"version":"1","input":"0","norm":"l1","radius":{radius},"slopes":[]}}"#).into_bytes()
    };
    let bad = |what, text: &str| file("malformed-certificate", what, text.as_bytes().to_vec());
    vec![
        bad("number", r#"{"version":1}"#),
        bad("null", r#"{"version":null}"#),
        bad("text-alone", r#""version""#),
        bad("list-alone", "[]"),
        bad("trailing-text", r#"{"version":"1"} {}"#),
        bad("open-object", r#"{"version":"1""#),
        bad("open-string", r#"{"version":"1"#),
        bad("trailing-comma", r#"{"version":"1",}"#),
        bad("key-twice", r#"{"version":"1","version":"1"}"#),
        bad("key-twice-escaped", r#"{"version":"1","\u0076ersion":"1"}"#),
        bad("unknown-key", r#"{"version":"1","input":"0","norm":"l1","radius":"0","slopes":[],"trust":"me"}"#),
        bad("half-a-surrogate", r#"{"version":"\ud800"}"#),
        bad("control-character", "{\"version\":\"1\u{1}\"}"),
        bad("bad-escape", r#"{"version":"\x31"}"#),
        bad("comment", r#"{"version":"1"} // fine"#),
        bad("missing-version", r#"{"input":"0","norm":"l1","radius":"0","slopes":[]}"#),
        bad("box-of-three", r#"{"version":"1","input":"0","norm":"l1","radius":"0","slopes":[],"box":["0","1","2"]}"#),
        bad("ball-ajar", r#"{"version":"1","input":"0","norm":"l1","radius":"0","slopes":[],"ball":"ajar"}"#),
        file("malformed-certificate", "not-utf8", b"{\"version\":\"1\xff\"".to_vec()),
        file("malformed-certificate", "deep-nesting", b"[".repeat(100_000)),
        file("malformed-certificate", "deep-objects", br#"{"slopes":["#.repeat(1_000)),
        file("malformed-certificate", "many-keys", {
            let keys: Vec<String> = (0..100).map(|k| format!(r#""k{k}":"""#)).collect();
            format!("{{{}}}", keys.join(",")).into_bytes()
        }),
        file("malformed-certificate", "json-number-radius", line("0.5")),
        file("number", "huge-exponent", line(r#""1e999999999""#)),
        file("too-large", "many-digits", line(&format!("\"{}\"", "9".repeat(100_000)))),
        file("too-large", "many-decimals", line(&format!("\"0.{}5\"", "0".repeat(100_000)))),
        file("too-large", "many-leading-zeros", line(&format!("\"{}\"", "0".repeat(5_000)))),
        file(
            "number",
            "input-overflow",
            br#"{"version":"1","input":"99999999999999999999","norm":"l1","radius":"0","slopes":[]}"#.to_vec(),
        ),
    ]
}
