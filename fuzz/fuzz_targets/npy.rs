//! Any bytes as inputs and as weights: read, or refused without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use underplane_kernel::{Inputs, Uint8, Weights};

fuzz_target!(|data: &[u8]| {
    if let Ok(weights) = Weights::read(data) {
        assert!(4 * weights.len() <= data.len());
        assert!(weights.check_shape(&[2, 3]).is_err() || weights.len() == 6);
    }
    for uint8 in [None, Some(Uint8::Unit), Some(Uint8::Raw)] {
        let Ok(inputs) = Inputs::read_as(data, uint8) else { continue };
        assert!(inputs.count() * inputs.size() <= data.len());
        assert!(inputs.check_shape(&[2, 3]).is_err() || inputs.size() == 6);
        let _ = inputs.input(0);
    }
});
