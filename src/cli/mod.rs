//! The command line: one file per subcommand. Results go to stdout, progress and errors to stderr.

/// Says a line on stderr, where somebody listens, unless it is to be quiet.
macro_rules! say {
    ($($what:tt)*) => { crate::cli::voice::say(format_args!($($what)*)) };
}

mod audit;
mod audit_screen;
mod certify;
mod check;
mod circumstances;
mod claims;
mod completions;
mod data;
mod help;
mod inputs;
mod inspect;
mod ledger;
mod links;
mod listing;
mod logit;
mod methods;
mod operators;
mod output;
mod progress;
mod proofs;
mod regress;
mod screen;
mod separate;
mod state;
mod train;
mod two_classes;
mod voice;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::sync::LazyLock;
use underplane::stream::keep_memory;
use underplane_kernel::program::CLOSED_PIPE;

/// What a finished subcommand means for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    /// All that was asked for was answered.
    Answered,
    /// Something was refuted or moved.
    Refuted,
    /// Something stayed unknown or undecided.
    Unknown,
}

/// Trains, certifies and audits feature-convex neural networks.
#[derive(Parser)]
#[command(name = "underplane", version = VERSION.as_str(), about, max_term_width = 110)]
struct Cli {
    /// Say nothing on stderr but errors and warnings
    #[arg(long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the graph, the split f = g∘φ, curvature and Lipschitz constants, or the node that breaks convexity
    Inspect(inspect::Args),
    /// Certify inputs: one row per input, norm and method
    Certify(certify::Args),
    /// Replay certificates with the trusted kernel alone
    Check(check::Args),
    /// Which points of one class lie outside the convex hull of another, proven; a perfect input-convex classifier
    Separate(separate::Args),
    /// Train a network on a real dataset; writes ONNX and a training record
    Train(train::Args),
    /// Run every method on the same networks and cross-check them; without arguments: the bundled ones
    Audit(audit::Args),
    /// Re-derive verified radii, replay their certificates, and report what moved
    Regress(regress::Args),
    /// Real datasets: list, fetch, import, export
    Data(data::DataArgs),
    /// List the operators of ONNX files that are read
    Operators(operators::Args),
    /// Print a shell's script that completes commands and options
    Completions(completions::Args),
    /// Print the man page, or write those of all subcommands
    Man(completions::ManArgs),
}

/// The version, with the commit where the source knows it.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let commit = underplane_version::commit!().map(|commit| format!(" ({commit})"));
    format!("{}{}", env!("CARGO_PKG_VERSION"), commit.unwrap_or_default())
});

/// Parses the arguments, runs the subcommand, and turns the result into an exit code: 0 answered, 1 refuted, 2 usage
/// or unreadable input, 3 unknown.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.quiet {
        voice::hush();
    }
    keep_memory();
    let result = match cli.command {
        Command::Inspect(args) => inspect::run(&args),
        Command::Certify(args) => certify::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Regress(args) => regress::run(&args),
        Command::Separate(args) => separate::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Operators(args) => operators::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(&args),
        Command::Data(args) => data::run(&args).map(|()| Finish::Answered),
    };
    match result {
        Ok(Finish::Answered) => ExitCode::SUCCESS,
        Ok(Finish::Refuted) => ExitCode::from(1),
        Ok(Finish::Unknown) => ExitCode::from(3),
        Err(error) if is_closed_pipe(&error) => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            voice::insist(format_args!("error: {}", message(&error)));
            ExitCode::from(2)
        }
    }
}

/// The error and its causes, but for causes that an error before them already tells.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

/// Somebody like `head` stopped reading: not our error, and no answer either.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    error.chain().any(closed)
}

#[cfg(test)]
mod tests {
    use super::message;
    use anyhow::Context;

    #[test]
    fn no_cause_is_told_twice() {
        let missing = std::io::Error::other("no such file");
        let error: anyhow::Result<()> =
            Err(underplane::data::DataError::File { path: "a.npy".into(), source: missing }).context("inputs");
        assert_eq!(message(&error.unwrap_err()), "inputs: a.npy: no such file");
    }
}
