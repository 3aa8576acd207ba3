//! What the attacker may do: norms, boxes, and the least value of a minorant within reach.

pub mod norm;
pub mod parts;
pub mod reach;
pub mod separable;

pub use norm::{Norm, NormError};

use std::fmt;
use std::str::FromStr;

/// The valid range of every input coordinate: an attacker never leaves it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Least value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.low, self.high)
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Range, String> {
        let parse = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        match text.split_once(',').map(|(low, high)| (parse(low), parse(high))) {
            Some((Some(low), Some(high))) if low <= high => Ok(Range { low, high }),
            _ => Err(format!("box `{text}`: expected LO,HI with two finite numbers, LO ≤ HI")),
        }
    }
}

/// What the attacker may do to an input: any change within the norm ball, inside the box if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perturbation {
    /// Measures the change.
    pub norm: Norm,
    /// The valid range of every coordinate.
    pub range: Option<Range>,
}

impl Perturbation {
    /// Without a box.
    pub fn new(norm: Norm) -> Self {
        Perturbation { norm, range: None }
    }

    /// How far coordinate value `x` may fall and rise, each rounded up; unlimited without a box.
    pub fn room(&self, x: f64) -> (f64, f64) {
        let up = |room: f64| if room <= 0.0 { 0.0 } else { room.next_up() };
        match self.range {
            None => (f64::INFINITY, f64::INFINITY),
            Some(Range { low, high }) => (up(x - low), up(high - x)),
        }
    }
}
