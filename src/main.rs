//! The `underplane` command-line program.

mod cli;

fn main() -> std::process::ExitCode {
    underplane::memory::settle();
    cli::main()
}
