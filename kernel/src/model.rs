//! A model as the rest of the crate, and of the program, sees it.

use crate::convexity::check_convexity;
use crate::inputs::read::Inputs;
use crate::logit::Logit;
use crate::network::curve::Curve;
use crate::network::graph::{Graph, Node, Op};
use crate::network::single::{Singles, singles};
use crate::number::exact::Exact;
use crate::onnx::elsewhere::{Files, nowhere};
use crate::onnx::file as onnx;
use crate::rejection::Rejection;
use dashu_int::{IBig, UBig};

/// A model, read exactly and found convex beyond its feature map.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) graph: Graph,
    pub(crate) singles: Vec<Option<Singles>>,
    pub(crate) logit: Logit,
}

/// A nonlinear node: what a certificate can give slopes for.
#[derive(Clone, Debug)]
pub struct Unit {
    /// First output name: the certificate's `node`.
    pub name: String,
    /// The node's own name in the file, else the first output's.
    pub label: String,
    /// Number of entries.
    pub size: usize,
    /// (mantissa, exponent of 2) of the slopes below and above 0; `None` for a maximum or smooth function of several.
    pub slopes: Option<[(i64, i64); 2]>,
    /// Whether it is smooth, with slopes between those.
    pub smooth: bool,
    /// Whether its codes are slopes of any size, as binary32.
    pub unbounded: bool,
    /// For every operand, whether it is a constant.
    pub constants: Vec<bool>,
}

impl Model {
    /// Reads an ONNX file that holds all its numbers; a class alone is the logit of it.
    pub fn read(bytes: &[u8], logit: impl Into<Logit>) -> Result<Model, Rejection> {
        Model::read_with(bytes, &nowhere, logit)
    }

    /// The same where `files` gives the numbers that stand in other files.
    pub fn read_with(bytes: &[u8], files: Files, logit: impl Into<Logit>) -> Result<Model, Rejection> {
        let logit = logit.into();
        let graph = onnx::read(bytes, files, &logit)?;
        let singles = singles(&graph)?;
        check_convexity(&graph, &singles)?;
        Ok(Model { graph, singles, logit })
    }

    /// Number of coordinates of an input.
    pub fn input_size(&self) -> usize {
        self.graph.nodes[0].size
    }

    /// Shape of one input.
    pub fn input_shape(&self) -> &[usize] {
        &self.graph.shape
    }

    /// Number of heads, of which f is the least.
    pub fn heads(&self) -> usize {
        self.graph.heads()
    }

    /// The sign of the exact logit at an input: −1, 0 or 1; 1, too, where smooth units leave it open.
    pub fn logit_sign(&self, inputs: &Inputs, index: u64) -> Result<i32, Rejection> {
        let logit = self.graph.logit(&self.input(inputs, index)?)?;
        Ok(i32::from(logit.values[0] > IBig::ZERO) - i32::from(logit.values[0] < IBig::ZERO))
    }

    /// The nonlinear nodes, for whoever makes certificates.
    pub fn units(&self) -> Vec<Unit> {
        let constant = |id: usize| matches!(&self.graph.nodes[id].op, Op::Affine { terms, .. } if terms.is_empty());
        let unit = |node: &Node| {
            let slopes = match (&node.op, &node.pieces()[..]) {
                (Op::Max(_) | Op::Smooth(Curve::LogSumExp, _), _) => None,
                (_, &[(_, below), (_, above)]) => Some([below, above].map(|s| (s.mantissa, s.exponent))),
                _ => None,
            };
            let label = if node.label.is_empty() { &node.name } else { &node.label };
            Unit {
                name: node.name.clone(),
                label: label.clone(),
                size: node.size,
                slopes,
                smooth: matches!(node.op, Op::Smooth(..)),
                unbounded: matches!(node.op, Op::Smooth(Curve::Square { .. }, _)),
                constants: node.operands().into_iter().map(constant).collect(),
            }
        };
        self.graph.nodes.iter().filter(|node| node.is_nonlinear()).map(unit).collect()
    }

    /// One input of a file, which must have the shape of the model's.
    pub(crate) fn input(&self, inputs: &Inputs, index: u64) -> Result<Exact, Rejection> {
        inputs.check_shape(self.input_shape())?;
        inputs.input(index)
    }
}

/// A model file as the kernel reads it, convex or not, for whoever compares readings. Nothing is proven about it.
#[derive(Clone, Debug)]
pub struct Reading {
    graph: Graph,
}

impl Reading {
    /// Reads an ONNX file; a class alone is the logit of it.
    pub fn read(bytes: &[u8], logit: impl Into<Logit>) -> Result<Reading, Rejection> {
        Ok(Reading { graph: onnx::read(bytes, &nowhere, &logit.into())? })
    }

    /// Number of coordinates of an input.
    pub fn input_size(&self) -> usize {
        self.graph.nodes[0].size
    }

    /// The exact logit at an input, but for smooth units, which are rounded up: numerator, exponent of 2, denominator.
    pub fn logit(&self, inputs: &Inputs, index: u64) -> Result<(IBig, i64, UBig), Rejection> {
        let mut logit = self.graph.logit(&inputs.input(index)?)?;
        Ok((logit.values.remove(0), logit.exponent, logit.denominator))
    }
}
