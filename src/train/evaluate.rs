//! Clean and certified accuracy of a trained network.

use super::loss::Norm;
use super::network::Network;
use super::pass::{Mode, Pass};
use crate::data::Dataset;
use crate::radius::Radius;
use crate::radius::run::{Questions, Timed};
use crate::stream::in_order;
use serde::Serialize;
use std::convert::Infallible;
use std::ops::ControlFlow;

/// Samples per evaluation batch at most.
const MOST: usize = 512;
/// Entries of a batch's largest value at most: bounds memory.
const ENTRIES: usize = 1 << 20;

/// Samples per evaluation batch of a network.
pub(super) fn chunk<T>(network: &Network<T>) -> usize {
    let values = 0..=network.architecture.steps().len();
    let largest = values.map(|value| network.architecture.size(value)).max().unwrap_or(1);
    (ENTRIES / largest.max(1)).clamp(1, MOST)
}

/// Fractions of a split that are classified correctly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Number of samples.
    pub samples: usize,
    /// All of them.
    pub overall: f64,
    /// The sensitive ones, called sensitive.
    pub sensitive: f64,
    /// The others, not called sensitive.
    pub other: f64,
}

/// Certified accuracy at one radius.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certified {
    /// `validation` or `test`.
    pub split: String,
    /// The certifying method's name.
    pub method: String,
    /// The valid range that the attacker is held to, if any.
    pub range: Option<[f64; 2]>,
    /// The perturbation's norm.
    pub norm: Norm,
    /// In input units.
    pub radius: f64,
    /// Number of sensitive samples that were asked about.
    pub samples: usize,
    /// Those with f > 0 and certified radius ≥ `radius`, as a fraction of them.
    pub accuracy: f64,
}

/// f of every sample in f64, by the network as it will be exported; positive is sensitive.
pub fn logits(network: &Network<f32>, data: &Dataset) -> Vec<f64> {
    let network: Network<f64> = network.cast();
    let mut logits = Vec::with_capacity(data.len());
    for rows in data.inputs.chunks(chunk(&network) * data.features().max(1)) {
        let psi: Vec<f64> = network.map.apply(rows);
        logits.extend(Pass::new(&network, &psi, Mode::Inference).least());
    }
    logits
}

/// Accuracy at threshold 0. A class without samples counts as all right.
pub fn accuracy(logits: &[f64], sensitive: &[bool]) -> Accuracy {
    let right = |class: bool| logits.iter().zip(sensitive).filter(|&(&f, &s)| s == class && (f > 0.0) == s).count();
    let positives = sensitive.iter().filter(|&&s| s).count();
    let share = |right: usize, of: usize| if of == 0 { 1.0 } else { right as f64 / of as f64 };
    let (hit, rejected) = (right(true), right(false));
    Accuracy {
        samples: sensitive.len(),
        overall: share(hit + rejected, sensitive.len()),
        sensitive: share(hit, positives),
        other: share(rejected, sensitive.len() - positives),
    }
}

/// The certified radius of every sensitive sample, `None` where it has none; a column for every norm and method, the
/// methods of a norm together.
pub fn radii(questions: Questions, data: &Dataset) -> Vec<Vec<Option<f64>>> {
    let positives: Vec<usize> = (0..data.len()).filter(|&i| data.sensitive[i]).collect();
    let mut blocks = positives.chunks(questions.block(positives.len()));
    let certify = |numbers: &[usize]| -> Vec<Vec<Timed>> {
        let values: Vec<f64> = numbers.iter().flat_map(|&i| data.input(i)).map(|&x| f64::from(x)).collect();
        questions.ask(&values, numbers, &|_, _, _| {}).columns
    };
    let mut all: Vec<Vec<Option<f64>>> = questions.columns().map(|_| Vec::new()).collect();
    let add = |columns: Vec<Vec<Timed>>| {
        let radius = |answer: Timed| answer.outcome.radius().map(Radius::value);
        all.iter_mut().zip(columns).for_each(|(all, column)| all.extend(column.into_iter().map(radius)));
        Ok::<_, Infallible>(ControlFlow::Continue(()))
    };
    let Ok(()) = in_order(|| Ok(blocks.next()), certify, add);
    all
}

/// The fraction of `found` that reaches `radius`.
pub fn share_at(found: &[Option<f64>], radius: f64) -> f64 {
    let holds = found.iter().filter(|found| found.is_some_and(|found| found >= radius)).count();
    holds as f64 / found.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logit_of_zero_is_not_sensitive() {
        let found = accuracy(&[0.0, 1.0, 0.0, -1.0], &[true, true, false, false]);
        assert_eq!((found.overall, found.sensitive, found.other), (0.75, 0.5, 1.0));
    }

    #[test]
    fn missed_samples_stay_in_the_denominator() {
        let found = [Some(1.0), None, Some(f64::INFINITY), Some(0.5)];
        assert_eq!([0.5, 1.0, 2.0].map(|r| share_at(&found, r)), [0.75, 0.5, 0.25]);
        assert_eq!(share_at(&[], 1.0), 0.0);
    }
}
