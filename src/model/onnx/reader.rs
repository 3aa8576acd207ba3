//! From a file to a graph: opsets, the input and output, and the nodes in order.

use std::collections::{BTreeMap, HashMap, HashSet};

use prost::Message;
use prost::bytes::Bytes;

use super::Imported;
use super::beside::Beside;
use super::call::{Call, Value, kind};
use super::canonical;
use super::declared::{self, Input, input_shape};
use super::dispatch::{import, knows};
use super::ends::End;
use super::fold::fold;
use super::importer::Importer;
use super::kinds::Kind;
use super::ml::gives_label;
use super::names::{label, name_of, printable};
use super::outline::Outline;
use super::proto::{self, EntryProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use super::stored::check_texts;
use super::turned;
use super::versions::check_versions;
use crate::model::live::live;
use crate::model::merged::merged;
use crate::model::{Graph, ModelError};

/// Reads an ONNX model from memory. Tensors that are stored in other files are refused: [`read`](super::read) finds them.
///
/// # Errors
/// When the bytes are not an ONNX model, or it uses something that is not supported.
pub fn decode(bytes: &[u8]) -> Result<Graph, ModelError> {
    let outline = Outline::read(bytes).map_err(|error| ModelError::Decode(error.to_string()))?;
    let imported = graph_of(outline, &Beside::nothing(), None)?;
    match &imported.rounded[..] {
        [] => Ok(imported.graph),
        rounded => decode(&fold(bytes, &Beside::nothing(), rounded)?.bytes),
    }
}

pub(super) fn graph_of(
    Outline { bytes, words }: Outline,
    beside: &Beside,
    output: Option<&str>,
) -> Result<Imported, ModelError> {
    if bytes.is_empty() {
        return Err(ModelError::Decode("it is empty".into()));
    }
    canonical::check(&bytes).map_err(ModelError::Decode)?;
    let model = ModelProto::decode(Bytes::from(bytes)).map_err(|error| ModelError::Decode(error.to_string()))?;
    let versions = check_versions(&model)?;
    let Some(graph) = &model.graph else {
        return Err(ModelError::Decode("it has no graph".into()));
    };
    if graph.node.is_empty() {
        return Err(ModelError::Model("the graph has no nodes".into()));
    }
    let mut reader = Reader::new(graph, beside, versions, output)?;
    let name = |index: usize| graph.initializer[index].name.as_deref().unwrap_or("");
    reader.words = words.into_iter().map(|(index, words)| (name(index), words)).collect();
    let entry = |entry: &EntryProto| (entry.key.clone().unwrap_or_default(), entry.value.clone().unwrap_or_default());
    let metadata = model.metadata_props.iter().map(entry).collect();
    Ok(Imported { metadata, ..reader.run(graph)? })
}

/// A file's nodes in order, and what every name in it stands for.
struct Reader<'m> {
    importer: Importer<'m>,
    /// The version of the format.
    format: i64,
    /// Whether the output is another value than the user or the file alone names.
    is_found: bool,
    values: HashMap<&'m str, (Value, Kind)>,
    initializers: HashMap<&'m str, &'m TensorProto>,
    /// The raw data of those that are large and not read yet.
    words: HashMap<&'m str, Vec<u32>>,
}

impl<'m> Reader<'m> {
    fn new(
        graph: &'m GraphProto,
        beside: &'m Beside,
        (format, opset): (i64, i64),
        output: Option<&str>,
    ) -> Result<Self, ModelError> {
        let mut initializers = HashMap::new();
        for tensor in &graph.initializer {
            let name = tensor.name.as_deref().unwrap_or("");
            if name.is_empty() || initializers.insert(name, tensor).is_some() {
                return Err(ModelError::tensor(name, "has no name of its own"));
            }
        }
        if let Some(input) = graph.input.iter().find(|input| input.r#type.is_none()) {
            return Err(ModelError::Model(format!("input `{}` has no type", printable(name_of(input)))));
        }
        // An initialiser that is an input too, as it had to be before version 4 of the format, is a constant.
        if format < 4 {
            let inputs: HashSet<&str> = graph.input.iter().map(name_of).collect();
            if let Some(name) = initializers.keys().find(|&name| !inputs.contains(name)) {
                return Err(ModelError::tensor(name, "is no input, as it must be in IR version 3"));
            }
        }
        let inputs = graph.input.iter().filter(|input| !initializers.contains_key(name_of(input)));
        let input = the_only("input", inputs)?;
        let Input { kind, shape, fixed_batch, has_batch } = input_shape(input)?;
        let info = chosen(graph, output)?;
        let (asked, output) = (output.is_some() || graph.output.len() == 1, scores(graph, name_of(info)));
        let is_found = !asked || output != name_of(info);
        let mut importer = Importer::new(name_of(input), &shape, output, beside)?;
        (importer.fixed_batch, importer.has_batch, importer.opset) = (fixed_batch, has_batch, opset);
        let values = HashMap::from([(name_of(input), (Value::Node(0), kind))]);
        Ok(Reader { importer, format, is_found, values, initializers, words: HashMap::new() })
    }

    fn run(mut self, graph: &'m GraphProto) -> Result<Imported, ModelError> {
        self.check_names(graph)?;
        let name = self.importer.output;
        check_stored(graph, &self.initializers, self.format)?;
        let inputs = |(index, node): (usize, &'m NodeProto)| node.input.iter().map(move |name| (name.as_str(), index));
        let last: HashMap<&str, usize> = graph.node.iter().enumerate().flat_map(inputs).collect();
        let skipped = skipped(graph, name);
        for (index, node) in graph.node.iter().enumerate().filter(|(index, _)| !skipped[*index]) {
            self.import(graph, index, node)?;
            node.input.iter().filter(|name| last[name.as_str()] == index).for_each(|name| self.forget(name));
        }
        for tensor in &graph.initializer {
            let name = tensor.name.as_deref().unwrap_or("");
            // Runtimes read those that nothing uses, too.
            if tensor.data_type == Some(proto::STRING) {
                check_texts(tensor)?;
            } else if !self.values.contains_key(name) {
                self.load(name, tensor)?;
                self.forget(name);
            }
        }
        self.check_declared(graph)?;
        let shown = printable(name);
        match self.values.get(name) {
            Some(&(Value::Node(id), _)) => {
                let end = self.importer.ends.get(&id).copied();
                let mut notes = std::mem::take(&mut self.importer.notes);
                notes.extend(end.map(|end| end.note(&shown)));
                if !self.importer.has_batch {
                    notes.push("the model has no batch axis: it computes one sample".into());
                }
                if self.is_found {
                    notes.insert(0, format!("`{shown}` holds the scores that are read as its output"));
                }
                let is_odds = match self.importer.graph.node(id).size() {
                    1 => true,
                    2 => end != Some(End::Sigmoid),
                    _ => false,
                };
                self.importer.graph.set_output(id);
                let (graph, rounded) = (live(merged(self.importer.graph)?)?, self.importer.rounded);
                Ok(Imported { graph, notes, is_odds, metadata: BTreeMap::new(), rounded })
            }
            Some((other, _)) => Err(ModelError::Model(format!("the output `{shown}` is {}", kind(other)))),
            None if self.initializers.contains_key(name) => {
                Err(ModelError::Model(format!("the output `{shown}` is a constant")))
            }
            None => Err(ModelError::Model(format!("no node computes the output `{shown}`"))),
        }
    }

    /// What the file says of inputs, outputs and other values is so.
    fn check_declared(&mut self, graph: &'m GraphProto) -> Result<(), ModelError> {
        let mut axes = HashMap::new();
        for info in graph.input.iter().chain(&graph.value_info).chain(&graph.output) {
            let name = name_of(info);
            let Some(value) = self.values.get(name) else { continue };
            if name == self.importer.output && self.importer.open_output {
                declared::check_kind(info, value.1)?;
            } else {
                declared::check(info, value, &self.importer, &mut axes)?;
            }
        }
        Ok(())
    }

    /// Every value has one source, and every node a name of its own, if any.
    fn check_names(&self, graph: &'m GraphProto) -> Result<(), ModelError> {
        let mut seen: HashSet<&str> = self.values.keys().copied().chain(self.initializers.keys().copied()).collect();
        let mut labels = HashSet::new();
        for (index, node) in graph.node.iter().enumerate() {
            if node.name.as_deref().is_some_and(|name| !name.is_empty() && !labels.insert(name)) {
                return Err(ModelError::unsupported(&label(node, index), "another node has the same name"));
            }
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
        if !is_standard(node) {
            let what = format!(
                "operator {operator} of domain `{}` is not supported; {}",
                printable(node.domain.as_deref().unwrap_or("")),
                "export the model without fusing its operators; `underplane operators` lists what is read"
            );
            return Err(ModelError::unsupported(&name, what));
        }
        let mut inputs = Vec::with_capacity(node.input.len());
        for input in &node.input {
            inputs.push(if input.is_empty() { None } else { Some(self.lookup(graph, &name, input)?) });
        }
        if node.overload.as_deref().is_some_and(|overload| !overload.is_empty()) {
            return Err(ModelError::unsupported(&name, format!("an overload of {operator} is not supported")));
        }
        if node.output.first().is_none_or(String::is_empty) {
            return Err(ModelError::shape(&name, "a first output", "none"));
        }
        let values = import(&mut self.importer, &Call::new(name.clone(), node, inputs))?;
        let of_turned = || node.input.iter().any(|of| self.importer.turned.contains(of.as_str()));
        if operator == "Transpose" || (turned::passes(&operator) && of_turned()) {
            self.importer.turned.extend(node.output.iter().map(String::as_str));
        }
        let named = node.output.iter().zip(values).filter(|(output, _)| !output.is_empty());
        self.values.extend(named.filter_map(|(output, value)| Some((output.as_str(), value?))));
        Ok(())
    }

    fn lookup(&mut self, graph: &GraphProto, node: &str, name: &'m str) -> Result<(Value, Kind), ModelError> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        if let Some(&tensor) = self.initializers.get(name) {
            return self.load(name, tensor);
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

    /// An initialiser.
    fn load(&mut self, name: &'m str, tensor: &TensorProto) -> Result<(Value, Kind), ModelError> {
        let value = self.importer.load(tensor, self.words.remove(name))?;
        let kind = tensor.data_type.and_then(Kind::of).ok_or_else(|| ModelError::tensor(name, "has no type"))?;
        self.values.insert(name, (value.clone(), kind));
        Ok((value, kind))
    }

    /// Lets go of a constant's numbers: no node reads them any more. Its shape stays.
    fn forget(&mut self, name: &str) {
        if let Some((Value::Float(tensor), _)) = self.values.get_mut(name) {
            tensor.forget();
        }
    }
}

/// What a Dropout, Squeeze or Unsqueeze has behind its first input is stored in the file, and what a Slice or Pad has there
/// cannot be replaced by who runs the model, as an initialiser that is an input can from version 4 of the format on: runtimes
/// trip over all where they simplify a graph or infer its shapes. So they do over a Clip's bound that a Relu gives, which they
/// take for its operand.
fn check_stored(graph: &GraphProto, initializers: &HashMap<&str, &TensorProto>, format: i64) -> Result<(), ModelError> {
    let operator = |node: &NodeProto| node.op_type.clone().unwrap_or_default();
    let constants = graph.node.iter().filter(|node| operator(node) == "Constant").flat_map(|node| &node.output);
    let constants: HashSet<&str> = constants.map(String::as_str).collect();
    // Inputs that have a value in the file, and what is computed from them.
    let stored = |name: &&str| initializers.contains_key(name);
    let mut inputs: HashSet<&str> = graph.input.iter().filter(|_| format >= 4).map(name_of).filter(stored).collect();
    let mut bent: HashSet<&str> = HashSet::new();
    for (index, node) in graph.node.iter().enumerate() {
        let named = || node.output.iter().map(String::as_str).filter(|name| !name.is_empty());
        if node.input.iter().any(|name| inputs.contains(name.as_str())) {
            inputs.extend(named());
        }
        // Of the other operand of a CastLike only the type counts.
        let counted = if operator(node) == "CastLike" { 1 } else { usize::MAX };
        if operator(node) == "Relu" || node.input.iter().take(counted).any(|name| bent.contains(name.as_str())) {
            bent.extend(named());
        }
        let wrong = |name: &&String| match operator(node).as_str() {
            "Dropout" | "Squeeze" | "Unsqueeze" => {
                !name.is_empty() && !constants.contains(name.as_str()) && !initializers.contains_key(name.as_str())
            }
            "Slice" | "Pad" => inputs.contains(name.as_str()),
            "Clip" => bent.contains(name.as_str()),
            _ => false,
        };
        if let Some(name) = node.input.iter().skip(1).find(wrong) {
            let what = format!(
                "its input `{}` is not stored in the file as a constant, which is not supported",
                printable(name)
            );
            return Err(ModelError::unsupported(&label(node, index), what));
        }
    }
    Ok(())
}

/// The output of this name, or the only one, beside which a classifier's label may stand.
fn chosen<'a>(graph: &'a GraphProto, output: Option<&str>) -> Result<&'a ValueInfoProto, ModelError> {
    let names =
        || graph.output.iter().map(|info| format!("`{}`", printable(name_of(info)))).collect::<Vec<_>>().join(", ");
    let is_label = |info: &&ValueInfoProto| {
        let tensor = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        matches!(tensor.and_then(|tensor| tensor.elem_type), Some(proto::INT64 | proto::STRING))
    };
    let scores: Vec<&ValueInfoProto> = graph.output.iter().filter(|info| !is_label(info)).collect();
    match (output, &graph.output[..]) {
        (None, [_, _, ..]) if scores.len() == 1 => Ok(scores[0]),
        (None, [_, _, ..]) => Err(ModelError::Model(format!(
            "the model has {} outputs: name the one that holds the logit with --output NAME: {}",
            graph.output.len(),
            names()
        ))),
        (None, all) => the_only("output", all.iter()),
        (Some(name), all) => all
            .iter()
            .find(|info| name_of(info) == name)
            .ok_or_else(|| ModelError::Model(format!("expected an output `{}`, found {}", printable(name), names()))),
    }
}

/// The scores that an output holds: those from which a ZipMap makes it.
fn scores<'a>(graph: &'a GraphProto, output: &'a str) -> &'a str {
    let zips = |node: &&NodeProto| {
        let name = (node.domain.as_deref(), node.op_type.as_deref());
        name == (Some("ai.onnx.ml"), Some("ZipMap")) && node.output == [output] && node.input.len() == 1
    };
    graph.node.iter().find(zips).map_or(output, |node| &node.input[0])
}

/// Which nodes say nothing: of operators that are not read, or with operands that such nodes give, where the output does
/// not depend on them. Nor is read what depends on texts, or on the label that a classifier gives.
fn skipped(graph: &GraphProto, output: &str) -> Vec<bool> {
    let nodes = &graph.node;
    let mut needed = HashSet::from([output]);
    let mut is_live = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev() {
        is_live[index] = node.output.iter().any(|name| !name.is_empty() && needed.contains(name.as_str()));
        if is_live[index] {
            needed.extend(node.input.iter().map(String::as_str));
        }
    }
    let texts = graph.initializer.iter().filter(|tensor| tensor.data_type == Some(proto::STRING));
    let classifiers = nodes.iter().filter(|node| node.op_type.as_deref().is_some_and(gives_label));
    let mut unread: HashSet<&str> = texts.filter_map(|tensor| tensor.name.as_deref()).collect();
    unread.extend(classifiers.filter_map(|node| node.output.first()).map(String::as_str));
    let mut all = Vec::with_capacity(nodes.len());
    for (node, is_live) in nodes.iter().zip(is_live) {
        let is_known = is_standard(node) && knows(node.op_type.as_deref().unwrap_or(""));
        let skips = !is_live && (!is_known || node.input.iter().any(|name| unread.contains(name.as_str())));
        if skips {
            unread.extend(node.output.iter().map(String::as_str).filter(|name| !name.is_empty()));
        }
        all.push(skips);
    }
    all
}

fn is_standard(node: &NodeProto) -> bool {
    matches!(node.domain.as_deref().unwrap_or(""), "" | "ai.onnx" | "ai.onnx.ml")
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
