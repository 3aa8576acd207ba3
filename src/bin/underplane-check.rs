//! The kernel's program `underplane-check`, which is installed with `underplane`.

use std::process::ExitCode;

fn main() -> ExitCode {
    underplane_kernel::program::main()
}
