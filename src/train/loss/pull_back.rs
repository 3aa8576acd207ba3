//! What an attacker gains by a sample's coordinates, along the tangent plane: f falls by r·size at most within a ball of
//! radius r.

use super::Norm;
use crate::matrix::Scalar;
use crate::train::feature_map::{FeatureKind, FeatureMap};
use serde::{Deserialize, Serialize};

/// How the gradient in ψ bounds what f loses in a ball around x.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullBack {
    /// By Lip(φ) times the gradient's norm: what the closed form proves.
    #[default]
    Lipschitz,
    /// Coordinate by coordinate through φ, within the task's valid range: what the sharp radius proves.
    Sharp,
}

/// Gains per unit of radius, and how they depend on the gradient.
pub struct Gains<T> {
    /// Their dual norm.
    pub size: f64,
    dual: Norm,
    /// `[size of ψ]` for the Lipschitz bound, `[features]` for the sharp one.
    gains: Vec<T>,
    form: Form<T>,
}

enum Form<T> {
    /// Lip(φ) times the gradient itself.
    Lipschitz(f64),
    /// σ·a + κ·b of every coordinate's derivatives by y and by |y|.
    Sharp(Vec<[T; 2]>),
}

impl<T: Scalar> Gains<T> {
    /// By Lip(φ).
    pub fn lipschitz(map: &FeatureMap, norm: Norm, gradient: &[T]) -> Gains<T> {
        let (dual, lipschitz) = (norm.dual(), map.lipschitz(norm.p()));
        let size = lipschitz * dual.of(gradient);
        Gains { size, dual, gains: gradient.to_vec(), form: Form::Lipschitz(lipschitz) }
    }

    /// Through φ, for perturbations that stay within the radius and the range.
    pub fn sharp(
        map: &FeatureMap,
        norm: Norm,
        radius: f64,
        range: Option<[f64; 2]>,
        psi: &[T],
        gradient: &[T],
    ) -> Gains<T> {
        let dual = norm.dual();
        let absolute = map.kind() == FeatureKind::Abs;
        let mut gains = Vec::with_capacity(map.centre().len());
        let mut form = Vec::with_capacity(map.centre().len());
        for (i, &mu) in map.centre().iter().enumerate() {
            let mu = if map.kind() == FeatureKind::Identity { 0.0 } else { f64::from(mu) };
            let y = psi[i].wide();
            let rooms = match range {
                None => [radius; 2],
                Some([low, high]) => [mu + y - low, high - mu - y].map(|room| room.clamp(0.0, radius)),
            };
            let (a, b) = (gradient[i].wide(), if absolute { gradient[map.centre().len() + i].wide() } else { 0.0 });
            let gain = |[sigma, kappa]: [f64; 2]| sigma * a + kappa * b;
            let better = |best: [f64; 2], next: [f64; 2]| if gain(next) > gain(best) { next } else { best };
            let best = moves(norm, radius, y, rooms).into_iter().flatten().fold([0.0; 2], better);
            gains.push(T::of(gain(best)));
            form.push(best.map(T::of));
        }
        Gains { size: dual.of(&gains), dual, gains, form: Form::Sharp(form) }
    }

    /// Adds `factor` times the size's derivative by the gradient.
    pub fn add_to(&self, factor: f64, h: &mut [T]) {
        match &self.form {
            Form::Lipschitz(lipschitz) => {
                self.dual.add_subgradient(&self.gains, self.size / lipschitz, factor * lipschitz, h);
            }
            Form::Sharp(form) => {
                let mut along = vec![T::ZERO; self.gains.len()];
                self.dual.add_subgradient(&self.gains, self.size, factor, &mut along);
                let d = form.len();
                for (i, ([sigma, kappa], s)) in form.iter().zip(along).enumerate() {
                    h[i] += *sigma * s;
                    if h.len() > d {
                        h[d + i] += *kappa * s;
                    }
                }
            }
        }
    }
}

/// The moves of a coordinate y that can gain most per unit of radius, as −δ and |y| − |y + δ| over what they are counted by:
/// in ℓ∞ the radius, since every coordinate may go all the way; else the move's own length. In between both are linear, so
/// that the ends and the kink suffice.
fn moves(norm: Norm, radius: f64, y: f64, [down, up]: [f64; 2]) -> [Option<[f64; 2]>; 4] {
    let to = |delta: f64, by: f64| (by > 0.0).then(|| [-delta / by, (y.abs() - (y + delta).abs()) / by]);
    if norm == Norm::Linf {
        let kink = -y >= -down && -y <= up;
        return [to(-down, radius), to(up, radius), if kink { to(-y, radius) } else { None }, None];
    }
    // At the very start |y| changes by the sign of y, and at its kink it grows.
    let start = |sign: f64, room: f64| {
        let grows = if y == 0.0 || y.signum() == sign { 1.0 } else { -1.0 };
        (room > 0.0).then_some([-sign, -grows])
    };
    [start(-1.0, down), start(1.0, up), to(-down, down), to(up, up)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The least of a·δ + b·(|y + δ| − |y|) over a fine grid of what one coordinate may do.
    fn naive(a: f64, b: f64, y: f64, [down, up]: [f64; 2]) -> f64 {
        let steps = 2000;
        let delta = |i: i32| -down + (down + up) * f64::from(i) / f64::from(steps);
        (0..=steps).map(|i| a * delta(i) + b * ((y + delta(i)).abs() - y.abs())).fold(0.0, f64::min)
    }

    proptest! {
        /// In ℓ∞ coordinates move on their own, so that the gains are the very least values; elsewhere they bound them.
        #[test]
        fn gains_are_what_single_coordinates_lose(
            rows in prop::collection::vec((-1.0..1.0f64, -1.0..1.0f64, -0.5..0.5f64), 1..6), radius in 0.01..0.7f64,
        ) {
            let map = FeatureMap::new(FeatureKind::Abs, vec![0.5; rows.len()]);
            let psi: Vec<f64> = rows.iter().map(|row| row.2).chain(rows.iter().map(|row| row.2.abs())).collect();
            let gradient: Vec<f64> = rows.iter().map(|row| row.0).chain(rows.iter().map(|row| row.1)).collect();
            let rooms = |y: f64| [0.5 + y, 0.5 - y].map(|room| room.clamp(0.0, radius));
            let lost: Vec<f64> = rows.iter().map(|&(a, b, y)| -naive(a, b, y, rooms(y))).collect();
            let size = |norm| Gains::sharp(&map, norm, radius, Some([0.0, 1.0]), &psi, &gradient).size;
            let [l1, l2, linf] = Norm::ALL.map(size);
            let total: f64 = lost.iter().sum();
            prop_assert!((radius * linf - total).abs() <= 2e-3 * radius * (1.0 + linf), "{linf} {total}");
            let most = lost.iter().fold(0.0, |a: f64, &b| a.max(b));
            prop_assert!(radius * l1 >= most - 1e-9 && l2 >= l1 - 1e-9, "{l1} {l2}");
            for norm in Norm::ALL {
                let loose = Gains::lipschitz(&map, norm, &gradient).size;
                prop_assert!(size(norm) <= loose * (1.0 + 1e-12), "{norm:?}");
            }
        }
    }
}
