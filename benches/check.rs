//! Replaying one closed-form certificate on the bundled MNIST network, exactly and in interval arithmetic, on one
//! thread. Before anything is timed, both must accept every certificate.

use std::path::Path;
use std::time::Instant;
use underplane::data::{InputOptions, read_inputs};
use underplane::model::{Model, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::fast::Fast;
use underplane::proof::{Prover, npy};
use underplane::query::{Perturbation, Query};
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::{Method, Samples};
use underplane_kernel::{self as kernel, Attacker, Class, check_line};

const INPUTS: usize = 20;

fn main() {
    underplane::memory::settle();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data");
    let path = folder.join("models/mnist-3-8.onnx");
    let bytes = std::fs::read(&path).expect("the bundled model");
    let model = Model::new(onnx::read(&path).expect("an ONNX file")).expect("a model");
    let inputs = read_inputs(&folder.join("inputs/mnist-3-8.npy"), &InputOptions::default()).expect("inputs");
    let size = model.input_size();
    let x: Vec<f64> = inputs.values.iter().take(INPUTS * size).map(|&v| f64::from(v)).collect();
    let prover = Prover::new(&bytes, Sensitive::Positive, &x, size).expect("the kernel reads it");
    let start = Instant::now();
    let kernel = kernel::Model::read(&bytes, Class::Positive).expect("the kernel reads it");
    println!("reading the model: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let samples = kernel::Inputs::read(&npy(&x, size)).expect("inputs");
    let again = Model::new(onnx::read(&path).expect("an ONNX file")).expect("a model");
    let fast = Fast::new(again, x.clone());
    for norm in Norm::STANDARD {
        let perturbation = Perturbation { norm, range: None, weights: None };
        let outcomes = ClosedForm.certify(&model, Samples::new(&x, size), perturbation);
        let prove = |(index, outcome)| {
            let query = Query { model: &model, x: &x[index * size..(index + 1) * size], index, perturbation };
            prover.prove(query, outcome).ok()
        };
        let proofs: Vec<_> = outcomes.iter().enumerate().filter_map(prove).collect();
        for proof in &proofs {
            check_line(&kernel, &samples, &proof.line).expect("a valid certificate");
        }
        let decided: Vec<_> = proofs
            .iter()
            .filter(|proof| fast.replay((&kernel, &samples), Attacker::default(), &proof.line).is_some())
            .collect();
        assert!(!decided.is_empty(), "the intervals always straddle");
        let mut fastest = f64::INFINITY;
        for _ in 0..20 {
            let start = Instant::now();
            for proof in &proofs {
                check_line(&kernel, &samples, &proof.line).expect("a valid certificate");
            }
            fastest = fastest.min(start.elapsed().as_secs_f64() / proofs.len() as f64);
        }
        let mut shortest = f64::INFINITY;
        for _ in 0..20 {
            let start = Instant::now();
            for proof in &decided {
                assert!(fast.replay((&kernel, &samples), Attacker::default(), &proof.line).is_some());
            }
            shortest = shortest.min(start.elapsed().as_secs_f64() / decided.len() as f64);
        }
        let (exact, fast) = (fastest * 1e3, shortest * 1e3);
        let (all, some) = (proofs.len(), decided.len());
        println!(
            "{norm}: exact {exact:.3} ms for {all} certificates, fast {fast:.3} ms for the {some} that it decides"
        );
    }
}
