//! Files as exporters write them: what is read computes what onnxruntime computes, what is refused says why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use testing::networks;

use num_rational::BigRational;
use num_traits::ToPrimitive;
use serde::Deserialize;
use underplane::model::onnx::{decode, encode, read, write};
use underplane::model::{Graph, Kink, Layer, Model};

#[derive(Deserialize)]
struct Expected {
    inputs: Vec<Vec<f64>>,
    outputs: Vec<Vec<f64>>,
    /// Whether the tensors are in another file.
    #[serde(default)]
    files: bool,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx").join(name)
}

fn json<T: serde::de::DeserializeOwned>(name: &str) -> BTreeMap<String, T> {
    serde_json::from_slice(&std::fs::read(fixture(name)).unwrap()).unwrap()
}

fn model(name: &str) -> Graph {
    read(&fixture(&format!("{name}.onnx"))).unwrap()
}

/// The exact outputs.
fn exact(graph: &Graph, x: &[f64]) -> Vec<BigRational> {
    networks::exact(graph, x).swap_remove(graph.output())
}

/// onnxruntime computes in f32.
fn assert_close(name: &str, found: &[BigRational], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}: outputs");
    for (f, e) in found.iter().zip(expected) {
        let f = f.to_f64().unwrap();
        assert!((f - e).abs() <= 1e-5 * (1.0 + e.abs()), "{name}: found {f}, onnxruntime says {e}");
    }
}

#[test]
fn values_agree_with_onnxruntime() {
    let expected: BTreeMap<String, Expected> = json("expected.json");
    assert!(expected.len() > 80, "the list of files is there");
    for (name, case) in &expected {
        let graph = read(&fixture(&format!("{name}.onnx"))).unwrap_or_else(|error| panic!("{error}"));
        assert!(!case.inputs.is_empty());
        for (x, y) in case.inputs.iter().zip(&case.outputs) {
            assert_close(name, &exact(&graph, x), y);
        }
    }
}

#[test]
fn decoded_bytes_give_the_same_graph() {
    for (name, case) in json::<Expected>("expected.json") {
        let bytes = std::fs::read(fixture(&format!("{name}.onnx"))).unwrap();
        match decode(&bytes) {
            Ok(graph) => assert_eq!(graph, model(&name), "{name}"),
            Err(error) => {
                assert!(case.files, "{name}: {error}");
                assert!(error.to_string().contains("with the model's folder known"), "{name}: {error}");
            }
        }
    }
}

#[test]
fn refused_files_say_why() {
    let refused: BTreeMap<String, String> = json("refused.json");
    assert!(refused.len() > 40, "the list of files is there");
    for (name, words) in &refused {
        let path = fixture(&format!("{name}.onnx"));
        match read(&path) {
            Ok(_) => panic!("{name} was read; expected an error with `{words}`"),
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains(words), "{name}: expected `{words}` in: {message}");
                let file = path.display().to_string();
                assert!(message.starts_with(&file), "{name}: the file's name is in front: {message}");
                assert_eq!(message.matches(&file).count(), 1, "{name}: the file's name is there once: {message}");
            }
        }
    }
}

/// The kernel's test of the same files is in `kernel_corpora`.
#[test]
fn what_runtimes_read_otherwise_is_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data/malformed");
    let mut refused = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains(".otherwise-") {
            assert!(read(&file).is_err(), "{name} was read");
            refused += 1;
        }
    }
    assert!(refused > 40, "{refused} files");
}

#[test]
fn the_type_of_an_output_without_a_fixed_rank_is_tested_too() {
    let mut bytes = std::fs::read(fixture("output_squeeze_all.onnx")).unwrap();
    decode(&bytes).unwrap();
    let name = bytes.windows(5).rposition(|word| word == b"logit").unwrap();
    // elem_type: float, as int64.
    let kind = (name..).find(|&i| bytes[i..i + 2] == [1 << 3, 1]).unwrap();
    bytes[kind + 1] = 7;
    let error = decode(&bytes).unwrap_err().to_string();
    assert!(error.contains("what the file says of `logit` is not so"), "{error}");
}

#[test]
fn written_files_compute_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (name, case) in json::<Expected>("expected.json") {
        let graph = model(&name);
        let path = folder.path().join("again.onnx");
        write(&graph, &path).unwrap();
        let again = read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        for x in &case.inputs {
            assert_eq!(exact(&graph, x), exact(&again, x), "{name}");
        }
        assert_eq!(encode(&again).unwrap(), encode(&read(&path).unwrap()).unwrap());
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["again.onnx"], "no temporary file is left");
    }
}

fn count(graph: &Graph, op: impl Fn(&Layer) -> bool) -> usize {
    graph.nodes().iter().filter(|node| node.layer().as_ref().is_some_and(&op)).count()
}

#[test]
fn absolute_values_have_one_form() {
    let names: Vec<String> = json::<Expected>("expected.json").into_keys().collect();
    let names: Vec<&String> = names.iter().filter(|name| name.contains("absolute")).collect();
    assert!(names.len() >= 10);
    for name in names {
        let graph = model(name);
        assert_eq!(count(&graph, |op| *op == Layer::Kink(Kink::ABS)), 1, "{name}");
        assert_eq!(count(&graph, |op| *op == Layer::Kink(Kink::RELU)), 2, "{name}: those of the two hidden layers");
        assert_eq!(count(&graph, |op| *op == Layer::Max), 0, "{name}");
    }
}

#[test]
fn exported_feature_convex_networks_are_recognised() {
    let mut seen = 0;
    for name in json::<Expected>("expected.json").into_keys() {
        if ["icnn", "shape", "absolute", "external"].iter().any(|word| name.contains(word)) {
            let model = Model::new(model(&name)).unwrap();
            if let Err(reason) = model.convexity() {
                panic!("{name}: {reason:?}");
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} networks");
}

#[test]
fn other_sums_of_relus_are_left_alone() {
    let graph = model("relus_other");
    assert_eq!(count(&graph, |op| *op == Layer::Kink(Kink::ABS)), 0);
    assert_eq!(count(&graph, |op| *op == Layer::Kink(Kink::RELU)), 4);
}

#[test]
fn a_maximum_of_multiples_is_one_kink() {
    let graph = model("max_leaky");
    assert_eq!(count(&graph, |op| *op == Layer::Kink(Kink { below: 0.25, above: 1.0 })), 1);
    assert_eq!(count(&graph, |op| *op == Layer::Max), 0);
}

#[test]
fn a_missing_file_is_named_once() {
    let path = fixture("no_such_file.onnx");
    let message = read(&path).unwrap_err().to_string();
    assert_eq!(message.matches(&path.display().to_string()).count(), 1, "{message}");
}

#[test]
fn writing_into_a_missing_folder_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/model.onnx");
    let message = write(&model("icnn_opset17"), &path).unwrap_err().to_string();
    assert!(message.starts_with(&path.display().to_string()), "{message}");
}
