//! The runtime's values for the files of the test suite, one line each:
//!
//! ```text
//! graph 17 0123456789abcdef 0+3 1.5 -2 0.25
//! mutation 4 0123456789abcdef refused
//! ```
//!
//! The kind and seed, the digest of the file, and for every run without optimisation of the largest batch its first
//! row, its size and the outputs; `refused` where any run is refused, `none` where the runtime is too old to say or the
//! file fixes a batch that is too large to run.

use crate::cases::{Case, digest};
use crate::compare::{Run, newer};

/// First line of the file.
pub const HEAD: &str =
    "# onnxruntime's values for tests/kernel/differential.rs; written by fuzz/differential with --store";

/// How many graphs, and as many mutations.
pub const FILES: u64 = 300;

/// All files: mutated or not, and the seed.
pub fn seeds() -> impl Iterator<Item = (bool, u64)> {
    [false, true].into_iter().flat_map(|mutated| (0..FILES).map(move |seed| (mutated, seed)))
}

/// The line of one file.
pub fn line(mutated: bool, seed: u64, case: &Case, runs: &[Run]) -> String {
    let kind = if mutated { "mutation" } else { "graph" };
    let most = runs.iter().map(|run| run.batch).max().unwrap_or(0);
    let reason = runs.iter().find_map(|run| run.outputs.as_ref().err());
    let answer = match reason {
        Some(reason) if newer(reason) => "none".into(),
        Some(_) => "refused".into(),
        None if runs.is_empty() => "none".into(),
        None => runs
            .iter()
            .filter(|run| run.level == 0 && run.batch == most)
            .map(|run| {
                let values = run.outputs.iter().flatten().flatten();
                let values: Vec<String> = values.map(f64::to_string).collect();
                format!("{}+{} {}", run.first, run.batch, values.join(" "))
            })
            .collect::<Vec<_>>()
            .join(" | "),
    };
    format!("{kind} {seed} {:016x} {answer}", digest(&case.bytes))
}
