//! A-priori rounding-error bounds for the adjoints of the `f64` backward pass.
//!
//! Where no weight and no adjoint is below 0, nothing cancels: every product is its own size, and the errors of a node's
//! adjoints are a share of themselves, one number per sample. That is so everywhere above the features of an input-convex
//! network whose convexity its weights show. Elsewhere they are bounded entry by entry.

use super::graph::Node;
use super::map::errors::{self, Bounds, Care, Contribution, Incoming, STEP, plain};
use super::network::Network;
use super::op::NodeId;
use super::passes::Slopes;
use crate::matrix::{all, dot, mapped};
use crate::rounding::gamma;

/// Bounds of |computed − exact| of a node's adjoints, for one sample.
enum Bound {
    /// So large a share of themselves, none of which is below 0, very small or very large.
    Share(f64),
    /// Entry by entry.
    Entries(Vec<f64>),
}

/// Bounds of |computed − exact| for every adjoint.
pub(crate) struct BackwardErrors {
    /// Per node and sample; empty where there is no adjoint.
    nodes: Vec<Vec<Bound>>,
}

/// Bounds of |computed − exact| for the adjoints; nothing flows through `stops`.
pub(crate) fn backward_errors(
    network: &Network,
    slopes: &Slopes<f64>,
    adjoints: &[Option<Vec<f64>>],
    stops: &[NodeId],
    care: Care,
) -> BackwardErrors {
    let (graph, batch, stopped) = (network.graph(), slopes.batch, network.graph().marked(stops));
    let mut readers: Vec<Vec<(NodeId, usize)>> = vec![Vec::new(); graph.nodes().len()];
    for (id, node) in graph.nodes().iter().enumerate().filter(|&(id, _)| adjoints[id].is_some() && !stopped[id]) {
        node.inputs.iter().enumerate().for_each(|(k, &input)| readers[input].push((id, k)));
    }
    let nodes = readers.iter().map(|_| Vec::new()).collect();
    let mut pass = Pass { network, slopes, adjoints, errors: BackwardErrors { nodes } };
    for id in (0..graph.nodes().len()).rev().filter(|&id| adjoints[id].is_some()) {
        let terms: Option<Vec<usize>> = readers[id].iter().map(|&(reader, k)| pass.terms(reader, k)).collect();
        let bound = |sample| match terms.as_ref().and_then(|terms| pass.share(id, &readers[id], terms, sample)) {
            Some(share) => Bound::Share(share),
            None => Bound::Entries(pass.entries(id, &readers[id], sample, care)),
        };
        pass.errors.nodes[id] = (0..batch).map(bound).collect();
    }
    pass.errors
}

struct Pass<'a> {
    network: &'a Network,
    slopes: &'a Slopes<f64>,
    adjoints: &'a [Option<Vec<f64>>],
    errors: BackwardErrors,
}

impl Pass<'_> {
    /// The adjoints of one sample.
    fn of(&self, id: NodeId, sample: usize) -> &[f64] {
        let size = self.network.graph().node(id).size();
        self.adjoints[id].as_ref().map_or(&[], |all| &all[sample * size..(sample + 1) * size])
    }

    /// Roundings per entry of what node `reader` sends to its input `k`, where that has no weight below 0.
    fn terms(&self, reader: NodeId, k: usize) -> Option<usize> {
        if let Some(affine) = self.network.graph().node(reader).op.affine() {
            let map = &affine.maps[k];
            return map.is_plain().then(|| map.transposed_roundings());
        }
        let slopes = &self.slopes.nodes[reader];
        let exact = all(slopes, |s| (s == 0.0) | (s == 1.0));
        if exact { Some(0) } else { plain(slopes).then_some(1) }
    }

    /// The share, where nothing cancels. With a relative error ρ before and g of the sums: (ρ + g)/(1 − g).
    fn share(&self, id: NodeId, readers: &[(NodeId, usize)], terms: &[usize], sample: usize) -> Option<f64> {
        let (mut most, count) = (0.0_f64, terms.iter().sum::<usize>() + readers.len().saturating_sub(1));
        for &(reader, _) in readers {
            let Bound::Share(share) = self.errors.nodes[reader][sample] else { return None };
            most = most.max(share);
        }
        let g = gamma(count + 4);
        let share = if count == 0 { most } else { (most + g) * (1.0 + 4.0 * g) };
        plain(self.of(id, sample)).then_some(share)
    }

    fn entries(&self, id: NodeId, readers: &[(NodeId, usize)], sample: usize, care: Care) -> Vec<f64> {
        let mut all = vec![0.0; self.network.graph().node(id).size()];
        if readers.is_empty() {
            return all;
        }
        let received = readers.iter().map(|&(reader, _)| self.errors.of(reader, sample, self.of(reader, sample)));
        let received: Vec<Bounds> = received.collect();
        let mut incoming = Incoming::default();
        for (&(reader, k), error) in readers.iter().zip(&received) {
            let (node, v, error) = (self.network.graph().node(reader), self.of(reader, sample), error.as_deref());
            incoming.add(match node.op.affine() {
                Some(affine) => errors::backward(&affine.maps[k], v, error, care),
                None => line_contribution(self.slopes.towards(reader, sample, node, k), v, error),
            });
        }
        incoming.total(&mut all);
        all
    }
}

impl BackwardErrors {
    /// Of the adjoints `v` of one sample; `None` where they are exact.
    pub fn of(&self, id: NodeId, sample: usize, v: &[f64]) -> Bounds {
        match self.nodes[id].get(sample)? {
            Bound::Share(0.0) => None,
            Bound::Share(share) => Some(v.iter().map(|v| v * share * (1.0 + STEP)).collect()),
            Bound::Entries(all) => Some(all.clone()),
        }
    }

    /// Σ sizes of the exact adjoints · `x`, as computed; one more rounding than there are entries, and 4 each.
    pub fn weighted(&self, id: NodeId, sample: usize, v: &[f64], x: &[f64]) -> f64 {
        match &self.nodes[id][sample] {
            Bound::Share(share) => dot(v, x) * (1.0 + share),
            Bound::Entries(e) => dot(&mapped(v, e, |v, e| v.abs() + e), x),
        }
    }
}

impl Slopes<f64> {
    /// The slopes of one sample at one node, one slice per input of the node.
    pub fn of(&self, id: NodeId, sample: usize, node: &Node) -> Vec<&[f64]> {
        let inputs = if node.op.is_unit() { node.inputs.len() } else { 1 };
        (0..inputs).map(|k| self.towards(id, sample, node, k)).collect()
    }

    /// The same for input `k` alone.
    fn towards(&self, id: NodeId, sample: usize, node: &Node, k: usize) -> &[f64] {
        let start = (k * self.batch + sample) * node.size();
        &self.nodes[id][start..start + node.size()]
    }
}

/// What an input of a kink or maximum receives through lines of these slopes.
fn line_contribution<'a>(slopes: &[f64], v: &[f64], error: Option<&[f64]>) -> Contribution<'a> {
    if slopes.iter().all(|&s| s == 0.0 || s.abs() == 1.0) {
        let kept = |x: &[f64]| x.iter().zip(slopes).map(|(&x, &s)| x.abs() * s.abs()).collect();
        return Contribution::Entries {
            carried: error.map_or_else(|| vec![0.0; v.len()], kept),
            magnitude: kept(v),
            terms: 0,
        };
    }
    errors::scaled(v, error, slopes.iter().map(|s| s.abs()))
}
