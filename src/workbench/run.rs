//! A run of methods over samples, a block at a time: answers, ties settled, radii proven, rows.

use super::given::Given;
use super::source::Loaded;
use crate::data::Bounds;
use crate::norm::Norm;
use crate::proof::{Proof, Prover, npy, replay_or_less};
use crate::query::Query;
use crate::radius::run::{Answers, Questions, Tick, Timed};
use crate::radius::{Cost, Method, Subject, Verdict};
use crate::report::rows::Row;
use rayon::prelude::*;
use std::sync::OnceLock;
use underplane_kernel as kernel;

/// What is asked about what is given, and who proves the answers.
pub struct Run<'a> {
    given: &'a Given,
    questions: Questions<'a>,
    prover: Option<Result<Prover, String>>,
    /// Reads the model where a logit is too near to 0 for floats; `None` where the kernel refuses the model.
    exact: OnceLock<Option<Prover>>,
}

/// What came of one block.
pub struct Answered {
    /// One per sample, norm and method, in that order.
    pub rows: Vec<Row>,
    /// Certificates of every sample, a line each, in the order of the rows.
    pub certificates: Vec<Vec<String>>,
}

impl<'a> Run<'a> {
    /// Of these methods and norms; with a prover every radius that comes with evidence is proven, and lowered to what the
    /// kernel accepts or made unknown.
    pub fn new(
        given: &'a Given,
        norms: &'a [Norm],
        methods: &'a [Box<dyn Method>],
        prover: Option<Result<Prover, String>>,
    ) -> Run<'a> {
        let (range, weights) = (given.range.as_ref().map(Bounds::ranges), given.weights());
        let questions = Questions { model: &given.file.model, methods, norms, range, weights, always: true };
        Run { given, questions, prover, exact: OnceLock::new() }
    }

    /// How many samples make a block: a search's answer is handed on as soon as it is there.
    pub fn block(&self) -> usize {
        let searches = self.questions.methods.iter().any(|method| method.cost() == Cost::Search);
        if searches { 1 } else { self.questions.block(self.given.source.count()) }
    }

    /// (norm, method) of a sample's rows, and whether a certified one has a certificate.
    pub fn columns(&self) -> Vec<(String, &'static str, bool)> {
        let column = |(norm, method): (Norm, &dyn Method)| {
            (norm.to_string(), method.name(), self.prover.is_some() && method.has_evidence())
        };
        self.questions.columns().map(column).collect()
    }

    /// Rows of one sample.
    pub fn rows_per_sample(&self) -> usize {
        self.questions.columns().count()
    }

    /// All about one block; `tick` hears of every method, and of every method again where answers are proven.
    pub fn answer(&self, block: &Loaded, tick: Tick) -> Answered {
        let mut answers = self.questions.ask(&block.values, &block.numbers, tick);
        self.settle(block, &mut answers);
        let proven: Vec<Vec<Option<Proof>>> = match &self.prover {
            None => Vec::new(),
            Some(prover) => self.prove(block, prover.as_ref().map_err(String::as_str), &mut answers, tick),
        };
        let of_sample = |i: usize| {
            let proofs = proven.iter().filter_map(|column| column[i].as_ref());
            proofs.map(|proof| proof.line.clone()).collect()
        };
        let certificates = (0..block.count).map(of_sample).collect();
        Answered { rows: self.rows(block, &answers), certificates }
    }

    fn rows(&self, block: &Loaded, answers: &Answers) -> Vec<Row> {
        let columns: Vec<_> = self.questions.columns().zip(&answers.columns).collect();
        let row = |i: usize, ((norm, method), column): &((Norm, &dyn Method), &Vec<Timed>)| {
            let (label, logit) = (block.label(i), answers.logits[i].value);
            Row::new(block.numbers[i], label, logit, norm.to_string(), *method, &column[i])
        };
        (0..block.count).flat_map(|i| columns.iter().map(move |column| row(i, column))).collect()
    }

    fn query<'q>(&'q self, block: &'q Loaded, i: usize, index: usize, norm: Norm) -> Query<'q> {
        let perturbation = self.questions.perturbation(norm);
        Query { model: &self.given.file.model, x: block.sample(i), index, perturbation }
    }

    /// Turns `unknown` into `not-sensitive` for every input whose exact logit is ≤ 0, and the ties that methods hand up
    /// into witnesses where theirs is, as the kernel's own reading of the model file has it. Where the kernel does not
    /// read the model, nothing changes.
    fn settle(&self, block: &Loaded, answers: &mut Answers) {
        let columns: Vec<(Norm, &dyn Method)> = self.questions.columns().collect();
        let is_open = |k: usize, answer: &Timed| {
            columns[k].1.subject() == Subject::Base && matches!(answer.outcome.verdict, Verdict::Unknown(_))
        };
        let is_tied = |i: usize| {
            let logit = answers.logits[i];
            let undecided = logit.lower() <= 0.0 && logit.upper() > 0.0;
            let of_sample = |(k, column): (usize, &Vec<Timed>)| {
                column[i].outcome.tie.is_some() || (undecided && is_open(k, &column[i]))
            };
            answers.columns.iter().enumerate().any(of_sample)
        };
        let asked: Vec<usize> = (0..block.count).filter(|&i| is_tied(i)).collect();
        let Some(prover) = self.exactly(block, &asked) else { return };
        for (index, &i) in asked.iter().enumerate() {
            let below = OnceLock::new();
            let is_below = || *below.get_or_init(|| prover.logit_sign(index).is_ok_and(|sign| sign <= 0));
            for (k, column) in answers.columns.iter_mut().enumerate() {
                if is_open(k, &column[i]) && is_below() {
                    column[i].outcome.verdict = Verdict::NotSensitive;
                }
                prover.settle(self.query(block, i, index, columns[k].0), &mut column[i].outcome);
            }
        }
    }

    /// The kernel's reading of the model, with those samples of the block as its inputs.
    fn exactly(&self, block: &Loaded, samples: &[usize]) -> Option<Prover> {
        if samples.is_empty() {
            return None;
        }
        let (file, size) = (&self.given.file, self.given.file.model.input_size());
        let values: Vec<f64> = samples.iter().flat_map(|&i| block.sample(i)).copied().collect();
        let read = || {
            let inputs = kernel::Inputs::read(&npy(&values, size)).ok()?;
            file.prover(inputs, self.given.weights(), self.given.bounds().ok()?).ok()
        };
        self.exact.get_or_init(read).as_ref()?.about_others(&values, size).ok()
    }

    fn prove(
        &self,
        block: &Loaded,
        prover: Result<&Prover, &str>,
        answers: &mut Answers,
        tick: Tick,
    ) -> Vec<Vec<Option<Proof>>> {
        let column = |((norm, method), column): ((Norm, &dyn Method), &mut Vec<Timed>)| {
            let has_evidence = method.has_evidence();
            let one = |(i, answer): (usize, &mut Timed)| {
                let query = self.query(block, i, block.numbers[i], norm);
                has_evidence.then(|| replay_or_less(prover, query, &mut answer.outcome)).flatten()
            };
            let proofs = column.par_iter_mut().enumerate().map(one).collect();
            tick(method, norm, block.count);
            proofs
        };
        self.questions.columns().zip(&mut answers.columns).map(column).collect()
    }
}
