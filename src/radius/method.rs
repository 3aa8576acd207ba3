//! What a method is, and what it says of itself.

use super::outcome::{Outcome, Samples};
use crate::model::Model;
use crate::norm::Norm;
use crate::query::Perturbation;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whose robustness a radius speaks of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The network itself.
    Base,
    /// The network smoothed by noise: another classifier.
    Smoothed,
}

/// What a method's radius is worth.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Guarantee {
    /// Proven, and within a proven gap of the true radius.
    Exact,
    /// Proven.
    Sound,
    /// Holds with probability 1 − α.
    Probabilistic,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subject::Base => "base",
            Subject::Smoothed => "smoothed",
        })
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Guarantee::Exact => "exact",
            Guarantee::Sound => "sound",
            Guarantee::Probabilistic => "probabilistic",
        })
    }
}

/// What a method asks of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// f = g ∘ φ with g convex and φ coordinate-wise.
    FeatureConvex,
    /// f convex in x.
    Convex,
}

/// The norms that a method knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norms {
    /// Every p ≥ 1, with and without weights.
    All,
    /// Every p ≥ 1, without weights.
    Unweighted,
    /// p = 1, 2 and ∞, with and without weights.
    Standard,
}

/// What a user can set about a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Who solves its linear programs.
    Solver,
    /// The relative gap between radius and witness at which it stops.
    Gap,
    /// The seconds per sample after which it stops.
    Seconds,
    /// The master problems per sample after which it stops.
    Passes,
    /// The noise and the risk.
    Noise,
}

/// When a search stops.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Relative gap between both proven sides.
    pub gap: f64,
    /// Seconds per sample.
    pub seconds: f64,
    /// Master problems per sample.
    pub passes: usize,
}

/// What a sample costs, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Two passes.
    Passes,
    /// Some tens of passes.
    ManyPasses,
    /// A search: passes and solver runs until it is done, or time is up.
    Search,
}

impl Needs {
    /// Whether the network is such a one.
    ///
    /// # Errors
    /// When it is not, and why.
    pub fn check(self, model: &Model) -> Result<(), String> {
        match (self, model.convexity()) {
            (Needs::Nothing, _) => Ok(()),
            (_, Err(broken)) => Err(format!("not convex: {}", broken.reason)),
            (Needs::Convex, Ok(convexity)) if !convexity.free.is_empty() => Err("non-affine feature map".into()),
            _ => Ok(()),
        }
    }
}

impl Norms {
    /// Whether this perturbation's norm is one of them.
    ///
    /// # Errors
    /// When it is not, and which ones are.
    pub fn check(self, perturbation: Perturbation) -> Result<(), String> {
        match self {
            Norms::Standard if !Norm::STANDARD.contains(&perturbation.norm) => Err("only for p = 1, 2 and ∞".into()),
            Norms::Unweighted if perturbation.weights.is_some() => Err("only for norms without weights".into()),
            _ => Ok(()),
        }
    }
}

/// A way to get a radius. Every implementation states Requirement, Guarantee, Method, Cost and Reference.
pub trait Method: Sync {
    /// As on the command line.
    fn name(&self) -> &'static str;

    /// What a certified radius of this method is worth.
    fn guarantee(&self) -> Guarantee;

    /// What it asks of a network.
    fn needs(&self) -> Needs;

    /// What a sample costs.
    fn cost(&self) -> Cost;

    /// The norms that it knows.
    fn norms(&self) -> Norms {
        Norms::All
    }

    /// What can be set about it.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    /// When it stops, where a gap, a time and a number of passes can be set.
    fn limits(&self) -> Option<Limits> {
        None
    }

    /// Whose radius it is.
    fn subject(&self) -> Subject {
        Subject::Base
    }

    /// Whether every radius comes with evidence that the kernel can replay: the outcome's slopes, or the tangent plane.
    fn has_evidence(&self) -> bool {
        true
    }

    /// Whether the method works on many samples at once; else it is asked about one after the other, by all threads.
    fn in_blocks(&self) -> bool {
        false
    }

    /// Whether the method applies to this network and this norm.
    ///
    /// # Errors
    /// When it does not, and why.
    fn applies(&self, model: &Model, perturbation: Perturbation) -> Result<(), String> {
        self.norms().check(perturbation)?;
        self.needs().check(model)
    }

    /// The method as one whose work on a sample serves every norm, where it is such a one.
    fn for_every_norm(&self) -> Option<&dyn EveryNorm> {
        None
    }

    /// One answer per sample, in order. Single-threaded: callers run batches in parallel.
    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome>;
}

/// A method whose work on a sample serves every norm.
pub trait EveryNorm: Sync {
    /// The answer for each norm, about the only sample of `sample`.
    fn answer(&self, model: &Model, sample: Samples) -> Box<dyn Fn(Norm) -> Outcome + Send + Sync>;
}
