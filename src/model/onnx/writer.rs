//! From a graph to a file: opset 17, IR 8, one input `x` [N, …], one output `logit`.

mod smooth;

use std::collections::HashSet;
use std::path::Path;

use prost::Message;
use prost::bytes::Bytes;

use super::proto::*;
use super::tensor::fits;
use crate::files::{FileError, write_atomically};
use crate::model::curvature::{Sign, analyse};
use crate::model::map::{Axis, Map, Pick, Windows};
use crate::model::{Dense, Graph, Kink, Layer, ModelError, Node};

/// The operator set that is written.
const OPSET: i64 = 17;
const INPUT: &str = "x";
const OUTPUT: &str = "logit";

/// Writes the graph as an ONNX file, whole or not at all.
///
/// # Errors
/// When a constant cannot be written as 32-bit floats, or the file cannot be written.
pub fn write(graph: &Graph, path: &Path) -> Result<(), ModelError> {
    write_with(graph, &[], path)
}

/// The same with metadata, keys and values.
///
/// # Errors
/// As [`write`].
pub fn write_with(graph: &Graph, metadata: &[(&str, String)], path: &Path) -> Result<(), ModelError> {
    let mut model = model_of(graph).map_err(|error| error.in_file(path))?;
    let entry = |(key, value): &(&str, String)| EntryProto { key: Some((*key).into()), value: Some(value.clone()) };
    model.metadata_props = metadata.iter().map(entry).collect();
    let written = write_atomically(path, |out| out.write_all(&model.encode_to_vec()));
    written.map_err(|FileError { path, source }| ModelError::File { path, source })
}

/// The graph as the bytes of an ONNX file. Reading them gives a graph of the same function.
///
/// Constants of 64 bits are written as sums of 32-bit floats of one sign; everything else has the same form.
///
/// # Errors
/// When a constant cannot be written as 32-bit floats.
pub fn encode(graph: &Graph) -> Result<Vec<u8>, ModelError> {
    model_of(graph).map(|model| model.encode_to_vec())
}

fn model_of(graph: &Graph) -> Result<ModelProto, ModelError> {
    let signs = analyse(graph, &[]).nodes.iter().map(|facts| facts.summary().1).collect();
    let mut writer = Writer { signs, ..Writer::default() };
    writer.taken.extend([INPUT.to_string(), OUTPUT.to_string()]);
    let mut names = vec![INPUT.to_string()];
    for node in &graph.nodes()[1..] {
        let name = writer.node(graph, node, &names)?;
        names.push(name);
    }
    let output = graph.node(graph.output());
    let mut last = names[graph.output()].clone();
    let mut shape = output.shape.clone();
    if shape.is_empty() {
        last = writer.reshape("output", &last, &[1]);
        shape = vec![1];
    }
    writer.emit("Identity", "logit", &[&last], vec![]);
    if let Some(node) = writer.nodes.last_mut() {
        node.output = vec![OUTPUT.into()];
    }
    Ok(ModelProto {
        ir_version: Some(8),
        producer_name: Some("underplane".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        graph: Some(GraphProto {
            node: writer.nodes,
            name: Some("network".into()),
            initializer: writer.initializers,
            input: vec![info(INPUT, &graph.node(0).shape)],
            output: vec![info(OUTPUT, &shape)],
            value_info: vec![],
        }),
        metadata_props: vec![],
    })
}

fn info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let batch = DimensionProto { dim_value: None, dim_param: Some("N".into()) };
    let rest = shape.iter().map(|&dim| DimensionProto { dim_value: Some(dim as i64), dim_param: None });
    let shape = TensorShapeProto { dim: std::iter::once(batch).chain(rest).collect() };
    let tensor_type = Some(TensorTypeProto { elem_type: Some(FLOAT), shape: Some(shape) });
    ValueInfoProto { name: Some(name.into()), r#type: Some(TypeProto { tensor_type, sequence_type: None }) }
}

#[derive(Default)]
struct Writer {
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    taken: HashSet<String>,
    /// Of the graph's nodes.
    signs: Vec<Sign>,
}

impl Writer {
    /// Writes one node of the graph; gives the name of its value.
    fn node(&mut self, graph: &Graph, node: &Node, names: &[String]) -> Result<String, ModelError> {
        let inputs: Vec<&str> = node.inputs.iter().map(|&id| names[id].as_str()).collect();
        let name = &node.name;
        let layer = node.layer().ok_or_else(|| {
            ModelError::unsupported(name, "a sum of products of several values has no operator of its own")
        })?;
        Ok(match &layer {
            Layer::Constant(values) => self.constant(node, values)?,
            Layer::Dense(dense) => self.dense(graph, node, dense, inputs[0]),
            Layer::Linear(Map::Pick(pick), offset) => {
                let picked = self.pick(node, pick, inputs[0]);
                self.shift(node, &picked, offset)?
            }
            Layer::Linear(Map::Windows(windows), offset) => self.windows(node, windows, offset, inputs[0])?,
            Layer::Linear(..) => return Err(ModelError::unsupported(name, "this map is another layer")),
            Layer::Scale(values) => self.scale(name, inputs[0], values, &node.shape)?,
            Layer::Shift(values) => self.shift(node, inputs[0], values)?,
            Layer::Divide(values) => {
                let single = values.iter().map(|&v| if fits(v) { Ok(v as f32) } else { Err(too_fine(name, v)) });
                let single: Vec<f32> = single.collect::<Result<_, _>>()?;
                let constant = self.tensor(&format!("{name}.constant"), &single, &node.shape);
                self.emit("Div", name, &[inputs[0], &constant], vec![])
            }
            Layer::Kink(kink) => self.kink(node, *kink, inputs[0])?,
            Layer::Sum => {
                let mut last = inputs[0].to_string();
                for input in &inputs[1..] {
                    last = self.emit("Add", name, &[&last, input], vec![]);
                }
                last
            }
            Layer::Max => self.emit("Max", name, &inputs, vec![]),
            Layer::Smooth(curve) => {
                let is_positive = |id: &usize| matches!(self.signs[*id], Sign::NonNegative | Sign::Zero);
                let is_positive = node.inputs.iter().all(is_positive);
                self.smooth(node, *curve, &inputs, is_positive)?
            }
            Layer::Concat { outer } => {
                let shape = &graph.node(node.inputs[0]).shape;
                let axis = (0..shape.len()).find(|&axis| shape[..axis].iter().product::<usize>() == *outer);
                let axis =
                    axis.ok_or_else(|| ModelError::shape(name, "an axis to join along", format!("{shape:?}")))?;
                self.emit("Concat", name, &inputs, vec![int("axis", axis as i64 + 1)])
            }
            Layer::Reshape => self.reshape(name, inputs[0], &node.shape),
        })
    }

    /// Entries of the flat value; where some are 0, of the value with a 0 behind it.
    fn pick(&mut self, node: &Node, pick: &Pick, input: &str) -> String {
        let mut flat = self.reshape(&node.name, input, &[pick.cols()]);
        let from: Vec<Option<usize>> = (0..pick.rows()).map(|row| pick.at(row)).collect();
        if from.contains(&None) {
            let pads = self.ints(&node.name, &[0, 0, 0, 1]);
            flat = self.emit("Pad", &node.name, &[&flat, &pads], vec![]);
        }
        let places: Vec<i64> = from.iter().map(|from| from.unwrap_or(pick.cols()) as i64).collect();
        let places = self.ints(&node.name, &places);
        let picked = self.emit("Gather", &node.name, &[&flat, &places], vec![int("axis", 1)]);
        self.reshape(&node.name, &picked, &node.shape)
    }

    /// A sum with 64-bit constants, if any, is the sum with their 32-bit parts.
    fn shift(&mut self, node: &Node, input: &str, values: &[f64]) -> Result<String, ModelError> {
        let (name, mut last) = (&node.name, input.to_string());
        for part in if values.is_empty() { vec![] } else { parts(name, values)? } {
            let constant = self.entries(name, &part, &node.shape);
            last = self.emit("Add", name, &[&last, &constant], vec![]);
        }
        Ok(last)
    }

    /// With a bias where every channel has one, as a sum elsewhere.
    fn windows(&mut self, node: &Node, windows: &Windows, offset: &[f64], input: &str) -> Result<String, ModelError> {
        let Windows { groups, inputs, outputs, axes: [a, b], weight, .. } = windows;
        let planes = self.reshape(&node.name, input, &[groups * inputs, a.input, b.input]);
        let shape = [groups * outputs, *inputs, a.cells, b.cells];
        let weight = self.tensor(&format!("{}.weight", node.name), weight, &shape);
        // What is needed behind the last entry, so that there are as many places.
        let after = |axis: &Axis| {
            let last = (axis.output - 1) * axis.stride + (axis.cells - 1) * axis.dilation + 1;
            last.saturating_sub(axis.before + axis.input)
        };
        let list = |name: &str, values: [usize; 2]| ints(name, values.map(|v| v as i64).to_vec());
        let attributes = vec![
            int("group", *groups as i64),
            list("strides", [a.stride, b.stride]),
            list("dilations", [a.dilation, b.dilation]),
            ints("pads", [a.before, b.before, after(a), after(b)].map(|v| v as i64).to_vec()),
        ];
        let places = (a.output * b.output).max(1);
        let even = offset.chunks(places).all(|channel| channel.iter().all(|&v| v == channel[0] && fits(v)));
        let bias: Vec<f32> = offset.iter().step_by(places).map(|&v| v as f32).collect();
        let moved = if even && !offset.is_empty() {
            let bias = self.tensor(&format!("{}.bias", node.name), &bias, &[bias.len()]);
            self.emit("Conv", &node.name, &[&planes, &weight, &bias], attributes)
        } else {
            self.emit("Conv", &node.name, &[&planes, &weight], attributes)
        };
        let shaped = self.reshape(&node.name, &moved, &node.shape);
        if even { Ok(shaped) } else { self.shift(node, &shaped, offset) }
    }

    fn dense(&mut self, graph: &Graph, node: &Node, dense: &Dense, input: &str) -> String {
        let flat = match graph.node(node.inputs[0]).shape[..] {
            [_] => input.to_string(),
            _ => self.reshape(&node.name, input, &[dense.cols]),
        };
        let weight = self.tensor(&format!("{}.weight", node.name), &dense.weight, &[dense.rows, dense.cols]);
        let bias = self.tensor(&format!("{}.bias", node.name), &dense.bias, &[dense.rows]);
        self.emit("Gemm", &node.name, &[&flat, &weight, &bias], vec![int("transB", 1)])
    }

    /// A product with 64-bit constants is the sum of products with their 32-bit parts.
    fn scale(&mut self, name: &str, input: &str, values: &[f64], shape: &[usize]) -> Result<String, ModelError> {
        let mut sum: Option<String> = None;
        for part in parts(name, values)? {
            let constant = self.entries(name, &part, shape);
            let product = self.emit("Mul", name, &[input, &constant], vec![]);
            sum = Some(match sum {
                None => product,
                Some(sum) => self.emit("Add", name, &[&sum, &product], vec![]),
            });
        }
        sum.ok_or_else(|| ModelError::shape(name, "constants", "none"))
    }

    fn kink(&mut self, node: &Node, kink: Kink, input: &str) -> Result<String, ModelError> {
        let name = &node.name;
        if kink == Kink::RELU {
            return Ok(self.emit("Relu", name, &[input], vec![]));
        }
        if kink == Kink::ABS {
            return Ok(self.emit("Abs", name, &[input], vec![]));
        }
        if kink.above == 1.0 && fits(kink.below) {
            return Ok(self.emit("LeakyRelu", name, &[input], vec![float("alpha", kink.below as f32)]));
        }
        // above·relu(t) − below·relu(−t)
        let size = node.size();
        let positive = self.emit("Relu", name, &[input], vec![]);
        let positive = self.scale(name, &positive, &vec![kink.above; size], &node.shape)?;
        let negative = self.emit("Neg", name, &[input], vec![]);
        let negative = self.emit("Relu", name, &[&negative], vec![]);
        let negative = self.scale(name, &negative, &vec![-kink.below; size], &node.shape)?;
        Ok(self.emit("Add", name, &[&positive, &negative], vec![]))
    }

    /// A vector that is the same for every sample, repeated along the batch axis.
    fn constant(&mut self, node: &Node, values: &[f64]) -> Result<String, ModelError> {
        let name = &node.name;
        let batch = self.emit("Shape", name, &[INPUT], vec![int("start", 0), int("end", 1)]);
        let size = self.ints(name, &[values.len() as i64]);
        let shape = self.emit("Concat", name, &[&batch, &size], vec![int("axis", 0)]);
        let parts = parts(name, values)?;
        let first = self.tensor(&format!("{name}.constant"), &parts[0], &[1, values.len()]);
        let mut last = self.emit("Expand", name, &[&first, &shape], vec![]);
        for part in &parts[1..] {
            let constant = self.tensor(&format!("{name}.constant"), part, &[values.len()]);
            last = self.emit("Add", name, &[&last, &constant], vec![]);
        }
        Ok(last)
    }

    fn reshape(&mut self, name: &str, input: &str, shape: &[usize]) -> String {
        let target: Vec<i64> = std::iter::once(0).chain(shape.iter().map(|&dim| dim as i64)).collect();
        let target = self.ints(name, &target);
        self.emit("Reshape", name, &[input, &target], vec![])
    }

    /// Appends a node; gives the name of its value, which is its own.
    fn emit(&mut self, operator: &str, name: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let name = self.fresh(name);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(operator.into()),
            attribute,
            ..NodeProto::default()
        });
        name
    }

    /// A constant beside a value of this shape: of a value with more than one axis a number per channel where that is all.
    fn entries(&mut self, name: &str, values: &[f32], shape: &[usize]) -> String {
        let each = shape.iter().skip(1).product::<usize>().max(1);
        let name = format!("{name}.constant");
        let bits = |v: f32| v.to_bits();
        if shape.len() < 2 || values.chunks(each).any(|channel| channel.iter().any(|&v| bits(v) != bits(channel[0]))) {
            return self.tensor(&name, values, shape);
        }
        let single: Vec<f32> = values.iter().copied().step_by(each).collect();
        let dims: Vec<usize> = shape.iter().enumerate().map(|(axis, &size)| if axis == 0 { size } else { 1 }).collect();
        self.tensor(&name, &single, &dims)
    }

    fn tensor(&mut self, name: &str, values: &[f32], shape: &[usize]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.store(name, FLOAT, shape.iter().map(|&dim| dim as i64).collect(), raw)
    }

    fn ints(&mut self, name: &str, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.store(&format!("{name}.shape"), INT64, vec![values.len() as i64], raw)
    }

    fn store(&mut self, name: &str, data_type: i32, dims: Vec<i64>, raw: Vec<u8>) -> String {
        let name = self.fresh(name);
        self.initializers.push(TensorProto {
            dims,
            data_type: Some(data_type),
            name: Some(name.clone()),
            raw_data: Some(Bytes::from(raw)),
            ..TensorProto::default()
        });
        name
    }

    /// A name that is not taken yet, as close to the wish as possible.
    fn fresh(&mut self, wish: &str) -> String {
        let wish = if wish.is_empty() { "node" } else { wish };
        let mut name = wish.to_string();
        let mut count = 1;
        while !self.taken.insert(name.clone()) {
            count += 1;
            name = format!("{wish}_{count}");
        }
        name
    }
}

/// Vectors of 32-bit floats that sum to `values` exactly; every part of an entry has the entry's sign.
fn parts(name: &str, values: &[f64]) -> Result<Vec<Vec<f32>>, ModelError> {
    let mut parts: Vec<Vec<f32>> = vec![];
    let mut rest = values.to_vec();
    while parts.is_empty() || rest.iter().any(|&v| v != 0.0) {
        let part: Vec<f32> = rest.iter().map(|&v| toward_zero(v)).collect();
        for (i, v) in rest.iter_mut().enumerate() {
            if *v != 0.0 && part[i] == 0.0 {
                return Err(too_fine(name, values[i]));
            }
            if !part[i].is_finite() || part[i].abs() == f32::MAX && v.abs() > f64::from(f32::MAX) {
                return Err(too_fine(name, values[i]));
            }
            *v -= f64::from(part[i]);
        }
        parts.push(part);
    }
    Ok(parts)
}

fn toward_zero(v: f64) -> f32 {
    let near = v as f32;
    if f64::from(near).abs() > v.abs() {
        return f32::from_bits(near.to_bits() - 1);
    }
    near
}

fn too_fine(name: &str, value: f64) -> ModelError {
    ModelError::unsupported(name, format!("the constant {value:e} cannot be written with 32-bit floats"))
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: Some(name.into()), i: Some(value), r#type: Some(ATTRIBUTE_INT), ..AttributeProto::default() }
}

fn ints(name: &str, values: Vec<i64>) -> AttributeProto {
    let r#type = Some(ATTRIBUTE_INTS);
    AttributeProto { name: Some(name.into()), ints: values, r#type, ..AttributeProto::default() }
}

fn float(name: &str, value: f32) -> AttributeProto {
    let r#type = Some(ATTRIBUTE_FLOAT);
    AttributeProto { name: Some(name.into()), f: Some(value), r#type, ..AttributeProto::default() }
}
