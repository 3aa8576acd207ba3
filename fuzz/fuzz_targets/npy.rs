//! Any bytes as inputs and as weights: read, or refused without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use underplane::kernel::{Inputs, Weights};

fuzz_target!(|data: &[u8]| {
    if let Ok(weights) = Weights::read(data) {
        assert!(4 * weights.len() <= data.len());
    }
    if let Ok(inputs) = Inputs::read(data) {
        assert!(inputs.count() * inputs.size() <= data.len());
    }
});
