//! Interval bound propagation: the network over intervals, and a search for the radius.

mod first_layer;
mod intervals;
mod linear;
mod search;
mod sides;

use crate::matrix::fill;
use crate::model::feature_map::coordinatewise;
use crate::model::{Graph, Model, Node, NodeId, Op};
use crate::query::{Perturbation, Range, Ranges};
use crate::radius::{Cost, Guarantee, Method, Needs, Outcome, Radius, Samples, Verdict, not_certified};
use crate::rounding::{max_abs, mul_up};
use first_layer::{Ball, FirstLayer, first_layer};
use intervals::{Intervals, above, below, high_end, low_end, node_intervals};
use linear::{Aim, Linear, Middle, linear};
use search::Search;
use sides::Sides;
use std::cell::OnceCell;

/// Samples that are evaluated together: what they need of a layer stays near the processor.
const BLOCK: usize = 18;
/// How closely radii are proposed, and how far on both sides of a proposal the search for the radius begins.
const PROPOSED: (f64, f64) = (1e-2, 3e-5);
/// How closely radii are found whatever the tolerance: behind a good proposal this takes two evaluations.
const CLOSE: f64 = 1e-12;
/// The first radii that are tried, for entries near 1: of a proposal, and where there is none.
const START: (f64, f64) = (1e-3, 1e-6);

/// The largest radius at which intervals prove f > 0.
///
/// - Requirement: none; also networks that are not convex.
/// - Guarantee: sound; every interval is rounded outward, and the radius returned was itself evaluated.
/// - Method: bisection on the radius (with secant steps), for a block of samples at a time, each with a radius of its
///   own. Products in `f32` propose a radius, `f64` ones with error bounds find it from there. A linear layer whose argument depends on the input
///   coordinate by coordinate (the input itself, scaled, shifted, through |·| …) moves by at most r·‖L_i‖_{p*}, L_i
///   the slopes of row i in the coordinates (by less in a box, see `sides`); with a box or a kink before it also by
///   intervals of the coordinates, whichever is tighter. Everything behind is interval arithmetic.
/// - Cost: about ten interval passes in `f32` and five in `f64`, over the layers behind the first, and over the whole
///   network with a box or a kink before it.
/// - Reference: Gowal et al., *On the Effectiveness of Interval Bound Propagation for Training Verifiably Robust
///   Models*, 2018; the dual norm in the first layer as in Wong & Kolter, ICML 2018, for ℓp balls.
#[derive(Clone, Copy, Debug)]
pub struct Ibp {
    /// The radius is at least (1 − tolerance) times the largest one at which the bound is positive; where the bound falls
    /// steadily it is nearer than any tolerance above 1e-12.
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
        let radii = samples.values.chunks(BLOCK * samples.size).flat_map(|block| plan.radii(block, self.tolerance));
        let logits = OnceCell::new();
        let verdict = |(i, radius): (usize, Option<f64>)| match radius {
            Some(radius) => Verdict::Certified(Radius::new(radius)),
            None => not_certified(logits.get_or_init(|| samples.logits(model))[i]),
        };
        radii.enumerate().map(verdict).map(Outcome::plain).collect()
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

/// The samples of a block with the touching layers' values there.
struct Centre<'a> {
    samples: Vec<&'a [f64]>,
    /// Per node, empty where it is no touching layer.
    first: Vec<Intervals>,
    /// Per node one per sample, where it is a touching layer and there is a box.
    sides: Vec<Vec<Option<Sides<'a>>>>,
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

    /// The radii of a block of samples; `None` when f(x) is not known to be positive.
    fn radii(&self, block: &[f64], tolerance: f64) -> Vec<Option<f64>> {
        let (centre, at_zero) = self.centre(block);
        let sizes: Vec<f64> = centre.samples.iter().map(|x| 1.0 + max_abs(x).min(1e100)).collect();
        let each = |search: &dyn Fn(usize) -> Search| -> Vec<Option<Search>> {
            (0..at_zero.len()).map(|i| (at_zero[i] > 0.0).then(|| search(i))).collect()
        };
        let proposals = each(&|i| Search::new(at_zero[i], START.0 * sizes[i], PROPOSED.0));
        let proposed = self.run(&centre, proposals, Aim::Propose);
        let found = each(&|i| {
            let guess = proposed[i].as_ref().map_or(0.0, Search::estimate);
            Search::near(at_zero[i], guess, PROPOSED.1, START.1 * sizes[i], tolerance.min(CLOSE))
        });
        let found = self.run(&centre, found, Aim::Decide);
        found.iter().map(|search| search.as_ref().map(Search::found)).collect()
    }

    /// Runs the searches side by side: one evaluation for all radii that are asked for at a time.
    fn run(&self, centre: &Centre, mut searches: Vec<Option<Search>>, aim: Aim) -> Vec<Option<Search>> {
        loop {
            let ball = |(sample, search): (usize, &Option<Search>)| Some(Ball { sample, r: search.as_ref()?.query()? });
            let balls: Vec<Ball> = searches.iter().enumerate().filter_map(ball).collect();
            if balls.is_empty() {
                return searches;
            }
            for (ball, bound) in balls.iter().zip(self.lower_bounds(centre, &balls, aim)) {
                searches[ball.sample].as_mut().expect("it has asked").tell(bound);
            }
        }
    }

    /// One pass at the samples themselves: the touching layers' values, and lower bounds of f.
    fn centre<'s>(&'s self, block: &'s [f64]) -> (Centre<'s>, Vec<f64>) {
        let samples: Vec<&[f64]> = block.chunks_exact(self.graph.input_size()).collect();
        let batch = samples.len();
        let mut values: Vec<Intervals> = Vec::with_capacity(self.graph.nodes().len());
        let middles = vec![OnceCell::new(); self.graph.nodes().len()];
        for node in self.graph.nodes() {
            let inputs: Vec<&Intervals> = node.inputs.iter().map(|&i| &values[i]).collect();
            values.push(match node.op.matrix() {
                Some(layer) => {
                    let middle = middles[node.inputs[0]].get_or_init(|| Middle::of(inputs[0], batch, Aim::Decide));
                    linear(layer, inputs[0], middle, batch)
                }
                _ if node.op == Op::Input => Intervals::point(block),
                _ => node_intervals(node, &inputs, batch),
            });
        }
        let touching = |(id, layer): (usize, &Option<FirstLayer>)| match layer {
            Some(layer) => layer.centre(&values[self.graph.node(id).inputs[0]], &values[id], batch),
            None => Intervals::default(),
        };
        let first = self.first.iter().enumerate().map(touching).collect();
        let room = |x: &&[f64]| x.iter().enumerate().map(|(i, &x)| self.perturbation.room(i, x)).collect();
        let rooms: Vec<Vec<(f64, f64)>> = samples.iter().map(room).collect();
        let sides = |layer: &'s Option<FirstLayer>| match layer {
            Some(layer) => rooms.iter().map(|rooms| layer.sides(rooms)).collect(),
            None => Vec::new(),
        };
        let sides = self.first.iter().map(sides).collect();
        (Centre { samples, first, sides }, values[self.graph.output()].low.clone())
    }

    /// Lower bounds of f over the balls, inside the box.
    fn lower_bounds(&self, centre: &Centre, balls: &[Ball], aim: Aim) -> Vec<f64> {
        std::mem::take(&mut self.propagate(centre, balls, aim)[self.graph.output()].low)
    }

    /// The intervals of every needed node; empty for the others.
    fn propagate(&self, centre: &Centre, balls: &[Ball], aim: Aim) -> Vec<Intervals> {
        let mut values = vec![Intervals::default(); self.graph.nodes().len()];
        // Several layers may read one node.
        let middles = vec![OnceCell::new(); self.graph.nodes().len()];
        for &id in &self.needed {
            let node = self.graph.node(id);
            let inputs: Vec<&Intervals> = node.inputs.iter().map(|&i| &values[i]).collect();
            let plain = |dense: Linear| {
                let middle = middles[node.inputs[0]].get_or_init(|| Middle::of(inputs[0], balls.len(), aim));
                linear(dense, inputs[0], middle, balls.len())
            };
            values[id] = match (node.op.matrix(), &self.first[id]) {
                (Some(dense), Some(layer)) => {
                    let around = (&centre.first[id], &centre.sides[id][..]);
                    let mut result = layer.evaluate(around, inputs[0], balls, aim);
                    if self.plain(layer) {
                        result.intersect(&plain(dense));
                    }
                    result
                }
                (Some(dense), None) => plain(dense),
                (None, _) if node.op == Op::Input => coordinates(&centre.samples, balls, self.perturbation),
                (None, _) => node_intervals(node, &inputs, balls.len()),
            };
        }
        values
    }
}

/// Where every coordinate can go: |u_j| ≤ r for every p, inside the box.
fn coordinates(samples: &[&[f64]], balls: &[Ball], perturbation: Perturbation) -> Intervals {
    let size = samples.first().map_or(0, |x| x.len());
    let anywhere = Ranges::Same(Range { low: f64::NEG_INFINITY, high: f64::INFINITY });
    let ranges = perturbation.range.unwrap_or(anywhere);
    let mut all = Intervals::zeros(balls.len() * size);
    let ends = all.low.chunks_exact_mut(size).zip(all.high.chunks_exact_mut(size));
    for (&Ball { sample, r }, (low, high)) in balls.iter().zip(ends) {
        let reach = |i: usize| if perturbation.weights.is_none() { r } else { mul_up(r, perturbation.scale(i)) };
        let reaches: Vec<(f64, Range)> = (0..size).map(|i| (reach(i), ranges.at(i))).collect();
        // The sample itself always counts, should it lie outside.
        fill(low, samples[sample], &reaches, |x, (r, range)| {
            let low = if r == 0.0 { x } else { below(x - r) };
            let low = if low > range.low { low } else { range.low };
            if low < x { low } else { low_end(x) }
        });
        fill(high, samples[sample], &reaches, |x, (r, range)| {
            let high = if r == 0.0 { x } else { above(x + r) };
            let high = if high < range.high { high } else { range.high };
            if high > x { high } else { high_end(x) }
        });
    }
    all
}
