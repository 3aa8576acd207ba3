//! Convolutions: one window's weights at every place of it.

mod bounds;
mod covered;
mod path;

use super::Kept;
use crate::matrix::{Scalar, Shifted};
use bounds::Bounds;
pub use covered::Covered;
use path::Path;
use std::ops::Range;

/// How the window moves along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Size of the input.
    pub input: usize,
    /// Number of places of the window.
    pub output: usize,
    /// Number of its cells.
    pub cells: usize,
    /// From one place to the next.
    pub stride: usize,
    /// From one cell to the next.
    pub dilation: usize,
    /// Zeros before the first entry.
    pub before: usize,
}

impl Axis {
    /// One cell over one entry.
    pub const POINT: Axis = Axis { input: 1, output: 1, cells: 1, stride: 1, dilation: 1, before: 0 };

    /// With `after` zeros behind the last entry; `None` where the window has no place, or a number is 0.
    pub fn new(
        input: usize,
        cells: usize,
        stride: usize,
        dilation: usize,
        before: usize,
        after: usize,
    ) -> Option<Axis> {
        if [input, cells, stride, dilation].contains(&0) {
            return None;
        }
        let width = (cells - 1).checked_mul(dilation)?.checked_add(1)?;
        let room = before.checked_add(input)?.checked_add(after)?.checked_sub(width)?;
        Some(Axis { input, output: room / stride + 1, cells, stride, dilation, before })
    }

    /// The cells at a place that lie over entries.
    pub fn inside(&self, place: usize) -> Range<usize> {
        let start = place * self.stride;
        let first = self.before.saturating_sub(start).div_ceil(self.dilation).min(self.cells);
        let behind = (self.before + self.input).saturating_sub(start).div_ceil(self.dilation).min(self.cells);
        first..behind.max(first)
    }

    /// The entry under a cell at a place, or under the nearest cell of the same window that lies over one.
    pub fn nearest(&self, place: usize, cell: usize) -> usize {
        let inside = self.inside(place);
        place * self.stride + cell.clamp(inside.start, inside.end - 1) * self.dilation - self.before
    }
}

/// From `[groups·inputs, axes…]` to `[groups·outputs, axes…]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// Groups of channels.
    pub groups: usize,
    /// Channels of the input per group.
    pub inputs: usize,
    /// Channels of the output per group.
    pub outputs: usize,
    /// Of the input; one axis is a second one of size 1.
    pub axes: [Axis; 2],
    /// `[groups·outputs, inputs, cells, cells]`, row-major.
    pub weight: Vec<f32>,
    paths: Kept<Box<[Path; 2]>>,
    bounds: Kept<Box<Bounds>>,
}

impl Windows {
    /// From all that is told of it.
    pub fn new(groups: usize, [inputs, outputs]: [usize; 2], axes: [Axis; 2], weight: Vec<f32>) -> Windows {
        let (paths, bounds) = Default::default();
        Windows { groups, inputs, outputs, axes, weight, paths, bounds }
    }

    /// The same moves with other weights.
    pub(super) fn with(&self, weight: Vec<f32>) -> Windows {
        Windows::new(self.groups, [self.inputs, self.outputs], self.axes, weight)
    }

    /// Number of the output's entries.
    pub fn rows(&self) -> usize {
        self.groups * self.outputs * self.places()
    }

    /// Number of the input's entries.
    pub fn cols(&self) -> usize {
        self.groups * self.inputs * self.axes[0].input * self.axes[1].input
    }

    /// Number of a window's cells, over all channels of a group.
    pub fn cells(&self) -> usize {
        self.inputs * self.axes[0].cells * self.axes[1].cells
    }

    fn places(&self) -> usize {
        self.axes[0].output * self.axes[1].output
    }

    /// (column, weight) of one row.
    pub(super) fn entries(&self, row: usize) -> Covered<'_> {
        Covered::new(self, row)
    }

    fn paths(&self) -> &[Path; 2] {
        self.paths.0.get_or_init(|| Box::new([Path::forward(self), Path::back(self)]))
    }

    /// Adds M·x, or |M|·x, for every sample of a batch.
    pub(crate) fn add_forward<T: Scalar>(&self, out: &mut [T], x: &[T], absolute: bool) {
        self.paths()[0].add(out, x, absolute);
    }

    /// Adds Mᵀ·v, or |M|ᵀ·v, for every sample of a batch.
    pub(crate) fn add_transposed<T: Scalar>(&self, out: &mut [T], v: &[T], absolute: bool) {
        self.paths()[1].add(out, v, absolute);
    }

    /// Adds Σ v⊗x over the samples of a batch to the gradient of the weights, `[groups·outputs, inputs, cells, cells]`.
    pub(crate) fn add_weight_gradient<T: Scalar>(&self, out: &mut [T], v: &[T], x: &[T]) {
        self.paths()[0].add_weight_gradient(out, v, x);
    }

    /// Quick bounds.
    pub(in crate::model) fn bounds(&self) -> &Bounds {
        self.bounds.0.get_or_init(|| Box::new(Bounds::new(self)))
    }

    /// Number of roundings on a product's way into an entry of M·x.
    pub(super) fn roundings(&self) -> usize {
        Shifted::roundings(self.cells())
    }

    /// The same for Mᵀ·v.
    pub(super) fn transposed_roundings(&self) -> usize {
        Shifted::roundings(self.outputs * self.axes[0].cells * self.axes[1].cells)
    }
}
