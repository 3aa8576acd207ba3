//! Somebody else's claim, and what a certificate says about it.
//!
//! A claim r about an input, a norm and perhaps a box states
//!
//! > **for all x' ∈ ℝᵈ: ‖x' − x‖_p < r and LO ≤ x'ᵢ ≤ HI for all i ⟹ f(x') > 0**
//!
//! (or LOᵢ ≤ x'ᵢ ≤ HIᵢ, from the file that the user names),
//! for the exact value r of the decimal that is written: 1e-400 is not 0. The claim 0 is about an empty ball and holds
//! whatever f is. Any other is settled by a certificate about the same input, norm and box: confirmed by a radius of at
//! least r, refuted by a witness within less than r.

use crate::argument::check::check;
use crate::budget;
use crate::evidence::certificate::Certificate;
use crate::inputs::read::Inputs;
use crate::model::Model;
use crate::number::exact::Exact;
use crate::rejection::{Code, Rejection};
use crate::statement::{Attacker, Ends, Norm, Region, StatedBox};
use crate::text::range;
use dashu_int::{IBig, UBig};
use std::cmp::Ordering;
use std::num::IntErrorKind;

/// A claim, read.
#[derive(Clone, Debug)]
pub struct Claim {
    input: u64,
    norm: Norm,
    /// An open ball.
    region: Region,
    /// Whether the box is that of the file that the user names.
    in_file: bool,
}

/// How a claim is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is true.
    Confirmed,
    /// It is false.
    Refuted,
}

impl Claim {
    /// A radius as it is written: `digits[.digits]`, perhaps with a power of ten behind `e`, or `unbounded`. The norm
    /// and the ends of the box are written as in certificates.
    pub fn read(input: u64, norm: &str, ends: Option<(&str, &str)>, radius: &str) -> Result<Claim, Rejection> {
        let radius = if radius == "unbounded" { None } else { Some(decimal(radius)?) };
        let range = ends.map(|(low, high)| range(low, high)).transpose()?.map(|ends| ends.map(Ends::same));
        let (norm, region) = (Norm::read(norm)?, Region { radius, range, open: true });
        Ok(Claim { input, norm, region, in_file: false })
    }

    /// The same about the box of the file that the user names.
    pub fn in_file(self) -> Claim {
        Claim { in_file: true, ..self }
    }

    /// Whether the ball holds no point at all.
    pub fn is_empty(&self) -> bool {
        self.region.radius.as_ref().is_some_and(Exact::is_zero)
    }

    /// Checks a line of a certificate file, and says what it settles; `None` where it is valid, and settles nothing.
    pub fn settled_by(
        &self,
        model: &Model,
        inputs: &Inputs,
        attacker: Attacker,
        line: &str,
    ) -> Result<Option<Settled>, Rejection> {
        let certificate = check(model, inputs, attacker, line)?;
        if !self.is_meant_by(&certificate)? {
            return Ok(None);
        }
        if let Some(upper) = &certificate.upper
            && self.compare(Some(upper))? == Ordering::Greater
        {
            return Ok(Some(Settled::Refuted));
        }
        let covered = certificate.statement.radius.is_some()
            && self.compare(certificate.region.radius.as_ref())? != Ordering::Greater;
        Ok(covered.then_some(Settled::Confirmed))
    }

    /// Whether both speak of one input, norm and box.
    fn is_meant_by(&self, certificate: &Certificate) -> Result<bool, Rejection> {
        let same_box = match (&self.region.range, &certificate.region.range, &certificate.statement.range) {
            // A checked one speaks of the file that the user names.
            (.., Some(StatedBox::File(_))) => self.in_file,
            _ if self.in_file => false,
            (None, None, _) => true,
            (Some([low, high]), Some([lower, upper]), _) => low.is(lower)? && high.is(upper)?,
            _ => false,
        };
        Ok(same_box && self.input == certificate.statement.input && self.norm == certificate.norm)
    }

    /// How the claimed radius compares with another; `None` is unbounded.
    fn compare(&self, other: Option<&Exact>) -> Result<Ordering, Rejection> {
        Ok(match (&self.region.radius, other) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(claimed), Some(other)) => claimed.clone().minus(other.clone())?.values[0].cmp(&IBig::ZERO),
        })
    }
}

/// The exact value of `digits[.digits][e±digits]`, digits on one side of the point at least. One entry.
fn decimal(text: &str) -> Result<Exact, Rejection> {
    let place = "radius";
    budget::within(place, "characters", text.len() as u64, budget::CLAIM_CHARACTERS)?;
    let refuse = || Rejection::new(Code::Number, place, "a decimal ≥ 0 or unbounded", text.escape_debug().to_string());
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, integer(power).ok_or_else(refuse)?),
        None => (unsigned, 0),
    };
    budget::within(place, "for the power of ten, either way", power.unsigned_abs(), budget::CLAIM_POWER)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refuse());
    }
    let value = UBig::from_str_radix(&digits, 10).map_err(|_| refuse())?;
    // n·10^k = n·5^k·2^k.
    let exponent = power - fraction.len() as i64;
    let fives = UBig::from(5_u8).pow(exponent.unsigned_abs() as usize);
    let (value, denominator) = if exponent < 0 { (value, fives) } else { (value * fives, UBig::ONE) };
    Exact { values: vec![IBig::from(value)], exponent, denominator }.trimmed()
}

/// A whole number; one that is too large for the budget anyhow may be cut.
fn integer(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Err(e) if matches!(e.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow) => Some(i64::MAX),
        number => number.ok(),
    }
}
