//! Numbers in tables: short, never wrong by more than their last digit.

/// Four significant digits; `unbounded` for ∞, nothing for NaN.
pub fn short(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    if value.is_infinite() {
        return "unbounded".into();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = if size == 0.0 { 0 } else { (3 - size.log10().floor() as i32).clamp(0, 8) as usize };
    format!("{value:.digits$}")
}

/// A share, rounded down, so that 0.9999999 is not shown as 1.
pub fn share(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    format!("{:.4}", (value * 1e4).floor() / 1e4)
}

/// Seconds in the unit that fits.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s.is_nan() => String::new(),
        s if s < 1e-3 => format!("{:.3} µs", s * 1e6),
        s if s < 1.0 => format!("{:.3} ms", s * 1e3),
        s => format!("{s:.3} s"),
    }
}

/// The lower median; NaN counts as nothing, and without numbers it is NaN.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() { f64::NAN } else { sorted[(sorted.len() - 1) / 2] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [(0.0, "0"), (1.0, "1.000"), (0.012345, "0.01235"), (123.456, "123.5"), (1e-7, "1.00e-7")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        assert_eq!((short(f64::INFINITY), short(f64::NAN)), ("unbounded".into(), String::new()));
        assert_eq!(time(2.5e-5), "25.000 µs");
        assert_eq!(time(f64::NAN), "");
    }

    #[test]
    fn a_share_just_below_one_is_not_one() {
        assert_eq!((share(0.99999999), share(1.0), share(f64::NAN)), ("0.9999".into(), "1.0000".into(), String::new()));
    }

    #[test]
    fn the_median_is_one_of_the_numbers() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([3.0, f64::NAN, 1.0, f64::INFINITY, 2.0]), 2.0);
        assert_eq!(median([f64::INFINITY]), f64::INFINITY);
        assert!(median([]).is_nan() && median([f64::NAN]).is_nan());
    }
}
