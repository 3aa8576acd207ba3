//! ONNX files, read by the kernel's own code: the file's structure. What each operator means is in `operators`.

use super::budget;
use super::class::Class;
use super::exact::Float;
use super::graph::{Graph, Op};
use super::layer::Layer;
use super::operators::apply;
use super::protobuf::{Wire, fields};
use super::rejection::{Code, Rejection};
use super::tensor::{Entries, Tensor};
use std::collections::HashMap;

/// What a name in the file stands for.
#[derive(Clone, Debug)]
pub enum Value {
    /// A node of the graph.
    Node(usize),
    /// A float constant.
    Floats(Vec<usize>, Vec<Float>),
    /// An integer constant of at most one axis; `None` is the batch size.
    Integers(Vec<usize>, Vec<Option<i64>>),
}

/// One operation of the file.
#[derive(Debug, Default)]
pub struct Call<'a> {
    /// Operator.
    pub operator: &'a str,
    /// First output: the node's name everywhere.
    pub name: &'a str,
    /// The node's own name, where it has one: for whoever reads the file otherwise.
    pub label: &'a str,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    attributes: HashMap<&'a str, Attribute<'a>>,
    domain: &'a str,
}

#[derive(Debug, Default)]
struct Attribute<'a> {
    name: &'a str,
    float: Option<u32>,
    integer: Option<i64>,
    tensor: Option<&'a [u8]>,
    words: Vec<u32>,
    integers: Vec<i64>,
}

/// Reads a model file into the graph of f for `class`.
pub fn read(bytes: &[u8], class: Class) -> Result<Graph, Rejection> {
    budget::within("model file", "bytes", bytes.len() as u64, budget::MODEL_BYTES)?;
    let (mut graph, mut opset) = (None, None);
    for field in fields(bytes) {
        match field? {
            (7, wire) if graph.is_none() => graph = Some(wire.bytes()?),
            (7, _) => return Err(malformed("file", "one graph", "two")),
            (8, wire) => opset = standard_opset(wire.bytes()?)?.or(opset),
            _ => {}
        }
    }
    let opset = opset.ok_or_else(|| malformed("file", "a version of the operators", "none"))?;
    if !(13..=28).contains(&opset) {
        return Err(Rejection::new(Code::Unsupported, "file", "operators of version 13 to 28", opset.to_string()));
    }
    File::read(graph.ok_or_else(|| malformed("file", "a graph", "none"))?)?.graph(class)
}

/// The version of the standard operators, if this entry is about them.
fn standard_opset(bytes: &[u8]) -> Result<Option<i64>, Rejection> {
    let (mut domain, mut version) = ("", 0);
    for field in fields(bytes) {
        match field? {
            (1, wire) => domain = wire.text()?,
            (2, wire) => version = wire.integer()?,
            _ => {}
        }
    }
    Ok(matches!(domain, "" | "ai.onnx").then_some(version))
}

/// The parts of a GraphProto.
#[derive(Default)]
struct File<'a> {
    calls: Vec<Call<'a>>,
    constants: HashMap<String, Value>,
    inputs: Vec<(&'a str, Vec<Option<i64>>, i64)>,
    outputs: Vec<&'a str>,
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Result<File<'a>, Rejection> {
        let mut file = File::default();
        for field in fields(bytes) {
            match field? {
                (1, wire) => {
                    budget::within("model", "nodes", file.calls.len() as u64 + 1, budget::NODES)?;
                    file.calls.push(Call::read(wire.bytes()?)?);
                }
                (5, wire) => {
                    let tensor = Tensor::read(wire.bytes()?)?;
                    let name = tensor.name.clone();
                    if file.constants.insert(name.clone(), tensor.into()).is_some() {
                        return Err(malformed(&name, "one constant of a name", "two"));
                    }
                }
                (11, wire) => file.inputs.push(value_info(wire.bytes()?)?),
                (12, wire) => file.outputs.push(value_info(wire.bytes()?)?.0),
                (15, _) => return Err(Rejection::new(Code::Unsupported, "graph", "dense constants", "a sparse one")),
                _ => {}
            }
        }
        file.inputs.retain(|(name, ..)| !file.constants.contains_key(*name));
        Ok(file)
    }

    fn graph(self, class: Class) -> Result<Graph, Rejection> {
        let [(input, dims, kind)] = &self.inputs[..] else {
            return Err(malformed("graph", "one input", &self.inputs.len().to_string()));
        };
        if *kind != 1 {
            return Err(Rejection::new(Code::Unsupported, *input, "float32", format!("type {kind}")));
        }
        let shape = dims.iter().skip(1).map(|d| d.and_then(|d| usize::try_from(d).ok())).collect::<Option<Vec<_>>>();
        let Some(shape) = shape.filter(|_| !dims.is_empty()) else {
            return Err(Rejection::new(Code::Unsupported, *input, "fixed sizes after the batch", format!("{dims:?}")));
        };
        let mut graph = Graph::new(input, dims[0], shape)?;
        let mut values = self.constants;
        if values.insert((*input).into(), Value::Node(0)).is_some() {
            return Err(malformed(input, "one value of a name", "two"));
        }
        for call in &self.calls {
            let value = apply(&mut graph, call, &values)?;
            if values.insert(call.name.into(), value).is_some() {
                return Err(malformed(call.name, "one value of a name", "two"));
            }
        }
        let [output] = self.outputs[..] else {
            return Err(malformed("graph", "one output", &self.outputs.len().to_string()));
        };
        let Some(Value::Node(output)) = values.get(output) else {
            return Err(malformed(output, "an output that depends on the input", "none"));
        };
        finish(graph, *output, class)
    }
}

/// Makes the logit of `class` the last node.
fn finish(mut graph: Graph, output: usize, class: Class) -> Result<Graph, Rejection> {
    let name = graph.nodes[output].name.clone();
    let size = graph.nodes[output].size();
    let minus = Float::ONE.negated();
    let weights = match (class, size) {
        (Class::Positive, 1) => vec![Float::ONE],
        (Class::Negative, 1) => vec![minus],
        (Class::Index(0), 2) => vec![Float::ONE, minus],
        (Class::Index(1), 2) => vec![minus, Float::ONE],
        (Class::Index(_), _) => return Err(Rejection::new(Code::ShapeMismatch, name, "two outputs", size.to_string())),
        _ => return Err(Rejection::new(Code::ShapeMismatch, name, "one output", size.to_string())),
    };
    graph.prune(output);
    let last = graph.output();
    if class != Class::Positive {
        graph.push("", Op::Layer(Layer::new(1, size, &weights)), vec![last], vec![1])?;
    }
    Ok(graph)
}

/// Name, sizes (`None` where symbolic) and element type.
fn value_info(bytes: &[u8]) -> Result<(&str, Vec<Option<i64>>, i64), Rejection> {
    let (mut name, mut dims, mut kind) = ("", Vec::new(), 0);
    for field in fields(bytes) {
        match field? {
            (1, wire) => name = wire.text()?,
            (2, wire) => {
                for field in fields(wire.bytes()?) {
                    if let (1, tensor) = field? {
                        (dims, kind) = tensor_type(tensor.bytes()?)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok((name, dims, kind))
}

fn tensor_type(bytes: &[u8]) -> Result<(Vec<Option<i64>>, i64), Rejection> {
    let (mut dims, mut kind) = (Vec::new(), 0);
    for field in fields(bytes) {
        match field? {
            (1, wire) => kind = wire.integer()?,
            (2, wire) => {
                for field in fields(wire.bytes()?) {
                    let (1, dim) = field? else { continue };
                    let mut size = None;
                    for field in fields(dim.bytes()?) {
                        if let (1, value) = field? {
                            size = Some(value.integer()?);
                        }
                    }
                    dims.push(size);
                }
            }
            _ => {}
        }
    }
    Ok((dims, kind))
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Value {
        match tensor.entries {
            Entries::Floats(floats) => Value::Floats(tensor.dims, floats),
            Entries::Integers(integers) => Value::Integers(tensor.dims, integers.into_iter().map(Some).collect()),
        }
    }
}

impl<'a> Call<'a> {
    fn read(bytes: &'a [u8]) -> Result<Call<'a>, Rejection> {
        let mut call = Call::default();
        for field in fields(bytes) {
            match field? {
                (1, wire) => call.inputs.push(wire.text()?),
                (2, wire) => call.outputs.push(wire.text()?),
                (3, wire) => call.label = wire.text()?,
                (4, wire) => call.operator = wire.text()?,
                (5, wire) => {
                    let attribute = Attribute::read(wire.bytes()?)?;
                    let name = attribute.name;
                    if call.attributes.insert(name, attribute).is_some() {
                        return Err(malformed(name, "one attribute of a name", "two"));
                    }
                }
                (7, wire) => call.domain = wire.text()?,
                _ => {}
            }
        }
        call.name = call.outputs.first().copied().unwrap_or("");
        if call.name.is_empty() {
            return Err(malformed(call.operator, "a named output", "none"));
        }
        if !matches!(call.domain, "" | "ai.onnx") {
            return Err(call.refuse(
                Code::Unsupported,
                "a standard operator",
                format!("{}.{}", call.domain, call.operator),
            ));
        }
        Ok(call)
    }

    /// A refusal at this node.
    pub fn refuse(&self, code: Code, expected: &str, found: impl Into<String>) -> Rejection {
        Rejection::new(code, format!("{} `{}`", self.operator, self.name.escape_debug()), expected, found)
    }

    /// Number of inputs, absent ones included.
    pub fn arity(&self) -> usize {
        self.inputs.len()
    }

    /// Input `k`, if there is one.
    pub fn optional<'v>(&self, k: usize, values: &'v HashMap<String, Value>) -> Result<Option<&'v Value>, Rejection> {
        match self.inputs.get(k).filter(|name| !name.is_empty()) {
            None => Ok(None),
            Some(&name) => match values.get(name) {
                Some(value) => Ok(Some(value)),
                None => Err(self.refuse(Code::MalformedModel, "inputs that earlier nodes give", format!("`{name}`"))),
            },
        }
    }

    /// Input `k`.
    pub fn input<'v>(&self, k: usize, values: &'v HashMap<String, Value>) -> Result<&'v Value, Rejection> {
        let missing = || self.refuse(Code::MalformedModel, &format!("an input {k}"), "none");
        self.optional(k, values)?.ok_or_else(missing)
    }

    /// Refuses attributes outside `known`.
    pub fn allow(&self, known: &[&str]) -> Result<(), Rejection> {
        match self.attributes.keys().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => Err(self.refuse(Code::Unsupported, &format!("attributes {known:?}"), format!("`{name}`"))),
        }
    }

    /// An integer attribute.
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attributes.get(name).map_or(default, |a| a.integer.unwrap_or(0))
    }

    /// A float attribute; `default` as bits.
    pub fn float(&self, name: &str, default: u32) -> Result<Float, Rejection> {
        let bits = self.attributes.get(name).map_or(default, |a| a.float.unwrap_or(0));
        Float::binary32(bits)
            .ok_or_else(|| self.refuse(Code::NotFinite, &format!("a finite {name}"), "NaN or infinity"))
    }

    /// An attribute of integers.
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        self.attributes.get(name).map(|a| a.integers.as_slice())
    }

    /// What a Constant holds.
    pub fn constant(&self) -> Result<Value, Rejection> {
        let floats = |words: &[u32]| words.iter().map(|&bits| Float::binary32(bits)).collect::<Option<Vec<_>>>();
        let finite = || self.refuse(Code::NotFinite, "finite numbers", "NaN or infinity");
        let get = |name| self.attributes.get(name);
        if let Some(bytes) = get("value").and_then(|a| a.tensor) {
            return Ok(Tensor::read(bytes)?.into());
        }
        if let Some(attribute) = get("value_float") {
            let value = floats(&[attribute.float.unwrap_or(0)]).ok_or_else(finite)?;
            return Ok(Value::Floats(vec![], value));
        }
        if let Some(attribute) = get("value_floats") {
            return Ok(Value::Floats(vec![attribute.words.len()], floats(&attribute.words).ok_or_else(finite)?));
        }
        if let Some(attribute) = get("value_int") {
            return Ok(Value::Integers(vec![], vec![Some(attribute.integer.unwrap_or(0))]));
        }
        if let Some(attribute) = get("value_ints") {
            let values = attribute.integers.iter().copied().map(Some).collect();
            return Ok(Value::Integers(vec![attribute.integers.len()], values));
        }
        Err(self.refuse(Code::Unsupported, "a tensor, number or list", "another constant"))
    }
}

impl<'a> Attribute<'a> {
    fn read(bytes: &'a [u8]) -> Result<Attribute<'a>, Rejection> {
        let mut attribute = Attribute::default();
        for field in fields(bytes) {
            match field? {
                (1, wire) => attribute.name = wire.text()?,
                (2, Wire::Fixed32(bits)) => attribute.float = Some(bits),
                (3, wire) => attribute.integer = Some(wire.integer()?),
                (5, wire) => attribute.tensor = Some(wire.bytes()?),
                (7, wire) => wire.words(&mut attribute.words)?,
                (8, wire) => wire.integers(&mut attribute.integers)?,
                (21, _) => return Err(malformed(attribute.name, "a value", "a reference to a function's attribute")),
                _ => {}
            }
        }
        Ok(attribute)
    }
}

fn malformed(place: &str, expected: &str, found: &str) -> Rejection {
    Rejection::new(Code::MalformedModel, place.escape_debug().to_string(), expected, found)
}
