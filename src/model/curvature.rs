//! Curvature and sign of every entry of every node, by the composition rules of disciplined convex programming.

use super::graph::{Graph, Kink, Node, NodeId, Op};
use super::map::Map;
use crate::matrix::joined;
use std::fmt;

/// How an entry depends on the variables (the input, and the outputs of the kinks that are taken as features).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curvature {
    /// Not at all.
    Constant,
    /// Affinely.
    Affine,
    /// Convexly.
    Convex,
    /// Concavely.
    Concave,
    /// The rules do not say.
    Unknown,
}

impl Curvature {
    /// Of the negated entry.
    pub fn negated(self) -> Curvature {
        match self {
            Curvature::Convex => Curvature::Concave,
            Curvature::Concave => Curvature::Convex,
            other => other,
        }
    }

    /// Of the entry times `factor`.
    fn scaled(self, factor: f64) -> Curvature {
        if factor == 0.0 {
            Curvature::Constant
        } else if factor < 0.0 {
            self.negated()
        } else {
            self
        }
    }

    /// Of the sum of two entries.
    fn plus(self, other: Curvature) -> Curvature {
        use Curvature::{Affine, Constant};
        match (self, other) {
            (Constant, c) | (c, Constant) => c,
            (Affine, c) | (c, Affine) => c,
            (a, b) if a == b => a,
            _ => Curvature::Unknown,
        }
    }

    /// Convex, with the special cases affine and constant.
    pub fn is_convex(self) -> bool {
        matches!(self, Curvature::Constant | Curvature::Affine | Curvature::Convex)
    }

    fn is_affine(self) -> bool {
        matches!(self, Curvature::Constant | Curvature::Affine)
    }
}

impl fmt::Display for Curvature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Curvature::Constant => "constant",
            Curvature::Affine => "affine",
            Curvature::Convex => "convex",
            Curvature::Concave => "concave",
            Curvature::Unknown => "unknown",
        })
    }
}

/// What is known of an entry's sign, whatever the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Always 0.
    Zero,
    /// Never below 0.
    NonNegative,
    /// Never above 0.
    NonPositive,
    /// Not known.
    Unknown,
}

impl Sign {
    fn of(value: f64) -> Sign {
        if value == 0.0 {
            Sign::Zero
        } else if value > 0.0 {
            Sign::NonNegative
        } else {
            Sign::NonPositive
        }
    }

    fn scaled(self, factor: f64) -> Sign {
        match (self, Sign::of(factor)) {
            (Sign::Zero, _) | (_, Sign::Zero) => Sign::Zero,
            (sign, Sign::NonNegative) => sign,
            (Sign::NonNegative, _) => Sign::NonPositive,
            (Sign::NonPositive, _) => Sign::NonNegative,
            (Sign::Unknown, _) => Sign::Unknown,
        }
    }

    fn plus(self, other: Sign) -> Sign {
        match (self, other) {
            (Sign::Zero, s) | (s, Sign::Zero) => s,
            (a, b) if a == b => a,
            _ => Sign::Unknown,
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sign::Zero => "0",
            Sign::NonNegative => "≥ 0",
            Sign::NonPositive => "≤ 0",
            Sign::Unknown => "any",
        })
    }
}

/// Curvature and sign of every entry of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// `[size]`.
    pub curvature: Vec<Curvature>,
    /// `[size]`.
    pub sign: Vec<Sign>,
}

/// The place where the rules stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Break {
    /// The node.
    pub node: NodeId,
    /// The node whose entry does not fit there.
    pub culprit: NodeId,
    /// That entry, where one decides by itself.
    pub entry: Option<usize>,
    /// What does not fit, with the weight and its place.
    pub reason: String,
}

/// The facts of every node, and the first place before the output where the rules stop.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// One per node.
    pub nodes: Vec<Facts>,
    /// `None` when the rules cover every node that the output depends on.
    pub first_break: Option<Break>,
}

/// Applies the rules; the outputs of the kinks and maxima in `free` count as variables.
pub fn analyse(graph: &Graph, free: &[NodeId]) -> Analysis {
    let relevant = ancestors(graph, &[graph.output()]);
    let free = graph.marked(free);
    let mut nodes: Vec<Facts> = Vec::new();
    let mut first_break = None;
    for (id, node) in graph.nodes().iter().enumerate() {
        let (mut facts, mut stopped) = node_facts(node, &nodes);
        if free[id] {
            let moves = facts.curvature.iter_mut().filter(|c| **c != Curvature::Constant);
            moves.for_each(|c| *c = Curvature::Affine);
            stopped = None;
        }
        if let (None, true, Some((culprit, entry, reason))) = (&first_break, relevant[id], stopped) {
            first_break = Some(Break { node: id, culprit, entry, reason });
        }
        nodes.push(facts);
    }
    Analysis { nodes, first_break }
}

/// Which nodes the `targets` depend on, themselves included.
pub fn ancestors(graph: &Graph, targets: &[NodeId]) -> Vec<bool> {
    let mut reached = graph.marked(targets);
    for id in (0..reached.len()).rev() {
        if reached[id] {
            graph.node(id).inputs.iter().for_each(|&input| reached[input] = true);
        }
    }
    reached
}

/// (culprit, its entry, reason).
type Stopped = Option<(NodeId, Option<usize>, String)>;

fn node_facts(node: &Node, nodes: &[Facts]) -> (Facts, Stopped) {
    let input = |k: usize| &nodes[node.inputs[k]];
    let size = node.size();
    match &node.op {
        Op::Input => (Facts { curvature: vec![Curvature::Affine; size], sign: vec![Sign::Unknown; size] }, None),
        Op::Constant(values) => {
            let sign = values.iter().map(|&v| Sign::of(v)).collect();
            (Facts { curvature: vec![Curvature::Constant; size], sign }, None)
        }
        Op::Dense(dense) => {
            let row = |i: usize| dense.row(i).iter().map(|&w| f64::from(w)).enumerate().filter(|(_, w)| *w != 0.0);
            linear_facts((0..dense.rows).map(|i| (row(i), f64::from(dense.bias[i]))), input(0), node.inputs[0])
        }
        Op::Linear(map) => linear_facts((0..map.rows()).map(|i| (Row(map, i), 0.0)), input(0), node.inputs[0]),
        Op::Scale(c) | Op::Divide(c) => {
            let curvature = input(0).curvature.iter().zip(c).map(|(k, &c)| k.scaled(c)).collect();
            let sign = input(0).sign.iter().zip(c).map(|(s, &c)| s.scaled(c)).collect();
            (Facts { curvature, sign }, None)
        }
        Op::Shift(c) => {
            let sign = input(0).sign.iter().zip(c).map(|(s, &c)| s.plus(Sign::of(c))).collect();
            (Facts { curvature: input(0).curvature.clone(), sign }, None)
        }
        Op::Kink(kink) => kink_facts(*kink, input(0), node.inputs[0]),
        Op::Sum => sum_facts(node, nodes),
        Op::Max => max_facts(node, nodes),
        Op::Concat { outer } => (concat_facts(node, nodes, *outer), None),
        Op::Reshape => (input(0).clone(), None),
    }
}

/// Of sums of input entries with these weights other than 0, and a constant each.
fn linear_facts<R: IntoIterator<Item = (usize, f64)> + Clone>(
    rows: impl Iterator<Item = (R, f64)>,
    input: &Facts,
    culprit: NodeId,
) -> (Facts, Stopped) {
    let mut stopped = None;
    let (mut curvature, mut sign) = (Vec::new(), Vec::new());
    for (i, (row, bias)) in rows.enumerate() {
        let mut total = (Curvature::Constant, Sign::of(bias));
        for (j, w) in row.clone() {
            total.0 = total.0.plus(input.curvature[j].scaled(w));
            total.1 = total.1.plus(input.sign[j].scaled(w));
        }
        if total.0 == Curvature::Unknown && stopped.is_none() {
            stopped = linear_break(row, i, input).map(|(j, reason)| (culprit, Some(j), reason));
        }
        curvature.push(total.0);
        sign.push(total.1);
    }
    (Facts { curvature, sign }, stopped)
}

/// A row of a map, to be read more than once.
#[derive(Clone)]
struct Row<'a>(&'a Map, usize);

impl<'a> IntoIterator for Row<'a> {
    type Item = (usize, f64);
    type IntoIter = std::iter::Filter<Box<dyn Iterator<Item = (usize, f64)> + 'a>, fn(&(usize, f64)) -> bool>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.entries(self.1).filter(|(_, w)| *w != 0.0)
    }
}

/// Why row `i` mixes curvatures, and the input entry that does not fit; `None` when an input already had no curvature.
fn linear_break(
    row: impl IntoIterator<Item = (usize, f64)> + Clone,
    i: usize,
    input: &Facts,
) -> Option<(usize, String)> {
    if row.clone().into_iter().any(|(j, _)| input.curvature[j] == Curvature::Unknown) {
        return None;
    }
    let (j, w) = row.into_iter().find(|&(j, w)| input.curvature[j].scaled(w) == Curvature::Concave)?;
    let w = w as f32; // as the file stores it
    Some((j, format!("W[{i}][{j}] = {w:e} multiplies a {}, non-affine input", input.curvature[j])))
}

/// The node and the constant that made entry `i` of node `id` concave, in words.
pub fn concave_origin(graph: &Graph, facts: &[Facts], mut id: NodeId, i: usize) -> Option<(NodeId, String)> {
    let concave = |input: &NodeId| facts[*input].curvature.get(i) == Some(&Curvature::Concave);
    loop {
        let node = graph.node(id);
        match &node.op {
            Op::Dense(dense) => {
                let input = &facts[node.inputs[0]];
                let convex = |&(j, &w): &(usize, &f32)| w < 0.0 && input.curvature[j] == Curvature::Convex;
                let (j, w) = dense.row(i).iter().enumerate().find(convex)?;
                return Some((id, format!("W[{i}][{j}] = {w:e} multiplies a convex, non-affine input")));
            }
            Op::Linear(map) => {
                let input = &facts[node.inputs[0]];
                let convex = |&(j, w): &(usize, f64)| w < 0.0 && input.curvature[j] == Curvature::Convex;
                let (j, w) = map.entries(i).find(convex)?;
                let w = w as f32;
                return Some((id, format!("W[{i}][{j}] = {w:e} multiplies a convex, non-affine input")));
            }
            Op::Scale(c) | Op::Divide(c) if c[i] < 0.0 => {
                let what = format!("constant[{i}] = {:e} multiplies or divides a convex, non-affine input", c[i]);
                return Some((id, what));
            }
            Op::Concat { .. } => return None,
            _ => id = *node.inputs.iter().find(|input| concave(input))?,
        }
    }
}

fn kink_facts(kink: Kink, input: &Facts, culprit: NodeId) -> (Facts, Stopped) {
    let mut stopped = None;
    let (mut curvature, mut sign) = (Vec::new(), Vec::new());
    for (i, (&c, &s)) in input.curvature.iter().zip(&input.sign).enumerate() {
        let result = kink_curvature(kink, c);
        if result == Curvature::Unknown && c != Curvature::Unknown && stopped.is_none() {
            let (below, above) = (kink.below, kink.above);
            let reason = format!("slopes {below} below 0 and {above} above 0 applied to entry {i}, which is {c}");
            stopped = Some((culprit, Some(i), reason));
        }
        curvature.push(result);
        sign.push(kink_sign(kink, s));
    }
    (Facts { curvature, sign }, stopped)
}

fn kink_curvature(kink: Kink, input: Curvature) -> Curvature {
    let Kink { below, above } = kink;
    if input == Curvature::Constant || input == Curvature::Unknown {
        return input;
    }
    if below == above {
        return input.scaled(below);
    }
    let own = if below < above { Curvature::Convex } else { Curvature::Concave };
    let fits = match input {
        Curvature::Affine => true,
        c if c == own => below >= 0.0 && above >= 0.0,
        _ => below <= 0.0 && above <= 0.0,
    };
    if fits { own } else { Curvature::Unknown }
}

fn kink_sign(kink: Kink, input: Sign) -> Sign {
    let below = Sign::of(-kink.below);
    let above = Sign::of(kink.above);
    match input {
        Sign::Zero => Sign::Zero,
        Sign::NonNegative => above,
        Sign::NonPositive => below,
        Sign::Unknown => above.plus(below),
    }
}

fn sum_facts(node: &Node, nodes: &[Facts]) -> (Facts, Stopped) {
    let mut total = nodes[node.inputs[0]].clone();
    let mut stopped = None;
    for &input in &node.inputs[1..] {
        let other = &nodes[input];
        for i in 0..total.sign.len() {
            let (a, b) = (total.curvature[i], other.curvature[i]);
            let sum = a.plus(b);
            if sum == Curvature::Unknown && a != Curvature::Unknown && b != Curvature::Unknown && stopped.is_none() {
                let culprit = if b == Curvature::Concave { input } else { node.inputs[0] };
                stopped = Some((culprit, Some(i), format!("entry {i} adds a {a} and a {b} term")));
            }
            total.curvature[i] = sum;
            total.sign[i] = total.sign[i].plus(other.sign[i]);
        }
    }
    (total, stopped)
}

fn max_facts(node: &Node, nodes: &[Facts]) -> (Facts, Stopped) {
    let size = node.size();
    let (mut curvature, mut sign, mut stopped) = (Vec::with_capacity(size), Vec::with_capacity(size), None);
    for i in 0..size {
        let entries = node.inputs.iter().map(|&k| (k, nodes[k].curvature[i], nodes[k].sign[i]));
        let constant = entries.clone().all(|(_, c, _)| c == Curvature::Constant);
        let offender = entries.clone().find(|(_, c, _)| !c.is_convex());
        if let (Some((culprit, c @ Curvature::Concave, _)), None) = (offender, &stopped) {
            stopped = Some((culprit, Some(i), format!("entry {i} takes the maximum of a {c} term")));
        }
        curvature.push(match offender {
            Some(_) => Curvature::Unknown,
            None if constant => Curvature::Constant,
            None => Curvature::Convex,
        });
        let any_above = entries.clone().any(|(_, _, s)| matches!(s, Sign::NonNegative | Sign::Zero));
        let all_below = entries.clone().all(|(_, _, s)| matches!(s, Sign::NonPositive | Sign::Zero));
        sign.push(match (any_above, all_below) {
            (true, true) => Sign::Zero,
            (true, false) => Sign::NonNegative,
            (false, true) => Sign::NonPositive,
            (false, false) => Sign::Unknown,
        });
    }
    (Facts { curvature, sign }, stopped)
}

fn concat_facts(node: &Node, nodes: &[Facts], outer: usize) -> Facts {
    let of = || node.inputs.iter().map(|&input| &nodes[input]);
    let curvature = joined(&of().map(|facts| &facts.curvature[..]).collect::<Vec<_>>(), outer);
    Facts { curvature, sign: joined(&of().map(|facts| &facts.sign[..]).collect::<Vec<_>>(), outer) }
}

impl Facts {
    /// One word for the whole node: the entries' common curvature, or the least specific one that covers them.
    pub fn summary(&self) -> (Curvature, Sign) {
        let curvature = self.curvature.iter().copied().reduce(|a, b| match (a, b) {
            (a, b) if a == b => a,
            (a, b) if a.is_affine() && b.is_affine() => Curvature::Affine,
            (a, b) if a.is_convex() && b.is_convex() => Curvature::Convex,
            (a, b) if a.negated().is_convex() && b.negated().is_convex() => Curvature::Concave,
            _ => Curvature::Unknown,
        });
        let sign = self.sign.iter().copied().reduce(Sign::plus);
        (curvature.unwrap_or(Curvature::Constant), sign.unwrap_or(Sign::Zero))
    }
}
