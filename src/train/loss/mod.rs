//! The training objective: cross-entropy, certified margins, and penalties on the gradient in ψ.

mod heads;
mod norm;
mod pull_back;

use super::network::{Network, Running};
use super::pass::{Mode, Pass};
use crate::matrix::Scalar;
use heads::Chosen;
pub use norm::Norm;
use pull_back::Gains;
pub use pull_back::PullBack;
use serde::{Deserialize, Serialize};

/// A radius that the loss asks for: a sensitive sample's logit is lowered by radius · Lip_p(φ) · ‖G‖_{p*} before the
/// cross-entropy, which is the least value that its tangent plane leaves anywhere in the ball.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// The perturbation's norm (its dual is taken of the gradient).
    pub norm: Norm,
    /// In input units.
    pub radius: f64,
}

/// `weight` times the mean over the batch of ‖∇_ψ g(ψ_j)‖.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Penalty {
    /// The norm of the gradient (not its dual).
    pub norm: Norm,
    /// λ.
    pub weight: f64,
}

/// Whose gradients are penalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Penalised {
    /// Every sample's.
    #[default]
    All,
    /// Those of the sensitive class: the only ones that a certificate depends on.
    Sensitive,
}

/// What a sample costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Classification {
    /// ln(1 + e^∓g).
    #[default]
    CrossEntropy,
    /// max(0, 1 ∓ g)², 0 from a margin of 1 on: where every sample is to be right.
    SquaredHinge,
}

/// The objective. With batch-norm, the gradient is that of Σ_j v_j g_j with random signs v, cross terms included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Objective {
    /// What a sample costs.
    pub classification: Classification,
    /// Per-sample penalties, added up.
    pub penalty: Vec<Penalty>,
    /// λ of the paper's penalty: the root of the squared gradient norms' sum over the batch, neither squared nor averaged.
    pub frobenius: f64,
    /// Whose gradients the per-sample penalties take.
    pub penalised: Penalised,
    /// A sensitive sample's cross-entropy is the mean over these; with none, the plain one.
    pub margin: Vec<Margin>,
    /// How far a margin's ball lowers the logit.
    pub pull_back: PullBack,
    /// A margin's radius is not more than what the sample reaches, but a hundredth of it at least.
    pub adaptive: bool,
    /// γ of focal weights: a sample counts (1 − p)^γ, p its class's probability, which is taken as a constant.
    pub focal: f64,
    /// Factor on the sensitive class's cross-entropy (default 1).
    pub sensitive_weight: Option<f64>,
}

/// A labelled batch in ψ, with the signs v.
pub struct Batch<'a, T> {
    /// `[n × inputs]`.
    pub psi: &'a [T],
    /// `[n]`: of the sensitive class?
    pub sensitive: &'a [bool],
    /// `[n]` of ±1 (any signs without batch-norm, where samples do not interact).
    pub signs: &'a [T],
    /// The box that inputs stay in, for sharp margins.
    pub range: Option<[f64; 2]>,
}

/// What a training batch showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The objective's mean.
    pub value: f64,
    /// Mean and variance that each batch-norm saw, channel by channel.
    pub statistics: Vec<Vec<Running>>,
    /// How many samples trained each head.
    pub attained: Vec<usize>,
}

/// The objective's derivatives by value and by gradient, per sample.
struct Adjoint<T> {
    value: f64,
    /// ∂/∂g_j of the chosen heads, `[n]`.
    e: Vec<T>,
    /// ∂/∂G, `[n × inputs]`; empty where the objective does not look at G.
    h: Vec<T>,
}

/// One sample: its logit, its ψ, and the gradient there.
struct Sample<'a, T> {
    g: f64,
    sensitive: bool,
    psi: &'a [T],
    gradient: &'a [T],
}

impl Objective {
    /// Does the objective look at the gradient at all?
    fn needs_gradient(&self) -> bool {
        self.frobenius != 0.0 || !self.penalty.is_empty() || !self.margin.is_empty()
    }

    /// The objective's mean over a batch.
    pub fn value<T: Scalar>(&self, network: &Network<T>, batch: &Batch<T>, mode: Mode) -> f64 {
        let pass = Pass::new(network, batch.psi, mode);
        let chosen = Chosen::new(self, network, batch, &pass);
        self.adjoint(network, batch, &chosen).value
    }

    /// The objective's mean over a training batch; its gradient is added to `out` `[parameters]`.
    pub fn gradient<T: Scalar>(&self, network: &Network<T>, batch: &Batch<T>, out: &mut [T]) -> Found {
        let pass = Pass::new(network, batch.psi, Mode::Training);
        let chosen = Chosen::new(self, network, batch, &pass);
        let adjoint = self.adjoint(network, batch, &chosen);
        let e = chosen.spread(&adjoint.e);
        pass.parameter_gradient(&e, &chosen.spread(batch.signs), &adjoint.h, out);
        Found { value: adjoint.value, statistics: pass.statistics().collect(), attained: chosen.attained() }
    }

    fn adjoint<T: Scalar>(&self, network: &Network<T>, batch: &Batch<T>, chosen: &Chosen<T>) -> Adjoint<T> {
        let (n, d) = (chosen.g.len(), network.architecture.inputs());
        let share = 1.0 / n.max(1) as f64;
        let gradient = &chosen.gradient;
        let mut adjoint = Adjoint { value: 0.0, e: Vec::with_capacity(n), h: vec![T::ZERO; gradient.len()] };
        for (j, (&g, &sensitive)) in chosen.g.iter().zip(batch.sensitive).enumerate() {
            let row = if gradient.is_empty() { 0..0 } else { j * d..(j + 1) * d };
            let psi = &batch.psi[j * d..(j + 1) * d];
            let sample = Sample { g: g.wide(), sensitive, psi, gradient: &gradient[row.clone()] };
            let (value, e) = self.sample(network, &sample, batch.range, share, &mut adjoint.h[row]);
            adjoint.value += share * value;
            adjoint.e.push(T::of(share * e));
        }
        if self.frobenius != 0.0 {
            let norm = Norm::L2.of(gradient);
            adjoint.value += self.frobenius * norm;
            Norm::L2.add_subgradient(gradient, norm, self.frobenius, &mut adjoint.h);
        }
        adjoint
    }

    /// One sample's value and its derivative by the logit; `share` times that by the gradient is added to `h`.
    fn sample<T: Scalar>(
        &self,
        network: &Network<T>,
        sample: &Sample<T>,
        range: Option<[f64; 2]>,
        share: f64,
        h: &mut [T],
    ) -> (f64, f64) {
        let (mut value, mut e) = (0.0, 0.0);
        let weight = if sample.sensitive { self.sensitive_weight.unwrap_or(1.0) } else { 1.0 };
        if sample.sensitive && !self.margin.is_empty() {
            let part = weight / self.margin.len() as f64;
            for margin in &self.margin {
                let (radius, gains) = self.reached(network, sample, range, margin);
                let lowered = sample.g - radius * gains.size;
                let (cost, slope) = self.cost(-lowered);
                value += part * cost;
                e -= part * slope;
                gains.add_to(part * slope * radius * share, h);
            }
        } else {
            let sign = if sample.sensitive { -1.0 } else { 1.0 };
            let (cost, slope) = self.cost(sign * sample.g);
            value += weight * cost;
            e += weight * sign * slope;
        }
        if sample.sensitive || self.penalised == Penalised::All {
            for penalty in &self.penalty {
                let norm = penalty.norm.of(sample.gradient);
                value += penalty.weight * norm;
                penalty.norm.add_subgradient(sample.gradient, norm, penalty.weight * share, h);
            }
        }
        (value, e)
    }

    /// A margin's radius for this sample, and what each coordinate gives an attacker within it.
    fn reached<T: Scalar>(
        &self,
        network: &Network<T>,
        sample: &Sample<T>,
        range: Option<[f64; 2]>,
        margin: &Margin,
    ) -> (f64, Gains<T>) {
        let gains = |radius: f64| match self.pull_back {
            PullBack::Lipschitz => Gains::lipschitz(&network.map, margin.norm, sample.gradient),
            PullBack::Sharp => Gains::sharp(&network.map, margin.norm, radius, range, sample.psi, sample.gradient),
        };
        let asked = gains(margin.radius);
        if !self.adaptive || asked.size == 0.0 {
            return (margin.radius, asked);
        }
        let radius = (sample.g / (asked.size * margin.radius)).clamp(LEAST_SHARE, 1.0) * margin.radius;
        (radius, gains(radius))
    }

    /// What it costs to be on the wrong side by `t`, and the slope.
    fn cost(&self, t: f64) -> (f64, f64) {
        let (cost, slope) = match self.classification {
            Classification::CrossEntropy => (softplus(t), sigmoid(t)),
            Classification::SquaredHinge => {
                let short = (1.0 + t).max(0.0);
                (short * short, 2.0 * short)
            }
        };
        let focus = if self.focal == 0.0 { 1.0 } else { sigmoid(t).powf(self.focal) };
        (focus * cost, focus * slope)
    }
}

/// Of its radius, an adaptive margin asks for this much of every sample.
const LEAST_SHARE: f64 = 0.01;

/// ln(1 + eᵗ), without overflow.
fn softplus(t: f64) -> f64 {
    t.max(0.0) + (-t.abs()).exp().ln_1p()
}

/// 1/(1 + e⁻ᵗ).
fn sigmoid(t: f64) -> f64 {
    1.0 / (1.0 + (-t).exp())
}
