//! What a node of a graph computes: affine functions over maps, and what bends.

use super::curve::Curve;
use super::map::{Map, Matrix, Weight};
use std::ops::Range;

/// Index of a node; every node comes after its inputs.
pub type NodeId = usize;

/// t ↦ `above`·t for t ≥ 0 and `below`·t for t < 0: ReLU (0, 1), LeakyReLU (α, 1), the absolute value (−1, 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kink {
    /// Slope on the negative side.
    pub below: f64,
    /// Slope on the positive side.
    pub above: f64,
}

impl Kink {
    /// max(t, 0).
    pub const RELU: Kink = Kink { below: 0.0, above: 1.0 };
    /// |t|.
    pub const ABS: Kink = Kink { below: -1.0, above: 1.0 };

    /// The slope on the side of `t` (at 0: `above`).
    pub fn slope(self, t: f64) -> f64 {
        if t < 0.0 { self.below } else { self.above }
    }
}

/// What a node computes from its inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The sample.
    Input,
    /// A sum of maps of the inputs, and an offset.
    Affine(Affine),
    /// Elementwise piecewise-linear activation.
    Kink(Kink),
    /// Elementwise maximum of two or more inputs.
    Max,
    /// Smooth convex function, elementwise.
    Smooth(Curve),
}

/// Σ M_k·x_k + offset, over the node's inputs x_k.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// One map per input, all with the same number of rows.
    pub maps: Vec<Map>,
    /// One number per row; empty where nothing is added.
    pub offset: Vec<f64>,
    /// Whether the maps' rows follow one another, as in a concatenation.
    in_turn: bool,
}

impl Affine {
    /// Of these maps and this offset.
    pub fn new(maps: Vec<Map>, offset: Vec<f64>) -> Affine {
        let in_turn = maps.windows(2).all(|pair| pair[0].range().end <= pair[1].range().start);
        Affine { maps, offset, in_turn }
    }

    /// The indices of the maps with something in row `i`, or more.
    fn reading(&self, i: usize) -> Range<usize> {
        if !self.in_turn {
            return 0..self.maps.len();
        }
        let first = self.maps.partition_point(|map| map.range().end <= i);
        first..(first + 1).min(self.maps.len())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.maps.first().map_or(self.offset.len(), Map::rows)
    }

    /// What is added to row `i`.
    pub fn added(&self, i: usize) -> f64 {
        self.offset.get(i).copied().unwrap_or(0.0)
    }

    /// (input, column, weight) of one row, without weights of 0.
    pub fn entries(&self, row: usize) -> impl Iterator<Item = (usize, usize, Weight)> + '_ {
        let of = move |k: usize| self.maps[k].entries(row).map(move |(col, w)| (k, col, w));
        self.reading(row).flat_map(of).filter(|(.., w)| w.value != 0.0)
    }

    /// The same, one after the other: for loops over all rows.
    #[inline]
    pub fn each(&self, row: usize, mut each: impl FnMut(usize, usize, Weight)) {
        for k in self.reading(row) {
            self.maps[k].entries(row).filter(|(_, w)| w.value != 0.0).for_each(|(col, w)| each(k, col, w));
        }
    }

    /// The matrix and the offset, where it is a linear layer.
    pub fn matrix(&self) -> Option<(&Matrix, &[f64])> {
        match &self.maps[..] {
            [Map::Dense(matrix)] => Some((matrix, &self.offset)),
            _ => None,
        }
    }
}

impl Op {
    /// The kink, if it is one.
    pub fn kink(&self) -> Option<Kink> {
        if let Op::Kink(kink) = self { Some(*kink) } else { None }
    }

    /// The sum of maps, if it is one.
    pub fn affine(&self) -> Option<&Affine> {
        if let Op::Affine(affine) = self { Some(affine) } else { None }
    }

    /// The smooth function, if it is one.
    pub fn curve(&self) -> Option<Curve> {
        if let Op::Smooth(curve) = self { Some(*curve) } else { None }
    }

    /// Whether it is a kink, a maximum or a smooth function: what lines stand for.
    pub fn is_unit(&self) -> bool {
        matches!(self, Op::Kink(_) | Op::Max | Op::Smooth(_))
    }

    /// The linear layer's matrix and offset, if it is one.
    pub fn matrix(&self) -> Option<(&Matrix, &[f64])> {
        self.affine()?.matrix()
    }

    /// The map and the offset, where every entry is an affine function of the same entry of one input.
    pub fn elementwise(&self) -> Option<(&Map, &[f64])> {
        let Op::Affine(Affine { maps, offset, .. }) = self else { return None };
        match &maps[..] {
            [map @ (Map::Identity(_) | Map::Diagonal(_))] => Some((map, offset)),
            _ => None,
        }
    }

    /// Number of stored constants.
    pub fn constants(&self) -> usize {
        match self {
            Op::Affine(affine) => affine.maps.iter().map(Map::constants).sum::<usize>() + affine.offset.len(),
            _ => 0,
        }
    }
}
