//! A graph's value by its definition, one entry at a time in f64: the twin that imports are checked against.

use underplane::model::{Graph, Op};

/// The output's entries for one sample.
pub fn evaluate(graph: &Graph, x: &[f64]) -> Vec<f64> {
    let mut values: Vec<Vec<f64>> = vec![x.to_vec()];
    for node in &graph.nodes()[1..] {
        let input = |k: usize| &values[node.inputs[k]];
        let each = |f: &dyn Fn(usize, f64) -> f64| input(0).iter().enumerate().map(|(i, &v)| f(i, v)).collect();
        let fold = |f: &dyn Fn(f64, f64) -> f64| {
            let size = input(0).len();
            (0..size).map(|i| node.inputs.iter().map(|&id| values[id][i]).reduce(f).unwrap()).collect::<Vec<f64>>()
        };
        let value: Vec<f64> = match &node.op {
            Op::Input => unreachable!("a second input"),
            Op::Constant(c) => c.clone(),
            Op::Dense(dense) => (0..dense.rows)
                .map(|i| {
                    let row = dense.row(i).iter().zip(input(0));
                    f64::from(dense.bias[i]) + row.map(|(&w, v)| f64::from(w) * v).sum::<f64>()
                })
                .collect(),
            Op::Scale(c) => each(&|i, v| c[i] * v),
            Op::Shift(c) => each(&|i, v| v + c[i]),
            Op::Divide(c) => each(&|i, v| v / c[i]),
            Op::Kink(kink) => each(&|_, v| if v < 0.0 { kink.below * v } else { kink.above * v }),
            Op::Sum => fold(&|a, b| a + b),
            Op::Max => fold(&f64::max),
            Op::Concat { outer } => (0..*outer)
                .flat_map(|block| {
                    node.inputs.iter().flat_map(move |&id| {
                        let width = id_width(graph, id, *outer);
                        (block * width..(block + 1) * width).map(move |i| (id, i))
                    })
                })
                .map(|(id, i)| values[id][i])
                .collect(),
            Op::Reshape => input(0).clone(),
        };
        assert_eq!(value.len(), node.size(), "entries of `{}`", node.name);
        values.push(value);
    }
    values.swap_remove(graph.output())
}

fn id_width(graph: &Graph, id: usize, outer: usize) -> usize {
    graph.node(id).size() / outer
}
