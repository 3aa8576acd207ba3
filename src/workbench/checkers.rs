//! The files that a checker is given: the user's own where the kernel reads them, else copies beside the certificates;
//! and the command that checks the certificates again.

use super::given::Given;
use super::model::FOLDED;
use super::shell::{path_word, word};
use crate::data::{Bounds, Reading};
use crate::files::write_atomically;
use crate::model::{Logit, Sensitive};
use crate::proof::{KernelBounds, KernelInputs, in_kernel, npy, reads_weights};
use anyhow::{Context, Result, bail};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use underplane_kernel as kernel;

/// The name of a copy of the inputs.
pub const INPUTS: &str = "inputs.npy";
/// The name of a copy of the weights.
pub const WEIGHTS: &str = "weights.npy";
/// The name of a copy of the box.
pub const BOX: &str = "box.npy";

/// What a checker is given about a run.
pub struct Checkers<'a> {
    model_file: File<'a>,
    follow_links: bool,
    logit: &'a Logit,
    reading: Reading,
    /// The inputs, as the kernel reads them.
    pub inputs: kernel::Inputs,
    inputs_file: File<'a>,
    weights_file: Option<File<'a>>,
    /// The box of a file, as the kernel reads it.
    pub bounds: Option<kernel::Bounds>,
    box_file: Option<File<'a>>,
}

/// A file that the user named, and the bytes of a copy where the kernel does not read it.
struct File<'a> {
    given: &'a Path,
    copy: Option<(&'static str, Cow<'a, [u8]>)>,
}

impl<'a> Checkers<'a> {
    /// Reads what the kernel reads; nothing is written.
    ///
    /// # Errors
    /// When the kernel refuses the inputs.
    pub fn of(given: &'a Given) -> Result<Checkers<'a>> {
        let shape = &given.file.model.graph().node(0).shape;
        let (path, reading) = (given.files.inputs.as_path(), given.files.reading);
        // A checker is given what stays.
        let own = given.files.piped.is_none().then(|| KernelInputs::own(path, reading, shape)).flatten();
        let inputs = match own {
            Some(own) => own,
            None => KernelInputs::copied(&given.source.load()?.numbered(), shape)
                .with_context(|| path.display().to_string())?,
        };
        let weights_file = given.weights.as_ref().map(|weights| {
            let own = reads_weights(&weights.path, reading, shape);
            File { given: &weights.path, copy: (!own).then(|| (WEIGHTS, npy(&weights.values, 1).into())) }
        });
        let file = given.range.as_ref().and_then(Bounds::file);
        let bounds = file.map(|file| KernelBounds::of(&file.path, reading, &file.ends(), shape)).transpose();
        let bounds = bounds.with_context(|| "the box")?;
        let box_file = file.zip(bounds.as_ref()).map(|(file, bounds)| {
            let copy = bounds.copy.clone().map(|copy| (BOX, copy.into()));
            File { given: &file.path, copy }
        });
        Ok(Checkers {
            model_file: File {
                given: &given.file.path,
                copy: given.file.folded.as_ref().map(|folded| (FOLDED, folded.bytes.as_slice().into())),
            },
            follow_links: given.file.follow_links,
            logit: &given.file.logit,
            reading,
            inputs: inputs.read,
            inputs_file: File { given: path, copy: inputs.copy.map(|copy| (INPUTS, copy.into())) },
            weights_file,
            bounds: bounds.map(|bounds| bounds.read),
            box_file,
        })
    }

    /// Refuses a folder where a copy would take the place of the file that it is of.
    ///
    /// # Errors
    /// Then.
    pub fn check_folder(&self, folder: &Path) -> Result<()> {
        let others = [self.weights_file.as_ref(), self.box_file.as_ref()];
        for file in [&self.model_file, &self.inputs_file].into_iter().chain(others.into_iter().flatten()) {
            let Some((name, _)) = &file.copy else { continue };
            let same = |copy: PathBuf| file.given.canonicalize().is_ok_and(|given| given == copy);
            if folder.join(name).canonicalize().is_ok_and(same) {
                bail!("{}: a copy for the checkers would overwrite it; name another folder", file.given.display());
            }
        }
        Ok(())
    }

    /// Writes the copies into `folder` and gives the command that checks `certificates`.
    ///
    /// # Errors
    /// When a copy cannot be written.
    pub fn write(&self, folder: &Path, certificates: &Path) -> Result<String> {
        let inputs = self.inputs_file.write(folder)?;
        let mut words = vec!["underplane check".into(), path_word(&self.model_file.write(folder)?), path_word(&inputs)];
        words.push(path_word(certificates));
        let Logit { sensitive, output, .. } = self.logit;
        if *sensitive != Sensitive::Positive {
            words.push(format!("--sensitive {sensitive}"));
        }
        if self.follow_links && self.model_file.copy.is_none() {
            words.push("--follow-links".into());
        }
        words.extend(output.as_ref().map(|output| format!("--output {}", word(output))));
        words.extend(in_kernel(self.logit.clone()).threshold.map(|threshold| format!("--threshold {threshold}")));
        if let Some(weights) = &self.weights_file {
            words.push(format!("--weights {}", path_word(&weights.write(folder)?)));
        }
        if let Some(bounds) = &self.box_file {
            words.push(format!("--box {}", path_word(&bounds.write(folder)?)));
        }
        if let (Some(uint8), None) = (self.reading.uint8, &self.inputs_file.copy) {
            words.push(format!("--uint8 {}", word(&uint8.to_string())));
        }
        let owns =
            self.weights_file.iter().chain(&self.box_file).chain([&self.inputs_file]).any(|file| file.copy.is_none());
        if self.reading.flatten && owns {
            words.push("--flatten".into());
        }
        Ok(words.join(" "))
    }
}

impl File<'_> {
    /// Where the kernel finds it.
    fn write(&self, folder: &Path) -> Result<PathBuf> {
        let Some((name, bytes)) = &self.copy else { return Ok(self.given.to_path_buf()) };
        let path = folder.join(name);
        write_atomically(&path, |out| out.write_all(bytes))?;
        Ok(path)
    }
}
