//! Any bytes as inputs: read, or refused without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use underplane::kernel::Inputs;

fuzz_target!(|data: &[u8]| {
    if let Ok(inputs) = Inputs::read(data) {
        assert!(inputs.count() * inputs.size() <= data.len());
    }
});
