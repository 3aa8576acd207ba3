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
    /// Σ map·node + offset.
    Affine {
        /// None for a fixed vector.
        terms: Vec<(usize, Map)>,
        /// 0 where there is none.
        offset: Option<Exact>,
    },
    /// t ↦ above·t for t ≥ 0, below·t for t < 0, entry by entry.
    Kink {
        /// The argument.
        of: usize,
        /// Slope on the negative side.
        below: Float,
        /// Slope on the positive side.
        above: Float,
    },
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
    /// What it computes.
    pub op: Op,
    /// Number of entries.
    pub size: usize,
}

impl Node {
    /// Whether it is a unit.
    pub fn is_nonlinear(&self) -> bool {
        matches!(self.op, Op::Kink { .. } | Op::Max(_))
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

    fn rename(&mut self, new: impl Fn(usize) -> usize) {
        let rename = |id: &mut usize| *id = new(*id);
        match &mut self.op {
            Op::Input => {}
            Op::Affine { terms, .. } => terms.iter_mut().map(|(id, _)| id).for_each(rename),
            Op::Kink { of, .. } => rename(of),
            Op::Max(of) => of.iter_mut().for_each(rename),
        }
    }
}

/// A network: node 0 is the input, the last one the logit.
#[derive(Clone, Debug)]
pub struct Graph {
    /// In evaluation order.
    pub nodes: Vec<Node>,
    /// Shape of the input.
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

    /// Keeps the nodes that `output` depends on, which becomes the last one; the input stays in any case.
    pub fn prune(&mut self, output: usize) {
        let mut needed = vec![false; self.nodes.len()];
        needed[0] = true;
        needed[output] = true;
        // In falling order every node is seen before its operands.
        for id in (0..=output).rev() {
            if needed[id] {
                self.nodes[id].operands().into_iter().for_each(|operand| needed[operand] = true);
            }
        }
        let mut moved = vec![usize::MAX; self.nodes.len()];
        let nodes = std::mem::take(&mut self.nodes);
        for (id, mut node) in nodes.into_iter().enumerate().take(output + 1).filter(|(id, _)| needed[*id]) {
            node.rename(|id| moved[id]);
            moved[id] = self.nodes.len();
            self.nodes.push(node);
        }
    }

    /// The exact logit at `x`, one entry.
    pub fn logit(&self, x: &Exact) -> Result<Exact, Rejection> {
        let mut values: Vec<Exact> = Vec::with_capacity(self.nodes.len());
        let last_use = self.last_use();
        for (id, node) in self.nodes.iter().enumerate() {
            let value = match &node.op {
                Op::Input => x.clone(),
                Op::Affine { terms, offset } => affine(terms, offset.as_ref(), node.size, |k| &values[terms[k].0])?,
                Op::Kink { of, below, above } => kink(&values[*of], *below, *above)?,
                Op::Max(of) => of[1..].iter().try_fold(values[of[0]].clone(), |a, &b| maximum(a, values[b].clone()))?,
            };
            values.push(value);
            node.operands().into_iter().filter(|&o| last_use[o] == id).for_each(|o| values[o] = Exact::zeros(0));
        }
        Ok(values.pop().expect("a graph has nodes"))
    }

    /// For every node the last one that reads it.
    pub fn last_use(&self) -> Vec<usize> {
        let mut last_use = vec![0; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            node.operands().into_iter().for_each(|operand| last_use[operand] = id);
        }
        last_use
    }
}

/// Σ of the maps' products with `of(k)` for term k, plus the offset: `size` entries.
pub fn affine<'a>(
    terms: &[(usize, Map)],
    offset: Option<&Exact>,
    size: usize,
    of: impl Fn(usize) -> &'a Exact,
) -> Result<Exact, Rejection> {
    let mut starts: Vec<usize> = terms.iter().map(|(_, map)| map.rows().start).collect();
    let mut parts = (0..terms.len()).map(|k| terms[k].1.forward(of(k))).collect::<Result<Vec<_>, _>>()?;
    if let Some(offset) = offset {
        starts.push(0);
        parts.push(offset.clone());
    }
    if parts.len() == 1 && parts[0].len() == size {
        return Ok(parts.swap_remove(0));
    }
    Exact::unify(&mut parts.iter_mut().collect::<Vec<_>>())?;
    let mut sum = Exact::zeros(size);
    if let Some(first) = parts.first() {
        sum = first.with(sum.values);
    }
    for (part, start) in pairs(parts, starts)? {
        part.values.into_iter().enumerate().for_each(|(i, v)| sum.values[start + i] += v);
    }
    Ok(sum)
}

fn kink(t: &Exact, below: Float, above: Float) -> Result<Exact, Rejection> {
    let slopes = Exact::dyadics(&[below, above]);
    let slope = |v: &IBig| &slopes.values[usize::from(*v >= IBig::ZERO)];
    let values = t.values.iter().map(slope).cloned().collect();
    t.times(&slopes.with(values))
}

fn maximum(mut a: Exact, mut b: Exact) -> Result<Exact, Rejection> {
    a.align(&mut b)?;
    let values = pairs(std::mem::take(&mut a.values), b.values)?.map(|(x, y)| x.max(y)).collect();
    Ok(a.with(values))
}
