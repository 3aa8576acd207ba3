//! The bundled networks and their inputs.

use std::path::Path;
use underplane::data::{InputOptions, read_inputs};
use underplane::model::{Model, onnx};
use underplane::radius::{Method, Outcome, Samples};

/// A network and inputs with f > 0, one after the other.
pub struct Bundled {
    pub model: Model,
    pub size: usize,
    pub values: Vec<f64>,
}

impl Bundled {
    /// The first `count` of the sensitive inputs.
    pub fn read(name: &str, count: usize) -> Bundled {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data");
        let graph = onnx::read(&folder.join(format!("models/{name}.onnx"))).expect("an ONNX file");
        let model = Model::new(graph).expect("a model");
        let inputs = read_inputs(&folder.join("inputs/mnist-3-8.npy"), &InputOptions::default()).expect("inputs");
        let size = model.input_size();
        let all: Vec<f64> = inputs.values.iter().map(|&v| f64::from(v)).collect();
        let sensitive = all.chunks(size).filter(|x| model.enclose(x)[0].lower() > 0.0);
        let values: Vec<f64> = sensitive.take(count).flatten().copied().collect();
        assert_eq!(values.len(), count * size, "too few sensitive inputs");
        Bundled { model, size, values }
    }

    pub fn samples(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks(self.size)
    }

    pub fn certify(&self, method: &dyn Method, x: &[f64], perturbation: super::Perturbation) -> Outcome {
        method.certify(&self.model, Samples::new(x, self.size), perturbation).remove(0)
    }

    /// The answer, and the seconds that it took.
    pub fn timed(&self, method: &dyn Method, x: &[f64], perturbation: super::Perturbation) -> (Outcome, f64) {
        let start = std::time::Instant::now();
        let outcome = self.certify(method, x, perturbation);
        (outcome, start.elapsed().as_secs_f64())
    }
}

/// Both proven sides.
pub fn sides(outcome: &Outcome) -> (f64, Option<f64>) {
    let lower = outcome.radius().expect("a sensitive input").value();
    (lower, outcome.witness.as_ref().map(|witness| witness.distance))
}

/// upper/lower − 1 of the proven sides, infinite without a witness.
pub fn gap(outcome: &Outcome) -> f64 {
    let (lower, upper) = sides(outcome);
    upper.map_or(f64::INFINITY, |upper| upper / lower - 1.0)
}
