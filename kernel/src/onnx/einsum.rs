//! Einsum where it is a product with a constant vector or matrix.

use crate::network::graph::Graph;
use crate::network::map::Map;
use crate::onnx::affine::{check_last_axis, matrix};
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::nodes::{Answer, affine};
use crate::rejection::Code;

/// Σₖ x[n, k]·w[k], or Σₖ x[n, k]·w[k, m] with the axes of w in either order: what the equation says in any letters.
pub fn einsum(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let of = usize::from(!matches!(call.input(0, values)?, Value::Node(..)));
    let (node, shape) = call.node(of, values)?;
    let (dims, weights) = call.floats(1 - of, values)?;
    let equation = call.text("equation").unwrap_or("").replace(' ', "");
    let refuse = || call.refuse(Code::Unsupported, "a product as `bi,oi->bo`", equation.escape_debug().to_string());
    let (operands, result) = equation.split_once("->").ok_or_else(refuse)?;
    let mut terms: Vec<&str> = operands.split(',').collect();
    if of == 1 {
        terms.reverse();
    }
    let [own, other] = terms[..] else { return Err(refuse()) };
    // An ellipsis may stand for the batch.
    let open = own.starts_with("...");
    if open != result.starts_with("...") {
        return Err(refuse());
    }
    let batch = |term: &str| term.strip_prefix("...").map_or(term.to_string(), |rest| format!("0{rest}"));
    let letters = |term: &str| term.chars().collect::<Vec<char>>();
    let (own, other, result) = (letters(&batch(own)), letters(other), letters(&batch(result)));
    let [n, k] = own[..] else { return Err(refuse()) };
    let is_known = |c: &char| c.is_ascii_alphabetic();
    let named = is_known(&k) && other.iter().all(is_known) && (is_known(&n) || open);
    if n == k || !named || result.first() != Some(&n) {
        return Err(refuse());
    }
    let (map, rows) = match (&other[..], &result[1..]) {
        (&[a], []) if a == k && dims.len() == 1 => (Map::dense(1, dims[0], weights.clone()), vec![]),
        (&[a, b], &[m]) if m != n && m != k && (a, b) == (k, m) => (matrix(call, (dims, weights), true)?, vec![m]),
        (&[a, b], &[m]) if m != n && m != k && (a, b) == (m, k) => (matrix(call, (dims, weights), false)?, vec![m]),
        _ => return Err(refuse()),
    };
    if shape.len() != 1 {
        return Err(call.refuse(Code::ShapeMismatch, "an operand [N, K]", format!("{shape:?}")));
    }
    check_last_axis(call, shape, &map)?;
    let shape = if rows.is_empty() { vec![] } else { vec![map.rows().len()] };
    affine(graph, call, vec![(node, map)], None, shape)
}
