//! Slopes of our graph as codes of the file's nonlinear nodes.
//!
//! Reading a file may rewrite it: max(u, c) becomes c + relu(u − c), max(s·y, t·y) one leaky activation, a kink whose
//! argument never changes sign a factor. Nodes keep the name of the file's node, which is how they are found again.

use crate::model::map::{Diagonal, Map};
use crate::model::passes::Slopes;
use crate::model::{Graph, Kink, Model, NodeId, Op};
use std::collections::HashMap;
use underplane_kernel::Unit;

/// One node's codes.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The file's name of the node.
    pub node: String,
    /// 1, 8, 16, 24 or 32.
    pub bits: usize,
    /// One per entry and operand.
    pub codes: Vec<u32>,
}

/// How slopes are packed.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    /// Whether the operands of maxima are swapped.
    pub swapped: bool,
    /// Bits of a code, where 1 is not enough.
    pub bits: usize,
}

/// The ways in which the codes may be meant, swapped or not: one, or two where the order of a maximum's operands was lost.
pub fn ways(units: &[Unit]) -> &'static [bool] {
    let swapped = units.iter().any(|unit| !unit.smooth && unit.slopes.is_none() && unit.constants == [false, false]);
    if swapped { &[false, true] } else { &[false] }
}

/// Codes of as many bits as `packing` says, of 1 bit where that is enough. Nodes of the feature map, and nodes that are not found, are left
/// out.
pub fn pack(model: &Model, units: &[Unit], slopes: &Slopes<f64>, packing: Packing) -> Vec<Packed> {
    let names = Names::of(model.graph());
    units.iter().filter_map(|unit| pack_unit(model, &names, unit, slopes, packing)).collect()
}

/// The first node of every name, number of entries and kind.
struct Names<'a>(HashMap<(&'a str, usize, Kind), NodeId>);

/// What a unit of the kernel may be here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Kink,
    Max,
    /// A smooth function.
    Smooth,
    /// A kink that never changes sides.
    Factor,
}

impl Kind {
    fn of(op: &Op) -> Option<Kind> {
        match op {
            Op::Kink(_) => Some(Kind::Kink),
            Op::Max => Some(Kind::Max),
            Op::Smooth(_) => Some(Kind::Smooth),
            _ => factors(op).map(|_| Kind::Factor),
        }
    }
}

/// What every entry is multiplied by, where that is all.
fn factors(op: &Op) -> Option<&[f64]> {
    match op.elementwise() {
        Some((Map::Diagonal(Diagonal { factors, divides: false }), [])) => Some(factors),
        _ => None,
    }
}

impl<'a> Names<'a> {
    fn of(graph: &'a Graph) -> Names<'a> {
        let mut names = HashMap::new();
        for (id, node) in graph.nodes().iter().enumerate() {
            if let Some(kind) = Kind::of(&node.op) {
                names.entry((node.name.as_str(), node.size(), kind)).or_insert(id);
            }
        }
        Names(names)
    }

    /// The unit's node of this kind.
    fn get(&self, unit: &Unit, kind: Kind) -> Option<NodeId> {
        self.0.get(&(unit.label.as_str(), unit.size, kind)).copied()
    }
}

fn pack_unit(model: &Model, names: &Names, unit: &Unit, slopes: &Slopes<f64>, packing: Packing) -> Option<Packed> {
    let graph = model.graph();
    if unit.smooth {
        return smooth(unit, &slopes.nodes[names.get(unit, Kind::Smooth)?], packing.bits);
    }
    let (kink, max) = (names.get(unit, Kind::Kink), names.get(unit, Kind::Max));
    let is_free = |id: NodeId| model.convexity().is_ok_and(|convexity| convexity.is_free(id));
    if kink.is_some_and(is_free) || max.is_some_and(is_free) {
        return None;
    }
    let of_kink = |id: usize| shares(graph, id, &slopes.nodes[id]);
    let operands = match (&unit.slopes, kink, max) {
        (Some(_), Some(kink), _) => vec![of_kink(kink)],
        (Some(ends), None, _) => vec![idle(graph, names.get(unit, Kind::Factor)?, ends)],
        (None, kink, max) => maximum(unit, kink.map(of_kink), max.map(|id| slopes.nodes[id].clone()), packing.swapped)?,
    };
    Some(packed(unit, &operands, packing.bits))
}

/// Slopes between 0 and 1, weights that are 1 together, or slopes of any size.
fn smooth(unit: &Unit, slopes: &[f64], bits: usize) -> Option<Packed> {
    if unit.unbounded {
        let codes = slopes.iter().map(|&s| (s as f32).to_bits()).collect();
        return Some(Packed { node: unit.name.clone(), bits: 32, codes });
    }
    let operands: Vec<Vec<f64>> = slopes.chunks_exact(unit.size).map(<[f64]>::to_vec).collect();
    Some(packed(unit, &operands, bits))
}

/// Where in its interval every slope lies.
fn shares(graph: &Graph, id: usize, slopes: &[f64]) -> Vec<f64> {
    let Kink { below, above } = graph.node(id).op.kink().expect("a kink");
    let (low, high) = (below.min(above), below.max(above));
    let share = |&s: &f64| if high > low { ((s - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
    slopes.iter().map(share).collect()
}

/// A kink that became a factor: one of its two slopes.
fn idle(graph: &Graph, id: usize, ends: &[(i64, i64); 2]) -> Vec<f64> {
    let factors = factors(&graph.node(id).op).expect("a factor");
    let [below, above] = ends.map(value);
    let (low, high) = (below.min(above), below.max(above));
    factors.iter().map(|&s| if s == high && high > low { 1.0 } else { f64::from(u8::from(s > low)) }).collect()
}

/// Weights per operand, from a kink (of two operands, or the rest against a constant), a maximum, or both.
fn maximum(unit: &Unit, kink: Option<Vec<f64>>, max: Option<Vec<f64>>, swap: bool) -> Option<Vec<Vec<f64>>> {
    let constants = unit.constants.iter().filter(|&&c| c).count();
    let values = unit.constants.len() - constants;
    let size = unit.size;
    if let (0, 2, Some(shares), None) = (constants, values, &kink, &max) {
        let other = shares.iter().map(|s| 1.0 - s).collect();
        return Some(if swap { vec![other, shares.clone()] } else { vec![shares.clone(), other] });
    }
    let whole = kink.unwrap_or_else(|| vec![1.0; size]);
    let of_value = |k: usize| match &max {
        Some(weights) => (0..size).map(|i| weights[k * size + i] * whole[i]).collect(),
        None => whole.clone(),
    };
    if values != 1 && max.is_none() || max.as_ref().is_some_and(|weights| weights.len() != values * size) {
        return None;
    }
    let (mut next, mut first_constant) = (0, true);
    let operand = |&constant: &bool| {
        if !constant {
            next += 1;
            return of_value(next - 1);
        }
        let share = if std::mem::take(&mut first_constant) { 1.0 } else { 0.0 };
        whole.iter().map(|s| share * (1.0 - s)).collect()
    };
    Some(unit.constants.iter().map(operand).collect())
}

/// Codes that, for a maximum, sum to the whole.
fn packed(unit: &Unit, operands: &[Vec<f64>], bits: usize) -> Packed {
    let simple = operands.iter().flatten().all(|&share| share == 0.0 || share == 1.0);
    let bits = if simple { 1 } else { bits };
    let whole = u32::MAX >> (32 - bits);
    let code = |share: f64| (share * f64::from(whole)).round().clamp(0.0, f64::from(whole)) as u32;
    let mut codes: Vec<u32> = operands.iter().flatten().map(|&share| code(share)).collect();
    if operands.len() > 1 {
        for i in 0..unit.size {
            let mut left = whole;
            for k in 1..operands.len() {
                let code = &mut codes[k * unit.size + i];
                *code = (*code).min(left);
                left -= *code;
            }
            codes[i] = left;
        }
    }
    Packed { node: unit.name.clone(), bits, codes }
}

/// What a unit is to be found by.
#[derive(Hash, PartialEq, Eq)]
enum Form {
    /// Bits of both slopes.
    Kink([u64; 2]),
    /// Number of inputs.
    Max(usize),
}

impl Form {
    fn of(op: &Op, inputs: usize) -> Option<Form> {
        match op {
            Op::Kink(kink) => Some(Form::of_slopes([kink.below, kink.above])),
            Op::Max => Some(Form::Max(inputs)),
            _ => None,
        }
    }

    fn of_slopes(slopes: [f64; 2]) -> Form {
        // −0 and 0 are one slope.
        Form::Kink(slopes.map(|slope| (slope + 0.0).to_bits()))
    }
}

/// For every unit the kink or maximum of our graph that is just this unit, where there is one.
pub fn find(model: &Model, units: &[Unit]) -> Vec<Option<NodeId>> {
    let mut known = HashMap::new();
    for (id, node) in model.graph().nodes().iter().enumerate() {
        if let Some(form) = Form::of(&node.op, node.inputs.len()) {
            known.entry((node.name.as_str(), node.size(), form)).or_insert(id);
        }
    }
    let find = |unit: &Unit| {
        // What is smooth is left to the exact replay.
        if unit.smooth {
            return None;
        }
        let form = unit.slopes.as_ref().map(|ends| Form::of_slopes(ends.map(value)));
        let form = form.unwrap_or(Form::Max(unit.constants.len()));
        known.get(&(unit.label.as_str(), unit.size, form)).copied()
    };
    units.iter().map(find).collect()
}

/// mantissa · 2^exponent.
fn value((mantissa, exponent): (i64, i64)) -> f64 {
    mantissa as f64 * (exponent as f64).exp2()
}

/// Puts codes into the slopes of our graph's node `id`; `None` where they do not fit.
pub fn unpack(model: &Model, id: usize, bits: usize, bytes: &[u8], slopes: &mut Slopes<f64>) -> Option<()> {
    let codes: Vec<u32> = match bits {
        1 => bytes.iter().flat_map(|&byte| (0..8).map(move |i| u32::from(byte >> i & 1))).collect(),
        8 | 16 | 24 | 32 => {
            bytes.chunks_exact(bits / 8).map(|c| c.iter().rev().fold(0, |code, &b| code << 8 | u32::from(b))).collect()
        }
        _ => return None,
    };
    if codes.len() < slopes.nodes[id].len() {
        return None;
    }
    let (low, high) = match model.graph().node(id).op.kink() {
        Some(Kink { below, above }) => (below.min(above), below.max(above)),
        None => (0.0, 1.0),
    };
    let whole = f64::from(u32::MAX >> (32 - bits));
    let of_code = |code: &u32| low + (high - low) * (f64::from(*code) / whole);
    slopes.nodes[id].iter_mut().zip(&codes).for_each(|(slope, code)| *slope = of_code(code));
    Some(())
}
