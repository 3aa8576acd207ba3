//! Convolutions, pools, padding and moves of entries as the kernel reads them, against naive loops.

use testing::readings::logit;
use testing::window_cases;
use underplane_kernel::Class;

#[test]
fn windows_and_moves_mean_what_naive_loops_compute() {
    window_cases::compare(|bytes, x| logit(bytes, Class::Positive, x));
}
