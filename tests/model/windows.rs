//! Convolutions, pools, padding and moves of entries as the program reads them, against naive loops; the kernel is held
//! against the same ones.

use num_traits::ToPrimitive;
use testing::networks::exact_logit;
use testing::window_cases;
use underplane::model::onnx::decode;

#[test]
fn windows_and_moves_mean_what_naive_loops_compute() {
    window_cases::compare(|bytes, x| decode(bytes).map(|graph| exact_logit(&graph, x).to_f64().unwrap()));
}
