//! The kernel and the reader against onnxruntime's stored values, at random graphs and mutations of fixed seeds: what
//! is accepted has the runtime's values within its rounding, and is accepted by the runtime.
//!
//! The files are made by the differential fuzzer (`fuzz/README.md`), which also stores the values:
//!
//! ```text
//! cd fuzz/differential && cargo run --release -- --store ../../tests/fixtures/differential.txt
//! ```

use std::path::PathBuf;
use underplane_differential::compare::{self, Run};
use underplane_differential::{cases, readings, stored};

/// The digest and the runs of a line; no runs where the runtime says nothing.
fn read(line: &str) -> (u64, Vec<Run>) {
    let mut parts = line.splitn(4, ' ').skip(2);
    let digest = u64::from_str_radix(parts.next().unwrap(), 16).unwrap();
    let runs = match parts.next().unwrap() {
        "none" => vec![],
        "refused" => vec![Run { level: 0, first: 0, batch: 0, outputs: Err("refused".into()) }],
        runs => runs.split(" | ").map(run).collect(),
    };
    (digest, runs)
}

/// `0+3 1.5 -2 0.25`.
fn run(text: &str) -> Run {
    let (place, values) = text.split_once(' ').unwrap();
    let (first, batch) = place.split_once('+').unwrap();
    let batch: usize = batch.parse().unwrap();
    let values: Vec<f64> = values.split_whitespace().map(|v| v.parse().unwrap()).collect();
    let outputs = values.chunks((values.len() / batch).max(1)).map(<[f64]>::to_vec).collect();
    Run { level: 0, first: first.parse().unwrap(), batch, outputs: Ok(outputs) }
}

/// (accepted by the kernel, by the reader, of how many).
fn compare_all(mutated: bool) -> (u64, u64, u64) {
    let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/differential.txt");
    let text = std::fs::read_to_string(fixture).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), stored::seeds().count());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weights.bin"), cases::weights()).unwrap();
    let path = folder.path().join("model.onnx");
    let (mut kernel, mut reader, mut all) = (0, 0, 0);
    for ((_, seed), line) in stored::seeds().zip(lines).filter(|((m, _), _)| *m == mutated) {
        let case = if mutated { cases::mutant(seed) } else { cases::graph(seed) };
        let (digest, runs) = read(line);
        let place = format!("seed {seed}, {}", case.marks.join("; "));
        let again = "the generator makes another file now: store the runtime's values again (head of this file)";
        assert_eq!(cases::digest(&case.bytes), digest, "{place}: {again}");
        std::fs::write(&path, &case.bytes).unwrap();
        let ours = readings::ours(&case, &path);
        let differences = compare::compare(&ours, &runs);
        assert!(differences.is_empty(), "{place}: {differences:?}");
        kernel += u64::from(ours.kernel.is_ok());
        reader += u64::from(ours.reader.is_ok());
        all += 1;
    }
    (kernel, reader, all)
}

#[test]
fn random_graphs_have_the_values_of_the_runtime() {
    let (kernel, reader, all) = compare_all(false);
    assert!(3 * kernel >= all, "the kernel reads {kernel} of {all}");
    assert!(5 * reader >= 4 * all, "the reader reads {reader} of {all}");
}

#[test]
fn mutations_are_refused_or_mean_what_the_runtime_says() {
    let (kernel, reader, all) = compare_all(true);
    assert!(kernel > 0 && reader > 0 && reader < all, "kernel {kernel}, reader {reader} of {all}");
}
