//! `proofs-data/bundle.toml`: which models come with the program, and the real inputs that they are audited on.

use crate::model::sensitive::Sensitive;
use crate::query::Range;
use crate::report::sentence::Words;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The manifest's name inside a bundle.
pub const MANIFEST: &str = "bundle.toml";

/// The bundle's folder in a checkout of the source.
pub const FOLDER: &str = "proofs-data";

/// What can be wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// There is no manifest in any of the folders.
    #[error(
        "no {MANIFEST} found; looked in {}; name its folder with --bundle DIR, or give MODEL and INPUTS",
        looked.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Absent {
        /// The folders.
        looked: Vec<PathBuf>,
    },
    /// The manifest could not be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The manifest.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest is not one.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

/// One `[[model]]` table.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Short name for tables and records: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The network, an ONNX file; paths are relative to the manifest.
    pub file: PathBuf,
    /// The inputs, as `underplane certify` takes them.
    pub inputs: PathBuf,
    /// One label per input.
    pub labels: Option<PathBuf>,
    /// What a radius of 1 means.
    pub unit: String,
    /// The valid range of every coordinate, `[LO, HI]`: the attacker never leaves it.
    #[serde(rename = "box")]
    pub range: Option<[f64; 2]>,
    /// Which output is the sensitive class: positive (the default), negative, 0 or 1.
    pub sensitive: Option<String>,
    /// What the model is, in a sentence.
    pub about: String,
    /// The training record, a JSON file.
    pub record: Option<PathBuf>,
    /// What inputs of the sensitive class are called in a sentence.
    pub words: Option<Words>,
    /// Standard deviation of the noise of randomized smoothing, in input units.
    pub sigma: Option<f64>,
}

impl Entry {
    /// The box, its ends float32 as inputs are.
    pub fn range(&self) -> Option<Range> {
        let float32 = |end: f64| f64::from(end as f32);
        self.range.map(|[low, high]| Range { low: float32(low), high: float32(high) })
    }

    /// The sensitive class.
    pub fn sensitive(&self) -> Sensitive {
        self.sensitive.as_ref().and_then(|text| text.parse().ok()).unwrap_or(Sensitive::Positive)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(plain) {
            return Err(format!("name `{}`: expected letters, digits, `-`, `_` and `.`", self.name));
        }
        let fault = |what: String| Err(format!("model `{}`: {what}", self.name));
        if let Some([low, high]) = self.range
            && !((low as f32).is_finite() && (high as f32).is_finite() && low <= high)
        {
            return fault(format!("box = [{low}, {high}]: expected two finite numbers, the lower one first"));
        }
        if let Some(sigma) = self.sigma.filter(|s| !(s.is_finite() && *s > 0.0)) {
            return fault(format!("sigma = {sigma}: expected a positive number"));
        }
        match self.sensitive.as_deref().map(str::parse::<Sensitive>) {
            Some(Err(reason)) => fault(format!("sensitive: {reason}")),
            _ => Ok(()),
        }
    }
}

/// A manifest, with the paths of its entries resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// The manifest's folder.
    pub folder: PathBuf,
    /// The models, in the manifest's order.
    pub entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(default)]
    model: Vec<Entry>,
}

impl Bundle {
    /// Reads the first manifest found in `folders`.
    ///
    /// # Errors
    /// When there is none, or the first one is no manifest.
    pub fn find(folders: &[PathBuf]) -> Result<Bundle, BundleError> {
        match folders.iter().find(|folder| folder.join(MANIFEST).is_file()) {
            Some(folder) => Bundle::read(folder),
            None => Err(BundleError::Absent { looked: folders.to_vec() }),
        }
    }

    /// Reads `folder`'s manifest. Whether the files that it names are there is not checked.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML of this form, names no model or one name twice.
    pub fn read(folder: &Path) -> Result<Bundle, BundleError> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|source| BundleError::File { path: path.clone(), source })?;
        let fault = |reason: String| BundleError::Content { path: path.clone(), reason };
        let manifest: Manifest = toml::from_str(&text).map_err(|e| fault(e.to_string()))?;
        if manifest.model.is_empty() {
            return Err(fault("expected at least one [[model]], found none".into()));
        }
        let mut names = BTreeSet::new();
        let mut entries = manifest.model;
        for entry in &mut entries {
            entry.check().map_err(fault)?;
            if !names.insert(entry.name.clone()) {
                return Err(fault(format!("two models are named `{}`", entry.name)));
            }
            let optional = [entry.labels.as_mut(), entry.record.as_mut()].into_iter().flatten();
            for path in [&mut entry.file, &mut entry.inputs].into_iter().chain(optional) {
                *path = folder.join(&*path);
            }
        }
        Ok(Bundle { folder: folder.to_path_buf(), entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "[[model]]\nname = 'a'\nfile = 'a.onnx'\ninputs = 'a.npy'\nunit = 'pixels'\nabout = 'tiny'\n";

    fn read(text: &str) -> Result<Bundle, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MANIFEST), text).unwrap();
        Bundle::read(folder.path()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_whole_table_is_read_and_its_paths_resolved() {
        let text =
            format!("{WHOLE}labels = 'l.npy'\nbox = [0, 1]\nsensitive = 'negative'\nrecord = 'r.json'\nsigma = 0.5");
        let bundle = read(&text).unwrap();
        let entry = &bundle.entries[0];
        assert_eq!(entry.range(), Some(Range { low: 0.0, high: 1.0 }));
        assert_eq!(entry.sensitive(), Sensitive::Negative);
        assert_eq!(entry.labels, Some(bundle.folder.join("l.npy")));
        assert_eq!(entry.file, bundle.folder.join("a.onnx"));
        assert_eq!(read(WHOLE).unwrap().entries[0].range(), None);
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_the_place() {
        for (text, says) in [
            ("", "at least one [[model]]"),
            ("[[model]]\nname = 'a'", "missing field"),
            ("[[model]", "TOML"),
            (&format!("{WHOLE}{WHOLE}"), "two models are named `a`"),
            (&format!("{WHOLE}size = 3"), "unknown field `size`"),
            (&format!("{WHOLE}box = [1, 0]"), "the lower one first"),
            (&format!("{WHOLE}box = [nan, 1]"), "the lower one first"),
            (&format!("{WHOLE}sigma = 0"), "positive"),
            (&format!("{WHOLE}sensitive = 'both'"), "found `both`"),
            (&WHOLE.replace("'a'", "'../a'"), "letters, digits"),
            (&WHOLE.replace("'a'", "''"), "letters, digits"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says) && error.contains(MANIFEST), "{text}: {error}");
        }
    }

    #[test]
    fn a_missing_bundle_names_every_folder() {
        let folder = tempfile::tempdir().unwrap();
        let looked = [folder.path().join("one"), folder.path().join("two")];
        let error = Bundle::find(&looked).unwrap_err().to_string();
        assert!(looked.iter().all(|f| error.contains(&f.display().to_string())), "{error}");
        fs::create_dir(&looked[1]).unwrap();
        fs::write(looked[1].join(MANIFEST), WHOLE).unwrap();
        assert_eq!(Bundle::find(&looked).unwrap().folder, looked[1]);
    }
}
