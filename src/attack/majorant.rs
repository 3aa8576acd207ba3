//! A convex function above f that touches it at a point: the convex–concave procedure for kinks inside φ.
//!
//! Where a feature |y_i| enters with a negative weight, f is concave in it; the line that |y_i| is at the point lies
//! below |y_i|, so that with it in place of |y_i| the weighted feature lies above. What remains is convex in x, its zero
//! set lies inside {f ≤ 0}, and its nearest point is found by the solver that convex networks have (Yuille & Rangarajan,
//! *The concave-convex procedure*, 2003).

use crate::model::map::{Diagonal, Map};
use crate::model::passes::Values;
use crate::model::{Affine, Curve, Graph, Kink, Model, NodeId, Op};
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
            Op::Max | Op::Smooth(_) if side == Side::Below && self.moves[id] => return None,
            Op::Affine(affine) => self.affine(id, affine, side)?,
            // Of a square not even what is above stays above.
            Op::Smooth(Curve::Square { .. }) if self.moves[id] => return None,
            Op::Input | Op::Max | Op::Smooth(_) => self.same(id, &node.op, side)?,
        };
        self.made.insert((id, side), made);
        Some(made)
    }

    fn push(&mut self, id: NodeId, op: Op, inputs: &[NodeId]) -> Option<NodeId> {
        self.graph.push_op(self.source.node(id), op, inputs).ok()
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
        let factors = self.values.of(argument, 0).iter().map(|&t| kink.slope(t)).collect();
        let line = Affine::new(vec![Map::Diagonal(Diagonal { factors, divides: false })], Vec::new());
        self.same(id, &Op::Affine(line), Side::Above)
    }

    /// Every map on the stand-in of its sign's side, in two parts where it has both signs.
    fn affine(&mut self, id: NodeId, affine: &Affine, side: Side) -> Option<NodeId> {
        let (mut maps, mut inputs) = (Vec::new(), Vec::new());
        for (map, &input) in affine.maps.iter().zip(&self.source.node(id).inputs) {
            let parts = match map.sign() {
                Some(sign) if sign < 0.0 && self.moves[input] => vec![(map.clone(), side.other())],
                None if self.moves[input] => {
                    let [up, down] = map.by_sign()?;
                    vec![(up, side), (down, side.other())]
                }
                _ => vec![(map.clone(), side)],
            };
            for (map, side) in parts {
                maps.push(map);
                inputs.push(self.of(input, side)?);
            }
        }
        self.push(id, Op::Affine(Affine::new(maps, affine.offset.clone())), &inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::passes::forward;
    use crate::model::{Dense, Layer};

    /// f(x) = relu(x₀ − |x₁| + 2) − ½|x₀| + 1, written with a free sign in the layer that reads the features.
    fn model() -> Model {
        let mut graph = Graph::new("x", &[2]);
        let size = graph.push("size", Layer::Kink(Kink::ABS), &[0]).unwrap();
        let features = graph.push("features", Layer::Concat { outer: 1 }, &[0, size]).unwrap();
        let first = Dense { rows: 1, cols: 4, weight: vec![1., 0., 0., -1.], bias: vec![2.] };
        let first = graph.push("first", Layer::Dense(first), &[features]).unwrap();
        let kink = graph.push("kink", Layer::Kink(Kink::RELU), &[first]).unwrap();
        let skip = Dense { rows: 1, cols: 4, weight: vec![0., 0., -0.5, 0.], bias: vec![1.] };
        let skip = graph.push("skip", Layer::Dense(skip), &[features]).unwrap();
        graph.push("sum", Layer::Sum, &[kink, skip]).unwrap();
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
