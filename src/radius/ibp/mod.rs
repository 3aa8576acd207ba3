//! Interval bound propagation: the network over intervals, and a search for the radius.

mod first_layer;
mod intervals;
mod linear;
mod search;
mod sides;

use crate::model::feature_map::coordinatewise;
use crate::model::{Graph, Model, Node, NodeId, Op};
use crate::query::Perturbation;
use crate::radius::{Cost, Guarantee, Method, Needs, Outcome, Radius, Samples, Verdict, not_certified};
use crate::rounding::mul_up;
use first_layer::{FirstLayer, first_layer};
use intervals::{Intervals, node_intervals};
use linear::linear;
use search::largest_positive;
use sides::Sides;

/// The largest radius at which intervals prove f > 0.
///
/// - Requirement: none; also networks that are not convex.
/// - Guarantee: sound; every interval is rounded outward, and the radius returned was itself evaluated.
/// - Method: bisection on the radius (with secant steps). A linear layer whose argument depends on the input
///   coordinate by coordinate (the input itself, scaled, shifted, through |·| …) moves by at most r·‖L_i‖_{p*}, L_i
///   the slopes of row i in the coordinates (by less in a box, see `sides`); with a box or a kink before it also by
///   intervals of the coordinates, whichever is tighter. Everything behind is interval arithmetic.
/// - Cost: one interval pass over the whole network, and about ten over the layers behind the first.
/// - Reference: Gowal et al., *On the Effectiveness of Interval Bound Propagation for Training Verifiably Robust
///   Models*, 2018; the dual norm in the first layer as in Wong & Kolter, ICML 2018, for ℓp balls.
#[derive(Clone, Copy, Debug)]
pub struct Ibp {
    /// The radius is at least (1 − tolerance) times the largest one at which the bound is positive.
    pub tolerance: f64,
}

impl Default for Ibp {
    fn default() -> Self {
        Ibp { tolerance: 1e-4 }
    }
}

impl Method for Ibp {
    fn name(&self) -> &'static str {
        "ibp"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Sound
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn cost(&self) -> Cost {
        Cost::ManyPasses
    }

    fn has_evidence(&self) -> bool {
        false
    }

    fn in_blocks(&self) -> bool {
        true
    }

    fn certify(&self, model: &Model, samples: Samples, perturbation: Perturbation) -> Vec<Outcome> {
        let plan = Plan::new(model.graph(), perturbation);
        let one = |i: usize| {
            let sample = samples.sample(i);
            let verdict = match plan.radius(sample, self.tolerance) {
                Some(radius) => Verdict::Certified(Radius::new(radius)),
                None => not_certified(model.enclose(sample)[0]),
            };
            Outcome::plain(verdict)
        };
        (0..samples.count()).map(one).collect()
    }
}

/// What is computed once per (model, perturbation).
struct Plan<'a> {
    graph: &'a Graph,
    perturbation: Perturbation<'a>,
    /// Per node, where it is a linear layer that touches the input.
    first: Vec<Option<FirstLayer>>,
    /// Nodes to be evaluated at every radius, in order.
    needed: Vec<NodeId>,
}

/// A sample with the touching layers' values there.
struct Centre<'a> {
    sample: &'a [f64],
    /// Per node, empty where it is no touching layer.
    first: Vec<Intervals>,
    /// Per node, where it is a touching layer and there is a box.
    sides: Vec<Option<Sides<'a>>>,
}

impl<'a> Plan<'a> {
    fn new(graph: &'a Graph, perturbation: Perturbation<'a>) -> Self {
        let known = coordinatewise(graph);
        let touching = |node: &Node| {
            let (matrix, offset) = node.op.matrix()?;
            first_layer(graph, &known, (matrix, offset), node.inputs[0], perturbation)
        };
        let first = graph.nodes().iter().map(touching).collect();
        let mut plan = Plan { graph, perturbation, first, needed: Vec::new() };
        plan.needed = plan.needed();
        plan
    }

    /// The output's ancestors, but for what only touching layers read.
    fn needed(&self) -> Vec<NodeId> {
        let mut needed = vec![false; self.graph.nodes().len()];
        needed[self.graph.output()] = true;
        for id in (0..needed.len()).rev().filter(|&id| id <= self.graph.output()) {
            let reads = self.first[id].as_ref().is_none_or(|layer| layer.reads_argument(self.plain(layer)));
            if needed[id] && reads {
                self.graph.node(id).inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        (0..needed.len()).filter(|&id| needed[id]).collect()
    }

    /// Can intervals of the coordinates be tighter than the dual norm somewhere?
    fn plain(&self, layer: &FirstLayer) -> bool {
        if self.perturbation.range.is_some() { layer.gains_from_intervals() } else { !layer.affine }
    }

    /// `None` when f(x) is not known to be positive.
    fn radius(&self, sample: &[f64], tolerance: f64) -> Option<f64> {
        let (centre, at_zero) = self.centre(sample);
        if at_zero.is_nan() || at_zero <= 0.0 {
            return None;
        }
        let bound = |r: f64| self.lower_bound(&centre, r);
        // One tiny step shows how steeply the bound falls at first.
        let probe = 1e-6 * (1.0 + sample.iter().fold(0.0, |m: f64, x| m.max(x.abs()))).min(1e100);
        let start = probe * at_zero / (at_zero - bound(probe));
        let start = if start > 0.0 { start.min(1e9 * probe) } else { probe };
        Some(largest_positive(at_zero, start, tolerance, bound))
    }

    /// One pass at the sample itself: the touching layers' values, and a lower bound of f.
    fn centre<'s>(&'s self, sample: &'s [f64]) -> (Centre<'s>, f64) {
        let mut values: Vec<Intervals> = Vec::with_capacity(self.graph.nodes().len());
        for node in self.graph.nodes() {
            let inputs: Vec<&Intervals> = node.inputs.iter().map(|&i| &values[i]).collect();
            values.push(match (inputs.first(), node.op.matrix()) {
                (Some(x), Some(layer)) => linear(layer, x),
                _ if node.op == Op::Input => Intervals::point(sample),
                _ => node_intervals(node, &inputs),
            });
        }
        let touching = |(id, layer): (usize, &Option<FirstLayer>)| match layer {
            Some(layer) => layer.centre(&values[self.graph.node(id).inputs[0]], &values[id]),
            None => Intervals::default(),
        };
        let first = self.first.iter().enumerate().map(touching).collect();
        let rooms: Vec<(f64, f64)> = sample.iter().enumerate().map(|(i, &x)| self.perturbation.room(i, x)).collect();
        let sides = self.first.iter().map(|layer| layer.as_ref().and_then(|layer| layer.sides(&rooms))).collect();
        (Centre { sample, first, sides }, values[self.graph.output()].low[0])
    }

    /// A lower bound of f over the ball of radius `r`, possibly infinite, and inside the box.
    fn lower_bound(&self, centre: &Centre, r: f64) -> f64 {
        self.propagate(centre, r)[self.graph.output()].low[0]
    }

    /// The intervals of every needed node; empty for the others.
    fn propagate(&self, centre: &Centre, r: f64) -> Vec<Intervals> {
        let mut values = vec![Intervals::default(); self.graph.nodes().len()];
        for &id in &self.needed {
            let node = self.graph.node(id);
            let inputs: Vec<&Intervals> = node.inputs.iter().map(|&i| &values[i]).collect();
            values[id] = match (node.op.matrix(), &self.first[id]) {
                (Some(dense), Some(layer)) => {
                    let sides = centre.sides[id].as_ref();
                    layer.evaluate(dense, &centre.first[id], sides, inputs[0], r, self.plain(layer))
                }
                (Some(dense), None) => linear(dense, inputs[0]),
                (None, _) if node.op == Op::Input => coordinates(centre.sample, r, self.perturbation),
                (None, _) => node_intervals(node, &inputs),
            };
        }
        values
    }
}

/// Where every coordinate can go: |u_j| ≤ r for every p, inside the box.
fn coordinates(sample: &[f64], r: f64, perturbation: Perturbation) -> Intervals {
    let one = |(i, &x): (usize, &f64)| {
        let scale = perturbation.scale(i);
        let r = if scale == 1.0 { r } else { mul_up(r, scale) };
        let (low, high) = if r == 0.0 { (x, x) } else { ((x - r).next_down(), (x + r).next_up()) };
        match perturbation.range {
            // The sample itself always counts, should it lie outside.
            Some(range) => (low.max(range.low).min(x), high.min(range.high).max(x)),
            None => (low, high),
        }
    };
    sample.iter().enumerate().map(one).collect()
}
