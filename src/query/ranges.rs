//! Boxes: the valid ranges of coordinates.

use std::fmt;
use std::str::FromStr;

/// The valid range of a coordinate: an attacker never leaves it. As text, a decimal means the float32 nearest to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Least value, or −∞.
    pub low: f64,
    /// Largest value, or ∞.
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

/// The box: the valid ranges of all coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ranges<'a> {
    /// One for every coordinate.
    Same(Range),
    /// `[input size]`: each has its own.
    Each(&'a [Range]),
}

impl Range {
    /// Whether a value lies in it.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// A value moved into it.
    pub fn clip(self, value: f64) -> f64 {
        value.clamp(self.low, self.high)
    }
}

impl Ranges<'_> {
    /// The range of coordinate `i`.
    pub fn at(self, i: usize) -> Range {
        match self {
            Ranges::Same(range) => range,
            Ranges::Each(ranges) => ranges[i],
        }
    }

    /// The first coordinate of a point that lies outside.
    pub fn outside(self, point: &[f64]) -> Option<usize> {
        (0..point.len()).find(|&i| !self.at(i).contains(point[i]))
    }
}

impl From<Range> for Ranges<'_> {
    fn from(range: Range) -> Self {
        Ranges::Same(range)
    }
}
