//! The network as the kernel sees it: a graph of exact operations over one sample, and its exact values.
//!
//! A node is a vector, flattened row-major from its shape without the batch axis.

use crate::budget;
use crate::number::exact::{Exact, Float, pairs};
use crate::number::product::Layer;
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

/// What a node computes.
#[derive(Clone, Debug)]
pub enum Op {
    /// The sample.
    Input,
    /// A fixed vector.
    Constant(Exact),
    /// W·v.
    Layer(Layer),
    /// Entrywise product with a constant.
    Scale(Exact),
    /// Entrywise sum with a constant.
    Shift(Exact),
    /// t ↦ above·t for t ≥ 0, below·t for t < 0.
    Kink {
        /// Slope on the negative side.
        below: Float,
        /// Slope on the positive side.
        above: Float,
    },
    /// Entrywise maximum.
    Max,
    /// Entrywise sum.
    Sum,
    /// Concatenation; `outer` is the product of the dimensions before the axis.
    Concat {
        /// Blocks.
        outer: usize,
    },
    /// The same entries under another shape.
    Reshape,
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
    /// Earlier nodes.
    pub inputs: Vec<usize>,
    /// Shape of one sample.
    pub shape: Vec<usize>,
}

impl Node {
    /// Number of entries.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it is neither affine nor constant.
    pub fn is_nonlinear(&self) -> bool {
        matches!(self.op, Op::Kink { .. } | Op::Max)
    }
}

/// A network: node 0 is the input, the last one the logit.
#[derive(Clone, Debug)]
pub struct Graph {
    /// In evaluation order.
    pub nodes: Vec<Node>,
    /// The batch size, where the file fixes it.
    pub batch: Option<i64>,
    entries: u64,
}

impl Graph {
    /// A graph of the input alone.
    pub fn new(name: &str, batch: Option<i64>, shape: Vec<usize>) -> Result<Graph, Rejection> {
        let mut graph = Graph { nodes: Vec::new(), batch, entries: 0 };
        graph.push(name, Op::Input, vec![], shape)?;
        Ok(graph)
    }

    /// Appends a node whose operands have been checked to fit.
    pub fn push(&mut self, name: &str, op: Op, inputs: Vec<usize>, shape: Vec<usize>) -> Result<usize, Rejection> {
        let size = shape.iter().try_fold(1_u64, |size, &d| size.checked_mul(d as u64)).unwrap_or(u64::MAX);
        budget::within(name, "entries", size, budget::ENTRIES)?;
        if size == 0 {
            return Err(Rejection::new(Code::ShapeMismatch, name, "at least one entry", format!("{shape:?}")));
        }
        let work = match &op {
            Op::Layer(layer) => layer.rows as u64 * layer.cols as u64,
            _ => size,
        };
        self.entries = self.entries.saturating_add(work);
        budget::within("model", "weights and entries", self.entries, budget::WEIGHTS)?;
        budget::within("model", "nodes", self.nodes.len() as u64 + 1, budget::NODES)?;
        self.nodes.push(Node { name: name.into(), label: String::new(), op, inputs, shape });
        Ok(self.nodes.len() - 1)
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
                self.nodes[id].inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        let mut moved = vec![usize::MAX; self.nodes.len()];
        let nodes = std::mem::take(&mut self.nodes);
        for (id, mut node) in nodes.into_iter().enumerate().take(output + 1).filter(|(id, _)| needed[*id]) {
            node.inputs.iter_mut().for_each(|input| *input = moved[*input]);
            moved[id] = self.nodes.len();
            self.nodes.push(node);
        }
    }

    /// The exact logit at `x`, one entry.
    pub fn logit(&self, x: &Exact) -> Result<Exact, Rejection> {
        let mut values: Vec<Exact> = Vec::with_capacity(self.nodes.len());
        let mut last_use = vec![0; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&input| last_use[input] = id);
        }
        for (id, node) in self.nodes.iter().enumerate() {
            let value = self.value(node, &values, x)?;
            values.push(value);
            for &input in &node.inputs {
                if last_use[input] == id {
                    values[input] = Exact::zeros(0);
                }
            }
        }
        Ok(values.pop().expect("a graph has nodes"))
    }

    fn value(&self, node: &Node, values: &[Exact], x: &Exact) -> Result<Exact, Rejection> {
        let of = |k: usize| &values[node.inputs[k]];
        match &node.op {
            Op::Input => Ok(x.clone()),
            Op::Constant(c) => Ok(c.clone()),
            Op::Layer(layer) => layer.forward(of(0)),
            Op::Scale(c) => of(0).times(c),
            Op::Shift(c) => of(0).clone().plus(c.clone()),
            Op::Kink { below, above } => kink(of(0), *below, *above),
            Op::Max => (1..node.inputs.len()).try_fold(of(0).clone(), |a, k| maximum(a, of(k).clone())),
            Op::Sum => (1..node.inputs.len()).try_fold(of(0).clone(), |a, k| a.plus(of(k).clone())),
            Op::Concat { outer } => concat(node.inputs.iter().map(|&input| &values[input]).collect(), *outer),
            Op::Reshape => Ok(of(0).clone()),
        }
    }
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

/// The entries of `parts` in `outer` blocks.
pub fn concat(parts: Vec<&Exact>, outer: usize) -> Result<Exact, Rejection> {
    let mut parts: Vec<Exact> = parts.into_iter().cloned().collect();
    Exact::unify(&mut parts.iter_mut().collect::<Vec<_>>())?;
    let blocks = (0..outer).flat_map(|block| {
        parts.iter().flat_map(move |part| {
            let width = part.len() / outer;
            part.values[block * width..(block + 1) * width].iter().cloned()
        })
    });
    let values = blocks.collect();
    Ok(parts[0].with(values))
}
