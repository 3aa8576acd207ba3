//! A window that moves over two axes: the one description of it that convolutions and pools share.

use crate::number::product::Run;
use std::ops::Range;

/// How the window moves along one axis: from one place to the next by `stride`, from one of its cells to the next by
/// `dilation`, over `input` entries and the padding `before` them and behind.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    pub input: usize,
    /// Number of places of the window.
    pub output: usize,
    /// Number of its cells.
    pub cells: usize,
    pub stride: usize,
    pub dilation: usize,
    pub before: usize,
}

impl Axis {
    /// One cell over one entry.
    pub const POINT: Axis = Axis::whole(1);

    /// As many cells as entries, at one place.
    pub const fn whole(input: usize) -> Axis {
        Axis { input, output: 1, cells: input, stride: 1, dilation: 1, before: 0 }
    }

    /// The input's entry under a cell of the window at a place; nothing where that is padding.
    pub fn entry(&self, place: usize, cell: usize) -> Option<usize> {
        let padded = place * self.stride + cell * self.dilation;
        padded.checked_sub(self.before).filter(|&entry| entry < self.input)
    }

    /// The cells at a place that are not in the padding.
    pub fn inside(&self, place: usize) -> Range<usize> {
        let start = place * self.stride;
        let low = self.before.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.before + self.input).saturating_sub(start).div_ceil(self.dilation);
        low..end.min(self.cells)
    }

    /// The entry under a cell at a place, or under the nearest cell of the same window that is not in the padding;
    /// nothing where all of it is.
    pub fn nearest(&self, place: usize, cell: usize) -> Option<usize> {
        let inside = self.inside(place);
        if inside.is_empty() { None } else { self.entry(place, cell.clamp(inside.start, inside.end - 1)) }
    }
}

/// Places and cells of a convolution of `groups` groups of channels, from `[groups·inputs, axes…]` to
/// `[groups·outputs, axes…]` by weights `[groups·outputs, inputs, cells…]`.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    pub groups: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub axes: [Axis; 2],
}

impl Windows {
    /// Every weight `[rows × cols]` of a matrix.
    pub fn matrix(rows: usize, cols: usize) -> Windows {
        Windows { groups: 1, inputs: 1, outputs: rows, axes: [Axis::POINT, Axis::whole(cols)] }
    }

    /// Number of the output's entries.
    pub fn rows(&self) -> usize {
        self.groups * self.outputs * self.axes[0].output * self.axes[1].output
    }

    /// Number of the input's entries.
    pub fn cols(&self) -> usize {
        self.groups * self.inputs * self.axes[0].input * self.axes[1].input
    }

    /// Number of a window's cells over all channels of a group.
    pub fn cells(&self) -> Option<u64> {
        let cells = (self.axes[0].cells as u64).checked_mul(self.axes[1].cells as u64)?;
        cells.checked_mul(self.inputs as u64)
    }

    /// Number of all weights.
    pub fn weights(&self) -> Option<usize> {
        usize::try_from(self.cells()?).ok()?.checked_mul(self.groups.checked_mul(self.outputs)?)
    }

    /// The input's entries under the window of one row, with their weights.
    pub fn runs(&self, row: usize) -> impl Iterator<Item = Run> {
        let (inputs, [a, b]) = (self.inputs, self.axes);
        let (channel, i, j) = (row / (a.output * b.output), row / b.output % a.output, row % b.output);
        let first = channel / self.outputs * inputs;
        let planes = (0..inputs).flat_map(move |c| (0..a.cells).map(move |k| (c, k)));
        let lines = planes.filter_map(move |(c, k)| {
            let line = (first + c) * a.input + a.entry(i, k)?;
            Some((line, (channel * inputs + c) * a.cells + k))
        });
        // Without dilation, neighbouring cells lie over neighbouring entries.
        let inside = b.inside(j);
        let count = if b.dilation == 1 { inside.len().max(1) } else { 1 };
        lines.flat_map(move |(line, above)| {
            let runs = inside.clone().step_by(count);
            runs.filter_map(move |l| Some(Run { col: line * b.input + b.entry(j, l)?, at: above * b.cells + l, count }))
        })
    }
}
