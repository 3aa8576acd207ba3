//! From a model's output to f: monotone ends are taken off, the class and the threshold chosen, a minimum taken apart.

use crate::class::Class;
use crate::logit::Logit;
use crate::network::graph::{End, Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, same_shape, size, unit};
use crate::onnx::units;
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

/// Sigmoid, or a Softmax over the only axis of a sample. Before version 13 of the operators it is over that and all axes
/// behind it, and the axis is 1 where none is named: of [N, K] that is the same.
pub fn end(graph: &mut Graph, call: &Call, values: &Values, end: End) -> Answer {
    let (of, shape) = call.node(0, values)?;
    if end != End::Sigmoid && (shape.len() != 1 || !matches!(call.integer("axis"), None | Some(-1 | 1))) {
        return Err(call.refuse(Code::Unsupported, "[N, K], along axis 1", format!("[N, {shape:?}]")));
    }
    ended(graph, call, (of, shape.to_vec()), end)
}

/// The probabilities of logits of a shape: sigmoids of t and −t are the softmax of t/2 and −t/2.
pub fn ended(graph: &mut Graph, call: &Call, (mut of, shape): (usize, Vec<usize>), mut end: End) -> Answer {
    if end == End::Sigmoid && shape == [2] && are_opposite(graph, of) {
        of = multiple(graph, of, Float::new(1, -1))?;
        end = End::Softmax;
    }
    unit(graph, call, Op::End { of, end }, shape)
}

/// The logits of an operand, their shape and what they end in, if it is a Sigmoid or Softmax.
pub fn logits(graph: &Graph, call: &Call, values: &Values) -> Result<Option<(usize, Vec<usize>, End)>, Rejection> {
    let Value::Node(id, shape) = call.input(0, values)? else { return Ok(None) };
    match graph.nodes[*id].op {
        Op::End { of, end } if end != End::LogSoftmax => Ok(Some((of, shape.clone(), end))),
        _ => Ok(None),
    }
}

/// Whether the two entries of a node are t and −t, as the numbers of affine nodes say.
fn are_opposite(graph: &Graph, mut node: usize) -> bool {
    loop {
        let Op::Affine { terms, offset } = &graph.nodes[node].op else { return false };
        if offset.as_ref().is_some_and(|offset| offset.values[0] != -&offset.values[1]) {
            return false;
        }
        // All of one node, in its place and by one factor: its entries tell.
        if let [(of, map)] = &terms[..]
            && map.factors().is_some_and(|factors| factors.at(0) == factors.at(1))
        {
            node = *of;
            continue;
        }
        let minus = |(col, weight): (usize, IBig)| (col, -weight);
        return terms.iter().all(|(_, map)| map.rows() == (0..2) && map.entries(0).eq(map.entries(1).map(minus)));
    }
}

/// The minimum of values of one shape.
pub fn minimum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if let ([a @ Value::Node(..), c @ Value::Floats(..)], 2) | ([c @ Value::Floats(..), a @ Value::Node(..)], 2) =
        ([call.input(0, values)?, call.optional(1, values)?.unwrap_or(call.input(0, values)?)], call.arity())
    {
        return units::at_most(graph, call, a, c);
    }
    let (_, shape) = call.node(0, values)?;
    let mut operands = Vec::with_capacity(call.arity());
    for k in 0..call.arity() {
        let (id, other) = call.node(k, values)?;
        same_shape(call, shape, other)?;
        operands.push(id);
    }
    least(graph, call, &operands, shape.to_vec())
}

/// The minimum of nodes of this shape as −max(−a, −b, …).
pub fn least(graph: &mut Graph, call: &Call, operands: &[usize], shape: Vec<usize>) -> Answer {
    if let [only] = operands {
        return Ok(Value::Node(*only, shape));
    }
    let minus = Float::ONE.negated();
    let below = operands.iter().map(|&id| multiple(graph, id, minus)).collect::<Result<_, _>>()?;
    let id = graph.push(call.name, Op::Max(below), size(&shape))?;
    Ok(Value::Node(multiple(graph, id, minus)?, shape))
}

/// Makes f the last node, with an entry for each head; the rest of the graph is what f depends on.
pub fn finish(mut graph: Graph, output: usize, logit: &Logit) -> Result<Graph, Rejection> {
    if logit.of_probability && !is_odds(&graph, output) {
        let expected = "one output, or two under a softmax, for the logit of a probability";
        let (place, found) = (graph.nodes[output].name.clone(), "outputs whose differences are none");
        return Err(Rejection::new(Code::Unsupported, place, expected, found));
    }
    let mut last = chosen(&mut graph, output, logit.class)?;
    if let Some(heads) = heads(&mut graph, last, false)? {
        last = heads;
    }
    if let Some(threshold) = logit.threshold {
        let size = graph.nodes[last].size;
        let offset = threshold.exact().negated();
        let offset = offset.with(vec![offset.values[0].clone(); size]);
        let terms = vec![(last, Map::multiple(size, Float::ONE))];
        last = graph.push("", Op::Affine { terms, offset: Some(offset) }, size)?;
    }
    graph.prune(last);
    match graph.nodes.iter().find(|node| matches!(node.op, Op::End { .. })) {
        None => Ok(graph),
        Some(node) => Err(node.left_over()),
    }
}

/// Whether f is the logit of one probability: of one output, or of two that are no two probabilities of their own.
fn is_odds(graph: &Graph, output: usize) -> bool {
    match graph.nodes[output].size {
        1 => true,
        2 => odds(graph, output, 0).is_none_or(|odds| odds.minus.is_some()),
        _ => false,
    }
}

/// The logit of a class, or, of more than two outputs, what its output is above each other one.
fn chosen(graph: &mut Graph, mut output: usize, class: Class) -> Result<usize, Rejection> {
    let size = graph.nodes[output].size;
    if let Op::End { of, .. } = graph.nodes[output].op
        && size > 1
    {
        output = of; // In the same order.
    }
    let minus = Float::ONE.negated();
    match class {
        Class::Index(index) if size > 1 && (index as usize) < size => {
            let index = index as usize;
            if size == 2
                && let (Some(own), Some(other)) = (odds(graph, output, index), odds(graph, output, 1 - index))
                && (own.of, own.plus, own.minus) == (other.of, other.plus, other.minus)
                && own.rises != other.rises
            {
                return own.push(graph);
            }
            let others = signed((0..size).filter(|&k| k != index).collect(), size, minus);
            let terms = vec![(output, signed(vec![index; size - 1], size, Float::ONE)), (output, others)];
            graph.push("", Op::Affine { terms, offset: None }, size - 1)
        }
        Class::Positive | Class::Negative if size == 1 => {
            let logit = match odds(graph, output, 0) {
                Some(odds) => odds.push(graph)?,
                None => output,
            };
            if class == Class::Positive { Ok(logit) } else { multiple(graph, logit, minus) }
        }
        _ => {
            let expected =
                if let Class::Index(index) = class { format!("more than {}", index.max(1)) } else { "1".into() };
            let place = graph.nodes[output].name.clone();
            Err(Rejection::new(Code::ShapeMismatch, place, format!("{expected} outputs"), size.to_string()))
        }
    }
}

/// These entries of `cols`, times `factor`.
fn signed(from: Vec<usize>, cols: usize, factor: Float) -> Map {
    let from = from.into_iter().map(Some).collect();
    Map::Pick { start: 0, from, factors: Exact::dyadics(&[factor]), cols }
}

/// Every entry times `factor`.
fn multiple(graph: &mut Graph, of: usize, factor: Float) -> Result<usize, Rejection> {
    let size = graph.nodes[of].size;
    graph.push("", Op::Affine { terms: vec![(of, Map::multiple(size, factor))], offset: None }, size)
}

/// A probability p by what it says of logits: p > ½ where t\[plus\] − t\[minus\] > 0, or, unless `rises`, < 0.
struct Odds {
    of: usize,
    plus: usize,
    minus: Option<usize>,
    rises: bool,
}

impl Odds {
    fn push(&self, graph: &mut Graph) -> Result<usize, Rejection> {
        let size = graph.nodes[self.of].size;
        let entry =
            |at: usize, rises: bool| signed(vec![at], size, if rises { Float::ONE } else { Float::ONE.negated() });
        let mut terms = vec![(self.of, entry(self.plus, self.rises))];
        terms.extend(self.minus.map(|minus| (self.of, entry(minus, !self.rises))));
        graph.push("", Op::Affine { terms, offset: None }, 1)
    }
}

/// What an entry says, if it is a probability p of one of two classes, or 1 − p.
fn odds(graph: &Graph, node: usize, entry: usize) -> Option<Odds> {
    match &graph.nodes[node].op {
        Op::End { of, end: End::Sigmoid } => Some(Odds { of: *of, plus: entry, minus: None, rises: true }),
        Op::End { of, end: End::Softmax } if graph.nodes[node].size == 2 => {
            Some(Odds { of: *of, plus: 0, minus: Some(1), rises: entry == 0 })
        }
        Op::Affine { .. } => {
            let (of, at, factor, offset) = single(graph, node, entry)?;
            let odds = odds(graph, of, at)?;
            match (factor, offset) {
                (1, 0) => Some(odds),
                (-1, 1) => Some(Odds { rises: !odds.rises, ..odds }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// (node, entry, factor, offset) of an affine entry that reads one other entry, where the numbers are small integers.
fn single(graph: &Graph, node: usize, entry: usize) -> Option<(usize, usize, i64, i64)> {
    let Op::Affine { terms, offset } = &graph.nodes[node].op else { return None };
    let integer = |exact: &Exact| {
        let value = exact.clone().trimmed().ok()?;
        let whole = value.denominator.is_one() && (0..8).contains(&value.exponent);
        if whole { i64::try_from(&value.values[0] << value.exponent as usize).ok() } else { None }
    };
    let offset = offset.as_ref().map_or(Some(0), |offset| integer(&offset.with(vec![offset.values[entry].clone()])))?;
    let mut read = terms.iter().filter(|(_, map)| map.rows().contains(&entry)).flat_map(|(of, map)| {
        let Map::Pick { factors, .. } = map else { return vec![None, None] };
        let one = |(at, factor): (usize, IBig)| Some((*of, at, integer(&factors.with(vec![factor]))?, offset));
        map.entries(entry).filter(|(_, factor)| !factor.is_zero()).map(one).collect()
    });
    let found = read.next()??;
    read.next().is_none().then_some(found)
}

/// Where a node of one entry is the minimum of others (`falls`: of minus others): a node with an entry for each.
///
/// A minimum is a maximum behind a factor below 0, perhaps with more of its kind inside.
fn heads(graph: &mut Graph, node: usize, falls: bool) -> Result<Option<usize>, Rejection> {
    if graph.nodes[node].size != 1 {
        return Ok(None);
    }
    match graph.nodes[node].op.clone() {
        Op::Max(of) if falls => {
            let mut terms = Vec::with_capacity(of.len());
            let mut start = 0;
            for id in of {
                let inner = heads(graph, id, falls)?.unwrap_or(id);
                let size = graph.nodes[inner].size;
                let from = (0..size).map(Some).collect();
                let factors = Exact::dyadics(&[Float::ONE]);
                terms.push((inner, Map::Pick { start, from, factors, cols: size }));
                start += size;
            }
            graph.push("", Op::Affine { terms, offset: None }, start).map(Some)
        }
        Op::Affine { terms, offset } => {
            let [(of, map)] = &terms[..] else { return Ok(None) };
            let [(0, factor)] = &map.entries(0).collect::<Vec<_>>()[..] else { return Ok(None) };
            let (Map::Pick { factors, .. }, 1) = (map, graph.nodes[*of].size) else { return Ok(None) };
            let Some(inner) = heads(graph, *of, falls != (*factor < IBig::ZERO))? else { return Ok(None) };
            let size = graph.nodes[inner].size;
            let terms = vec![(inner, Map::diagonal(size, factors.clone()))];
            let offset = offset.map(|offset| offset.with(vec![offset.values[0].clone(); size]));
            graph.push("", Op::Affine { terms, offset }, size).map(Some)
        }
        _ => Ok(None),
    }
}
