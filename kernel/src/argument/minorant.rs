//! From slopes to a function below the network: one exact backward pass.
//!
//! A unit is a maximum of pieces (max(t, 0) of 0·t and 1·t), and any mean of them lies below it; where it is a minimum,
//! above. A smooth convex unit u lies above s·t − u*(s) (`curve`), and above it with u* rounded up. What is left is a constant, a linear function of the input, and kinks of single coordinates.

use crate::evidence::slopes::Slopes;
use crate::network::curve::Curve;
use crate::network::graph::{Graph, Node, Op};
use crate::network::single::{Singles, argument};
use crate::number::exact::{Exact, Float, pairs};
use crate::rejection::{Code, Rejection};
use dashu_int::{IBig, UBig};

/// base + linear·x + Σ jumps·max(slopes·x[coordinates] + offsets, 0), which lies below a head everywhere.
#[derive(Clone, Debug)]
pub struct Minorant {
    /// One entry.
    pub base: Exact,
    /// Per input coordinate.
    pub linear: Exact,
    /// Jumps and arguments, for every node that is taken exactly.
    pub kinks: Vec<(Exact, Singles)>,
}

/// The minorant of one head that `slopes` (per node, where given) make.
pub fn minorant(
    graph: &Graph,
    head: usize,
    singles: &[Option<Singles>],
    slopes: &[Option<Slopes>],
) -> Result<Minorant, Rejection> {
    let (mut base, mut kinks) = (Exact::zeros(1), Vec::new());
    // What a node's value is still multiplied with; nothing where it is not.
    let mut adjoints: Vec<Option<Exact>> = vec![None; graph.nodes.len()];
    adjoints[graph.output()] = Some(Exact::integers((0..graph.heads()).map(|j| IBig::from(j == head)).collect()));
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
            (Op::End { .. }, _) => return Err(node.left_over()),
            (Op::Affine { terms, offset }, _) => {
                if let Some(offset) = offset {
                    base = base.plus(adjoint.dot(offset)?)?;
                }
                terms.iter().try_for_each(|(operand, map)| add(*operand, map.backward(&adjoint)?))?;
            }
            (Op::Kink { .. } | Op::Max(_) | Op::Smooth(..), Some(slopes)) => {
                check_signs(node, &adjoint)?;
                let (lines, conjugates) = lines(node, slopes)?;
                if let Some(conjugates) = conjugates {
                    base = base.minus(adjoint.dot(&conjugates)?)?;
                }
                lines.into_iter().try_for_each(|(of, slopes)| add(of, adjoint.times(&slopes)?))?;
            }
            (Op::Kink { .. } | Op::Max(_) | Op::Smooth(..), None) if adjoint.is_zero() => {}
            (Op::Kink { .. } | Op::Max(_) | Op::Smooth(..), None) => {
                let expected = "slopes, or entries that depend on single coordinates";
                let place = || format!("`{}`", node.name.escape_debug());
                let refuse = || Rejection::new(Code::SlopesMissing, place(), expected, "neither");
                let arguments = argument(node, singles)?.ok_or_else(refuse)?;
                let (of, slope) = node.pieces()[0];
                add(of, adjoint.times(&Exact::dyadics(&[slope]))?)?;
                kinks.push((if node.is_concave() { adjoint.negated() } else { adjoint }, arguments));
            }
        }
    }
    let linear = adjoints[0].take().unwrap_or_else(|| Exact::zeros(graph.nodes[0].size));
    Ok(Minorant { base, linear, kinks })
}

/// Slopes for the entries of nodes, and what is taken off.
type Lines = (Vec<(usize, Exact)>, Option<Exact>);

/// What stands for a unit: slopes for the entries of the nodes that it reads, and its conjugates there, rounded up, which
/// are taken off; a mean of multiples takes off nothing.
fn lines(node: &Node, slopes: &Slopes) -> Result<Lines, Rejection> {
    if let Op::Smooth(Curve::Square { .. }, of) = &node.op {
        // t² ≥ s·t − s²/4 for any s; with an edge for those that its slopes are not above.
        let slopes = slopes.floats(node)?;
        let conjugates = slopes.times(&slopes)?.scaled(-2, &UBig::ONE)?;
        return Ok((vec![(of[0], slopes)], Some(conjugates)));
    }
    let (weights, whole) = slopes.weights(node);
    check_weights(node, &weights, whole)?;
    let conjugates = match node.op {
        Op::Smooth(curve, _) => Some(curve.conjugates(&weights, whole)?),
        _ => None,
    };
    let mut lines = Vec::with_capacity(weights.len());
    for ((of, slope), weights) in pairs(node.pieces(), weights)?.filter(|((_, slope), _)| *slope != Float::ZERO) {
        let shares = Exact::integers(weights.into_iter().map(IBig::from).collect()).scaled(0, &whole.into())?;
        lines.push((of, shares.times(&Exact::dyadics(&[slope]))?));
    }
    Ok((lines, conjugates))
}

/// Means lie below a convex unit and above a concave one: its coefficients must be ≥ 0, or ≤ 0.
fn check_signs(node: &Node, adjoint: &Exact) -> Result<(), Rejection> {
    let wrong = |v: &IBig| if node.is_concave() { *v > IBig::ZERO } else { *v < IBig::ZERO };
    let Some(entry) = adjoint.values.iter().position(wrong) else { return Ok(()) };
    let place = format!("`{}` entry {entry}", node.name.escape_debug());
    let expected = "a coefficient ≥ 0 of a convex unit";
    Err(Rejection::new(Code::NegativeCoefficient, place, expected, "a negative one"))
}

/// The weights of an entry's pieces, which are ≥ 0, are `whole` together.
fn check_weights(node: &Node, weights: &[Vec<u64>], whole: u64) -> Result<(), Rejection> {
    let wrong = |entry: &usize| weights.iter().map(|weights| weights[*entry]).sum::<u64>() != whole;
    let Some(entry) = (0..node.size).find(wrong) else { return Ok(()) };
    let place = format!("weights of `{}` entry {entry}", node.name.escape_debug());
    Err(Rejection::new(Code::WeightSum, place, whole.to_string(), "another sum"))
}
