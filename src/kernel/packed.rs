//! The slopes of a certificate as they are written: names of nodes, and codes.

use super::graph::Graph;
use super::json::Json;
use super::object::Object;
use super::rejection::{Code, Rejection};
use super::slopes::Slopes;
use std::collections::HashMap;

/// Slopes of several nodes, not looked at yet.
#[derive(Clone, Debug)]
pub struct PackedSlopes(Vec<Packed>);

#[derive(Clone, Debug)]
struct Packed {
    node: String,
    bits: u32,
    bytes: Vec<u8>,
}

impl PackedSlopes {
    /// Reads the list `slopes`.
    pub fn read(items: Vec<Json>) -> Result<PackedSlopes, Rejection> {
        let read = |item: Json| {
            let mut object = Object::of(item, "slopes")?;
            let node = object.required("node")?;
            let bits = object.bits(&[1, 8, 16, 24, 32])?;
            let bytes = object.bytes("codes")?;
            object.finish()?;
            Ok(Packed { node, bits, bytes })
        };
        Ok(PackedSlopes(items.into_iter().map(read).collect::<Result<_, _>>()?))
    }

    /// The slopes per node of `graph`.
    pub fn unpack(&self, graph: &Graph) -> Result<Vec<Option<Slopes>>, Rejection> {
        let mut all: Vec<Option<Slopes>> = vec![None; graph.nodes.len()];
        let mut named: HashMap<&str, usize> = HashMap::new();
        for (id, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.is_nonlinear()) {
            named.entry(&node.name).or_insert(id);
        }
        for packed in &self.0 {
            let place = || format!("slopes of `{}`", packed.node.escape_debug());
            let Some(&id) = named.get(packed.node.as_str()) else {
                return Err(Rejection::new(Code::UnknownNode, place(), "a nonlinear node of the graph", "none"));
            };
            if all[id].is_some() {
                return Err(Rejection::new(Code::RepeatedNode, place(), "every node once", "it again"));
            }
            all[id] = Some(Slopes::unpack(&graph.nodes[id], packed.bits, &packed.bytes)?);
        }
        Ok(all)
    }
}
