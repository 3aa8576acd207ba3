//! Any text as a certificate about a small fixed network: refused or valid, and what is valid must be true. The network
//! is f(x) = 1 − x₀ of `proofs-data/valid/linear.onnx` at 0, whose radius is 1 in every norm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use underplane::kernel::{Class, Inputs, Model, check_line};

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    Model::read(include_bytes!("../../proofs-data/valid/linear.onnx"), Class::Positive).expect("a model")
});
static INPUTS: LazyLock<Inputs> =
    LazyLock::new(|| Inputs::read(include_bytes!("../../proofs-data/valid/linear.npy")).expect("inputs"));

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let Ok(statement) = check_line(&MODEL, &INPUTS, &text) else { return };
    if let (Some(radius), None) = (&statement.radius, &statement.range) {
        let radius: f64 = radius.parse().expect("unbounded is not provable here");
        assert!(radius < 1.0 || (statement.open && radius <= 1.0), "{text}");
    }
    if let Some(upper) = &statement.upper {
        assert!(upper.parse::<f64>().expect("a number") >= 1.0, "{text}");
    }
});
