//! What f is, of a model's outputs.

use crate::class::Class;
use crate::number::exact::{Exact, Float};
use crate::rejection::{Code, Rejection};
use crate::text::number;
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

/// A finite binary32 number. The standard library converts it from and to decimals; no float is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    bits: u32,
}

impl Threshold {
    /// The number of these bits, if it is finite; −0 is 0.
    pub fn binary32(bits: u32) -> Option<Threshold> {
        Float::binary32(bits)?;
        Some(Threshold { bits: if bits << 1 == 0 { 0 } else { bits } })
    }

    /// As a certificate states it: a dyadic number, exactly.
    pub(crate) fn read(text: &str) -> Result<Threshold, Rejection> {
        let stated = number("threshold", text)?;
        let nearest: Option<Threshold> = text.parse().ok();
        let is_stated = |nearest: &Threshold| nearest.exact().minus(stated).is_ok_and(|rest| rest.is_zero());
        let refuse = || Rejection::new(Code::Number, "threshold", "a binary32 number", text.escape_debug().to_string());
        nearest.filter(is_stated).ok_or_else(refuse)
    }

    /// One entry.
    pub(crate) fn exact(self) -> Exact {
        Exact::dyadics(&[Float::binary32(self.bits).expect("a threshold is finite")])
    }
}

impl FromStr for Threshold {
    type Err = String;

    /// The binary32 number nearest to a decimal.
    fn from_str(text: &str) -> Result<Threshold, String> {
        let nearest = text.parse::<f32>().ok().and_then(|nearest| Threshold::binary32(nearest.to_bits()));
        nearest.ok_or_else(|| format!("threshold `{}`: expected a finite number", text.escape_debug()))
    }
}

impl fmt::Display for Threshold {
    /// Exactly, as certificates state it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.149}", f32::from_bits(self.bits));
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
