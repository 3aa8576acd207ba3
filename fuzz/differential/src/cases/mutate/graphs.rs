//! Mutations of nodes, of what goes in and out, and of what the file says about itself.

use super::super::random::Random;
use super::super::schema::Kind;
use super::super::wire::{Message, Value, integer, text};
use super::super::write::{self, Dim, message as submessage};
use super::{Mutation, graph, insert, models, odd_integer, one, position, text_of};

pub const ALL: &[Mutation] = &[
    operator,
    operator,
    operator,
    outputs,
    outputs,
    inputs,
    inputs,
    inputs,
    domain,
    overload,
    node_order,
    node_twice,
    output_name,
    listed,
    value_type,
    value_type,
    dimension,
    dimension,
    described,
    second_port,
    models::ir_version,
    models::imports,
    models::imports,
    models::functions,
    models::other_parts,
    models::doc_strings,
    rename,
];

const OPERATORS: &[&str] = &[
    "Abs",
    "Add",
    "BatchNormalization",
    "Cast",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "Identity",
    "LeakyRelu",
    "MatMul",
    "Max",
    "Mul",
    "Neg",
    "Relu",
    "Reshape",
    "Shape",
    "Slice",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "Min",
    "Pow",
    "Clip",
    "Greater",
    "Less",
    "Not",
    "PRelu",
    "Split",
    "Sum",
    "Where",
    "relu",
    "",
    "Sigmoid",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
];

fn node<'m>(random: &mut Random, file: &'m mut Message) -> Option<&'m mut Message> {
    one(random, file, Kind::Node)
}

fn operator(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = node(random, file)?;
    let old = text_of(node, 4)?;
    let alike: &[&str] = match &old[..] {
        "Add" | "Sub" | "Mul" | "Div" | "Max" => &["Add", "Sub", "Mul", "Div", "Max"],
        "Relu" | "Abs" | "Neg" | "LeakyRelu" | "Identity" => {
            &["Relu", "Abs", "Neg", "LeakyRelu", "Identity", "Dropout"]
        }
        "Squeeze" | "Unsqueeze" | "Reshape" | "Expand" | "Gather" => {
            &["Squeeze", "Unsqueeze", "Reshape", "Expand", "Gather"]
        }
        "Gemm" | "MatMul" => &["Gemm", "MatMul"],
        _ => OPERATORS,
    };
    let new = if random.one_in(3) { random.pick(OPERATORS) } else { random.pick(alike) };
    let i = position(random, node, 4)?;
    node[i] = text(4, new);
    Some(format!("node: {old} as another · {new}"))
}

fn outputs(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = node(random, file)?;
    let operator = text_of(node, 4).unwrap_or_default();
    let count = if operator == "BatchNormalization" { random.pick(&[1, 2, 4]) } else { 1 + random.below(2) };
    for k in 0..count {
        let name = if random.one_in(3) { String::new() } else { format!("extra{k}") };
        node.push(text(2, &name));
    }
    if random.one_in(8) {
        insert(random, node, text(2, ""));
    }
    Some(format!("node: {operator} with more outputs · {count}"))
}

fn inputs(random: &mut Random, file: &mut Message) -> Option<String> {
    let names: Vec<String> = all_names(file);
    let node = node(random, file)?;
    let operator = text_of(node, 4).unwrap_or_default();
    let what = match random.below(6) {
        0 => {
            node.push(text(1, ""));
            "with an empty input"
        }
        1 => {
            let i = position(random, node, 1)?;
            node.remove(i);
            "without an input"
        }
        2 => {
            let (i, j) = (position(random, node, 1)?, position(random, node, 1)?);
            node.swap(i, j);
            "with inputs swapped"
        }
        3 => {
            node.push(text(1, &random.pick(&names)));
            "with one more input"
        }
        4 => {
            let i = position(random, node, 1)?;
            node[i] = text(1, "");
            "with an input left out"
        }
        _ => {
            let i = position(random, node, 1)?;
            node[i] = text(1, &random.pick(&names));
            "with another input"
        }
    };
    Some(format!("node: {operator} {what}"))
}

/// All names of values.
fn all_names(file: &mut Message) -> Vec<String> {
    let mut names = vec!["x".to_string()];
    for (kind, path) in super::all(file) {
        let message = super::at(file, &path);
        let number = match kind {
            Kind::Node => 2,
            Kind::Tensor => 8,
            _ => continue,
        };
        names.extend(text_of(message, number));
    }
    names
}

fn domain(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = node(random, file)?;
    let name = random.pick(&[
        "",
        "ai.onnx",
        "ai.onnx.ml",
        "com.microsoft",
        "other",
        "AI.ONNX",
        "ai.onnx.training",
        "ai.onnx.preview.training",
    ]);
    insert(random, node, text(7, name));
    Some(format!("node: domain `{name}`"))
}

fn overload(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = node(random, file)?;
    let name = random.pick(&["", "other"]);
    insert(random, node, text(8, name));
    Some(format!("node: overload `{name}`"))
}

fn node_order(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let (i, j) = (position(random, graph, 1)?, position(random, graph, 1)?);
    graph.swap(i, j);
    (i != j).then(|| "graph: two nodes swapped".into())
}

fn node_twice(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let i = position(random, graph, 1)?;
    let again = graph[i].clone();
    insert(random, graph, again);
    Some("graph: a node twice".into())
}

fn output_name(random: &mut Random, file: &mut Message) -> Option<String> {
    let names = all_names(file);
    let node = node(random, file)?;
    let i = position(random, node, 2)?;
    node[i] = text(2, &random.pick(&names));
    Some("node: an output of another name".into())
}

/// An initialiser listed as input, with any type and shape.
fn listed(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let i = position(random, graph, 5)?;
    let Value::Message(_, tensor) = &graph[i].value else { return None };
    let name = text_of(tensor, 8)?;
    let kind = random.pick(&[1, 1, 7, 7, 11, 0]);
    let dims = [Dim::Size(random.between(-1, 3))];
    let dims = match random.below(3) {
        0 => None,
        1 => Some(&[][..]),
        _ => Some(&dims[..]),
    };
    insert(random, graph, submessage(11, Kind::ValueInfo, write::value_info(&name, kind, dims)));
    Some(format!("graph: an initialiser as input of type {kind}"))
}

fn value_type(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = one(random, file, Kind::TensorType)?;
    let new = match random.below(4) {
        0 => 1 + (1 << 32),
        1 => odd_integer(random, 1),
        _ => random.pick(&[0, 1, 6, 7, 10, 11, 16]),
    };
    match position(random, tensor, 1) {
        Some(i) if !random.one_in(4) => tensor[i] = integer(1, new),
        _ => insert(random, tensor, integer(1, new)),
    }
    Some(format!("value: type {}", if (0..25).contains(&new) { new.to_string() } else { "another".into() }))
}

fn dimension(random: &mut Random, file: &mut Message) -> Option<String> {
    if random.one_in(3) {
        let shape = one(random, file, Kind::Shape)?;
        let what = match random.below(3) {
            0 => {
                insert(random, shape, submessage(1, Kind::Dimension, vec![integer(1, 1)]));
                "one more"
            }
            1 => {
                let i = position(random, shape, 1)?;
                shape.remove(i);
                "one less"
            }
            _ => {
                shape.clear();
                "none"
            }
        };
        return Some(format!("value: dimensions, {what}"));
    }
    let dimension = one(random, file, Kind::Dimension)?;
    let what = match random.below(5) {
        0 => {
            let value = random.between(-1, 4);
            insert(random, dimension, integer(1, value));
            "a size added"
        }
        1 => {
            insert(random, dimension, text(2, "M"));
            "a name added"
        }
        2 => {
            dimension.clear();
            "open"
        }
        3 => {
            *dimension = vec![text(2, "M")];
            "named"
        }
        _ => {
            *dimension = vec![integer(1, odd_integer(random, 1))];
            "another size"
        }
    };
    Some(format!("value: a dimension {what}"))
}

/// A description of an inner value, right or wrong.
fn described(random: &mut Random, file: &mut Message) -> Option<String> {
    let name = random.pick(&all_names(file));
    let graph = graph(file)?;
    let kind = random.pick(&[1, 1, 7, 11]);
    let dims = [Dim::Name("N"), Dim::Size(random.between(1, 3))];
    let dims = if random.one_in(2) { None } else { Some(&dims[..]) };
    insert(random, graph, submessage(13, Kind::ValueInfo, write::value_info(&name, kind, dims)));
    Some(format!("graph: a value described as of type {kind}"))
}

/// One more input or output of the graph.
fn second_port(random: &mut Random, file: &mut Message) -> Option<String> {
    let mut names = all_names(file);
    names.push("new".into());
    names.push(String::new());
    let name = random.pick(&names);
    let graph = graph(file)?;
    let number = random.pick(&[11, 12]);
    let dims = [Dim::Name("N"), Dim::Size(1)];
    let dims = if random.one_in(2) { None } else { Some(&dims[..]) };
    insert(random, graph, submessage(number, Kind::ValueInfo, write::value_info(&name, 1, dims)));
    Some(format!("graph: one more {}", if number == 11 { "input" } else { "output" }))
}

/// A value's name everywhere replaced by one with a special form.
fn rename(random: &mut Random, file: &mut Message) -> Option<String> {
    let old = random.pick(&all_names(file));
    let new = random.pick(&["", " ", "x", "a/b:0", "名前", "v1", "N"]);
    for (_, path) in super::all(file) {
        for field in super::at(file, &path).iter_mut() {
            if field.value == Value::Bytes(old.as_bytes().to_vec()) {
                field.value = Value::Bytes(new.as_bytes().to_vec());
            }
        }
    }
    Some(format!("graph: a value named `{new}`"))
}
