//! A model's file with numbers in place of the nodes that computed them by rounding: what is certified then.

use std::collections::HashSet;

use prost::Message;
use prost::bytes::Bytes;

use super::beside::Beside;
use super::kinds::Kind;
use super::names::{name_of, printable};
use super::proto::{self, GraphProto, ModelProto, NodeProto, TensorProto};
use super::rounded::Rounded;
use super::stored::{external, half_bits};
use crate::model::ModelError;

/// A file in which numbers stand in place of what computed them.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The whole file, which needs no other.
    pub bytes: Vec<u8>,
    /// Its constants that were rounded, each with the operator that computed it.
    pub constants: Vec<String>,
}

/// The name that such a file goes by.
pub const FOLDED: &str = "model-folded.onnx";

/// The oldest version of the format in which a constant need not be an input.
const FORMAT: i64 = 4;

/// The file `bytes`, all of its numbers inside, and `rounded` in place of what computed them.
pub(super) fn fold(bytes: &[u8], beside: &Beside, rounded: &[Rounded]) -> Result<Folded, ModelError> {
    let broken = |what: String| ModelError::Decode(what);
    let mut model = ModelProto::decode(bytes).map_err(|error| broken(error.to_string()))?;
    model.ir_version = model.ir_version.max(Some(FORMAT));
    let graph = model.graph.as_mut().ok_or_else(|| broken("it has no graph".into()))?;
    let names: HashSet<&str> = rounded.iter().map(|constant| constant.name.as_str()).collect();
    graph.node.retain(|node| node.output.first().is_none_or(|name| !names.contains(name.as_str())));
    let stored: HashSet<String> = graph.initializer.iter().filter_map(|tensor| tensor.name.clone()).collect();
    graph.input.retain(|input| !stored.contains(name_of(input)));
    graph.initializer.retain(|tensor| tensor.name.as_deref().is_none_or(|name| !names.contains(name)));
    graph.initializer.extend(rounded.iter().map(tensor));
    keep_needed(graph);
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute).filter_map(|a| a.t.as_mut());
    for tensor in attributes.chain(&mut graph.initializer) {
        take_in(tensor, beside)?;
    }
    let kept: HashSet<&str> = graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref()).collect();
    let kept = rounded.iter().filter(|constant| kept.contains(constant.name.as_str()));
    let constants = kept.map(|constant| format!("`{}` ({})", printable(&constant.name), constant.operator)).collect();
    Ok(Folded { bytes: model.encode_to_vec(), constants })
}

fn tensor(constant: &Rounded) -> TensorProto {
    let values = constant.tensor.iter();
    let (data_type, raw): (i32, Vec<u8>) = match constant.kind {
        Kind::Float64 => (proto::DOUBLE, values.flat_map(f64::to_le_bytes).collect()),
        Kind::Float16 => (proto::FLOAT16, values.flat_map(|v| half_bits(v).to_le_bytes()).collect()),
        Kind::Bfloat16 => (proto::BFLOAT16, values.flat_map(|v| (v as f32).to_le_bytes()[2..].to_vec()).collect()),
        _ => (proto::FLOAT, values.flat_map(|v| (v as f32).to_le_bytes()).collect()),
    };
    TensorProto {
        dims: constant.tensor.shape.iter().map(|&dim| dim as i64).collect(),
        data_type: Some(data_type),
        name: Some(constant.name.clone()),
        raw_data: Some(Bytes::from(raw)),
        ..TensorProto::default()
    }
}

/// Drops nodes and constants that the outputs do not depend on.
fn keep_needed(graph: &mut GraphProto) {
    let mut needed: HashSet<String> = graph.output.iter().map(|output| name_of(output).to_string()).collect();
    let mut is_needed = |node: &NodeProto| {
        let is_needed = node.output.iter().any(|name| needed.contains(name));
        if is_needed {
            needed.extend(node.input.iter().cloned());
        }
        is_needed
    };
    let mut keeps: Vec<bool> = graph.node.iter().rev().map(&mut is_needed).collect();
    graph.node.retain(|_| keeps.pop().unwrap_or(false));
    graph.initializer.retain(|tensor| tensor.name.as_ref().is_some_and(|name| needed.contains(name)));
    let given: HashSet<&String> = graph.node.iter().flat_map(|node| &node.output).collect();
    graph.value_info.retain(|info| info.name.as_ref().is_some_and(|name| given.contains(name)));
}

/// Numbers of another file.
fn take_in(tensor: &mut TensorProto, beside: &Beside) -> Result<(), ModelError> {
    let count = tensor.dims.iter().map(|&dim| dim as usize).product();
    let name = tensor.name.clone().unwrap_or_default();
    if let Some(bytes) = external(tensor, beside, count).map_err(|what| ModelError::tensor(&name, what))? {
        tensor.raw_data = Some(bytes);
        tensor.data_location = None;
        tensor.external_data.clear();
    }
    Ok(())
}
