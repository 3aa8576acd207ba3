//! Which kinks and maxima bend against the logit: one pass from the output to the input.

use super::curvature::{Analysis, Curvature, Facts};
use super::curve::Curve;
use super::graph::Graph;
use super::op::{Kink, NodeId, Op};

/// With which signs an entry's changes reach the logit, as far as the weights tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Signs {
    up: bool,
    down: bool,
}

impl Signs {
    fn times(self, factor: f64) -> Signs {
        if factor == 0.0 {
            Signs::default()
        } else if factor < 0.0 {
            Signs { up: self.down, down: self.up }
        } else {
            self
        }
    }

    fn join(&mut self, other: Signs) {
        self.up |= other.up;
        self.down |= other.down;
    }
}

/// The nodes, of those that `may` be variables, that must be: the logit is convex in x and the variables only if
/// nothing convex reaches it with a coefficient below 0 and nothing concave with one above. In rising order.
///
/// `analysis` tells which entries are constant, whatever its own variables are.
pub(super) fn variables(graph: &Graph, analysis: &Analysis, may: &dyn Fn(NodeId) -> bool) -> Vec<NodeId> {
    let mut signs: Vec<Vec<Signs>> = graph.nodes().iter().map(|node| vec![Signs::default(); node.size()]).collect();
    signs[graph.output()].fill(Signs { up: true, down: false });
    let mut found = Vec::new();
    for id in (0..=graph.output()).rev() {
        let own = std::mem::take(&mut signs[id]);
        if may(id) && bends_against(graph, id, &own, &analysis.nodes) {
            found.push(id);
        } else {
            spread(graph, id, &own, &mut signs);
        }
    }
    found.reverse();
    found
}

fn bends_against(graph: &Graph, id: NodeId, own: &[Signs], facts: &[Facts]) -> bool {
    let node = graph.node(id);
    let varies = |i: usize| node.inputs.iter().any(|&input| facts[input].curvature[i] != Curvature::Constant);
    let against = |s: &Signs| match node.op {
        Op::Kink(Kink { below, above }) if above < below => s.up,
        Op::Kink(Kink { below, above }) if below < above => s.down,
        Op::Max | Op::Smooth(_) => s.down,
        _ => false,
    };
    own.iter().enumerate().any(|(i, s)| against(s) && varies(i))
}

fn spread(graph: &Graph, id: NodeId, own: &[Signs], signs: &mut [Vec<Signs>]) {
    let node = graph.node(id);
    match &node.op {
        Op::Input => {}
        Op::Affine(affine) => {
            for (row, s) in own.iter().enumerate().filter(|(_, s)| **s != Signs::default()) {
                affine.each(row, |k, col, w| signs[node.inputs[k]][col].join(s.times(w.value)));
            }
        }
        Op::Kink(kink) => {
            for (sum, s) in signs[node.inputs[0]].iter_mut().zip(own) {
                sum.join(s.times(kink.below));
                sum.join(s.times(kink.above));
            }
        }
        Op::Smooth(Curve::Square { rising: false, .. }) => {
            for (sum, s) in signs[node.inputs[0]].iter_mut().zip(own) {
                sum.join(*s);
                sum.join(s.times(-1.0));
            }
        }
        Op::Max | Op::Smooth(_) => {
            for &input in &node.inputs {
                signs[input].iter_mut().zip(own).for_each(|(sum, s)| sum.join(*s));
            }
        }
    }
}
