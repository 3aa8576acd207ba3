//! What a window covers at one place.

use super::Windows;
use std::iter::{StepBy, Zip};
use std::ops::Range;
use std::slice::Iter;

/// (column, weight) of one row of a convolution, line by line of the window.
pub struct Covered<'a> {
    windows: &'a Windows,
    weight: &'a [f32],
    /// First of the group's entries.
    first: usize,
    /// Along both axes the cells that lie over entries, and the first of them.
    inside: [Range<usize>; 2],
    entry: [usize; 2],
    /// The next line: of which channel, and which cell of the first axis.
    channel: usize,
    cell: usize,
    line: Zip<StepBy<Range<usize>>, Iter<'a, f32>>,
}

impl<'a> Covered<'a> {
    /// Of a row.
    pub fn new(windows: &'a Windows, row: usize) -> Covered<'a> {
        let ([a, b], cells) = (&windows.axes, windows.cells());
        let (output, place) = (row / windows.places(), row % windows.places());
        let places = [place / b.output, place % b.output];
        let inside = [a.inside(places[0]), b.inside(places[1])];
        let under = |axis: &super::Axis, place: usize, inside: &Range<usize>| {
            (place * axis.stride + inside.start * axis.dilation).saturating_sub(axis.before)
        };
        let entry = [under(a, places[0], &inside[0]), under(b, places[1], &inside[1])];
        let first = output / windows.outputs * windows.inputs * a.input * b.input;
        let weight = &windows.weight[output * cells..(output + 1) * cells];
        let cell = inside[0].start;
        Covered { windows, weight, first, inside, entry, channel: 0, cell, line: (0..0).step_by(1).zip([].iter()) }
    }

    /// Goes on to the next line.
    fn next_line(&mut self) -> bool {
        let ([a, b], [lines, cells]) = (&self.windows.axes, &self.inside);
        if self.cell >= lines.end {
            (self.channel, self.cell) = (self.channel + 1, lines.start);
        }
        if self.channel >= self.windows.inputs || lines.is_empty() || cells.is_empty() {
            return false;
        }
        let line = self.entry[0] + (self.cell - lines.start) * a.dilation;
        let start = self.first + (self.channel * a.input + line) * b.input + self.entry[1];
        let weights = (self.channel * a.cells + self.cell) * b.cells;
        let columns = (start..start + (cells.len() - 1) * b.dilation + 1).step_by(b.dilation);
        self.line = columns.zip(self.weight[weights + cells.start..weights + cells.end].iter());
        self.cell += 1;
        true
    }
}

impl Iterator for Covered<'_> {
    type Item = (usize, f32);

    #[inline]
    fn next(&mut self) -> Option<(usize, f32)> {
        loop {
            if let Some((col, &w)) = self.line.next() {
                return Some((col, w));
            }
            if !self.next_line() {
                return None;
            }
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, (usize, f32)) -> B>(mut self, start: B, mut f: F) -> B {
        let mut sum = start;
        loop {
            for (col, &w) in self.line.by_ref() {
                sum = f(sum, (col, w));
            }
            if !self.next_line() {
                return sum;
            }
        }
    }
}
