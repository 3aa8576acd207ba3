//! Splits without leaks: duplicates and contradictions first, then a seeded draw.

use crate::data::dataset::Dataset;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// What [`purge`] keeps and what it drops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// For each side the samples to keep, in their order.
    pub keep: Vec<Vec<usize>>,
    /// Number of distinct vectors that carry both labels; all their samples are dropped.
    pub contradictory_vectors: usize,
    /// Number of samples dropped with them.
    pub contradictory_samples: usize,
    /// Number of further samples dropped because their vector is on the same side already.
    pub repeated: usize,
    /// Number of further samples dropped because their vector is on an earlier side.
    pub crossing: usize,
}

/// Removes from all sides the vectors that carry both labels, and from each side the vectors that an earlier side
/// holds; within a side a vector is kept once, unless `repeats` allows more.
///
/// Vectors are equal when their floats are (0 = −0).
pub fn purge(sides: &[&Dataset], repeats: &[bool]) -> Purged {
    let mut seen: HashMap<Vector<'_>, Seen> = HashMap::new();
    for side in sides {
        for i in 0..side.len() {
            let seen = seen.entry(Vector(side.input(i))).or_default();
            seen.labels[usize::from(side.sensitive[i])] = true;
        }
    }
    let contradictory_vectors = seen.values().filter(|seen| seen.labels == [true, true]).count();
    let mut purged = Purged { contradictory_vectors, ..Purged::default() };
    for (number, side) in sides.iter().enumerate() {
        let mut keep = Vec::new();
        for i in 0..side.len() {
            let seen = seen.entry(Vector(side.input(i))).or_default();
            if seen.labels == [true, true] {
                purged.contradictory_samples += 1;
                continue;
            }
            match seen.side {
                Some(earlier) if earlier != number => purged.crossing += 1,
                Some(_) if !repeats[number] => purged.repeated += 1,
                _ => {
                    seen.side = Some(number);
                    keep.push(i);
                }
            }
        }
        purged.keep.push(keep);
    }
    purged
}

/// Which labels a vector carries, and the first side that keeps it.
#[derive(Default)]
struct Seen {
    labels: [bool; 2],
    side: Option<usize>,
}

/// A feature vector as a key.
struct Vector<'a>(&'a [f32]);

/// The bits that stand for a value: +0 for both zeros.
fn bits(value: f32) -> u32 {
    (value + 0.0).to_bits()
}

impl Hash for Vector<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for &value in self.0 {
            state.write_u32(bits(value));
        }
    }
}

impl PartialEq for Vector<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|&x| bits(x)).eq(other.0.iter().map(|&x| bits(x)))
    }
}

impl Eq for Vector<'_> {}

/// Draws a part of `shares[k]` of each class for every k, the rest of the class for the last part.
///
/// Each part is in random order. The draw depends on the labels and the seed alone (ChaCha8 and the shuffle below, so
/// that no library update changes it).
pub fn stratified(sensitive: &[bool], shares: &[f64], seed: u64) -> Vec<Vec<usize>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut parts = vec![Vec::new(); shares.len() + 1];
    for class in [false, true] {
        let mut members: Vec<usize> = (0..sensitive.len()).filter(|&i| sensitive[i] == class).collect();
        shuffle(&mut members, &mut random);
        let count = members.len() as f64;
        let mut rest = members.as_slice();
        for (part, share) in parts.iter_mut().zip(shares) {
            let (taken, left) = rest.split_at(((count * share).round() as usize).min(rest.len()));
            part.extend_from_slice(taken);
            rest = left;
        }
        parts[shares.len()].extend_from_slice(rest);
    }
    for part in &mut parts {
        shuffle(part, &mut random);
    }
    parts
}

/// Fisher–Yates.
fn shuffle(items: &mut [usize], random: &mut ChaCha8Rng) {
    for i in (1..items.len()).rev() {
        // The high half of a 128-bit product is below i + 1 and uniform up to 2⁻⁶⁴ (i + 1).
        let j = (u128::from(random.next_u64()) * (i as u128 + 1)) >> 64;
        items.swap(i, j as usize);
    }
}
