//! The network as the kernel sees it: a graph of exact operations over one sample, and its exact values.
//!
//! A node is a vector. Whatever is affine is a sum of maps of earlier nodes; beside it stand the units: maxima and minima of
//! multiples, and smooth ones (`curve`).

use crate::network::curve::Curve;
use crate::network::map::Map;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::{Code, Rejection};

/// What a node computes, of earlier nodes.
#[derive(Clone, Debug)]
pub enum Op {
    /// The sample.
    Input,
    /// Σ map·node + offset, where there is one; without terms a fixed vector.
    Affine { terms: Vec<(usize, Map)>, offset: Option<Exact> },
    /// t ↦ above·t for t ≥ 0, below·t for t < 0, entry by entry.
    Kink { of: usize, below: Float, above: Float },
    /// Maximum of some nodes, entry by entry.
    Max(Vec<usize>),
    /// A smooth convex function of some nodes, entry by entry.
    Smooth(Curve, Vec<usize>),
    /// What rises with its operand, or keeps the order of its entries: only ever taken off the end (`onnx/ends.rs`).
    End { of: usize, end: End },
}

/// How a classifier ends behind its logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// 1/(1 + e⁻ᵗ), entry by entry.
    Sigmoid,
    /// e^tᵢ / Σ e^tⱼ over all entries.
    Softmax,
    /// Its logarithm.
    LogSoftmax,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Node {
    /// First output name in the file.
    pub name: String,
    /// Its node's own name in the file, if it has one.
    pub label: String,
    pub op: Op,
    /// Number of entries.
    pub size: usize,
}

impl Node {
    /// Whether it is a unit.
    pub fn is_nonlinear(&self) -> bool {
        matches!(self.op, Op::Kink { .. } | Op::Max(_) | Op::Smooth(..))
    }

    /// Whether a unit is concave; the others are convex.
    pub fn is_concave(&self) -> bool {
        matches!(self.op, Op::Kink { below, above, .. } if below.exceeds(above))
    }

    /// Why an end that has not been taken off is refused.
    pub fn left_over(&self) -> Rejection {
        let place = format!("`{}`", self.name.escape_debug());
        Rejection::new(Code::Unsupported, place, "Sigmoid and Softmax at the end of a model alone", "one before it")
    }

    /// The multiples of nodes of which a unit is the maximum, or the minimum where it is concave; of a smooth unit those
    /// between whose slopes its own lie (a square's may be of any size).
    pub fn pieces(&self) -> Vec<(usize, Float)> {
        match &self.op {
            Op::Input | Op::Affine { .. } | Op::End { .. } => vec![],
            Op::Kink { of, below, above } => vec![(*of, *below), (*of, *above)],
            Op::Max(of) | Op::Smooth(Curve::LogSumExp, of) => of.iter().map(|&of| (of, Float::ONE)).collect(),
            Op::Smooth(Curve::Square { rising: false, .. }, of) => {
                vec![(of[0], Float::ONE.negated()), (of[0], Float::ONE)]
            }
            Op::Smooth(_, of) => vec![(of[0], Float::ZERO), (of[0], Float::ONE)],
        }
    }

    /// The nodes that it reads.
    pub fn operands(&self) -> Vec<usize> {
        match &self.op {
            Op::Input => vec![],
            Op::Affine { terms, .. } => terms.iter().map(|(id, _)| *id).collect(),
            Op::Kink { of, .. } | Op::End { of, .. } => vec![*of],
            Op::Max(of) | Op::Smooth(_, of) => of.clone(),
        }
    }
}

/// A network: node 0 is the input, and f the least entry of the last one, which has one for each head.
#[derive(Clone, Debug)]
pub struct Graph {
    /// In evaluation order.
    pub nodes: Vec<Node>,
    /// Of the input.
    pub shape: Vec<usize>,
    /// Weights and entries of all nodes.
    pub work: u64,
}

impl Graph {
    /// Whether the operands are earlier nodes of the right sizes.
    pub fn fits(&self, node: &Node) -> bool {
        let size = |id: usize| self.nodes.get(id).map(|node| node.size);
        match &node.op {
            Op::Input => self.nodes.is_empty(),
            Op::Affine { terms, offset } => {
                let fits = |(id, map): &(usize, Map)| {
                    size(*id) == Some(map.cols()) && map.rows().end <= node.size && map.is_whole()
                };
                terms.iter().all(fits) && offset.as_ref().is_none_or(|offset| offset.len() == node.size)
            }
            Op::Kink { of, .. } | Op::End { of, .. } => size(*of) == Some(node.size),
            Op::Max(of) | Op::Smooth(_, of) => !of.is_empty() && of.iter().all(|&id| size(id) == Some(node.size)),
        }
    }

    /// The node of the heads.
    pub fn output(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Number of heads: f is the least of so many functions.
    pub fn heads(&self) -> usize {
        self.nodes[self.output()].size
    }

    /// The logit at `x`, one entry; exact but for smooth units, each of which is rounded up, and with them the logit, which
    /// rises with every one of them (`convexity` tests that).
    pub fn logit(&self, x: &Exact) -> Result<Exact, Rejection> {
        let mut values: Vec<Exact> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            values.push(match &node.op {
                Op::Input => x.clone(),
                Op::Affine { terms, offset } => affine(terms, offset.as_ref(), node.size, |id| &values[id])?,
                Op::Kink { .. } | Op::Max(_) => unit(node, &values)?,
                Op::End { .. } => return Err(node.left_over()),
                Op::Smooth(curve, of) => curve.values(&of.iter().map(|&id| &values[id]).collect::<Vec<_>>())?,
            });
        }
        let heads = values.pop().expect("a graph has nodes");
        let least = heads.values.iter().min().expect("a node has entries").clone();
        Ok(heads.with(vec![least]))
    }
}

/// Σ map·of(node) + offset: `size` entries.
pub fn affine<'a>(
    terms: &[(usize, Map)],
    offset: Option<&Exact>,
    size: usize,
    of: impl Fn(usize) -> &'a Exact,
) -> Result<Exact, Rejection> {
    let mut sum = offset.cloned().unwrap_or_else(|| Exact::zeros(size));
    let mut products = terms.iter().map(|(id, map)| map.forward(of(*id))).collect::<Result<Vec<_>, _>>()?;
    Exact::unify(&mut products.iter_mut().chain([&mut sum]).collect::<Vec<_>>())?;
    for ((_, map), product) in pairs(terms, products)? {
        pairs(&mut sum.values[map.rows()], product.values)?.for_each(|(sum, v)| *sum += v);
    }
    Ok(sum)
}

/// The maximum or minimum of a unit's pieces.
fn unit(node: &Node, values: &[Exact]) -> Result<Exact, Rejection> {
    let piece = |(of, slope): (usize, Float)| values[of].times(&Exact::dyadics(&[slope]));
    let mut pieces = node.pieces().into_iter().map(piece).collect::<Result<Vec<_>, _>>()?;
    Exact::unify(&mut pieces.iter_mut().collect::<Vec<_>>())?;
    let extreme = |entry: usize| {
        let values = pieces.iter().map(|piece| &piece.values[entry]);
        if node.is_concave() { values.min() } else { values.max() }.expect("a piece").clone()
    };
    Ok(pieces[0].with((0..node.size).map(extreme).collect()))
}
