//! Certificates that settle claims: numbers around the claimed radius are proposed here, the kernel compares.

use super::encode::{decimal, distance};
use super::stated::Stated;
use super::{Prover, Unproven};
use crate::norm::Norm;
use crate::query::Witness;
use crate::query::{Query, Ranges};
use crate::radius::{Evidence, Radius};
use dashu_int::UBig;
use dashu_int::ops::{BitTest, DivRem};
use underplane_kernel::{self as kernel, Rejection, Settled};

/// Bits that a proposed number has at least.
const BITS: f64 = 96.0;

/// Binary places that a proposed number has at most; decimals are as many.
const PLACES: usize = 1_100;

/// Characters of a number in a certificate.
const CHARACTERS: usize = 1_200;

/// A claim as the kernel reads it, with what certificates may say about it.
#[derive(Clone, Debug)]
pub struct Claimed {
    kernel: kernel::Claim,
    /// The float nearest to the radius.
    value: f64,
    /// A radius that is not below the claimed one.
    above: String,
    /// A distance below it.
    below: Option<String>,
}

impl Claimed {
    /// A radius as it is written; ranges of each coordinate are those of the file that the checker's user names.
    ///
    /// # Errors
    /// When the kernel does not read it.
    pub fn read(input: usize, norm: Norm, range: Option<Ranges>, radius: &str) -> Result<Claimed, Rejection> {
        let ends = match range {
            Some(Ranges::Same(range)) => Some((decimal(range.low), decimal(range.high))),
            None | Some(Ranges::Each(_)) => None,
        };
        let ends = ends.as_ref().map(|(low, high)| (low.as_str(), high.as_str()));
        let mut kernel = kernel::Claim::read(input as u64, &norm.to_string(), ends, radius)?;
        if let Some(Ranges::Each(_)) = range {
            kernel = kernel.in_file();
        }
        if radius == "unbounded" {
            return Ok(Claimed { kernel, value: f64::INFINITY, above: radius.into(), below: None });
        }
        let (below, above) = around(radius).unwrap_or_default();
        let fits = |text: &String| !text.is_empty() && text.len() <= CHARACTERS;
        let above = Some(above).filter(fits).unwrap_or_else(|| "unbounded".into());
        let value = radius.parse::<f64>().unwrap_or(f64::MAX).min(f64::MAX);
        Ok(Claimed { kernel, value, above, below: Some(below).filter(fits) })
    }

    /// Whether the ball holds no point at all.
    pub fn is_empty(&self) -> bool {
        self.kernel.is_empty()
    }

    /// The float nearest to the radius: good for proposals, never for an answer.
    pub fn nearest(&self) -> f64 {
        self.value
    }

    /// What is proven once a certificate confirms the claim, rounded down.
    fn proven(&self) -> Radius {
        match self.above.as_str() {
            "unbounded" => Radius::new(f64::INFINITY),
            above => {
                Radius::new(if distance(self.value) == above { self.value } else { self.value.next_down().max(0.0) })
            }
        }
    }
}

impl Prover {
    /// A certificate that confirms the claim; without `found` by the tangent plane. It says what is proven, too.
    ///
    /// # Errors
    /// When the kernel does not accept it, or says that it confirms nothing.
    pub fn confirm_claim(
        &self,
        query: Query,
        found: Option<&Evidence>,
        claim: &Claimed,
    ) -> Result<(String, Radius), Unproven> {
        let proof = self.stated(query, found, Stated { value: claim.value, words: claim.above.clone() })?;
        self.settles(claim, &proof.line, Settled::Confirmed)?;
        Ok((proof.line, claim.proven()))
    }

    /// A certificate that refutes the claim by a witness.
    ///
    /// # Errors
    /// When the kernel does not accept it, or says that the witness is not close enough.
    pub fn refute_claim(&self, query: Query, witness: &Witness, claim: &Claimed) -> Result<String, Unproven> {
        let mut refused = None;
        for upper in [Some(decimal(witness.distance)), claim.below.clone()].into_iter().flatten() {
            let line = self.witness_line(query, &witness.point, upper);
            match self.settles(claim, &line, Settled::Refuted) {
                Ok(()) => return Ok(line),
                Err(why) => refused = Some(why),
            }
        }
        Err(refused.expect("one distance at least"))
    }

    fn settles(&self, claim: &Claimed, line: &str, wanted: Settled) -> Result<(), Unproven> {
        match claim.kernel.settled_by(&self.model, &self.inputs, self.attacker(), line)? {
            Some(settled) if settled == wanted => Ok(()),
            _ => Err(Unproven("the certificate does not reach the claimed radius".into())),
        }
    }
}

/// Numbers in a certificate's words: the largest one below a decimal, and the least one that is not, on a grid that is
/// finer than floats are, and holds the decimal itself where it can.
fn around(text: &str) -> Option<(String, String)> {
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.trim_start_matches('+'), fraction].concat();
    let mut numerator = UBig::from_str_radix(&digits, 10).ok()?;
    if numerator.is_zero() {
        return None;
    }
    let exponent = power - fraction.len() as i64;
    let ten = UBig::from(10_u8).pow(usize::try_from(exponent.unsigned_abs()).ok()?);
    let mut denominator = UBig::ONE;
    if exponent < 0 {
        denominator = ten
    } else {
        numerator *= ten
    }
    let size = numerator.bit_len() as f64 - denominator.bit_len() as f64;
    let places = ((BITS - size).max(0.0) as usize).max(exponent.min(0).unsigned_abs() as usize).min(PLACES);
    let (floor, rest) = (numerator << places).div_rem(&denominator);
    let ceiling = if rest.is_zero() { floor } else { floor + UBig::ONE };
    Some((binary(ceiling.clone() - UBig::ONE, places), binary(ceiling, places)))
}

/// n/2^places in decimal.
fn binary(n: UBig, places: usize) -> String {
    let digits = (n * UBig::from(5_u8).pow(places)).to_string();
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_around_a_decimal_are_near_it_and_on_its_sides() {
        for (text, above) in [("3", "3"), ("2.5E+0", "2.5"), ("+.25", "0.25"), ("5.", "5"), ("1e2", "100"), ("0e5", "")]
        {
            let (below, found) = around(text).unwrap_or_default();
            assert_eq!(found, above, "{text}");
            let value: f64 = text.parse().unwrap();
            assert!(above.is_empty() || below.parse::<f64>().unwrap() == value, "{text}: {below}");
            assert!(below != found || above.is_empty(), "{text}: {below}");
        }
        let (below, above) = around("0.1").unwrap();
        assert!(
            below.starts_with("0.0999999999999999999999999999") && above.starts_with("0.1000000000000000000000000000")
        );
        let (below, above) = around("1e-400").unwrap();
        assert!(below == "0" && above.len() <= CHARACTERS, "{above}");
        assert_eq!(around("1e400").unwrap().1.len(), 401);
    }
}
