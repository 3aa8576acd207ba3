//! Randomized smoothing with Gaussian noise.

mod binomial;
mod chacha;
mod floats;
mod noise;
mod normal;
mod normal_pair;
mod scaled;
mod votes;

use crate::model::Model;
use crate::norm::Norm;
use crate::query::Perturbation;
use crate::radius::{
    Cost, EveryNorm, Guarantee, Method, Needs, Norms, Outcome, Radius, Samples, Setting, Subject, Verdict,
};
use crate::rounding::pow_up;
use binomial::clopper_pearson_lower;
use noise::{Draw, block_vectors, noisy_inputs};
use normal::quantile_lower;
pub use normal_pair::normal_pair;
use std::fmt;
use votes::{Around, Votes};

/// The radius of the *smoothed* classifier, which answers what the network answers most often under Gaussian noise:
/// σ·Φ⁻¹(p̲) for ℓ2.
///
/// - Requirement: none; also networks that are not convex.
/// - Guarantee: probabilistic, and about another classifier than the network: with probability 1 − α over the noise,
///   per input, the smoothed class is the sensitive one at every point within the radius.
/// - Method: `selection` noise vectors choose the class. `samples` fresh ones give p̲, the one-sided Clopper–Pearson
///   bound at level `alpha` of the chosen class's probability (rigorously rounded down, as Φ⁻¹ is). p̲ ≤ ½ abstains.
///   Other norms by inclusion of balls: p < 2 keeps the radius, p > 2 divides it by d^{1/2 − 1/p}.
/// - A box is ignored: the smoothed classifier is defined on all of R^d, and an attacker inside the box has less room.
/// - Cost: `selection` + `samples` forward passes in `f32`, in blocks, and a few in `f64`.
/// - Reference: Cohen, Rosenfeld, Kolter, *Certified Adversarial Robustness via Randomized Smoothing*, ICML 2019,
///   Theorem 1 and §3.2. Deviation: an input of the other class gets a test at the same level instead of a radius.
///
/// The smoothed classifier is that of the network itself: a noisy input votes for the sensitive class if its logit is
/// proven to be above 0: of a feature-convex network by the tangent plane at the sample; else in `f32` with a bound of the
/// rounding errors, or where that leaves doubts in `f64`. What cannot be proven, as ties and overflows, votes for the other class, so that no certificate rests on it. The noise is a
/// seeded pseudo-random one and x + σε is rounded to `f32`; as everywhere in practice, the guarantee takes it for
/// independent normal numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Standard deviation of the noise, in input units.
    pub sigma: f64,
    /// Noise vectors that bound the probability (n).
    pub samples: usize,
    /// Noise vectors that choose the class (n₀).
    pub selection: usize,
    /// Risk of a wrong answer, per input.
    pub alpha: f64,
    /// Same seed, same answer: for any number of threads and any batching.
    pub seed: u64,
}

impl Default for Smoothing {
    fn default() -> Self {
        Smoothing { sigma: 0.25, samples: 100_000, selection: 100, alpha: 0.001, seed: 0 }
    }
}

/// So many doubtful vectors are looked at together.
const TOGETHER: usize = 64;

/// The smoothed classifier's answer, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmoothedClass {
    /// More than half of the noise, with confidence 1 − α, lands in the sensitive class.
    Sensitive,
    /// … in the other class.
    Other,
    /// Neither is proven.
    Abstain,
}

/// What was counted around one sample, and what it proves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The proven class.
    pub class: SmoothedClass,
    /// Votes for the sensitive class among the `selection` noise vectors.
    pub selected: usize,
    /// Votes for the sensitive class among the `samples` noise vectors.
    pub positive: usize,
    /// Lower bound, with confidence 1 − α, of the probability of the class that the selection chose.
    pub probability: f64,
}

impl Smoothing {
    /// Are these settings that mean something?
    ///
    /// # Errors
    /// The first that does not, and what was expected.
    pub fn check(&self) -> Result<(), String> {
        if !(self.sigma > 0.0 && self.sigma.is_finite()) {
            return Err(format!("sigma = {}: expected a positive number", self.sigma));
        }
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(format!("alpha = {}: expected a risk between 0 and 1", self.alpha));
        }
        for (name, count) in [("samples", self.samples), ("selection", self.selection)] {
            if count == 0 || u32::try_from(count).is_err() {
                return Err(format!("{name} = {count}: expected a count from 1 to 2^32 − 1"));
            }
        }
        Ok(())
    }

    /// The smoothed classifier's answers.
    ///
    /// # Errors
    /// When the settings mean nothing, see [`Smoothing::check`].
    pub fn predictions(&self, model: &Model, samples: Samples) -> Result<Vec<Prediction>, String> {
        self.check()?;
        let votes = Votes::new(model);
        let one = |i: usize| self.predict(&votes, samples.sample(i), (samples.first + i) as u64);
        Ok((0..samples.count()).map(one).collect())
    }

    fn predict(&self, votes: &Votes, sample: &[f64], index: u64) -> Prediction {
        let votes = &votes.around(sample);
        let selected = self.count(votes, sample, index, Draw::Selection, self.selection);
        let positive = self.count(votes, sample, index, Draw::Estimation, self.samples);
        // A tie chooses the other class, which never gets a radius.
        let sensitive = 2 * selected > self.selection;
        let chosen = if sensitive { positive } else { self.samples - positive };
        let probability = clopper_pearson_lower(chosen as u64, self.samples as u64, self.alpha);
        let class = match (probability > 0.5, sensitive) {
            (false, _) => SmoothedClass::Abstain,
            (true, true) => SmoothedClass::Sensitive,
            (true, false) => SmoothedClass::Other,
        };
        Prediction { class, selected, positive, probability }
    }

    /// How many of `count` noisy copies of the sample vote for the sensitive class.
    fn count(&self, votes: &Around, sample: &[f64], index: u64, draw: Draw, count: usize) -> usize {
        let (size, per_block) = (sample.len(), block_vectors(sample.len()));
        let (mut inputs, mut doubts) = (vec![0.0_f32; per_block.min(count) * size], Vec::new());
        let mut found = 0;
        for (block, start) in (0..count).step_by(per_block).enumerate() {
            let inputs = &mut inputs[..per_block.min(count - start) * size];
            noisy_inputs(inputs, sample, self.sigma, self.seed, index, draw, block as u64);
            found += votes.count(inputs, &mut doubts);
            if doubts.len() >= TOGETHER * size {
                found += votes.settle(&mut doubts);
            }
        }
        found + votes.settle(&mut doubts)
    }

    /// The answer for one norm, in `size` dimensions: the same noise serves every norm.
    pub fn outcome(&self, prediction: &Prediction, size: usize, norm: Norm) -> Outcome {
        let n = self.samples;
        let verdict = match prediction.class {
            SmoothedClass::Sensitive => {
                let l2 = quantile_lower(prediction.probability).unwrap_or(0.0);
                let l2 = (self.sigma * l2).next_down().max(0.0);
                Verdict::Certified(Radius::new(from_l2(l2, norm, size)))
            }
            SmoothedClass::Other => Verdict::NotSensitive,
            SmoothedClass::Abstain => Verdict::Abstain(format!(
                "no class has a proven majority: {} of {n} noisy inputs are sensitive",
                prediction.positive
            )),
        };
        Outcome { detail: format!("{self} {prediction}"), ..Outcome::plain(verdict) }
    }
}

/// The radius of the largest ℓp ball inside the ℓ2 ball of radius `l2` in `size` dimensions, rounded down.
fn from_l2(l2: f64, norm: Norm, size: usize) -> f64 {
    let d = size as f64;
    let ratio = match norm {
        Norm::L1 | Norm::L2 => return l2,
        Norm::Linf => d.sqrt().next_up(),
        Norm::Lp(p) if p <= 2.0 => return l2,
        Norm::Lp(p) => pow_up(d, (0.5 - (1.0 / p).next_down()).next_up()),
    };
    if d == 1.0 { l2 } else { (l2 / ratio).next_down().max(0.0) }
}

impl fmt::Display for Smoothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Smoothing { sigma, samples, selection, alpha, seed } = self;
        write!(f, "sigma={sigma} n={samples} n0={selection} alpha={alpha} seed={seed}")
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            SmoothedClass::Sensitive => "sensitive",
            SmoothedClass::Other => "other",
            SmoothedClass::Abstain => "abstain",
        };
        let Prediction { selected, positive, probability, .. } = self;
        write!(f, "smoothed-class={class} selected={selected} positive={positive} probability>={probability}")
    }
}

impl Method for Smoothing {
    fn name(&self) -> &'static str {
        "smoothing"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Probabilistic
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn cost(&self) -> Cost {
        Cost::Search
    }

    fn norms(&self) -> Norms {
        Norms::Unweighted
    }

    fn settings(&self) -> &'static [Setting] {
        &[Setting::Noise]
    }

    fn for_every_norm(&self) -> Option<&dyn EveryNorm> {
        Some(self)
    }

    fn has_evidence(&self) -> bool {
        false
    }

    fn subject(&self) -> Subject {
        Subject::Smoothed
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        if self.norms().check(perturbation).is_err() {
            let reason = "smoothing certifies plain norms: its noise is the same for every coordinate";
            return vec![Outcome::plain(Verdict::Unknown(reason.into())); samples.count()];
        }
        match self.predictions(model, samples) {
            Ok(predictions) => predictions.iter().map(|p| self.outcome(p, samples.size, perturbation.norm)).collect(),
            Err(reason) => vec![Outcome::plain(Verdict::Unknown(reason)); samples.count()],
        }
    }
}

impl EveryNorm for Smoothing {
    fn answer(&self, model: &Model, sample: Samples) -> Box<dyn Fn(Norm) -> Outcome + Send + Sync> {
        let (smoothing, size) = (*self, sample.size);
        match self.predictions(model, sample).map(|all| all[0]) {
            Ok(prediction) => Box::new(move |norm| smoothing.outcome(&prediction, size, norm)),
            Err(reason) => Box::new(move |_| Outcome::plain(Verdict::Unknown(reason.clone()))),
        }
    }
}
