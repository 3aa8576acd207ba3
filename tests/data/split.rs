//! Purging and drawing: what may not stand on two sides of a split, and how classes are shared out.

use proptest::prelude::*;
use underplane::data::Dataset;
use underplane::data::split::{Purged, purge, stratified};

fn dataset(rows: &[(u8, u8, bool)]) -> Dataset {
    Dataset {
        shape: vec![2],
        // Both zeros occur, and must count as one.
        inputs: rows
            .iter()
            .flat_map(|&(a, b, _)| [f32::from(a), if b == 0 { -0.0 } else { f32::from(b) - 1.0 }])
            .collect(),
        sensitive: rows.iter().map(|row| row.2).collect(),
    }
}

/// [`purge`] by comparing every pair.
fn naive_purge(sides: &[&Dataset], repeats: &[bool]) -> Purged {
    let all: Vec<(usize, usize)> = (0..sides.len()).flat_map(|s| (0..sides[s].len()).map(move |i| (s, i))).collect();
    let vector = |(s, i): (usize, usize)| sides[s].input(i);
    let label = |(s, i): (usize, usize)| sides[s].sensitive[i];
    let torn = |x| all.iter().any(|&y| vector(x) == vector(y) && label(x) != label(y));
    let mut purged = Purged { keep: vec![vec![]; sides.len()], ..Purged::default() };
    let mut kept: Vec<(usize, usize)> = vec![];
    let mut torn_vectors: Vec<&[f32]> = vec![];
    for &x in &all {
        let twin = kept.iter().find(|&&y| vector(x) == vector(y));
        if torn(x) {
            purged.contradictory_samples += 1;
            if !torn_vectors.contains(&vector(x)) {
                torn_vectors.push(vector(x));
            }
        } else if twin.is_some_and(|y| y.0 != x.0) {
            purged.crossing += 1;
        } else if twin.is_some() && !repeats[x.0] {
            purged.repeated += 1;
        } else {
            kept.push(x);
            purged.keep[x.0].push(x.1);
        }
    }
    purged.contradictory_vectors = torn_vectors.len();
    purged
}

fn rows() -> impl Strategy<Value = Vec<(u8, u8, bool)>> {
    prop::collection::vec((0u8..3, 0u8..4, prop::bool::weighted(0.2)), 0..15)
}

proptest! {
    #[test]
    fn purge_agrees_with_its_naive_twin(a in rows(), b in rows(), c in rows(), repeats in prop::array::uniform3(any::<bool>())) {
        let (a, b, c) = (dataset(&a), dataset(&b), dataset(&c));
        prop_assert_eq!(purge(&[&a, &b, &c], &repeats), naive_purge(&[&a, &b, &c], &repeats));
    }

    #[test]
    fn draws_share_out_every_class(sensitive in prop::collection::vec(any::<bool>(), 0..200), seed in any::<u64>()) {
        let parts = stratified(&sensitive, &[0.2, 0.1], seed);
        let mut all: Vec<usize> = parts.concat();
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(0..sensitive.len()));
        for class in [false, true] {
            let count = |part: &[usize]| part.iter().filter(|&&i| sensitive[i] == class).count() as f64;
            let members = sensitive.iter().filter(|&&s| s == class).count() as f64;
            prop_assert!((count(&parts[0]) - 0.2 * members).abs() <= 0.5);
            prop_assert!((count(&parts[1]) - 0.1 * members).abs() <= 0.5);
        }
        prop_assert_eq!(parts, stratified(&sensitive, &[0.2, 0.1], seed));
    }
}
