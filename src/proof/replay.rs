//! The kernel's word on the answers of a run: what it accepts stays, what it refuses is not proven.

use super::{Proof, Prover};
use crate::query::Query;
use crate::radius::{Outcome, Radius, Verdict};

/// Has the kernel replay the evidence of a certified radius. Its radius is the proven one then, perhaps a few roundings
/// smaller; where the kernel refuses (or has refused the model: `prover` says why) the outcome is not proven, with
/// the reason. `None` where nothing has been proven.
pub fn replay(prover: Result<&Prover, &str>, query: Query, outcome: &mut Outcome) -> Option<Proof> {
    outcome.radius()?;
    let proof = match prover {
        Ok(prover) => prover.prove(query, outcome).map_err(|why| why.to_string()),
        Err(why) => Err(format!("the kernel refuses the model: {why}")),
    };
    match proof {
        Ok(proof) => {
            outcome.verdict = Verdict::Certified(proof.radius);
            Some(proof)
        }
        Err(why) => {
            outcome.verdict = Verdict::NotProven(why);
            None
        }
    }
}

/// The same, but where the kernel accepts less than the radius, that is the outcome's, and `detail` says so: for whoever
/// wants certificates. An audit, which asks whether a method is right, must not be content with less.
pub fn replay_or_less(prover: Result<&Prover, &str>, query: Query, outcome: &mut Outcome) -> Option<Proof> {
    let claimed = outcome.verdict.clone();
    let proof = replay(prover, query, outcome);
    let Verdict::Certified(radius) = claimed else { return proof };
    if proof.as_ref().is_some_and(|proof| proof.radius.value() < radius.value() * (1.0 - ROUNDINGS)) {
        outcome.detail += &less(radius);
    }
    let (None, Ok(prover)) = (&proof, prover) else { return proof };
    let found = Outcome { verdict: Verdict::Certified(radius), ..outcome.clone() };
    let proof = prover.prove_less(query, &found).ok()?;
    outcome.verdict = Verdict::Certified(proof.radius);
    outcome.detail += &less(radius);
    Some(proof)
}

/// A relative loss that is no more than roundings; a larger one is said.
const ROUNDINGS: f64 = 1e-6;

fn less(radius: Radius) -> String {
    format!("; {radius} is not proven, this radius is")
}

/// Reasons of refusals with their counts. Those that differ in nothing but what was found are one, shown by the first of
/// them.
#[derive(Clone, Debug, Default)]
pub struct Groups(Vec<(String, usize)>);

impl Groups {
    /// One more.
    pub fn add(&mut self, reason: &str) {
        self.add_all(reason, 1);
    }

    /// Those that came next.
    pub fn extend(&mut self, next: &Groups) {
        next.0.iter().for_each(|(reason, count)| self.add_all(reason, *count));
    }

    fn add_all(&mut self, reason: &str, more: usize) {
        match self.0.iter_mut().find(|(known, _)| kind(known) == kind(reason)) {
            Some((_, count)) => *count += more,
            None => self.0.push((reason.to_string(), more)),
        }
    }

    /// All of them.
    pub fn count(&self) -> usize {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The most frequent first.
    pub fn sorted(&self) -> Vec<(String, usize)> {
        let mut sorted = self.0.clone();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        sorted
    }
}

/// A reason without what was found.
fn kind(reason: &str) -> &str {
    reason.rsplit_once(FOUND).map_or(reason, |(kind, _)| kind)
}

/// What stands before the part of a rejection that differs from input to input.
const FOUND: &str = ", found ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_one_kind_are_one_group() {
        let reasons =
            ["budget", "not-proven: margin: expected > 0, found -1", "not-proven: margin: expected > 0, found -2"];
        let expected = [("not-proven: margin: expected > 0, found -1".to_string(), 2), ("budget".to_string(), 1)];
        let mut groups = Groups::default();
        reasons.into_iter().for_each(|reason| groups.add(reason));
        assert_eq!((groups.sorted(), groups.count()), (expected.into(), 3));
    }
}
