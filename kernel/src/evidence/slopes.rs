//! The slopes of a certificate: names of nodes, and unsigned codes in the units' own intervals.

use crate::evidence::json::Json;
use crate::evidence::object::Object;
use crate::network::curve::Curve;
use crate::network::graph::{Graph, Node, Op};
use crate::number::exact::{Exact, Float};
use crate::rejection::{Code, Rejection};
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

/// One code per entry and operand of a nonlinear node.
#[derive(Clone, Debug)]
pub struct Slopes {
    bits: u32,
    codes: Vec<u32>,
}

impl Slopes {
    /// Unpacks `bytes` for `node`; the codes of a maximum must sum to 1.
    pub fn unpack(node: &Node, bits: u32, bytes: &[u8]) -> Result<Slopes, Rejection> {
        let place = || format!("slopes of `{}`", node.name.escape_debug());
        let size = node.size;
        let count = operands(node) * size;
        let expected = if bits == 1 { count.div_ceil(8) } else { count * (bits as usize / 8) };
        if bytes.len() != expected {
            let expected = format!("{expected} bytes for {count} codes of {bits} bits");
            return Err(Rejection::new(Code::Length, place(), expected, bytes.len().to_string()));
        }
        let codes: Vec<u32> = match bits {
            1 => (0..count).map(|i| u32::from(bytes[i / 8] >> (i % 8) & 1)).collect(),
            _ => {
                let code = |chunk: &[u8]| chunk.iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte));
                bytes.chunks_exact(bits as usize / 8).map(code).collect()
            }
        };
        let unused = if bits == 1 && !count.is_multiple_of(8) { bytes[count / 8] >> (count % 8) } else { 0 };
        if unused != 0 {
            return Err(Rejection::new(Code::Encoding, place(), "unused bits that are 0", format!("{unused:#b}")));
        }
        let slopes = Slopes { bits, codes };
        if let Op::Max(_) | Op::Smooth(Curve::LogSumExp, _) = node.op {
            slopes.check_weights(node)?;
        }
        if let Op::Smooth(Curve::Square { .. }, _) = node.op {
            slopes.floats(node)?;
        }
        Ok(slopes)
    }

    /// 2ⁿ − 1.
    fn whole(&self) -> u64 {
        (1 << self.bits) - 1
    }

    fn check_weights(&self, node: &Node) -> Result<(), Rejection> {
        let size = node.size;
        for entry in 0..size {
            let total: u64 = self.codes.iter().skip(entry).step_by(size).map(|&code| u64::from(code)).sum();
            if total != self.whole() {
                let place = format!("weights of `{}` entry {entry}", node.name.escape_debug());
                return Err(Rejection::new(Code::WeightSum, place, self.whole().to_string(), total.to_string()));
            }
        }
        Ok(())
    }

    /// Per piece of the unit a weight for every entry, and what an entry's weights sum to; a kink's code is the weight of its
    /// larger slope.
    pub fn weights(&self, node: &Node) -> (Vec<Vec<u64>>, u64) {
        let whole = self.whole();
        let codes: Vec<u64> = self.codes.iter().copied().map(u64::from).collect();
        let weights = match node.op {
            Op::Max(_) | Op::Smooth(Curve::LogSumExp, _) => {
                codes.chunks_exact(node.size).map(<[u64]>::to_vec).collect()
            }
            _ => {
                let others = codes.iter().map(|code| whole - code).collect();
                if node.is_concave() { vec![codes, others] } else { vec![others, codes] }
            }
        };
        (weights, whole)
    }

    /// The slopes of a square: codes of 32 bits, as binary32 numbers.
    pub fn floats(&self, node: &Node) -> Result<Exact, Rejection> {
        let floats = self.codes.iter().map(|&code| Float::binary32(code).filter(|_| self.bits == 32));
        let refuse = || {
            let place = format!("slopes of `{}`", node.name.escape_debug());
            Rejection::new(Code::NotFinite, place, "finite binary32 numbers, 32 bits each", "another code")
        };
        let floats = floats.collect::<Option<Vec<_>>>().ok_or_else(refuse)?;
        if let Op::Smooth(Curve::Square { rising, edge }, _) = node.op {
            let most = edge.map(|edge| Float { exponent: edge.exponent + 1, ..edge });
            let beyond = |slope: &Float| most.is_some_and(|most| slope.exceeds(most)) || rising && slope.mantissa < 0;
            if floats.iter().any(beyond) {
                let place = format!("slopes of `{}`", node.name.escape_debug());
                return Err(Rejection::new(Code::WeightSum, place, "slopes that the unit has", "another one"));
            }
        }
        Ok(Exact::dyadics(&floats))
    }
}

/// How many weights an entry has.
fn operands(node: &Node) -> usize {
    match &node.op {
        Op::Max(of) | Op::Smooth(Curve::LogSumExp, of) => of.len(),
        _ => 1,
    }
}
