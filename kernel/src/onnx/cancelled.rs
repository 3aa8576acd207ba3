//! What is taken off and added again: ln Σ e^(xₖ − m) + m is ln Σ e^xₖ, whatever m is.

use crate::network::curve::Curve;
use crate::network::graph::{Graph, Op};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float};
use crate::rejection::Rejection;

/// Entries that are those of another node at `places`, all times one factor.
pub struct Taken {
    pub of: usize,
    pub places: Vec<usize>,
    pub factor: Exact,
}

impl Taken {
    /// As far back as a node's entries are such.
    pub fn back(graph: &Graph, node: usize) -> Result<Taken, Rejection> {
        let places = (0..graph.nodes[node].size).collect();
        let mut taken = Taken { of: node, places, factor: Exact::dyadics(&[Float::ONE]) };
        while let Op::Affine { terms, offset: None } = &graph.nodes[taken.of].op
            && let [(of, map)] = &terms[..]
            && let Some(next) = taken.through(*of, map)?
        {
            taken = next;
        }
        Ok(taken)
    }

    /// The same entries as those of `of`, of which they are taken by `map`.
    fn through(&self, of: usize, map: &Map) -> Result<Option<Taken>, Rejection> {
        let Map::Pick { start: 0, from, factors, .. } = map else { return Ok(None) };
        let places: Option<Vec<usize>> = self.places.iter().map(|&at| from.get(at).copied().flatten()).collect();
        match places {
            Some(places) => match one(factors) {
                Some(factor) => Ok(Some(Taken { of, places, factor: self.factor.times(&factor)? })),
                None => Ok(None),
            },
            None => Ok(None),
        }
    }
}

/// The one number that all are.
fn one(factors: &Exact) -> Option<Exact> {
    let first = factors.values.first()?;
    factors.values.iter().all(|other| other == first).then(|| factors.with(vec![first.clone()]))
}

/// The one number of which a map makes every entry the multiple.
fn multiple(map: &Map) -> Option<Exact> {
    map.factors().and_then(one)
}

fn is_one(factor: &Exact) -> Result<bool, Rejection> {
    Ok(factor.clone().minus(Exact::dyadics(&[Float::ONE]))?.is_zero())
}

/// x, and the node and factor of s, where a node is x + s, and s is the same in the same place of every cell.
pub fn shared(
    graph: &Graph,
    node: usize,
    places: &[usize],
    cells: &[usize],
) -> Result<Option<(usize, usize, Exact)>, Rejection> {
    let Op::Affine { terms, offset: None } = &graph.nodes[node].op else { return Ok(None) };
    let [first, second] = &terms[..] else { return Ok(None) };
    for ((x, own), (s, map)) in [(first, second), (second, first)] {
        let (Some(own), Some(factor)) = (multiple(own), multiple(map)) else { return Ok(None) };
        let taken = Taken::back(graph, *s)?;
        let alike =
            |place: &usize| cells.iter().all(|cell| taken.places[place + cell] == taken.places[place + cells[0]]);
        if is_one(&own)? && places.iter().all(alike) {
            return Ok(Some((*x, *s, factor)));
        }
    }
    Ok(None)
}

/// u, where `a` is ln(1 + e^−|u|), and `b` is max(u, 0): together ln(1 + e^u).
pub fn softened(graph: &Graph, a: usize, b: usize) -> Result<Option<usize>, Rejection> {
    let Op::Smooth(Curve::Softplus(None), of) = &graph.nodes[a].op else { return Ok(None) };
    let Op::Kink { of: above, below: Float::ZERO, above: Float::ONE } = graph.nodes[b].op else { return Ok(None) };
    let taken = Taken::back(graph, of[0])?;
    let in_place = taken.places.iter().enumerate().all(|(i, &at)| i == at);
    match graph.nodes[taken.of].op {
        Op::Kink { of: u, below, above: Float::ONE } if below == Float::ONE.negated() => {
            let fits = in_place && u == above && is_one(&taken.factor.negated())?;
            Ok(if fits { Some(u) } else { None })
        }
        _ => Ok(None),
    }
}

/// u, where `a` is u − m, and `b` is m.
pub fn regained(graph: &Graph, a: usize, b: usize) -> Result<Option<usize>, Rejection> {
    let Op::Affine { terms, offset: None } = &graph.nodes[a].op else { return Ok(None) };
    let [(u, own), (v, map)] = &terms[..] else { return Ok(None) };
    let Some(own) = multiple(own) else { return Ok(None) };
    let here = Taken { of: a, places: (0..graph.nodes[a].size).collect(), factor: Exact::dyadics(&[Float::ONE]) };
    let Some(one_step) = here.through(*v, map)? else { return Ok(None) };
    let rest = Taken::back(graph, *v)?;
    let minus = Taken {
        of: rest.of,
        places: one_step.places.iter().map(|&at| rest.places[at]).collect(),
        factor: one_step.factor.times(&rest.factor)?,
    };
    let plus = Taken::back(graph, b)?;
    let alike = minus.of == plus.of && minus.places == plus.places && minus.factor.plus(plus.factor)?.is_zero();
    Ok(if alike && is_one(&own)? { Some(*u) } else { None })
}
