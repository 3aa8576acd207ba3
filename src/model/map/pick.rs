//! Entries taken from their places.

/// Every entry of y is one of x, or 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// Per entry of y the entry of x; `None` for 0.
    pub from: Vec<Option<usize>>,
    /// Number of entries of x.
    pub cols: usize,
}

impl Pick {
    /// How often the entry is taken that is taken most often; 0 where none is taken twice, so that the transpose adds
    /// nothing up.
    pub(super) fn most_often(&self) -> usize {
        let mut counts = vec![0; self.cols];
        self.from.iter().flatten().for_each(|&col| counts[col] += 1);
        counts.into_iter().max().filter(|&most| most > 1).unwrap_or(0)
    }
}
