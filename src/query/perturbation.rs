//! What the attacker may do: norms, boxes and weights.

use super::{Range, Ranges};
use crate::norm::Norm;
use crate::rounding::mul_up;

/// What the attacker may do to an input: any change δ with ‖w ⊙ δ‖ within the radius (w = 1 without weights), inside the
/// box if there is one.
///
/// Bounds are computed for changes u with δ_i = scale_i·u_i, whose norm is a plain one. As scale_i ≥ 1/w_i, the ball of
/// u holds every change that the attacker has, so what is proven over it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perturbation<'a> {
    /// Measures the change.
    pub norm: Norm,
    /// The box: the valid range of every coordinate.
    pub range: Option<Ranges<'a>>,
    /// One weight per coordinate, each a float32 > 0; infinite where the attacker cannot change the coordinate.
    pub weights: Option<&'a [f64]>,
}

impl<'a> Perturbation<'a> {
    /// Without a box and weights.
    pub fn new(norm: Norm) -> Self {
        Perturbation { norm, range: None, weights: None }
    }

    /// How far u_i may fall and rise where coordinate `i` has the value `x`, each rounded up; unlimited without a box.
    pub fn room(&self, i: usize, x: f64) -> (f64, f64) {
        if self.scale(i) == 0.0 {
            return (0.0, 0.0);
        }
        let weight = self.weights.map_or(1.0, |weights| weights[i]);
        let weighted = |room: f64| if weight == 1.0 { room } else { mul_up(room, weight) };
        let up = |room: f64| if room <= 0.0 { 0.0 } else { weighted(room.next_up()) };
        match self.range.map(|ranges| ranges.at(i)) {
            None => (f64::INFINITY, f64::INFINITY),
            Some(Range { low, high }) => (up(x - low), up(high - x)),
        }
    }

    /// A value of coordinate `i` moved into the box.
    pub fn clip(&self, i: usize, value: f64) -> f64 {
        self.range.map_or(value, |ranges| ranges.at(i).clip(value))
    }
}
