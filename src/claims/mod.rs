//! Audit of claims: radii from any tool, each confirmed by a certificate, refuted by a witness, or left undecided.
//!
//! A claim r means the open ball ‖δ‖ < r (METHOD §6), r the exact value of the decimal that is written. Both
//! answers rest on the kernel alone, the comparison of radii included; floats say what is worth a try. The open ball of
//! radius 0 is empty: that claim states nothing, and is confirmed whatever f is.

mod read;

pub use read::{Claim, Claims, read_claims};

use crate::attack::Attack;
use crate::model::Model;
use crate::proof::{Claimed, Prover};
use crate::query::Witness;
use crate::query::{Perturbation, Query};
use crate::radius::exact::Exact;
use crate::radius::heads;
use crate::radius::lp::{Lp, LpSolver};
use crate::radius::sharp::Sharp;
use crate::radius::{Method, Outcome, Radius, Samples};
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;

/// How far above a proven radius a claim may be for its certificate to be worth a try: the difference may be rounding.
const ROUNDING: f64 = 1e-6;

/// What the audit says of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// A certificate proves it.
    Confirmed,
    /// A witness lies strictly within the radius.
    Refuted,
    /// Neither was found.
    Undecided,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Confirmed => "confirmed",
            Answer::Refuted => "refuted",
            Answer::Undecided => "undecided",
        })
    }
}

/// A claim's answer and what it rests on.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The answer.
    pub answer: Answer,
    /// The nearest witness known, whether or not it refutes the claim.
    pub witness: Option<Witness>,
    /// The accepted certificate.
    pub certificate: Option<String>,
    /// The largest radius that the kernel has accepted a certificate for, where it has any.
    pub proven: Option<Radius>,
    /// In words.
    pub detail: String,
}

/// What claims are decided with.
pub struct Auditor<'a> {
    /// The network.
    pub model: &'a Model,
    /// `[count × size]`.
    pub inputs: &'a [f64],
    /// The same as the kernel sees them.
    pub prover: &'a Prover,
    /// Of every norm, if there are some; the prover has the same.
    pub weights: Option<&'a [f64]>,
    /// Who solves the linear programs.
    pub solver: LpSolver,
    /// How hard to look for witnesses.
    pub attack: Attack,
}

impl Auditor<'_> {
    /// One decision per claim, in order; in parallel over inputs, norms and boxes. `done` hears of every claim.
    pub fn decide<'q>(&'q self, claims: &'q [Claim<'q>], done: &(dyn Fn() + Sync)) -> Vec<Decision> {
        let mut order: Vec<usize> = (0..claims.len()).collect();
        let key = |&i: &usize| (claims[i].input, claims[i].perturbation.norm.to_string(), claims[i].range.clone());
        order.sort_by_key(key);
        let groups: Vec<&[usize]> = order.chunk_by(|a, b| key(a) == key(b)).collect();
        let one = |group: &&[usize]| {
            let mut question = Question::new(self, &claims[group[0]]);
            let decision = |&i: &usize| {
                let decision = (i, question.decide(&claims[i].claimed));
                done();
                decision
            };
            group.iter().map(decision).collect::<Vec<_>>()
        };
        let mut decisions: Vec<(usize, Decision)> = groups.par_iter().flat_map_iter(one).collect();
        decisions.sort_by_key(|(i, _)| *i);
        decisions.into_iter().map(|(_, decision)| decision).collect()
    }
}

/// One input, norm and box, with what has been found out about it so far.
struct Question<'a> {
    auditor: &'a Auditor<'a>,
    query: Query<'a>,
    /// Outcomes of methods with evidence, weakest first.
    outcomes: Vec<Outcome>,
    /// Methods that have not been asked yet, last one first.
    waiting: Vec<Box<dyn Method>>,
    attacked: bool,
    witness: Option<Witness>,
    proven: Option<Radius>,
}

impl<'a> Question<'a> {
    fn new(auditor: &'a Auditor<'a>, claim: &Claim<'a>) -> Question<'a> {
        let size = auditor.model.input_size();
        let x = &auditor.inputs[claim.input * size..(claim.input + 1) * size];
        let perturbation = Perturbation { weights: auditor.weights, ..claim.perturbation };
        let query = Query { model: auditor.model, x, index: claim.input, perturbation };
        let waiting: Vec<Box<dyn Method>> =
            vec![Box::new(Exact::default()), Box::new(Lp::new(auditor.solver)), Box::new(Sharp)];
        // The attack measures plain norms only.
        let weighted = auditor.weights.is_some();
        Question { auditor, query, outcomes: Vec::new(), waiting, attacked: weighted, witness: None, proven: None }
    }

    fn perturbation(&self) -> Perturbation<'_> {
        self.query.perturbation
    }

    fn decide(&mut self, claim: &Claimed) -> Decision {
        if claim.is_empty() {
            return self.decision(
                Answer::Confirmed,
                None,
                "the open ball of radius 0 is empty: it states nothing".into(),
            );
        }
        match self.auditor.prover.logit_sign(self.query.index) {
            Ok(1) => {}
            Ok(_) => {
                self.consider(Some(Witness { point: self.query.x.to_vec(), distance: 0.0 }));
                return self.refute(claim, "the input itself has f ≤ 0");
            }
            Err(why) => return self.decision(Answer::Undecided, None, why.to_string()),
        }
        loop {
            if let Some((certificate, proven)) = self.confirm(claim) {
                self.has_proven(proven);
                return self.decision(Answer::Confirmed, Some(certificate), String::new());
            }
            let near = |witness: &Witness| witness.distance * (1.0 - ROUNDING) <= claim.nearest();
            if self.witness.as_ref().is_some_and(near) {
                let refuted = self.refute(claim, "");
                if refuted.answer == Answer::Refuted {
                    return refuted;
                }
            }
            if !self.look_further() {
                let detail = "between the proven radius and the nearest witness";
                return self.decision(Answer::Undecided, None, detail.into());
            }
        }
    }

    /// A certificate by the best slopes at hand, and what it proves.
    fn confirm(&self, claim: &Claimed) -> Option<(String, Radius)> {
        for outcome in self.outcomes.iter().rev() {
            let proven = outcome.radius().map_or(0.0, Radius::value);
            if claim.nearest() > proven * (1.0 + ROUNDING) {
                continue;
            }
            let evidence = outcome.evidence.as_ref();
            if let Ok(confirmed) = self.auditor.prover.confirm_claim(self.query, evidence, claim) {
                return Some(confirmed);
            }
        }
        None
    }

    /// The witness at hand as a certificate of a distance below the claim.
    fn refute(&self, claim: &Claimed, detail: &str) -> Decision {
        let witness = self.witness.as_ref().expect("a witness");
        match self.auditor.prover.refute_claim(self.query, witness, claim) {
            Ok(certificate) => self.decision(Answer::Refuted, Some(certificate), detail.into()),
            Err(why) => self.decision(Answer::Undecided, None, why.to_string()),
        }
    }

    /// Asks the next method, and the attack last; says whether there was anything left.
    fn look_further(&mut self) -> bool {
        let Auditor { model, attack, .. } = self.auditor;
        if let Some(method) = self.waiting.pop() {
            let samples = Samples { first: self.query.index, ..Samples::new(self.query.x, self.query.x.len()) };
            let outcome = heads::certify(method.as_ref(), model, samples, self.perturbation()).remove(0);
            self.consider(outcome.witness.clone());
            if let Ok(proof) = self.auditor.prover.prove(self.query, &outcome) {
                self.has_proven(proof.radius);
            }
            self.outcomes.push(outcome);
            return true;
        }
        if self.attacked {
            return false;
        }
        self.attacked = true;
        let others: Vec<&[f64]> = Vec::new();
        self.consider(attack.nearest(self.query, &others));
        true
    }

    fn has_proven(&mut self, radius: Radius) {
        if self.proven.is_none_or(|before| before < radius) {
            self.proven = Some(radius);
        }
    }

    fn consider(&mut self, witness: Option<Witness>) {
        let distance = |w: &Option<Witness>| w.as_ref().map_or(f64::INFINITY, |w| w.distance);
        if witness.is_some() && (self.witness.is_none() || distance(&witness) < distance(&self.witness)) {
            self.witness = witness;
        }
    }

    fn decision(&self, answer: Answer, certificate: Option<String>, detail: String) -> Decision {
        let detail = self.perturbation().mark(detail);
        Decision { answer, witness: self.witness.clone(), certificate, proven: self.proven, detail }
    }
}
