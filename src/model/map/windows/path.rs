//! The fast way through a convolution, and the way back: entries are laid into a frame of zeros, and every sum over a
//! window is one of shifted lines. A stride splits the frame into phases, of which each line has one; on the way back it
//! splits the sums instead.

use super::{Axis, Windows};
use crate::matrix::{LANES, Runs, SHORT, Scalar, Shifted, TILE, products};

/// How entries lie in the frame along one axis: index `i` of phase `f` holds entry `phases·i + f − lead`.
#[derive(Clone, Copy, Debug)]
struct Frame {
    size: usize,
    lead: usize,
    phases: usize,
    length: usize,
}

/// Sums along one axis: entries `first + step·j` of the result for the `count` places from `start` on, and for every cell
/// that takes part its phase and its index at place 0.
#[derive(Clone, Debug)]
struct Share {
    start: usize,
    count: usize,
    first: usize,
    step: usize,
    cells: Vec<[usize; 3]>,
}

impl Frame {
    /// The entries of the windows' input, by the stride's phases.
    fn forward(axis: &Axis) -> (Frame, Vec<Share>) {
        let (stride, reach) = (axis.stride, |cell: usize| cell * axis.dilation);
        let length = axis.output + reach(axis.cells - 1) / stride;
        let frame = Frame { size: axis.input, lead: axis.before, phases: stride, length };
        let cells = (0..axis.cells).map(|cell| [cell, reach(cell) % stride, reach(cell) / stride]).collect();
        (frame, vec![Share { start: 0, count: axis.output, first: 0, step: 1, cells }])
    }

    /// The entries of their output, as many behind zeros as a window reaches back; the input's entries by phases.
    fn back(axis: &Axis) -> (Frame, Vec<Share>) {
        let (stride, reach) = (axis.stride, |cell: usize| cell * axis.dilation);
        let lead = reach(axis.cells - 1) / stride;
        let last = (axis.before + axis.input - 1) / stride;
        let frame = Frame { size: axis.output, lead, phases: 1, length: lead + axis.output.max(last + 1) };
        let share = |phase: usize| {
            let start = axis.before.saturating_sub(phase).div_ceil(stride);
            let count = (axis.before + axis.input).saturating_sub(phase).div_ceil(stride).saturating_sub(start);
            let cells = (0..axis.cells).filter(|&cell| reach(cell) % stride == phase);
            let cells = cells.map(|cell| [cell, 0, lead - reach(cell) / stride]).collect();
            Share { start, count, first: (stride * start + phase).saturating_sub(axis.before), step: stride, cells }
        };
        (frame, (0..stride).map(share).filter(|share| share.count > 0).collect())
    }

    /// What an index of a phase holds.
    fn entry(&self, phase: usize, index: usize) -> usize {
        self.phases * index + phase - self.lead
    }

    /// The indices of a phase that hold entries.
    fn held(&self, phase: usize) -> std::ops::Range<usize> {
        let before = |entry: usize| (self.lead + entry).saturating_sub(phase).div_ceil(self.phases).min(self.length);
        before(0)..before(self.size).max(before(0))
    }
}

/// Some of the result's entries: of every group the sums, over a stretch of both axes.
#[derive(Debug)]
struct Piece {
    axes: [Share; 2],
    groups: Vec<Shifted>,
    /// Of every term: which of the weights of one output it takes, counted over channels and cells of what is read.
    weights: Vec<usize>,
}

/// A convolution, or its transpose. Lines run along the second axis, or along the first one where it is the longer one.
#[derive(Debug)]
pub(super) struct Path {
    /// In the order of lines.
    frame: [Frame; 2],
    pieces: Vec<Piece>,
    groups: usize,
    /// Channels of a group: of what is read, and of the result.
    channels: [usize; 2],
    /// From one entry to the next, along both axes: of what is read, and of the result.
    steps: [[usize; 2]; 2],
    /// Entries of one of the result's channels.
    apart: usize,
}

impl Path {
    /// M.
    pub fn forward(windows: &Windows) -> Path {
        let cells = windows.axes[0].cells * windows.axes[1].cells;
        let weight = |group: usize, out: usize, channel: usize, cell: usize| {
            windows.weight[((group * windows.outputs + out) * windows.inputs + channel) * cells + cell]
        };
        let sizes = windows.axes.map(|axis| [axis.input, axis.output]);
        Path::new(windows, Frame::forward, [windows.inputs, windows.outputs], sizes, weight)
    }

    /// Mᵀ.
    pub fn back(windows: &Windows) -> Path {
        let cells = windows.axes[0].cells * windows.axes[1].cells;
        let weight = |group: usize, out: usize, channel: usize, cell: usize| {
            windows.weight[((group * windows.outputs + channel) * windows.inputs + out) * cells + cell]
        };
        let sizes = windows.axes.map(|axis| [axis.output, axis.input]);
        Path::new(windows, Frame::back, [windows.outputs, windows.inputs], sizes, weight)
    }

    fn new(
        windows: &Windows,
        along: impl Fn(&Axis) -> (Frame, Vec<Share>),
        channels: [usize; 2],
        sizes: [[usize; 2]; 2],
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) -> Path {
        let (mut axes, mut steps) = (windows.axes, [0, 1].map(|side| [sizes[1][side], 1]));
        let mut cells = [windows.axes[1].cells, 1];
        if sizes[1][1] * 2 <= sizes[0][1] {
            axes.reverse();
            cells.reverse();
            steps.iter_mut().for_each(|steps| steps.reverse());
        }
        let [(a, first), (b, second)] = axes.map(|axis| along(&axis));
        let apart = sizes[0][1] * sizes[1][1];
        let mut path = Path { frame: [a, b], pieces: Vec::new(), groups: windows.groups, channels, steps, apart };
        for (a, b) in first.iter().flat_map(|a| second.iter().map(move |b| (a, b))) {
            let of = |c: usize| a.cells.iter().flat_map(move |&a| b.cells.iter().map(move |&b| (c, a, b)));
            let terms: Vec<_> = (0..channels[0]).flat_map(of).collect();
            let at: Vec<usize> = terms.iter().map(|&(c, a, b)| path.at(c, a, b)).collect();
            let of = |group: usize, o: usize, (c, a, b): (usize, [usize; 3], [usize; 3])| {
                weight(group, o, c, a[0] * cells[0] + b[0] * cells[1])
            };
            let group = |group: usize| Shifted::new(channels[1], at.clone(), |o, t| of(group, o, terms[t]));
            let groups = (0..windows.groups).map(group).collect();
            let all = windows.axes[0].cells * windows.axes[1].cells;
            let weights = terms.iter().map(|(c, a, b)| c * all + a[0] * cells[0] + b[0] * cells[1]).collect();
            path.pieces.push(Piece { groups, axes: [a.clone(), b.clone()], weights });
        }
        path
    }

    /// Where an index of a phase of a channel is in the frame.
    fn at(&self, channel: usize, [_, f, i]: [usize; 3], [_, g, j]: [usize; 3]) -> usize {
        let [a, b] = &self.frame;
        (((channel * a.phases + f) * b.phases + g) * a.length + i) * b.length + j
    }

    /// Lays a group's channels into the frame.
    fn lay<T: Scalar>(&self, frame: &mut [T], x: &[T]) {
        let ([a, b], [down, along]) = (&self.frame, self.steps[0]);
        for (channel, x) in x.chunks_exact(a.size * b.size).enumerate() {
            for (f, g) in (0..a.phases).flat_map(|f| (0..b.phases).map(move |g| (f, g))) {
                let held = b.held(g);
                if held.is_empty() {
                    continue;
                }
                for i in a.held(f) {
                    let line = self.at(channel, [0, f, i], [0, g, held.start]);
                    let (line, x) =
                        (&mut frame[line..][..held.len()], &x[a.entry(f, i) * down + b.entry(g, held.start) * along..]);
                    match b.phases * along {
                        1 => line.copy_from_slice(&x[..held.len()]),
                        step => line.iter_mut().zip(x.iter().step_by(step)).for_each(|(to, &x)| *to = x),
                    }
                }
            }
        }
    }

    /// Adds the product with every sample of `x`, or the absolute values' product.
    pub fn add<T: Scalar>(&self, out: &mut [T], x: &[T], absolute: bool) {
        let [a, b] = &self.frame;
        let mut frame = self.frame_of_zeros();
        let read = x.chunks_exact(self.channels[0] * a.size * b.size);
        let added = out.chunks_exact_mut(self.channels[1] * self.apart);
        for (i, (out, x)) in added.zip(read).enumerate() {
            self.lay(&mut frame, x);
            self.pieces.iter().for_each(|piece| self.add_piece(out, piece, i % self.groups, &frame, absolute));
        }
    }

    /// Line by line into their places, or, where lines are short or lie apart, as one line with what is between them.
    fn add_piece<T: Scalar>(&self, out: &mut [T], piece: &Piece, group: usize, frame: &[T], absolute: bool) {
        let ([a, b], width, shifted) = (&piece.axes, self.frame[1].length, &piece.groups[group]);
        let (from, length) = (a.start * width + b.start, (a.count - 1) * width + b.count);
        let (down, along) = (self.steps[1][0] * a.step, self.steps[1][1] * b.step);
        let first = self.steps[1][0] * a.first + self.steps[1][1] * b.first;
        if along == 1 && a.count * b.count.div_ceil(LANES) <= length.div_ceil(LANES) {
            let runs = Runs { count: a.count, length: b.count, from: [from, width], to: [first, down] };
            return shifted.add(out, self.apart, frame, runs, absolute);
        }
        let mut line = vec![T::ZERO; self.channels[1] * length];
        let runs = Runs { count: 1, length, from: [from, 0], to: [0, 0] };
        shifted.add(&mut line, length, frame, runs, absolute);
        for (out, line) in out.chunks_exact_mut(self.apart).zip(line.chunks_exact(length)) {
            for (i, line) in line.chunks(width).enumerate() {
                let places = out[first + i * down..].iter_mut().step_by(along);
                places.zip(&line[..b.count]).for_each(|(out, &sum)| *out += sum);
            }
        }
    }
    /// Adds, of the way forward, Σ v⊗x over all samples to the gradient of the weights.
    pub fn add_weight_gradient<T: Scalar>(&self, out: &mut [T], v: &[T], x: &[T]) {
        let mut frame = self.frame_of_zeros();
        let [a, b] = &self.frame;
        let read = x.chunks_exact(self.channels[0] * a.size * b.size);
        let results = v.chunks_exact(self.channels[1] * self.apart);
        for (i, (v, x)) in results.zip(read).enumerate() {
            self.lay(&mut frame, x);
            for piece in &self.pieces {
                let (lines, runs) = self.lines(piece, v);
                let terms = piece.weights.len();
                let mut sums = vec![T::ZERO; lines.len() / (runs.count * runs.length) * terms];
                products(&mut sums, piece.groups[i % self.groups].at(), &lines, &frame, runs);
                let out = &mut out[i % self.groups * self.channels[1] * terms..][..self.channels[1] * terms];
                for (out, sums) in out.chunks_exact_mut(terms).zip(sums.chunks_exact(terms)) {
                    piece.weights.iter().zip(sums).for_each(|(&at, &sum)| out[at] += sum);
                }
            }
        }
    }

    /// A group's results as lines beside which those of the frame are laid, zeros behind and, in one long line, between them.
    fn lines<T: Scalar>(&self, piece: &Piece, v: &[T]) -> (Vec<T>, Runs) {
        let ([a, b], width) = (&piece.axes, self.frame[1].length);
        let long = ((a.count - 1) * width + b.count).next_multiple_of(SHORT);
        let short = b.count.next_multiple_of(SHORT);
        let (count, length, next) = if a.count * short <= long { (a.count, short, short) } else { (1, long, width) };
        let (down, along) = (self.steps[1][0] * a.step, self.steps[1][1] * b.step);
        let first = self.steps[1][0] * a.first + self.steps[1][1] * b.first;
        let mut lines = vec![T::ZERO; self.channels[1].next_multiple_of(TILE) * count * length];
        for (line, v) in lines.chunks_exact_mut(count * length).zip(v.chunks_exact(self.apart)) {
            for i in 0..a.count {
                let places = v[first + i * down..].iter().step_by(along);
                line[i * next..][..b.count].iter_mut().zip(places).for_each(|(to, &v)| *to = v);
            }
        }
        (lines, Runs { count, length, from: [a.start * width + b.start, width], to: [0, 0] })
    }

    fn frame_of_zeros<T: Scalar>(&self) -> Vec<T> {
        let [a, b] = &self.frame;
        vec![T::ZERO; self.channels[0] * a.phases * b.phases * a.length * b.length + LANES]
    }
}
