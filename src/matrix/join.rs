//! Vectors side by side: what a concatenation along an axis does to entries, for whatever an entry is.

/// The entries of `parts` in `blocks` blocks: the first block of every part, then the second one of every part …
///
/// # Panics
/// When a part does not consist of as many equal blocks.
pub(crate) fn joined<T: Clone>(parts: &[&[T]], blocks: usize) -> Vec<T> {
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for block in 0..blocks {
        for part in parts {
            assert!(part.len().is_multiple_of(blocks), "{} entries in {blocks} blocks", part.len());
            let width = part.len() / blocks;
            all.extend_from_slice(&part[block * width..(block + 1) * width]);
        }
    }
    all
}

/// Of the concatenation `all`, the part whose entries follow `before` entries of earlier parts.
///
/// # Panics
/// When `all` does not consist of as many equal blocks.
pub(crate) fn part<T: Clone>(all: &[T], before: usize, size: usize, blocks: usize) -> Vec<T> {
    assert!(all.len().is_multiple_of(blocks), "{} entries in {blocks} blocks", all.len());
    let own = before / blocks..(before + size) / blocks;
    all.chunks_exact(all.len() / blocks).flat_map(|block| &block[own.clone()]).cloned().collect()
}

/// The parts of these sizes of which `all` is the concatenation.
pub(crate) fn parted<T: Clone>(all: &[T], sizes: impl Iterator<Item = usize>, blocks: usize) -> Vec<Vec<T>> {
    let mut before = 0;
    let next = |size: usize| {
        before += size;
        part(all, before - size, size, blocks)
    };
    sizes.map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_what_is_joined_are_what_they_were() {
        let (a, b) = ([1, 2, 3, 4], [5, 6]);
        assert_eq!(joined(&[&a, &b], 1), [1, 2, 3, 4, 5, 6]);
        let all = joined(&[&a, &b], 2);
        assert_eq!(all, [1, 2, 5, 3, 4, 6]);
        assert_eq!(parted(&all, [4, 2].into_iter(), 2), [a.to_vec(), b.to_vec()]);
    }
}
