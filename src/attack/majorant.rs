//! A convex function above f that touches it at a point: the convex–concave procedure for kinks inside φ.
//!
//! Where a feature |y_i| enters with a negative weight, f is concave in it; the line that |y_i| is at the point lies
//! below |y_i|, so that with it in place of |y_i| the weighted feature lies above. What remains is convex in x, its zero
//! set lies inside {f ≤ 0}, and its nearest point is found by the solver that convex networks have (Yuille & Rangarajan,
//! *The concave-convex procedure*, 2003).

use crate::model::map::Windows;
use crate::model::passes::Values;
use crate::model::{Dense, Graph, Kink, Map, Model, NodeId, Op};
use std::collections::HashMap;

/// Graphs with more nodes are left alone: the construction is recursive.
const MOST_NODES: usize = 1000;

/// A convex network that is nowhere below `model`'s and equals it at sample 0 of `values`; `None` where the graph is
/// of another form than the rules here know.
pub(super) fn majorant(model: &Model, values: &Values<f64>) -> Option<Model> {
    let convexity = model.convexity().ok()?;
    let source = model.graph();
    if source.nodes().len() > MOST_NODES {
        return None;
    }
    let graph = Graph::new(&source.node(0).name, &source.node(0).shape);
    let mut moves: Vec<bool> = Vec::with_capacity(source.nodes().len());
    for (id, node) in source.nodes().iter().enumerate() {
        moves.push(convexity.free.contains(&id) || node.inputs.iter().any(|&input| moves[input]));
    }
    let mut builder = Builder { source, free: &convexity.free, moves, values, graph, made: HashMap::new() };
    let output = builder.of(source.output(), Side::Above)?;
    builder.graph.set_output(output);
    let model = Model::new(builder.graph).ok()?;
    let convex = model.convexity().is_ok_and(|convexity| convexity.free.is_empty());
    convex.then_some(model)
}

/// A convex stand-in that is never below a node, or a concave one that is never above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Above,
    Below,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Above => Side::Below,
            Side::Below => Side::Above,
        }
    }
}

struct Builder<'a> {
    source: &'a Graph,
    free: &'a [NodeId],
    /// Per node: does it depend on a kink of φ?
    moves: Vec<bool>,
    values: &'a Values<f64>,
    graph: Graph,
    made: HashMap<(NodeId, Side), NodeId>,
}

impl Builder<'_> {
    /// The stand-in of a node, made when it is first asked for.
    fn of(&mut self, id: NodeId, side: Side) -> Option<NodeId> {
        if id == 0 {
            return Some(0);
        }
        // What no kink of φ moves is its own stand-in on both sides.
        let side = if self.moves[id] { side } else { Side::Above };
        if let Some(&made) = self.made.get(&(id, side)) {
            return Some(made);
        }
        let node = self.source.node(id);
        let made = match &node.op {
            Op::Kink(kink) if self.free.contains(&id) => self.feature_kink(id, *kink, side)?,
            Op::Kink(kink) => {
                // Nondecreasing and convex: what is above stays above and convex.
                let keeps = side == Side::Above && 0.0 <= kink.below && kink.below <= kink.above;
                if self.moves[id] && !keeps {
                    return None;
                }
                self.same(id, &node.op, side)?
            }
            Op::Max if side == Side::Below && self.moves[id] => return None,
            Op::Dense(dense) => self.dense(id, dense, side)?,
            Op::Linear(Map::Windows(windows)) => self.windows(id, windows, side)?,
            Op::Scale(factors) => self.scale(id, factors, side)?,
            Op::Divide(divisors) if divisors.iter().all(|&c| c > 0.0) => self.same(id, &node.op, side)?,
            Op::Divide(divisors) if divisors.iter().all(|&c| c < 0.0) => self.same(id, &node.op, side.other())?,
            Op::Divide(_) if self.moves[id] => return None,
            _ => self.same(id, &node.op, side)?,
        };
        self.made.insert((id, side), made);
        Some(made)
    }

    fn push(&mut self, id: NodeId, op: Op, inputs: &[NodeId]) -> Option<NodeId> {
        let node = self.source.node(id);
        match op {
            Op::Reshape => self.graph.push_reshape(&node.name, inputs[0], &node.shape).ok(),
            op => self.graph.push(&node.name, op, inputs).ok(),
        }
    }

    /// The same operation on the inputs' stand-ins of one side.
    fn same(&mut self, id: NodeId, op: &Op, side: Side) -> Option<NodeId> {
        let inputs: Option<Vec<NodeId>> = self.source.node(id).inputs.iter().map(|&i| self.of(i, side)).collect();
        self.push(id, op.clone(), &inputs?)
    }

    /// A kink of φ itself where its own curvature is the right one, else the line that it is at the point.
    fn feature_kink(&mut self, id: NodeId, kink: Kink, side: Side) -> Option<NodeId> {
        let argument = self.source.node(id).inputs[0];
        let convex = kink.below <= kink.above;
        if convex == (side == Side::Above) {
            return self.same(id, &Op::Kink(kink), Side::Above);
        }
        let slopes = self.values.of(argument, 0).iter().map(|&t| kink.slope(t)).collect();
        self.same(id, &Op::Scale(slopes), Side::Above)
    }

    fn dense(&mut self, id: NodeId, dense: &Dense, side: Side) -> Option<NodeId> {
        let input = self.source.node(id).inputs[0];
        if !self.moves[input] || dense.weight.iter().all(|&w| w >= 0.0) {
            return self.same(id, &Op::Dense(dense.clone()), side);
        }
        let (with, against) = (self.of(input, side)?, self.of(input, side.other())?);
        let positive = Dense { weight: dense.weight.iter().map(|w| w.max(0.0)).collect(), ..dense.clone() };
        let weight = dense.weight.iter().map(|w| w.min(0.0)).collect();
        let negative = Dense { weight, bias: vec![0.0; dense.rows], ..*dense };
        let (positive, negative) =
            (self.push(id, Op::Dense(positive), &[with])?, self.push(id, Op::Dense(negative), &[against])?);
        self.push(id, Op::Sum, &[positive, negative])
    }

    fn windows(&mut self, id: NodeId, windows: &Windows, side: Side) -> Option<NodeId> {
        let input = self.source.node(id).inputs[0];
        if !self.moves[input] || windows.weight.iter().all(|&w| w >= 0.0) {
            return self.same(id, &Op::Linear(Map::Windows(windows.clone())), side);
        }
        let (with, against) = (self.of(input, side)?, self.of(input, side.other())?);
        let mut part = |of: fn(f32) -> f32, input: NodeId| {
            let weight = windows.weight.iter().map(|&w| of(w)).collect();
            self.push(id, Op::Linear(Map::Windows(Windows { weight, ..windows.clone() })), &[input])
        };
        let (positive, negative) = (part(|w| w.max(0.0), with)?, part(|w| w.min(0.0), against)?);
        self.push(id, Op::Sum, &[positive, negative])
    }

    fn scale(&mut self, id: NodeId, factors: &[f64], side: Side) -> Option<NodeId> {
        let input = self.source.node(id).inputs[0];
        if !self.moves[input] || factors.iter().all(|&c| c >= 0.0) {
            return self.same(id, &Op::Scale(factors.to_vec()), side);
        }
        let (with, against) = (self.of(input, side)?, self.of(input, side.other())?);
        let positive = self.push(id, Op::Scale(factors.iter().map(|c| c.max(0.0)).collect()), &[with])?;
        let negative = self.push(id, Op::Scale(factors.iter().map(|c| c.min(0.0)).collect()), &[against])?;
        self.push(id, Op::Sum, &[positive, negative])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::passes::forward;

    /// f(x) = relu(x₀ − |x₁| + 2) − ½|x₀| + 1, written with a free sign in the layer that reads the features.
    fn model() -> Model {
        let mut graph = Graph::new("x", &[2]);
        let size = graph.push("size", Op::Kink(Kink::ABS), &[0]).unwrap();
        let features = graph.push("features", Op::Concat { outer: 1 }, &[0, size]).unwrap();
        let first = Dense { rows: 1, cols: 4, weight: vec![1., 0., 0., -1.], bias: vec![2.] };
        let first = graph.push("first", Op::Dense(first), &[features]).unwrap();
        let kink = graph.push("kink", Op::Kink(Kink::RELU), &[first]).unwrap();
        let skip = Dense { rows: 1, cols: 4, weight: vec![0., 0., -0.5, 0.], bias: vec![1.] };
        let skip = graph.push("skip", Op::Dense(skip), &[features]).unwrap();
        graph.push("sum", Op::Sum, &[kink, skip]).unwrap();
        Model::new(graph).unwrap()
    }

    #[test]
    fn the_majorant_is_convex_lies_above_and_touches() {
        let model = model();
        assert!(model.convexity().is_ok_and(|c| !c.free.is_empty()));
        for point in [[1.0, 1.0], [-1.0, 0.5], [0.25, -2.0], [-3.0, -3.0]] {
            let above = majorant(&model, &forward(model.network(), &point)).unwrap();
            assert_eq!(above.enclose(&point)[0].value, model.enclose(&point)[0].value);
            for k in 0..400 {
                let x = [f64::from(k % 20) * 0.5 - 5.0, f64::from(k / 20) * 0.5 - 5.0];
                assert!(above.enclose(&x)[0].value >= model.enclose(&x)[0].value - 1e-12, "{x:?}");
            }
        }
    }
}
