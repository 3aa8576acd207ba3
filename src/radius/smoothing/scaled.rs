//! Positive numbers that neither overflow nor underflow, with counted roundings.

/// A positive number as mantissa · 2^exponent, the mantissa within 2^±[`WINDOW`].
#[derive(Clone, Copy)]
pub(super) struct Scaled {
    mantissa: f64,
    exponent: i64,
}

/// Two mantissas may be multiplied without leaving the range of normal floats.
const WINDOW: i32 = 256;

impl Scaled {
    pub const ONE: Scaled = Scaled { mantissa: 1.0, exponent: 0 };

    /// For finite floats above 0.
    pub fn of(x: f64) -> Scaled {
        Scaled { mantissa: x, exponent: 0 }.normalised()
    }

    /// Exact: only powers of two are moved.
    fn normalised(mut self) -> Scaled {
        assert!(self.mantissa > 0.0 && self.mantissa < f64::INFINITY, "a positive number");
        let step = 2.0_f64.powi(WINDOW);
        while self.mantissa > step {
            self.mantissa /= step;
            self.exponent += i64::from(WINDOW);
        }
        while self.mantissa < 1.0 / step {
            self.mantissa *= step;
            self.exponent -= i64::from(WINDOW);
        }
        self
    }

    /// The logarithm, about.
    pub fn ln(self) -> f64 {
        self.mantissa.ln() + self.exponent as f64 * std::f64::consts::LN_2
    }

    /// One rounding.
    pub fn times(self, other: Scaled) -> Scaled {
        Scaled { mantissa: self.mantissa * other.mantissa, exponent: self.exponent + other.exponent }.normalised()
    }

    /// Squaring doubles the relative error of its argument and adds a rounding: n − 1 roundings in all, as for n − 1
    /// products, and n times the error of `self`.
    pub fn power(self, mut n: u64) -> Scaled {
        let (mut base, mut result) = (self, Scaled::ONE);
        while n > 0 {
            if n & 1 == 1 {
                result = result.times(base);
            }
            n >>= 1;
            if n > 0 {
                base = base.times(base);
            }
        }
        result
    }

    /// Not below the number itself.
    pub fn upper(self) -> f64 {
        // In two steps, since a power of two may under- or overflow where the product does not.
        let exponent = self.exponent.clamp(-1800, 1800) as i32;
        let half = exponent / 2;
        (self.mantissa * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - half)).next_up()
    }
}

/// C(n, k), with at most 2·min(k, n − k) roundings.
pub(super) fn choose(n: u64, k: u64) -> Scaled {
    let m = k.min(n - k);
    let mut result = Scaled::ONE;
    for j in 1..=m {
        result.mantissa = result.mantissa * (n - m + j) as f64 / j as f64;
        if result.mantissa > 1e60 {
            result = result.normalised();
        }
    }
    result.normalised()
}
