//! Decimals on the safe side of a float: what is said of a radius is never more than is proven.

use std::fmt;

/// A number ≥ 0 cut to some significant digits, or ∞; those with as many digits are in the order of the numbers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rounded {
    /// Of the first digit.
    exponent: i32,
    /// As one whole number; 0 for 0 alone.
    digits: u64,
}

/// The exponents of 0 and ∞.
const ZERO: i32 = i32::MIN;
const INFINITE: i32 = i32::MAX;

/// So many digits of a float are looked at: one that is not the number that its first digits make differs from it in
/// these, as it has 53 bits.
const SEEN: usize = 25;

impl Rounded {
    /// The largest number of so many digits (at most 9) that is not above `value`; NaN and numbers below 0 are as 0.
    pub fn down(value: f64, count: usize) -> Rounded {
        Rounded::cut(value, count).0
    }

    /// The smallest one that is not below it.
    pub fn up(value: f64, count: usize) -> Rounded {
        match Rounded::cut(value, count) {
            (rounded, true) => rounded,
            (Rounded { exponent, digits }, false) if digits + 1 == 10_u64.pow(count as u32) => {
                Rounded { exponent: exponent + 1, digits: (digits + 1) / 10 }
            }
            (Rounded { exponent, digits }, false) => Rounded { exponent, digits: digits + 1 },
        }
    }

    /// Its first digits, and whether there are no others.
    fn cut(value: f64, count: usize) -> (Rounded, bool) {
        if value == f64::INFINITY {
            return (Rounded { exponent: INFINITE, digits: 1 }, true);
        }
        if value.is_nan() || value <= 0.0 {
            return (Rounded { exponent: ZERO, digits: 0 }, true);
        }
        let text = format!("{value:.SEEN$e}");
        let (mantissa, exponent) = text.split_once('e').expect("an exponent");
        let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let (first, rest) = digits.split_at(count);
        let digits = first.iter().fold(0, |number, digit| 10 * number + u64::from(*digit));
        (Rounded { exponent: exponent.parse().expect("a number"), digits }, rest.iter().all(|digit| *digit == 0))
    }

    /// Whether it is ∞.
    pub fn is_infinite(self) -> bool {
        self.exponent == INFINITE
    }

    /// The whole part, where it has no more than nine digits.
    pub fn whole(self) -> Option<u64> {
        let last = |exponent: i32| exponent + 1 - self.digits.to_string().len() as i32;
        match self.exponent {
            ..0 => Some(0),
            exponent @ 0..9 if last(exponent) < 0 => Some(self.digits / 10_u64.pow(-last(exponent) as u32)),
            exponent @ 0..9 => Some(self.digits * 10_u64.pow(last(exponent) as u32)),
            _ => None,
        }
    }

    /// Without zeros at the end: `3` and not `3.0`.
    pub fn brief(self) -> String {
        let text = self.to_string();
        let (number, power) =
            text.split_once('e').map_or((text.as_str(), None), |(number, power)| (number, Some(power)));
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        power.map_or_else(|| number.to_string(), |power| format!("{number}e{power}"))
    }
}

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rounded { exponent, digits } = *self;
        let text = digits.to_string();
        match exponent {
            ZERO => f.write_str("0"),
            INFINITE => f.write_str("unbounded"),
            0..6 if text.len() <= exponent as usize + 1 => {
                write!(f, "{text}{}", "0".repeat(exponent as usize + 1 - text.len()))
            }
            0..6 => {
                let (whole, rest) = text.split_at(exponent as usize + 1);
                write!(f, "{whole}.{rest}")
            }
            -4..0 => write!(f, "0.{}{text}", "0".repeat((-exponent - 1) as usize)),
            _ if text.len() == 1 => write!(f, "{text}e{exponent}"),
            _ => write!(f, "{}.{}e{exponent}", &text[..1], &text[1..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn decimals_are_on_their_side_and_near() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for _ in 0..20_000 {
            let value = f64::from_bits(rng.random::<u64>() >> 1);
            if !value.is_finite() {
                continue;
            }
            for count in [1, 2, 4] {
                let read = |rounded: Rounded| rounded.to_string().parse::<f64>().unwrap();
                let (below, above) = (Rounded::down(value, count), Rounded::up(value, count));
                assert!(read(below) <= value && value <= read(above) && below <= above, "{value:e}: {below} {above}");
                let unit = value * 10_f64.powi(1 - count as i32);
                assert!(read(above) == f64::INFINITY || read(above) - read(below) <= 1.1 * unit, "{value:e}");
            }
        }
    }

    #[test]
    fn they_read_as_people_write_them() {
        let down = |value: f64| Rounded::down(value, 4).to_string();
        let texts = [0.0, 3.0, 0.012345, 123456.0, 1e6, 99.999, 2_f64.powi(-22), f64::INFINITY, f64::NAN].map(down);
        let expected = ["0", "3.000", "0.01234", "123400", "1.000e6", "99.99", "2.384e-7", "unbounded", "0"];
        assert_eq!(texts, expected);
        let brief = |value: f64| Rounded::down(value, 2).brief();
        assert_eq!(
            [3.0, 3.47, 0.1, 120.0, 2_f64.powi(-30), 1.5e9].map(brief),
            ["3", "3.4", "0.1", "120", "9.3e-10", "1.5e9"]
        );
        // The float 0.3 is a little less than the number 0.3, and the float 0.1 a little more.
        assert_eq!([0.3, 0.1].map(brief), ["0.29", "0.1"]);
        let whole = |value: f64| Rounded::down(value, 2).whole();
        assert_eq!(Rounded::up(99.999, 4).to_string(), "100.0");
        assert_eq!([0.99, 3.9, 250.0, 2.5e6].map(whole), [Some(0), Some(3), Some(250), Some(2_500_000)]);
        assert_eq!([f64::INFINITY, 1e12].map(whole), [None, None]);
    }

    #[test]
    fn their_order_is_that_of_the_numbers() {
        let values = [0.0, 1e-300, 0.011, 0.1, 0.99, 1.0, 9.9, 10.0, 1e20, f64::INFINITY];
        let rounded = values.map(|value| Rounded::down(value, 2));
        assert!(rounded.is_sorted_by(|a, b| a < b), "{rounded:?}");
    }
}
