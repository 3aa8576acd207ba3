//! Entries that are multiplied or divided by a constant each.

use crate::matrix::{Scalar, update};

/// y_i = c_i·x_i, or x_i/c_i.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagonal {
    /// The c_i; none is 0 where they divide.
    pub factors: Vec<f64>,
    /// Whether they divide: 1/c_i is seldom a float.
    pub divides: bool,
}

impl Diagonal {
    /// The product with a batch of vectors.
    pub(super) fn times<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        let mut all = x.to_vec();
        for all in all.chunks_exact_mut(self.factors.len().max(1)) {
            match self.divides {
                true => update(all, &self.factors, |x, c| x / T::of(c)),
                false => update(all, &self.factors, |x, c| x * T::of(c)),
            }
        }
        all
    }

    /// The weights, in order.
    pub fn weights(&self) -> impl Iterator<Item = super::Weight> {
        self.factors.iter().map(|&value| super::Weight { value, divides: self.divides })
    }

    /// The weight of an entry.
    pub(super) fn weight(&self, i: usize) -> super::Weight {
        super::Weight { value: self.factors[i], divides: self.divides }
    }
}
