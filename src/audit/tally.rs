//! What the answers of an audit amount to, gathered input by input: of an answer stays what is counted.

use crate::audit::ladder::{Conclusion, Violation, undecided, violations};
use crate::audit::summary::{Gathering, Summary};
use crate::radius::Guarantee;
use crate::report::answer::Status;
use crate::report::records::{Found, Record, Replay};
use std::collections::BTreeMap;

/// Everything that a report says beside its circumstances.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    models: Vec<Gathering>,
    /// Every violation, in the order of the records.
    pub violations: Vec<Violation>,
    /// Radii of base classifiers.
    pub certified: usize,
    /// Those with a verified witness to compare with.
    pub refutable: usize,
    /// Radii that the kernel has proven.
    pub proven: usize,
    /// Those that it has refused.
    pub refused: usize,
    /// Answers that leave a question open.
    pub undecided: usize,
    /// (model, reason) why methods do not apply to such questions.
    pub unmet: Vec<(String, String)>,
    /// For every (model, method) why it has applied to no input with f > 0, or that it has.
    applied: BTreeMap<(String, String), Option<String>>,
    /// Inputs with smoothed answers.
    pub smoothed: usize,
}

/// Hears all records of some inputs, and what was found about them.
pub type Hear<'a> = &'a mut dyn FnMut(&[Record], &[Found]);

impl Tally {
    /// Of what every call of `pass` gives, in the same order: all records of an input one after the other.
    ///
    /// # Errors
    /// Those of `pass`.
    pub fn of<E>(mut pass: impl FnMut(Hear) -> Result<(), E>) -> Result<Tally, E> {
        let (mut tally, mut first) = (Tally::default(), true);
        loop {
            pass(&mut |records, found| tally.add(records, found, first))?;
            first = false;
            if tally.models.iter_mut().map(Gathering::narrow).filter(|found| !found).count() == 0 {
                return Ok(tally);
            }
        }
    }

    fn add(&mut self, records: &[Record], mut found: &[Found], first_pass: bool) {
        for records in records.chunk_by(|a, b| (a.input, &a.model) == (b.input, &b.model)) {
            let is_own = |found: &&Found| (found.input, &found.model) == (records[0].input, &records[0].model);
            let (own, others) = found.split_at(found.iter().take_while(is_own).count());
            found = others;
            self.model(&records[0].model).add(records, own, first_pass);
            if first_pass {
                self.count(records, own);
            }
        }
    }

    fn model(&mut self, name: &str) -> &mut Gathering {
        let at = self.models.iter().position(|model| model.model == name).unwrap_or(self.models.len());
        if at == self.models.len() {
            self.models.push(Gathering::new(name));
        }
        &mut self.models[at]
    }

    /// All about one input.
    fn count(&mut self, records: &[Record], found: &[Found]) {
        for violation in violations(records, found) {
            self.model(&violation.record.model).violated(&violation.record);
            self.violations.push(violation);
        }
        for record in undecided(records) {
            self.undecided += 1;
            let unmet = record.not_applicable().map(|why| (record.model.clone(), why.to_string()));
            self.unmet.extend(unmet.filter(|unmet| !self.unmet.contains(unmet)));
        }
        let is_probable = |r: &Record| {
            let is_answer = matches!(r.status, Status::Certified | Status::NotSensitive);
            is_answer && r.guarantee == Guarantee::Probabilistic
        };
        // An input's answers for several norms rest on the same draws.
        self.smoothed += usize::from(records.iter().any(is_probable));
        for record in records {
            let is_certified = record.is_base() && record.certified().is_some();
            self.certified += usize::from(is_certified);
            self.refutable += usize::from(is_certified && record.witness().is_some());
            self.proven += usize::from(record.proof == Replay::Accepted);
            self.refused += usize::from(record.proof == Replay::Refused);
            if record.logit > 0.0 {
                self.apply(record);
            }
        }
    }

    fn apply(&mut self, record: &Record) {
        let key = (record.model.clone(), record.method.clone());
        let known = self.applied.entry(key).or_insert_with(|| record.not_applicable().map(str::to_string));
        if record.not_applicable().is_none() {
            *known = None;
        }
    }

    /// Summaries of all models, in the order in which the records name them.
    pub fn summaries(&self) -> Vec<Summary> {
        self.models.iter().map(Gathering::summary).collect()
    }

    /// Methods that apply to no input with f > 0 of a model, whatever the norm, and why: (model, method, reason).
    pub fn idle(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.applied.iter().filter_map(|((model, method), why)| Some((&**model, &**method, why.as_deref()?)))
    }

    /// What it all amounts to.
    pub fn conclusion(&self) -> Conclusion {
        match (self.violations.len(), self.undecided) {
            (0, 0) => Conclusion::Passed,
            (0, _) => Conclusion::Undecided,
            _ => Conclusion::Violated,
        }
    }
}
