//! What the attacker may do: norms, boxes and weights.

use crate::norm::Norm;
use crate::rounding::mul_up;
use std::fmt;
use std::str::FromStr;

/// The valid range of every input coordinate: an attacker never leaves it. As text, a decimal means the float32
/// nearest to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Least value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both are float32 where a user wrote them, and as such they have fewer digits.
        match (self.low as f32, self.high as f32) {
            (low, high) if (f64::from(low), f64::from(high)) == (self.low, self.high) => write!(f, "{low},{high}"),
            _ => write!(f, "{},{}", self.low, self.high),
        }
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Range, String> {
        // The ends are float32 as inputs are: the decimal of an input in a table is the same number here.
        let parse = |t: &str| t.trim().parse::<f32>().ok().filter(|v| v.is_finite()).map(f64::from);
        match text.split_once(',').map(|(low, high)| (parse(low), parse(high))) {
            Some((Some(low), Some(high))) if low <= high => Ok(Range { low, high }),
            _ => Err(format!("box `{text}`: expected LO,HI with two finite float32 numbers, LO ≤ HI")),
        }
    }
}

/// What the attacker may do to an input: any change δ with ‖w ⊙ δ‖ within the radius (w = 1 without weights), inside the
/// box if there is one.
///
/// Bounds are computed for changes u with δ_i = scale_i·u_i, whose norm is a plain one. As scale_i ≥ 1/w_i, the ball of
/// u holds every change that the attacker has, so what is proven over it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perturbation<'a> {
    /// Measures the change.
    pub norm: Norm,
    /// The valid range of every coordinate.
    pub range: Option<Range>,
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
        match self.range {
            None => (f64::INFINITY, f64::INFINITY),
            Some(Range { low, high }) => (up(x - low), up(high - x)),
        }
    }
}
