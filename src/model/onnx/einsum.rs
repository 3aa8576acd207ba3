//! Einsum where it is a product with a constant vector or matrix.

use super::call::{Call, Value};
use super::importer::Importer;
use super::layers::dense;
use crate::model::ModelError;

/// How the constant of a product lies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// `[K]`: the result is a number.
    Vector,
    /// `[K, M]`.
    Inner,
    /// `[M, K]`.
    Outer,
}

impl Order {
    /// Of an equation whose operand `value` depends on the input: `bi,oi->bo`, in any letters, the batch in front, which may
    /// be an ellipsis.
    fn read(equation: &str, value: usize) -> Option<Order> {
        let equation: String = equation.chars().filter(|&c| c != ' ').collect();
        let (operands, result) = equation.split_once("->")?;
        let (first, second) = operands.split_once(',')?;
        let (of, by) = if value == 0 { (first, second) } else { (second, first) };
        let is_letter = |c: &char| c.is_ascii_alphabetic();
        // The batch, and the letters behind it.
        let split = |term: &str| match term.strip_prefix("...") {
            Some(rest) => Some(("...".to_string(), rest.chars().collect::<Vec<char>>())),
            None => Some((term.get(..1)?.to_string(), term.chars().skip(1).collect())),
        };
        let ((batch, of), (also, result)) = (split(of)?, split(result)?);
        let by: Vec<char> = by.chars().collect();
        let named = batch == "..." || batch.chars().all(|c| is_letter(&c));
        if batch != also || !named || !of.iter().chain(&result).chain(&by).all(is_letter) {
            return None;
        }
        let batch = batch.chars().next().unwrap_or('.');
        match (&of[..], &by[..], &result[..]) {
            ([k], [inner], []) if k == inner && *k != batch => Some(Order::Vector),
            (&[k], &[a, b], &[m]) if k != m && ![k, m].contains(&batch) => match (a, b) {
                _ if (a, b) == (k, m) => Some(Order::Inner),
                _ if (a, b) == (m, k) => Some(Order::Outer),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Σₖ u\[n, k\]·c\[k, m\].
pub(super) fn einsum(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let value = usize::from(!matches!(call.input(0)?, Value::Node(_)));
    let Value::Node(input) = *call.input(value)? else {
        return Err(call.refuse("Einsum of constants alone is not supported"));
    };
    let weight = call.float(1 - value, "matrix")?;
    let equation = call.text_attribute("equation").unwrap_or("");
    let Some(order) = Order::read(equation, value) else {
        let what = format!("the equation `{}` is not supported: products as `bi,oi->bo` are", equation.escape_debug());
        return Err(call.refuse(what));
    };
    let (shape, axes) = (&importer.graph.node(input).shape, if order == Order::Vector { 1 } else { 2 });
    if shape.len() != 1 || weight.shape.len() != axes {
        let found = format!("N, then {shape:?}, and {:?}", weight.shape);
        return Err(call.misfit(format!("[N, K] and a constant of {axes} axes"), found));
    }
    if order != Order::Vector {
        return dense(importer, call, input, weight, order == Order::Outer, None).map(Value::Node);
    }
    let column = weight.reshaped(vec![weight.len(), 1]);
    let product = dense(importer, call, input, &column, false, None)?;
    importer.reshape(call, product, &[]).map(Value::Node)
}
