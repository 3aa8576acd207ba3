//! From slopes to a function below the network: one exact backward pass.
//!
//! At every unit whose coefficient has the right sign, a line s·t with s between the unit's two slopes lies below it.
//! What is left is a constant, a linear function of the input, and kinks of single coordinates.

use crate::evidence::slopes::Slopes;
use crate::network::graph::{Graph, Node, Op};
use crate::network::map::Map;
use crate::network::single::{Singles, argument};
use crate::number::exact::{Exact, Float};
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

/// base + linear·x + Σ over the groups of jumps·max(slopes·x[coordinates] + offsets, 0), which lies below f everywhere.
#[derive(Clone, Debug)]
pub struct Minorant {
    /// One entry.
    pub base: Exact,
    /// Per input coordinate.
    pub linear: Exact,
    /// Of the nodes that are taken exactly.
    pub kinks: Vec<Kinks>,
}

/// Kinks of single coordinates.
#[derive(Clone, Debug)]
pub struct Kinks {
    /// Factors.
    pub jumps: Exact,
    /// Arguments.
    pub arguments: Singles,
}

/// The minorant that `slopes` (per node, where given) make.
pub fn minorant(graph: &Graph, singles: &[Option<Singles>], slopes: &[Option<Slopes>]) -> Result<Minorant, Rejection> {
    let mut pass = Pass { adjoints: vec![None; graph.nodes.len()], base: Exact::zeros(1), kinks: Vec::new() };
    pass.adjoints[graph.output()] = Some(Exact::integers(vec![IBig::ONE]));
    for (id, node) in graph.nodes.iter().enumerate().skip(1).rev() {
        let Some(adjoint) = pass.adjoints[id].take() else { continue };
        match (&node.op, &slopes[id]) {
            (Op::Input, _) => {}
            (Op::Affine { terms, offset }, _) => pass.affine(terms, offset.as_ref(), &adjoint)?,
            (Op::Kink { .. } | Op::Max(_), Some(slopes)) => pass.lines(node, &adjoint, slopes)?,
            (Op::Kink { .. } | Op::Max(_), None) => pass.exact(node, adjoint, singles)?,
        }
    }
    let linear = pass.adjoints[0].take().unwrap_or_else(|| Exact::zeros(graph.nodes[0].size));
    Ok(Minorant { base: pass.base, linear, kinks: pass.kinks })
}

struct Pass {
    /// What is still multiplied with a node's value; no entry where nothing is.
    adjoints: Vec<Option<Exact>>,
    base: Exact,
    kinks: Vec<Kinks>,
}

impl Pass {
    fn add(&mut self, node: usize, part: Exact) -> Result<(), Rejection> {
        self.adjoints[node] = Some(match self.adjoints[node].take() {
            None => part,
            Some(adjoint) => adjoint.plus(part)?,
        });
        Ok(())
    }

    fn affine(&mut self, terms: &[(usize, Map)], offset: Option<&Exact>, adjoint: &Exact) -> Result<(), Rejection> {
        if let Some(offset) = offset {
            self.base = std::mem::replace(&mut self.base, Exact::zeros(1)).plus(adjoint.dot(offset)?)?;
        }
        terms.iter().try_for_each(|(id, map)| self.add(*id, map.backward(adjoint)?))
    }

    /// A unit's entries replaced by lines.
    fn lines(&mut self, node: &Node, adjoint: &Exact, slopes: &Slopes) -> Result<(), Rejection> {
        let concave = node.is_concave();
        let wrong = |v: &IBig| if concave { *v > IBig::ZERO } else { *v < IBig::ZERO };
        if let Some(entry) = adjoint.values.iter().position(wrong) {
            return Err(Rejection::new(
                Code::NegativeCoefficient,
                format!("`{}` entry {entry}", node.name.escape_debug()),
                "a coefficient ≥ 0 of a convex unit",
                "a negative one",
            ));
        }
        for (k, operand) in node.operands().into_iter().enumerate() {
            self.add(operand, adjoint.times(&slopes.of_operand(node, k)?)?)?;
        }
        Ok(())
    }

    /// A unit taken as it is: a line plus a kink of a single coordinate, per entry.
    fn exact(&mut self, node: &Node, adjoint: Exact, singles: &[Option<Singles>]) -> Result<(), Rejection> {
        if adjoint.is_zero() {
            return Ok(());
        }
        let Some(arguments) = argument(node, singles)? else {
            return Err(Rejection::new(
                Code::SlopesMissing,
                format!("`{}`", node.name.escape_debug()),
                "slopes, or entries that depend on single coordinates",
                "neither",
            ));
        };
        // below·t + (above − below)·max(t, 0); a + max(b − a, 0).
        let (below, jump) = match &node.op {
            Op::Kink { below, above, .. } => (*below, Exact::dyadics(&[*above]).minus(Exact::dyadics(&[*below]))?),
            _ => (Float::ONE, Exact::dyadics(&[Float::ONE])),
        };
        self.add(node.operands()[0], adjoint.times(&Exact::dyadics(&[below]))?)?;
        self.kinks.push(Kinks { jumps: adjoint.times(&jump)?, arguments });
        Ok(())
    }
}
