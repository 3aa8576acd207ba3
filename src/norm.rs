//! ℓp norms, 1 ≤ p ≤ ∞, with upper bounds of norms and dual norms.

use crate::rounding::{max_abs, norm1_up, norm2_up, power_norm_up};
use std::fmt;
use std::str::FromStr;

/// The norm that measures a perturbation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// Σ|δ_i|.
    L1,
    /// √Σδ_i².
    L2,
    /// max|δ_i|.
    Linf,
    /// (Σ|δ_i|^p)^{1/p} for another p, 1 < p < ∞.
    Lp(f64),
}

impl Norm {
    /// The three norms that every method knows.
    pub const STANDARD: [Norm; 3] = [Norm::L1, Norm::L2, Norm::Linf];

    /// p, possibly infinite.
    pub fn p(self) -> f64 {
        match self {
            Norm::L1 => 1.0,
            Norm::L2 => 2.0,
            Norm::Linf => f64::INFINITY,
            Norm::Lp(p) => p,
        }
    }

    /// The norm for p.
    ///
    /// # Errors
    /// When p < 1 or NaN: that is not a norm.
    pub fn from_p(p: f64) -> Result<Norm, NormError> {
        match p {
            1.0 => Ok(Norm::L1),
            2.0 => Ok(Norm::L2),
            f64::INFINITY => Ok(Norm::Linf),
            p if p > 1.0 => Ok(Norm::Lp(p)),
            _ => Err(NormError(format!("p = {p} is not a norm: p must be at least 1"))),
        }
    }

    /// An upper bound of ‖v‖_p.
    pub fn upper(self, v: &[f64]) -> f64 {
        match self {
            Norm::L1 => norm1_up(v),
            Norm::L2 => norm2_up(v),
            Norm::Linf => max_abs(v),
            Norm::Lp(p) => power_norm_up(v, p),
        }
    }

    /// An upper bound of ‖w‖_{p*}, 1/p + 1/p* = 1.
    pub fn dual_upper(self, w: &[f64]) -> f64 {
        match self {
            Norm::L1 => Norm::Linf.upper(w),
            Norm::L2 => Norm::L2.upper(w),
            Norm::Linf => Norm::L1.upper(w),
            Norm::Lp(p) => power_norm_up(w, (p / (p - 1.0).next_up()).next_down().max(1.0)),
        }
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Norm::L1 => f.write_str("l1"),
            Norm::L2 => f.write_str("l2"),
            Norm::Linf => f.write_str("linf"),
            Norm::Lp(p) => write!(f, "lp:{p}"),
        }
    }
}

/// Text that names no norm.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct NormError(String);

impl FromStr for Norm {
    type Err = NormError;

    /// `l1`, `l2`, `linf` as other tools write them too: `L2`, `l_2`, `ℓ2`, `2`, `inf`, `L∞`; and `lp:P`.
    fn from_str(text: &str) -> Result<Norm, NormError> {
        let lower = text.trim().to_lowercase();
        if let Some(Ok(p)) = lower.strip_prefix("lp:").map(str::parse::<f64>) {
            return Norm::from_p(p);
        }
        let name = lower.strip_prefix(['l', 'ℓ']).map(|rest| rest.strip_prefix(['_', '-']).unwrap_or(rest));
        match name.unwrap_or(&lower) {
            "1" | "1.0" => Ok(Norm::L1),
            "2" | "2.0" => Ok(Norm::L2),
            "inf" | "infty" | "infinity" | "∞" => Ok(Norm::Linf),
            _ => Err(NormError(format!("norm `{}`: expected l1, l2, linf or lp:P with P ≥ 1", text.trim()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["l1", "l2", "linf", "lp:1.5", "lp:7"] {
            assert_eq!(name.parse::<Norm>().unwrap().to_string(), name);
        }
        assert_eq!("lp:2".parse::<Norm>().unwrap(), Norm::L2);
        assert_eq!("lp:inf".parse::<Norm>().unwrap(), Norm::Linf);
    }

    #[test]
    fn names_of_other_tools_are_read() {
        for (norm, names) in [
            (Norm::L1, &["L1", "1", "l_1", "ℓ1", "ℓ_1", "1.0", " l1 "][..]),
            (Norm::L2, &["L2", "2", "l_2", "ℓ2", "L-2", "2.0", "LP:2"]),
            (Norm::Linf, &["Linf", "inf", "l_inf", "L∞", "ℓ∞", "∞", "Infinity", "linfty", "LInf", "L_inf", "INF"]),
        ] {
            names.iter().for_each(|name| assert_eq!(name.parse::<Norm>(), Ok(norm), "{name}"));
        }
    }

    #[test]
    fn what_is_no_norm_is_refused() {
        for name in [
            "lp:0.5", "lp:0", "lp:-1", "lp:nan", "lp:", "l3", "", "L 2", "l", "0", "3", "lp", "l__2", "ll2", "-inf",
            "1e0", "nan",
        ] {
            assert!(name.parse::<Norm>().is_err(), "{name}");
        }
    }

    #[test]
    fn hoelder_holds_for_fractional_exponents() {
        let (x, w) = ([0.3, -1.2, 0.05, 2.0], [-0.7, 0.4, 3.0, 0.9]);
        let product: f64 = x.iter().zip(&w).map(|(a, b)| a * b).sum();
        for p in [1.0, 1.01, 1.3, 1.5, 2.0, 3.0, 17.0, f64::INFINITY] {
            let norm = Norm::from_p(p).unwrap();
            assert!(product <= norm.upper(&x) * norm.dual_upper(&w), "p = {p}");
            // The dual norm is attained at w's own conjugate direction, so the bound cannot be loose.
            if p > 1.0 && p < f64::INFINITY {
                let q = p / (p - 1.0);
                let direction: Vec<f64> = w.iter().map(|v: &f64| v.signum() * v.abs().powf(q - 1.0)).collect();
                let attained: f64 = direction.iter().zip(&w).map(|(a, b)| a * b).sum();
                let ratio = attained / (norm.upper(&direction) * norm.dual_upper(&w));
                assert!((1.0 - 1e-9..=1.0 + 1e-15).contains(&ratio), "p = {p}: {ratio}");
            }
        }
    }
}
