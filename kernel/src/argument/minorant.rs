//! From slopes to a function below the network: one exact backward pass.
//!
//! At every unit whose coefficient has the right sign, a line s·t with s between the unit's two slopes lies below it.
//! What is left is a constant, a linear function of the input, and kinks of single coordinates.

use crate::evidence::slopes::Slopes;
use crate::network::graph::{Graph, Node, Op};
use crate::network::single::{Singles, argument};
use crate::number::exact::{Exact, Float};
use crate::rejection::{Code, Rejection};
use dashu_int::IBig;

/// base + linear·x + Σ jumps·max(slopes·x[coordinates] + offsets, 0), which lies below f everywhere.
#[derive(Clone, Debug)]
pub struct Minorant {
    /// One entry.
    pub base: Exact,
    /// Per input coordinate.
    pub linear: Exact,
    /// Jumps and arguments, for every node that is taken exactly.
    pub kinks: Vec<(Exact, Singles)>,
}

/// The minorant that `slopes` (per node, where given) make.
pub fn minorant(graph: &Graph, singles: &[Option<Singles>], slopes: &[Option<Slopes>]) -> Result<Minorant, Rejection> {
    let (mut base, mut kinks) = (Exact::zeros(1), Vec::new());
    // What a node's value is still multiplied with; nothing where it is not.
    let mut adjoints: Vec<Option<Exact>> = vec![None; graph.nodes.len()];
    adjoints[graph.output()] = Some(Exact::integers(vec![IBig::ONE]));
    for (id, node) in graph.nodes.iter().enumerate().skip(1).rev() {
        let Some(adjoint) = adjoints[id].take() else { continue };
        let mut add = |operand: usize, part: Exact| -> Result<(), Rejection> {
            adjoints[operand] = Some(match adjoints[operand].take() {
                None => part,
                Some(adjoint) => adjoint.plus(part)?,
            });
            Ok(())
        };
        match (&node.op, &slopes[id]) {
            (Op::Input, _) => {}
            (Op::Affine { terms, offset }, _) => {
                if let Some(offset) = offset {
                    base = base.plus(adjoint.dot(offset)?)?;
                }
                terms.iter().try_for_each(|(operand, map)| add(*operand, map.backward(&adjoint)?))?;
            }
            (Op::Kink { .. } | Op::Max(_), Some(slopes)) => {
                check_signs(node, &adjoint)?;
                for (k, operand) in node.operands().into_iter().enumerate() {
                    add(operand, adjoint.times(&slopes.of_operand(node, k)?)?)?;
                }
            }
            (Op::Kink { .. } | Op::Max(_), None) if adjoint.is_zero() => {}
            (Op::Kink { .. } | Op::Max(_), None) => {
                let expected = "slopes, or entries that depend on single coordinates";
                let place = || format!("`{}`", node.name.escape_debug());
                let refuse = || Rejection::new(Code::SlopesMissing, place(), expected, "neither");
                let arguments = argument(node, singles)?.ok_or_else(refuse)?;
                // below·t + (above − below)·max(t, 0); a + max(b − a, 0).
                let (below, above) = match &node.op {
                    Op::Kink { below, above, .. } => (*below, *above),
                    _ => (Float::ONE, Float::new(2, 0)),
                };
                let jump = Exact::dyadics(&[above]).minus(Exact::dyadics(&[below]))?;
                add(node.operands()[0], adjoint.times(&Exact::dyadics(&[below]))?)?;
                kinks.push((adjoint.times(&jump)?, arguments));
            }
        }
    }
    let linear = adjoints[0].take().unwrap_or_else(|| Exact::zeros(graph.nodes[0].size));
    Ok(Minorant { base, linear, kinks })
}

/// Lines lie below a convex unit and above a concave one: its coefficients must be ≥ 0 and ≤ 0.
fn check_signs(node: &Node, adjoint: &Exact) -> Result<(), Rejection> {
    let wrong = |v: &IBig| if node.is_concave() { *v > IBig::ZERO } else { *v < IBig::ZERO };
    let Some(entry) = adjoint.values.iter().position(wrong) else { return Ok(()) };
    let place = format!("`{}` entry {entry}", node.name.escape_debug());
    let expected = "a coefficient ≥ 0 of a convex unit";
    Err(Rejection::new(Code::NegativeCoefficient, place, expected, "a negative one"))
}
