//! What the kernel makes of a model, as a float.

use crate::naive_proofs::npy;
use underplane_kernel::{Class, Inputs, Reading, Rejection};

/// f at one input, rounded.
pub fn logit(bytes: &[u8], class: Class, x: &[f64]) -> Result<f64, Rejection> {
    let (numerator, exponent, denominator) =
        Reading::read(bytes, class)?.logit(&Inputs::read(&npy(x)).expect("an array"), 0)?;
    let float = |text: String| text.parse::<f64>().expect("a number");
    let value = float(numerator.to_string()) / float(denominator.to_string()) * 2_f64.powi(exponent as i32);
    assert!(value.is_finite(), "numerator, denominator and power of two fit into a float");
    Ok(value)
}
