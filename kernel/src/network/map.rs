//! Linear operators. What a map is, is said by its entries alone; everything else is a loop over them, or a faster way
//! to the same sums.

use crate::budget;
use crate::network::windows::Windows;
use crate::number::exact::{Exact, Float, same_length};
use crate::number::product::{Factors, Run};
use crate::rejection::Rejection;
use dashu_int::{IBig, UBig};
use std::ops::Range;

/// A matrix, with zeros in all rows outside of `rows`.
#[derive(Clone, Debug)]
pub enum Map {
    /// Row `start` + i is entry `from[i]` of `cols`, or 0.
    Pick {
        /// The first row.
        start: usize,
        /// One entry per row.
        from: Vec<Option<usize>>,
        /// Number of entries to pick from.
        cols: usize,
    },
    /// Row i is entry i of `size`, times factor i or the only one.
    Diagonal {
        /// Rows and columns.
        size: usize,
        /// As many, or one.
        factors: Exact,
    },
    /// Any weights `[rows × cols]`, row-major.
    Dense {
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
        /// The weights.
        weights: Factors,
    },
    /// One window's weights at every place of it.
    Windows {
        /// Where the places are.
        windows: Windows,
        /// The weights.
        weights: Factors,
    },
}

impl Map {
    /// Every entry times `factor`.
    pub fn multiple(size: usize, factor: Float) -> Map {
        Map::Diagonal { size, factors: Exact::dyadics(&[factor]) }
    }

    /// The rows in which anything stands.
    pub fn rows(&self) -> Range<usize> {
        match self {
            Map::Pick { start, from, .. } => *start..start + from.len(),
            Map::Diagonal { size, .. } => 0..*size,
            Map::Dense { rows, .. } => 0..*rows,
            Map::Windows { windows, .. } => 0..windows.rows(),
        }
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        match self {
            Map::Pick { cols, .. } | Map::Dense { cols, .. } => *cols,
            Map::Diagonal { size, .. } => *size,
            Map::Windows { windows, .. } => windows.cols(),
        }
    }

    /// Products that a multiplication takes; nothing where that is no 64-bit number.
    pub fn work(&self) -> Option<u64> {
        let per_row = match self {
            Map::Dense { cols, .. } => *cols as u64,
            Map::Windows { windows, .. } => windows.cells()?,
            Map::Pick { .. } | Map::Diagonal { .. } => 1,
        };
        (self.rows().len() as u64).checked_mul(per_row)
    }

    /// Whether every number that the entries speak of is there.
    pub fn is_whole(&self) -> bool {
        match self {
            Map::Pick { from, cols, .. } => from.iter().flatten().all(|col| col < cols),
            Map::Diagonal { size, factors } => factors.len() == 1 || factors.len() == *size,
            Map::Dense { rows, cols, weights } => rows.checked_mul(*cols) == Some(weights.len()),
            Map::Windows { windows, weights } => windows.weights() == Some(weights.len()),
        }
    }

    /// The columns of one row with their weights, which are multiples of `scale`; all others are 0.
    pub fn entries(&self, row: usize) -> Box<dyn Iterator<Item = (usize, IBig)> + '_> {
        match self {
            Map::Pick { start, from, .. } => {
                let from = row.checked_sub(*start).and_then(|i| from.get(i).copied().flatten());
                Box::new(from.into_iter().map(|col| (col, IBig::ONE)))
            }
            Map::Diagonal { factors, .. } => {
                let at = if factors.len() == 1 { 0 } else { row };
                Box::new(std::iter::once((row, factors.values[at].clone())))
            }
            Map::Dense { cols, weights, .. } => Box::new(dense(row, *cols).flat_map(|run| weights.entries(run))),
            Map::Windows { windows, weights } => Box::new(windows.runs(row).flat_map(|run| weights.entries(run))),
        }
    }

    /// 2^exponent / denominator.
    fn scale(&self) -> (i64, UBig) {
        match self {
            Map::Pick { .. } => (0, UBig::ONE),
            Map::Diagonal { factors, .. } => (factors.exponent, factors.denominator.clone()),
            Map::Dense { weights, .. } | Map::Windows { weights, .. } => (weights.exponent(), UBig::ONE),
        }
    }

    /// `rows` of the product with `v`, which has `cols` entries.
    pub fn forward(&self, v: &Exact) -> Result<Exact, Rejection> {
        same_length(self.cols(), v.len())?;
        match self {
            Map::Diagonal { factors, .. } => v.times(factors),
            Map::Dense { rows, cols, weights } => weights.forward(v, *rows, |row| dense(row, *cols)),
            Map::Windows { windows, weights } => weights.forward(v, windows.rows(), |row| windows.runs(row)),
            Map::Pick { .. } => self.forward_by_entries(v),
        }
    }

    /// The transpose's product with `v`, which has an entry for all rows up to the last one of `rows`.
    pub fn backward(&self, v: &Exact) -> Result<Exact, Rejection> {
        match self {
            Map::Diagonal { factors, size } => {
                same_length(*size, v.len())?;
                v.times(factors)
            }
            Map::Dense { rows, cols, weights } => {
                same_length(*rows, v.len())?;
                weights.backward(v, *cols, |row| dense(row, *cols))
            }
            Map::Windows { windows, weights } => {
                same_length(windows.rows(), v.len())?;
                weights.backward(v, windows.cols(), |row| windows.runs(row))
            }
            Map::Pick { .. } => self.backward_by_entries(v),
        }
    }

    pub(super) fn forward_by_entries(&self, v: &Exact) -> Result<Exact, Rejection> {
        let entry = |row| self.entries(row).map(|(col, weight)| weight * &v.values[col]).sum();
        self.scaled(v, self.rows().map(entry).collect())
    }

    pub(super) fn backward_by_entries(&self, v: &Exact) -> Result<Exact, Rejection> {
        let mut values = vec![IBig::ZERO; self.cols()];
        for row in self.rows() {
            self.entries(row).for_each(|(col, weight)| values[col] += weight * &v.values[row]);
        }
        self.scaled(v, values)
    }

    fn scaled(&self, v: &Exact, values: Vec<IBig>) -> Result<Exact, Rejection> {
        let (exponent, denominator) = self.scale();
        let product = v.with(values).scaled(exponent, &denominator)?;
        budget::within("exact arithmetic", "bits", product.bits(), budget::BITS)?;
        product.trimmed()
    }
}

/// A whole row.
fn dense(row: usize, cols: usize) -> impl Iterator<Item = Run> {
    std::iter::once(Run { col: 0, at: row * cols, count: cols })
}
