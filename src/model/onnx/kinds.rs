//! The types of entries, as files declare them.

use super::proto;

/// The type of a value's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float16,
    Bfloat16,
    Float32,
    Float64,
    Int32,
    Int64,
    Bool,
}

impl Kind {
    /// By its number in ONNX.
    pub fn of(number: i32) -> Option<Kind> {
        Some(match number {
            proto::FLOAT16 => Kind::Float16,
            proto::BFLOAT16 => Kind::Bfloat16,
            proto::FLOAT => Kind::Float32,
            proto::DOUBLE => Kind::Float64,
            proto::INT32 => Kind::Int32,
            proto::INT64 => Kind::Int64,
            proto::BOOL => Kind::Bool,
            _ => return None,
        })
    }

    /// The float of this type that is nearest to a number, the even one of two; infinite beyond the largest one.
    pub fn nearest(self, value: f64) -> f64 {
        // Fraction bits, the exponent of the least number, and the largest number.
        let (digits, least, largest) = match self {
            Kind::Float16 => (10, -24, 65504.0),
            Kind::Bfloat16 => (7, -133, f64::from(f32::from_bits(0x7f7f_0000))),
            Kind::Float32 => return f64::from(value as f32),
            _ => return value,
        };
        let exponent = (value.to_bits() >> 52 & 0x7ff) as i32 - 1023;
        let unit = 2f64.powi((exponent - digits).max(least));
        let rounded = (value / unit).round_ties_even() * unit;
        if rounded.abs() > largest { f64::INFINITY.copysign(value) } else { rounded }
    }

    /// float32 or float64.
    pub fn is_float(self) -> bool {
        matches!(self, Kind::Float32 | Kind::Float64)
    }

    /// One of these, or int32 or int64.
    pub fn is_number(self) -> bool {
        self.is_float() || self.is_integer()
    }

    /// int32 or int64.
    pub fn is_integer(self) -> bool {
        matches!(self, Kind::Int32 | Kind::Int64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_floats_are_the_nearest() {
        let half = |v: f64| Kind::Float16.nearest(v);
        let step = 2f64.powi(-10);
        assert_eq!(half(1.0 + 0.5 * step), 1.0, "a tie goes to the even one");
        assert_eq!(half(1.0 + 1.5 * step), 1.0 + 2.0 * step);
        assert_eq!(half(-1.0 - 0.75 * step), -1.0 - step);
        assert_eq!(half(65519.0), 65504.0);
        assert_eq!(half(65520.0), f64::INFINITY);
        assert_eq!(half(-1e9), f64::NEG_INFINITY);
        assert_eq!(half(2f64.powi(-25)), 0.0, "half of the least one");
        assert_eq!(half(2f64.powi(-25) * 1.5), 2f64.powi(-24));
        assert_eq!(half(0.0), 0.0);
        let brain = |v: f32| Kind::Bfloat16.nearest(v.into());
        // The upper half of the bits, of which every number is its own nearest one.
        for bits in (0..0x7f80_u32).chain(0x8000..0xff80) {
            let v = f32::from_bits(bits << 16);
            assert_eq!(brain(v), f64::from(v));
        }
        assert_eq!(brain(f32::from_bits(0x3f80_8000)), 1.0);
        assert_eq!(brain(f32::from_bits(0x3f81_8000)), f64::from(f32::from_bits(0x3f82_0000)));
        assert_eq!(brain(f32::MAX), f64::INFINITY);
    }
}
