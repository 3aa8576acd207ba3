//! Operators of the domain ai.onnx.ml that are affine, as scikit-learn's converters write them.

use super::call::{Call, Value, kind};
use super::ends::{self, End};
use super::importer::Importer;
use super::pick::pick;
use crate::model::{Dense, Layer, ModelError, NodeId};

/// The node of x [N, C], and C.
fn features(importer: &Importer, call: &Call) -> Result<(NodeId, usize), ModelError> {
    let node = match call.input(0)? {
        Value::Node(node) => *node,
        other => return Err(call.misfit("a value that depends on the input", kind(other))),
    };
    match importer.graph.node(node).shape[..] {
        [features] => Ok((node, features)),
        ref shape => Err(call.misfit("an input [N, features]", format!("N and then {shape:?}"))),
    }
}

/// An attribute of finite floats, of one of these lengths.
fn floats<'a>(call: &Call<'a>, name: &str, lengths: &[usize]) -> Result<&'a [f32], ModelError> {
    let list = call.floats_attribute(name).unwrap_or_default();
    if let Some(i) = list.iter().position(|v| !v.is_finite()) {
        return Err(ModelError::not_finite(&call.name, format!("{name}[{i}]"), list[i].into()));
    }
    match lengths.contains(&list.len()) {
        true => Ok(list),
        false => Err(call.misfit(format!("{lengths:?} numbers as {name}"), list.len().to_string())),
    }
}

fn scores(importer: &mut Importer, call: &Call, rows: usize) -> Result<NodeId, ModelError> {
    let (node, cols) = features(importer, call)?;
    let weight = floats(call, "coefficients", &[rows.saturating_mul(cols)])?.to_vec();
    let bias = match floats(call, "intercepts", &[0, rows])? {
        [] => vec![0.0; rows],
        list => list.to_vec(),
    };
    importer.push(call, Layer::Dense(Dense { rows, cols, weight, bias }), &[node])
}

/// Whether the first output of an operator is a label, which nothing may read.
pub(super) fn gives_label(operator: &str) -> bool {
    matches!(operator, "LinearClassifier" | "SVMClassifier")
}

/// Of the scores of RidgeClassifier and LinearSVC converters declare other sizes than runtimes compute: of a model's output
/// what is declared does not count.
fn read_as_it_is(importer: &mut Importer, call: &Call, output: usize) {
    importer.open_output |= call.output_at(output) == Some(importer.output);
}

/// How many there are.
fn labels(call: &Call) -> Result<usize, ModelError> {
    let integers = call.ints_attribute("classlabels_ints").map_or(0, <[i64]>::len);
    match (integers, call.texts_attribute("classlabels_strings")) {
        (count, 0) | (0, count) if count > 1 => Ok(count),
        (integers, texts) => Err(call.misfit("two labels or more, integers or texts", (integers + texts).to_string())),
    }
}

/// A score of every class; probabilities that rise with them are taken off.
pub(super) fn classifier(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let classes = labels(call)?;
    let logits = scores(importer, call, classes)?;
    read_as_it_is(importer, call, 1);
    if call.floats_attribute("intercepts").is_none_or(<[f32]>::is_empty) {
        return Err(call.refuse("LinearClassifier without intercepts is not supported: runtimes need them"));
    }
    match call.text_attribute("post_transform").unwrap_or("NONE") {
        "NONE" => Ok(Value::Node(logits)),
        "LOGISTIC" => ends::ended(importer, call, logits, End::Sigmoid),
        "SOFTMAX" => ends::ended(importer, call, logits, End::Softmax),
        other => Err(call.refuse(format!(
            "post_transform {} is not supported, NONE, LOGISTIC and SOFTMAX are",
            other.escape_debug()
        ))),
    }
}

/// One score.
pub(super) fn regressor(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let targets = call.int_attribute("targets").unwrap_or(1);
    let end = call.text_attribute("post_transform").unwrap_or("NONE");
    if targets != 1 || end != "NONE" {
        let found = format!("{targets} targets, post_transform {}", end.escape_debug());
        return Err(call.misfit("one target without a post_transform", found));
    }
    Ok(Value::Node(scores(importer, call, 1)?))
}

/// Multiples of coefficients·(support vectors·x) + rho.
fn supported(importer: &mut Importer, call: &Call, multiples: &[f32]) -> Result<Value, ModelError> {
    let (kernel, end) = (call.text_attribute("kernel_type"), call.text_attribute("post_transform"));
    if kernel.unwrap_or("LINEAR") != "LINEAR" || end.unwrap_or("NONE") != "NONE" {
        let shown = |text: Option<&str>| text.unwrap_or("none").escape_debug().to_string();
        return Err(call.refuse(format!(
            "kernel_type {} with post_transform {} is not supported, LINEAR with NONE is; other kernels are not convex",
            shown(kernel),
            shown(end)
        )));
    }
    // A linear kernel uses none of them, but runtimes need them.
    floats(call, "kernel_params", &[3])?;
    let (node, cols) = features(importer, call)?;
    let rows = call.floats_attribute("coefficients").map_or(0, <[f32]>::len).max(1);
    let coefficients = floats(call, "coefficients", &[rows])?;
    let vectors = floats(call, "support_vectors", &[rows.saturating_mul(cols)])?.to_vec();
    let rho = floats(call, "rho", &[1])?[0];
    let products = Dense { rows, cols, weight: vectors, bias: vec![0.0; rows] };
    let products = importer.push(call, Layer::Dense(products), &[node])?;
    let weight = multiples.iter().flat_map(|by| coefficients.iter().map(move |c| by * c)).collect();
    let bias = multiples.iter().map(|by| by * rho).collect();
    let scores = Dense { rows: multiples.len(), cols: rows, weight, bias };
    Ok(Value::Node(importer.push(call, Layer::Dense(scores), &[products])?))
}

/// Minus the score and the score, which is that of the first label.
pub(super) fn svm_classifier(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    if labels(call)? != 2 {
        return Err(call.refuse("more than two labels are not supported"));
    }
    if call.has("prob_a") || call.has("prob_b") {
        return Err(call.refuse("prob_a and prob_b are not supported: train without probability=True"));
    }
    let vectors = call.floats_attribute("coefficients").map_or(0, <[f32]>::len);
    match call.ints_attribute("vectors_per_class") {
        Some(&[a, b]) if a >= 0 && b >= 0 && a.checked_add(b) == i64::try_from(vectors).ok() => {}
        other => {
            let expected = format!("two numbers as vectors_per_class, {vectors} together");
            return Err(call.misfit(expected, format!("{:?}", other.unwrap_or_default())));
        }
    }
    importer
        .notes
        .push(format!("entry 0 of the scores of `{}` speaks for its second label, entry 1 for its first", call.name));
    supported(importer, call, &[-1.0, 1.0])
}

/// The score.
pub(super) fn svm_regressor(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let vectors = call.floats_attribute("coefficients").map_or(0, <[f32]>::len);
    let given = call.int_attribute("n_supports").unwrap_or(0);
    if i64::try_from(vectors) != Ok(given) || call.int_attribute("one_class").unwrap_or(0) != 0 {
        return Err(
            call.misfit(format!("n_supports {vectors}, one_class 0"), format!("n_supports {given}, or one_class"))
        );
    }
    supported(importer, call, &[1.0])
}

/// What is not read of values; behind a Softmax it changes nothing (`ends`).
pub(super) fn normalizer(_: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    Err(call.refuse(
        "Normalizer divides by what depends on the input; leave it out of the pipeline, or train on inputs that are \
         normalised before",
    ))
}

/// (x − offset)·scale.
pub(super) fn scaler(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (node, size) = features(importer, call)?;
    let offset = floats(call, "offset", &[1, size])?;
    let scale = floats(call, "scale", &[offset.len()])?;
    let each = |list: &[f32]| (0..size).map(|i| f64::from(list[i % list.len()])).collect::<Vec<f64>>();
    let (offset, scale) = (each(offset), each(scale));
    let shifted = importer.push(call, Layer::Shift(offset.into_iter().map(|v| -v).collect()), &[node])?;
    Ok(Value::Node(importer.push(call, Layer::Scale(scale), &[shifted])?))
}

/// Some columns.
pub(super) fn columns(importer: &mut Importer, call: &Call) -> Result<Value, ModelError> {
    let (node, size) = features(importer, call)?;
    let known = call.known(call.ints(1, "columns (input 1)")?, "columns (input 1)")?;
    read_as_it_is(importer, call, 0);
    let column = |&at: &i64| usize::try_from(at).ok().filter(|&at| at < size);
    let from = known.iter().map(column).collect::<Option<Vec<_>>>();
    let from = from.ok_or_else(|| call.misfit(format!("columns of {size}"), format!("{known:?}")))?;
    Ok(Value::Node(pick(importer, call, node, &[from.len()], from.into_iter())?))
}
