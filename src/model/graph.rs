//! The network as a graph of few, exactly defined operations over one sample.
//!
//! Every node stands for a vector of reals, flattened row-major from its shape (`[features]`,
//! `[channels, height, width]` …, the batch axis left out). An operation means its exact value in real arithmetic
//! with the stored constants; floats only ever approximate it.

use super::curve::Curve;
use super::error::ModelError;
use super::layer::Layer;
use super::map::{Map, Matrix};
use super::op::{Affine, NodeId, Op};

/// One operation with its inputs and the shape of its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name from the model file, for messages.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The nodes it reads, in order.
    pub inputs: Vec<NodeId>,
    /// Shape of one sample.
    pub shape: Vec<usize>,
}

impl Node {
    /// Number of entries.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The layer that this node is; `None` for the input, and for sums of maps that no layer has.
    pub fn layer(&self) -> Option<Layer> {
        self.op.layer()
    }

    /// The operation's name in messages.
    pub fn operation(&self) -> &'static str {
        match self.op {
            Op::Input => "Input",
            _ => self.layer().map_or("Affine", |layer| layer.name()),
        }
    }
}

/// A network: nodes in evaluation order, node 0 the input, one of them the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    output: NodeId,
}

impl Graph {
    /// A graph that holds the input alone.
    pub fn new(name: &str, shape: &[usize]) -> Self {
        let input = Node { name: name.into(), op: Op::Input, inputs: vec![], shape: shape.to_vec() };
        Graph { nodes: vec![input], output: 0 }
    }

    /// All nodes, in evaluation order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Takes the nodes out, in evaluation order.
    pub(crate) fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The output node: the last one pushed unless [`Graph::set_output`] says otherwise.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// Declares the output.
    pub fn set_output(&mut self, id: NodeId) {
        assert!(id < self.nodes.len(), "output node {id} of {}", self.nodes.len());
        self.output = id;
    }

    /// For every node whether it is one of `ids`.
    pub(crate) fn marked(&self, ids: &[NodeId]) -> Vec<bool> {
        let mut marks = vec![false; self.nodes.len()];
        ids.iter().for_each(|&id| marks[id] = true);
        marks
    }

    /// Number of input coordinates.
    pub fn input_size(&self) -> usize {
        self.nodes[0].size()
    }

    /// Appends a layer as a node whose shape follows from it, and makes it the output.
    ///
    /// # Errors
    /// When the inputs' shapes do not fit the layer, or a constant is NaN or infinite.
    pub fn push(&mut self, name: &str, layer: Layer, inputs: &[NodeId]) -> Result<NodeId, ModelError> {
        let shape = self.infer(name, &layer, inputs)?;
        let sizes: Vec<usize> = inputs.iter().map(|&input| self.nodes[input].size()).collect();
        self.append(name, layer.op(&sizes), inputs, shape)
    }

    /// The same for a layer whose result is given another shape of as many entries.
    ///
    /// # Errors
    /// As for [`Graph::push`], and when the number of entries differs.
    pub fn push_shaped(
        &mut self,
        name: &str,
        layer: Layer,
        inputs: &[NodeId],
        shape: &[usize],
    ) -> Result<NodeId, ModelError> {
        let found = self.infer(name, &layer, inputs)?;
        expect(name, "entries", shape.iter().product(), found.iter().product())?;
        let sizes: Vec<usize> = inputs.iter().map(|&input| self.nodes[input].size()).collect();
        self.append(name, layer.op(&sizes), inputs, shape.to_vec())
    }

    /// Appends a linear layer of a matrix that is there already, and makes it the output.
    ///
    /// # Errors
    /// As for [`Graph::push`].
    pub(crate) fn push_dense(
        &mut self,
        name: &str,
        matrix: Matrix,
        bias: &[f32],
        input: NodeId,
    ) -> Result<NodeId, ModelError> {
        check_dense(name, (matrix.rows, matrix.cols, &matrix.weight), bias, &self.nodes[input])?;
        let shape = vec![matrix.rows];
        let offset = bias.iter().copied().map(f64::from).collect();
        self.append(name, Op::Affine(Affine::new(vec![Map::Dense(matrix)], offset)), &[input], shape)
    }

    /// Appends an operation of a node that is, or would be, in another graph of the same layers.
    ///
    /// # Errors
    /// When the sizes do not fit, or a constant is NaN or infinite.
    pub(crate) fn push_op(&mut self, like: &Node, op: Op, inputs: &[NodeId]) -> Result<NodeId, ModelError> {
        let name = &like.name;
        if let Op::Affine(affine) = &op {
            expect(name, "inputs", affine.maps.len(), inputs.len())?;
            for (map, &input) in affine.maps.iter().zip(inputs) {
                expect(name, "input entries", map.cols(), self.nodes[input].size())?;
                expect(name, "rows", affine.rows(), map.rows())?;
                check_map(name, map)?;
            }
            finite(name, "offset", affine.offset.iter().copied())?;
        }
        self.append(name, op, inputs, like.shape.clone())
    }

    /// Appends a node that gives its input another shape.
    ///
    /// # Errors
    /// When the number of entries changes.
    pub fn push_reshape(&mut self, name: &str, input: NodeId, shape: &[usize]) -> Result<NodeId, ModelError> {
        let found = self.nodes[input].size();
        let expected: usize = shape.iter().product();
        if found != expected {
            return Err(ModelError::shape(
                name,
                format!("{expected} entries for {shape:?}"),
                format!("{found} entries"),
            ));
        }
        self.append(name, Layer::Reshape.op(&[found]), &[input], shape.to_vec())
    }

    fn append(&mut self, name: &str, op: Op, inputs: &[NodeId], shape: Vec<usize>) -> Result<NodeId, ModelError> {
        if shape.contains(&0) {
            return Err(ModelError::shape(name, "at least one entry", format!("shape {shape:?}")));
        }
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec(), shape });
        self.output = self.nodes.len() - 1;
        Ok(self.output)
    }

    fn infer(&self, name: &str, layer: &Layer, inputs: &[NodeId]) -> Result<Vec<usize>, ModelError> {
        let count = match layer {
            Layer::Constant(_) => 0..=0,
            Layer::Sum | Layer::Max | Layer::Smooth(Curve::LogSumExp) => 2..=usize::MAX,
            Layer::Concat { .. } => 1..=usize::MAX,
            _ => 1..=1,
        };
        if !count.contains(&inputs.len()) {
            return Err(ModelError::shape(name, format!("{count:?} inputs"), format!("{} inputs", inputs.len())));
        }
        if let Layer::Constant(values) = layer {
            finite(name, "value", values.iter().copied())?;
            return Ok(vec![values.len()]);
        }
        let first = &self.nodes[inputs[0]];
        match layer {
            Layer::Dense(dense) => {
                check_dense(name, (dense.rows, dense.cols, &dense.weight), &dense.bias, first)?;
                Ok(vec![dense.rows])
            }
            Layer::Linear(map, offset) => {
                expect(name, "input entries", map.cols(), first.size())?;
                check_map(name, map)?;
                if !offset.is_empty() {
                    expect(name, "offsets", map.rows(), offset.len())?;
                    finite(name, "offset", offset.iter().copied())?;
                }
                Ok(vec![map.rows()])
            }
            Layer::Scale(values) | Layer::Shift(values) | Layer::Divide(values) => {
                expect(name, "constants", first.size(), values.len())?;
                finite(name, "constant", values.iter().copied())?;
                if matches!(layer, Layer::Divide(_)) && values.contains(&0.0) {
                    return Err(ModelError::shape(name, "a divisor without zeros", "0"));
                }
                Ok(first.shape.clone())
            }
            Layer::Sum | Layer::Max | Layer::Smooth(Curve::LogSumExp) => {
                for &input in &inputs[1..] {
                    if self.nodes[input].shape != first.shape {
                        let found = format!("{:?} and {:?}", first.shape, self.nodes[input].shape);
                        return Err(ModelError::shape(name, "inputs of one shape", found));
                    }
                }
                Ok(first.shape.clone())
            }
            Layer::Concat { outer } => self.infer_concat(name, *outer, inputs),
            _ => Ok(first.shape.clone()),
        }
    }

    fn infer_concat(&self, name: &str, outer: usize, inputs: &[NodeId]) -> Result<Vec<usize>, ModelError> {
        let first = &self.nodes[inputs[0]].shape;
        let axis = (0..first.len()).find(|&axis| first[..axis].iter().product::<usize>() == outer);
        let axis = axis.ok_or_else(|| ModelError::shape(name, "an axis to join along", format!("{first:?}")))?;
        let mut shape = first.clone();
        for &input in &inputs[1..] {
            let other = &self.nodes[input].shape;
            let fits = other.len() == first.len() && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
            if !fits {
                return Err(ModelError::shape(
                    name,
                    format!("shapes equal outside axis {axis}"),
                    format!("{first:?} and {other:?}"),
                ));
            }
            shape[axis] += other[axis];
        }
        Ok(shape)
    }
}

fn expect(name: &str, what: &str, expected: usize, found: usize) -> Result<(), ModelError> {
    if expected == found {
        return Ok(());
    }
    Err(ModelError::shape(name, format!("{expected} {what}"), format!("{found}")))
}

fn finite(name: &str, what: &str, values: impl Iterator<Item = f64>) -> Result<(), ModelError> {
    for (i, value) in values.enumerate() {
        if !value.is_finite() {
            return Err(ModelError::not_finite(name, format!("{what}[{i}]"), value));
        }
    }
    Ok(())
}

/// Whether every number that a map speaks of is there, and finite.
fn check_map(name: &str, map: &Map) -> Result<(), ModelError> {
    match map {
        Map::Identity(_) => Ok(()),
        Map::Diagonal(diagonal) => finite(name, "constant", diagonal.factors.iter().copied()),
        Map::Dense(matrix) => finite(name, "weight", matrix.weight.iter().map(|&w| f64::from(w))),
        Map::Pick(pick) => match pick.places().find(|(_, col)| *col >= pick.cols()) {
            None => Ok(()),
            Some((_, col)) => Err(ModelError::shape(name, format!("entries below {}", pick.cols()), col.to_string())),
        },
        Map::Windows(windows) => {
            let expected = windows.groups * windows.outputs * windows.cells();
            expect(name, "weights of the window", expected, windows.weight.len())?;
            finite(name, "weight", windows.weight.iter().map(|&w| f64::from(w)))
        }
    }
}

/// Whether a linear layer is whole and finite, and takes what `input` gives.
fn check_dense(
    name: &str,
    (rows, cols, weight): (usize, usize, &[f32]),
    bias: &[f32],
    input: &Node,
) -> Result<(), ModelError> {
    expect(name, "weight entries", rows * cols, weight.len())?;
    expect(name, "bias entries", rows, bias.len())?;
    expect(name, "input features", cols, input.size())?;
    if let Some(i) = weight.iter().position(|w| !w.is_finite()) {
        let place = format!("W[{}][{}]", i / cols, i % cols);
        return Err(ModelError::not_finite(name, place, f64::from(weight[i])));
    }
    finite(name, "bias", bias.iter().map(|&b| f64::from(b)))
}
