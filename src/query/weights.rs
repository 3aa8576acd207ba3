//! Weighted norms ‖w ⊙ δ‖: changes are measured as u with δ_i = scale_i·u_i, scale_i ≥ 1/w_i.

use crate::model::Enclosed;
use crate::model::minorant::Part;
use crate::query::Perturbation;
use crate::rounding::{TINY, add_up, mul_up};

/// How remarks about weighted norms begin.
const MARK: &str = "weighted";

/// Whether a remark says that the norm is weighted.
pub fn is_marked(remark: &str) -> bool {
    remark.strip_prefix(MARK).is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
}

impl Perturbation<'_> {
    /// 1/w_i rounded up; 0 where the attacker cannot change the coordinate, exactly 1 without weights.
    pub fn scale(&self, i: usize) -> f64 {
        let Some(weight) = self.weights.map(|weights| weights[i]) else { return 1.0 };
        if weight == f64::INFINITY {
            return 0.0;
        }
        let scale = 1.0 / weight;
        // The fused product is rounded once, so its sign is the exact one.
        if scale.mul_add(weight, -1.0) >= 0.0 { scale } else { scale.next_up() }
    }

    /// The slope in u_i of a function with this slope in δ_i.
    pub fn times_scale(&self, i: usize, slope: Enclosed) -> Enclosed {
        let scale = self.scale(i);
        if scale == 1.0 || (slope.value == 0.0 && slope.error == 0.0) {
            return slope;
        }
        if scale == 0.0 {
            return Enclosed { value: 0.0, error: 0.0 };
        }
        let value = slope.value * scale;
        let rounding = if slope.value == 0.0 { 0.0 } else { f64::EPSILON * value.abs() + TINY };
        Enclosed { value, error: add_up(mul_up(slope.error, scale), rounding) }
    }

    /// An upper bound of the slope in u_i of a function whose slope in δ_i has at most this size.
    pub fn up_scale(&self, i: usize, size: f64) -> f64 {
        let scale = self.scale(i);
        if scale == 1.0 { size } else { mul_up(size, scale) }
    }

    /// The slopes of a minorant's linear part, in u.
    pub(super) fn scaled(&self, linear: &Part) -> Vec<Enclosed> {
        let entries = linear.coefficients.iter().zip(&linear.errors);
        let slope = |(i, (&value, &error)): (usize, (&f64, &f64))| self.times_scale(i, Enclosed { value, error });
        entries.enumerate().map(slope).collect()
    }

    /// A remark that also says whether the norm is weighted.
    pub fn mark(&self, remark: String) -> String {
        match (self.weights, remark.as_str()) {
            (None, _) => remark,
            (Some(_), "") => MARK.into(),
            (Some(_), _) => format!("{MARK}, {remark}"),
        }
    }

    /// Changes u as changes δ of the input, in plain floats.
    pub fn unscale(&self, changes: &mut [f64]) {
        if self.weights.is_some() {
            changes.iter_mut().enumerate().for_each(|(i, change)| *change *= self.scale(i));
        }
    }

    /// Changes δ of the input as changes u, in plain floats; 0 where there are none.
    pub fn weigh(&self, changes: &mut [f64]) {
        if let Some(weights) = self.weights {
            changes
                .iter_mut()
                .zip(weights)
                .for_each(|(change, w)| *change = if *change == 0.0 { 0.0 } else { *change * w });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::norm::Norm;
    use crate::query::Range;

    #[test]
    fn scales_are_reciprocals_rounded_up() {
        let weights = [1.0, 2.0, 3.0, 0.1_f32.into(), f32::MAX.into(), 1e-45_f32.into(), 7.0, f64::INFINITY];
        let weighted = Perturbation { weights: Some(&weights), ..Perturbation::new(Norm::L2) };
        for (i, &weight) in weights.iter().enumerate().take(7) {
            let scale = weighted.scale(i);
            // A product of 24 and 53 bits, against 1, without rounding.
            assert!(scale.mul_add(weight, -1.0) >= 0.0 && scale.next_down().mul_add(weight, -1.0) < 0.0, "{weight}");
        }
        assert_eq!([weighted.scale(0), weighted.scale(1), weighted.scale(7)], [1.0, 0.5, 0.0]);
        let exact = weighted.times_scale(2, Enclosed { value: 0.1, error: 0.0 });
        assert!(exact.error > 0.0 && exact.lower() <= 0.1 / 3.0 && 0.1 / 3.0 <= exact.upper());
    }

    #[test]
    fn rooms_are_measured_in_weighted_changes() {
        let weights = [4.0, f64::INFINITY];
        let range = Some(Range { low: 0.0, high: 1.0 }.into());
        let weighted = Perturbation { norm: Norm::L1, range, weights: Some(&weights) };
        let (fall, rise) = weighted.room(0, 0.25);
        assert!((1.0..1.0 + 1e-12).contains(&fall) && (3.0..3.0 + 1e-12).contains(&rise));
        assert_eq!(weighted.room(1, 0.25), (0.0, 0.0));
        assert_eq!(Perturbation { range: None, ..weighted }.room(1, 0.25), (0.0, 0.0));
    }
}
