//! The training objective: cross-entropy, certified margins, and penalties on the gradient in ψ.

use super::network::Network;
use super::pass::{Mode, Pass};
use crate::matrix::Scalar;
use serde::{Deserialize, Serialize};

/// One of ℓ1, ℓ2, ℓ∞, as a config names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Σ|·|.
    L1,
    /// √Σ(·)².
    L2,
    /// max|·|.
    Linf,
}

impl From<Norm> for crate::norm::Norm {
    fn from(norm: Norm) -> Self {
        match norm {
            Norm::L1 => crate::norm::Norm::L1,
            Norm::L2 => crate::norm::Norm::L2,
            Norm::Linf => crate::norm::Norm::Linf,
        }
    }
}

impl Norm {
    /// All of them, in the order of tables.
    pub const ALL: [Norm; 3] = [Norm::L1, Norm::L2, Norm::Linf];

    /// The dual norm's: 1/p + 1/q = 1.
    pub fn dual(self) -> Norm {
        match self {
            Norm::L1 => Norm::Linf,
            Norm::L2 => Norm::L2,
            Norm::Linf => Norm::L1,
        }
    }

    /// The exponent.
    pub fn p(self) -> f64 {
        match self {
            Norm::L1 => 1.0,
            Norm::L2 => 2.0,
            Norm::Linf => f64::INFINITY,
        }
    }

    /// `l1`, `l2` or `linf`.
    pub fn name(self) -> &'static str {
        match self {
            Norm::L1 => "l1",
            Norm::L2 => "l2",
            Norm::Linf => "linf",
        }
    }

    /// The norm of a vector.
    pub fn of<T: Scalar>(self, vector: &[T]) -> f64 {
        match self {
            Norm::L1 => vector.iter().map(|v| v.wide().abs()).sum(),
            Norm::L2 => vector.iter().map(|v| v.wide() * v.wide()).sum::<f64>().sqrt(),
            Norm::Linf => vector.iter().map(|v| v.wide().abs()).fold(0.0, f64::max),
        }
    }

    /// `out += factor · s` for a subgradient s of the norm at `vector`, whose norm is `value` (0 at 0).
    fn add_subgradient<T: Scalar>(self, vector: &[T], value: f64, factor: f64, out: &mut [T]) {
        if value == 0.0 || factor == 0.0 {
            return;
        }
        match self {
            Norm::L1 => {
                for (out, &v) in out.iter_mut().zip(vector) {
                    *out += T::of(if v == T::ZERO { 0.0 } else { factor.copysign(factor * v.wide()) });
                }
            }
            Norm::L2 => {
                let factor = T::of(factor / value);
                for (out, &v) in out.iter_mut().zip(vector) {
                    *out += factor * v;
                }
            }
            Norm::Linf => {
                if let Some(i) = vector.iter().position(|v| v.wide().abs() == value) {
                    out[i] += T::of(factor * vector[i].wide().signum());
                }
            }
        }
    }
}

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
}

/// The objective's derivatives by value and by gradient, per sample.
struct Adjoint<T> {
    value: f64,
    /// ∂/∂g_j, `[n]`.
    e: Vec<T>,
    /// ∂/∂G, `[n × inputs]`.
    h: Vec<T>,
}

impl Objective {
    /// Does the objective look at the gradient at all?
    fn needs_gradient(&self) -> bool {
        self.frobenius != 0.0 || !self.penalty.is_empty() || !self.margin.is_empty()
    }

    /// The objective's mean over a batch.
    pub fn value<T: Scalar>(&self, network: &Network<T>, batch: &Batch<T>, mode: Mode) -> f64 {
        let pass = Pass::new(network, batch.psi, mode);
        let gradient = self.input_gradient(&pass, batch);
        self.adjoint(network, batch, pass.logits(), &gradient).value
    }

    /// The objective's mean over a training batch; its gradient is added to `out` `[parameters]`. Also gives the mean
    /// and variance that each batch-norm saw.
    pub fn gradient<T: Scalar>(&self, network: &Network<T>, batch: &Batch<T>, out: &mut [T]) -> (f64, Vec<(f64, f64)>) {
        let pass = Pass::new(network, batch.psi, Mode::Training);
        let gradient = self.input_gradient(&pass, batch);
        let adjoint = self.adjoint(network, batch, pass.logits(), &gradient);
        pass.parameter_gradient(&adjoint.e, batch.signs, &adjoint.h, out);
        (adjoint.value, pass.statistics().collect())
    }

    fn input_gradient<T: Scalar>(&self, pass: &Pass<T>, batch: &Batch<T>) -> Vec<T> {
        if self.needs_gradient() { pass.input_gradient(batch.signs) } else { vec![T::ZERO; batch.psi.len()] }
    }

    fn adjoint<T: Scalar>(&self, network: &Network<T>, batch: &Batch<T>, g: &[T], gradient: &[T]) -> Adjoint<T> {
        let (n, d) = (g.len(), network.architecture.inputs());
        let share = 1.0 / n.max(1) as f64;
        let mut adjoint = Adjoint { value: 0.0, e: Vec::with_capacity(n), h: vec![T::ZERO; gradient.len()] };
        let rows = gradient.chunks_exact(d).zip(adjoint.h.chunks_exact_mut(d));
        for ((&g, &sensitive), (gradient, h)) in g.iter().zip(batch.sensitive).zip(rows) {
            let (value, e) = self.sample(network, g.wide(), sensitive, gradient, share, h);
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
        g: f64,
        sensitive: bool,
        gradient: &[T],
        share: f64,
        h: &mut [T],
    ) -> (f64, f64) {
        let (mut value, mut e) = (0.0, 0.0);
        let weight = if sensitive { self.sensitive_weight.unwrap_or(1.0) } else { 1.0 };
        if sensitive && !self.margin.is_empty() {
            let part = weight / self.margin.len() as f64;
            for margin in &self.margin {
                let dual = margin.norm.dual();
                let norm = dual.of(gradient);
                let reach = margin.radius * network.map.lipschitz(margin.norm.p());
                let lowered = g - reach * norm;
                let slope = part * -sigmoid(-lowered);
                value += part * softplus(-lowered);
                e += slope;
                dual.add_subgradient(gradient, norm, -slope * reach * share, h);
            }
        } else {
            let sign = if sensitive { -1.0 } else { 1.0 };
            let (cost, slope) = match self.classification {
                Classification::CrossEntropy => (softplus(sign * g), sigmoid(sign * g)),
                Classification::SquaredHinge => {
                    let short = (1.0 + sign * g).max(0.0);
                    (short * short, 2.0 * short)
                }
            };
            value += weight * cost;
            e += weight * sign * slope;
        }
        if sensitive || self.penalised == Penalised::All {
            for penalty in &self.penalty {
                let norm = penalty.norm.of(gradient);
                value += penalty.weight * norm;
                penalty.norm.add_subgradient(gradient, norm, penalty.weight * share, h);
            }
        }
        (value, e)
    }
}

/// ln(1 + eᵗ), without overflow.
fn softplus(t: f64) -> f64 {
    t.max(0.0) + (-t.abs()).exp().ln_1p()
}

/// 1/(1 + e⁻ᵗ).
fn sigmoid(t: f64) -> f64 {
    1.0 / (1.0 + (-t).exp())
}
