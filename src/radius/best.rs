//! The largest sound radius of several methods.

use super::{Guarantee, Method, Outcome, Samples, Subject, Verdict};
use crate::model::Model;
use crate::perturbation::Perturbation;

/// The largest certified radius of its methods, sample by sample; the detail says whose it is.
///
/// - Requirement: one of the methods applies.
/// - Guarantee: sound; only methods that certify the base classifier are asked.
/// - Method: all of them, and the maximum.
/// - Cost: the sum.
pub struct Best {
    methods: Vec<Box<dyn Method>>,
}

impl Best {
    /// Keeps those of `methods` that give proven radii of the base classifier.
    pub fn new(methods: Vec<Box<dyn Method>>) -> Best {
        let sound = |m: &dyn Method| m.subject() == Subject::Base && m.guarantee() != Guarantee::Probabilistic;
        Best { methods: methods.into_iter().filter(|m| sound(m.as_ref())).collect() }
    }
}

impl Method for Best {
    fn name(&self) -> &'static str {
        "best"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Sound
    }

    fn has_evidence(&self) -> bool {
        self.methods.iter().all(|method| method.has_evidence())
    }

    fn batch(&self) -> usize {
        8
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        let mut best: Vec<Option<Outcome>> = vec![None; samples.count()];
        for method in &self.methods {
            for (slot, mut outcome) in best.iter_mut().zip(method.certify(model, samples, perturbation)) {
                outcome.detail = match outcome.detail.as_str() {
                    "" => method.name().to_string(),
                    detail => format!("{}: {detail}", method.name()),
                };
                *slot = Some(match slot.take() {
                    None => outcome,
                    Some(before) => better(before, outcome),
                });
            }
        }
        let nothing = || Outcome::plain(Verdict::Unknown("no method was asked".into()));
        best.into_iter().map(|outcome| outcome.unwrap_or_else(nothing)).collect()
    }
}

/// The larger radius, with the nearer of the two witnesses; an answer beats `unknown`.
fn better(a: Outcome, b: Outcome) -> Outcome {
    let rank = |o: &Outcome| match &o.verdict {
        Verdict::Certified(radius) => radius.value(),
        Verdict::NotSensitive => -1.0,
        Verdict::Abstain(_) => -2.0,
        Verdict::Unknown(_) => -3.0,
    };
    let (mut winner, other) = if rank(&b) > rank(&a) { (b, a) } else { (a, b) };
    let distance = |o: &Outcome| o.witness.as_ref().map_or(f64::INFINITY, |w| w.distance);
    if distance(&other) < distance(&winner) {
        winner.witness = other.witness;
    }
    winner
}
