//! Which class a noisy input votes for, proven by the cheapest of three means: the tangent plane at the sample, the
//! logit in `f32`, its enclosure in `f64`.

use super::floats::{Floats, Known, RAISE, TINY, gamma};
use crate::matrix::dot;
use crate::model::minorant::{Minorant, Part, tangents};
use crate::model::{Model, NodeId};
use crate::rounding;
use crate::rounding::norm2_up;

/// A network that votes.
pub(super) struct Votes<'a> {
    model: &'a Model,
    floats: Floats<'a>,
}

/// The votes around one sample.
pub(super) struct Around<'a> {
    votes: &'a Votes<'a>,
    plane: Option<Plane>,
}

/// A lower bound of f that is affine in the features ψ of a feature-convex network, f(x') ≥ v + c·(ψ(x') − ψ(x)), for
/// features ψ̃ in `f32` that are within e of the exact ones, and coefficients in `f32`, c within E:
///
/// f(x') ≥ k + fl(c·ψ̃(x')) − a·‖ψ̃(x')‖₂ − b·e(x'), with a = γ_{n+1}·‖c‖₂ + ‖E‖₂ and b = ‖c‖₂ + ‖E‖₂,
///
/// where k is v − c·ψ̃(x), less the same bounds there.
struct Plane {
    constant: f64,
    features: Vec<NodeId>,
    slopes: Vec<Slopes>,
}

/// The coefficients of one of the nodes with features, a and b.
struct Slopes {
    coefficients: Vec<f32>,
    of_length: f64,
    of_error: f64,
}

impl Slopes {
    fn new(part: &Part) -> Slopes {
        let n = part.coefficients.len();
        let coefficients: Vec<f32> = part.coefficients.iter().map(|&c| c as f32).collect();
        let wide: Vec<f64> = coefficients.iter().map(|&c| f64::from(c)).collect();
        let away = |((&c, &e), &narrow): ((&f64, &f64), &f64)| (e + (c - narrow).abs()) * RAISE + f64::MIN_POSITIVE;
        let errors: Vec<f64> = part.coefficients.iter().zip(&part.errors).zip(&wide).map(away).collect();
        let (size, error) = (norm2_up(&wide), norm2_up(&errors));
        let of_length = (gamma(n + 1) * size + error) * RAISE;
        Slopes { coefficients, of_length, of_error: (size + error) * RAISE }
    }

    /// c·ψ̃ of one vector, and a bound of its error.
    fn at(&self, psi: &[f32], length: f64, error: f64) -> (f64, f64) {
        let bound = self.of_length * length + self.of_error * error + psi.len() as f64 * TINY;
        (f64::from(dot(&self.coefficients, psi)), bound)
    }
}

impl Plane {
    /// The tangent plane at a sample; `None` where the network is not feature-convex, or its logit there not positive.
    fn tangent(votes: &Votes, sample: &[f64]) -> Option<Plane> {
        let convexity = votes.model.convexity().ok()?;
        let narrow: Vec<f32> = sample.iter().map(|&x| x as f32).collect();
        if narrow.iter().zip(sample).any(|(&narrow, &x)| f64::from(narrow) != x) {
            return None;
        }
        let Minorant { value, parts } = tangents(votes.model.network(), sample, convexity.feature_stops()).pop()?;
        let slopes: Vec<Slopes> = parts.iter().map(Slopes::new).collect();
        let features = convexity.map.features.clone();
        let plane = Plane { constant: 0.0, features, slopes };
        let here = plane.above(&mut votes.floats.evaluate(&narrow, &plane.features), 0);
        let constant = (value.lower() - here.0) - here.1;
        // Two roundings.
        let constant = constant - 4.0 * f64::EPSILON * (value.lower().abs() + here.0.abs() + here.1);
        (value.lower() > 0.0 && constant.is_finite()).then_some(Plane { constant, ..plane })
    }

    /// Σ c·ψ̃ of vector `i`, and a bound of its error.
    fn above(&self, features: &mut [Known], i: usize) -> (f64, f64) {
        let (mut sum, mut size, mut bound) = (0.0, 0.0, 0.0);
        for (known, slopes) in features.iter_mut().zip(&self.slopes) {
            let n = slopes.coefficients.len();
            let length = known.lengths()[i];
            let (value, error) = slopes.at(&known.values[i * n..(i + 1) * n], length, known.errors[i]);
            sum += value;
            size += value.abs();
            bound += error;
        }
        (sum, (bound + rounding::gamma(self.slopes.len() + 2) * size) * RAISE)
    }

    /// Whether f is proven to be positive, at every vector of `inputs`.
    fn proves(&self, floats: &Floats, inputs: &[f32], size: usize) -> Vec<bool> {
        let mut features = floats.evaluate(inputs, &self.features);
        let one = |i: usize| {
            let (sum, error) = self.above(&mut features, i);
            let rounded = 8.0 * f64::EPSILON * (self.constant.abs() + sum.abs() + error);
            // Infinite on both sides, or NaN, is no proof.
            self.constant + sum - error > rounded
        };
        (0..inputs.len() / size).map(one).collect()
    }
}

impl<'a> Votes<'a> {
    pub fn new(model: &'a Model) -> Votes<'a> {
        Votes { model, floats: Floats::new(model) }
    }

    /// The votes around a sample.
    pub fn around(&'a self, sample: &[f64]) -> Around<'a> {
        Around { votes: self, plane: Plane::tangent(self, sample) }
    }

    /// How many vectors of `inputs` have a logit that is proven to be above 0 in `f32`; those that may have one go to
    /// `doubts`.
    fn count(&self, inputs: &[f32], doubts: &mut Vec<f64>) -> usize {
        let size = self.model.input_size();
        let output = &self.floats.evaluate(inputs, &[self.model.graph().output()])[0];
        let mut votes = 0;
        let heads = output.values.len() / output.errors.len().max(1);
        for (i, (logits, &error)) in output.values.chunks_exact(heads.max(1)).zip(&output.errors).enumerate() {
            // All comparisons fail for NaN, and after an overflow the sign says nothing.
            let finite = |logit: &f32| logit.abs() <= f32::MAX;
            let above = logits.iter().all(|logit| finite(logit) && f64::from(*logit) > error);
            let below = logits.iter().any(|logit| finite(logit) && f64::from(-logit) > error);
            votes += usize::from(above);
            if !above && !below {
                doubts.extend(inputs[i * size..(i + 1) * size].iter().map(|&x| f64::from(x)));
            }
        }
        votes
    }
}

impl Around<'_> {
    /// How many vectors of `inputs` have a logit that is proven to be above 0, by the plane or in `f32`; those that may have
    /// one go to `doubts`.
    pub fn count(&self, inputs: &[f32], doubts: &mut Vec<f64>) -> usize {
        let Some(plane) = &self.plane else { return self.votes.count(inputs, doubts) };
        let size = self.votes.model.input_size();
        let proven = plane.proves(&self.votes.floats, inputs, size);
        let open = inputs.chunks_exact(size).zip(&proven).filter(|(_, proven)| !**proven);
        let open: Vec<f32> = open.flat_map(|(vector, _)| vector).copied().collect();
        let votes = proven.iter().filter(|proven| **proven).count();
        votes + if open.is_empty() { 0 } else { self.votes.count(&open, doubts) }
    }

    /// How many of the vectors in `doubts` have a logit that is proven to be above 0, in `f64`; there are none left then.
    pub fn settle(&self, doubts: &mut Vec<f64>) -> usize {
        let enclosed = if doubts.is_empty() { Vec::new() } else { self.votes.model.enclose(doubts) };
        doubts.clear();
        enclosed.iter().filter(|logit| logit.lower() > 0.0).count()
    }
}
