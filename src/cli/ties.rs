//! Where a logit is too near to 0 for floats to say on which side it is, at an input or at a point in reach of one: exact
//! arithmetic can.

use super::load::Loaded;
use super::proofs::Column;
use anyhow::{Context, Result};
use std::path::Path;
use underplane::model::Model;
use underplane::model::sensitive::Sensitive;
use underplane::proof::{Prover, Wanted};
use underplane::query::{Perturbation, Range};
use underplane::radius::{Subject, Verdict};

/// Turns `unknown` into `not-sensitive` for every input whose exact logit is ≤ 0, and the ties that methods hand up into
/// witnesses where theirs is, as the kernel's own reading of the model file has it. Where the kernel does not read the
/// model, nothing changes.
pub fn settle(
    (path, sensitive): (&Path, Sensitive),
    model: &Model,
    (inputs, range, weights): (&Loaded, Option<Range>, Option<&[f64]>),
    columns: &mut [Column],
) -> Result<()> {
    let size = model.input_size();
    let sample = |i: usize| &inputs.values[i * size..(i + 1) * size];
    let undecided = |i: usize| {
        let logit = model.enclose(sample(i))[0];
        logit.lower() <= 0.0 && logit.upper() > 0.0
    };
    let touched = |i: usize| columns.iter().any(|column| column.2[i].outcome.tie.is_some());
    let asked: Vec<usize> = (0..inputs.count).filter(|&i| touched(i) || (open(columns, i) && undecided(i))).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let values: Vec<f64> = asked.iter().flat_map(|&i| sample(i)).copied().collect();
    let prover = Prover::new(&bytes, sensitive, &values, size).and_then(|prover| prover.weighted(weights));
    let Ok(prover) = prover else { return Ok(()) };
    for (k, &i) in asked.iter().enumerate() {
        if open(columns, i) && prover.logit_sign(k).is_ok_and(|sign| sign <= 0) {
            for column in columns.iter_mut().filter(|column| is_open(column, i)) {
                column.2[i].outcome.verdict = Verdict::NotSensitive;
            }
        }
        for (norm, _, answers) in columns.iter_mut() {
            let perturbation = Perturbation { norm: *norm, range, weights };
            prover.settle(Wanted { index: k, x: sample(i), perturbation, open: false }, &mut answers[i].outcome);
        }
    }
    Ok(())
}

fn open(columns: &[Column], i: usize) -> bool {
    columns.iter().any(|column| is_open(column, i))
}

fn is_open((_, method, answers): &Column, i: usize) -> bool {
    method.subject() == Subject::Base && matches!(answers[i].outcome.verdict, Verdict::Unknown(_))
}
