//! What is taken off and added again: ln Σ e^(xₖ − m) + m is ln Σ e^xₖ, whatever m is.

use super::call::Call;
use super::exact;
use super::importer::Importer;
use crate::model::map::Map;
use crate::model::{Curve, Graph, Kink, Layer, ModelError, NodeId};

/// A node's entries as multiples of those of another one.
#[derive(PartialEq)]
struct Taken {
    of: NodeId,
    places: Vec<usize>,
    factor: f64,
}

impl Taken {
    /// As far back as all entries are taken from one node, by one factor.
    fn of(graph: &Graph, id: NodeId) -> Taken {
        let mut taken = Taken { of: id, places: (0..graph.node(id).size()).collect(), factor: 1.0 };
        while let Some(next) = taken.next(graph) {
            taken = next;
        }
        taken
    }

    fn next(&self, graph: &Graph) -> Option<Taken> {
        let node = graph.node(self.of);
        let (mut places, mut factor) = (self.places.clone(), self.factor);
        match node.layer()? {
            Layer::Reshape => {}
            Layer::Linear(Map::Pick(pick), offset) if offset.is_empty() => {
                places = places.into_iter().map(|row| pick.at(row)).collect::<Option<_>>()?;
            }
            Layer::Scale(factors) if factors.iter().all(|&other| other == factors[0]) => {
                factor = exact::mul(factor, factors[0])?;
            }
            Layer::Divide(divisors) if divisors.iter().all(|&other| other == divisors[0]) => {
                factor = exact::div(factor, divisors[0])?;
            }
            _ => return None,
        }
        Some(Taken { of: node.inputs[0], places, factor })
    }
}

/// A node of which another one is a multiple, entry by entry, and the factor.
pub(super) fn multiple(graph: &Graph, id: NodeId) -> Option<(NodeId, f64)> {
    let Taken { of, places, factor } = Taken::of(graph, id);
    places.into_iter().eq(0..graph.node(of).size()).then_some((of, factor))
}

/// x and s where a node is x + s, and of every one of the `parts` of its entries s has the same.
pub(super) fn shared(graph: &Graph, id: NodeId, parts: &[Vec<usize>]) -> Option<[NodeId; 2]> {
    let node = graph.node(id);
    let (Some(Layer::Sum), &[a, b]) = (node.layer(), &node.inputs[..]) else { return None };
    let is_shared = |id: NodeId| {
        let taken = Taken::of(graph, id);
        let of_part = |part: &Vec<usize>| part.iter().map(|&at| taken.places[at]).collect::<Vec<_>>();
        parts.windows(2).all(|pair| of_part(&pair[0]) == of_part(&pair[1]))
    };
    [[a, b], [b, a]].into_iter().find(|pair| is_shared(pair[1]))
}

/// u, where `a` is softplus(−|u|) and `b` is relu(u): together softplus(u).
pub(super) fn softened(graph: &Graph, a: NodeId, b: NodeId) -> Option<NodeId> {
    let bent = graph.node(a);
    let (absolute, -1.0) = multiple(graph, *bent.inputs.first()?)? else { return None };
    let of = |id: NodeId, kink: Kink| (graph.node(id).op.kink() == Some(kink)).then(|| graph.node(id).inputs[0]);
    let (u, above) = (of(absolute, Kink::ABS)?, of(b, Kink::RELU)?);
    (bent.op.curve() == Some(Curve::SOFTPLUS) && u == above && graph.node(u).shape == bent.shape).then_some(u)
}

/// u, where `a` is u − m under some shape, and `b` is m.
pub(super) fn regained(
    importer: &mut Importer,
    call: &Call,
    a: NodeId,
    b: NodeId,
) -> Result<Option<NodeId>, ModelError> {
    let graph = &importer.graph;
    let mut sum = a;
    while let Some(Layer::Reshape) = graph.node(sum).layer() {
        sum = graph.node(sum).inputs[0];
    }
    let node = graph.node(sum);
    let (Some(Layer::Sum), &[u, v]) = (node.layer(), &node.inputs[..]) else { return Ok(None) };
    let (minus, plus) = (Taken::of(graph, v), Taken::of(graph, b));
    if minus != (Taken { factor: -plus.factor, ..plus }) {
        return Ok(None);
    }
    let shape = graph.node(a).shape.clone();
    importer.reshape(call, u, &shape).map(Some)
}
