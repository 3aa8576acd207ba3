//! Linear operators: what a map is, is said by [`Map::entries`]; everything else is a faster way to the same sums, or a
//! bound of what floats make of them.

mod dense;
mod diagonal;
pub(crate) mod errors;
mod pick;
mod windows;

pub use dense::Matrix;
pub use diagonal::Diagonal;
pub use pick::{Pick, blocks, concatenation};
pub use windows::{Axis, Covered, Windows};

use crate::matrix::{Scalar, matrix_vector, sparse_product, update};
use crate::rounding::max_abs;
use num_rational::BigRational;
use std::ops::Range;
use std::sync::OnceLock;

/// What a map's products reuse: filled when it is asked for, and no part of what the map is.
#[derive(Debug)]
struct Kept<T>(OnceLock<T>);

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(OnceLock::new())
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Kept<T> {
        Kept::default()
    }
}

impl<T> PartialEq for Kept<T> {
    fn eq(&self, _: &Kept<T>) -> bool {
        true
    }
}

/// y = M·x, for vectors flattened row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Map {
    /// y = x, of so many entries.
    Identity(usize),
    /// Every entry times a constant, or divided by it.
    Diagonal(Diagonal),
    /// Every entry of y is one of x, or 0.
    Pick(Pick),
    /// A matrix.
    Dense(Matrix),
    /// A convolution.
    Windows(Windows),
}

/// An entry of a map: a float, or one over a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// The float; it has the weight's sign.
    pub value: f64,
    /// Whether the weight is 1/value.
    pub divides: bool,
}

impl Weight {
    const ONE: Weight = Weight { value: 1.0, divides: false };

    /// The exact number.
    pub fn exact(self) -> BigRational {
        let value = BigRational::from_float(self.value).expect("constants of a graph are finite");
        if self.divides { value.recip() } else { value }
    }

    /// An upper bound of the absolute value.
    pub fn size(self) -> f64 {
        if self.divides { (1.0 / self.value.abs()).next_up() } else { self.value.abs() }
    }
}

impl From<f32> for Weight {
    fn from(value: f32) -> Weight {
        Weight { value: value.into(), divides: false }
    }
}

/// The entries of a row.
pub enum Entries<'a> {
    /// At most one.
    One(std::option::IntoIter<(usize, Weight)>),
    /// One per column.
    Row(std::iter::Enumerate<std::slice::Iter<'a, f32>>),
    /// What a window covers.
    Window(Covered<'a>),
}

impl Iterator for Entries<'_> {
    type Item = (usize, Weight);

    #[inline]
    fn next(&mut self) -> Option<(usize, Weight)> {
        match self {
            Entries::One(entry) => entry.next(),
            Entries::Row(row) => row.next().map(|(col, &w)| (col, w.into())),
            Entries::Window(window) => window.next().map(|(col, w)| (col, w.into())),
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, (usize, Weight)) -> B>(self, start: B, mut f: F) -> B {
        match self {
            Entries::One(entry) => entry.fold(start, f),
            Entries::Row(row) => row.fold(start, |sum, (col, &w)| f(sum, (col, w.into()))),
            Entries::Window(window) => window.fold(start, |sum, (col, w)| f(sum, (col, w.into()))),
        }
    }
}

/// Vectors with fewer entries other than 0 than one in so many are multiplied entry by entry.
const SPARSE: usize = 8;

impl Map {
    /// Number of entries of y.
    pub fn rows(&self) -> usize {
        match self {
            Map::Identity(size) => *size,
            Map::Diagonal(diagonal) => diagonal.factors.len(),
            Map::Pick(pick) => pick.rows(),
            Map::Dense(matrix) => matrix.rows,
            Map::Windows(windows) => windows.rows(),
        }
    }

    /// Number of entries of x.
    pub fn cols(&self) -> usize {
        match self {
            Map::Identity(size) => *size,
            Map::Diagonal(diagonal) => diagonal.factors.len(),
            Map::Pick(pick) => pick.cols(),
            Map::Dense(matrix) => matrix.cols,
            Map::Windows(windows) => windows.cols(),
        }
    }

    /// Number of stored constants.
    pub fn constants(&self) -> usize {
        match self {
            Map::Identity(_) | Map::Pick(_) => 0,
            Map::Diagonal(diagonal) => diagonal.factors.len(),
            Map::Dense(matrix) => matrix.weight.len(),
            Map::Windows(windows) => windows.weight.len(),
        }
    }

    /// Whether every entry of y is an entry of x or 0, so that nothing is rounded.
    pub fn is_exact(&self) -> bool {
        matches!(self, Map::Identity(_) | Map::Pick(_))
    }

    /// (column, weight) of one row; each column at most once, all others are 0.
    pub fn entries(&self, row: usize) -> Entries<'_> {
        match self {
            Map::Identity(_) => Entries::One(Some((row, Weight::ONE)).into_iter()),
            Map::Diagonal(diagonal) => Entries::One(Some((row, diagonal.weight(row))).into_iter()),
            Map::Pick(pick) => Entries::One(pick.at(row).map(|col| (col, Weight::ONE)).into_iter()),
            Map::Dense(matrix) => Entries::Row(matrix.row(row).iter().enumerate()),
            Map::Windows(windows) => Entries::Window(windows.entries(row)),
        }
    }

    /// The rows outside of which nothing stands.
    pub fn range(&self) -> Range<usize> {
        match self {
            Map::Pick(pick) => pick.range(),
            _ => 0..self.rows(),
        }
    }

    /// Calls `each` with (row, column) of all rows that are an entry of x, where every other row is 0; `None` where that
    /// is not what the map does.
    #[inline]
    pub fn each_place(&self, mut each: impl FnMut(usize, usize)) -> Option<()> {
        match self {
            Map::Identity(size) => (0..*size).for_each(|i| each(i, i)),
            Map::Pick(pick) => pick.places().for_each(|(row, col)| each(row, col)),
            _ => return None,
        }
        Some(())
    }

    /// M·x for every sample of a batch.
    pub fn forward<T: Scalar>(&self, x: &[T], batch: usize) -> Vec<T> {
        match self {
            Map::Identity(_) => x.to_vec(),
            Map::Diagonal(diagonal) => diagonal.times(x),
            Map::Pick(pick) => {
                let mut all = vec![T::ZERO; batch * pick.rows()];
                pick.add_forward(&mut all, x);
                all
            }
            Map::Dense(matrix) => matrix.forward(x, batch),
            Map::Windows(windows) => {
                let mut all = vec![T::ZERO; batch * windows.rows()];
                windows.add_forward(&mut all, x, false);
                all
            }
        }
    }

    /// Adds M·x for every sample of a batch.
    pub fn add_forward<T: Scalar>(&self, out: &mut [T], x: &[T], batch: usize) {
        let add = |out: &mut [T], x: &[T]| update(out, x, |a, b| a + b);
        match self {
            Map::Identity(_) => add(out, x),
            Map::Pick(pick) => pick.add_forward(out, x),
            Map::Windows(windows) => windows.add_forward(out, x, false),
            other => add(out, &other.forward(x, batch)),
        }
    }

    /// M·x for one sample, by the entries of `x` alone where few are not 0.
    pub fn sparse_forward(&self, x: &[f64]) -> Vec<f64> {
        let Map::Dense(matrix) = self else { return self.forward(x, 1) };
        let mut out = vec![0.0; matrix.rows];
        let entries: Vec<(usize, f64)> = x.iter().copied().enumerate().filter(|(_, v)| *v != 0.0).collect();
        if entries.len() * SPARSE < x.len() {
            sparse_product(&mut out, &matrix.weight, x.len(), &entries);
        } else if !x.is_empty() {
            matrix_vector(&mut out, &matrix.weight, x);
        }
        out
    }

    /// Mᵀ·v for every sample of a batch.
    pub fn transposed<T: Scalar>(&self, v: &[T], batch: usize) -> Vec<T> {
        match self {
            Map::Identity(_) => return v.to_vec(),
            Map::Diagonal(diagonal) => return diagonal.times(v),
            _ => {}
        }
        let mut all = vec![T::ZERO; batch * self.cols()];
        self.add_transposed(&mut all, v, batch);
        all
    }

    /// Adds Mᵀ·v for every sample of a batch.
    pub fn add_transposed<T: Scalar>(&self, out: &mut [T], v: &[T], batch: usize) {
        let add = |out: &mut [T], v: &[T]| update(out, v, |a, b| a + b);
        match self {
            Map::Identity(_) => add(out, v),
            Map::Diagonal(diagonal) => add(out, &diagonal.times(v)),
            Map::Dense(matrix) => matrix.add_transposed(out, v, batch),
            Map::Pick(pick) => pick.add_transposed(out, v),
            Map::Windows(windows) => windows.add_transposed(out, v, false),
        }
    }

    /// |M|·x in plain floats, for every sample of a batch.
    pub fn sizes(&self, x: &[f64]) -> Vec<f64> {
        if let Map::Windows(windows) = self {
            let mut all = vec![0.0; x.len() / windows.cols() * windows.rows()];
            windows.add_forward(&mut all, x, true);
            return all;
        }
        let row = |x: &[f64], row: usize| self.entries(row).map(|(col, w)| w.size() * x[col]).sum();
        x.chunks_exact(self.cols().max(1)).flat_map(|x| (0..self.rows()).map(move |i| row(x, i))).collect()
    }

    /// |M|ᵀ·v in plain floats.
    pub fn transposed_sizes(&self, v: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.cols()];
        if let Map::Windows(windows) = self {
            windows.add_transposed(&mut all, v, true);
            return all;
        }
        for (row, &v) in v.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            self.entries(row).for_each(|(col, w)| all[col] += w.size() * v);
        }
        all
    }

    /// The most products that an entry of M·x is the sum of; 0 where nothing is rounded.
    pub fn terms(&self) -> usize {
        match self {
            Map::Identity(_) | Map::Pick(_) => 0,
            Map::Diagonal(_) => 1,
            Map::Dense(matrix) => matrix.cols,
            Map::Windows(windows) => windows.cells(),
        }
    }

    /// The most roundings on such a product's way into its entry.
    pub fn roundings(&self) -> usize {
        match self {
            Map::Windows(windows) => windows.roundings(),
            other => other.terms(),
        }
    }

    /// The same for Mᵀ·v, with those of adding up.
    pub fn transposed_roundings(&self) -> usize {
        match self {
            Map::Identity(_) => 0,
            Map::Diagonal(_) => 1,
            Map::Pick(pick) => pick.most_often(),
            Map::Dense(matrix) => matrix.rows,
            Map::Windows(windows) => windows.transposed_roundings(),
        }
    }

    /// Whether no weight is below 0, and none so small or large that products with other plain numbers vanish or overflow.
    pub(in crate::model) fn is_plain(&self) -> bool {
        match self {
            Map::Identity(_) | Map::Pick(_) => true,
            Map::Diagonal(diagonal) => errors::plain(&diagonal.factors),
            Map::Dense(matrix) => matrix.is_nonnegative(),
            Map::Windows(windows) => windows.bounds().is_nonnegative,
        }
    }

    /// An upper bound of the largest entry of |M|·x where no entry of x is above 1.
    pub(in crate::model) fn gain(&self) -> f64 {
        match self {
            Map::Identity(_) | Map::Pick(_) => 1.0,
            Map::Diagonal(Diagonal { factors, divides: false }) => max_abs(factors),
            Map::Diagonal(diagonal) => diagonal.weights().fold(0.0, |most, c| c.size().max(most)),
            Map::Dense(matrix) => matrix.gain(),
            Map::Windows(windows) => windows.bounds().gain,
        }
    }

    /// M as the sum of two maps without weights below 0 and above 0; `None` where that is no map.
    pub fn by_sign(&self) -> Option<[Map; 2]> {
        let (up, down) = (|w: f64| w.max(0.0), |w: f64| w.min(0.0));
        match self {
            Map::Identity(_) | Map::Pick(_) => None,
            Map::Diagonal(Diagonal { divides: true, .. }) => None,
            Map::Diagonal(diagonal) => Some([up, down].map(|part: fn(f64) -> f64| {
                let factors = diagonal.factors.iter().map(|&c| part(c)).collect();
                Map::Diagonal(Diagonal { factors, divides: false })
            })),
            Map::Dense(Matrix { rows, cols, weight, .. }) => Some([up, down].map(|part: fn(f64) -> f64| {
                let weight = weight.iter().map(|&w| part(w.into()) as f32).collect();
                Map::Dense(Matrix::new(*rows, *cols, weight))
            })),
            Map::Windows(windows) => Some([up, down].map(|part: fn(f64) -> f64| {
                let weight = windows.weight.iter().map(|&w| part(w.into()) as f32).collect();
                Map::Windows(windows.with(weight))
            })),
        }
    }

    /// 1 where no weight is below 0, else −1 where none is above 0; `None` where there are both.
    pub fn sign(&self) -> Option<f64> {
        let all = |fits: fn(f64) -> bool| match self {
            Map::Identity(_) | Map::Pick(_) => fits(1.0),
            Map::Diagonal(diagonal) => diagonal.factors.iter().all(|&c| fits(c)),
            Map::Dense(matrix) => matrix.weight.iter().all(|&w| fits(w.into())),
            Map::Windows(windows) => windows.weight.iter().all(|&w| fits(w.into())),
        };
        if all(|w| w >= 0.0) {
            Some(1.0)
        } else if all(|w| w <= 0.0) {
            Some(-1.0)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
