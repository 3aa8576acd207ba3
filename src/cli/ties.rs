//! Inputs whose logit is too near to 0 for floats to say which class they are of: exact arithmetic can.

use super::load::Loaded;
use super::proofs::Column;
use anyhow::{Context, Result};
use std::path::Path;
use underplane::model::Model;
use underplane::model::sensitive::Sensitive;
use underplane::proof::Prover;
use underplane::radius::{Subject, Verdict};

/// Turns `unknown` into `not-sensitive` for every input whose exact logit is ≤ 0, as the kernel's own reading of the
/// model file has it. Where the kernel does not read the model, nothing changes.
pub fn settle(
    (path, sensitive): (&Path, Sensitive),
    model: &Model,
    inputs: &Loaded,
    columns: &mut [Column],
) -> Result<()> {
    let size = model.input_size();
    let sample = |i: usize| &inputs.values[i * size..(i + 1) * size];
    let open: Vec<usize> = (0..inputs.count)
        .filter(|&i| columns.iter().any(|column| is_open(column, i)))
        .filter(|&i| {
            let logit = model.enclose(sample(i))[0];
            logit.lower() <= 0.0 && logit.upper() > 0.0
        })
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let values: Vec<f64> = open.iter().flat_map(|&i| sample(i)).copied().collect();
    let Ok(prover) = Prover::new(&bytes, sensitive, &values, size) else { return Ok(()) };
    for (k, &i) in open.iter().enumerate() {
        if prover.logit_sign(k).is_ok_and(|sign| sign <= 0) {
            for column in columns.iter_mut().filter(|column| is_open(column, i)) {
                column.2[i].outcome.verdict = Verdict::NotSensitive;
            }
        }
    }
    Ok(())
}

fn is_open((_, method, answers): &Column, i: usize) -> bool {
    method.subject() == Subject::Base && matches!(answers[i].outcome.verdict, Verdict::Unknown(_))
}
