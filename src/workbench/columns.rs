//! Methods run on what is given, norm by norm.

use super::given::Given;
use crate::audit::run::{Tick, logits};
use crate::norm::Norm;
use crate::radius::Method;
use crate::radius::run::{Timed, run};
use crate::report::rows::Row;

/// One method's answers for one norm, one per sample.
pub struct Column<'a> {
    /// The norm.
    pub norm: Norm,
    /// The method.
    pub method: &'a dyn Method,
    /// Its answers.
    pub answers: Vec<Timed>,
}

impl Given {
    /// Runs every method for every norm, on all samples; `tick` hears of each batch.
    pub fn run<'a>(&self, norms: &[Norm], methods: &'a [Box<dyn Method>], tick: Tick) -> Vec<Column<'a>> {
        let pairs = norms.iter().flat_map(|&norm| methods.iter().map(move |method| (norm, method.as_ref())));
        let column = |(norm, method): (Norm, &'a dyn Method)| {
            let what = format!("{} {norm}", method.name());
            let done = |count: usize| tick(&what, count);
            let answers = run(method, &self.file.model, &self.samples.values, self.perturbation(norm), &done);
            Column { norm, method, answers }
        };
        pairs.map(column).collect()
    }

    /// One row per sample, norm and method, in that order.
    pub fn rows(&self, columns: &[Column]) -> Vec<Row> {
        let samples = &self.samples;
        let logits = logits(&self.file.model, &samples.values);
        let row = |i: usize, column: &Column| {
            let (label, norm) = (samples.label(i), column.norm.to_string());
            Row::new(samples.numbers[i], label, logits[i].value, norm, column.method, &column.answers[i])
        };
        (0..samples.count).flat_map(|i| columns.iter().map(move |column| row(i, column))).collect()
    }
}
