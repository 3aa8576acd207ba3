//! Building a graph node by node, within the budget.

use crate::budget;
use crate::network::graph::{Graph, Node, Op};
use crate::network::map::Map;
use crate::rejection::{Code, Rejection};

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
        let work = maps.iter().try_fold(size as u64, |sum, (_, map)| sum.checked_add(products(map)?));
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
}

/// Products that a multiplication takes; nothing where that is no 64-bit number.
fn products(map: &Map) -> Option<u64> {
    match map {
        Map::Pick { from, .. } => Some(from.len() as u64),
        Map::Windows { windows, .. } => (windows.rows() as u64).checked_mul(windows.cells()?),
    }
}
