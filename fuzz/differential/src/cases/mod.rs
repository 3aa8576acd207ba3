//! The files that are compared: made from a seed alone, so that a seed names a file.

mod generate;
pub mod maps;
mod mutate;
pub mod needed;
mod random;
pub mod schema;
mod wire;
mod write;

use random::Random;

/// One file.
pub struct Case {
    /// The ONNX file.
    pub bytes: Vec<u8>,
    /// Number of coordinates of one input.
    pub size: usize,
    /// What is in it: operators and forms, or mutations.
    pub marks: Vec<String>,
    /// Inputs [3 × size].
    pub rows: Vec<f32>,
    /// The sensitive class, of several outputs.
    pub class: usize,
    /// What is taken off the logit.
    pub threshold: f32,
}

/// How many inputs every file is evaluated at.
pub const ROWS: usize = 3;

/// The graph of a seed.
pub fn graph(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let (file, size, marks) = generate::generate(&mut random);
    let rows = rows(&mut random, size);
    let class = random.below(2);
    let threshold = if random.one_in(4) { random.between(-16, 16) as f32 / 8.0 } else { 0.0 };
    Case { bytes: wire::write(&file), size, marks, rows, class, threshold }
}

/// The graph of a seed with one to three mutations.
pub fn mutant(seed: u64) -> Case {
    mutated(graph(seed), seed)
}

/// A case with one to three mutations, if its file can be read at all.
pub fn mutated(case: Case, seed: u64) -> Case {
    let Some(mut file) = schema::parse(&case.bytes) else { return case };
    let mut random = Random::new(seed ^ 0x6d75_7461_7465_6421);
    let mut marks = Vec::new();
    for _ in 0..1 + random.below(3).min(random.below(3)) {
        marks.extend(mutate::mutate(&mut random, &mut file));
    }
    Case { bytes: wire::write(&file), marks, ..case }
}

/// A file from elsewhere.
pub fn given(bytes: Vec<u8>) -> Case {
    Case { bytes, size: 0, marks: vec![], rows: vec![], class: 0, threshold: 0.0 }
}

/// All files that lack one field of `bytes`.
pub fn smaller(bytes: &[u8]) -> Vec<Vec<u8>> {
    schema::parse(bytes)
        .map(|file| mutate::without_one(&file).iter().map(|file| wire::write(file)).collect())
        .unwrap_or_default()
}

/// What `weights.bin` beside the file holds, for constants that say that they stand there: 64 multiples of 1/8, then as
/// many int64.
pub fn weights() -> Vec<u8> {
    let floats = (0..64).flat_map(|i| ((i % 17 - 8) as f32 / 8.0).to_le_bytes());
    floats.chain((0_i64..64).flat_map(|i| (i % 5).to_le_bytes())).collect()
}

/// A short name of some bytes (FNV-1a).
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Inputs: multiples of 1/8 of magnitude up to 4.
fn rows(random: &mut Random, size: usize) -> Vec<f32> {
    (0..ROWS * size).map(|_| random.between(-32, 32) as f32 / 8.0).collect()
}
