//! `--proofs`: certificates for the radii of a run, each accepted by the kernel.

use super::files::{Files, Given};
use super::progress;
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::path::Path;
use underplane::files::write_atomically;
use underplane::norm::Norm;
use underplane::proof::{Proof, Prover, Wanted, grouped, refusal, replay_or_less};
use underplane::query::{Perturbation, Range};
use underplane::radius::Method;
use underplane::radius::run::Timed;

/// One method's answers for one norm.
pub type Column<'a> = (Norm, &'a dyn Method, Vec<Timed>);

/// The certificates' name in their folder.
const CERTIFICATES: &str = "certificates.jsonl";

/// Proves every radius of `columns` that comes with evidence, lowers it to what the kernel accepted or makes it
/// unknown, and writes the certificates into `folder`, in the order of the rows.
pub fn write(
    (folder, files): (&Path, Files),
    about: &Given,
    range: Option<Range>,
    columns: &mut [Column],
) -> Result<()> {
    let bytes = std::fs::read(about.path).with_context(|| about.path.display().to_string())?;
    let size = about.model.input_size();
    let count = about.numbers.len();
    let weights = about.weights.map(|(_, weights)| weights);
    let prover = Prover::about(&bytes, about.sensitive, files.inputs.clone());
    let prover = prover.and_then(|prover| prover.weighted(weights)).map_err(|why| why.to_string());
    let prover = prover.as_ref().map_err(String::as_str);
    let bar = progress::bar((columns.len() * count) as u64, "proving");
    let mut proofs: Vec<Vec<Option<Proof>>> = Vec::with_capacity(columns.len());
    let mut refused = Vec::new();
    for (norm, method, answers) in columns.iter_mut() {
        let perturbation = Perturbation { norm: *norm, range, weights };
        let has_evidence = method.has_evidence();
        let one = |(index, answer): (usize, &mut Timed)| {
            let index = about.numbers[index];
            let x = &about.inputs[index * size..(index + 1) * size];
            let wanted = Wanted { index, x, perturbation, open: false };
            let prove = || replay_or_less(prover, about.model, wanted, &mut answer.outcome);
            let proof = has_evidence.then(prove).flatten();
            bar.inc(1);
            proof
        };
        let proven: Vec<Option<Proof>> = answers.par_iter_mut().enumerate().map(one).collect();
        refused.extend(answers.iter().filter_map(|answer| refusal(&answer.outcome).map(String::from)));
        proofs.push(proven);
    }
    bar.finish_and_clear();
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let certificates = folder.join(CERTIFICATES);
    let rows = (0..count).flat_map(|i| proofs.iter().filter_map(move |column| column[i].as_ref()));
    write_atomically(&certificates, |out| rows.clone().try_for_each(|p| writeln!(out, "{}", p.line)))?;
    let written = rows.count();
    let command = files.write(folder, &certificates)?;
    eprintln!("{written} certificates, {} refused by the kernel", refused.len());
    let reasons = grouped(refused.iter().map(String::as_str));
    reasons.iter().for_each(|(reason, count)| eprintln!("  {count}: {reason}"));
    if written > 0 {
        eprintln!("check them: {command}");
    }
    Ok(())
}
