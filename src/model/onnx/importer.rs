//! The graph under construction: what every operator adds to it, within the budget of the model.

use super::beside::Beside;
use super::call::{Call, Value};
use super::ends::End;
use super::names::printable;
use super::proto::TensorProto;
use super::rounded::Rounded;
use super::stored::{Constant, constant};
use super::tensor::{Tensor, Walk};
use crate::model::map::{Map, Matrix};
use crate::model::{Graph, Layer, ModelError, NodeId};
use std::collections::{HashMap, HashSet};

/// Entries that all nodes and computed constants of a model may have together, beyond [`ENTRIES_PER_WEIGHT`] for each
/// stored weight; keeps a small file with absurd shapes from filling the memory.
const MOST_ENTRIES: usize = 1 << 25;
const ENTRIES_PER_WEIGHT: usize = 8;

/// The most parts of one unit, each of which is a node: the kernel reads as many nodes.
const MOST_PARTS: usize = 100_000;

/// The graph so far, and what operators must know of the file.
pub(super) struct Importer<'m> {
    /// What is there so far.
    pub graph: Graph,
    /// The batch size, where the file fixes it.
    pub fixed_batch: Option<i64>,
    /// Whether the file's values have a batch axis in front.
    pub has_batch: bool,
    /// Nodes that stand for probabilities, with their logits as values.
    pub ends: HashMap<NodeId, End>,
    /// The version of the operators.
    pub opset: i64,
    /// Names of values that come from a Transpose.
    pub turned: HashSet<&'m str>,
    /// The name of the graph's output.
    pub output: &'m str,
    /// Whether the output's batch axis may be gone where a batch has one sample.
    pub open_output: bool,
    /// Other files of the model.
    beside: &'m Beside,
    /// Constants that were rounded.
    pub rounded: Vec<Rounded>,
    /// What the user should hear of how operators are read.
    pub notes: Vec<String>,
    entries_left: usize,
}

impl<'m> Importer<'m> {
    /// A graph of the input alone.
    pub fn new(input: &str, shape: &[usize], output: &'m str, beside: &'m Beside) -> Result<Self, ModelError> {
        let mut importer = Importer {
            graph: Graph::new(&printable(input), &[]),
            fixed_batch: None,
            has_batch: true,
            ends: HashMap::new(),
            opset: 0,
            output,
            turned: HashSet::new(),
            open_output: false,
            beside,
            rounded: vec![],
            notes: vec![],
            entries_left: MOST_ENTRIES,
        };
        let size = shape.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim));
        importer.spend(input, size)?;
        importer.graph = Graph::new(&printable(input), shape);
        Ok(importer)
    }

    /// A tensor of the file, with its raw data where it is large; its entries pay for some of the graph's.
    pub fn load(&mut self, tensor: &TensorProto, words: Option<Vec<u32>>) -> Result<Value, ModelError> {
        Ok(match constant(tensor, words, self.beside)? {
            Constant::Float(tensor) => {
                let credit = tensor.len().saturating_mul(ENTRIES_PER_WEIGHT);
                self.entries_left = self.entries_left.saturating_add(credit);
                Value::Float(tensor)
            }
            Constant::Int(ints) => Value::Int(ints),
            Constant::Infinite(sign) => Value::Infinite(sign),
        })
    }

    /// A constant of an attribute.
    pub fn stored(&self, call: &Call, tensor: &TensorProto) -> Result<Value, ModelError> {
        let named = TensorProto { name: Some(call.name.clone()), ..tensor.clone() };
        Ok(match constant(&named, None, self.beside)? {
            Constant::Float(tensor) => Value::Float(tensor),
            Constant::Int(ints) => Value::Int(ints),
            Constant::Infinite(sign) => Value::Infinite(sign),
        })
    }

    /// Appends a layer.
    pub fn push(&mut self, call: &Call, layer: Layer, inputs: &[NodeId]) -> Result<NodeId, ModelError> {
        let size = match &layer {
            Layer::Dense(dense) => Some(dense.rows),
            Layer::Linear(map, _) => Some(map.rows()),
            Layer::Concat { .. } => {
                inputs.iter().try_fold(0usize, |size, &id| size.checked_add(self.graph.node(id).size()))
            }
            Layer::Constant(values) => Some(values.len()),
            _ => Some(self.graph.node(inputs[0]).size()),
        };
        self.spend(&call.name, size)?;
        self.graph.push(&call.name, layer, inputs)
    }

    /// Appends a map of one node, plus `offset` where it is not empty, under a shape of as many entries.
    pub fn push_map(
        &mut self,
        call: &Call,
        (map, offset): (Map, Vec<f64>),
        input: NodeId,
        shape: &[usize],
    ) -> Result<NodeId, ModelError> {
        self.spend(&call.name, Some(map.rows()))?;
        self.graph.push_shaped(&call.name, Layer::Linear(map, offset), &[input], shape)
    }

    /// Appends a linear layer.
    pub fn push_dense(
        &mut self,
        call: &Call,
        matrix: Matrix,
        bias: &[f32],
        input: NodeId,
    ) -> Result<NodeId, ModelError> {
        self.spend(&call.name, Some(matrix.rows))?;
        self.graph.push_dense(&call.name, matrix, bias, input)
    }

    /// The node under another shape, itself if it has that shape already.
    pub fn reshape(&mut self, call: &Call, id: NodeId, shape: &[usize]) -> Result<NodeId, ModelError> {
        if self.graph.node(id).shape == shape {
            return Ok(id);
        }
        self.spend(&call.name, Some(1))?;
        self.graph.push_reshape(&call.name, id, shape)
    }

    /// A constant spread over a shape that it broadcasts to.
    pub fn spread(&mut self, call: &Call, tensor: &Tensor, shape: &[usize]) -> Result<Vec<f64>, ModelError> {
        self.spend_shape(call, shape)?;
        Ok(Walk::broadcast(&tensor.shape, shape).map(|index| tensor.get(index)).collect())
    }

    /// Notes a constant that was rounded.
    pub fn note(&mut self, constant: Rounded) {
        if self.rounded.iter().all(|other| other.name != constant.name) {
            self.rounded.push(constant);
        }
    }

    /// Refuses a unit of too many parts.
    pub fn check_parts(&self, call: &Call, count: usize) -> Result<(), ModelError> {
        if count <= MOST_PARTS {
            return Ok(());
        }
        let what =
            format!("{} of {count} entries at once is not supported, of at most {MOST_PARTS} it is", call.operator());
        Err(call.refuse(what))
    }

    /// Takes the entries of a shape off the budget.
    pub fn spend_shape(&mut self, call: &Call, shape: &[usize]) -> Result<(), ModelError> {
        self.spend(&call.name, shape.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim)))
    }

    /// Takes `entries` off the budget; `None` stands for more than can be counted.
    pub fn spend(&mut self, node: &str, entries: Option<usize>) -> Result<(), ModelError> {
        self.entries_left = self.left_of(node, entries)?;
        Ok(())
    }

    /// What would be left of the budget.
    pub fn left_of(&self, node: &str, entries: Option<usize>) -> Result<usize, ModelError> {
        let left = entries.and_then(|entries| self.entries_left.checked_sub(entries));
        left.ok_or_else(|| ModelError::unsupported(&printable(node), "the model's values have too many entries in all"))
    }
}
