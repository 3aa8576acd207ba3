//! Running a method over many samples, in parallel batches.

use crate::model::Model;
use crate::query::Perturbation;
use crate::radius::{Method, Outcome, Samples};
use rayon::prelude::*;
use std::time::Instant;

/// One sample's answer and what it cost.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The answer.
    pub outcome: Outcome,
    /// Seconds of one thread; a batch's time is shared out evenly.
    pub seconds: f64,
}

/// Runs `method` over `values` `[count × size]`; answers come back in order. `done` hears of every finished batch.
pub fn run(
    method: &dyn Method,
    model: &Model,
    values: &[f64],
    perturbation: Perturbation,
    done: &(dyn Fn(usize) + Sync),
) -> Vec<Timed> {
    let size = model.input_size();
    let count = values.len() / size;
    // Smaller batches than the method likes where that keeps every thread busy.
    let batch = method.batch().min(count.div_ceil(rayon::current_num_threads())).max(1);
    let one = |(i, values): (usize, &[f64])| {
        let start = Instant::now();
        let outcomes = method.certify(model, Samples { values, size, first: i * batch }, perturbation);
        let seconds = start.elapsed().as_secs_f64() / outcomes.len() as f64;
        done(outcomes.len());
        let timed = |mut outcome: Outcome| {
            outcome.detail = perturbation.mark(outcome.detail);
            Timed { outcome, seconds }
        };
        outcomes.into_iter().map(timed).collect::<Vec<_>>()
    };
    let batches: Vec<_> = values.par_chunks(batch * size).enumerate().map(one).collect();
    batches.into_iter().flatten().collect()
}
