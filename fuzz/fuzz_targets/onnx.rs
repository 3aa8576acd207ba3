//! Any bytes as a model: read, or refused without a panic; what is read can be evaluated at zero.
#![no_main]

use libfuzzer_sys::fuzz_target;
use underplane_kernel::{Class, Inputs, Model};

fuzz_target!(|data: &[u8]| {
    let Ok(model) = Model::read(data, Class::Positive) else { return };
    let size = model.input_size();
    if size > 64 {
        return;
    }
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {size}), }}\n").into_bytes();
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.append(&mut header);
    file.extend(vec![0; 4 * size]);
    let inputs = Inputs::read(&file).expect("a file of zeros");
    let _ = model.logit_sign(&inputs, 0);
});
