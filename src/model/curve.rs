//! Smooth convex functions of one or several numbers, with their slopes, conjugates and the errors of computing them.
//!
//! u(t) ≥ s·t − u*(s) for every slope s, or for weights s that sum to 1 (docs/METHOD.md).

use crate::elementary::{RELATIVE, exp_minus, ln, ln_1p};
use crate::rounding::{TINY, UNIT, add_up, sub_down};

/// A smooth convex function, entry by entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// ln Σ e^tₖ of several inputs.
    LogSumExp,
    /// ln(1 + e^t), and t itself where that is above the threshold: up to ln(1 + e^−threshold) less.
    Softplus {
        /// Infinite for none.
        threshold: f64,
    },
    /// t for t ≥ 0, α(e^t − 1) below, with 0 < α ≤ 1.
    Elu(f64),
    /// t², and its tangent from an edge > 0 on, as in a Huber function.
    Square {
        /// Whether it is 0 below 0, where its input may never be.
        rising: bool,
        /// Infinite for none.
        edge: f64,
    },
}

impl Curve {
    /// ln(1 + e^t).
    pub const SOFTPLUS: Curve = Curve::Softplus { threshold: f64::INFINITY };

    /// t².
    pub const fn square(rising: bool) -> Curve {
        Curve::Square { rising, edge: f64::INFINITY }
    }

    /// The name of its operator.
    pub fn name(self) -> &'static str {
        match self {
            Curve::LogSumExp => "LogSumExp",
            Curve::Softplus { .. } => "Softplus",
            Curve::Elu(_) => "Elu",
            Curve::Square { .. } => "Square",
        }
    }

    /// Its value where its inputs are these.
    pub fn value(self, inputs: impl Iterator<Item = f64> + Clone) -> f64 {
        let first = || inputs.clone().next().expect("an input");
        match self {
            Curve::LogSumExp => log_sum_exp(inputs),
            Curve::Softplus { .. } => {
                let t = first();
                ln_1p(exp_minus(t.abs())) + if t > 0.0 { t } else { 0.0 }
            }
            Curve::Elu(alpha) => match first() {
                t if t < 0.0 => alpha * (exp_minus(-t) - 1.0),
                t => t,
            },
            Curve::Square { rising, edge } => match first() {
                t if t > edge => edge * (2.0 * t - edge),
                t if t < 0.0 && rising => 0.0,
                t => t * t,
            },
        }
    }

    /// A bound of |computed − exact value| where the inputs are wrong by `errors`.
    pub fn value_error(self, value: f64, inputs: impl Iterator<Item = (f64, f64)>) -> f64 {
        let (mut error, mut count, mut below) = (0.0_f64, 0.0, false);
        for (t, e) in inputs {
            (count, below) = (count + 1.0, t < 0.0);
            // No slope is above 1, but a square's.
            let steep = if let Curve::Square { .. } = self { 2.0 * t.abs() + e } else { 1.0 };
            error = max(error, e * steep);
        }
        let own = match self {
            Curve::LogSumExp | Curve::Softplus { .. } => RELATIVE * (count + value.abs()),
            Curve::Elu(alpha) => {
                if below {
                    RELATIVE * alpha
                } else {
                    0.0
                }
            }
            Curve::Square { edge: f64::INFINITY, .. } => 2.0 * UNIT * value.abs(),
            Curve::Square { .. } => 4.0 * UNIT * value.abs(),
        };
        // Of what is infinite or NaN nothing is known.
        (error + own + self.excess()) * (1.0 + 8.0 * UNIT) + 4.0 * TINY + 0.0 * value
    }

    /// Bounds of its values where its inputs lie between these ends, whichever are infinite.
    pub fn range(self, ends: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
        let (first, last) = ends.clone().next().expect("an input");
        if let Curve::Square { rising, edge } = self {
            let least = if first > 0.0 {
                first
            } else if last < 0.0 && !rising {
                last
            } else {
                0.0
            };
            let of = |t: f64| self.value([t].into_iter());
            let (low, high) = (of(least), max(of(first), of(last)));
            if edge == f64::INFINITY {
                return (low.next_down().max(0.0), high.next_up());
            }
            let error = |value: f64| self.value_error(value, std::iter::empty());
            return (sub_down(low, error(low)).max(0.0), add_up(high, error(high)));
        }
        let (low, high) = (self.value(ends.clone().map(|e| e.0)), self.value(ends.clone().map(|e| e.1)));
        let low_error = self.value_error(low, ends.clone().map(|e| (e.0, 0.0)));
        let high_error = self.value_error(high, ends.map(|e| (e.1, 0.0)));
        let floor = match self {
            Curve::Softplus { .. } => 0.0,
            Curve::Elu(alpha) => -alpha,
            _ => f64::NEG_INFINITY,
        };
        (sub_down(low, low_error).max(floor), add_up(high, high_error))
    }

    /// By how much less it can be than what [`Curve::value`] computes.
    fn excess(self) -> f64 {
        match self {
            Curve::Softplus { threshold } if threshold < f64::INFINITY => {
                Curve::SOFTPLUS.value([-threshold].into_iter()) * (1.0 + 4.0 * RELATIVE) + TINY
            }
            _ => 0.0,
        }
    }

    /// About the slope towards input `k`.
    pub fn slope(self, inputs: impl Iterator<Item = f64> + Clone, k: usize) -> f64 {
        let of = |k: usize| inputs.clone().nth(k).expect("an input");
        match self {
            Curve::LogSumExp => {
                let largest = inputs.clone().fold(f64::NEG_INFINITY, f64::max);
                exp_minus(largest - of(k)) / inputs.map(|t| exp_minus(largest - t)).sum::<f64>()
            }
            Curve::Softplus { .. } => {
                let small = exp_minus(of(0).abs());
                (if of(0) > 0.0 { 1.0 } else { small }) / (1.0 + small)
            }
            Curve::Elu(alpha) => {
                if of(0) < 0.0 {
                    alpha * exp_minus(-of(0))
                } else {
                    1.0
                }
            }
            Curve::Square { rising, edge } => 2.0 * (if rising { of(0).max(0.0) } else { of(0) }).min(edge),
        }
    }

    /// The nearest slope that it may have; weights of several inputs are not looked at.
    pub fn legal(self, slope: f64) -> f64 {
        let (low, high) = match self {
            Curve::Square { rising, edge } => (if rising { 0.0 } else { -f64::MAX }, (2.0 * edge).min(f64::MAX)),
            _ => (0.0, 1.0),
        };
        if slope.is_nan() { 0.0 } else { slope.clamp(low, high) }
    }

    /// u*(s), and a bound of its error; s legal, exactly what it is.
    pub fn conjugate(self, slopes: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let s = slopes.clone().next().expect("a slope");
        let (value, size) = match self {
            Curve::LogSumExp => entropy(slopes),
            Curve::Softplus { .. } => entropy([s, 1.0 - s].into_iter()),
            Curve::Elu(alpha) if s < alpha => {
                let inner = if s > 0.0 { s * ln(s / alpha) } else { 0.0 };
                (inner - s + alpha, inner.abs() + s + alpha)
            }
            Curve::Elu(_) => (0.0, 0.0),
            Curve::Square { .. } => (0.25 * s * s, 0.25 * s * s),
        };
        // 1 − s is rounded, where s is below 1/2: by u, at a slope below 1.
        let rest = if matches!(self, Curve::Softplus { .. }) && s < 0.5 && s > 0.0 { UNIT } else { 0.0 };
        let excess = self.excess();
        (value + excess, (RELATIVE * size + rest + 2.0 * UNIT * excess) * (1.0 + 4.0 * UNIT) + 4.0 * TINY)
    }
}

/// The larger one, or NaN if one is: `f64::max` would drop it.
fn max(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}

fn log_sum_exp(inputs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = inputs.clone().fold(f64::NEG_INFINITY, max);
    largest + ln(inputs.map(|t| exp_minus(largest - t)).sum())
}

/// Σ s ln s, and Σ |s ln s|, more for many terms, whose sum is rounded more often.
fn entropy(weights: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut sum, mut count) = (0.0_f64, 0.0);
    weights.filter(|&s| s > 0.0).for_each(|s| (sum, count) = (sum + s * ln(s), count + 1.0));
    (sum, sum.abs() * (1.0 + count / 64.0))
}

/// Grid on which the weights of a maximum are exact and sum to exactly 1.
const WEIGHT_GRID: f64 = (1_u64 << 40) as f64;

/// Rounds weights down to the grid and gives what is missing to the first input.
pub(super) fn legalise_weights(weights: &mut [f64], inputs: usize) {
    let size = weights.len() / inputs;
    for i in 0..size {
        let total: f64 = (0..inputs).map(|k| weights[k * size + i].max(0.0)).sum();
        let mut left = WEIGHT_GRID;
        for k in 1..inputs {
            let share = (weights[k * size + i].max(0.0) / total * WEIGHT_GRID).floor();
            let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, left) };
            left -= share;
            weights[k * size + i] = share / WEIGHT_GRID;
        }
        weights[i] = left / WEIGHT_GRID;
    }
}
