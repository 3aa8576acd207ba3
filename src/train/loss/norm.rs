//! The norms that a config names.

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
    pub(super) fn add_subgradient<T: Scalar>(self, vector: &[T], value: f64, factor: f64, out: &mut [T]) {
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
