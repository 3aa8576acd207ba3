//! Certificates for the radii of a run, each accepted by the kernel.

use super::checkers::Checkers;
use super::columns::Column;
use super::given::Given;
use crate::proof::{Proof, Prover, replay_or_less};
use crate::query::Query;
use crate::radius::Verdict;
use crate::radius::run::Timed;
use rayon::prelude::*;

/// What came of proving a run.
pub struct Proofs {
    /// Certificates, a line each, in the order of the rows.
    pub lines: Vec<String>,
    /// Why the kernel refused radii, once for each.
    pub refused: Vec<String>,
}

impl Given {
    /// Proves every radius of `columns` that comes with evidence, and lowers it to what the kernel accepted or makes it
    /// unknown. `done` hears of every answer.
    pub fn prove(&self, checkers: &Checkers, columns: &mut [Column], done: &(dyn Fn() + Sync)) -> Proofs {
        let prover = self.file.prover(checkers.inputs.clone(), self.weights()).map_err(|why| why.to_string());
        let prover = prover.as_ref().map_err(String::as_str);
        let mut proven: Vec<Vec<Option<Proof>>> = Vec::with_capacity(columns.len());
        let mut refused = Vec::new();
        for column in columns.iter_mut() {
            proven.push(self.prove_column(prover, column, done));
            refused.extend(column.answers.iter().filter_map(|answer| match &answer.outcome.verdict {
                Verdict::NotProven(why) => Some(why.clone()),
                _ => None,
            }));
        }
        let of_sample = |i: usize| proven.iter().filter_map(move |column| column[i].as_ref());
        let lines = (0..self.samples.count).flat_map(of_sample).map(|proof| proof.line.clone()).collect();
        Proofs { lines, refused }
    }

    fn prove_column(
        &self,
        prover: Result<&Prover, &str>,
        column: &mut Column,
        done: &(dyn Fn() + Sync),
    ) -> Vec<Option<Proof>> {
        let perturbation = self.perturbation(column.norm);
        let has_evidence = column.method.has_evidence();
        let one = |(i, answer): (usize, &mut Timed)| {
            let (model, index) = (&self.file.model, self.samples.numbers[i]);
            let query = Query { model, x: self.sample(i), index, perturbation };
            let prove = || replay_or_less(prover, query, &mut answer.outcome);
            let proof = has_evidence.then(prove).flatten();
            done();
            proof
        };
        column.answers.par_iter_mut().enumerate().map(one).collect()
    }
}
