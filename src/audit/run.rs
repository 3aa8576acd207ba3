//! Running every method and the attack on one model's inputs.

use super::attack::Attack;
use super::methods::Rung;
use crate::model::{Enclosed, Model};
use crate::perturbation::{Norm, Perturbation, Range};
use crate::radius::run::{Timed, run};
use crate::radius::{Outcome, Samples, Subject, Verdict, Witness, witness};
use crate::report::records::{Found, NOT_APPLICABLE, Record};
use crate::report::rows::Row;
use rayon::prelude::*;
use std::time::Instant;

/// A model with the inputs that it is audited on.
#[derive(Debug)]
pub struct Case {
    /// Short name.
    pub name: String,
    /// The network.
    pub model: Model,
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
    pub rungs: Vec<Rung>,
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

/// f at every sample, in batches.
pub fn logits(model: &Model, values: &[f64]) -> Vec<Enclosed> {
    values.chunks(100 * model.input_size()).flat_map(|part| model.enclose(part)).collect()
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

    /// Keeps the samples at `indices`.
    pub fn keep(&mut self, indices: &[usize]) {
        self.values = indices.iter().flat_map(|&i| self.sample(i).to_vec()).collect();
        self.numbers = indices.iter().map(|&i| self.numbers[i]).collect();
        self.labels = indices.iter().map(|&i| self.labels[i].clone()).collect();
    }
}

impl Audit {
    /// Ticks that [`Audit::case`] gives for a case of `count` inputs.
    pub fn ticks(&self, count: usize) -> usize {
        self.norms.len() * (self.rungs.len() + 1) * count
    }

    /// Everything about one case. `tick` hears what is running and how many inputs it has just finished.
    pub fn case(&self, case: &Case, tick: &(dyn Fn(&str, usize) + Sync)) -> Findings {
        let logits = logits(&case.model, &case.values);
        self.warm_up(case);
        let mut per_norm = Vec::with_capacity(self.norms.len());
        for &norm in &self.norms {
            let perturbation = Perturbation { norm, range: case.range };
            let columns: Vec<Vec<Timed>> =
                self.rungs.iter().map(|rung| column(rung, case, perturbation, tick)).collect();
            let attacked = self.attack_all(case, &logits, perturbation, tick);
            per_norm.push((perturbation, columns, attacked));
        }
        let mut findings = Findings::default();
        for i in 0..case.count() {
            for (perturbation, columns, attacked) in &per_norm {
                let outcomes: Vec<&Timed> = columns.iter().map(|column| &column[i]).collect();
                self.collect(case, i, logits[i], *perturbation, &outcomes, &attacked[i], &mut findings);
            }
        }
        findings
    }

    /// Fills the model's caches, so that the first method does not pay for them.
    fn warm_up(&self, case: &Case) {
        if let (Some(rung), Some(&norm), true) = (self.rungs.first(), self.norms.first(), case.count() > 0) {
            let samples = Samples::new(&case.values, case.model.input_size());
            let perturbation = Perturbation { norm, range: case.range };
            if rung.method.subject() == Subject::Base && rung.method.batch() > 1 {
                rung.method.certify(&case.model, samples, perturbation);
            }
        }
    }

    /// One entry per sample: what the attack found, and its seconds; `None` where there is nothing to attack.
    fn attack_all(
        &self,
        case: &Case,
        logits: &[Enclosed],
        perturbation: Perturbation,
        tick: &(dyn Fn(&str, usize) + Sync),
    ) -> Vec<Option<(Option<Witness>, f64)>> {
        let others: Vec<&[f64]> =
            (0..case.count()).filter(|&i| logits[i].upper() <= 0.0).map(|i| case.sample(i)).collect();
        let what = format!("{} {} attack", case.name, perturbation.norm);
        let one = |i: usize| {
            let start = Instant::now();
            let result = (logits[i].upper() > 0.0).then(|| {
                let x = case.sample(i);
                let nearest = nearest_first(x, &others, perturbation.norm);
                self.attack.nearest(&case.model, x, case.numbers[i], &nearest, perturbation)
            });
            tick(&what, 1);
            result.map(|witness| (witness, start.elapsed().as_secs_f64()))
        };
        (0..case.count()).into_par_iter().map(one).collect()
    }

    #[allow(clippy::too_many_arguments)]
    fn collect(
        &self,
        case: &Case,
        i: usize,
        logit: Enclosed,
        perturbation: Perturbation,
        outcomes: &[&Timed],
        attacked: &Option<(Option<Witness>, f64)>,
        findings: &mut Findings,
    ) {
        let norm = perturbation.norm.to_string();
        let found = |finder: &str, distance: Option<f64>, seconds: f64| Found {
            model: case.name.clone(),
            input: case.numbers[i],
            norm: norm.clone(),
            finder: finder.into(),
            distance,
            seconds,
        };
        let first = findings.found.len();
        for (rung, timed) in self.rungs.iter().zip(outcomes) {
            if let (Subject::Base, Some(claimed)) = (rung.method.subject(), &timed.outcome.witness) {
                // A method's witness counts after it has been verified here too.
                let verified = witness::check(&case.model, case.sample(i), &claimed.point, perturbation);
                findings.found.push(found(rung.method.name(), verified.map(|w| w.distance), 0.0));
            }
        }
        if let Some((witness, seconds)) = attacked {
            findings.found.push(found("attack", witness.as_ref().map(|w| w.distance), *seconds));
        }
        let distances = findings.found[first..].iter().filter_map(|f| f.distance);
        let best = distances.min_by(f64::total_cmp).map(|d| format!("{d:?}")).unwrap_or_default();
        for (rung, timed) in self.rungs.iter().zip(outcomes) {
            let method = rung.method.as_ref();
            let label = case.labels[i].clone();
            let row = Row::new(case.numbers[i], label, logit.value, norm.clone(), method, timed);
            let upper = if method.subject() == Subject::Base { best.clone() } else { String::new() };
            findings.records.push(Record { upper, ..Record::new(&case.name, row) });
        }
    }
}

fn column(rung: &Rung, case: &Case, perturbation: Perturbation, tick: &(dyn Fn(&str, usize) + Sync)) -> Vec<Timed> {
    let what = format!("{} {} {}", case.name, perturbation.norm, rung.method.name());
    if let Some(reason) = rung.refusal(&case.model, perturbation) {
        tick(&what, case.count());
        let outcome = Outcome::plain(Verdict::Unknown(format!("{NOT_APPLICABLE}{reason}")));
        return vec![Timed { outcome, seconds: 0.0 }; case.count()];
    }
    run(rung.method.as_ref(), &case.model, &case.values, perturbation, &|done| tick(&what, done))
}

fn nearest_first<'a>(x: &[f64], others: &[&'a [f64]], norm: Norm) -> Vec<&'a [f64]> {
    let distance = |other: &[f64]| norm.upper(&other.iter().zip(x).map(|(o, x)| o - x).collect::<Vec<_>>());
    let mut sorted: Vec<(f64, &[f64])> = others.iter().map(|&other| (distance(other), other)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    sorted.into_iter().map(|(_, other)| other).collect()
}
