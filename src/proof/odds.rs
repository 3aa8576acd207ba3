//! Probabilities as thresholds.

use underplane_kernel::Threshold;

/// More decimal places are not read.
const MOST_PLACES: i64 = 1_000;

/// The logit ln(P/(1 − P)) of a probability, as the least float32 that is not below it: the kernel's own, whose logarithm
/// is enclosed.
///
/// # Errors
/// When it is no number between 0 and 1.
pub fn log_odds(text: &str) -> Result<f32, String> {
    let threshold = plain(text).and_then(|decimal| Threshold::of_probability(&decimal).ok());
    // It is written exactly.
    let float = threshold.and_then(|threshold| threshold.to_string().parse().ok());
    float.ok_or_else(|| format!("expected a number between 0 and 1, found `{text}`"))
}

/// A number without an exponent.
fn plain(text: &str) -> Option<String> {
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) || power.abs() > MOST_PLACES {
        return None;
    }
    let (before, zeros) = (whole.len() as i64 + power, |count: i64| "0".repeat(count.max(0) as usize));
    let digits = zeros(1 - before) + &digits + &zeros(before - digits.len() as i64);
    let (whole, fraction) = digits.split_at(before.max(1) as usize);
    Some(if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_becomes_the_least_float_above_its_logit() {
        assert_eq!(log_odds("0.5"), Ok(0.0));
        for k in 1..1000 {
            let (p, text) = (f64::from(k) / 1000.0, format!("0.{k:03}"));
            let (logit, found) = ((p / (1.0 - p)).ln(), f64::from(log_odds(&text).unwrap()));
            let spacing = f64::from((found as f32).abs().next_up() - (found as f32).abs());
            assert!(found >= logit - 1e-14 && found - spacing < logit + 1e-14, "{text}: {found}, {logit}");
        }
        for (text, same) in
            [("1e-3", "0.001"), (".25", "0.25"), ("2.5E-1", "0.25"), ("0.0025e+2", "0.25"), ("5.e-1", "0.5")]
        {
            assert_eq!(log_odds(text), log_odds(same), "{text}");
        }
        for text in ["0", "1", "-0.1", "1.5", "nan", "x", "", ".", "1e2", "0e5", "1e-99999", "-1e-3"] {
            assert!(log_odds(text).unwrap_err().contains("between 0 and 1"), "{text}");
        }
    }
}
