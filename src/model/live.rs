//! Dropping the nodes that the output does not depend on.

use super::error::ModelError;
use super::graph::Graph;
use super::op::NodeId;

/// The same function without unused nodes (the input always stays).
pub(crate) fn live(graph: Graph) -> Result<Graph, ModelError> {
    let nodes = graph.nodes();
    let mut used = vec![false; nodes.len()];
    used[graph.output()] = true;
    for id in (0..nodes.len()).rev().filter(|&id| id > 0) {
        if used[id] {
            nodes[id].inputs.iter().for_each(|&input| used[input] = true);
        }
    }
    if used[1..].iter().all(|&used| used) {
        return Ok(graph);
    }
    let output = graph.output();
    let mut kept = Graph::new(&nodes[0].name, &nodes[0].shape);
    let mut new_id: Vec<NodeId> = vec![0; nodes.len()];
    for (id, node) in graph.into_nodes().into_iter().enumerate().skip(1).filter(|(id, _)| used[*id]) {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|&input| new_id[input]).collect();
        new_id[id] = kept.push_op(&node, node.op.clone(), &inputs)?;
    }
    kept.set_output(new_id[output]);
    Ok(kept)
}
