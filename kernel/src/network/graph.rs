//! The network as the kernel sees it: a graph of exact operations over one sample, and its exact values.
//!
//! A node is a vector. Whatever is affine is a sum of maps of earlier nodes; beside it stand the units. (A unit of
//! another kind is another kind of node.)

use crate::budget;
use crate::network::map::Map;
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

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
        matches!(self.op, Op::Kink { .. } | Op::Max(_))
    }

    /// Whether a unit is concave; the others are convex.
    pub fn is_concave(&self) -> bool {
        matches!(self.op, Op::Kink { below, above, .. } if below.exceeds(above))
    }

    /// Whether it is a fixed vector.
    pub fn is_constant(&self) -> bool {
        matches!(&self.op, Op::Affine { terms, .. } if terms.is_empty())
    }

    /// The nodes that it reads.
    pub fn operands(&self) -> Vec<usize> {
        match &self.op {
            Op::Input => vec![],
            Op::Affine { terms, .. } => terms.iter().map(|(id, _)| *id).collect(),
            Op::Kink { of, .. } => vec![*of],
            Op::Max(of) => of.clone(),
        }
    }
}

/// A network: node 0 is the input, the last one the logit.
#[derive(Clone, Debug)]
pub struct Graph {
    /// In evaluation order.
    pub nodes: Vec<Node>,
    /// Of the input.
    pub shape: Vec<usize>,
    work: u64,
}

impl Graph {
    /// A graph of the input alone.
    pub fn new(name: &str, shape: Vec<usize>, size: usize) -> Result<Graph, Rejection> {
        let mut graph = Graph { nodes: Vec::new(), shape, work: 0 };
        graph.push(name, Op::Input, size)?;
        Ok(graph)
    }

    /// Appends a node of `size` entries.
    pub fn push(&mut self, name: &str, op: Op, size: usize) -> Result<usize, Rejection> {
        budget::within(name, "entries", size as u64, budget::ENTRIES)?;
        if size == 0 {
            return Err(Rejection::new(Code::ShapeMismatch, name, "at least one entry", "none"));
        }
        let maps = if let Op::Affine { terms, .. } = &op { &terms[..] } else { &[] };
        let work = maps.iter().try_fold(size as u64, |sum, (_, map)| sum.checked_add(map.work()?));
        self.work = work.and_then(|work| self.work.checked_add(work)).unwrap_or(u64::MAX);
        budget::within("model", "weights and entries", self.work, budget::WEIGHTS)?;
        budget::within("model", "nodes", self.nodes.len() as u64 + 1, budget::NODES)?;
        let node = Node { name: name.into(), label: String::new(), op, size };
        if !self.fits(&node) {
            return Err(Rejection::new(Code::ShapeMismatch, name, "operands that fit each other", "others"));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// Whether the operands are earlier nodes of the right sizes.
    fn fits(&self, node: &Node) -> bool {
        let size = |id: usize| self.nodes.get(id).map(|node| node.size);
        match &node.op {
            Op::Input => self.nodes.is_empty(),
            Op::Affine { terms, offset } => {
                let fits = |(id, map): &(usize, Map)| {
                    size(*id) == Some(map.cols()) && map.rows().end <= node.size && map.is_whole()
                };
                terms.iter().all(fits) && offset.as_ref().is_none_or(|offset| offset.len() == node.size)
            }
            Op::Kink { of, .. } => size(*of) == Some(node.size),
            Op::Max(of) => !of.is_empty() && of.iter().all(|&id| size(id) == Some(node.size)),
        }
    }

    /// The logit's node.
    pub fn output(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Makes `output` the last node, and 0 of what it does not depend on, except the input.
    pub fn prune(&mut self, output: usize) {
        self.nodes.truncate(output + 1);
        let mut needed = vec![false; output + 1];
        needed[output] = true;
        // In falling order every node is seen before its operands.
        for (id, node) in self.nodes.iter_mut().enumerate().skip(1).rev() {
            match needed[id] {
                true => node.operands().into_iter().for_each(|operand| needed[operand] = true),
                false => node.op = Op::Affine { terms: vec![], offset: None },
            }
        }
    }

    /// The exact logit at `x`, one entry.
    pub fn logit(&self, x: &Exact) -> Result<Exact, Rejection> {
        let mut values: Vec<Exact> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            values.push(match &node.op {
                Op::Input => x.clone(),
                Op::Affine { terms, offset } => affine(terms, offset.as_ref(), node.size, |id| &values[id])?,
                Op::Kink { of, below, above } => kink(&values[*of], *below, *above)?,
                Op::Max(of) => of[1..].iter().try_fold(values[of[0]].clone(), |a, &b| maximum(a, values[b].clone()))?,
            });
        }
        Ok(values.pop().expect("a graph has nodes"))
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

fn kink(t: &Exact, below: Float, above: Float) -> Result<Exact, Rejection> {
    let slopes = Exact::dyadics(&[below, above]);
    t.times(&slopes.with(t.values.iter().map(|v| slopes.values[usize::from(*v >= IBig::ZERO)].clone()).collect()))
}

fn maximum(mut a: Exact, mut b: Exact) -> Result<Exact, Rejection> {
    a.align(&mut b)?;
    Ok(a.with(pairs(&a.values, &b.values)?.map(|(x, y)| x.max(y).clone()).collect()))
}
