//! `verified.toml`: what a folder of verified radii is about.

use crate::data::tasks::Header;
use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What is certified, in every folder of verified radii.
pub const DEFINITION: &str = "verified.toml";

/// A folder's definition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What to certify.
    pub entry: Vec<Entry>,
}

/// One model with inputs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Of its files.
    pub name: String,
    /// The ONNX file, from the folder.
    pub model: PathBuf,
    /// Whether data files are read through links out of the model's folder.
    #[serde(default)]
    pub follow_links: bool,
    /// The inputs, from the folder.
    pub inputs: PathBuf,
    /// Number of inputs; all by default.
    pub limit: Option<usize>,
    /// `LO,HI`, or a file from the folder.
    pub r#box: Option<String>,
    /// positive by default.
    pub sensitive: Option<String>,
    /// Name of the output, where the model has several.
    pub output: Option<String>,
    /// A decimal: what is taken off the logit.
    pub threshold: Option<String>,
    /// A decimal: its logit is the threshold.
    pub probability: Option<String>,
    /// What bytes among the inputs mean: unit or raw.
    pub uint8: Option<String>,
    /// Whether inputs of another shape are the model's entries as they stand.
    #[serde(default)]
    pub flatten: bool,
    /// Whether entries that are no float32 mean the nearest one.
    #[serde(default)]
    pub round: bool,
    /// Whether the first line of a table is a header; found out by default.
    #[serde(default)]
    pub header: Header,
    /// l1, l2, linf by default.
    pub norms: Option<Vec<String>>,
    /// Methods whose radii have certificates, as on the command line.
    pub methods: Vec<String>,
}

impl Entry {
    /// What is wrong with the entry, with its place.
    pub(super) fn bad(&self, folder: &Path, reason: String) -> anyhow::Error {
        anyhow!("{}, entry `{}`: {reason}", folder.join(DEFINITION).display(), self.name)
    }
}

/// The first of these folders with a definition.
///
/// # Errors
/// When none has one: what was looked for where, and what to do.
pub fn find(folders: &[PathBuf]) -> Result<PathBuf> {
    let looked = || folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
    let found = folders.iter().find(|folder| folder.join(DEFINITION).is_file()).cloned();
    found.with_context(|| {
        format!(
            "no {DEFINITION} found; looked in {}; name a folder with one: `underplane regress DIR`, and \
             `underplane regress DIR --bless` stores its radii at first",
            looked()
        )
    })
}

/// Reads a folder's definition.
///
/// # Errors
/// When it cannot be read.
pub fn definition(folder: &Path) -> Result<Definition> {
    let path = folder.join(DEFINITION);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let definition: Definition = toml::from_str(&text).with_context(|| path.display().to_string())?;
    if definition.entry.is_empty() {
        bail!("{}: expected at least one [[entry]], found none", path.display());
    }
    for (i, entry) in definition.entry.iter().enumerate() {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if entry.name.is_empty() || entry.name.starts_with('.') || !entry.name.chars().all(plain) {
            bail!("{}: expected a name of letters, digits, - _ ., found `{}`", path.display(), entry.name);
        }
        let empty = [
            ("limit", "at least 1", entry.limit == Some(0)),
            ("methods", "at least one", entry.methods.is_empty()),
            ("norms", "at least one", entry.norms.as_ref().is_some_and(Vec::is_empty)),
        ];
        if let Some((key, expected, _)) = empty.iter().find(|(.., is_empty)| *is_empty) {
            return Err(entry.bad(folder, format!("expected {expected} in `{key}`, found none: it verifies nothing")));
        }
        if definition.entry[..i].iter().any(|before| before.name == entry.name) {
            bail!("{}: expected names that differ, found `{}` twice", path.display(), entry.name);
        }
    }
    Ok(definition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_definition_names_every_folder_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let looked = [folder.path().join("one"), folder.path().join("two")];
        let error = find(&looked).unwrap_err().to_string();
        assert!(looked.iter().all(|f| error.contains(&f.display().to_string())), "{error}");
        assert!(error.contains("underplane regress DIR"), "{error}");
        std::fs::create_dir(&looked[1]).unwrap();
        std::fs::write(looked[1].join(DEFINITION), "").unwrap();
        assert_eq!(find(&looked).unwrap(), looked[1]);
    }
}
