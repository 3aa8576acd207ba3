//! Curvature and sign of every entry of every node, by the composition rules of disciplined convex programming.

use super::curve::Curve;
use super::graph::{Graph, Node};
use super::map::{Map, Weight};
use super::op::{Affine, Kink, NodeId, Op};
use super::runs;
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
    let (input, size) = (|k: usize| &nodes[node.inputs[k]], node.size());
    match &node.op {
        Op::Input => (Facts { curvature: vec![Curvature::Affine; size], sign: vec![Sign::Unknown; size] }, None),
        Op::Affine(affine) => affine_facts(affine, node, nodes),
        Op::Kink(kink) => kink_facts(*kink, input(0), node.inputs[0]),
        Op::Max => max_facts(node, nodes),
        Op::Smooth(curve) => curve_facts(*curve, node, nodes),
    }
}

fn affine_facts(affine: &Affine, node: &Node, nodes: &[Facts]) -> (Facts, Stopped) {
    let size = affine.rows();
    let (mut curvature, mut sign, mut stopped) = (Vec::with_capacity(size), Vec::with_capacity(size), None);
    let runs = affine.matrix().and_then(|(matrix, _)| Some((matrix, runs::of(&nodes[node.inputs[0]])?)));
    for i in 0..size {
        let mut total = (Curvature::Constant, Sign::of(affine.added(i)));
        let mut add = |(curvature, sign): (Curvature, Sign), weight: f64| {
            total = (total.0.plus(curvature.scaled(weight)), total.1.plus(sign.scaled(weight)));
        };
        match &runs {
            Some((matrix, runs)) => {
                runs.iter().for_each(|run| run.signs(matrix.row(i)).for_each(|w| add(run.facts, w)))
            }
            None => affine.each(i, |k, j, w| {
                let input = &nodes[node.inputs[k]];
                add((input.curvature[j], input.sign[j]), w.value);
            }),
        }
        if total.0 == Curvature::Unknown && stopped.is_none() {
            stopped = affine_break(affine, i, node, nodes);
        }
        curvature.push(total.0);
        sign.push(total.1);
    }
    (Facts { curvature, sign }, stopped)
}

/// Why row `i` mixes curvatures, and the input entry that does not fit; `None` when an input already had no curvature.
fn affine_break(affine: &Affine, i: usize, node: &Node, nodes: &[Facts]) -> Stopped {
    let of = |k: usize, j: usize| nodes[node.inputs[k]].curvature[j];
    if affine.entries(i).any(|(k, j, _)| of(k, j) == Curvature::Unknown) {
        return None;
    }
    let (k, j, w) = affine.entries(i).find(|&(k, j, w)| of(k, j).scaled(w.value) == Curvature::Concave)?;
    let reason = match affine.maps.len() {
        1 => format!("{} multiplies a {}, non-affine input", weight(affine, i, (j, w)), of(k, j)),
        _ => format!("entry {i} adds a convex and a concave term"),
    };
    Some((node.inputs[k], Some(j), reason))
}

/// A weight in words, as the file stores it.
fn weight(affine: &Affine, i: usize, (j, w): (usize, Weight)) -> String {
    match affine.maps[0] {
        Map::Diagonal(_) => format!("constant[{i}] = {:e}", w.value),
        _ => format!("W[{i}][{j}] = {:e}", w.value as f32),
    }
}

/// The node and the constant that made entry `i` of node `id` concave, in words.
pub fn concave_origin(graph: &Graph, facts: &[Facts], mut id: NodeId, mut i: usize) -> Option<(NodeId, String)> {
    loop {
        let node = graph.node(id);
        let Op::Affine(affine) = &node.op else {
            id = *node.inputs.iter().find(|&&input| facts[input].curvature.get(i) == Some(&Curvature::Concave))?;
            continue;
        };
        let of = |k: usize, j: usize| facts[node.inputs[k]].curvature[j];
        if let Some((_, j, w)) = affine.entries(i).find(|&(k, j, w)| w.value < 0.0 && of(k, j) == Curvature::Convex) {
            let does = if w.divides { "divides" } else { "multiplies" };
            return Some((id, format!("{} {does} a convex, non-affine input", weight(affine, i, (j, w)))));
        }
        let (k, j, _) = affine.entries(i).find(|&(k, j, _)| of(k, j) == Curvature::Concave)?;
        (id, i) = (node.inputs[k], j);
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

fn curve_facts(curve: Curve, node: &Node, nodes: &[Facts]) -> (Facts, Stopped) {
    let (mut curvature, mut sign, mut stopped) = (Vec::new(), Vec::new(), None);
    let square = matches!(curve, Curve::Square { .. });
    for i in 0..node.size() {
        let entries = node.inputs.iter().map(|&k| (k, nodes[k].curvature[i], nodes[k].sign[i]));
        // What rises keeps convexity; another square is convex of what is affine alone.
        let rises = !matches!(curve, Curve::Square { rising: false, .. });
        let fits = |c: Curvature| c.is_affine() || c.is_convex() && rises;
        let offender = entries.clone().find(|&(_, c, _)| !fits(c));
        if let (Some((culprit, c, s)), None) = (offender, &stopped)
            && c != Curvature::Unknown
        {
            stopped = Some((culprit, Some(i), format!("{} of entry {i}, which is {c} and of sign {s}", curve.name())));
        }
        curvature.push(match offender {
            Some(_) => Curvature::Unknown,
            None if entries.clone().all(|(_, c, _)| c == Curvature::Constant) => Curvature::Constant,
            None => Curvature::Convex,
        });
        let above = entries.clone().any(|(.., s)| matches!(s, Sign::NonNegative | Sign::Zero));
        sign.push(match curve {
            Curve::Softplus { .. } => Sign::NonNegative,
            Curve::LogSumExp if above => Sign::NonNegative,
            Curve::Elu(_) => entries.clone().next().expect("an input").2,
            _ if square => Sign::NonNegative,
            _ => Sign::Unknown,
        });
    }
    (Facts { curvature, sign }, stopped)
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
