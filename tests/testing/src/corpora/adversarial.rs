//! Small networks on which floats go wrong, each with inputs.

use super::Made;
use super::files::{Parts, behind, bytes, integer, node, tensor};
use crate::naive_proofs::npy;
use underplane::model::{Dense, Graph, Kink, Layer, onnx};

fn layer(rows: usize, weight: &[f32], bias: &[f32]) -> Layer {
    Layer::Dense(Dense { rows, cols: weight.len() / rows, weight: weight.to_vec(), bias: bias.to_vec() })
}

/// relu layers of the given matrices, the last one without.
fn deep(layers: &[(usize, &[f32], &[f32])], kink: Kink) -> Vec<u8> {
    let mut graph = Graph::new("x", &[layers[0].1.len() / layers[0].0]);
    let mut at = 0;
    for (k, (rows, weight, bias)) in layers.iter().enumerate() {
        at = graph.push(&format!("t{k}"), layer(*rows, weight, bias), &[at]).unwrap();
        if k + 1 < layers.len() {
            at = graph.push(&format!("z{k}"), Layer::Kink(kink), &[at]).unwrap();
        }
    }
    onnx::encode(&graph).unwrap()
}

/// f = Σ wᵢ·|xᵢ − μᵢ| + uᵢ·(xᵢ − μᵢ) + c.
fn absolute(mean: &[f32], weight: &[f32], bias: f32) -> Vec<u8> {
    let mut graph = Graph::new("x", &[mean.len()]);
    let centred = graph.push("y", Layer::Shift(mean.iter().map(|&m| f64::from(-m)).collect()), &[0]).unwrap();
    let size = graph.push("abs", Layer::Kink(Kink::ABS), &[centred]).unwrap();
    let both = graph.push("psi", Layer::Concat { outer: 1 }, &[centred, size]).unwrap();
    graph.push("f", layer(1, weight, &[bias]), &[both]).unwrap();
    onnx::encode(&graph).unwrap()
}

/// A normalisation in front of relu(x₀ − x₁ + ½).
fn normalised(scale: f32, variance: f32, epsilon: f32) -> Vec<u8> {
    let attribute = [bytes(1, b"epsilon"), vec![2 << 3 | 5], epsilon.to_le_bytes().to_vec(), integer(20, 1)].concat();
    let normalise = node("BatchNormalization", &["x", "s", "o", "m", "v"], &["n"], &[attribute]);
    let nodes = vec![normalise, node("Gemm", &["n", "W", "b"], &["t"], &[]), node("Relu", &["t"], &["y"], &[])];
    let pair = |name: &str, v: f32| tensor(name, &[2], &[v, v]);
    let constants = vec![
        pair("s", scale),
        pair("o", 0.25),
        pair("m", 0.5),
        pair("v", variance),
        tensor("W", &[2, 1], &[1.0, -1.0]),
        tensor("b", &[1], &[0.5]),
    ];
    Parts { nodes, constants, ..Parts::usual() }.file()
}

const MANIFEST: &str = "# The adversarial models as an audit: underplane audit --bundle proofs-data/adversarial\n";

/// All of them, and a manifest for `audit --bundle`: `adversarial/NAME.onnx` and `adversarial/NAME.npy`.
pub fn models() -> Vec<Made> {
    let tiny = f32::from_bits(1);
    let relu = Kink::RELU;
    let cases: Vec<(&str, Vec<u8>, Vec<f64>)> = vec![
        ("tie", deep(&[(1, &[1.0, 1.0], &[-1.0])], relu), vec![0.5, 0.5]),
        (
            "tie-at-units",
            deep(&[(2, &[1.0, -1.0, -1.0, 1.0], &[0.0, 0.0]), (1, &[1.0, 1.0], &[0.25])], relu),
            vec![0.5, 0.5],
        ),
        (
            "subnormal-weights",
            deep(&[(2, &[tiny, -tiny, 3.0 * tiny, tiny], &[tiny, tiny]), (1, &[1.0, 1.0], &[tiny])], relu),
            vec![0.75, 0.25],
        ),
        (
            "subnormal-products",
            deep(&[(2, &[1e-30, -1e-30, 1e-30, 1e-30], &[0.0, 0.0]), (1, &[1e-30, 1e-30], &[1e-38])], relu),
            vec![0.75, 0.25],
        ),
        ("vanishing-gradient", deep(&[(1, &[-1e-40, 0.0], &[1e-38]), (1, &[1e-38], &[0.0])], relu), vec![0.5, 0.5]),
        (
            "overflowing-products",
            deep(&[(2, &[3e38, -3e38, 1e38, 2e38], &[1e38, 0.0]), (1, &[3e38, 3e38], &[-1e38])], relu),
            vec![0.75, 0.25],
        ),
        (
            "overflowing-depth",
            deep(&[(1, &[3e38, 3e38], &[0.0]), (1, &[3e38], &[0.0]), (1, &[3e38], &[0.0]), (1, &[1.0], &[0.0])], relu),
            vec![0.75, 0.25],
        ),
        ("zero-gradient", deep(&[(1, &[0.0, 0.0], &[-1.0]), (1, &[1.0], &[0.5])], relu), vec![0.75, 0.25]),
        (
            "dead-units",
            deep(&[(2, &[1.0, 1.0, -1.0, 2.0], &[-9.0, -9.0]), (1, &[1.0, 1.0], &[0.5])], relu),
            vec![0.75, 0.25],
        ),
        (
            "cancellation",
            deep(&[(2, &[1e8, -1e8, -1e8, 1e8], &[0.5, 0.5]), (1, &[1.0, 1.0], &[-0.5])], relu),
            vec![0.5, 0.5],
        ),
        ("cancellation-in-the-logit", deep(&[(1, &[16_777_216.0, 1.0], &[-16_777_216.0])], relu), vec![1.0, 1e-7]),
        ("tiny-scale", normalised(1e-38, 1.0, 1e-5), vec![0.75, 0.25]),
        ("huge-gain", normalised(1.0, 0.0, 1e-38), vec![0.500_001, 0.5]),
        ("tiny-negative-weight", behind(-1e-30), vec![0.75, 0.25]),
        ("kinks-at-the-input", absolute(&[0.5, 0.25], &[1.0, -1.0, 0.5, 2.0], 0.5), vec![0.5, 0.25]),
        ("falling-sizes", absolute(&[0.5, 0.25], &[0.25, 0.0, -1.0, -2.0], 1.0), vec![0.75, 0.5]),
        (
            "leaky-identity",
            deep(&[(1, &[1.0, -1.0], &[0.25]), (1, &[1.0], &[0.0])], Kink { below: 1.0, above: 1.0 }),
            vec![0.75, 0.25],
        ),
        (
            "leaky-zero",
            deep(&[(1, &[1.0, -1.0], &[0.25]), (1, &[1.0], &[0.0])], Kink { below: 0.0, above: 1.0 }),
            vec![0.75, 0.25],
        ),
        ("steep", deep(&[(1, &[1e30, 1e-30], &[1e-30]), (1, &[1e-30], &[1e-37])], relu), vec![1e-30, 1.0]),
    ];
    let files = |(name, model, x): (&str, Vec<u8>, Vec<f64>)| {
        [(format!("adversarial/{name}.onnx"), model), (format!("adversarial/{name}.npy"), npy(&x))]
    };
    let manifest = cases.iter().fold(String::from(MANIFEST), |text, (name, ..)| {
        text + &format!(
            "\n[[model]]\nname = \"{name}\"\nfile = \"{name}.onnx\"\ninputs = \"{name}.npy\"\nunit = \"none\"\n\
             about = \"a network on which floats go wrong\"\n"
        )
    });
    let mut made: Vec<Made> = cases.into_iter().flat_map(files).collect();
    made.push(("adversarial/bundle.toml".into(), manifest.into_bytes()));
    made
}
