//! What a run that can be gone on with is about, in a file beside its rows.

use anyhow::{Context, Result, bail};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use underplane::files::write_atomically;
use underplane::workbench::Circumstance;

/// What can be done where a run cannot be gone on with.
pub const ANEW: &str = "without --resume the run begins anew";

/// An option's value in words.
pub fn or_none(value: &Option<impl Display>) -> String {
    value.as_ref().map_or_else(|| "none".into(), ToString::to_string)
}

/// Whether an option is there, in words.
pub fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.into()
}

/// Several values of an option.
pub fn listed(values: &[impl Display]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// NAME.json for the rows NAME, or state.json in their folder.
pub struct State {
    rows: PathBuf,
    path: PathBuf,
}

impl State {
    /// Beside these rows.
    pub fn of(rows: &Path) -> State {
        let mut name = rows.as_os_str().to_os_string();
        name.push(".json");
        State { rows: rows.into(), path: name.into() }
    }

    /// In a folder, for the rows there.
    pub fn inside(folder: &Path) -> State {
        State { rows: folder.into(), path: folder.join("state.json") }
    }

    /// Says what the run is about.
    pub fn write(&self, about: &[Circumstance]) -> Result<()> {
        write_atomically(&self.path, |out| {
            serde_json::to_writer_pretty(&mut *out, about)?;
            writeln!(out)
        })?;
        Ok(())
    }

    /// Refuses rows of another run.
    pub fn is_of(&self, about: &[Circumstance]) -> Result<()> {
        let rows = self.rows.display();
        let text = std::fs::read_to_string(&self.path)
            .with_context(|| format!("{rows}: expected {}, which says how it was made; {ANEW}", self.path.display()))?;
        let before: Vec<Circumstance> =
            serde_json::from_str(&text).with_context(|| format!("{}: {ANEW}", self.path.display()))?;
        for (name, value) in about {
            let was = before.iter().find(|(other, _)| other == name).map(|(_, value)| value);
            if was != Some(value) {
                let was = was.map_or("none", String::as_str);
                bail!("{rows}: made with another {name}: {was}, now {value}; {ANEW}");
            }
        }
        match before.iter().find(|(name, _)| about.iter().all(|(other, _)| other != name)) {
            Some((name, value)) => bail!("{rows}: made with {name}: {value}, now without; {ANEW}"),
            None => Ok(()),
        }
    }

    /// The rows are all there.
    pub fn remove(&self) -> Result<()> {
        std::fs::remove_file(&self.path).with_context(|| self.path.display().to_string())
    }

    /// Where the rows are.
    pub fn rows(&self) -> &Path {
        &self.rows
    }
}
