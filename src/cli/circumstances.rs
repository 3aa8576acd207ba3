//! Under what circumstances a report is made: the command, the machine, and exactly which files were read.

use super::shell::word;
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Instant;
use underplane::audit::report::RUN;
use underplane::data::member;
use underplane::data::store::sha256;
use underplane::files::write_atomically;
use underplane::report::run_info::{Machine, ModelInfo, RunInfo, today};

/// A name and a value, as a report shows them.
pub type Circumstance = (String, String);

/// A file's name and SHA-256; of one array of an archive that of the archive.
pub fn digest(path: &Path) -> Result<Circumstance> {
    let (path, _) = member(path);
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), sha256(&bytes)))
}

/// The same of those files that were named.
pub fn digests<'a>(paths: impl IntoIterator<Item = Option<&'a Path>>) -> Result<Vec<Circumstance>> {
    let setting = |path| digest(path).map(|(name, hex)| (format!("SHA-256 of {name}"), hex));
    paths.into_iter().flatten().map(setting).collect()
}

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
