//! Damaged certificates: what the kernel accepts must be proven, and the rest refused.

use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use underplane_kernel::Rejection;

/// What was damaged, whether the claim is proven all the same, and the kernel's verdict.
pub type Mutant = (&'static str, bool, Result<(), Rejection>);

/// Every one of `kinds` kinds of damage must lead to refusals, and no mutant may be judged wrongly.
pub fn none_survives(seeds: Range<u64>, kinds: usize, mutants: impl Fn(u64) -> Vec<Mutant> + Sync) {
    let mut total: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (seed, mutants) in seeds.into_par_iter().map(|seed| (seed, mutants(seed))).collect::<Vec<_>>() {
        for (what, proven, verdict) in mutants {
            assert_eq!(verdict.is_ok(), proven, "seed {seed}, {what}: {verdict:?}");
            let count = total.entry(what).or_default();
            if proven { count.0 += 1 } else { count.1 += 1 }
        }
    }
    for (what, (proven, refused)) in &total {
        assert!(*refused > 0, "{what}: {proven} still proven, none refused: it tests nothing");
    }
    assert_eq!(total.len(), kinds, "{total:?}");
}
