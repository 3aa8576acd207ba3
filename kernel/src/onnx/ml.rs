//! Operators of the domain ai.onnx.ml that are affine, as scikit-learn's converters write them.

use crate::network::graph::{End, Graph, Op};
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

/// Whether the first output of an operator is a label, which nothing may read.
pub fn gives_label(operator: &str) -> bool {
    matches!(operator, "LinearClassifier" | "SVMClassifier")
}

/// How many there are.
fn labels(call: &Call) -> Result<usize, Rejection> {
    let integers = call.integers("classlabels_ints").map_or(0, <[i64]>::len);
    match (integers, call.texts("classlabels_strings")) {
        (count, 0) | (0, count) if count > 1 => Ok(count),
        _ => Err(call.refuse(Code::Unsupported, "two class labels or more, integers or texts", "others")),
    }
}

/// The scores of all classes, or the probabilities that rise with them.
pub fn classifier(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let classes = labels(call)?;
    let Value::Node(of, shape) = scores(graph, call, values, classes)? else { unreachable!("a node") };
    // Runtimes need them.
    if call.floats_attribute("intercepts")?.is_empty() {
        return Err(call.refuse(Code::Unsupported, "intercepts of a classifier", "none"));
    }
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

/// By each of the factors: coefficients·(support vectors·x) + rho.
fn supported(graph: &mut Graph, call: &Call, values: &Values, factors: &[Float]) -> Answer {
    let is = |name: &str, only: &str| call.text(name).unwrap_or(only) == only;
    if !is("kernel_type", "LINEAR") || !is("post_transform", "NONE") {
        return Err(call.refuse(Code::Unsupported, "kernel_type LINEAR, post_transform NONE", "others"));
    }
    // A linear kernel uses none of them, but runtimes need them.
    numbers(call, "kernel_params", &[3])?;
    let (of, features) = features(call, values)?;
    let coefficients = call.floats_attribute("coefficients")?;
    let count = coefficients.len();
    if count == 0 {
        return Err(call.refuse(Code::ShapeMismatch, "coefficients", "none"));
    }
    let vectors = numbers(call, "support_vectors", &[count.saturating_mul(features)])?;
    let rho = Exact::dyadics(&numbers(call, "rho", &[1])?);
    let products = graph.push(
        call.name,
        Op::Affine { terms: vec![(of, Map::dense(count, features, Floats::Numbers(vectors)))], offset: None },
        count,
    )?;
    let score = Map::dense(1, count, Floats::Numbers(coefficients));
    let score = graph.push(call.name, Op::Affine { terms: vec![(products, score)], offset: Some(rho) }, 1)?;
    let rows = vec![Some(0); factors.len()];
    let map = Map::Pick { start: 0, from: rows, factors: Exact::dyadics(factors), cols: 1 };
    affine(graph, call, vec![(score, map)], None, vec![factors.len()])
}

/// Minus the score and the score, which is that of the first label.
pub fn svm_classifier(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let count = call.floats_attribute("coefficients")?.len();
    let shares = call.integers("vectors_per_class").unwrap_or_default();
    let is_whole = shares.iter().all(|&share| share >= 0)
        && shares.len() == 2
        && shares[0].checked_add(shares[1]) == i64::try_from(count).ok();
    if labels(call)? != 2 || !is_whole || call.attributes().any(|(name, _)| matches!(name, "prob_a" | "prob_b")) {
        return Err(call.refuse(Code::Unsupported, "vectors of two classes, no probabilities", "others"));
    }
    supported(graph, call, values, &[Float::ONE.negated(), Float::ONE])
}

/// The score.
pub fn svm_regressor(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let count = i64::try_from(call.floats_attribute("coefficients")?.len()).ok();
    if call.integer("n_supports") != count || call.integer("one_class").unwrap_or(0) != 0 {
        return Err(call.refuse(Code::Unsupported, "as many n_supports as coefficients, one_class 0", "others"));
    }
    supported(graph, call, values, &[Float::ONE])
}

/// Behind a Softmax, whose entries add up to 1, the same.
pub fn normalizer(graph: &mut Graph, call: &Call, values: &Values) -> Answer {
    let (of, _) = call.node(0, values)?;
    match (&graph.nodes[of].op, call.text("norm")) {
        (Op::End { end: End::Softmax, .. }, Some("L1")) => Ok(call.input(0, values)?.clone()),
        _ => Err(call.refuse(Code::Unsupported, "a Softmax, and norm L1", "others")),
    }
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
