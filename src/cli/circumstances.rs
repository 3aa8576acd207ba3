//! Under what circumstances a report is made: the command, the machine, and exactly which files were read.

use anyhow::Result;
use std::path::Path;
use std::time::Instant;
use underplane::audit::report::RUN;
use underplane::files::write_atomically;
use underplane::report::run_info::{Machine, ModelInfo, RunInfo, today};
use underplane::workbench::Circumstance;
use underplane::workbench::shell::word;

/// The circumstances of the run that began at `start`.
pub fn run_info(settings: Vec<Circumstance>, models: Vec<ModelInfo>, alpha: Option<f64>, start: Instant) -> RunInfo {
    RunInfo {
        program: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        command: command_line(),
        date: today(),
        machine: Machine::here(),
        settings,
        alpha,
        models,
        seconds: start.elapsed().as_secs_f64(),
    }
}

/// Writes the circumstances into a folder of results, as `run.json`.
pub fn write(folder: &Path, run: &RunInfo) -> Result<()> {
    write_atomically(&folder.join(RUN), |out| {
        serde_json::to_writer_pretty(&mut *out, run)?;
        writeln!(out)
    })?;
    Ok(())
}

/// The exact command, the program by its name only.
fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|text| word(&text.to_string_lossy()));
    [env!("CARGO_PKG_NAME").to_string()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}
