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

/// A share, rounded down, so that 0.99996 is not shown as 1; within 1e-6 of 1 it is.
pub fn share(value: f64) -> String {
    match value {
        v if v.is_nan() => String::new(),
        v if (v - 1.0).abs() <= 1e-6 => "1.0000".into(),
        v => format!("{:.4}", (v * 1e4).floor() / 1e4),
    }
}

/// A multiple, rounded up, so that 1.00004 is not shown as 1; within 1e-6 of 1 it is.
pub fn multiple(value: f64) -> String {
    match value {
        v if v.is_nan() => String::new(),
        v if (v - 1.0).abs() <= 1e-6 => "1.0000".into(),
        v => format!("{:.4}", (v * 1e4).ceil() / 1e4),
    }
}

/// Seconds in the unit that fits.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s.is_nan() => String::new(),
        s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
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
        assert_eq!(time(2.5e-5), "25.0 µs");
        assert_eq!(time(f64::NAN), "");
    }

    #[test]
    fn a_share_just_below_one_is_not_one() {
        assert_eq!([0.99999, 0.9999999, 1.0, f64::NAN].map(share), ["0.9999", "1.0000", "1.0000", ""]);
        assert_eq!([1.00001, 1.0000001, 1.0, f64::NAN].map(multiple), ["1.0001", "1.0000", "1.0000", ""]);
    }

    #[test]
    fn the_median_is_one_of_the_numbers() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([3.0, f64::NAN, 1.0, f64::INFINITY, 2.0]), 2.0);
        assert_eq!(median([f64::INFINITY]), f64::INFINITY);
        assert!(median([]).is_nan() && median([f64::NAN]).is_nan());
    }
}
