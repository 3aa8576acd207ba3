//! From a file to a graph: opsets, the input and output, and the nodes in order.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use prost::Message;
use prost::bytes::Bytes;

use super::call::{Call, Value, kind};
use super::operators::import;
use super::proto::{self, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use super::stored::{Constant, constant};
use super::tensor::{Tensor, Walk};
use crate::model::live::live;
use crate::model::{Graph, ModelError, NodeId, Op};

/// The oldest operator set that is read.
const OLDEST: i64 = 13;
/// The newest one; a later one might give an operator another meaning.
const NEWEST: i64 = 28;

/// Entries that all nodes and computed constants of a model may have together, beyond [`ENTRIES_PER_WEIGHT`] for each
/// stored weight; keeps a small file with absurd shapes from filling the memory.
const MOST_ENTRIES: usize = 1 << 25;
const ENTRIES_PER_WEIGHT: usize = 8;

/// Reads an ONNX file.
///
/// # Errors
/// When the file cannot be read, is not an ONNX model, or uses something that is not supported; the file's name is in
/// front.
pub fn read(path: &Path) -> Result<Graph, ModelError> {
    let bytes = std::fs::read(path).map_err(|source| ModelError::File { path: path.into(), source })?;
    graph_of(bytes.into(), Some(path.parent().unwrap_or(Path::new("")))).map_err(|error| error.in_file(path))
}

/// Reads an ONNX model from memory. Tensors that are stored in other files are refused: [`read`] finds them.
///
/// # Errors
/// When the bytes are not an ONNX model, or it uses something that is not supported.
pub fn decode(bytes: &[u8]) -> Result<Graph, ModelError> {
    graph_of(Bytes::copy_from_slice(bytes), None)
}

fn graph_of(bytes: Bytes, folder: Option<&Path>) -> Result<Graph, ModelError> {
    if bytes.is_empty() {
        return Err(ModelError::Decode("it is empty".into()));
    }
    let model = ModelProto::decode(bytes).map_err(|error| ModelError::Decode(error.to_string()))?;
    check_opset(&model)?;
    let Some(graph) = &model.graph else {
        return Err(ModelError::Decode("it has no graph".into()));
    };
    if graph.node.is_empty() {
        return Err(ModelError::Model("the graph has no nodes".into()));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(ModelError::Model("sparse initialisers are not supported".into()));
    }
    Importer::new(graph, folder)?.run(graph)
}

fn check_opset(model: &ModelProto) -> Result<(), ModelError> {
    let ours = |domain: Option<&str>| matches!(domain.unwrap_or(""), "" | "ai.onnx");
    let mut versions = model.opset_import.iter().filter(|set| ours(set.domain.as_deref())).map(|set| set.version);
    let Some(version) = versions.next() else {
        return Err(ModelError::Decode("it names no version of the ONNX operators".into()));
    };
    let version = version.unwrap_or(0);
    if versions.any(|other| other != Some(version)) {
        return Err(ModelError::Model("two versions of the ONNX operators are named".into()));
    }
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(ModelError::Model(format!("opset {version} is not supported, {OLDEST} to {NEWEST} are")));
    }
    Ok(())
}

/// The graph under construction, and what every name in the file stands for.
pub(super) struct Importer<'m> {
    /// What is there so far.
    pub graph: Graph,
    /// The batch size, where the file fixes it.
    pub fixed_batch: Option<i64>,
    values: HashMap<&'m str, Value>,
    initializers: HashMap<&'m str, &'m TensorProto>,
    folder: Option<&'m Path>,
    entries_left: usize,
}

impl<'m> Importer<'m> {
    fn new(graph: &'m GraphProto, folder: Option<&'m Path>) -> Result<Self, ModelError> {
        let mut initializers = HashMap::new();
        for tensor in &graph.initializer {
            let name = tensor.name.as_deref().unwrap_or("");
            if name.is_empty() || initializers.insert(name, tensor).is_some() {
                return Err(ModelError::tensor(name, "has no name of its own"));
            }
        }
        let inputs = graph.input.iter().filter(|input| !initializers.contains_key(name_of(input)));
        let input = the_only("input", inputs)?;
        let (shape, fixed_batch) = input_shape(input)?;
        let mut importer = Importer {
            graph: Graph::new(&printable(name_of(input)), &[]),
            fixed_batch,
            values: HashMap::from([(name_of(input), Value::Node(0))]),
            initializers,
            folder,
            entries_left: MOST_ENTRIES,
        };
        let size = shape.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim));
        importer.spend(name_of(input), size)?;
        importer.graph = Graph::new(&printable(name_of(input)), &shape);
        Ok(importer)
    }

    fn run(mut self, graph: &'m GraphProto) -> Result<Graph, ModelError> {
        let output = the_only("output", graph.output.iter())?;
        self.check_names(graph)?;
        let needed = needed(graph, name_of(output));
        for (index, node) in graph.node.iter().enumerate().filter(|&(index, _)| needed[index]) {
            self.import(graph, index, node)?;
        }
        let name = name_of(output);
        let shown = printable(name);
        match self.values.get(name) {
            Some(Value::Node(id)) => {
                self.graph.set_output(*id);
                live(self.graph)
            }
            Some(other) => Err(ModelError::Model(format!("the output `{shown}` is {}", kind(other)))),
            None if self.initializers.contains_key(name) => {
                Err(ModelError::Model(format!("the output `{shown}` is a constant")))
            }
            None => Err(ModelError::Model(format!("no node computes the output `{shown}`"))),
        }
    }

    /// Every value has one source.
    fn check_names(&self, graph: &'m GraphProto) -> Result<(), ModelError> {
        let mut seen: HashSet<&str> = self.values.keys().copied().chain(self.initializers.keys().copied()).collect();
        for (index, node) in graph.node.iter().enumerate() {
            for name in node.output.iter().filter(|name| !name.is_empty()) {
                if !seen.insert(name) {
                    let what = format!("the value `{}` is computed twice", printable(name));
                    return Err(ModelError::unsupported(&label(node, index), what));
                }
            }
        }
        Ok(())
    }

    fn import(&mut self, graph: &GraphProto, index: usize, node: &'m NodeProto) -> Result<(), ModelError> {
        let name = label(node, index);
        let operator = printable(node.op_type.as_deref().unwrap_or(""));
        match node.domain.as_deref().unwrap_or("") {
            "" | "ai.onnx" => {}
            domain => {
                let what = format!("operator {operator} of domain `{}` is not supported", printable(domain));
                return Err(ModelError::unsupported(&name, what));
            }
        }
        let mut inputs = Vec::with_capacity(node.input.len());
        for input in &node.input {
            inputs.push(if input.is_empty() { None } else { Some(self.lookup(graph, &name, input)?) });
        }
        let value = import(self, &Call::new(name.clone(), node, inputs))?;
        match node.output.first().filter(|output| !output.is_empty()) {
            Some(output) => {
                self.values.insert(output, value);
                Ok(())
            }
            None => Err(ModelError::shape(&name, "a first output", "none")),
        }
    }

    fn lookup(&mut self, graph: &GraphProto, node: &str, name: &'m str) -> Result<Value, ModelError> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        if let Some(tensor) = self.initializers.get(name) {
            let value = match constant(tensor, self.folder)? {
                Constant::Float(tensor) => {
                    let credit = tensor.len().saturating_mul(ENTRIES_PER_WEIGHT);
                    self.entries_left = self.entries_left.saturating_add(credit);
                    Value::Float(tensor)
                }
                Constant::Int(ints) => Value::Int(ints),
            };
            self.values.insert(name, value.clone());
            return Ok(value);
        }
        let shown = printable(name);
        let mut producers = graph.node.iter().filter(|other| other.output.iter().any(|output| output == name));
        let what = match producers.next() {
            Some(other) if other.output.first().is_some_and(|first| first == name) => {
                format!("reads `{shown}` before it is computed (nodes must be in evaluation order, without cycles)")
            }
            Some(_) => format!("reads `{shown}`, a further output of its node, which is not supported"),
            None => format!("reads `{shown}`, which nothing in the model provides"),
        };
        Err(ModelError::unsupported(node, what))
    }

    /// A constant of an attribute.
    pub fn stored(&self, call: &Call, tensor: &TensorProto) -> Result<Value, ModelError> {
        let named = TensorProto { name: Some(call.name.clone()), ..tensor.clone() };
        Ok(match constant(&named, self.folder)? {
            Constant::Float(tensor) => Value::Float(tensor),
            Constant::Int(ints) => Value::Int(ints),
        })
    }

    /// Appends a node.
    pub fn push(&mut self, call: &Call, op: Op, inputs: &[NodeId]) -> Result<NodeId, ModelError> {
        let size = match &op {
            Op::Dense(dense) => Some(dense.rows),
            Op::Concat { .. } => {
                inputs.iter().try_fold(0usize, |size, &id| size.checked_add(self.graph.node(id).size()))
            }
            Op::Constant(values) => Some(values.len()),
            _ => Some(self.graph.node(inputs[0]).size()),
        };
        self.spend(&call.name, size)?;
        self.graph.push(&call.name, op, inputs)
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

    /// Takes the entries of a shape off the budget.
    pub fn spend_shape(&mut self, call: &Call, shape: &[usize]) -> Result<(), ModelError> {
        self.spend(&call.name, shape.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim)))
    }

    /// Takes `entries` off the budget; `None` stands for more than can be counted.
    pub fn spend(&mut self, node: &str, entries: Option<usize>) -> Result<(), ModelError> {
        match entries.and_then(|entries| self.entries_left.checked_sub(entries)) {
            Some(left) => {
                self.entries_left = left;
                Ok(())
            }
            None => Err(ModelError::unsupported(&printable(node), "the model's values have too many entries in all")),
        }
    }
}

/// The nodes that the output depends on.
fn needed(graph: &GraphProto, output: &str) -> Vec<bool> {
    let producers: HashMap<&str, usize> = (graph.node.iter().enumerate())
        .flat_map(|(index, node)| node.output.iter().map(move |name| (name.as_str(), index)))
        .collect();
    let mut needed = vec![false; graph.node.len()];
    let mut open: Vec<usize> = producers.get(output).copied().into_iter().collect();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut needed[index], true) {
            open.extend(graph.node[index].input.iter().filter_map(|name| producers.get(name.as_str())));
        }
    }
    needed
}

fn the_only<'a>(what: &str, found: impl Iterator<Item = &'a ValueInfoProto>) -> Result<&'a ValueInfoProto, ModelError> {
    let found: Vec<_> = found.collect();
    match found[..] {
        [one] => Ok(one),
        _ => {
            let names: Vec<String> = found.iter().map(|info| printable(name_of(info))).collect();
            Err(ModelError::Model(format!("expected one {what}, found {}: {}", found.len(), names.join(", "))))
        }
    }
}

fn input_shape(input: &ValueInfoProto) -> Result<(Vec<usize>, Option<i64>), ModelError> {
    let name = printable(name_of(input));
    let fail = |what: String| ModelError::Model(format!("input `{name}`: {what}"));
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| fail("expected a tensor".into()))?;
    match tensor.elem_type.unwrap_or(0) {
        proto::FLOAT => {}
        proto::DOUBLE => {
            return Err(fail("expected float32, found float64: convert the model before its export".into()));
        }
        proto::FLOAT16 => {
            return Err(fail("expected float32, found float16: convert the model before its export".into()));
        }
        other => return Err(fail(format!("expected float32 (data type 1), found data type {other}"))),
    }
    let dims = &tensor.shape.as_ref().ok_or_else(|| fail("has no shape".into()))?.dim;
    let [batch, rest @ ..] = &dims[..] else {
        return Err(fail("expected the shape [N, …], found []".into()));
    };
    if rest.is_empty() {
        return Err(fail("expected the shape [N, …] with a batch axis in front, found one axis".into()));
    }
    if dims.iter().any(|dim| dim.dim_value.is_some() && dim.dim_param.is_some()) {
        return Err(fail("an axis has both a size and a name".into()));
    }
    let fixed_batch = batch.dim_value;
    if fixed_batch.is_some_and(|size| size < 1) {
        return Err(fail(format!("the batch axis has size {}", fixed_batch.unwrap_or(0))));
    }
    let mut shape = vec![];
    for (axis, dim) in rest.iter().enumerate() {
        match dim.dim_value {
            Some(size) if size >= 1 => {
                shape.push(usize::try_from(size).map_err(|_| fail(format!("axis {} has size {size}", axis + 1)))?);
            }
            Some(size) => return Err(fail(format!("axis {} has size {size}", axis + 1))),
            None => return Err(fail(format!("axis {} has no fixed size (only the first may)", axis + 1))),
        }
    }
    Ok((shape, fixed_batch))
}

fn name_of(info: &ValueInfoProto) -> &str {
    info.name.as_deref().unwrap_or("")
}

/// What messages call a node: its name, or where it is.
fn label(node: &NodeProto, index: usize) -> String {
    match node.name.as_deref() {
        Some(name) if !name.is_empty() => printable(name),
        _ => match node.output.first() {
            Some(output) if !output.is_empty() => printable(output),
            _ => format!("node {index}"),
        },
    }
}

/// Text from a file without control characters.
fn printable(text: &str) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text.into() }
}
