//! Mutations that leave a file well formed and change what it means, or how it says it: many are accepted.

use super::super::random::Random;
use super::super::schema::{self, Kind};
use super::super::wire::{self, Message, Value, field, integer, packed, text};
use super::super::write::{self, Dim, float_attribute, int_attribute, message as submessage, text_attribute};
use super::sizes::{batch, input_axes, input_size, ml_version, text_value, versions};
use super::{Mutation, all, at, graph, insert, one, position, text_of};

pub const ALL: &[Mutation] = &[
    small_attribute,
    small_attribute,
    small_entry,
    small_entry,
    small_entry,
    float_entry,
    float_attribute_value,
    operator,
    operator,
    input,
    input,
    inputs_swapped,
    storage,
    storage,
    versions,
    batch,
    batch,
    input_axes,
    input_size,
    text_value,
    text_value,
    ml_version,
    default_written,
    default_written,
    left_out,
    as_constant_node,
    listed_rightly,
    described_rightly,
    dead_node,
];

fn small_attribute(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = one(random, file, Kind::Attribute)?;
    let i = position(random, attribute, 3).or_else(|| position(random, attribute, 8))?;
    let number = attribute[i].number;
    attribute[i] = integer(number, random.between(-4, 4));
    Some(format!("meaning: a small number · {}", text_of(attribute, 1)?))
}

/// One entry of a list of int64.
fn small_entry(random: &mut Random, file: &mut Message) -> Option<String> {
    let new = random.between(-4, 4);
    change_entry(random, file, 7, |random, values| {
        let k = random.below(values.len());
        values[k] = new;
    })?;
    Some("meaning: an int64 entry".into())
}

/// Applies `f` to the integers of one tensor of `kind`, however they are stored.
fn change_entry(
    random: &mut Random,
    file: &mut Message,
    kind: i64,
    f: impl Fn(&mut Random, &mut Vec<i64>),
) -> Option<()> {
    let is = |tensor: &Message| tensor.contains(&integer(2, kind));
    let paths: Vec<_> = all(file).into_iter().filter(|(k, path)| *k == Kind::Tensor && is(at(file, path))).collect();
    if paths.is_empty() {
        return None;
    }
    let (_, path) = random.pick(&paths);
    let tensor = at(file, &path);
    let place = tensor.iter().position(|field| matches!(field.number, 7 | 9))?;
    let Value::Bytes(bytes) = &tensor[place].value else { return None };
    let raw = tensor[place].number == 9;
    let mut values: Vec<i64> = match raw {
        true => bytes.chunks_exact(8).map(|c| i64::from_le_bytes(c.try_into().expect("8 bytes"))).collect(),
        false => schema::varints(bytes)?.into_iter().map(|v| v as i64).collect(),
    };
    if values.is_empty() {
        return None;
    }
    f(random, &mut values);
    tensor[place] = match raw {
        true => field(9, Value::Bytes(values.iter().flat_map(|v| v.to_le_bytes()).collect())),
        false => packed(7, &values),
    };
    Some(())
}

fn float_entry(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = one(random, file, Kind::Tensor)?;
    if !tensor.contains(&integer(2, 1)) {
        return None;
    }
    let i = position(random, tensor, 4).or_else(|| position(random, tensor, 9))?;
    let Value::Bytes(bytes) = &mut tensor[i].value else { return None };
    let k = random.below((bytes.len() / 4).max(1));
    let new = random.between(-16, 16) as f32 / 8.0;
    bytes.get_mut(4 * k..4 * k + 4)?.copy_from_slice(&new.to_le_bytes());
    Some("meaning: a float entry".into())
}

fn float_attribute_value(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = one(random, file, Kind::Attribute)?;
    let i = position(random, attribute, 2).or_else(|| position(random, attribute, 7))?;
    let new = random.pick(&[0.0_f32, -0.0, 1.0, -1.0, 0.5, 0.1, 3.0, 1e-3]);
    attribute[i].value = Value::Fixed32(new.to_bits());
    Some(format!("meaning: a float attribute · {}", text_of(attribute, 1)?))
}

/// An operator of the same inputs and attributes.
fn operator(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = one(random, file, Kind::Node)?;
    let old = text_of(node, 4)?;
    let alike: &[&str] = match &old[..] {
        "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" => &["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Pow"],
        "Relu" | "Abs" | "Neg" | "Identity" | "Dropout" | "Softplus" => {
            &["Relu", "Abs", "Neg", "Identity", "Dropout", "LeakyRelu", "Softplus", "Elu", "Celu", "Selu", "Exp"]
        }
        "MaxPool" | "AveragePool" | "Conv" => &["MaxPool", "AveragePool", "LpPool", "Conv", "ConvTranspose"],
        "GlobalAveragePool" | "GlobalMaxPool" => &["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"],
        "Sigmoid" | "Softmax" | "LogSoftmax" => &["Sigmoid", "Softmax", "LogSoftmax", "HardSigmoid", "Hardmax", "Tanh"],
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceLogSumExp" | "ReduceProd" => {
            &["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceLogSumExp", "ReduceProd", "ReduceL1"]
        }
        "LinearRegressor" | "SVMRegressor" => &["LinearRegressor", "SVMRegressor"],
        "LinearClassifier" | "SVMClassifier" => &["LinearClassifier", "SVMClassifier"],
        "DepthToSpace" | "SpaceToDepth" => &["DepthToSpace", "SpaceToDepth"],
        "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual" => &["Greater", "Less", "GreaterOrEqual", "Equal"],
        "Squeeze" | "Unsqueeze" | "Reshape" | "Expand" | "Gather" => {
            &["Squeeze", "Unsqueeze", "Reshape", "Expand", "Gather"]
        }
        _ => return None,
    };
    let new = random.pick(alike);
    let i = position(random, node, 4)?;
    node[i] = text(4, new);
    Some(format!("meaning: another operator · {old} as {new}"))
}

/// Another value that stands before the node.
fn input(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let nodes: Vec<usize> = (0..graph.len()).filter(|&i| graph[i].number == 1).collect();
    let k = random.below(nodes.len().max(1));
    let mut names = vec!["x".to_string()];
    for (i, field) in graph.iter().enumerate() {
        match &field.value {
            Value::Message(Kind::Node, node) if nodes[..k].contains(&i) => names.extend(text_of(node, 2)),
            Value::Message(Kind::Tensor, tensor) => names.extend(text_of(tensor, 8)),
            _ => {}
        }
    }
    let Value::Message(_, node) = &mut graph[*nodes.get(k)?].value else { return None };
    let i = position(random, node, 1)?;
    node[i] = text(1, &random.pick(&names));
    Some(format!("meaning: another input · {}", text_of(node, 4)?))
}

fn inputs_swapped(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = one(random, file, Kind::Node)?;
    let (i, j) = (position(random, node, 1)?, position(random, node, 1)?);
    node.swap(i, j);
    (node[i] != node[j]).then(|| "meaning: inputs swapped".into())
}

/// Raw data as typed data, and the other way round.
fn storage(random: &mut Random, file: &mut Message) -> Option<String> {
    let tensor = one(random, file, Kind::Tensor)?;
    let kind = tensor.iter().find_map(|f| match f.value {
        Value::Integer(kind, _) if f.number == 2 => Some(kind),
        _ => None,
    })?;
    let i = tensor.iter().position(|f| matches!(f.number, 4 | 7 | 9 | 10))?;
    let Value::Bytes(bytes) = &tensor[i].value else { return None };
    tensor[i] = match (kind, tensor[i].number) {
        (1, 9) => field(4, Value::Bytes(bytes.clone())),
        (11, 9) => field(10, Value::Bytes(bytes.clone())),
        (1, 4) | (11, 10) => field(9, Value::Bytes(bytes.clone())),
        (7, 9) => {
            packed(7, &bytes.chunks_exact(8).map(|c| i64::from_le_bytes(c.try_into().expect("8"))).collect::<Vec<_>>())
        }
        (7, 7) => field(9, Value::Bytes(schema::varints(bytes)?.iter().flat_map(|v| v.to_le_bytes()).collect())),
        _ => return None,
    };
    Some("meaning: stored otherwise".into())
}

/// An attribute that is there anyway, written out.
fn default_written(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = one(random, file, Kind::Node)?;
    let operator = text_of(node, 4)?;
    let new = match &operator[..] {
        "Gemm" => random.pick(&[
            float_attribute("alpha", 1.0),
            float_attribute("beta", 1.0),
            int_attribute("transA", 0),
            int_attribute("transB", 0),
        ]),
        "LeakyRelu" => float_attribute("alpha", 0.01),
        "Flatten" => int_attribute("axis", 1),
        "Gather" => int_attribute("axis", 0),
        "Reshape" => int_attribute("allowzero", 0),
        "Shape" => int_attribute("start", 0),
        "Cast" => int_attribute("saturate", 1),
        "Dropout" => int_attribute("seed", 0),
        "Conv" => int_attribute("group", 1),
        "MaxPool" => random.pick(&[int_attribute("ceil_mode", 0), int_attribute("storage_order", 0)]),
        "AveragePool" => random.pick(&[int_attribute("ceil_mode", 0), int_attribute("count_include_pad", 0)]),
        "Pad" => text_attribute("mode", "constant"),
        "Softmax" | "LogSoftmax" => random.pick(&[int_attribute("axis", -1), int_attribute("axis", 1)]),
        "LinearRegressor" => int_attribute("targets", 1),
        "DepthToSpace" => text_attribute("mode", "DCR"),
        "BatchNormalization" => random.pick(&[
            float_attribute("epsilon", 1e-5),
            float_attribute("momentum", 0.9),
            int_attribute("training_mode", 0),
        ]),
        _ => return None,
    };
    let name = text_of(&new, 1);
    let there = node.iter().any(|f| matches!(&f.value, Value::Message(Kind::Attribute, a) if text_of(a, 1) == name));
    if there {
        return None;
    }
    insert(random, node, submessage(5, Kind::Attribute, new));
    Some(format!("meaning: a default written out · {operator} {}", name?))
}

/// An attribute or an optional input left out.
fn left_out(random: &mut Random, file: &mut Message) -> Option<String> {
    let node = one(random, file, Kind::Node)?;
    let operator = text_of(node, 4)?;
    let inputs = node.iter().filter(|field| field.number == 1).count();
    let least = match &operator[..] {
        "Gemm" => 2,
        "Slice" => 3,
        "Conv" | "Pad" => 2,
        "Squeeze" | "Dropout" | "Max" | "Min" | "Sum" | "Concat" | "Clip" | "Split" => 1,
        _ => usize::MAX,
    };
    if inputs > least && random.one_in(2) {
        let last = node.iter().rposition(|field| field.number == 1)?;
        node.remove(last);
        return Some(format!("meaning: an input left out · {operator}"));
    }
    let i = position(random, node, 5)?;
    if matches!(&operator[..], "Constant" | "Cast" | "Concat") {
        return None;
    }
    node.remove(i);
    Some(format!("meaning: an attribute left out · {operator}"))
}

/// An initialiser as a Constant node in front.
fn as_constant_node(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let i = position(random, graph, 5)?;
    let Value::Message(_, mut tensor) = graph.remove(i).value else { return None };
    let name = text_of(&tensor, 8)?;
    tensor.retain(|field| field.number != 8);
    graph.retain(
        |f| !matches!(&f.value, Value::Message(Kind::ValueInfo, info) if text_of(info, 1).as_deref() == Some(&name)),
    );
    let node = write::node("Constant", &[], &[&name], "", vec![write::tensor_attribute("value", tensor)]);
    graph.insert(0, submessage(1, Kind::Node, node));
    Some("meaning: an initialiser as a Constant".into())
}

/// An initialiser listed as input with its type and shape.
fn listed_rightly(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let i = position(random, graph, 5)?;
    let Value::Message(_, tensor) = &graph[i].value else { return None };
    let numbers = |number: u64| -> Vec<i64> {
        let value = |f: &wire::Field| if let Value::Integer(v, _) = f.value { Some(v as i64) } else { None };
        tensor.iter().filter(|f| f.number == number).filter_map(value).collect()
    };
    let dims: Vec<Dim> = numbers(1).into_iter().map(Dim::Size).collect();
    let dims = if random.one_in(4) { None } else { Some(&dims[..]) };
    let info = write::value_info(&text_of(tensor, 8)?, *numbers(2).first()?, dims);
    insert(random, graph, submessage(11, Kind::ValueInfo, info));
    Some("meaning: an initialiser listed as input".into())
}

/// A float value described as one.
fn described_rightly(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let i = position(random, graph, 1)?;
    let Value::Message(_, node) = &graph[i].value else { return None };
    let dims = [Dim::Name("N"), Dim::Size(random.between(1, 3))];
    let dims = random.pick(&[None, Some(&dims[..]), Some(&dims[..1])]);
    let info = write::value_info(&text_of(node, 2)?, 1, dims);
    insert(random, graph, submessage(13, Kind::ValueInfo, info));
    Some("meaning: a value described".into())
}

/// A node whose value nobody reads, right or not.
fn dead_node(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let operator = random.pick(&["Relu", "Neg", "Identity", "Sigmoid", "Add", "Flatten", "Softmax", "NotThere"]);
    let node = write::node(operator, &["x"], &["dead"], "", vec![]);
    graph.insert(0, submessage(1, Kind::Node, node));
    Some(format!("meaning: a dead node · {operator}"))
}
