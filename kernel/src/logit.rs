//! What f is, of a model's outputs.

use crate::class::Class;
use crate::number::binary32::{GRID, nearest, not_below};
use crate::number::exact::{Exact, Float};
use crate::number::exponential::{BITS, ln};
use crate::rejection::{Code, Rejection};
use crate::text::{decimal, number};
use dashu_int::{IBig, UBig};
use std::fmt;
use std::str::FromStr;

/// Which function of a model's outputs is f.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logit {
    /// The sensitive class.
    pub class: Class,
    /// The output's name; a model of several needs one.
    pub output: Option<String>,
    /// What is taken off the logit, so that f > 0 where the logit exceeds it.
    pub threshold: Option<Threshold>,
    /// Whether the threshold is the logit of a probability, so that f must be one; a certificate does not say so.
    pub of_probability: bool,
}

impl From<Class> for Logit {
    fn from(class: Class) -> Logit {
        Logit { class, output: None, threshold: None, of_probability: false }
    }
}

/// A finite binary32 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold(Float);

impl Threshold {
    /// The number of these bits, if it is finite.
    pub fn binary32(bits: u32) -> Option<Threshold> {
        Float::binary32(bits).map(Threshold)
    }

    /// The logit ln(P/(1 − P)) of a decimal P: the least binary32 number that is not below it.
    ///
    /// # Errors
    /// When P is no number between 0 and 1.
    pub fn of_probability(text: &str) -> Result<Threshold, String> {
        let (numerator, digits) = decimal("probability", text).map_err(|rejection| rejection.to_string())?;
        let whole = UBig::from(10_u8).pow(digits);
        let inside = UBig::try_from(numerator).ok().filter(|yes| *yes > UBig::ZERO && *yes < whole);
        let yes = inside
            .ok_or_else(|| format!("probability `{}`: expected a number between 0 and 1", text.escape_debug()))?;
        let (_, above) = ln(&yes, &(whole - &yes));
        not_below(above << (GRID as usize - BITS)).map(Threshold).ok_or_else(|| "probability: expected less".into())
    }

    /// As a certificate states it: exactly.
    pub(crate) fn read(text: &str) -> Result<Threshold, Rejection> {
        let stated = number("threshold", text)?;
        let refuse = || Rejection::new(Code::Number, "threshold", "a binary32 number", text.escape_debug().to_string());
        let nearest: Threshold = text.parse().map_err(|_| refuse())?;
        if nearest.exact().minus(stated)?.is_zero() { Ok(nearest) } else { Err(refuse()) }
    }

    /// One entry.
    pub(crate) fn exact(self) -> Exact {
        Exact::dyadics(&[self.0])
    }
}

impl FromStr for Threshold {
    type Err = String;

    /// The binary32 number nearest to a decimal.
    fn from_str(text: &str) -> Result<Threshold, String> {
        let (numerator, digits) = decimal("threshold", text).map_err(|rejection| rejection.to_string())?;
        let nearest = nearest(&numerator, &IBig::from(10).pow(digits));
        nearest.map(Threshold).ok_or_else(|| format!("threshold `{}`: expected less", text.escape_debug()))
    }
}

impl fmt::Display for Threshold {
    /// Exactly, as certificates state it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Float { mantissa, exponent } = self.0;
        let sign = if mantissa < 0 { "-" } else { "" };
        let magnitude = UBig::from(mantissa.unsigned_abs());
        if exponent >= 0 {
            return write!(f, "{sign}{}", magnitude << exponent as usize);
        }
        // m/2^k = m·5^k/10^k.
        let places = exponent.unsigned_abs() as usize;
        let digits = (magnitude * UBig::from(5_u8).pow(places)).to_string();
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_becomes_the_least_number_that_is_not_below_its_logit() {
        let of = |text: &str| Threshold::of_probability(text).map(|threshold| threshold.0);
        let is = |bits: u32| Ok(Float::binary32(bits).expect("finite"));
        assert_eq!((of("0.5"), of("0.500")), (Ok(Float::ZERO), Ok(Float::ZERO)));
        // ln 9 = 2.19722457733621938…, between 2.1972243785858154 and 2.1972246170043945.
        assert_eq!((of("0.9"), of("0.1")), (is(0x400c_9f54), is(0xc00c_9f53)));
        // ln 99 = 4.59511985013458992…, between 4.5951194763183594 and 4.5951199531555176.
        assert_eq!((of("0.99"), of("0.01")), (is(0x4093_0b39), is(0xc093_0b38)));
        // 1 − 10⁻³⁰ is no float, its logit 30 ln 10 = 69.0775527898213705… is between 69.07755279541016 and the one before.
        assert_eq!(of(&format!("0.{}", "9".repeat(30))), is(0x428a_27b5));
        for text in ["0", "1", "0.0", "1.000", "-0.1", "1.5", "nan", "x", "", ".5", "1e-3"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
