//! Numbers and norms as they are written in certificates, and on the command line.

use crate::budget;
use crate::number::exact::Exact;
use crate::rejection::{Code, Rejection};
use crate::statement::Norm;
use dashu_int::ops::Gcd;
use dashu_int::{IBig, UBig};

impl Norm {
    /// Reads `l1`, `l2`, `linf` or `lp:P`.
    pub fn read(text: &str) -> Result<Norm, Rejection> {
        let refuse =
            || Rejection::new(Code::Norm, "norm", "l1, l2, linf or lp:P with P ≥ 1", text.escape_debug().to_string());
        let p = match text {
            "l1" => return Ok(Norm::L1),
            "l2" => return Ok(Norm::L2),
            "linf" => return Ok(Norm::Inf),
            _ => text.strip_prefix("lp:").ok_or_else(refuse)?,
        };
        let (numerator, digits) = decimal("norm", p)?;
        let ten = UBig::from(10_u8).pow(digits);
        let Ok(numerator) = UBig::try_from(numerator) else { return Err(refuse()) };
        if numerator < ten {
            return Err(refuse());
        }
        let common = (&numerator).gcd(&ten);
        let small = |v: UBig| usize::try_from(v).ok().filter(|&v| v as u64 <= budget::EXPONENT);
        match (small(numerator / &common), small(ten / common)) {
            (Some(1), Some(1)) => Ok(Norm::L1),
            (Some(2), Some(1)) => Ok(Norm::L2),
            (Some(p), Some(q)) => Ok(Norm::Fraction(p, q)),
            _ => Err(Rejection::new(
                Code::NormUnsupported,
                "norm",
                format!("a fraction of numbers up to {}", budget::EXPONENT),
                text.escape_debug().to_string(),
            )),
        }
    }
}

/// A decimal as numerator and number of decimal digits: numerator/10^digits.
pub fn decimal(place: &str, text: &str) -> Result<(IBig, usize), Rejection> {
    budget::within(place, "characters", text.len() as u64, budget::CHARACTERS)?;
    let refuse = || Rejection::new(Code::Number, place, "a decimal -?digits[.digits]", text.escape_debug().to_string());
    let (sign, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (-IBig::ONE, rest),
        None => (IBig::ONE, text),
    };
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(refuse()),
        None => (magnitude, ""),
    };
    let digits: String = [whole, fraction].concat();
    if whole.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refuse());
    }
    let value = UBig::from_str_radix(&digits, 10).map_err(|_| refuse())?;
    Ok((sign * value, fraction.len()))
}

/// An index: digits alone.
pub fn index(place: &str, text: &str) -> Result<usize, Rejection> {
    let digits = !text.is_empty() && text.len() < 19 && text.bytes().all(|b| b.is_ascii_digit());
    let index = if digits { text.parse().ok() } else { None };
    index.ok_or_else(|| Rejection::new(Code::Number, place, "an index", text.escape_debug().to_string()))
}

/// A number of the format: a decimal with a dyadic value. One entry.
pub fn number(place: &str, text: &str) -> Result<Exact, Rejection> {
    let (numerator, digits) = decimal(place, text)?;
    // n/10^k = (n/5^k)/2^k.
    let fives = IBig::from(UBig::from(5_u8).pow(digits));
    if &numerator % &fives != IBig::ZERO {
        let expected = "a number m·2ᵉ";
        return Err(Rejection::new(Code::NotDyadic, place, expected, text.escape_debug().to_string()));
    }
    let mut value = Exact::integers(vec![numerator / fives]);
    value.exponent = -(digits as i64);
    value.trimmed()
}

/// A number that is not negative.
pub fn distance(place: &str, text: &str) -> Result<Exact, Rejection> {
    let value = number(place, text)?;
    if value.values[0] < IBig::ZERO {
        return Err(Rejection::new(Code::Number, place, "a number ≥ 0", text.escape_debug().to_string()));
    }
    Ok(value)
}

/// The two ends of a box, the same for every coordinate.
pub fn range(low: &str, high: &str) -> Result<[Exact; 2], Rejection> {
    let (mut low, mut high) = (number("box", low)?, number("box", high)?);
    low.align(&mut high)?;
    if low.values[0] > high.values[0] {
        return Err(Rejection::new(Code::EmptyBox, "box", "LO ≤ HI", "LO > HI"));
    }
    Ok([low, high])
}

/// A digest of the format: `sha256:` and 64 hexadecimal digits.
pub fn digest(place: &str, text: &str) -> Result<String, Rejection> {
    let digits = text.strip_prefix("sha256:").filter(|digits| {
        digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    let refuse = || {
        let expected = "`sha256:` and 64 hexadecimal digits, lower case";
        Rejection::new(Code::MalformedCertificate, place, expected, text.escape_debug().to_string())
    };
    digits.map(String::from).ok_or_else(refuse)
}
