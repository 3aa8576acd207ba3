//! A graph ready to be evaluated many times.

use super::graph::Graph;

/// A graph whose maps keep what their products reuse.
#[derive(Debug)]
pub struct Network {
    graph: Graph,
}

impl Network {
    /// Wraps a graph.
    pub fn new(graph: Graph) -> Self {
        Network { graph }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}
