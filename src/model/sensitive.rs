//! Which output, with which sign, is the logit of the sensitive class.

use std::collections::HashMap;
use std::str::FromStr;

use dashu_int::{IBig, ops::BitTest};

use super::error::ModelError;
use super::graph::Graph;
use super::layer::{Dense, Layer};
use super::logit::Logit;
use super::onnx::exact::two_sum;
use super::op::NodeId;

/// How the model's output says "sensitive".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitive {
    /// One output, positive for the sensitive class.
    Positive,
    /// One output, negative for the sensitive class.
    Negative,
    /// Several outputs, of which this one is the largest for the sensitive class.
    Index(usize),
}

impl FromStr for Sensitive {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "positive" => Ok(Sensitive::Positive),
            "negative" => Ok(Sensitive::Negative),
            other => match other.parse() {
                Ok(index) if other == format!("{index}") => Ok(Sensitive::Index(index)),
                _ => Err(format!("expected positive, negative or an index for the sensitive class, found `{other}`")),
            },
        }
    }
}

impl std::fmt::Display for Sensitive {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Sensitive::Positive => f.write_str("positive"),
            Sensitive::Negative => f.write_str("negative"),
            Sensitive::Index(index) => write!(f, "{index}"),
        }
    }
}

/// The graph whose only output is the logit f, positive for the sensitive class.
///
/// # Errors
/// When `sensitive` does not fit the number of outputs, or f is the least of several heads.
pub fn select(graph: Graph, sensitive: Sensitive) -> Result<Graph, ModelError> {
    let mut heads = Logit::from(sensitive).heads(graph)?;
    match (heads.pop(), heads.len()) {
        (Some(only), 0) => Ok(only),
        (_, others) => Err(ModelError::Model(format!("expected one logit, found the least of {}", others + 1))),
    }
}

/// Entry `plus` of a node minus entry `minus`, as a node of one entry.
pub(in crate::model) fn difference(
    graph: &mut Graph,
    id: NodeId,
    plus: usize,
    minus: usize,
) -> Result<NodeId, ModelError> {
    Difference { graph, plus, minus, done: HashMap::new() }.of(id, 0)
}

/// How deep sums are taken apart; beyond that the difference is taken of the whole.
const MOST_DEPTH: usize = 64;

/// How the difference of two of a node's entries is formed.
enum Step {
    /// As that of its only input.
    Same(NodeId),
    /// The input's, plus the difference of these two constants.
    Shift(NodeId, f64, f64),
    /// A multiple of the input's.
    Scale(NodeId, f64),
    /// The sum of the inputs'.
    Sum(Vec<NodeId>),
    /// From the difference of a linear layer's rows.
    Rows(Dense),
    /// By a linear layer (+1, −1) of its own.
    Whole,
}

/// Appends entry `plus` minus entry `minus` as nodes of one entry.
struct Difference<'a> {
    graph: &'a mut Graph,
    plus: usize,
    minus: usize,
    done: HashMap<NodeId, NodeId>,
}

impl Difference<'_> {
    fn of(&mut self, id: NodeId, depth: usize) -> Result<NodeId, ModelError> {
        if let Some(&done) = self.done.get(&id) {
            return Ok(done);
        }
        let name = self.graph.node(id).name.clone();
        let step = if depth < MOST_DEPTH { self.step(id) } else { Step::Whole };
        let made = match step {
            Step::Same(input) => self.of(input, depth + 1)?,
            Step::Shift(input, plus, minus) => {
                let inner = self.of(input, depth + 1)?;
                self.shifted(&name, inner, plus, minus)?
            }
            Step::Scale(input, factor) => {
                let inner = self.of(input, depth + 1)?;
                self.graph.push(&name, Layer::Scale(vec![factor]), &[inner])?
            }
            Step::Sum(inputs) => {
                let parts: Result<Vec<NodeId>, ModelError> =
                    inputs.iter().map(|&input| self.of(input, depth + 1)).collect();
                self.graph.push(&name, Layer::Sum, &parts?)?
            }
            Step::Rows(dense) => self.rows(id, &dense)?,
            Step::Whole => {
                let mut weight = vec![0.0; self.graph.node(id).size()];
                (weight[self.plus], weight[self.minus]) = (1.0, -1.0);
                let dense = Dense { rows: 1, cols: weight.len(), weight, bias: vec![0.0] };
                self.graph.push("difference", Layer::Dense(dense), &[id])?
            }
        };
        self.done.insert(id, made);
        Ok(made)
    }

    fn step(&self, id: NodeId) -> Step {
        let node = self.graph.node(id);
        match node.layer() {
            Some(Layer::Reshape) => Step::Same(node.inputs[0]),
            Some(Layer::Shift(values)) => Step::Shift(node.inputs[0], values[self.plus], values[self.minus]),
            Some(Layer::Scale(values)) if values[self.plus] == values[self.minus] => {
                Step::Scale(node.inputs[0], values[self.plus])
            }
            Some(Layer::Sum) => Step::Sum(node.inputs.clone()),
            Some(Layer::Dense(dense)) => Step::Rows(dense),
            _ => Step::Whole,
        }
    }

    /// Adds plus − minus, exactly, in one step or two.
    fn shifted(&mut self, name: &str, id: NodeId, plus: f64, minus: f64) -> Result<NodeId, ModelError> {
        let (difference, error) = two_sum(plus, -minus);
        let mut last = id;
        for part in [difference, error].into_iter().filter(|&part| part != 0.0) {
            last = self.graph.push(name, Layer::Shift(vec![part]), &[last])?;
        }
        Ok(last)
    }

    fn rows(&mut self, id: NodeId, dense: &Dense) -> Result<NodeId, ModelError> {
        let node = self.graph.node(id);
        let (name, input) = (node.name.clone(), node.inputs[0]);
        let (plus, minus) = (dense.row(self.plus), dense.row(self.minus));
        let bias = (f64::from(dense.bias[self.plus]), f64::from(dense.bias[self.minus]));
        let parts = same_sign_parts(plus, minus);
        let row = |weight: Vec<f32>| Layer::Dense(Dense { rows: 1, cols: weight.len(), weight, bias: vec![0.0] });
        let single = |part: &[f64]| part.iter().all(|&d| f64::from(d as f32) == d);
        let product = match &parts[..] {
            [part] if single(part) => {
                self.graph.push(&name, row(part.iter().map(|&d| d as f32).collect()), &[input])?
            }
            _ => {
                let ones = row(vec![1.0; parts[0].len()]);
                let scaled: Result<Vec<NodeId>, ModelError> =
                    parts.into_iter().map(|part| self.graph.push(&name, Layer::Scale(part), &[input])).collect();
                let scaled = scaled?;
                let sum = match scaled[..] {
                    [one] => one,
                    _ => self.graph.push(&name, Layer::Sum, &scaled)?,
                };
                self.graph.push(&name, ones, &[sum])?
            }
        };
        self.shifted(&name, product, bias.0, bias.1)
    }
}

/// Vectors that sum to `plus` − `minus` exactly; no part of an entry has another sign than the entry, so that each part
/// tells the sign of the difference or is zero.
fn same_sign_parts(plus: &[f32], minus: &[f32]) -> Vec<Vec<f64>> {
    let size = plus.len();
    let mut parts = vec![vec![0.0; size]];
    for (i, (&p, &m)) in plus.iter().zip(minus).enumerate() {
        let (difference, error) = two_sum(f64::from(p), -f64::from(m));
        if error == 0.0 {
            parts[0][i] = difference;
            continue;
        }
        for (k, chunk) in chunks(steps(p) - steps(m)).into_iter().enumerate() {
            if parts.len() <= k {
                parts.push(vec![0.0; size]);
            }
            parts[k][i] = chunk;
        }
    }
    parts
}

/// The float as a multiple of 2⁻¹⁴⁹.
fn steps(x: f32) -> IBig {
    let (field, fraction) = (x.to_bits() >> 23 & 0xff, x.to_bits() & 0x7f_ffff);
    let magnitude = match field {
        0 => IBig::from(fraction),
        _ => IBig::from(fraction | 0x80_0000) << (field - 1) as usize,
    };
    if x < 0.0 { -magnitude } else { magnitude }
}

/// The number in pieces of 53 bits, from the top.
fn chunks(steps: IBig) -> Vec<f64> {
    let sign = if steps < IBig::ZERO { -1.0 } else { 1.0 };
    let mut rest = if steps < IBig::ZERO { -steps } else { steps };
    let mut found = vec![];
    while rest > IBig::ZERO {
        let shift = rest.bit_len().saturating_sub(53);
        let top = &rest >> shift;
        // Below 2⁵³, so exact as an f64; the power of two stays far from underflow.
        let digits = u64::try_from(&top).unwrap_or(0) as f64;
        found.push(sign * digits * 2f64.powi(shift as i32 - 149));
        rest -= top << shift;
    }
    found
}
