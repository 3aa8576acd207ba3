//! Operators of the domain ai.onnx.ml that are affine, as scikit-learn's converters write them.

use crate::network::graph::{End, Graph};
use crate::network::map::Map;
use crate::number::exact::{Exact, Float};
use crate::number::floats::Floats;
use crate::onnx::call::{Call, Value, Values};
use crate::onnx::ends::ended;
use crate::onnx::nodes::{Answer, affine, picked};
use crate::rejection::{Code, Rejection};

/// The sizes of [N, C].
fn features(call: &Call, values: &Values) -> Result<(usize, usize), Rejection> {
    match call.node(0, values)? {
        (of, &[features]) => Ok((of, features)),
        (_, shape) => Err(call.refuse(Code::ShapeMismatch, "an operand [N, C]", format!("[N, {shape:?}]"))),
    }
}

/// As many floats of an attribute as are allowed.
fn numbers(call: &Call, name: &str, allowed: &[usize]) -> Result<Vec<Float>, Rejection> {
    let list = call.floats_attribute(name)?;
    match allowed.contains(&list.len()) {
        true => Ok(list),
        false => Err(call.refuse(Code::ShapeMismatch, &format!("{allowed:?} {name}"), list.len().to_string())),
    }
}

/// `rows` scores x·coefficientsᵀ + intercepts.
fn scores(graph: &mut Graph, call: &Call, values: &Values, rows: usize) -> Answer {
    let (of, features) = features(call, values)?;
    let coefficients = numbers(call, "coefficients", &[rows.saturating_mul(features)])?;
    let intercepts = match call.floats_attribute("intercepts")?.is_empty() {
        true => vec![Float::ZERO; rows],
        false => numbers(call, "intercepts", &[rows])?,
    };
    let map = Map::dense(rows, features, Floats::Numbers(coefficients));
    affine(graph, call, vec![(of, map)], Some(Exact::dyadics(&intercepts)), vec![rows])
}

/// The scores of two classes, or the probabilities that rise with them.
pub fn classifier(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let integers = call.integers("classlabels_ints").map_or(0, <[i64]>::len);
    let texts = call.texts("classlabels_strings");
    if !matches!((integers, texts), (2, 0) | (0, 2)) {
        return Err(call.refuse(Code::Unsupported, "two class labels, integers or texts", "others"));
    }
    let Value::Node(of, shape) = scores(graph, call, values, 2)? else { unreachable!("a node") };
    let end = match call.text("post_transform").unwrap_or("NONE") {
        "NONE" => return Ok(Value::Node(of, shape)),
        "LOGISTIC" => End::Sigmoid,
        "SOFTMAX" => End::Softmax,
        other => {
            let found = format!("`{}`", other.escape_debug());
            return Err(call.refuse(Code::Unsupported, "post_transform NONE, LOGISTIC or SOFTMAX", found));
        }
    };
    ended(graph, call, (of, shape), end)
}

/// One score.
pub fn regressor(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    if call.integer("targets").unwrap_or(1) != 1 || call.text("post_transform").unwrap_or("NONE") != "NONE" {
        return Err(call.refuse(Code::Unsupported, "one target, post_transform NONE", "others"));
    }
    scores(graph, call, values, 1)
}

/// (x − offset)·scale.
pub fn scaler(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, features) = features(call, values)?;
    let offset = numbers(call, "offset", &[1, features])?;
    let scale = numbers(call, "scale", &[offset.len()])?;
    let each = |list: &[Float]| Exact::dyadics(&if list.len() == 1 { vec![list[0]; features] } else { list.to_vec() });
    let (offset, scale) = (each(&offset), each(&scale));
    let shift = offset.times(&scale)?.negated();
    affine(graph, call, vec![(of, Map::diagonal(features, scale))], Some(shift), vec![features])
}

/// Some columns.
pub fn columns(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (_, features) = features(call, values)?;
    let Value::Integers(_, list) = call.input(1, values)? else {
        return Err(call.refuse(Code::Unsupported, "constant columns", "another operand"));
    };
    let column = |at: &Option<i64>| at.and_then(|at| usize::try_from(at).ok()).filter(|&at| at < features);
    let from = list.iter().map(column).collect::<Option<Vec<_>>>();
    let from = from.ok_or_else(|| call.refuse(Code::ShapeMismatch, &format!("columns of {features}"), "others"))?;
    let shape = vec![from.len()];
    picked(graph, call, call.input(0, values)?, from, shape)
}
