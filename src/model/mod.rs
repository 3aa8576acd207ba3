//! Networks: the graph, its ONNX form, its convexity, and its evaluation.

mod backward_errors;
pub mod curvature;
pub mod curve;
mod direction;
pub mod error;
pub mod feature_map;
pub mod graph;
pub mod layer;
pub mod lifted;
mod live;
pub mod logit;
pub mod map;
mod merged;
pub mod minorant;
pub mod network;
pub mod onnx;
pub mod op;
pub mod passes;
mod rounding_errors;
mod runs;
pub mod sensitive;
mod univariate;

pub use curvature::{Analysis, Curvature, Sign};
pub use curve::Curve;
pub use error::ModelError;
pub use feature_map::{FeatureMap, NotConvex};
pub use graph::{Graph, Node};
pub use layer::{Dense, Layer};
pub use logit::Logit;
pub use map::Map;
pub use minorant::{Enclosed, Minorant, Planes};
pub use network::Network;
pub use op::{Affine, Kink, NodeId, Op};
pub use sensitive::{Sensitive, select};

use minorant::Stops;

/// A network with one logit f, and what its weights say about its convexity; or several heads, of which f is the least.
#[derive(Debug)]
pub struct Model {
    network: Network,
    convexity: Result<Convexity, NotConvex>,
    /// None where f is one function.
    heads: Vec<Model>,
}

/// The split f = g ∘ φ of a feature-convex network.
#[derive(Debug)]
pub struct Convexity {
    /// φ.
    pub map: FeatureMap,
    /// Curvature and sign of every node, with φ's kinks as variables.
    pub analysis: Analysis,
    /// The input and φ's bent nodes: where minorants in x stop.
    pub stops: Vec<NodeId>,
    /// The kinks and maxima of φ, which are no lines: the bent nodes and what is stacked below them; in rising order.
    pub free: Vec<NodeId>,
}

impl Model {
    /// Analyses a graph with one output entry.
    ///
    /// # Errors
    /// When the output has several entries.
    pub fn new(graph: Graph) -> Result<Model, ModelError> {
        let output = graph.node(graph.output());
        if output.size() != 1 {
            let found = format!("{} entries; a network with two logits needs --sensitive INDEX", output.size());
            return Err(ModelError::shape(&output.name, "one logit", found));
        }
        let graph = without_idle_kinks(graph)?;
        let convexity = feature_map::split(&graph).map(|(map, analysis)| {
            let stops: Vec<NodeId> = std::iter::once(0).chain(map.bent.iter().map(|bent| bent.node)).collect();
            let below = curvature::ancestors(&graph, &stops);
            let is_bent = |&id: &NodeId| below[id] && graph.node(id).op.is_unit();
            let free = (0..below.len()).filter(is_bent).collect();
            Convexity { map, analysis, stops, free }
        });
        Ok(Model { network: Network::new(graph), convexity, heads: Vec::new() })
    }

    /// Analyses the heads of f, graphs of one output entry each.
    ///
    /// # Errors
    /// As for [`Model::new`].
    pub fn of_heads(mut heads: Vec<Graph>) -> Result<Model, ModelError> {
        if heads.len() == 1 {
            return Model::new(heads.remove(0));
        }
        let whole = logit::joined(&heads)?;
        let node = whole.output();
        let heads: Vec<Model> = heads.into_iter().map(Model::new).collect::<Result<_, _>>()?;
        let reason = match heads.iter().find_map(|head| head.convexity().err()) {
            Some(broken) => broken.reason.clone(),
            None => format!("f is the least of {} input-convex heads", heads.len()),
        };
        Ok(Model { network: Network::new(whole), convexity: Err(NotConvex { node, reason }), heads })
    }

    /// The functions of which f is the least, if there are several.
    pub fn heads(&self) -> &[Model] {
        &self.heads
    }

    /// The single functions that methods are asked about: the heads, or f itself.
    pub fn functions(&self) -> &[Model] {
        if self.heads.is_empty() { std::slice::from_ref(self) } else { &self.heads }
    }

    /// Why f is neither feature-convex nor the least of feature-convex heads, if it is not.
    pub fn broken(&self) -> Option<&NotConvex> {
        self.functions().iter().find_map(|function| function.convexity().err())
    }

    /// The graph; its output has an entry for every head.
    pub fn graph(&self) -> &Graph {
        self.network.graph()
    }

    /// The graph with its caches.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Number of input coordinates.
    pub fn input_size(&self) -> usize {
        self.graph().input_size()
    }

    /// The split, or why there is none.
    ///
    /// # Errors
    /// When g is not convex for any coordinate-wise φ.
    pub fn convexity(&self) -> Result<&Convexity, &NotConvex> {
        self.convexity.as_ref()
    }

    /// f at every sample of `inputs` `[batch × input size]`, enclosed.
    pub fn enclose(&self, inputs: &[f64]) -> Vec<Enclosed> {
        let mut least: Option<Vec<Enclosed>> = None;
        for function in self.functions() {
            let values = minorant::enclose(&function.network, inputs);
            least = Some(match least {
                None => values,
                Some(least) => least.into_iter().zip(values).map(|(a, b)| a.min(b)).collect(),
            });
        }
        least.expect("one function at least")
    }

    /// The tangent planes at every sample of `inputs` `[batch × input size]`.
    ///
    /// # Panics
    /// When the network is not feature-convex.
    pub fn planes(&self, inputs: &[f64]) -> Vec<Planes> {
        let convexity = self.convexity().expect("planes are those of feature-convex networks alone");
        minorant::planes(&self.network, inputs, convexity.feature_stops(), convexity.input_stops())
    }
}

impl Convexity {
    /// Whether a node is one of φ's, which are no lines.
    pub fn is_free(&self, node: NodeId) -> bool {
        self.free.binary_search(&node).is_ok()
    }

    /// Where minorants in x stop.
    pub fn input_stops(&self) -> Stops<'_> {
        Stops { nodes: &self.stops, free: &self.free }
    }

    /// Where minorants in ψ = φ(x) stop.
    pub fn feature_stops(&self) -> Stops<'_> {
        Stops { nodes: &self.map.features, free: &self.free }
    }
}

/// Replaces every kink whose argument never changes sign by the line that it is there.
fn without_idle_kinks(graph: Graph) -> Result<Graph, ModelError> {
    let analysis = curvature::analyse(&graph, &[]);
    let line = |node: &Node| {
        let kink = node.op.kink()?;
        match analysis.nodes[node.inputs[0]].summary().1 {
            Sign::NonNegative | Sign::Zero => Some(kink.above),
            Sign::NonPositive => Some(kink.below),
            Sign::Unknown => None,
        }
    };
    if graph.nodes().iter().all(|node| line(node).is_none()) {
        return Ok(graph);
    }
    let mut result = Graph::new(&graph.node(0).name, &graph.node(0).shape);
    for (id, node) in graph.nodes().iter().enumerate().skip(1) {
        let op = line(node).map(|slope| Layer::Scale(vec![slope; node.size()]).op(&[node.size()]));
        let copied = result.push_op(node, op.unwrap_or_else(|| node.op.clone()), &node.inputs)?;
        debug_assert_eq!(copied, id);
    }
    result.set_output(graph.output());
    Ok(result)
}
