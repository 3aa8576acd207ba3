//! The files that a checker is given: the user's own where the kernel reads them, else copies beside the certificates;
//! and the command that checks the certificates again.

use super::shell::{path_word, word};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use underplane::data::Reading;
use underplane::files::write_atomically;
use underplane::model::Model;
use underplane::model::sensitive::Sensitive;
use underplane::proof::{KernelInputs, npy, reads_weights};
use underplane_kernel as kernel;

/// The copies' names.
const INPUTS: &str = "inputs.npy";
const WEIGHTS: &str = "weights.npy";

/// What a run is about, as the user named it and as it was read.
pub struct Given<'a> {
    pub path: &'a Path,
    pub sensitive: Sensitive,
    pub model: &'a Model,
    pub inputs_path: &'a Path,
    pub reading: Reading,
    /// `[rows × size]`, as they stand in their file.
    pub inputs: &'a [f64],
    /// Which of them the run is about.
    pub numbers: &'a [usize],
    pub weights: Option<(&'a Path, &'a [f64])>,
}

/// The same for the kernel.
pub struct Files<'a> {
    model: &'a Path,
    sensitive: Sensitive,
    reading: Reading,
    pub inputs: kernel::Inputs,
    inputs_file: File<'a>,
    weights_file: Option<File<'a>>,
}

/// A file that the user named, and the bytes of a copy where the kernel does not read it.
struct File<'a> {
    given: &'a Path,
    copy: Option<(&'static str, Vec<u8>)>,
}

impl<'a> Files<'a> {
    /// Reads what the kernel reads; nothing is written.
    ///
    /// # Errors
    /// When the kernel refuses the inputs.
    pub fn of(given: &Given<'a>) -> Result<Files<'a>> {
        let shape = &given.model.graph().node(0).shape;
        let inputs = KernelInputs::of(given.inputs_path, given.reading, given.inputs, shape)
            .with_context(|| given.inputs_path.display().to_string())?;
        let weights_file = given.weights.map(|(path, weights)| {
            let own = reads_weights(path, given.reading, shape);
            File { given: path, copy: (!own).then(|| (WEIGHTS, npy(weights, 1))) }
        });
        Ok(Files {
            model: given.path,
            sensitive: given.sensitive,
            reading: given.reading,
            inputs: inputs.read,
            inputs_file: File { given: given.inputs_path, copy: inputs.copy.map(|copy| (INPUTS, copy)) },
            weights_file,
        })
    }

    /// Refuses a folder where a copy would take the place of the file that it is of.
    ///
    /// # Errors
    /// Then.
    pub fn check_folder(&self, folder: &Path) -> Result<()> {
        for file in [Some(&self.inputs_file), self.weights_file.as_ref()].into_iter().flatten() {
            let Some((name, _)) = file.copy else { continue };
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
        let mut words = vec!["underplane check".into(), path_word(self.model), path_word(&inputs)];
        words.push(path_word(certificates));
        if self.sensitive != Sensitive::Positive {
            words.push(format!("--sensitive {}", self.sensitive));
        }
        if let Some(weights) = &self.weights_file {
            words.push(format!("--weights {}", path_word(&weights.write(folder)?)));
        }
        if let (Some(uint8), None) = (self.reading.uint8, &self.inputs_file.copy) {
            words.push(format!("--uint8 {}", word(&uint8.to_string())));
        }
        let owns = self.weights_file.iter().chain([&self.inputs_file]).any(|file| file.copy.is_none());
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
