//! From slopes to a function below the network: one exact backward pass.
//!
//! At every unit whose coefficient has the right sign, a line s·t with s between the unit's two slopes lies below it.
//! What is left is a constant, a linear function of the input, and kinks of single coordinates.

use crate::evidence::slopes::Slopes;
use crate::network::graph::{Graph, Node, Op};
use crate::network::single::{Affine, argument, orders};
use crate::number::exact::{Exact, pairs};
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
    pub arguments: Affine,
}

/// The minorant that `slopes` (per node, where given) make.
pub fn minorant(graph: &Graph, affine: &[Option<Affine>], slopes: &[Option<Slopes>]) -> Result<Minorant, Rejection> {
    let mut pass = Pass { graph, adjoints: vec![None; graph.nodes.len()], base: Exact::zeros(1), kinks: Vec::new() };
    pass.adjoints[graph.output()] = Some(Exact::integers(vec![IBig::ONE]));
    for (id, node) in graph.nodes.iter().enumerate().skip(1).rev() {
        if let Some(adjoint) = pass.adjoints[id].take() {
            pass.step(node, adjoint, affine, slopes[id].as_ref())?;
        }
    }
    let linear = pass.adjoints[0].take().unwrap_or_else(|| Exact::zeros(graph.nodes[0].size()));
    Ok(Minorant { base: pass.base, linear, kinks: pass.kinks })
}

struct Pass<'a> {
    graph: &'a Graph,
    adjoints: Vec<Option<Exact>>,
    base: Exact,
    kinks: Vec<Kinks>,
}

impl Pass<'_> {
    fn step(
        &mut self,
        node: &Node,
        adjoint: Exact,
        affine: &[Option<Affine>],
        slopes: Option<&Slopes>,
    ) -> Result<(), Rejection> {
        match &node.op {
            Op::Input => {}
            Op::Constant(c) => self.add_base(adjoint.dot(c)?)?,
            Op::Layer(layer) => self.add(node.inputs[0], layer.backward(&adjoint)?)?,
            Op::Scale(c) => self.add(node.inputs[0], adjoint.times(c)?)?,
            Op::Shift(c) => {
                self.add_base(adjoint.dot(c)?)?;
                self.add(node.inputs[0], adjoint)?;
            }
            Op::Kink { .. } | Op::Max => match slopes {
                Some(slopes) => self.lines(node, &adjoint, slopes)?,
                None => self.exact(node, adjoint, affine)?,
            },
            Op::Sum => {
                for &input in &node.inputs {
                    self.add(input, adjoint.clone())?;
                }
            }
            Op::Concat { outer } => self.split(node, &adjoint, *outer)?,
            Op::Reshape => self.add(node.inputs[0], adjoint)?,
        }
        Ok(())
    }

    fn add(&mut self, node: usize, part: Exact) -> Result<(), Rejection> {
        self.adjoints[node] = Some(match self.adjoints[node].take() {
            None => part,
            Some(adjoint) => adjoint.plus(part)?,
        });
        Ok(())
    }

    fn add_base(&mut self, part: Exact) -> Result<(), Rejection> {
        self.base = std::mem::replace(&mut self.base, Exact::zeros(1)).plus(part)?;
        Ok(())
    }

    /// A kink's or a maximum's entries replaced by lines.
    fn lines(&mut self, node: &Node, adjoint: &Exact, slopes: &Slopes) -> Result<(), Rejection> {
        let concave = matches!(node.op, Op::Kink { below, above } if orders(below, above));
        let wrong = |v: &IBig| if concave { *v > IBig::ZERO } else { *v < IBig::ZERO };
        if let Some(entry) = adjoint.values.iter().position(wrong) {
            return Err(Rejection::new(
                Code::NegativeCoefficient,
                format!("`{}` entry {entry}", node.name.escape_debug()),
                "a coefficient ≥ 0 of a convex unit",
                "a negative one",
            ));
        }
        for (k, &input) in node.inputs.iter().enumerate() {
            self.add(input, adjoint.times(&slopes.of_operand(node, k)?)?)?;
        }
        Ok(())
    }

    /// A node taken as it is: a line plus a kink of a single coordinate, per entry.
    fn exact(&mut self, node: &Node, adjoint: Exact, affine: &[Option<Affine>]) -> Result<(), Rejection> {
        if adjoint.values.iter().all(IBig::is_zero) {
            return Ok(());
        }
        let Some(arguments) = argument(node, affine)? else {
            return Err(Rejection::new(
                Code::SlopesMissing,
                format!("`{}`", node.name.escape_debug()),
                "slopes, or entries that depend on single coordinates",
                "neither",
            ));
        };
        let jumps = match &node.op {
            Op::Kink { below, above } => {
                let jump = Exact::dyadics(&[*above]).minus(Exact::dyadics(&[*below]))?;
                let jumps = adjoint.times(&jump)?;
                self.add(node.inputs[0], adjoint.times(&Exact::dyadics(&[*below]))?)?;
                jumps
            }
            _ => {
                self.add(node.inputs[0], adjoint.clone())?;
                adjoint
            }
        };
        self.kinks.push(Kinks { jumps, arguments });
        Ok(())
    }

    fn split(&mut self, node: &Node, adjoint: &Exact, outer: usize) -> Result<(), Rejection> {
        let total = adjoint.len() / outer;
        let mut start = 0;
        let mut parts = Vec::with_capacity(node.inputs.len());
        for &input in &node.inputs {
            let width = self.graph.nodes[input].size() / outer;
            let block = |b: usize| adjoint.values[b * total + start..b * total + start + width].iter().cloned();
            parts.push(adjoint.with((0..outer).flat_map(block).collect()));
            start += width;
        }
        for (&input, part) in pairs(&node.inputs, parts)? {
            self.add(input, part)?;
        }
        Ok(())
    }
}
