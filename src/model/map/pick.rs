//! Entries taken from their places.

use crate::matrix::Scalar;

/// Every entry of y is one of x, or 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// Number of entries of y.
    rows: usize,
    /// The first one that `from` speaks of; all others are 0.
    start: usize,
    /// Per entry of y the entry of x; `None` for 0.
    from: Vec<Option<usize>>,
    /// Number of entries of x.
    cols: usize,
}

impl Pick {
    /// One entry of `cols` per row, or 0.
    pub fn new(from: Vec<Option<usize>>, cols: usize) -> Pick {
        Pick { rows: from.len(), start: 0, from, cols }
    }

    /// Number of entries of y.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of entries of x.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The entry of x that row `row` is.
    pub fn at(&self, row: usize) -> Option<usize> {
        row.checked_sub(self.start).and_then(|i| self.from.get(i).copied().flatten())
    }

    /// (row, column) of all rows that are not 0, in rising order.
    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.from.iter().enumerate().filter_map(|(i, from)| Some((self.start + i, (*from)?)))
    }

    /// The rows outside of which all are 0.
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.from.len()
    }

    /// Adds the picked entries, for every sample of a batch.
    pub(super) fn add_forward<T: Scalar>(&self, out: &mut [T], x: &[T]) {
        for (out, x) in out.chunks_exact_mut(self.rows).zip(x.chunks_exact(self.cols)) {
            self.places().for_each(|(row, col)| out[row] += x[col]);
        }
    }

    /// Adds every row to the entry that it is, for every sample of a batch.
    pub(super) fn add_transposed<T: Scalar>(&self, out: &mut [T], v: &[T]) {
        for (out, v) in out.chunks_exact_mut(self.cols).zip(v.chunks_exact(self.rows)) {
            self.places().for_each(|(row, col)| out[col] += v[row]);
        }
    }

    /// How often the entry is taken that is taken most often; 0 where none is taken twice, so that the transpose adds
    /// nothing up.
    pub(super) fn most_often(&self) -> usize {
        let mut counts = vec![0; self.cols];
        self.places().for_each(|(_, col)| counts[col] += 1);
        counts.into_iter().max().filter(|&most| most > 1).unwrap_or(0)
    }
}

/// For every input of a concatenation the map that puts its entries in their places: `outer` blocks, each the inputs'
/// blocks in turn.
pub fn concatenation(outer: usize, sizes: &[usize]) -> Vec<Pick> {
    let block = sizes.iter().map(|size| size / outer).sum::<usize>();
    let mut start = 0;
    let pick = |&cols: &usize| {
        let width = cols / outer;
        let span = (outer - 1) * block + width;
        let from = (0..span).map(|i| (i % block < width).then_some(i / block * width + i % block)).collect();
        start += width;
        Pick { rows: outer * block, start: start - width, from, cols }
    };
    sizes.iter().map(pick).collect()
}

/// Number of blocks of the concatenation that puts these entries in their places, where they are one.
pub fn blocks(picks: &[&Pick]) -> Option<usize> {
    let first = picks.first()?;
    let width = first.from.iter().take_while(|from| from.is_some()).count();
    let outer = first.cols.checked_div(width)?;
    let sizes: Vec<usize> = picks.iter().map(|pick| pick.cols).collect();
    let fits = outer > 0 && sizes.iter().all(|size| *size > 0 && size.is_multiple_of(outer));
    (fits && concatenation(outer, &sizes).iter().zip(picks).all(|(own, pick)| own == *pick)).then_some(outer)
}
