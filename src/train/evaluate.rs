//! Clean and certified accuracy of a trained network, in f64.

use super::loss::Norm;
use super::network::Network;
use super::pass::{Mode, Pass};
use crate::data::Dataset;
use serde::Serialize;

/// Samples per evaluation batch: bounds memory.
const CHUNK: usize = 512;

/// Logits and dual gradient norms of every sample of a split.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// f, `[n]`; positive is sensitive.
    pub logits: Vec<f64>,
    /// ‖∇_ψ g‖_{p*} for p = 1, 2, ∞, `[n]` each.
    pub gradients: Vec<[f64; 3]>,
}

/// Fractions of a split that are classified correctly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Number of samples.
    pub samples: usize,
    /// All of them.
    pub overall: f64,
    /// The sensitive ones, called sensitive.
    pub sensitive: f64,
    /// The others, not called sensitive.
    pub other: f64,
}

/// Certified accuracy at one radius.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Certified {
    /// The perturbation's norm.
    pub norm: Norm,
    /// In input units.
    pub radius: f64,
    /// Sensitive samples with f > 0 and certified radius ≥ `radius`, as a fraction of all sensitive samples.
    pub accuracy: f64,
}

/// Evaluates the network as it will be exported.
pub fn evaluate(network: &Network<f32>, data: &Dataset) -> Evaluation {
    let network: Network<f64> = network.cast();
    let inputs = network.architecture.inputs();
    let mut evaluation = Evaluation { logits: vec![], gradients: vec![] };
    for rows in data.inputs.chunks(CHUNK * data.features().max(1)) {
        let psi: Vec<f64> = network.map.apply(rows);
        let pass = Pass::new(&network, &psi, Mode::Inference);
        let gradient = pass.input_gradient(&vec![1.0; pass.logits().len()]);
        evaluation.logits.extend_from_slice(pass.logits());
        evaluation.gradients.extend(gradient.chunks_exact(inputs).map(|g| Norm::ALL.map(|norm| norm.dual().of(g))));
    }
    evaluation
}

impl Evaluation {
    /// Accuracy at threshold 0.
    pub fn accuracy(&self, data: &Dataset) -> Accuracy {
        let right = |class: bool| {
            let pairs = self.logits.iter().zip(&data.sensitive);
            pairs.filter(|&(&f, &s)| s == class && (f > 0.0) == s).count()
        };
        let positives = data.sensitive.iter().filter(|&&s| s).count();
        let share = |right: usize, of: usize| if of == 0 { 1.0 } else { right as f64 / of as f64 };
        let (sensitive, other) = (right(true), right(false));
        Accuracy {
            samples: data.len(),
            overall: share(sensitive + other, data.len()),
            sensitive: share(sensitive, positives),
            other: share(other, data.len() - positives),
        }
    }

    /// The closed form r = f/(Lip_p(φ)·‖∇g‖_{p*}) (METHOD.md §1) in plain f64, for p = 1, 2, ∞: an estimate for
    /// reports; certificates come from the certifier, with rigorous rounding. 0 where f ≤ 0.
    pub fn radii(&self, network: &Network<f32>, norm: Norm) -> Vec<f64> {
        let column = Norm::ALL.iter().position(|&n| n == norm).expect("one of the three");
        let lipschitz = network.map.lipschitz(norm.p());
        let radius = |(&f, norms): (&f64, &[f64; 3])| if f > 0.0 { f / (lipschitz * norms[column]) } else { 0.0 };
        self.logits.iter().zip(&self.gradients).map(radius).collect()
    }
}

/// Certified accuracy of the sensitive class, from every sample's logit and radius.
pub fn certified(data: &Dataset, logits: &[f64], found: &[f64], norm: Norm, radius: f64) -> Certified {
    let positives = data.sensitive.iter().filter(|&&s| s).count();
    let samples = data.sensitive.iter().zip(logits).zip(found);
    let holds = samples.filter(|&((&s, &f), &r)| s && f > 0.0 && r >= radius).count();
    Certified { norm, radius, accuracy: if positives == 0 { 0.0 } else { holds as f64 / positives as f64 } }
}
