//! The split f = g ∘ φ: which part of the graph is the feature map.
//!
//! If f is convex in x, φ is the identity; else φ is the smallest coordinate-wise prefix after which g is convex
//! (METHOD §1). "Coordinate-wise" means that every feature depends on one input coordinate only.

use super::curvature::{Analysis, Curvature, analyse, ancestors, concave_origin};
use super::direction::variables;
use super::graph::Graph;
use super::map::{Map, Weight};
use super::minorant::Enclosed;
use super::op::{Affine, NodeId, Op};
use super::univariate::{self, Bend, Coordinates, functions};
use crate::norm::Norm;

/// Entries that each depend on one input coordinate.
#[derive(Clone, Debug)]
pub struct Coordinatewise {
    /// `[size]`: the coordinate, or `None` for a constant entry.
    pub coordinate: Vec<Option<usize>>,
    /// `[size]`: the derivative where `affine`, else a bound of its absolute value.
    pub scale: Vec<Enclosed>,
    /// No kink on the way from the input.
    pub affine: bool,
}

/// A kink or maximum at which φ ends: every entry is one piecewise-linear function of one coordinate, a sum of kinks.
#[derive(Clone, Debug)]
pub struct Bent {
    /// The node.
    pub node: NodeId,
    /// Per entry its coordinate, and where it bends, in rising order.
    entries: Vec<Option<(usize, Vec<Bend>)>>,
}

impl Bent {
    /// (entry, coordinate, bend) of all bends.
    pub fn bends(&self) -> impl Iterator<Item = (usize, usize, &Bend)> {
        let entries = self.entries.iter().enumerate().filter_map(|(i, entry)| entry.as_ref().map(|entry| (i, entry)));
        entries.flat_map(|(i, (coordinate, bends))| bends.iter().map(move |bend| (i, *coordinate, bend)))
    }
}

/// φ, and with it g.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    /// The nodes whose entries are the features ψ = φ(x), in rising order; the input alone when φ is the identity.
    pub features: Vec<NodeId>,
    /// The kinks and maxima at which φ ends; none when φ is the identity.
    pub bent: Vec<Bent>,
    /// Per feature node, the coordinate of every entry.
    coordinates: Vec<Coordinates>,
    /// For input coordinates the Lipschitz factors of the features that depend on them: what several coordinates have
    /// stands once.
    factors: Vec<Vec<f64>>,
}

/// Why there is no split.
#[derive(Clone, Debug, PartialEq)]
pub struct NotConvex {
    /// The node at which the rules stop.
    pub node: NodeId,
    /// One line: the node's name and what breaks convexity there.
    pub reason: String,
}

impl std::fmt::Display for NotConvex {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "not convex: {}", self.reason)
    }
}

/// Finds the split.
///
/// # Errors
/// The first node that breaks convexity of g for every coordinate-wise φ tried.
pub fn split(graph: &Graph) -> Result<(FeatureMap, Analysis), NotConvex> {
    let coordinatewise = coordinatewise(graph);
    let affine = |id: NodeId| {
        let affine = |input: &NodeId| coordinatewise[*input].as_ref().is_some_and(|c| c.affine);
        graph.node(id).op.kink().is_some() && graph.node(id).inputs.iter().all(affine)
    };
    let start = variables(graph, &analyse(graph, &[]), &affine);
    let found = free(graph, start, &|culprit, free| candidates(graph, culprit, free, &affine));
    let (free, analysis) = match found {
        Ok(found) => found,
        Err((_, analysis)) => stacked(graph).ok_or_else(|| reason(graph, &analysis))?,
    };
    let (free, analysis) = smallest(graph, free, analysis);
    Ok((feature_map(graph, free)?, analysis))
}

/// Takes more and more nodes as variables until the rest is convex in them, those that `more` names for a culprit; the
/// last nodes and analysis where it names none.
fn free(
    graph: &Graph,
    mut free: Vec<NodeId>,
    more: &dyn Fn(NodeId, &[NodeId]) -> Vec<NodeId>,
) -> Result<(Vec<NodeId>, Analysis), (Vec<NodeId>, Analysis)> {
    loop {
        let analysis = analyse(graph, &free);
        if is_convex(graph, &analysis) {
            return Ok((free, analysis));
        }
        let culprit = analysis.first_break.as_ref().map_or(graph.output(), |stop| stop.culprit);
        let more = more(culprit, &free);
        if more.is_empty() {
            return Err((free, analysis));
        }
        free.extend(more);
        free.sort_unstable();
    }
}

/// Where kinks alone do not suffice: whatever is stacked on single coordinates.
fn stacked(graph: &Graph) -> Option<(Vec<NodeId>, Analysis)> {
    let coordinates = univariate::coordinates(graph);
    let bent = |id: NodeId| graph.node(id).op.is_unit() && coordinates[id].is_some();
    let start = variables(graph, &analyse(graph, &[]), &bent);
    free(graph, start, &|culprit, free| nearest(graph, culprit, free, &bent)).ok()
}

/// The nodes of a kind that `culprit` reads without another one in between.
fn nearest(graph: &Graph, culprit: NodeId, free: &[NodeId], fits: &dyn Fn(NodeId) -> bool) -> Vec<NodeId> {
    let (mut reached, free) = (graph.marked(&[culprit]), graph.marked(free));
    let mut found = Vec::new();
    for id in (0..=culprit).rev().filter(|&id| !free[id]) {
        if reached[id] && fits(id) {
            found.push(id);
        } else if reached[id] {
            graph.node(id).inputs.iter().for_each(|&input| reached[input] = true);
        }
    }
    found
}

fn is_convex(graph: &Graph, analysis: &Analysis) -> bool {
    analysis.nodes[graph.output()].curvature.iter().all(|c| c.is_convex())
}

/// Gives back every kink without which g is convex as well.
fn smallest(graph: &Graph, free: Vec<NodeId>, analysis: Analysis) -> (Vec<NodeId>, Analysis) {
    let fewer = variables(graph, &analysis, &|id| free.binary_search(&id).is_ok());
    let without = analyse(graph, &fewer);
    if is_convex(graph, &without) { (fewer, without) } else { (free, analysis) }
}

fn reason(graph: &Graph, analysis: &Analysis) -> NotConvex {
    let (node, entry, what) = match &analysis.first_break {
        Some(stop) => (stop.node, stop.entry.map(|entry| (stop.culprit, entry)), stop.reason.clone()),
        None => {
            let what = "the logit is concave, so only its negative could be certified".to_string();
            (graph.output(), Some((graph.output(), 0)), what)
        }
    };
    let name = |node: NodeId| &graph.node(node).name;
    let concave = |&(id, i): &(NodeId, usize)| analysis.nodes[id].curvature[i] == Curvature::Concave;
    let origin = entry.filter(concave).and_then(|(id, i)| concave_origin(graph, &analysis.nodes, id, i));
    match origin {
        Some((origin, cause)) => NotConvex {
            node: origin,
            reason: format!("node `{}`: {cause}; then node `{}`: {what}", name(origin), name(node)),
        },
        None => NotConvex { node, reason: format!("node `{}`: {what}", name(node)) },
    }
}

/// The nodes of a kind that `culprit` depends on.
fn candidates(graph: &Graph, culprit: NodeId, free: &[NodeId], fits: &dyn Fn(NodeId) -> bool) -> Vec<NodeId> {
    let (below, free) = (ancestors(graph, &[culprit]), graph.marked(free));
    (0..below.len()).filter(|&id| below[id] && !free[id] && fits(id)).collect()
}

fn feature_map(graph: &Graph, free: Vec<NodeId>) -> Result<FeatureMap, NotConvex> {
    let d = graph.input_size();
    if free.is_empty() {
        let coordinates = vec![(0..d).map(Some).collect()];
        return Ok(FeatureMap { features: vec![0], bent: Vec::new(), coordinates, factors: vec![vec![1.0]] });
    }
    let beyond = |node: NodeId, what: &str| NotConvex {
        node,
        reason: format!("node `{}`: a function of one coordinate {what}", graph.node(node).name),
    };
    let coordinates = univariate::coordinates(graph);
    let functions = functions(graph, &ancestors(graph, &free)).map_err(|node| beyond(node, "with too many pieces"))?;
    let bent = |&node: &NodeId| {
        let places = coordinates[node].as_ref().expect("φ is coordinate-wise");
        let entry = |(i, place): (usize, &Option<usize>)| match place {
            None => Some(None),
            Some(coordinate) => functions[node][i].bends().map(|bends| Some((*coordinate, bends))),
        };
        let entries = places.iter().enumerate().map(entry).collect::<Option<Vec<_>>>();
        Ok(Bent { node, entries: entries.ok_or_else(|| beyond(node, "whose slopes are beyond floats"))? })
    };
    let bent = free.iter().map(bent).collect::<Result<Vec<_>, NotConvex>>()?;
    let features = frontier(graph, &free);
    let mut factors = vec![Vec::new(); d];
    for &feature in &features {
        let places = coordinates[feature].iter().flatten();
        for (place, function) in places.zip(&functions[feature]) {
            place.iter().for_each(|i| factors[*i].push(function.steepest()));
        }
    }
    let coordinates = features.iter().map(|&feature| coordinates[feature].clone().expect("φ is coordinate-wise"));
    let order = |a: &Vec<f64>, b: &Vec<f64>| a.iter().map(|f| f.to_bits()).cmp(b.iter().map(|f| f.to_bits()));
    factors.sort_unstable_by(order);
    factors.dedup_by(|a, b| order(a, b).is_eq());
    Ok(FeatureMap { coordinates: coordinates.collect(), features, bent, factors })
}

/// The nodes of the prefix that something outside the prefix reads.
fn frontier(graph: &Graph, free: &[NodeId]) -> Vec<NodeId> {
    let prefix = ancestors(graph, free);
    let relevant = ancestors(graph, &[graph.output()]);
    let mut read = vec![false; prefix.len()];
    read[graph.output()] = true;
    for (id, node) in graph.nodes().iter().enumerate() {
        if relevant[id] && !prefix[id] {
            node.inputs.iter().for_each(|&input| read[input] = true);
        }
    }
    (0..prefix.len()).filter(|&id| prefix[id] && read[id]).collect()
}

impl FeatureMap {
    /// φ(x) = x.
    pub fn is_identity(&self) -> bool {
        self.bent.is_empty()
    }

    /// The coordinate of every entry of a feature node; `None` for constant entries.
    pub fn coordinates(&self, feature: NodeId) -> &[Option<usize>] {
        self.features.binary_search(&feature).map_or(&[], |k| &self.coordinates[k])
    }

    /// An upper bound of the Lipschitz constant of φ from ‖·‖_p to ‖·‖_p: max over the coordinates of the ℓp norm of
    /// its features' factors, which is exact for (y, |y|).
    pub fn lipschitz(&self, norm: Norm) -> f64 {
        self.factors.iter().map(|factors| norm.upper(factors)).fold(0.0, f64::max)
    }

    /// The constant for every p at once, as (number of features per coordinate, largest factor): count^{1/p} · factor;
    /// `None` when the coordinates that decide are not of that form.
    pub fn lipschitz_form(&self) -> Option<(usize, f64)> {
        let count = self.factors.iter().map(Vec::len).max().unwrap_or(0);
        let largest = self.factors.iter().flatten().copied().fold(0.0, f64::max);
        let attained = |factors: &Vec<f64>| factors.len() == count && factors.iter().all(|&f| f == largest);
        self.factors.iter().any(attained).then_some((count, largest))
    }
}

/// For every node its coordinate-wise form, where it has one.
pub(crate) fn coordinatewise(graph: &Graph) -> Vec<Option<Coordinatewise>> {
    let mut known: Vec<Option<Coordinatewise>> = Vec::new();
    for node in graph.nodes() {
        let inputs: Option<Vec<&Coordinatewise>> = node.inputs.iter().map(|&i| known[i].as_ref()).collect();
        let entry = inputs.and_then(|inputs| node_form(&node.op, node.size(), &inputs));
        known.push(entry);
    }
    known
}

const EXACT_ZERO: Enclosed = Enclosed { value: 0.0, error: 0.0 };

fn node_form(op: &Op, size: usize, inputs: &[&Coordinatewise]) -> Option<Coordinatewise> {
    match op {
        Op::Input => Some(Coordinatewise {
            coordinate: (0..size).map(Some).collect(),
            scale: vec![Enclosed { value: 1.0, error: 0.0 }; size],
            affine: true,
        }),
        Op::Affine(affine) => affine_form(affine, inputs),
        Op::Kink(kink) => {
            let steepest = Weight { value: kink.below.abs().max(kink.above.abs()), divides: false };
            let bound = |&scale: &Enclosed| {
                let bound = product(scale, steepest);
                Enclosed { value: bound.value.abs(), ..bound }
            };
            let scale = inputs[0].scale.iter().map(bound).collect();
            Some(Coordinatewise { coordinate: inputs[0].coordinate.clone(), scale, affine: false })
        }
        Op::Max | Op::Smooth(_) => None,
    }
}

/// Of sums whose maps are no matrices: those are left to [`univariate`].
fn affine_form(affine: &Affine, inputs: &[&Coordinatewise]) -> Option<Coordinatewise> {
    if affine.maps.iter().any(|map| matches!(map, Map::Dense(_) | Map::Windows(_))) {
        return None;
    }
    let is_affine = inputs.iter().all(|input| input.affine);
    let (mut coordinate, mut scale) = (Vec::with_capacity(affine.rows()), Vec::with_capacity(affine.rows()));
    for i in 0..affine.rows() {
        let mut total: Option<(Option<usize>, Enclosed)> = None;
        for (k, j, w) in affine.entries(i) {
            let next = (inputs[k].coordinate[j], product(inputs[k].scale[j], w));
            total = Some(match total {
                None => next,
                Some(before) => (common(before.0, next.0)?, sum(before.1, next.1, is_affine)),
            });
        }
        let (hangs_on, slope) = total.unwrap_or((None, EXACT_ZERO));
        coordinate.push(hangs_on);
        scale.push(slope);
    }
    Some(Coordinatewise { coordinate, scale, affine: is_affine })
}

/// The coordinate that both hang on, if any; `None` where there are two.
fn common(a: Option<usize>, b: Option<usize>) -> Option<Option<usize>> {
    match (a, b) {
        (a, None) => Some(a),
        (None, b) => Some(b),
        (Some(a), Some(b)) => (a == b).then_some(Some(a)),
    }
}

fn is_power_of_two(x: f64) -> bool {
    x.is_normal() && x.to_bits().trailing_zeros() >= 52
}

/// scale · weight, whose float is exact or rounded once.
fn product(scale: Enclosed, weight: Weight) -> Enclosed {
    let Weight { value: c, divides } = weight;
    let (factor, exact) = if divides { (1.0 / c, 1.0 / (1.0 / c) == c && is_power_of_two(c)) } else { (c, true) };
    let value = scale.value * factor;
    if exact && factor.abs() == 1.0 {
        return Enclosed { value, error: scale.error };
    }
    // A scale that underflowed to 0 carries an error, and its product is not 0 either.
    let nothing = factor == 0.0 || (scale.value == 0.0 && scale.error == 0.0);
    let rounding = 3.0 * f64::EPSILON * value.abs() + if nothing { 0.0 } else { f64::MIN_POSITIVE };
    let exact_product = exact && scale.value.abs() == 1.0;
    let error = scale.error * factor.abs() * (1.0 + 1e-12) + if exact_product { 0.0 } else { rounding };
    Enclosed { value, error }
}

/// a + b of two derivatives, or |a| + |b| of two bounds.
fn sum(a: Enclosed, b: Enclosed, affine: bool) -> Enclosed {
    let size = a.value.abs() + b.value.abs();
    let value = if affine { a.value + b.value } else { size };
    Enclosed { value, error: (a.error + b.error + f64::EPSILON * size) * (1.0 + 1e-12) }
}
