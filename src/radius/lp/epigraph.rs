//! The network as linear rows: every kink and maximum that is kept becomes a variable above its pieces, every other
//! one is the line that it is at the sample.

use crate::model::network::Network;
use crate::model::passes::{Slopes, adjoints_from, forward_lines};
use crate::model::{Kink, NodeId};
use crate::query::Perturbation;

/// One entry of a kink or of a maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    /// The kink or maximum.
    pub node: NodeId,
    /// Which of its entries.
    pub entry: usize,
}

/// constant + input · (x' − x) + pieces · z.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    /// Value at the sample with every z at 0.
    pub constant: f64,
    /// `[input size]`.
    pub input: Vec<f64>,
    /// (index of a kept piece, coefficient), without zeros.
    pub pieces: Vec<(usize, f64)>,
}

/// What a kept piece's variable z lies above (or below, for a concave kink).
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Both lines of a kink, at this argument.
    Kink(Kink, Affine),
    /// Every input of a maximum.
    Max(Vec<Affine>),
}

/// The network with some pieces kept and the others replaced by lines: nowhere above the network, and equal to it
/// wherever the lines are the right ones.
#[derive(Clone, Debug)]
pub(super) struct Epigraph {
    /// The kept pieces, sorted, each with its shape.
    pub pieces: Vec<(Piece, Shape)>,
    /// The logit.
    pub output: Affine,
}

impl Epigraph {
    /// Rewrites the rows for changes in the perturbation's units.
    pub fn unscale(&mut self, perturbation: Perturbation) {
        let mut rewrite = |row: &mut Affine| perturbation.unscale(&mut row.input);
        rewrite(&mut self.output);
        for (_, shape) in &mut self.pieces {
            match shape {
                Shape::Kink(_, argument) => rewrite(argument),
                Shape::Max(inputs) => inputs.iter_mut().for_each(&mut rewrite),
            }
        }
    }
}

/// Builds the rows around the sample `x`, with `lines` for the pieces that are not in `kept` (sorted).
pub(super) fn epigraph(network: &Network, x: &[f64], lines: &Slopes<f64>, kept: &[Piece]) -> Epigraph {
    let graph = network.graph();
    let masked = masked(network, lines, kept);
    let constants = forward_lines(network, x, &masked, &[]);
    let rows = |node: NodeId, entries: &[usize]| -> Vec<Affine> {
        let mut affine = linear_parts(network, &masked, kept, node, entries);
        let at_sample = constants.of(node, 0);
        affine.iter_mut().zip(entries).for_each(|(row, &entry)| row.constant = at_sample[entry]);
        affine
    };
    let mut pieces = Vec::with_capacity(kept.len());
    for group in kept.chunk_by(|a, b| a.node == b.node) {
        let node = graph.node(group[0].node);
        let entries: Vec<usize> = group.iter().map(|piece| piece.entry).collect();
        let mut inputs: Vec<_> = node.inputs.iter().map(|&input| rows(input, &entries).into_iter()).collect();
        for &piece in group {
            let mut next = inputs.iter_mut().map(|rows| rows.next().expect("one row per entry"));
            let shape = match node.op.kink() {
                Some(kink) => Shape::Kink(kink, next.next().expect("a kink has an input")),
                None => Shape::Max(next.collect()),
            };
            pieces.push((piece, shape));
        }
    }
    let output = rows(graph.output(), &[0]).pop().expect("one logit");
    Epigraph { pieces, output }
}

/// The lines with nothing flowing through the kept pieces.
fn masked(network: &Network, lines: &Slopes<f64>, kept: &[Piece]) -> Slopes<f64> {
    let mut masked = lines.clone();
    for piece in kept {
        let size = network.graph().node(piece.node).size();
        masked.nodes[piece.node].iter_mut().skip(piece.entry).step_by(size).for_each(|slope| *slope = 0.0);
    }
    masked
}

/// The linear parts of some entries of `node`.
fn linear_parts(
    network: &Network,
    masked: &Slopes<f64>,
    kept: &[Piece],
    node: NodeId,
    entries: &[usize],
) -> Vec<Affine> {
    let graph = network.graph();
    let (batch, size) = (entries.len(), graph.node(node).size());
    let mut seeds = vec![0.0; batch * size];
    entries.iter().enumerate().for_each(|(row, &entry)| seeds[row * size + entry] = 1.0);
    let adjoints = adjoints_from(network, &repeated(network, masked, batch), &[], node, seeds);
    let coefficient = |row: usize, piece: &Piece| {
        let size = graph.node(piece.node).size();
        adjoints[piece.node].as_ref().map_or(0.0, |all| all[row * size + piece.entry])
    };
    let input_size = graph.input_size();
    let one = |row: usize| Affine {
        constant: 0.0,
        input: match &adjoints[0] {
            Some(all) => all[row * input_size..(row + 1) * input_size].to_vec(),
            None => vec![0.0; input_size],
        },
        pieces: kept.iter().map(|piece| coefficient(row, piece)).enumerate().filter(|(_, c)| *c != 0.0).collect(),
    };
    (0..batch).map(one).collect()
}

/// The slopes of one sample, for a batch.
fn repeated(network: &Network, slopes: &Slopes<f64>, batch: usize) -> Slopes<f64> {
    let nodes = network.graph().nodes().iter().zip(&slopes.nodes).map(|(node, slopes)| {
        // A maximum's weights are grouped by input.
        slopes.chunks(node.size()).flat_map(|weights| weights.repeat(batch)).collect()
    });
    Slopes { batch, nodes: nodes.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::passes::{forward, tangent_slopes};
    use crate::model::{Dense, Graph, Layer};

    /// max(relu(Wx + b), Ux), a residual sum of leaky units on it, and a readout.
    fn network() -> Network {
        let weights = |n: usize, a: f32| (0..n).map(|i| ((i as f32 * a).sin() * 8.0).round() / 8.0).collect();
        let dense = |rows, cols, a| Dense { rows, cols, weight: weights(rows * cols, a), bias: weights(rows, a + 0.1) };
        let mut graph = Graph::new("x", &[3]);
        let shifted = graph.push("shift", Layer::Shift(vec![-0.5, 0.25, 1.0]), &[0]).unwrap();
        let first = graph.push("first", Layer::Dense(dense(4, 3, 1.1)), &[shifted]).unwrap();
        let kink = graph.push("kink", Layer::Kink(Kink::RELU), &[first]).unwrap();
        let skip = graph.push("skip", Layer::Dense(dense(4, 3, 2.3)), &[0]).unwrap();
        let largest = graph.push("largest", Layer::Max, &[kink, skip]).unwrap();
        let mixed = graph.push("mixed", Layer::Dense(dense(4, 4, 3.7)), &[largest]).unwrap();
        let leaky = graph.push("leaky", Layer::Kink(Kink { below: 0.25, above: 1.0 }), &[mixed]).unwrap();
        let sum = graph.push("sum", Layer::Sum, &[leaky, largest]).unwrap();
        graph.push("readout", Layer::Dense(dense(1, 4, 0.7)), &[sum]).unwrap();
        Network::new(graph)
    }

    fn value(affine: &Affine, change: &[f64], z: &[f64]) -> f64 {
        let input: f64 = affine.input.iter().zip(change).map(|(c, d)| c * d).sum();
        affine.constant + input + affine.pieces.iter().map(|&(k, c)| c * z[k]).sum::<f64>()
    }

    #[test]
    fn rows_reproduce_the_network_whichever_pieces_are_kept() {
        let network = network();
        let x = [0.3, -0.7, 0.9];
        let lines = tangent_slopes(&network, &forward(&network, &x));
        let all: Vec<Piece> =
            [3, 5, 7].iter().flat_map(|&node| (0..4).map(move |entry| Piece { node, entry })).collect();
        for mask in [0_u32, 0xfff, 0x5a5, 0xf0f, 0x0f0, 0x801] {
            let kept: Vec<Piece> = (0..12).filter(|k| mask >> k & 1 == 1).map(|k| all[k]).collect();
            let epigraph = epigraph(&network, &x, &lines, &kept);
            // At the sample all lines are right; elsewhere only the full set reproduces everything.
            let points: &[[f64; 3]] = if mask == 0xfff { &[x, [2.0, 1.0, -3.0], [-1.0, 0.0, 0.4]] } else { &[x] };
            for point in points {
                let values = forward(&network, point);
                let change: Vec<f64> = point.iter().zip(&x).map(|(p, x)| p - x).collect();
                let z: Vec<f64> = kept.iter().map(|piece| values.of(piece.node, 0)[piece.entry]).collect();
                let logit = values.of(network.graph().output(), 0)[0];
                assert!((value(&epigraph.output, &change, &z) - logit).abs() < 1e-12);
                for (piece, shape) in &epigraph.pieces {
                    let inputs = &network.graph().node(piece.node).inputs;
                    let rows: Vec<&Affine> = match shape {
                        Shape::Kink(_, argument) => vec![argument],
                        Shape::Max(inputs) => inputs.iter().collect(),
                    };
                    assert_eq!(rows.len(), inputs.len());
                    for (row, &input) in rows.iter().zip(inputs) {
                        let expected = values.of(input, 0)[piece.entry];
                        assert!((value(row, &change, &z) - expected).abs() < 1e-12, "{piece:?}");
                    }
                }
            }
        }
    }
}
