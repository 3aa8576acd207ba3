//! Any text as a certificate about small fixed networks: refused or valid, and what is valid must be true. The first
//! network is f(x) = 1 − x₀ of `proofs-data/valid/linear.onnx` at 0, whose radius is 1 in every norm; for the others,
//! with slopes, kinks of the feature map and maxima, a refusal without a panic is all that is asked for; of weighted
//! norms too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use underplane_kernel::{Attacker, Class, Inputs, Model, Weights, check_against, check_line};

macro_rules! subject {
    ($name:literal) => {
        LazyLock::new(|| {
            let model = include_bytes!(concat!("../../proofs-data/valid/", $name, ".onnx"));
            let inputs = include_bytes!(concat!("../../proofs-data/valid/", $name, ".npy"));
            (Model::read(model, Class::Positive).expect("a model"), Inputs::read(inputs).expect("inputs"))
        })
    };
}

type Subject = LazyLock<(Model, Inputs)>;

static LINEAR: Subject = subject!("linear");
static OTHERS: [Subject; 4] = [subject!("dense"), subject!("abs"), subject!("leaky"), subject!("max")];

static WEIGHTED: Subject = subject!("weighted");
static WEIGHTS: LazyLock<Weights> =
    LazyLock::new(|| Weights::read(include_bytes!("../../proofs-data/valid/weighted.weights.npy")).expect("weights"));

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for subject in &OTHERS {
        let _ = check_line(&subject.0, &subject.1, &text);
    }
    let _ = check_against(&WEIGHTED.0, &WEIGHTED.1, Attacker { weights: Some(&WEIGHTS), bounds: None }, &text);
    let Ok(statement) = check_line(&LINEAR.0, &LINEAR.1, &text) else { return };
    if let (Some(radius), None) = (&statement.radius, &statement.range) {
        let radius: f64 = radius.parse().expect("unbounded is not provable here");
        assert!(radius < 1.0 || (statement.open && radius <= 1.0), "{text}");
    }
    if let Some(upper) = &statement.upper {
        assert!(upper.parse::<f64>().expect("a number") >= 1.0, "{text}");
    }
});
