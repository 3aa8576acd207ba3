//! Where a logit is too near to 0 for floats to say on which side it is, at an input or at a point in reach of one: exact
//! arithmetic can.

use super::columns::Column;
use super::given::Given;
use crate::proof::Prover;
use crate::query::Query;
use crate::radius::{Subject, Verdict};

impl Given {
    /// Turns `unknown` into `not-sensitive` for every input whose exact logit is ≤ 0, and the ties that methods hand up
    /// into witnesses where theirs is, as the kernel's own reading of the model file has it. Where the kernel does not
    /// read the model, nothing changes.
    pub fn settle(&self, columns: &mut [Column]) {
        let asked: Vec<usize> = (0..self.samples.count).filter(|&i| self.is_tied(columns, i)).collect();
        if asked.is_empty() {
            return;
        }
        let (file, size) = (&self.file, self.file.model.input_size());
        let values: Vec<f64> = asked.iter().flat_map(|&i| self.sample(i)).copied().collect();
        let prover = Prover::new(&file.bytes, file.sensitive, &values, size);
        let Ok(prover) = prover.and_then(|prover| prover.weighted(self.weights())) else { return };
        for (index, &i) in asked.iter().enumerate() {
            if columns.iter().any(|column| column.is_open(i)) && prover.logit_sign(index).is_ok_and(|sign| sign <= 0) {
                for column in columns.iter_mut().filter(|column| column.is_open(i)) {
                    column.answers[i].outcome.verdict = Verdict::NotSensitive;
                }
            }
            for column in columns.iter_mut() {
                let perturbation = self.perturbation(column.norm);
                let query = Query { model: &file.model, x: self.sample(i), index, perturbation };
                prover.settle(query, &mut column.answers[i].outcome);
            }
        }
    }

    /// Whether exact arithmetic is to be asked about sample `i`.
    fn is_tied(&self, columns: &[Column], i: usize) -> bool {
        let touched = columns.iter().any(|column| column.answers[i].outcome.tie.is_some());
        touched || (columns.iter().any(|column| column.is_open(i)) && self.is_undecided(i))
    }

    fn is_undecided(&self, i: usize) -> bool {
        let logit = self.file.model.enclose(self.sample(i))[0];
        logit.lower() <= 0.0 && logit.upper() > 0.0
    }
}

impl Column<'_> {
    /// Whether nothing is known about the network at sample `i`.
    fn is_open(&self, i: usize) -> bool {
        let verdict = &self.answers[i].outcome.verdict;
        self.method.subject() == Subject::Base && matches!(verdict, Verdict::Unknown(_))
    }
}
