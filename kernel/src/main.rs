//! The program `underplane-check`.

use std::process::ExitCode;

fn main() -> ExitCode {
    underplane_kernel::program::main()
}
