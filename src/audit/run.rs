//! Running every method and the attack on one model's inputs.

use crate::attack::Attack;
use crate::audit::adversarial::Adversarial;
use crate::audit::case::{Asked, Block, Case};
use crate::data::Bounds;
use crate::model::Enclosed;
use crate::norm::Norm;
use crate::proof::{Prover, replay};
use crate::query::Witness;
use crate::query::{Perturbation, Query};
use crate::radius::heads;
use crate::radius::run::{Answers, Questions, Timed};
use crate::radius::{Method, Samples, Subject};
use crate::report::records::{ATTACK, Found, Record, Replay};
use crate::report::rows::Row;
use rayon::prelude::*;
use std::time::Instant;

/// What to run.
pub struct Audit {
    /// The methods.
    pub methods: Vec<Box<dyn Method>>,
    /// The norms.
    pub norms: Vec<Norm>,
    /// How hard to look for witnesses.
    pub attack: Attack,
}

/// All that was learned about some inputs.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// One per (input, norm, method), in that order.
    pub records: Vec<Record>,
    /// One per (input, norm) and finder.
    pub found: Vec<Found>,
    /// At most one per (input, norm).
    pub adversarial: Vec<Adversarial>,
}

impl Findings {
    /// Those about other inputs than these.
    pub fn without(mut self, numbers: &[usize]) -> Findings {
        self.records.retain(|record| !numbers.contains(&record.input));
        self.found.retain(|found| !numbers.contains(&found.input));
        self.adversarial.retain(|row| !numbers.contains(&row.row));
        self
    }
}

/// Enough samples to take the batched route.
const FEW: usize = 16;

/// What the attack on one sample found, and its seconds.
struct Attacked {
    witness: Option<Witness>,
    seconds: f64,
}

/// Everything about one norm.
struct OneNorm<'a> {
    perturbation: Perturbation<'a>,
    /// One column per method.
    columns: Vec<Vec<Timed>>,
    /// Verified witnesses of every sample.
    found: Vec<Vec<Found>>,
    /// A row of the table that would pass, for every sample.
    adversarial: Vec<Option<Adversarial>>,
    /// What the kernel said, as `columns`.
    proofs: Vec<Vec<Replay>>,
}

/// Hears what is running and how many inputs it has just finished.
pub type Tick<'a> = &'a (dyn Fn(&str, usize) + Sync);

impl Audit {
    /// Ticks that blocks of `count` inputs in all give.
    pub fn ticks(&self, count: usize) -> usize {
        self.norms.len() * (self.methods.len() + 1) * count
    }

    fn questions<'a>(&'a self, case: &'a Case) -> Questions<'a> {
        let (model, methods, norms) = (&case.model, &self.methods, &self.norms);
        let (range, weights) = (case.range.as_ref().map(Bounds::ranges), case.weights.as_deref());
        Questions { model, methods, norms, range, weights, always: false }
    }

    /// How many of `count` inputs make a block.
    pub fn block(&self, case: &Case, count: usize) -> usize {
        self.questions(case).block(count)
    }

    /// (norm, method) of an input's records.
    pub fn columns(&self) -> Vec<(String, &'static str)> {
        let methods = || self.methods.iter().map(|method| method.name());
        self.norms.iter().flat_map(|norm| methods().map(|method| (norm.to_string(), method))).collect()
    }

    /// Everything about one block.
    pub fn answer(&self, case: &Case, block: &Block, tick: Tick) -> Findings {
        let what = |method: &dyn Method, norm: Norm| format!("{} {norm} {}", case.name, method.name());
        // Numbered as in the file, so that a sample's noise does not depend on which others are audited.
        let Answers { logits, columns } =
            self.questions(case).ask(block.values, block.numbers, &|m, norm, done| tick(&what(m, norm), done));
        let mut columns = columns.into_iter();
        let about = |prover: &Prover| prover.about_others(block.values, case.model.input_size());
        let prover =
            case.prover.as_ref().map_err(String::clone).and_then(|prover| about(prover).map_err(|why| why.to_string()));
        let asked = Asked { case, block, prover: prover.as_ref().map_err(String::as_str) };
        let answers = |&norm: &Norm| {
            let perturbation = case.perturbation(norm);
            let mut columns: Vec<Vec<Timed>> = columns.by_ref().take(self.methods.len()).collect();
            asked.settle(perturbation, &mut columns);
            let attacked = self.attack_all(&asked, &logits, perturbation, tick);
            let witnesses = |i: usize| self.witnesses(&asked, i, perturbation, &columns, &attacked[i]);
            let found: Vec<(Vec<Found>, Option<Witness>)> = (0..block.count()).into_par_iter().map(witnesses).collect();
            let (found, nearest): (Vec<Vec<Found>>, Vec<Option<Witness>>) = found.into_iter().unzip();
            let adversarial =
                nearest.par_iter().enumerate().map(|(i, witness)| asked.row(i, perturbation, witness.as_ref()?));
            let adversarial = adversarial.collect();
            let proofs = self.replay_all(&asked, perturbation, &mut columns, &found);
            OneNorm { perturbation, columns, found, adversarial, proofs }
        };
        let per_norm: Vec<OneNorm<'_>> = self.norms.iter().map(answers).collect();
        let mut findings = Findings::default();
        for (i, logit) in logits.iter().enumerate() {
            for answers in &per_norm {
                self.collect(&asked, i, logit.value, answers, &mut findings);
            }
        }
        findings
    }

    /// Fills the caches of the model and of every thread, so that the first method does not pay for them.
    pub fn warm_up(&self, case: &Case, block: &Block) {
        if let (Some(method), Some(&norm)) = (self.methods.first(), self.norms.first()) {
            let perturbation = case.perturbation(norm);
            if method.in_blocks() && heads::applies(method.as_ref(), &case.model, perturbation).is_ok() {
                let size = case.model.input_size();
                let few = &block.values[..block.count().min(FEW) * size];
                rayon::broadcast(|_| {
                    heads::certify(method.as_ref(), &case.model, Samples::new(few, size), perturbation)
                });
            }
        }
    }

    fn attack_all(
        &self,
        asked: &Asked,
        logits: &[Enclosed],
        perturbation: Perturbation,
        tick: Tick,
    ) -> Vec<Option<Attacked>> {
        let Asked { case, block, .. } = asked;
        let what = format!("{} {} attack", case.name, perturbation.norm);
        let one = |i: usize| {
            let start = Instant::now();
            let attacked = (logits[i].upper() > 0.0).then(|| {
                let query = Query { index: block.numbers[i], ..asked.query(i, perturbation) };
                let nearest = asked.nearest_others(query);
                let witness = self.attack.nearest(query, &nearest);
                Attacked { witness, seconds: start.elapsed().as_secs_f64() }
            });
            tick(&what, 1);
            attacked
        };
        (0..block.count()).into_par_iter().map(one).collect()
    }

    /// The kernel replays every radius that has evidence; one that a witness refutes stays what it claims to be, so that
    /// it shows as a violation.
    fn replay_all(
        &self,
        asked: &Asked,
        perturbation: Perturbation,
        columns: &mut [Vec<Timed>],
        found: &[Vec<Found>],
    ) -> Vec<Vec<Replay>> {
        let one = |(index, answer): (usize, &mut Timed)| {
            let refuted = nearest(&found[index]).zip(answer.outcome.radius()).is_some_and(|(d, r)| r.value() >= d);
            if refuted || answer.outcome.radius().is_none() {
                return Replay::Nothing;
            }
            match replay(asked.prover, asked.query(index, perturbation), &mut answer.outcome) {
                Some(_) => Replay::Accepted,
                None => Replay::Refused,
            }
        };
        let column = |(method, column): (&dyn Method, &mut Vec<Timed>)| match method.has_evidence() {
            true => column.par_iter_mut().enumerate().map(one).collect(),
            false => vec![Replay::Nothing; column.len()],
        };
        self.methods.iter().map(AsRef::as_ref).zip(columns).map(column).collect()
    }

    /// The records of sample `i` and one norm.
    fn collect(&self, asked: &Asked, i: usize, logit: f64, answers: &OneNorm<'_>, findings: &mut Findings) {
        let Asked { case, block, .. } = asked;
        let found = &answers.found[i];
        let nearest = nearest(found).map(|d| format!("{d:?}")).unwrap_or_default();
        findings.found.extend(found.iter().cloned());
        findings.adversarial.extend(answers.adversarial[i].clone());
        for ((method, column), proofs) in self.methods.iter().zip(&answers.columns).zip(&answers.proofs) {
            let (method, norm) = (method.as_ref(), answers.perturbation.norm.to_string());
            let row = Row::new(block.numbers[i], block.labels[i].clone(), logit, norm, method, &column[i]);
            let upper = if method.subject() == Subject::Base { nearest.clone() } else { String::new() };
            findings.records.push(Record { upper, proof: proofs[i], ..Record::new(&case.name, row) });
        }
    }

    /// Verified witnesses of sample `i`, and the nearest one. A method's own counts after it has been verified here too.
    fn witnesses(
        &self,
        asked: &Asked,
        i: usize,
        perturbation: Perturbation,
        columns: &[Vec<Timed>],
        attacked: &Option<Attacked>,
    ) -> (Vec<Found>, Option<Witness>) {
        let mut nearest: Option<Witness> = None;
        let mut found = |finder: &str, witness: Option<Witness>, seconds: f64| {
            let found = Found {
                model: asked.case.name.clone(),
                input: asked.block.numbers[i],
                norm: perturbation.norm.to_string(),
                finder: finder.into(),
                change: witness.as_ref().map(|w| asked.change(i, &w.point)).unwrap_or_default(),
                distance: witness.as_ref().map(|w| w.distance),
                seconds,
            };
            let both = nearest.take().into_iter().chain(witness);
            nearest = both.min_by(|a, b| a.distance.total_cmp(&b.distance));
            found
        };
        let mut all = Vec::new();
        for (method, column) in self.methods.iter().zip(columns) {
            if let (Subject::Base, Some(claimed)) = (method.subject(), &column[i].outcome.witness) {
                let query = asked.query(i, perturbation);
                let exactly = || {
                    let shown = asked.prover.is_ok_and(|prover| prover.shows(query, claimed));
                    shown.then(|| claimed.clone())
                };
                let verified = query.check(&claimed.point);
                let verified = verified.or_else(exactly);
                all.push(found(method.name(), verified, 0.0));
            }
        }
        if let Some(attacked) = attacked {
            all.push(found(ATTACK, attacked.witness.clone(), attacked.seconds));
        }
        (all, nearest)
    }
}

/// The least distance of a witness.
fn nearest(found: &[Found]) -> Option<f64> {
    found.iter().filter_map(|f| f.distance).min_by(f64::total_cmp)
}
