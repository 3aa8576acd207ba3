//! One node of a file with its operands: what the meaning of an operator is read from.

use crate::number::exact::Float;
use crate::onnx::attribute::{Attribute, Type};
use crate::onnx::elsewhere::Files;
use crate::onnx::protobuf::fields;
use crate::onnx::tensor::{Entries, Floats, Kind, Tensor};
pub use crate::onnx::value::{Exponential, Value};
use crate::rejection::{Code, Rejection};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Every name so far, with the type of its entries.
pub struct Values<'a> {
    /// By name.
    pub named: HashMap<String, (Value, Kind)>,
    /// The batch size, where the file fixes it.
    pub batch: Option<i64>,
    /// Whether the values of the file that depend on the input have the batch in front.
    pub has_batch: bool,
    /// Names of values that come from a Transpose.
    pub turned: HashSet<&'a str>,
    /// The name of the model's output.
    pub output: &'a str,
    /// Where numbers outside of the model's file are.
    pub files: Files<'a>,
}

impl Values<'_> {
    /// Lets go of a constant's numbers: no call reads them any more. Its shape stays.
    pub fn forget(&mut self, name: &str) {
        if let Some((Value::Floats(_, floats), _)) = self.named.get_mut(name) {
            *floats = Floats::Numbers(Vec::new());
        }
    }
}

/// One operation of the file.
#[derive(Clone, Debug, Default)]
pub struct Call<'a> {
    /// Operator.
    pub operator: &'a str,
    /// Whether it is one of the domain ai.onnx.ml.
    pub of_ml: bool,
    /// First output: the node's name everywhere.
    pub name: &'a str,
    /// The node's own name, where it has one: for whoever reads the file otherwise.
    pub label: &'a str,
    /// Whether the operator is one of ONNX itself, or of its domain for machine learning.
    pub is_standard: bool,
    inputs: Vec<Operand<'a>>,
    outputs: Vec<&'a str>,
    attributes: BTreeMap<&'a str, Attribute<'a>>,
}

/// What stands in the place of an input.
#[derive(Clone, Debug)]
enum Operand<'a> {
    /// A name; empty for an input that is left out.
    Name(&'a str),
    /// A constant of the node's own.
    Own(Box<(Value, Kind)>),
}

impl From<Tensor> for (Value, Kind) {
    fn from(tensor: Tensor) -> (Value, Kind) {
        let value = match tensor.entries {
            Entries::Floats(floats) => Value::Floats(tensor.dims, floats),
            Entries::Integers(integers) => Value::Integers(tensor.dims, integers.into_iter().map(Some).collect()),
            Entries::Infinite(above) => Value::Infinite(above),
        };
        (value, tensor.kind)
    }
}

impl<'a> Call<'a> {
    /// Reads a NodeProto.
    pub fn read(bytes: &'a [u8]) -> Result<Call<'a>, Rejection> {
        let mut call = Call::default();
        let (mut domain, mut overload) = ("", "");
        for field in fields(bytes) {
            match field? {
                (1, wire) => call.inputs.push(Operand::Name(wire.text()?)),
                (2, wire) => call.outputs.push(wire.text()?),
                (3, wire) => call.label = wire.text()?,
                (4, wire) => call.operator = wire.text()?,
                (5, wire) => {
                    let (name, attribute) = Attribute::read(wire.bytes()?)?;
                    if call.attributes.insert(name, attribute).is_some() {
                        return Err(malformed(name, "one attribute of a name", "two"));
                    }
                }
                (7, wire) => domain = wire.text()?,
                (8, wire) => overload = wire.text()?,
                _ => {}
            }
        }
        call.name = call.outputs.first().copied().unwrap_or("");
        if call.name.is_empty() {
            return Err(malformed(call.operator, "a named output", "none"));
        }
        call.of_ml = domain == "ai.onnx.ml";
        call.is_standard = matches!(domain, "" | "ai.onnx" | "ai.onnx.ml");
        if !overload.is_empty() {
            return Err(call.refuse(Code::Unsupported, "a standard operator", overload));
        }
        Ok(call)
    }

    /// A refusal at this node.
    pub fn refuse(&self, code: Code, expected: &str, found: impl Into<String>) -> Rejection {
        let operator = self.operator.escape_debug();
        Rejection::new(code, format!("{operator} `{}`", self.name.escape_debug()), expected, found)
    }

    /// A refusal of a value that few operators read: a comparison, one without the batch in front, several, an infinite one.
    pub fn refuse_value(&self) -> Rejection {
        self.refuse(Code::Unsupported, "numbers with the batch in front", "another operand")
    }

    /// Puts another value of the same type into the place of an input that is there.
    pub fn replace(&mut self, k: usize, value: Value, values: &Values) -> Result<(), Rejection> {
        let kind = self.operand(k, values)?.map(|(_, kind)| *kind);
        if let (Some(operand), Some(kind)) = (self.inputs.get_mut(k), kind) {
            *operand = Operand::Own(Box::new((value, kind)));
        }
        Ok(())
    }

    /// The same along another axis.
    pub fn set_axis(&mut self, axis: i64) {
        self.attributes.insert("axis", Attribute::Integer(axis));
    }

    /// Number of inputs, absent ones included.
    pub fn arity(&self) -> usize {
        self.inputs.len()
    }

    /// Names of the inputs; empty for one that is left out.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> {
        self.inputs.iter().filter_map(|operand| match operand {
            Operand::Name(name) => Some(*name),
            Operand::Own(_) => None,
        })
    }

    /// Names of the outputs; empty for one that is left out.
    pub fn outputs(&self) -> &[&'a str] {
        &self.outputs
    }

    /// All names that it gives.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.outputs.iter().copied().filter(|name| !name.is_empty())
    }

    /// Names and types of the attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, Type)> {
        self.attributes.iter().map(|(name, attribute)| (*name, attribute.kind()))
    }

    /// Makes an attribute, where it is there, an input behind those that are: a float, of this type, or integers.
    pub fn make_input(&mut self, name: &str, k: usize, kind: Kind) -> Result<(), Rejection> {
        let operand = match self.attributes.get(name) {
            Some(Attribute::Float(bits)) => match infinite(*bits) {
                Some(above) => (Value::Infinite(above), kind),
                None => (Value::Floats(vec![], Floats::Numbers(vec![self.float(name, 0)?])), kind),
            },
            Some(Attribute::Integers(list)) => {
                let all = list.iter().copied().map(Some).collect();
                (Value::Integers(vec![list.len()], all), Kind::Int64)
            }
            _ => return Ok(()),
        };
        self.attributes.remove(name);
        self.inputs.resize(self.inputs.len().max(k), Operand::Name(""));
        self.inputs.push(Operand::Own(Box::new(operand)));
        Ok(())
    }

    /// Makes a list input `k`.
    pub fn set_list(&mut self, k: usize, list: Vec<Option<i64>>) {
        self.inputs.resize(self.inputs.len().max(k + 1), Operand::Name(""));
        self.inputs[k] = Operand::Own(Box::new((Value::Integers(vec![list.len()], list), Kind::Int64)));
    }

    /// The types of the inputs that are there.
    pub fn kinds(&self, values: &Values) -> Result<Vec<Kind>, Rejection> {
        let kinds = (0..self.arity()).map(|k| Ok(self.operand(k, values)?.map(|(_, kind)| *kind)));
        kinds.filter_map(Result::transpose).collect()
    }

    fn operand<'v>(&'v self, k: usize, values: &'v Values) -> Result<Option<&'v (Value, Kind)>, Rejection> {
        match self.inputs.get(k) {
            None | Some(Operand::Name("")) => Ok(None),
            Some(Operand::Own(own)) => Ok(Some(own)),
            Some(Operand::Name(name)) => {
                let expected = "inputs that earlier nodes give";
                let missing = || self.refuse(Code::MalformedModel, expected, format!("`{}`", name.escape_debug()));
                values.named.get(*name).map(Some).ok_or_else(missing)
            }
        }
    }

    /// The type of the first input.
    pub fn kind(&self, values: &Values) -> Result<Option<Kind>, Rejection> {
        Ok(self.operand(0, values)?.map(|(_, kind)| *kind))
    }

    /// Input `k`, if there is one.
    pub fn optional<'v>(&'v self, k: usize, values: &'v Values) -> Result<Option<&'v Value>, Rejection> {
        Ok(self.operand(k, values)?.map(|(value, _)| value))
    }

    /// Input `k`.
    pub fn input<'v>(&'v self, k: usize, values: &'v Values) -> Result<&'v Value, Rejection> {
        let missing = || self.refuse(Code::MalformedModel, &format!("an input {k}"), "none");
        self.optional(k, values)?.ok_or_else(missing)
    }

    /// Input `k`, which depends on the model's input: its node, and its shape without the batch axis.
    pub fn node<'v>(&'v self, k: usize, values: &'v Values) -> Result<(usize, &'v [usize]), Rejection> {
        match self.input(k, values)? {
            Value::Node(id, shape) => Ok((*id, shape)),
            _ => Err(self.refuse(Code::Unsupported, "an operand that depends on the input", "a constant")),
        }
    }

    /// Input `k`, a float constant: its dimensions and entries.
    pub fn floats<'v>(&'v self, k: usize, values: &'v Values) -> Result<(&'v [usize], &'v Floats), Rejection> {
        match self.input(k, values)? {
            Value::Floats(dims, floats) => Ok((dims, floats)),
            _ => Err(self.refuse(Code::Unsupported, "a float constant", "another operand")),
        }
    }

    /// Input `k`, a list of integers.
    pub fn list<'v>(&'v self, k: usize, values: &'v Values) -> Result<&'v [Option<i64>], Rejection> {
        match self.input(k, values)? {
            Value::Integers(dims, integers) if dims.len() == 1 => Ok(integers),
            _ => Err(self.refuse(Code::Unsupported, "a constant list of integers", "another operand")),
        }
    }

    /// An axis counted from the end if negative, among `rank` axes.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize, Rejection> {
        let counted = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        let fits = usize::try_from(counted).ok().filter(|&a| a < rank);
        fits.ok_or_else(|| self.refuse(Code::ShapeMismatch, &format!("an axis of {rank}"), axis.to_string()))
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// An integer attribute.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name) {
            Some(Attribute::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// An attribute that is 0 or 1; 0 where it is left out.
    pub fn flag(&self, name: &str) -> Result<bool, Rejection> {
        match self.integer(name).unwrap_or(0) {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.refuse(Code::MalformedModel, &format!("0 or 1 as {name}"), other.to_string())),
        }
    }

    /// A float attribute; `default` as bits.
    pub fn float(&self, name: &str, default: u32) -> Result<Float, Rejection> {
        let bits = match self.attributes.get(name) {
            Some(Attribute::Float(bits)) => *bits,
            _ => default,
        };
        Float::binary32(bits)
            .ok_or_else(|| self.refuse(Code::NotFinite, &format!("a finite {name}"), "NaN or infinity"))
    }

    /// An attribute of floats; none where it is left out.
    pub fn floats_attribute(&self, name: &str) -> Result<Vec<Float>, Rejection> {
        let Some(Attribute::Floats(words)) = self.attributes.get(name) else { return Ok(Vec::new()) };
        let floats = words.iter().map(|&bits| Float::binary32(bits)).collect::<Option<Vec<_>>>();
        floats.ok_or_else(|| self.refuse(Code::NotFinite, &format!("finite {name}"), "NaN or infinity"))
    }

    /// An attribute of integers.
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Integers(values)) => Some(values),
            _ => None,
        }
    }

    /// How many texts an attribute lists.
    pub fn texts(&self, name: &str) -> usize {
        match self.attributes.get(name) {
            Some(Attribute::Texts(count)) => *count,
            _ => 0,
        }
    }

    /// A tensor as an attribute.
    pub fn tensor(&self, name: &str, values: &Values) -> Result<Option<(Value, Kind)>, Rejection> {
        match self.attributes.get(name) {
            Some(Attribute::Tensor(bytes)) => Ok(Some(Tensor::read(bytes, values.files)?.into())),
            _ => Ok(None),
        }
    }

    /// What a Constant holds: its one attribute.
    pub fn constant(&self, values: &Values) -> Result<(Value, Kind), Rejection> {
        let mut attributes = self.attributes.values();
        let (Some(only), None) = (attributes.next(), attributes.next()) else {
            return Err(self.refuse(Code::MalformedModel, "one attribute", self.attributes.len().to_string()));
        };
        let floats = |dims: Vec<usize>, words: &[u32]| {
            if let (true, Some(above)) = (dims.is_empty(), words.first().and_then(|&bits| infinite(bits))) {
                return Ok((Value::Infinite(above), Kind::Float32));
            }
            let floats = words.iter().map(|&bits| Float::binary32(bits)).collect::<Option<Vec<_>>>();
            let floats = floats.ok_or_else(|| self.refuse(Code::NotFinite, "finite numbers", "NaN or infinity"))?;
            Ok((Value::Floats(dims, Floats::Numbers(floats)), Kind::Float32))
        };
        match only {
            Attribute::Tensor(bytes) => Ok(Tensor::read(bytes, values.files)?.into()),
            Attribute::Float(word) => floats(vec![], &[*word]),
            Attribute::Floats(words) => floats(vec![words.len()], words),
            Attribute::Integer(value) => Ok((Value::Integers(vec![], vec![Some(*value)]), Kind::Int64)),
            Attribute::Integers(values) => {
                let list = values.iter().copied().map(Some).collect();
                Ok((Value::Integers(vec![values.len()], list), Kind::Int64))
            }
            Attribute::Text(_) | Attribute::Texts(_) | Attribute::Other => {
                Err(self.refuse(Code::MalformedModel, "a value", "none"))
            }
        }
    }
}

/// Whether it is above 0, if it is infinite.
fn infinite(bits: u32) -> Option<bool> {
    (bits << 1 == 0xff00_0000).then_some(bits >> 31 == 0)
}

fn place(name: &str) -> String {
    name.escape_debug().to_string()
}

/// A refusal of the file's structure.
pub fn malformed(at: &str, expected: &str, found: &str) -> Rejection {
    Rejection::new(Code::MalformedModel, place(at), expected, found)
}
