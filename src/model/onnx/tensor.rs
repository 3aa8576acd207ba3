//! Constants of a model: float tensors with exact values, integer tensors whose entries may be the batch size.

use std::sync::Arc;

/// Float constants, row-major. Kept as `f32` wherever every entry is one, so that large weights are stored once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Dimensions; none for a scalar.
    pub shape: Vec<usize>,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    Single(Arc<Vec<f32>>),
    Double(Arc<Vec<f64>>),
}

impl Tensor {
    /// A tensor of 32-bit floats.
    pub fn single(shape: Vec<usize>, values: Vec<f32>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Tensor { shape, values: Values::Single(Arc::new(values)) }
    }

    /// A tensor of floats that need 64 bits only if one of them does.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Self {
        if values.iter().all(|&v| fits(v)) {
            return Tensor::single(shape, values.into_iter().map(|v| v as f32).collect());
        }
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Tensor { shape, values: Values::Double(Arc::new(values)) }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Single(values) => values.len(),
            Values::Double(values) => values.len(),
        }
    }

    /// One entry, exactly.
    pub fn get(&self, index: usize) -> f64 {
        match &self.values {
            Values::Single(values) => f64::from(values[index]),
            Values::Double(values) => values[index],
        }
    }

    /// All entries, exactly.
    pub fn iter(&self) -> impl Iterator<Item = f64> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// All entries as `f32`, when each one is.
    pub fn as_single(&self) -> Option<&Arc<Vec<f32>>> {
        match &self.values {
            Values::Single(values) => Some(values),
            Values::Double(_) => None,
        }
    }

    /// The same entries under another shape.
    pub fn reshaped(&self, shape: Vec<usize>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), self.len());
        Tensor { shape, values: self.values.clone() }
    }

    /// The entries at `indices`, in that order, under `shape`.
    pub fn picked(&self, shape: Vec<usize>, indices: impl Iterator<Item = usize>) -> Self {
        match &self.values {
            Values::Single(values) => Tensor::single(shape, indices.map(|i| values[i]).collect()),
            Values::Double(values) => Tensor::new(shape, indices.map(|i| values[i]).collect()),
        }
    }

    /// Lets go of the entries, not of the shape.
    pub fn forget(&mut self) {
        self.values = Values::Single(Arc::default());
    }

    /// A function of every entry.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Tensor::new(self.shape.clone(), self.iter().map(f).collect())
    }
}

/// Whether the number is a 32-bit float.
pub(super) fn fits(value: f64) -> bool {
    f64::from(value as f32) == value
}

/// An entry of an integer tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dim {
    /// A known number.
    Known(i64),
    /// The size of the batch axis, whatever it is.
    Batch,
}

/// Integer constants, row-major: shapes, axes, indices and the arithmetic on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ints {
    /// Dimensions; none for a scalar.
    pub shape: Vec<usize>,
    /// The entries.
    pub values: Vec<Dim>,
}

impl Ints {
    /// A vector.
    pub fn vector(values: Vec<Dim>) -> Self {
        Ints { shape: vec![values.len()], values }
    }

    /// A vector of known numbers.
    pub fn known_vector(values: impl Iterator<Item = i64>) -> Self {
        Ints::vector(values.map(Dim::Known).collect())
    }

    /// The entries, when none of them is the batch size.
    pub fn known(&self) -> Option<Vec<i64>> {
        self.values
            .iter()
            .map(|dim| match dim {
                Dim::Known(value) => Some(*value),
                Dim::Batch => None,
            })
            .collect()
    }
}

/// The entries that a view reads, in the view's row-major order: entry (i₁, i₂, …) is `offset` + Σ iₖ·`strides[k]`.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    shape: Vec<usize>,
    strides: Vec<isize>,
    position: Vec<usize>,
    index: isize,
    left: usize,
}

impl Walk {
    /// A walk over `shape`.
    pub fn new(shape: &[usize], strides: &[isize], offset: isize) -> Self {
        debug_assert_eq!(shape.len(), strides.len());
        Walk {
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            position: vec![0; shape.len()],
            index: offset,
            left: shape.iter().product(),
        }
    }

    /// A tensor of shape `from` repeated into the shape `to` by numpy's rules (see [`broadcast`]).
    pub fn broadcast(from: &[usize], to: &[usize]) -> Self {
        let mut strides = vec![0; to.len()];
        let lead = to.len() - from.len();
        for (axis, stride) in row_major(from).into_iter().enumerate() {
            if from[axis] != 1 {
                strides[lead + axis] = stride;
            }
        }
        Walk::new(to, &strides, 0)
    }
}

impl Iterator for Walk {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let found = self.index as usize;
        for axis in (0..self.shape.len()).rev() {
            self.position[axis] += 1;
            self.index += self.strides[axis];
            if self.position[axis] < self.shape[axis] {
                break;
            }
            self.index -= self.strides[axis] * self.shape[axis] as isize;
            self.position[axis] = 0;
        }
        Some(found)
    }
}

/// Distance of neighbours along every axis.
pub(super) fn row_major(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// The common shape of two tensors by numpy's rules: aligned at the last axis, 1 stretches.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcast_follows_numpy() {
        assert_eq!(broadcast(&[3, 1], &[4]), Some(vec![3, 4]));
        assert_eq!(broadcast(&[], &[2, 5]), Some(vec![2, 5]));
        assert_eq!(broadcast(&[3], &[4]), None);
        let indices: Vec<usize> = Walk::broadcast(&[2, 1], &[2, 2, 3]).collect();
        assert_eq!(indices, [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn walks_reverse_and_transpose() {
        let transposed: Vec<usize> = Walk::new(&[3, 2], &[1, 3], 0).collect();
        assert_eq!(transposed, [0, 3, 1, 4, 2, 5]);
        let reversed: Vec<usize> = Walk::new(&[3], &[-1], 2).collect();
        assert_eq!(reversed, [2, 1, 0]);
        assert_eq!(Walk::new(&[], &[], 0).collect::<Vec<_>>(), [0]);
        assert_eq!(Walk::new(&[0, 2], &[2, 1], 0).count(), 0);
    }

    #[test]
    fn f32_entries_stay_f32() {
        assert!(Tensor::new(vec![2], vec![0.5, 3.0]).as_single().is_some());
        let wide = Tensor::new(vec![2], vec![0.1, 3.0]);
        assert!(wide.as_single().is_none());
        assert_eq!(wide.get(0), 0.1);
        assert!(wide.picked(vec![1], [1].into_iter()).as_single().is_some());
    }
}
