//! What an audit is about: a model with who attacks it, and its inputs block by block.

use crate::audit::adversarial::{Adversarial, near};
use crate::data::Bounds;
use crate::data::Preparation;
use crate::data::inputs::raw::RawTable;
use crate::model::{Enclosed, Model};
use crate::norm::Norm;
use crate::proof::Prover;
use crate::query::{Perturbation, Query, Witness};
use crate::radius::run::Timed;
use std::sync::Arc;

/// What is audited: a model, and who attacks it.
#[derive(Debug)]
pub struct Case {
    /// Short name.
    pub name: String,
    /// The network.
    pub model: Model,
    /// The kernel's own reading of its file, or why it refuses it.
    pub prover: Result<Prover, String>,
    /// The box.
    pub range: Option<Bounds>,
    /// The weights of every norm, one per coordinate.
    pub weights: Option<Vec<f64>>,
    /// How rows of a table become its inputs, if they do.
    pub preparation: Option<Arc<Preparation>>,
    /// The rows that its inputs are, where they are those of a table with names.
    pub table: Option<RawTable>,
    /// `[any number × input size]`: inputs of the other class, towards which attacks look.
    pub others: Vec<f64>,
}

/// Inputs of a case.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// `[count × input size]`, all inside the box.
    pub values: &'a [f64],
    /// `[count]`: where each input stands in its file.
    pub numbers: &'a [usize],
    /// `[count]`: labels, or empty texts.
    pub labels: Vec<String>,
}

/// The first so many samples with f > 0 and with f ≤ 0 that come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    /// With f > 0.
    pub sensitive: usize,
    /// Others.
    pub others: usize,
}

impl First {
    /// Those among the next ones with these logits, in order; fewer are left to be taken then.
    pub fn take(&mut self, logits: &[Enclosed]) -> Vec<usize> {
        let mut is_wanted = |&i: &usize| {
            let left = if logits[i].lower() > 0.0 { &mut self.sensitive } else { &mut self.others };
            let take = *left > 0;
            *left -= usize::from(take);
            take
        };
        (0..logits.len()).filter(|i| is_wanted(i)).collect()
    }

    /// Whether there are no more to be taken.
    pub fn is_over(self) -> bool {
        self.sensitive + self.others == 0
    }
}

/// Inputs of the other class that attacks look towards, and numbers in them, at most: the nearest one is looked for
/// among them for every attack.
const OTHERS: usize = 256;
const MOST_VALUES: usize = 1 << 21;

impl Case {
    /// Who attacks it in this norm.
    pub fn perturbation(&self, norm: Norm) -> Perturbation<'_> {
        Perturbation { norm, range: self.range.as_ref().map(Bounds::ranges), weights: self.weights.as_deref() }
    }

    /// How many inputs of the other class attacks look towards at most.
    pub fn others(model: &Model) -> usize {
        OTHERS.min((MOST_VALUES / model.input_size()).max(1))
    }
}

impl Block<'_> {
    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn sample(&self, i: usize) -> &[f64] {
        let size = self.values.len() / self.count();
        &self.values[i * size..(i + 1) * size]
    }
}

/// A block of a case, under the kernel's eyes.
pub(super) struct Asked<'a> {
    pub case: &'a Case,
    pub block: &'a Block<'a>,
    pub prover: Result<&'a Prover, &'a str>,
}

impl Asked<'_> {
    /// A question about sample `index` of the block.
    pub fn query<'q>(&'q self, index: usize, perturbation: Perturbation<'q>) -> Query<'q> {
        Query { model: &self.case.model, x: self.block.sample(index), index, perturbation }
    }

    /// What moves from sample `index` to `point`, in the words of its table.
    pub fn change(&self, index: usize, point: &[f64]) -> String {
        let preparation = self.case.preparation.as_ref();
        preparation.map(|preparation| preparation.change(self.block.sample(index), point)).unwrap_or_default()
    }

    /// Inputs of the other class, nearest first.
    pub fn nearest_others(&self, query: Query) -> Vec<&[f64]> {
        let others = self.case.others.chunks_exact(self.case.model.input_size());
        let mut sorted: Vec<(f64, &[f64])> = others.map(|other| (query.distance(other), other)).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        sorted.into_iter().map(|(_, other)| other).collect()
    }

    /// A row of the table near to a witness of sample `index`, that would pass too.
    pub fn row(&self, index: usize, perturbation: Perturbation, witness: &Witness) -> Option<Adversarial> {
        let query = self.query(index, perturbation);
        let table = self.case.table.as_ref().filter(|_| witness.distance > 0.0)?;
        near(table, (query, self.block.numbers[index]), &witness.point, &self.nearest_others(query))
    }

    /// Ties become witnesses where the exact logit is ≤ 0.
    pub fn settle(&self, perturbation: Perturbation, columns: &mut [Vec<Timed>]) {
        let Ok(prover) = self.prover else { return };
        for (index, answer) in columns.iter_mut().flat_map(|column| column.iter_mut().enumerate()) {
            prover.settle(self.query(index, perturbation), &mut answer.outcome);
        }
    }
}
