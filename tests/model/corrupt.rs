//! Damaged files are errors, never panics and never huge.

use std::path::Path;

use rand::RngExt;
use testing::networks::generator;
use underplane::model::onnx::{decode, encode};
use underplane::model::{Sensitive, select};

fn fixtures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "onnx"));
    files.sort();
    assert!(files.len() > 100);
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Reads the bytes, and does with the graph, if there is one, what a program would do.
fn survive(bytes: &[u8]) -> bool {
    match decode(bytes) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
        Ok(graph) => {
            // Writing may refuse constants that only 64 bits can hold; it must not panic.
            let _ = encode(&graph);
            for sensitive in [Sensitive::Positive, Sensitive::Negative, Sensitive::Index(0), Sensitive::Index(1)] {
                let _ = select(graph.clone(), sensitive);
            }
            true
        }
    }
}

#[test]
fn truncated_files_are_errors() {
    for bytes in fixtures().iter().step_by(9) {
        for length in 0..bytes.len() {
            survive(&bytes[..length]);
        }
    }
}

#[test]
fn a_cut_inside_the_weights_is_an_error() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx/icnn_opset17.onnx");
    let bytes = std::fs::read(path).unwrap();
    assert!(decode(&bytes).is_ok());
    for length in 0..bytes.len() - 40 {
        assert!(decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn flipped_bytes_do_not_panic() {
    let mut rng = generator(5);
    let (mut read, mut refused) = (0, 0);
    for bytes in fixtures() {
        for _ in 0..150 {
            let mut bytes = bytes.clone();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = match rng.random_range(0..3) {
                    0 => rng.random(),
                    1 => bytes[at] ^ (1 << rng.random_range(0..8)),
                    _ => bytes[at].wrapping_add(1),
                };
            }
            if survive(&bytes) { read += 1 } else { refused += 1 }
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

#[test]
fn removed_and_repeated_pieces_do_not_panic() {
    let mut rng = generator(6);
    for bytes in fixtures() {
        for _ in 0..40 {
            let start = rng.random_range(0..bytes.len());
            let end = (start + rng.random_range(1..40)).min(bytes.len());
            let to = rng.random_range(0..bytes.len());
            let removed = [&bytes[..start], &bytes[end..]].concat();
            let repeated = [&bytes[..to], &bytes[start..end], &bytes[to..]].concat();
            survive(&removed);
            survive(&repeated);
        }
    }
}

#[test]
fn noise_is_refused() {
    let mut rng = generator(7);
    for length in 0..200 {
        let bytes: Vec<u8> = (0..length).map(|_| rng.random()).collect();
        assert!(decode(&bytes).is_err());
    }
}
