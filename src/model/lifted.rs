//! The network as a convex function of its variables, around one sample: the input and the values of φ's kinks.
//!
//! Nodes that depend on the variables affinely are evaluated once per direction; at a point, only what lies beyond them
//! is. Plain floats: what comes out of here is proposed, and proven elsewhere.

use super::op::{NodeId, Op};
use super::passes::{Slopes, Values, adjoints, affine_change, continue_adjoints, node_value, tangent_slopes_of};
use super::{Convexity, Model, Network};

/// A network around one sample. Changes of the variables are flat vectors: the input's entries, then those of φ's kinks.
#[derive(Debug)]
pub struct Lifted<'a> {
    network: &'a Network,
    /// The input and φ's kinks.
    variables: &'a [NodeId],
    /// Whether a node is one of them.
    variable: Vec<bool>,
    /// Whether a node depends on the variables affinely.
    affine: Vec<bool>,
    /// The affine nodes that the output reads, directly or through nodes that are not affine.
    frontier: Vec<NodeId>,
    /// Those others, in order.
    beyond: Vec<NodeId>,
    at_sample: Values<f64>,
}

/// How far a change of the variables moves the affine nodes that others read.
#[derive(Clone, Debug)]
pub struct Image(Vec<Vec<f64>>);

/// The tangent plane at a point.
#[derive(Clone, Debug)]
pub struct Tangent {
    /// The network's value at the point.
    pub value: f64,
    /// One line per unit.
    pub slopes: Slopes<f64>,
    /// Coefficients of the nodes beyond the frontier, and of the frontier.
    pub adjoints: Vec<Option<Vec<f64>>>,
}

impl<'a> Lifted<'a> {
    /// The network around the sample at which it has these values.
    pub fn new(model: &'a Model, convexity: &'a Convexity, at_sample: Values<f64>) -> Lifted<'a> {
        let network = model.network();
        let graph = network.graph();
        let variable = graph.marked(&convexity.stops);
        let mut affine: Vec<bool> = Vec::with_capacity(variable.len());
        for (id, node) in graph.nodes().iter().enumerate() {
            let straight = !node.op.is_unit() && node.inputs.iter().all(|&input| affine[input]);
            affine.push(variable[id] || straight);
        }
        let mut read = vec![false; affine.len()];
        read[graph.output()] = true;
        for id in (0..affine.len()).rev().filter(|&id| !affine[id]) {
            if read[id] {
                graph.node(id).inputs.iter().for_each(|&input| read[input] = true);
            }
        }
        let (frontier, beyond) = (0..affine.len()).filter(|&id| read[id]).partition(|&id| affine[id]);
        Lifted { network, variables: &convexity.stops, variable, affine, frontier, beyond, at_sample }
    }

    /// The values of φ's kinks at the sample and everything else there.
    pub fn at_sample(&self) -> &Values<f64> {
        &self.at_sample
    }

    /// What a change of the variables does to the affine nodes that others read.
    pub fn image(&self, change: &[f64]) -> Image {
        let graph = self.network.graph();
        let mut nodes: Vec<Vec<f64>> = vec![Vec::new(); self.affine.len()];
        let mut rest = change;
        for (id, node) in graph.nodes().iter().enumerate().filter(|(id, _)| self.affine[*id]) {
            nodes[id] = match &node.op {
                _ if self.variable[id] => {
                    let (own, tail) = rest.split_at(node.size());
                    rest = tail;
                    own.to_vec()
                }
                Op::Affine(affine) => affine_change(affine, node, &nodes),
                Op::Input | Op::Kink(_) | Op::Max | Op::Smooth(_) => unreachable!("a variable, or not affine"),
            };
        }
        Image(self.frontier.iter().map(|&id| std::mem::take(&mut nodes[id])).collect())
    }

    /// The tangent plane at the sample changed by what `image` is the image of.
    pub fn tangent(&self, image: &Image) -> Tangent {
        let graph = self.network.graph();
        let mut nodes: Vec<Vec<f64>> = vec![Vec::new(); self.affine.len()];
        for (&id, moved) in self.frontier.iter().zip(&image.0) {
            nodes[id] = self.at_sample.nodes[id].iter().zip(moved).map(|(a, b)| a + b).collect();
        }
        for &id in &self.beyond {
            nodes[id] = node_value(graph.node(id), &nodes, 1);
        }
        let values = Values { batch: 1, nodes };
        let slopes = tangent_slopes_of(self.network, &values, |id| !self.affine[id] && !values.nodes[id].is_empty());
        let adjoints = adjoints(self.network, &slopes, &self.frontier);
        Tangent { value: values.nodes[graph.output()][0], slopes, adjoints }
    }

    /// How fast the tangent plane rises along a change.
    pub fn slope(&self, tangent: &Tangent, along: &Image) -> f64 {
        let one = |(&id, moved): (&NodeId, &Vec<f64>)| match &tangent.adjoints[id] {
            None => 0.0,
            Some(v) => v.iter().zip(moved).map(|(v, m)| v * m).sum(),
        };
        self.frontier.iter().zip(&along.0).map(one).sum()
    }

    /// The tangent plane's coefficients of the variables.
    pub fn coefficients(&self, tangent: &Tangent) -> Vec<f64> {
        let mut adjoints = vec![None; self.affine.len()];
        for &id in &self.frontier {
            adjoints[id] = tangent.adjoints[id].clone();
        }
        continue_adjoints(self.network, &tangent.slopes, self.variables, &mut adjoints);
        let size = |id: NodeId| self.network.graph().node(id).size();
        let of = |&id: &NodeId| adjoints[id].take().unwrap_or_else(|| vec![0.0; size(id)]);
        self.variables.iter().flat_map(of).collect()
    }
}

impl Image {
    /// self + factor · (other − self).
    pub fn toward(&self, other: &Image, factor: f64) -> Image {
        let mix = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a + factor * (b - a)).collect();
        Image(self.0.iter().zip(&other.0).map(mix).collect())
    }

    /// self − other.
    pub fn minus(&self, other: &Image) -> Image {
        let subtract = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a - b).collect();
        Image(self.0.iter().zip(&other.0).map(subtract).collect())
    }

    /// factor · self.
    pub fn times(&self, factor: f64) -> Image {
        Image(self.0.iter().map(|part| part.iter().map(|v| v * factor).collect()).collect())
    }
}
