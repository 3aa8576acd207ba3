//! The command-line program.

use clap::Parser;
use std::process::ExitCode;
use underplane::cli::train;

/// Trains, certifies and audits feature-convex neural networks.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Train a feature-convex network.
    Train(train::Args),
}

fn main() -> ExitCode {
    let Command::Train(args) = Command::parse();
    match train::run(&args) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
