//! Convolutions, pools, padding and moves of entries as the kernel reads them, against naive loops.

use dashu_int::ops::BitTest;
use testing::naive_proofs::npy;
use testing::window_cases;
use underplane_kernel::{Class, Inputs, Reading, Rejection};

/// f at one input, rounded.
fn logit(bytes: &[u8], x: &[f64]) -> Result<f64, Rejection> {
    let (numerator, exponent, denominator) =
        Reading::read(bytes, Class::Positive)?.logit(&Inputs::read(&npy(x)).unwrap(), 0)?;
    assert!(numerator.bit_len() < 900 && denominator.bit_len() < 900 && exponent.abs() < 900);
    let number = |text: String| text.parse::<f64>().unwrap();
    Ok(number(numerator.to_string()) / number(denominator.to_string()) * 2_f64.powi(exponent as i32))
}

#[test]
fn windows_and_moves_mean_what_naive_loops_compute() {
    window_cases::compare(logit);
}
