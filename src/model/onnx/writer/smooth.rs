//! Smooth units with the operators that there are for them.

use super::{Writer, float, int, ints, too_fine};
use crate::model::onnx::tensor::fits;
use crate::model::{Curve, ModelError, Node};

impl Writer {
    /// Writes a smooth unit of nodes of these names, of an operand that is never below 0 or not.
    pub(super) fn smooth(
        &mut self,
        node: &Node,
        curve: Curve,
        inputs: &[&str],
        is_positive: bool,
    ) -> Result<String, ModelError> {
        let name = &node.name;
        Ok(match curve {
            Curve::Softplus { threshold } => {
                if threshold == f64::INFINITY {
                    return Ok(self.emit("Softplus", name, inputs, vec![]));
                }
                if !fits(threshold) {
                    return Err(too_fine(name, threshold));
                }
                let edge = self.tensor(&format!("{name}.constant"), &[threshold as f32], &[]);
                let bent = self.emit("Softplus", &format!("{name}.smooth"), inputs, vec![]);
                let mask = self.emit("Greater", &format!("{name}.beyond"), &[inputs[0], &edge], vec![]);
                self.emit("Where", name, &[&mask, inputs[0], &bent], vec![])
            }
            Curve::Elu(alpha) if fits(alpha) => self.emit("Elu", name, inputs, vec![float("alpha", alpha as f32)]),
            Curve::Square { rising: true, .. } if !is_positive => {
                let above = self.emit("Relu", &format!("{name}.above"), inputs, vec![]);
                return self.smooth(node, curve, &[&above], true);
            }
            Curve::Square { edge: f64::INFINITY, .. } => self.emit("Mul", name, &[inputs[0], inputs[0]], vec![]),
            Curve::Square { edge, .. } => {
                if !fits(edge) {
                    return Err(too_fine(name, edge));
                }
                let [two, edge] = [("two", 2.0), ("edge", edge as f32)]
                    .map(|(what, value)| self.tensor(&format!("{name}.{what}"), &[value], &[]));
                let mut part = |operator: &str, what: &str, inputs: &[&str]| {
                    self.emit(operator, &format!("{name}.{what}"), inputs, vec![])
                };
                let square = part("Mul", "square", &[inputs[0], inputs[0]]);
                let twice = part("Mul", "twice", &[inputs[0], &two]);
                let less = part("Sub", "less", &[&twice, &edge]);
                let beyond = part("Mul", "tangent", &[&less, &edge]);
                let mask = part("Greater", "beyond", &[inputs[0], &edge]);
                self.emit("Where", name, &[&mask, &beyond, &square], vec![])
            }
            Curve::LogSumExp => {
                let apart: Vec<usize> = [1].into_iter().chain(node.shape.iter().copied()).collect();
                // The unit itself has the node's name.
                let part = format!("{name}.part");
                let stacked: Vec<String> = inputs.iter().map(|input| self.reshape(&part, input, &apart)).collect();
                let stacked: Vec<&str> = stacked.iter().map(String::as_str).collect();
                let stacked = self.emit("Concat", &part, &stacked, vec![int("axis", 1)]);
                self.emit("ReduceLogSumExp", name, &[&stacked], vec![ints("axes", vec![1]), int("keepdims", 0)])
            }
            _ => return Err(ModelError::unsupported(name, "this smooth unit has no operator of its own")),
        })
    }
}
