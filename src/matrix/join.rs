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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_joined_in_turn() {
        let (a, b) = ([1, 2, 3, 4], [5, 6]);
        assert_eq!(joined(&[&a, &b], 1), [1, 2, 3, 4, 5, 6]);
        assert_eq!(joined(&[&a, &b], 2), [1, 2, 5, 3, 4, 6]);
    }
}
