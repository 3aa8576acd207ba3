//! One node of the file with its inputs looked up: what an operator's import sees.

mod given;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::attributes::Attribute;
use super::kinds::Kind;
use super::proto::{self, AttributeProto, NodeProto};
use super::tensor::{Dim, Ints, Tensor};
use crate::model::{ModelError, NodeId};

/// What a name in the file stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A node of the graph; its full shape is the batch axis and then the node's shape.
    Node(NodeId),
    /// A float constant.
    Float(Tensor),
    /// An integer constant.
    Int(Ints),
    /// Whether the first of two values is the larger one, entry by entry; what it says where they are equal is left open.
    Larger(Box<Comparison>),
    /// A node whose batch axis stands behind so many others of its axes.
    Moved(NodeId, usize),
    /// A node without its batch axis, where a batch is of one sample.
    Sample(NodeId),
    /// Values of one type under one name.
    Sequence(Vec<Value>),
    /// More than every number, or less.
    Infinite(Sign),
    /// Whether something holds that no finite number changes, and the shape without the batch axis.
    Fixed(bool, Vec<usize>),
    /// A value where the first of the two that are compared is the larger one, 0 elsewhere.
    Masked(Box<Comparison>, Box<Value>),
    /// A node whose first axis is joined with the batch.
    Joined(NodeId),
    /// One integer for every sample.
    Each(i64),
    /// A multiple of the exponential of a node, plus a number.
    Exponential(Exponential),
}

/// factor·e^node + offset.
#[derive(Clone, Debug)]
pub(super) struct Exponential {
    pub of: NodeId,
    pub factor: f64,
    pub offset: f64,
}

/// Which end of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    /// That of an infinite number.
    pub fn of(value: f64) -> Option<Sign> {
        match value {
            f64::INFINITY => Some(Sign::Plus),
            f64::NEG_INFINITY => Some(Sign::Minus),
            _ => None,
        }
    }
}

impl Value {
    /// A node whose batch axis stands behind so many others.
    pub fn at(node: NodeId, batch: usize) -> Value {
        if batch == 0 { Value::Node(node) } else { Value::Moved(node, batch) }
    }

    /// A node, and behind how many axes its batch axis stands.
    pub fn placed(&self) -> Option<(NodeId, usize)> {
        match self {
            Value::Node(node) => Some((*node, 0)),
            Value::Moved(node, batch) => Some((*node, *batch)),
            _ => None,
        }
    }
}

/// Two values, and their common shape without the batch axis.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// The one that is asked to be larger, and the other one.
    pub of: [Value; 2],
    /// Of a sample.
    pub shape: Vec<usize>,
}

/// A node of the file.
#[derive(Clone)]
pub(super) struct Call<'a> {
    /// The name that messages use.
    pub name: String,
    node: &'a NodeProto,
    inputs: Vec<Option<(Value, Kind)>>,
    /// What stands in the place of the attribute `axis`.
    axis: Option<i64>,
}

impl<'a> Call<'a> {
    /// The node and its inputs (`None` for one that is left out).
    pub fn new(name: String, node: &'a NodeProto, inputs: Vec<Option<(Value, Kind)>>) -> Self {
        Call { name, node, inputs, axis: None }
    }

    /// The operator's name.
    pub fn operator(&self) -> &str {
        self.node.op_type.as_deref().unwrap_or("")
    }

    /// Whether the operator is one of the domain ai.onnx.ml.
    pub fn of_ml(&self) -> bool {
        self.node.domain.as_deref() == Some("ai.onnx.ml")
    }

    /// Something that is not supported, at this node.
    pub fn refuse(&self, what: impl Into<String>) -> ModelError {
        ModelError::unsupported(&self.name, what)
    }

    /// A misfit, at this node.
    pub fn misfit(&self, expected: impl Into<String>, found: impl Into<String>) -> ModelError {
        ModelError::shape(&self.name, expected, found)
    }

    /// Checks the number of inputs and outputs, and that there are no attributes but `attributes` of the version `opset`,
    /// each once and of its type. What is an input in later versions is one of the result.
    pub fn checked(
        &self,
        inputs: RangeInclusive<usize>,
        outputs: usize,
        attributes: &[Attribute],
        opset: i64,
    ) -> Result<Cow<'_, Self>, ModelError> {
        let operator = self.operator();
        self.check_attributes(attributes, opset)?;
        let first = attributes.iter().filter_map(|attribute| attribute.stands_for(opset)).min();
        if let Some(first) = first.filter(|&first| self.inputs.len() > first) {
            let expected = format!("at most {first} inputs for {operator} in opset {opset}");
            return Err(self.misfit(expected, format!("{}", self.inputs.len())));
        }
        let call = if first.is_none() { Cow::Borrowed(self) } else { Cow::Owned(self.newest(attributes, opset)?) };
        if !inputs.contains(&call.inputs.len()) {
            let (least, most) = (inputs.start(), inputs.end());
            let expected = match (least, most) {
                (least, &usize::MAX) => format!("at least {least} inputs for {operator}"),
                (least, most) if least == most => format!("{least} inputs for {operator}"),
                (least, most) => format!("{least} to {most} inputs for {operator}"),
            };
            return Err(self.misfit(expected, format!("{}", call.inputs.len())));
        }
        if let Some(absent) = call.inputs[..*inputs.start()].iter().position(Option::is_none) {
            return Err(self.misfit(format!("an input {absent} of {operator}"), "an input that is left out"));
        }
        if self.node.output.len() > outputs {
            let what = format!("{operator} with {} outputs is not supported", self.node.output.len());
            return Err(self.refuse(what));
        }
        Ok(call)
    }

    fn check_attributes(&self, attributes: &[Attribute], opset: i64) -> Result<(), ModelError> {
        let operator = self.operator();
        for (index, attribute) in self.node.attribute.iter().enumerate() {
            let name = attribute.name.as_deref().unwrap_or("");
            let shown = name.escape_debug();
            let Some(known) = attributes.iter().find(|known| known.name == name) else {
                return Err(self.refuse(format!("attribute `{shown}` of {operator} is not supported")));
            };
            if !known.is_of(opset) {
                return Err(self.refuse(format!("attribute `{shown}` of {operator} is not one of opset {opset}")));
            }
            if self.node.attribute[..index].iter().any(|other| other.name.as_deref() == Some(name)) {
                return Err(self.refuse(format!("attribute `{name}` is given twice")));
            }
            if attribute.ref_attr_name.is_some() {
                return Err(self.refuse(format!("attribute `{name}` refers to a function's attribute")));
            }
            let found = attribute.r#type.unwrap_or(0);
            if found != known.kind || values_of(attribute).any(|kind| kind != known.kind) {
                return Err(self.misfit(format!("another type of attribute `{name}`"), format!("type {found}")));
            }
        }
        Ok(())
    }

    /// The node as later versions write it: with attributes as the inputs that they became.
    fn newest(&self, attributes: &[Attribute], opset: i64) -> Result<Self, ModelError> {
        let mut inputs = self.inputs.clone();
        for attribute in attributes {
            let Some(index) = attribute.stands_for(opset).filter(|_| self.has(attribute.name)) else { continue };
            let operand = if attribute.kind == proto::ATTRIBUTE_FLOAT {
                let operand = match self.infinite_attribute(attribute.name) {
                    Some(sign) => Value::Infinite(sign),
                    None => {
                        Value::Float(Tensor::single(vec![], vec![self.float_attribute(attribute.name)?.unwrap_or(0.0)]))
                    }
                };
                (operand, self.kind(0).unwrap_or(Kind::Float32))
            } else {
                let list = self.ints_attribute(attribute.name).unwrap_or_default();
                (Value::Int(Ints::vector(list.iter().map(|&value| Dim::Known(value)).collect())), Kind::Int64)
            };
            inputs.resize(inputs.len().max(index + 1), None);
            inputs[index] = Some(operand);
        }
        Ok(Call { inputs, ..self.clone() })
    }

    /// The types of the inputs that are there.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.inputs.iter().flatten().map(|(_, kind)| *kind)
    }

    /// The type of an input, if it is there.
    pub fn kind(&self, index: usize) -> Option<Kind> {
        self.inputs.get(index)?.as_ref().map(|(_, kind)| *kind)
    }

    /// Number of attributes.
    pub fn attribute_count(&self) -> usize {
        self.node.attribute.len()
    }

    /// Whether the attribute is given.
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// The name of an input in the file.
    pub fn input_name(&self, index: usize) -> &str {
        self.node.input.get(index).map_or("", String::as_str)
    }

    /// The name of the first output.
    pub fn output(&self) -> Option<&str> {
        self.node.output.first().map(String::as_str)
    }

    /// The name of an output.
    pub fn output_at(&self, index: usize) -> Option<&str> {
        self.node.output.get(index).map(String::as_str)
    }

    /// The same node with a list as an input.
    pub fn with_list(&self, index: usize, list: Vec<Dim>) -> Self {
        let mut inputs = self.inputs.clone();
        inputs.resize(inputs.len().max(index + 1), None);
        inputs[index] = Some((Value::Int(Ints::vector(list)), Kind::Int64));
        Call { inputs, ..self.clone() }
    }

    /// The same node with another constant as an input, and the name of that input.
    pub fn with(&self, index: usize, constant: Tensor) -> (Self, &'a str) {
        let mut call = self.clone();
        if let Some(Some((value, _))) = call.inputs.get_mut(index) {
            *value = Value::Float(constant);
        }
        (call, self.node.input.get(index).map_or("", String::as_str))
    }

    /// A value where the operator reads none such.
    pub fn refuse_value(&self, value: &Value) -> ModelError {
        self.misfit("numbers", kind(value))
    }

    /// Puts another value of the same type into the place of an input.
    pub fn replace(&mut self, index: usize, value: Value) {
        if let Some(Some((old, _))) = self.inputs.get_mut(index) {
            *old = value;
        }
    }

    /// The same along another axis.
    pub fn along(&mut self, axis: i64) {
        self.axis = Some(axis);
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.node.output.len()
    }

    /// Number of inputs, those left out included.
    pub fn count(&self) -> usize {
        self.inputs.len()
    }

    /// An input that may be left out.
    pub fn optional(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index)?.as_ref().map(|(value, _)| value)
    }

    /// An input that must be there.
    pub fn input(&self, index: usize) -> Result<&Value, ModelError> {
        self.optional(index).ok_or_else(|| self.misfit(format!("input {index}"), "none"))
    }

    /// An input that must be a float constant; `what` names it.
    pub fn float(&self, index: usize, what: &str) -> Result<&Tensor, ModelError> {
        match self.input(index)? {
            Value::Float(tensor) => Ok(tensor),
            other => Err(self.misfit(format!("a float constant as {what}"), kind(other))),
        }
    }

    /// An input that must be an integer constant; `what` names it.
    pub fn ints(&self, index: usize, what: &str) -> Result<&Ints, ModelError> {
        match self.input(index)? {
            Value::Int(ints) => Ok(ints),
            other => Err(self.misfit(format!("an integer constant as {what}"), kind(other))),
        }
    }

    /// The same, and it must be a vector.
    pub fn dims(&self, index: usize, what: &str) -> Result<&[Dim], ModelError> {
        let ints = self.ints(index, what)?;
        match ints.shape[..] {
            [_] => Ok(&ints.values),
            _ => Err(self.misfit(format!("a vector as {what}"), format!("shape {:?}", ints.shape))),
        }
    }

    /// The same, without the batch size among the entries.
    pub fn known_ints(&self, index: usize, what: &str) -> Result<Vec<i64>, ModelError> {
        self.dims(index, what)?;
        self.known(self.ints(index, what)?, what)
    }

    /// The numbers of a constant, without the batch size among them.
    pub fn known(&self, ints: &Ints, what: &str) -> Result<Vec<i64>, ModelError> {
        ints.known().ok_or_else(|| self.refuse(format!("{what} that depend on the batch size are not supported")))
    }

    /// The same, or nothing if the input is left out.
    pub fn optional_ints(&self, index: usize, what: &str) -> Result<Option<Vec<i64>>, ModelError> {
        if self.optional(index).is_none() {
            return Ok(None);
        }
        self.known_ints(index, what).map(Some)
    }
}

/// The types of the values that an attribute holds: one, unless its writer erred.
fn values_of(attribute: &AttributeProto) -> impl Iterator<Item = i32> {
    let given = [
        (proto::ATTRIBUTE_FLOAT, attribute.f.is_some()),
        (proto::ATTRIBUTE_INT, attribute.i.is_some()),
        (proto::ATTRIBUTE_STRING, attribute.s.is_some()),
        (proto::ATTRIBUTE_TENSOR, attribute.t.is_some()),
        (proto::ATTRIBUTE_FLOATS, !attribute.floats.is_empty()),
        (proto::ATTRIBUTE_INTS, !attribute.ints.is_empty()),
        (proto::ATTRIBUTE_STRINGS, !attribute.strings.is_empty()),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(kind, _)| kind)
}

/// The kind of a value, in messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Node(_) => "a value that depends on the input",
        Value::Float(_) => "a float constant",
        Value::Int(_) => "an integer constant",
        Value::Larger(_) | Value::Fixed(..) => "a comparison, which only Where, Not, And, Or and Cast may read",
        Value::Masked(..) => "a value times a comparison, of which only the sum with its opposite is read",
        Value::Joined(_) => "a value whose batch is joined with another axis",
        Value::Each(_) => "an integer for every sample, which ReverseSequence alone reads",
        Value::Exponential(_) => "an exponential, which is read before a Log, or in an Elu by Where, alone",
        Value::Moved(..) => "a value whose batch axis is not in front",
        Value::Sample(_) => "a value without its batch axis",
        Value::Sequence(_) => "a sequence, which only SequenceAt may read",
        Value::Infinite(_) => "an infinite number, which only Clip may read",
    }
}
