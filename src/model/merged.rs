//! Affine nodes that are written more than once.

use super::error::ModelError;
use super::graph::Graph;
use super::op::{NodeId, Op};
use std::collections::HashMap;

/// The same function with one node in the place of all affine ones that are the same function of the same nodes. Units keep
/// a node each: a proof knows them by their names.
pub(crate) fn merged(graph: Graph) -> Result<Graph, ModelError> {
    let (first, output) = (graph.node(0), graph.output());
    let mut kept = Graph::new(&first.name, &first.shape);
    let mut new_id: Vec<NodeId> = vec![0];
    let mut readers: HashMap<(Vec<NodeId>, Option<usize>), Vec<NodeId>> = HashMap::new();
    for node in graph.into_nodes().into_iter().skip(1) {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|&input| new_id[input]).collect();
        let others = readers.entry((inputs.clone(), first_column(&node.op))).or_default();
        let is_same = |id: &&NodeId| {
            let other = kept.node(**id);
            other.shape == node.shape && other.op == node.op
        };
        let twin = others.iter().find(is_same).copied();
        let id = match twin {
            Some(twin) if node.op.affine().is_some() => twin,
            _ => kept.push_op(&node, node.op.clone(), &inputs)?,
        };
        if twin != Some(id) {
            others.push(id);
        }
        new_id.push(id);
    }
    kept.set_output(new_id[output]);
    Ok(kept)
}

/// The first column that an affine node reads: there may be many picks of one node, each of another entry.
fn first_column(op: &Op) -> Option<usize> {
    let map = op.affine()?.maps.first()?;
    map.entries(map.range().next()?).next().map(|(column, _)| column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kink, Layer};

    #[test]
    fn affine_nodes_are_merged_and_units_are_not() {
        let mut graph = Graph::new("x", &[2]);
        let mut branch = |shift: f64| {
            let shifted = graph.push("s", Layer::Shift(vec![shift; 2]), &[0]).unwrap();
            let scaled = graph.push("d", Layer::Divide(vec![0.25; 2]), &[shifted]).unwrap();
            graph.push("a", Layer::Kink(Kink::ABS), &[scaled]).unwrap()
        };
        let [a, b, c] = [-0.5, -0.5, 0.5].map(&mut branch);
        let sum = graph.push("t", Layer::Sum, &[a, b]).unwrap();
        let last = graph.push("u", Layer::Sum, &[sum, c]).unwrap();
        graph.set_output(last);
        let merged = merged(graph.clone()).unwrap();
        assert_eq!(graph.nodes().len() - merged.nodes().len(), 2, "one shift and one quotient");
        let name = |id: NodeId| merged.node(id).name.as_str();
        assert_eq!(name(merged.output()), "u");
        let kinks = merged.nodes().iter().filter(|node| node.op.kink().is_some());
        assert_eq!(kinks.map(|node| node.inputs[0]).collect::<Vec<_>>(), [2, 2, 6]);
    }
}
