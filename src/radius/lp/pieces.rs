//! Which pieces a program must keep.

use crate::model::curvature::ancestors;
use crate::model::network::Network;
use crate::model::passes::{Slopes, Values, adjoints, forward, tangent_slopes};
use crate::radius::lp::epigraph::Piece;
use std::collections::BTreeSet;

/// Off by less than this share of its size at the sample, a line counts as right.
const NOISE: f64 = 1e-10;

/// The network at the sample.
pub(super) struct AtSample<'a> {
    network: &'a Network,
    values: Values<f64>,
    /// The lines of the tangent plane.
    pub lines: Slopes<f64>,
}

impl<'a> AtSample<'a> {
    /// Evaluates the network at `x`.
    pub fn new(network: &'a Network, x: &[f64]) -> AtSample<'a> {
        let values = forward(network, x);
        let lines = tangent_slopes(network, &values);
        AtSample { network, values, lines }
    }

    /// Every entry of every kink and maximum that the logit depends on.
    pub fn pieces(&self) -> BTreeSet<Piece> {
        let graph = self.network.graph();
        let relevant = ancestors(graph, &[graph.output()]);
        let nodes = (0..graph.nodes().len()).filter(|&node| relevant[node] && !self.lines.nodes[node].is_empty());
        nodes.flat_map(|node| (0..graph.node(node).size()).map(move |entry| Piece { node, entry })).collect()
    }

    /// The pieces that the logit's tangent plane at `point` depends on and whose lines are wrong there. When every one
    /// of them is in `kept`, the network with the other lines takes the network's own value at the point: so an answer
    /// for which nothing else is wrong is an answer for the network itself.
    pub fn wrong(&self, point: &[f64], kept: &BTreeSet<Piece>) -> Vec<Piece> {
        let values = forward(self.network, point);
        let slopes = tangent_slopes(self.network, &values);
        let adjoints = adjoints(self.network, &slopes, &[]);
        let mut pieces = Vec::new();
        for (id, node) in self.network.graph().nodes().iter().enumerate() {
            let Some(adjoint) = adjoints[id].as_ref().filter(|_| !slopes.nodes[id].is_empty()) else { continue };
            let entries = (0..node.size()).filter(|&entry| adjoint[entry] != 0.0);
            let pieces_here = entries.map(|entry| Piece { node: id, entry });
            pieces.extend(pieces_here.filter(|piece| !kept.contains(piece) && self.is_off(*piece, &values)));
        }
        pieces
    }

    fn is_off(&self, Piece { node, entry }: Piece, values: &Values<f64>) -> bool {
        let node_here = self.network.graph().node(node);
        let inputs = || node_here.inputs.iter();
        let slopes = self.lines.nodes[node].iter().skip(entry).step_by(node_here.size());
        let line: f64 = inputs().zip(slopes).map(|(&input, slope)| values.of(input, 0)[entry] * slope).sum();
        let size = inputs().map(|&input| self.values.of(input, 0)[entry].abs()).fold(0.0, f64::max);
        (values.of(node, 0)[entry] - line).abs() > NOISE * size
    }
}
