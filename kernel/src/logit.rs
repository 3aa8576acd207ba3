//! What f is, of a model's outputs.

use crate::class::Class;
use crate::number::binary32::nearest;
use crate::number::exact::{Exact, Float};
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
}

impl From<Class> for Logit {
    fn from(class: Class) -> Logit {
        Logit { class, output: None, threshold: None }
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
