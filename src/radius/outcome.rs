//! What methods are asked, and what they answer.

use super::Shared;
use super::evidence::Evidence;
use crate::model::{Enclosed, Model};
use crate::query::{Perturbation, Query, Witness};
use std::fmt;

/// Relative gap up to which both sides of a radius count as one.
pub const EXACT_GAP: f64 = 1e-6;

/// A proven lower bound of the distance to the nearest point with f ≤ 0, in input units of the perturbation's norm.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Radius(f64);

impl Radius {
    /// `value` ≥ 0, possibly infinite.
    ///
    /// # Panics
    /// When `value` is negative or NaN.
    pub fn new(value: f64) -> Radius {
        assert!(value >= 0.0, "a radius of {value}");
        Radius(value)
    }

    /// As a float; infinite when unbounded.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Radius {
    /// Enough digits to read back the same `f64`, or `unbounded`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == f64::INFINITY { f.write_str("unbounded") } else { write!(f, "{:?}", self.0) }
    }
}

/// A method's answer for one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every point within the radius (closed ball, inside the box) has f > 0.
    Certified(Radius),
    /// f(x) ≤ 0: there is nothing to certify.
    NotSensitive,
    /// The method declines (smoothing without a majority).
    Abstain(String),
    /// The method cannot tell, and why.
    Unknown(String),
    /// The method had a radius, and the kernel did not accept its evidence, and why.
    NotProven(String),
    /// The method was not asked, since it does not apply, and why.
    NotAsked(String),
}

/// A method's answer for one sample, with what else it learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The answer.
    pub verdict: Verdict,
    /// The best witness that the method met, checked with rigorous rounding.
    pub witness: Option<Witness>,
    /// A nearer point at which f is 0 as far as floats can tell: exact arithmetic can say whether f ≤ 0 there.
    pub tie: Option<Witness>,
    /// Settings or remarks for the `detail` column.
    pub detail: String,
    /// What proves the radius; the tangent plane at the sample where there is none.
    pub evidence: Option<Evidence>,
}

impl Outcome {
    /// An answer without a witness or a remark.
    pub fn plain(verdict: Verdict) -> Outcome {
        Outcome { verdict, witness: None, tie: None, detail: String::new(), evidence: None }
    }

    /// The certified radius, if there is one.
    pub fn radius(&self) -> Option<Radius> {
        match self.verdict {
            Verdict::Certified(radius) => Some(radius),
            _ => None,
        }
    }

    /// The tie, now that f ≤ 0 is known there.
    pub fn settle(&mut self) {
        let (Some(tie), Some(radius)) = (self.tie.take(), self.radius()) else { return };
        let gap = tie.distance / radius.value() - 1.0;
        self.detail = format!("gap {gap:.1e}, f ≤ 0 at the witness in exact arithmetic");
        self.witness = Some(tie);
    }

    /// Whether both sides are proven to agree to [`EXACT_GAP`], or no point has f ≤ 0.
    pub fn is_exact(&self) -> bool {
        match (self.radius(), &self.witness) {
            (Some(radius), Some(witness)) => witness.distance <= radius.value() * (1.0 + EXACT_GAP),
            (Some(radius), None) => radius.value() == f64::INFINITY,
            (None, _) => false,
        }
    }
}

/// Consecutive samples of one run.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// `[count × size]`, exact copies of the `f32` inputs.
    pub values: &'a [f64],
    /// Number of coordinates of one sample.
    pub size: usize,
    /// Index of the first sample in the whole run, so that random numbers do not depend on batching.
    pub first: usize,
    /// What has been worked out about them.
    pub shared: Option<&'a Shared>,
}

impl<'a> Samples<'a> {
    /// Samples numbered from 0.
    pub fn new(values: &'a [f64], size: usize) -> Self {
        Samples { values, size, first: 0, shared: None }
    }

    /// Number of samples.
    pub fn count(&self) -> usize {
        self.values.len() / self.size
    }

    /// The question about sample `i`.
    pub fn query(&self, i: usize, model: &'a Model, perturbation: Perturbation<'a>) -> Query<'a> {
        Query { model, x: self.sample(i), index: self.first + i, perturbation }
    }

    /// Sample `i` alone, with its number in the run.
    pub fn one(&self, i: usize) -> Samples<'a> {
        Samples { first: self.first + i, ..Samples::new(self.sample(i), self.size) }
    }

    /// Sample `i` of this batch.
    pub fn sample(&self, i: usize) -> &'a [f64] {
        &self.values[i * self.size..(i + 1) * self.size]
    }
}

/// What a method answers where it does not apply: inputs of the other class are an answer all the same.
pub(crate) fn does_not_apply(reason: &str, model: &Model, samples: Samples) -> Vec<Outcome> {
    let answer = |logit: Enclosed| match logit.upper() <= 0.0 {
        true => Verdict::NotSensitive,
        false => Verdict::Unknown(reason.into()),
    };
    samples.logits(model).into_iter().map(|logit| Outcome::plain(answer(logit))).collect()
}

/// What to answer when a lower bound of f(x) is not positive: the sample is of the other class, or nobody knows.
pub(crate) fn not_certified(logit: Enclosed) -> Verdict {
    if logit.upper() <= 0.0 {
        Verdict::NotSensitive
    } else if logit.lower() > 0.0 {
        Verdict::Certified(Radius(0.0))
    } else if logit.value.is_finite() && logit.error.is_finite() {
        Verdict::Unknown(format!("the logit {:e} is within its rounding error {:e} of 0", logit.value, logit.error))
    } else {
        Verdict::Unknown("the logit overflows".into())
    }
}
