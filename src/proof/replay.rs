//! The kernel's word on the answers of a run: what it accepts stays, what it refuses is not proven.

use super::{Proof, Prover};
use crate::query::Query;
use crate::radius::{Outcome, Verdict};

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
    let (None, Ok(prover), Verdict::Certified(radius)) = (&proof, prover, claimed.clone()) else { return proof };
    let found = Outcome { verdict: claimed, ..outcome.clone() };
    let proof = prover.prove_less(query, &found).ok()?;
    outcome.verdict = Verdict::Certified(proof.radius);
    outcome.detail += &format!("; {radius} is not proven, this radius is");
    Some(proof)
}

/// Reasons of refusals with their counts, most frequent first. Those that differ in nothing but what was found are one,
/// shown by the first of them.
pub fn grouped<'a>(reasons: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut groups: Vec<(&str, &str, usize)> = Vec::new();
    for reason in reasons {
        let kind = reason.rsplit_once(FOUND).map_or(reason, |(kind, _)| kind);
        match groups.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, _, count)) => *count += 1,
            None => groups.push((kind, reason, 1)),
        }
    }
    groups.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    groups.into_iter().map(|(_, reason, count)| (reason.to_string(), count)).collect()
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
        assert_eq!(grouped(reasons.into_iter()), expected);
    }
}
