//! Running every method and the attack on one model's inputs.

use crate::attack::Attack;
use crate::model::{Enclosed, Logit, Model};
use crate::norm::Norm;
use crate::proof::{ModelBytes, Prover, npy, replay};
use crate::query::Witness;
use crate::query::{Perturbation, Query, Range};
use crate::radius::heads;
use crate::radius::run::{Answers, Questions, Timed};
use crate::radius::{Method, Samples, Subject};
use crate::report::records::{ATTACK, Found, Record, Replay};
use crate::report::rows::Row;
use rayon::prelude::*;
use std::time::Instant;
use underplane_kernel as kernel;

/// A model with the inputs that it is audited on.
#[derive(Debug)]
pub struct Case {
    /// Short name.
    pub name: String,
    /// The network.
    pub model: Model,
    /// The file that it was read from, which the kernel reads for itself.
    pub onnx: ModelBytes<'static>,
    /// Which function of the model's outputs is f.
    pub logit: Logit,
    /// `[count × input size]`, all inside the box.
    pub values: Vec<f64>,
    /// `[count]`: where each input stands in its file.
    pub numbers: Vec<usize>,
    /// `[count]`: labels, or empty texts.
    pub labels: Vec<String>,
    /// The box.
    pub range: Option<Range>,
}

/// What to run.
pub struct Audit {
    /// The methods.
    pub methods: Vec<Box<dyn Method>>,
    /// The norms.
    pub norms: Vec<Norm>,
    /// How hard to look for witnesses.
    pub attack: Attack,
}

/// All that was learned about one case.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// One per (input, norm, method), in that order.
    pub records: Vec<Record>,
    /// One per (input, norm) and finder.
    pub found: Vec<Found>,
}

/// The first `sensitive` samples with f > 0 and the first `others` with f ≤ 0, in order; `logits` `[count]`.
pub fn select(logits: &[Enclosed], sensitive: usize, others: usize) -> Vec<usize> {
    let (mut sensitive_left, mut others_left) = (sensitive, others);
    let wanted = |&i: &usize| {
        let left = if logits[i].lower() > 0.0 { &mut sensitive_left } else { &mut others_left };
        let take = *left > 0;
        *left -= usize::from(take);
        take
    };
    (0..logits.len()).filter(wanted).collect()
}

impl Case {
    /// Number of inputs.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    fn sample(&self, i: usize) -> &[f64] {
        let size = self.model.input_size();
        &self.values[i * size..(i + 1) * size]
    }

    /// A question about sample `index` of those kept.
    fn query<'a>(&'a self, index: usize, perturbation: Perturbation<'a>) -> Query<'a> {
        Query { model: &self.model, x: self.sample(index), index, perturbation }
    }

    /// Keeps the samples at `indices`.
    pub fn keep(&mut self, indices: &[usize]) {
        self.values = indices.iter().flat_map(|&i| self.sample(i).to_vec()).collect();
        self.numbers = indices.iter().map(|&i| self.numbers[i]).collect();
        self.labels = indices.iter().map(|&i| self.labels[i].clone()).collect();
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
struct OneNorm {
    perturbation: Perturbation<'static>,
    /// One column per method.
    columns: Vec<Vec<Timed>>,
    /// Verified witnesses of every sample.
    found: Vec<Vec<Found>>,
    /// What the kernel said, as `columns`.
    proofs: Vec<Vec<Replay>>,
}

/// Hears what is running and how many inputs it has just finished.
pub type Tick<'a> = &'a (dyn Fn(&str, usize) + Sync);

impl Audit {
    /// Ticks that [`Audit::case`] gives for a case of `count` inputs.
    pub fn ticks(&self, count: usize) -> usize {
        self.norms.len() * (self.methods.len() + 1) * count
    }

    /// Everything about one case.
    pub fn case(&self, case: &Case, tick: Tick) -> Findings {
        self.warm_up(case);
        let ask = Questions {
            model: &case.model,
            methods: &self.methods,
            norms: &self.norms,
            range: case.range,
            weights: None,
            always: false,
        };
        let what = |method: &dyn Method, norm: Norm| format!("{} {norm} {}", case.name, method.name());
        // Numbered as in the file, so that a sample's noise does not depend on which others are audited.
        let Answers { logits, columns } =
            ask.ask_all(&case.values, &case.numbers, &|method, norm, done| tick(&what(method, norm), done));
        let mut columns = columns.into_iter();
        let size = case.model.input_size();
        let inputs = kernel::Inputs::read(&npy(&case.values, size));
        let prover = inputs.and_then(|inputs| Prover::about(&case.onnx, case.logit.clone(), inputs));
        let prover = prover.map_err(|why| why.to_string());
        let prover = prover.as_ref().map_err(String::as_str);
        let answers = |&norm: &Norm| {
            let perturbation = Perturbation { norm, range: case.range, weights: None };
            let mut columns: Vec<Vec<Timed>> = columns.by_ref().take(self.methods.len()).collect();
            settle(case, perturbation, prover, &mut columns);
            let attacked = self.attack_all(case, &logits, perturbation, tick);
            let witnesses = |i: usize| self.witnesses(case, i, perturbation, prover, &columns, &attacked[i]);
            let found: Vec<Vec<Found>> = (0..case.count()).into_par_iter().map(witnesses).collect();
            let proofs = self.replay_all(case, perturbation, prover, &mut columns, &found);
            OneNorm { perturbation, columns, found, proofs }
        };
        let per_norm: Vec<OneNorm> = self.norms.iter().map(answers).collect();
        let mut findings = Findings::default();
        for (i, logit) in logits.iter().enumerate() {
            for answers in &per_norm {
                self.collect(case, i, logit.value, answers, &mut findings);
            }
        }
        findings
    }

    /// Fills the caches of the model and of every thread, so that the first method does not pay for them.
    fn warm_up(&self, case: &Case) {
        if let (Some(method), Some(&norm)) = (self.methods.first(), self.norms.first()) {
            let perturbation = Perturbation { norm, range: case.range, weights: None };
            if method.in_blocks() && heads::applies(method.as_ref(), &case.model, perturbation).is_ok() {
                let size = case.model.input_size();
                let few = &case.values[..case.count().min(FEW) * size];
                rayon::broadcast(|_| {
                    heads::certify(method.as_ref(), &case.model, Samples::new(few, size), perturbation)
                });
            }
        }
    }

    fn attack_all(
        &self,
        case: &Case,
        logits: &[Enclosed],
        perturbation: Perturbation,
        tick: Tick,
    ) -> Vec<Option<Attacked>> {
        let others: Vec<&[f64]> =
            (0..case.count()).filter(|&i| logits[i].upper() <= 0.0).map(|i| case.sample(i)).collect();
        let what = format!("{} {} attack", case.name, perturbation.norm);
        let one = |i: usize| {
            let start = Instant::now();
            let attacked = (logits[i].upper() > 0.0).then(|| {
                let x = case.sample(i);
                let nearest = nearest_first(x, &others, perturbation.norm);
                let witness =
                    self.attack.nearest(Query { index: case.numbers[i], ..case.query(i, perturbation) }, &nearest);
                Attacked { witness, seconds: start.elapsed().as_secs_f64() }
            });
            tick(&what, 1);
            attacked
        };
        (0..case.count()).into_par_iter().map(one).collect()
    }

    /// The kernel replays every radius that has evidence; one that a witness refutes stays what it claims to be, so that
    /// it shows as a violation.
    fn replay_all(
        &self,
        case: &Case,
        perturbation: Perturbation,
        prover: Result<&Prover, &str>,
        columns: &mut [Vec<Timed>],
        found: &[Vec<Found>],
    ) -> Vec<Vec<Replay>> {
        let one = |(index, answer): (usize, &mut Timed)| {
            let refuted = nearest(&found[index]).zip(answer.outcome.radius()).is_some_and(|(d, r)| r.value() >= d);
            if refuted || answer.outcome.radius().is_none() {
                return Replay::Nothing;
            }
            let query = case.query(index, perturbation);
            match replay(prover, query, &mut answer.outcome) {
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
    fn collect(&self, case: &Case, i: usize, logit: f64, answers: &OneNorm, findings: &mut Findings) {
        let found = &answers.found[i];
        let nearest = nearest(found).map(|d| format!("{d:?}")).unwrap_or_default();
        findings.found.extend(found.iter().cloned());
        for ((method, column), proofs) in self.methods.iter().zip(&answers.columns).zip(&answers.proofs) {
            let (method, norm) = (method.as_ref(), answers.perturbation.norm.to_string());
            let row = Row::new(case.numbers[i], case.labels[i].clone(), logit, norm, method, &column[i]);
            let upper = if method.subject() == Subject::Base { nearest.clone() } else { String::new() };
            findings.records.push(Record { upper, proof: proofs[i], ..Record::new(&case.name, row) });
        }
    }

    /// Verified witnesses of sample `i`. A method's own counts after it has been verified here too.
    fn witnesses(
        &self,
        case: &Case,
        i: usize,
        perturbation: Perturbation,
        prover: Result<&Prover, &str>,
        columns: &[Vec<Timed>],
        attacked: &Option<Attacked>,
    ) -> Vec<Found> {
        let found = |finder: &str, witness: Option<Witness>, seconds: f64| Found {
            model: case.name.clone(),
            input: case.numbers[i],
            norm: perturbation.norm.to_string(),
            finder: finder.into(),
            distance: witness.map(|w| w.distance),
            seconds,
        };
        let mut all = Vec::new();
        for (method, column) in self.methods.iter().zip(columns) {
            if let (Subject::Base, Some(claimed)) = (method.subject(), &column[i].outcome.witness) {
                let query = case.query(i, perturbation);
                let exactly = || {
                    let shown = prover.is_ok_and(|prover| prover.shows(query, claimed));
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
        all
    }
}

/// Ties become witnesses where the exact logit is ≤ 0.
fn settle(case: &Case, perturbation: Perturbation, prover: Result<&Prover, &str>, columns: &mut [Vec<Timed>]) {
    let Ok(prover) = prover else { return };
    for (index, answer) in columns.iter_mut().flat_map(|column| column.iter_mut().enumerate()) {
        prover.settle(case.query(index, perturbation), &mut answer.outcome);
    }
}

/// The least distance of a witness.
fn nearest(found: &[Found]) -> Option<f64> {
    found.iter().filter_map(|f| f.distance).min_by(f64::total_cmp)
}

fn nearest_first<'a>(x: &[f64], others: &[&'a [f64]], norm: Norm) -> Vec<&'a [f64]> {
    let distance = |other: &[f64]| norm.upper(&other.iter().zip(x).map(|(o, x)| o - x).collect::<Vec<_>>());
    let mut sorted: Vec<(f64, &[f64])> = others.iter().map(|&other| (distance(other), other)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    sorted.into_iter().map(|(_, other)| other).collect()
}
