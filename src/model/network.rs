//! A graph with what its passes reuse: wide weights and the norms of rows and columns.

use super::graph::{Dense, Graph, Op};
use crate::rounding::norm2_up;
use std::sync::OnceLock;

/// What the passes keep per linear layer.
#[derive(Debug, Default)]
pub(crate) struct LayerCache {
    /// The weight in `f64`, filled when a batch needs it.
    pub wide: OnceLock<Vec<f64>>,
    row_norms: OnceLock<Vec<f64>>,
    col_norms: OnceLock<Vec<f64>>,
}

impl LayerCache {
    /// Upper bounds of the ℓ2 norms of the rows.
    pub fn row_norms(&self, dense: &Dense) -> &[f64] {
        self.row_norms.get_or_init(|| {
            let wide = |i| dense.row(i).iter().map(|&w| f64::from(w)).collect::<Vec<_>>();
            (0..dense.rows).map(|i| norm2_up(&wide(i))).collect()
        })
    }

    /// Upper bounds of the ℓ2 norms of the columns.
    pub fn col_norms(&self, dense: &Dense) -> &[f64] {
        self.col_norms.get_or_init(|| {
            let column = |j| (0..dense.rows).map(|i| f64::from(dense.weight[i * dense.cols + j])).collect::<Vec<_>>();
            (0..dense.cols).map(|j| norm2_up(&column(j))).collect()
        })
    }
}

/// A graph ready to be evaluated many times.
#[derive(Debug)]
pub struct Network {
    graph: Graph,
    caches: Vec<LayerCache>,
}

impl Network {
    /// Wraps a graph.
    pub fn new(graph: Graph) -> Self {
        let caches = graph.nodes().iter().map(|_| LayerCache::default()).collect();
        Network { graph, caches }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The cache of node `id`, which is a [`Op::Dense`].
    pub(crate) fn cache(&self, id: usize) -> &LayerCache {
        debug_assert!(matches!(self.graph.node(id).op, Op::Dense(_)));
        &self.caches[id]
    }
}
