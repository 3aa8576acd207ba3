//! `--proofs`: certificates for the radii of a run, each accepted by the kernel.

use super::load::Loaded;
use super::progress;
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use underplane::data::atomic::write_atomically;
use underplane::model::Model;
use underplane::model::sensitive::Sensitive;
use underplane::perturbation::{Norm, Perturbation, Range};
use underplane::proof::{Proof, Prover, Wanted, is_refused, replay};
use underplane::radius::Method;
use underplane::radius::run::Timed;

/// One method's answers for one norm.
pub type Column<'a> = (Norm, &'a dyn Method, Vec<Timed>);

/// The certificates' name in their folder.
const CERTIFICATES: &str = "certificates.jsonl";

/// The inputs' name, where the file named on the command line is none that the kernel reads.
const INPUTS: &str = "inputs.npy";

/// The same for the weights.
const WEIGHTS: &str = "weights.npy";

/// Which model and inputs a run is about.
pub struct About<'a> {
    pub path: &'a Path,
    pub sensitive: Sensitive,
    pub model: &'a Model,
    pub inputs_path: &'a Path,
    pub inputs: &'a Loaded,
    pub range: Option<Range>,
    /// The weights' file, and what it holds.
    pub weights: Option<(&'a Path, &'a [f64])>,
}

/// Proves every radius of `columns` that comes with evidence, lowers it to what the kernel accepted or makes it
/// unknown, and writes the certificates into `folder`, in the order of the rows.
pub fn write(folder: &Path, about: &About, columns: &mut [Column]) -> Result<()> {
    let bytes = std::fs::read(about.path).with_context(|| about.path.display().to_string())?;
    let size = about.model.input_size();
    let weights = about.weights.map(|(_, weights)| weights);
    let prover = Prover::new(&bytes, about.sensitive, &about.inputs.values, size);
    let prover = prover.and_then(|prover| prover.weighted(weights)).map_err(|why| why.to_string());
    let prover = prover.as_ref().map_err(String::as_str);
    let bar = progress::bar((columns.len() * about.inputs.count) as u64, "proving");
    let mut proofs: Vec<Vec<Option<Proof>>> = Vec::with_capacity(columns.len());
    let mut refused = 0;
    for (norm, method, answers) in columns.iter_mut() {
        let perturbation = Perturbation { norm: *norm, range: about.range, weights };
        let has_evidence = method.has_evidence();
        let one = |(index, answer): (usize, &mut Timed)| {
            let x = &about.inputs.values[index * size..(index + 1) * size];
            let wanted = Wanted { index, x, perturbation, open: false };
            let prove = || replay(prover, about.model, wanted, &mut answer.outcome);
            let proof = has_evidence.then(prove).flatten();
            bar.inc(1);
            proof
        };
        let proven: Vec<Option<Proof>> = answers.par_iter_mut().enumerate().map(one).collect();
        refused += answers.iter().filter(|answer| is_refused(&answer.outcome)).count();
        proofs.push(proven);
    }
    bar.finish_and_clear();
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let rows = (0..about.inputs.count).flat_map(|i| proofs.iter().filter_map(move |column| column[i].as_ref()));
    write_atomically(&folder.join(CERTIFICATES), |out| rows.clone().try_for_each(|p| writeln!(out, "{}", p.line)))?;
    let written = rows.count();
    let inputs = for_the_kernel(about.inputs_path, &folder.join(INPUTS), &about.inputs.values, size)?;
    let weighted = |(path, weights)| for_the_kernel(path, &folder.join(WEIGHTS), weights, 1);
    let weights = about.weights.map(weighted).transpose()?;
    eprintln!("{written} certificates, {refused} refused by the kernel");
    if written > 0 {
        let class = super::check::class_option(about.sensitive);
        let (model, certificates) = (about.path.display(), folder.join(CERTIFICATES));
        let weights = weights.map_or(String::new(), |path| format!(" --weights {}", path.display()));
        let (inputs, certificates) = (inputs.display(), certificates.display());
        eprintln!("check them: underplane check {model} {inputs} {certificates}{class}{weights}");
    }
    Ok(())
}

/// The file named on the command line, or where the kernel does not read it a copy that it does.
pub fn for_the_kernel(given: &Path, copy: &Path, values: &[f64], size: usize) -> Result<PathBuf> {
    if given.extension().is_some_and(|e| e == "npy") {
        return Ok(given.to_path_buf());
    }
    write_atomically(copy, |out| out.write_all(&underplane::proof::npy(values, size)))?;
    Ok(copy.to_path_buf())
}
