//! The largest sound radius of several methods.

use crate::model::Model;
use crate::query::Perturbation;
use crate::query::Witness;
use crate::radius::{Cost, Guarantee, Method, Needs, Outcome, Samples, Setting, Subject, Verdict};
use std::time::Instant;

/// The largest certified radius of its methods, sample by sample; the detail says whose it is.
///
/// - Requirement: one of the methods applies.
/// - Guarantee: exact where the largest radius meets the nearest witness of them all, else sound; only methods that
///   certify the base classifier are asked.
/// - Method: one after the other until the nearest witness says that there is nothing left to gain, or time is up; then
///   the maximum. The time limits of the methods themselves are theirs.
/// - Cost: the sum.
pub struct Best {
    methods: Vec<Box<dyn Method>>,
    /// Seconds per sample after which no further method is asked.
    seconds: f64,
}

impl Best {
    /// Keeps those of `methods` that give proven radii of the base classifier, cheapest first; of the searches only those
    /// that go on until both sides meet, which the others are the beginning of.
    pub fn new(mut methods: Vec<Box<dyn Method>>, seconds: f64) -> Best {
        methods.retain(|m| m.subject() == Subject::Base && m.guarantee() != Guarantee::Probabilistic);
        methods.retain(|m| m.cost() != Cost::Search || m.guarantee() == Guarantee::Exact);
        methods.sort_by_key(|m| m.cost());
        Best { methods, seconds }
    }

    /// The methods that are asked, in this order.
    pub fn methods(&self) -> impl Iterator<Item = &dyn Method> {
        self.methods.iter().map(AsRef::as_ref)
    }
}

impl Method for Best {
    fn name(&self) -> &'static str {
        "best"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Exact
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn cost(&self) -> Cost {
        Cost::Search
    }

    fn settings(&self) -> &'static [Setting] {
        &[Setting::Seconds]
    }

    fn applies(&self, model: &Model, perturbation: Perturbation) -> Result<(), String> {
        let none = Err("no method is left".into());
        self.methods.iter().fold(none, |before, method| before.or_else(|_| method.applies(model, perturbation)))
    }

    fn has_evidence(&self) -> bool {
        self.methods.iter().all(|method| method.has_evidence())
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        (0..samples.count()).map(|i| self.one(model, samples.one(i), perturbation)).collect()
    }
}

impl Best {
    fn one(&self, model: &Model, sample: Samples, perturbation: Perturbation) -> Outcome {
        let started = Instant::now();
        let mut best: Option<Outcome> = None;
        for method in &self.methods {
            if best.as_ref().is_some_and(is_settled) || started.elapsed().as_secs_f64() >= self.seconds {
                break;
            }
            let mut outcome = method.certify(model, sample, perturbation).remove(0);
            outcome.detail = match outcome.detail.as_str() {
                "" => method.name().to_string(),
                detail => format!("{}: {detail}", method.name()),
            };
            best = Some(match best.take() {
                None => outcome,
                Some(before) => better(before, outcome),
            });
        }
        best.unwrap_or_else(|| Outcome::plain(Verdict::Unknown("no method was asked".into())))
    }
}

/// Whether no method can do better.
fn is_settled(outcome: &Outcome) -> bool {
    outcome.verdict == Verdict::NotSensitive || outcome.is_exact()
}

/// The larger radius, with the nearer of the two witnesses; an answer beats `unknown`.
fn better(a: Outcome, b: Outcome) -> Outcome {
    let rank = |o: &Outcome| match &o.verdict {
        Verdict::Certified(radius) => radius.value(),
        Verdict::NotSensitive => -1.0,
        Verdict::Abstain(_) => -2.0,
        Verdict::Unknown(_) | Verdict::NotProven(_) | Verdict::NotAsked(_) => -3.0,
    };
    let (mut winner, other) = if rank(&b) > rank(&a) { (b, a) } else { (a, b) };
    winner.witness = nearer(winner.witness, other.witness);
    let nearest = winner.witness.as_ref().map_or(f64::INFINITY, |witness| witness.distance);
    winner.tie = nearer(winner.tie, other.tie).filter(|tie| tie.distance < nearest);
    winner
}

fn nearer(a: Option<Witness>, b: Option<Witness>) -> Option<Witness> {
    a.into_iter().chain(b).min_by(|a, b| a.distance.total_cmp(&b.distance))
}
