//! Linear operators. What a map is, is said by its entries alone; everything else is a loop over them, or a faster way
//! to the same sums.

use crate::network::windows::Windows;
use crate::number::exact::{Exact, Float, pairs, same_length};
use crate::number::floats::Floats;
use crate::number::product::Factors;
use crate::rejection::Rejection;
use dashu_int::IBig;
use std::ops::Range;

/// A matrix, with zeros in all rows outside of `rows`.
#[derive(Clone, Debug)]
pub enum Map {
    /// Row `start` + i is factor i, or the only one, times entry `from[i]` of `cols`, or 0.
    Pick { start: usize, from: Vec<Option<usize>>, factors: Exact, cols: usize },
    /// One window's weights at every place of it; where it has a single place, any matrix.
    Windows { windows: Windows, weights: Factors },
}

impl Map {
    /// Row i is entry `from[i]` of `cols`, or 0.
    pub fn pick(from: Vec<Option<usize>>, cols: usize) -> Map {
        Map::Pick { start: 0, from, factors: Exact::dyadics(&[Float::ONE]), cols }
    }

    /// Every entry of `size` times its factor, or the only one.
    pub fn diagonal(size: usize, factors: Exact) -> Map {
        Map::Pick { start: 0, from: (0..size).map(Some).collect(), factors, cols: size }
    }

    /// Every entry times `factor`.
    pub fn multiple(size: usize, factor: Float) -> Map {
        Map::diagonal(size, Exact::dyadics(&[factor]))
    }

    /// Any weights `[rows × cols]`, row-major.
    pub fn dense(rows: usize, cols: usize, weights: Floats) -> Map {
        Map::Windows { windows: Windows::matrix(rows, cols), weights: Factors::new(weights) }
    }

    /// The rows in which anything stands.
    pub fn rows(&self) -> Range<usize> {
        match self {
            Map::Pick { start, from, .. } => *start..start + from.len(),
            Map::Windows { windows, .. } => 0..windows.rows(),
        }
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        match self {
            Map::Pick { cols, .. } => *cols,
            Map::Windows { windows, .. } => windows.cols(),
        }
    }

    /// The factors, or the only one, where every entry stays in its place.
    pub fn factors(&self) -> Option<&Exact> {
        match self {
            Map::Pick { start: 0, from, factors, cols } if from.len() == *cols => {
                from.iter().enumerate().all(|(i, &col)| col == Some(i)).then_some(factors)
            }
            _ => None,
        }
    }

    /// Whether every number that the entries speak of is there.
    pub fn is_whole(&self) -> bool {
        match self {
            Map::Pick { from, factors, cols, .. } => {
                from.iter().flatten().all(|col| col < cols) && (factors.len() == 1 || factors.len() == from.len())
            }
            Map::Windows { windows, weights } => windows.weights() == Some(weights.len()),
        }
    }

    /// The columns of one row with their weights, in the unit of the map's numbers; all others are 0.
    pub fn entries(&self, row: usize) -> Box<dyn Iterator<Item = (usize, IBig)> + '_> {
        match self {
            Map::Pick { start, from, factors, .. } => {
                let at = row.checked_sub(*start).filter(|&i| i < from.len());
                Box::new(at.and_then(|i| Some((from[i]?, factors.at(i).clone()))).into_iter())
            }
            Map::Windows { windows, weights } => Box::new(windows.runs(row).flat_map(|run| weights.entries(run))),
        }
    }

    /// `rows` of the product with `v`, which has `cols` entries.
    pub fn forward(&self, v: &Exact) -> Result<Exact, Rejection> {
        same_length(self.cols(), v.len())?;
        match self {
            Map::Pick { from, factors, .. } => {
                let product = |(i, col): (usize, &Option<usize>)| col.map(|col| factors.at(i) * &v.values[col]);
                let products = from.iter().enumerate().map(|entry| product(entry).unwrap_or(IBig::ZERO));
                v.with(products.collect()).scaled(factors.exponent, &factors.denominator)?.trimmed()
            }
            Map::Windows { windows, weights } => weights.forward(v, windows.rows(), |row| windows.runs(row)),
        }
    }

    /// The transpose's product with `v`, which has an entry for all rows up to the last one of `rows`.
    pub fn backward(&self, v: &Exact) -> Result<Exact, Rejection> {
        match self {
            Map::Pick { from, factors, cols, .. } => {
                let mut sums = vec![IBig::ZERO; *cols];
                for (i, (row, col)) in pairs(self.rows(), from)?.enumerate() {
                    col.iter().for_each(|col| sums[*col] += factors.at(i) * &v.values[row]);
                }
                v.with(sums).scaled(factors.exponent, &factors.denominator)?.trimmed()
            }
            Map::Windows { windows, weights } => {
                same_length(windows.rows(), v.len())?;
                weights.backward(v, windows.cols(), |row| windows.runs(row))
            }
        }
    }
}
