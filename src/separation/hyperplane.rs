//! From a direction in floats to a hyperplane that is a statement in exact numbers.

use super::classes::{Class, Classes};
use crate::proof::encode::decimal;
use crate::rounding::gamma;

/// Bits of the largest coefficient where all coordinates are bytes: scores are then exact in f64.
const BITS: i32 = 20;

/// a·x > t cuts off; both are float32, and integers where the points are bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperplane {
    /// a.
    pub coefficients: Vec<f32>,
    /// t.
    pub threshold: f32,
}

impl Hyperplane {
    /// The hyperplane of that direction just before the points of the other class; `None` where a number is lost.
    pub fn of(direction: &[f64], classes: &Classes) -> Option<Hyperplane> {
        let largest = direction.iter().fold(0.0_f64, |largest, w| largest.max(w.abs()));
        if !(largest > 0.0 && largest.is_finite()) {
            return None;
        }
        let scale = f64::from(BITS).exp2() / largest;
        let coefficient = |w: &f64| match classes.are_bytes() {
            true => (w * scale).round() as f32 + 0.0,
            false => (w * scale) as f32 + 0.0,
        };
        let mut plane = Hyperplane { coefficients: direction.iter().map(coefficient).collect(), threshold: 0.0 };
        let furthest = classes.rows(Class::Other).map(|i| plane.score(classes.row(i)).1);
        let most = furthest.fold(f64::NEG_INFINITY, f64::max);
        let nearest = most as f32;
        plane.threshold = if f64::from(nearest) < most { nearest.next_up() } else { nearest };
        plane.threshold.is_finite().then_some(plane)
    }

    /// Bounds of a·x.
    pub fn score(&self, x: &[f32]) -> (f64, f64) {
        let (mut sum, mut size) = (0.0, 0.0);
        for (&a, &x) in self.coefficients.iter().zip(x) {
            let product = f64::from(a) * f64::from(x);
            sum += product;
            size += product.abs();
        }
        // Sums of integers below 2^53 are exact.
        let is_exact = size < (53.0_f64).exp2() && self.coefficients.iter().chain(x).all(|x| x.fract() == 0.0);
        let error = if is_exact { 0.0 } else { 2.0 * gamma(x.len() + 2) * size };
        (sum - error, sum + error)
    }

    /// How far a point lies beyond it, at least.
    pub fn beyond(&self, x: &[f32]) -> f64 {
        self.score(x).0 - f64::from(self.threshold)
    }

    /// The line of the certificate.
    pub fn line(&self) -> String {
        let words: Vec<String> = self.coefficients.iter().map(|&a| decimal(f64::from(a))).collect();
        let threshold = decimal(f64::from(self.threshold));
        format!("{{\"coefficients\":\"{}\",\"threshold\":\"{threshold}\"}}", words.join(" "))
    }

    /// Reads such a line.
    pub fn read(line: &str) -> Option<Hyperplane> {
        let line: Line = serde_json::from_str(line).ok()?;
        let coefficients = line.coefficients.split(' ').map(str::parse).collect::<Result<Vec<f32>, _>>().ok()?;
        Some(Hyperplane { coefficients, threshold: line.threshold.parse().ok()? })
    }
}

#[derive(serde::Deserialize)]
struct Line {
    coefficients: String,
    threshold: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    #[test]
    fn a_line_is_read_back_and_no_other_point_lies_beyond() {
        let inputs: Vec<f32> = (0..60).map(|i| ((i * 37) % 19) as f32 / 7.0 - 1.0).collect();
        let sensitive = (0..20).map(|i| i % 4 == 0).collect();
        let classes = Classes::of(&Dataset { shape: vec![3], inputs, sensitive });
        for direction in [[1.0, -0.3, 1e-9], [0.0, 0.0, -2.5], [1e30, 3e29, -7e28]] {
            let plane = Hyperplane::of(&direction, &classes).unwrap();
            assert_eq!(Hyperplane::read(&plane.line()), Some(plane.clone()));
            let furthest = classes.rows(Class::Other).map(|i| plane.beyond(classes.row(i))).fold(f64::MIN, f64::max);
            assert!(furthest <= 0.0 && furthest > -1.0, "{furthest}");
        }
        for none in [[0.0; 3], [f64::NAN, 0.0, 1.0], [f64::INFINITY, 0.0, 0.0]] {
            assert_eq!(Hyperplane::of(&none, &classes), None);
        }
    }
}
