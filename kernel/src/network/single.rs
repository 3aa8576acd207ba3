//! Nodes whose entries are affine functions of single input coordinates, and the convexity test that needs them.

use crate::network::graph::{Graph, Node, Op};
use crate::number::exact::{Exact, pairs};
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

/// A vector with entries slope·x[coordinate] + offset, or the offset alone.
#[derive(Clone, Debug)]
pub struct Affine {
    /// Per entry.
    pub coordinates: Vec<Option<usize>>,
    /// Per entry; 0 where there is no coordinate.
    pub slopes: Exact,
    /// Per entry.
    pub offsets: Exact,
}

/// For every node that a nonlinear one reads, its entries as affine functions of single coordinates, where they are.
pub fn affine(graph: &Graph) -> Result<Vec<Option<Affine>>, Rejection> {
    let mut last_use = vec![0; graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|&input| last_use[input] = id.max(last_use[input]));
        if node.is_nonlinear() {
            node.inputs.iter().for_each(|&input| last_use[input] = usize::MAX);
        }
    }
    let mut all: Vec<Option<Affine>> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let found = of_node(node, &all)?;
        all.push(found);
        // What nothing reads any more: a long network need not be held twice.
        node.inputs.iter().filter(|&&input| last_use[input] == id).for_each(|&input| all[input] = None);
    }
    Ok(all)
}

fn of_node(node: &Node, all: &[Option<Affine>]) -> Result<Option<Affine>, Rejection> {
    let mut operands = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        match &all[input] {
            Some(affine) => operands.push(affine),
            None => return Ok(None),
        }
    }
    let size = node.size();
    Ok(match &node.op {
        Op::Input => Some(Affine {
            coordinates: (0..size).map(Some).collect(),
            slopes: Exact::integers(vec![IBig::ONE; size]),
            offsets: Exact::zeros(size),
        }),
        Op::Constant(c) => {
            Some(Affine { coordinates: vec![None; size], slopes: Exact::zeros(size), offsets: c.clone() })
        }
        Op::Reshape => Some(operands[0].clone()),
        Op::Scale(c) => Some(Affine {
            coordinates: operands[0].coordinates.clone(),
            slopes: operands[0].slopes.times(c)?,
            offsets: operands[0].offsets.times(c)?,
        }),
        Op::Shift(c) => {
            let Affine { coordinates, slopes, offsets } = operands[0].clone();
            Some(Affine { coordinates, slopes, offsets: offsets.plus(c.clone())? })
        }
        Op::Sum => operands[1..].iter().try_fold(Some(operands[0].clone()), |sum, other| match sum {
            Some(sum) => sum.plus((*other).clone()),
            None => Ok(None),
        })?,
        Op::Concat { outer } => Some(concat(&operands, *outer)?),
        Op::Layer(layer) => {
            let only = |row: usize| {
                let mut entries = (0..layer.cols).filter(|&col| layer.sign(row, col) != 0);
                let first = entries.next();
                entries.next().is_none().then_some(first)
            };
            let Some(entries) = (0..layer.rows).map(only).collect::<Option<Vec<_>>>() else { return Ok(None) };
            let weight = |(row, col): (usize, &Option<usize>)| {
                col.map_or(crate::number::exact::Float::ZERO, |col| layer.weight(row, col))
            };
            let weights = Exact::dyadics(&entries.iter().enumerate().map(weight).collect::<Vec<_>>());
            let pick = |from: &Exact| {
                from.with(entries.iter().map(|col| col.map_or(IBig::ZERO, |col| from.values[col].clone())).collect())
            };
            Some(Affine {
                coordinates: entries.iter().map(|col| col.and_then(|col| operands[0].coordinates[col])).collect(),
                slopes: pick(&operands[0].slopes).times(&weights)?,
                offsets: pick(&operands[0].offsets).times(&weights)?,
            })
        }
        Op::Kink { .. } | Op::Max => None,
    })
}

impl Affine {
    /// The sum, where no entry then depends on two coordinates.
    pub fn plus(self, other: Affine) -> Result<Option<Affine>, Rejection> {
        let join = |(a, b): (&Option<usize>, &Option<usize>)| match (*a, *b) {
            (Some(a), Some(b)) if a != b => None,
            (a, b) => Some(a.or(b)),
        };
        let Some(coordinates) = pairs(&self.coordinates, &other.coordinates)?.map(join).collect() else {
            return Ok(None);
        };
        let slopes = self.slopes.plus(other.slopes)?;
        Ok(Some(Affine { coordinates, slopes, offsets: self.offsets.plus(other.offsets)? }))
    }

    /// Entrywise −x.
    pub fn negated(self) -> Affine {
        Affine { coordinates: self.coordinates, slopes: self.slopes.negated(), offsets: self.offsets.negated() }
    }
}

fn concat(operands: &[&Affine], outer: usize) -> Result<Affine, Rejection> {
    let width = |a: &Affine| a.coordinates.len() / outer;
    let blocks =
        (0..outer).flat_map(|b| operands.iter().flat_map(move |a| &a.coordinates[b * width(a)..(b + 1) * width(a)]));
    Ok(Affine {
        coordinates: blocks.copied().collect(),
        slopes: crate::network::graph::concat(operands.iter().map(|a| &a.slopes).collect(), outer)?,
        offsets: crate::network::graph::concat(operands.iter().map(|a| &a.offsets).collect(), outer)?,
    })
}

/// The argument of a nonlinear node as kinks t ↦ max(t, 0) of single coordinates: of a kink its operand, of
/// max(a, b) = a + max(b − a, 0) the difference b − a.
pub fn argument(node: &Node, all: &[Option<Affine>]) -> Result<Option<Affine>, Rejection> {
    match (&node.op, &node.inputs[..]) {
        (Op::Kink { .. }, &[t]) => Ok(all[t].clone()),
        (Op::Max, &[a, b]) => match (&all[a], &all[b]) {
            (Some(a), Some(b)) => b.clone().plus(a.clone().negated()),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// How an entry can enter the logit: with a coefficient that can be positive, negative, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Signs {
    up: bool,
    down: bool,
}

impl Signs {
    fn times(self, sign: i64) -> Signs {
        match sign {
            0 => Signs::default(),
            1.. => self,
            _ => Signs { up: self.down, down: self.up },
        }
    }

    fn join(&mut self, other: Signs) {
        self.up |= other.up;
        self.down |= other.down;
    }
}

/// Tests that f is convex beyond its feature map: wherever a negative weight can reach a convex unit (or a positive one
/// a concave unit), that unit is a function of a single coordinate.
pub fn check_convexity(graph: &Graph, affine: &[Option<Affine>]) -> Result<(), Rejection> {
    let mut signs: Vec<Vec<Signs>> = graph.nodes.iter().map(|node| vec![Signs::default(); node.size()]).collect();
    signs[graph.output()][0].up = true;
    for (id, node) in graph.nodes.iter().enumerate().rev() {
        let own = std::mem::take(&mut signs[id]);
        if node.is_nonlinear() {
            check_unit(node, &own, affine)?;
        }
        spread(node, &own, &mut signs);
    }
    Ok(())
}

fn check_unit(node: &Node, own: &[Signs], affine: &[Option<Affine>]) -> Result<(), Rejection> {
    let concave = matches!(node.op, Op::Kink { below, above } if orders(below, above));
    let wrong = own.iter().position(|s| if concave { s.up } else { s.down });
    let Some(entry) = wrong else { return Ok(()) };
    if argument(node, affine)?.is_some() {
        return Ok(());
    }
    Err(Rejection::new(
        Code::NotConvex,
        format!("`{}` entry {entry}", node.name.escape_debug()),
        "weights ≥ 0 behind every unit that is no function of a single coordinate",
        "a weight of the other sign",
    ))
}

/// Whether `a` > `b`.
pub fn orders(a: crate::number::exact::Float, b: crate::number::exact::Float) -> bool {
    let pair = Exact::dyadics(&[a, b]);
    pair.values[0] > pair.values[1]
}

fn spread(node: &Node, own: &[Signs], signs: &mut [Vec<Signs>]) {
    let mut add = |k: usize, entry: usize, s: Signs| signs[node.inputs[k]][entry].join(s);
    let sign = |v: &IBig| i64::from(*v > IBig::ZERO) - i64::from(*v < IBig::ZERO);
    match &node.op {
        Op::Input | Op::Constant(_) => {}
        Op::Layer(layer) => {
            for (row, s) in own.iter().enumerate().filter(|(_, s)| **s != Signs::default()) {
                for col in 0..layer.cols {
                    add(0, col, s.times(layer.sign(row, col)));
                }
            }
        }
        Op::Scale(c) => own.iter().enumerate().for_each(|(i, s)| add(0, i, s.times(sign(&c.values[i])))),
        Op::Kink { below, above } => {
            for (i, s) in own.iter().enumerate() {
                add(0, i, s.times(below.mantissa.signum()));
                add(0, i, s.times(above.mantissa.signum()));
            }
        }
        Op::Shift(_) | Op::Reshape | Op::Max | Op::Sum => {
            for k in 0..node.inputs.len() {
                own.iter().enumerate().for_each(|(i, s)| add(k, i, *s));
            }
        }
        Op::Concat { outer } => {
            let mut at = 0;
            for block in 0..*outer {
                for &input in &node.inputs {
                    let width = signs[input].len() / outer;
                    for j in 0..width {
                        signs[input][block * width + j].join(own[at]);
                        at += 1;
                    }
                }
            }
        }
    }
}
