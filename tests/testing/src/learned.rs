//! Files as scikit-learn's converters write them.

use crate::corpora::files::{bytes, integer, node, value};
use crate::corpora::readings::{attribute, float};
use crate::corpora::windows::{ints, list, text};

/// A node of the domain ai.onnx.ml.
pub fn learned(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    [node(operator, inputs, outputs, attributes), bytes(7, b"ai.onnx.ml")].concat()
}

/// An attribute of floats.
pub fn floats(name: &str, values: &[f32]) -> Vec<u8> {
    attribute(name, 6, values.iter().flat_map(|&v| float(7, v)).collect())
}

/// An attribute of texts.
pub fn texts(name: &str, values: &[&str]) -> Vec<u8> {
    attribute(name, 8, values.iter().flat_map(|v| bytes(9, v.as_bytes())).collect())
}

/// The import of ai.onnx.ml.
pub fn domain() -> Vec<u8> {
    bytes(8, &[bytes(1, b"ai.onnx.ml"), integer(2, 1)].concat())
}

/// `[N]` of labels, of this type.
pub fn labels(name: &str, kind: u64) -> Vec<u8> {
    let shape = bytes(1, &bytes(2, b"N"));
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &[integer(1, kind), bytes(2, &shape)].concat()))].concat()
}

/// A map from texts to float32 for every sample.
pub fn maps(name: &str) -> Vec<u8> {
    let map = [integer(1, 8), bytes(2, &bytes(1, &integer(1, 1)))].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(4, &bytes(1, &bytes(5, &map))))].concat()
}

/// Constant texts [2].
pub fn names(name: &str) -> Vec<u8> {
    [integer(1, 2), integer(2, 8), bytes(6, b"no"), bytes(6, b"yes"), bytes(8, name.as_bytes())].concat()
}

/// A file of nodes with the input x `[N, 2]`, and its outputs.
pub fn file(nodes: &[Vec<u8>], constants: &[Vec<u8>], outputs: &[Vec<u8>]) -> Vec<u8> {
    let all = |field: u64, parts: &[Vec<u8>]| parts.iter().flat_map(|p| bytes(field, p)).collect::<Vec<u8>>();
    let graph = [all(1, nodes), all(5, constants), bytes(11, &value("x", &[2])), all(12, outputs)].concat();
    [integer(1, 8), bytes(7, &graph), bytes(8, &integer(2, 17)), domain()].concat()
}

/// Two scores with these coefficients and intercepts: with a label that is a number, or, `zipped`, with one that is a text,
/// and in maps.
pub fn classifier(coefficients: &[f32; 4], intercepts: &[f32; 2], transform: &str, zipped: bool) -> Vec<u8> {
    let labels_of =
        if zipped { texts("classlabels_strings", &["no", "yes"]) } else { ints("classlabels_ints", &[0, 1]) };
    let attributes = [
        labels_of.clone(),
        floats("coefficients", coefficients),
        floats("intercepts", intercepts),
        text("post_transform", transform),
    ];
    let scores = learned("LinearClassifier", &["x"], &["label", "scores"], &attributes);
    if !zipped {
        return file(&[scores], &[], &[labels("label", 7), value("scores", &[2])]);
    }
    let nodes = [
        scores,
        node("ArgMax", &["scores"], &["most"], &[]),
        learned("ArrayFeatureExtractor", &["names", "most"], &["named"], &[]),
        node("Reshape", &["named", "flat"], &["again"], &[]),
        node("Identity", &["label"], &["output_label"], &[]),
        learned("ZipMap", &["scores"], &["output_probability"], &[labels_of]),
    ];
    let outputs = [labels("output_label", 8), maps("output_probability")];
    file(&nodes, &[names("names"), list("flat", &[-1])], &outputs)
}
