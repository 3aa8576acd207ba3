//! `--proofs`: certificates for the radii of a run, each accepted by the kernel.

use super::load::Loaded;
use super::progress;
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::path::Path;
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

/// Which model and inputs a run is about.
pub struct About<'a> {
    pub path: &'a Path,
    pub sensitive: Sensitive,
    pub model: &'a Model,
    pub inputs_path: &'a Path,
    pub inputs: &'a Loaded,
    pub range: Option<Range>,
}

/// Proves every radius of `columns` that comes with evidence, lowers it to what the kernel accepted or makes it
/// unknown, and writes the certificates into `folder`, in the order of the rows.
pub fn write(folder: &Path, about: &About, columns: &mut [Column]) -> Result<()> {
    let bytes = std::fs::read(about.path).with_context(|| about.path.display().to_string())?;
    let size = about.model.input_size();
    let prover = Prover::new(&bytes, about.sensitive, &about.inputs.values, size).map_err(|why| why.to_string());
    let prover = prover.as_ref().map_err(String::as_str);
    let bar = progress::bar((columns.len() * about.inputs.count) as u64, "proving");
    let mut proofs: Vec<Vec<Option<Proof>>> = Vec::with_capacity(columns.len());
    let mut refused = 0;
    for (norm, method, answers) in columns.iter_mut() {
        let perturbation = Perturbation { norm: *norm, range: about.range };
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
    let mut inputs = about.inputs_path.to_path_buf();
    if inputs.extension().is_none_or(|e| e != "npy") {
        inputs = folder.join(INPUTS);
        write_atomically(&inputs, |out| out.write_all(&underplane::proof::npy(&about.inputs.values, size)))?;
    }
    eprintln!("{written} certificates, {refused} refused by the kernel");
    if written > 0 {
        let class = super::check::class_option(about.sensitive);
        let (model, certificates) = (about.path.display(), folder.join(CERTIFICATES));
        eprintln!("check them: underplane check {model} {} {}{class}", inputs.display(), certificates.display());
    }
    Ok(())
}
