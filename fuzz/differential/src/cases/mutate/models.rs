//! Mutations of what the file says about itself: versions, functions, text.

use super::super::random::Random;
use super::super::schema::Kind;
use super::super::wire::{Message, Value, field, integer, text};
use super::super::write::{self, message as submessage};
use super::{insert, one, position};

/// Another version of the format.
pub fn ir_version(random: &mut Random, file: &mut Message) -> Option<String> {
    let new = random.pick(&[0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 99, -1, 1 << 32, (1 << 32) + 8]);
    match position(random, file, 1) {
        Some(_) if random.one_in(6) => {
            file.retain(|field| field.number != 1);
            return Some("model: without ir_version".into());
        }
        Some(i) => file[i] = integer(1, new),
        None => file.push(integer(1, new)),
    }
    Some(format!("model: ir_version {new}"))
}

/// Another set of operators, or one more.
pub fn imports(random: &mut Random, file: &mut Message) -> Option<String> {
    let set = random.pick(&["", "ai.onnx", "ai.onnx.ml", "com.microsoft", "other"]);
    let version = random.pick(&[13, 17, 18, 21, 22, 24, 7, 12, 1, 0, -1, 28, 17 + (1 << 32)]);
    let opset = submessage(8, Kind::Opset, write::opset(set, version));
    match position(random, file, 8) {
        Some(i) if random.one_in(2) => {
            file[i] = opset;
            Some(format!("model: imports `{set}` · {version}"))
        }
        _ => {
            insert(random, file, opset);
            Some(format!("model: imports `{set}` too · {version}"))
        }
    }
}

/// A function of the name of an operator, or of none.
pub fn functions(random: &mut Random, file: &mut Message) -> Option<String> {
    let name = random.pick(&["Relu", "Gemm", "Add", "Other"]);
    let set = random.pick(&["", "ai.onnx", "other"]);
    let mut function = vec![text(1, name), text(4, "X"), text(5, "Y")];
    function.push(submessage(7, Kind::Node, write::node("Neg", &["X"], &["Y"], "", vec![])));
    function.push(submessage(9, Kind::Opset, write::opset("", 17)));
    function.push(text(10, set));
    if random.one_in(4) {
        function.clear();
    }
    insert(random, file, submessage(25, Kind::Function, function));
    Some(format!("model: a function · {name} of `{set}`"))
}

/// Another field of the model.
pub fn other_parts(random: &mut Random, file: &mut Message) -> Option<String> {
    let number = random.pick(&[14, 20, 26, 5, 6, 2, 4]);
    let value = if number == 5 { Value::Integer(3, 0) } else { Value::Bytes(vec![]) };
    insert(random, file, field(number, value));
    Some(format!("model: field {number}"))
}

/// Text that means nothing.
pub fn doc_strings(random: &mut Random, file: &mut Message) -> Option<String> {
    let (kind, number) = random.pick(&[
        (Kind::Model, 6),
        (Kind::Graph, 10),
        (Kind::Node, 6),
        (Kind::Attribute, 13),
        (Kind::Tensor, 12),
        (Kind::ValueInfo, 3),
        (Kind::Type, 6),
        (Kind::Dimension, 3),
        (Kind::Graph, 2),
        (Kind::Node, 3),
    ]);
    let message = one(random, file, kind)?;
    message.retain(|field| field.number != number);
    insert(random, message, text(number, "about this"));
    let entry = vec![text(1, "key"), text(2, "value")];
    let number = match kind {
        Kind::Model => 14,
        Kind::Graph | Kind::Tensor => 16,
        Kind::ValueInfo => 4,
        Kind::Node => 9,
        _ => return Some(format!("text: about {kind:?}")),
    };
    if random.one_in(2) {
        insert(random, message, submessage(number, Kind::Entry, entry));
        return Some(format!("text: about {kind:?}, metadata"));
    }
    Some(format!("text: about {kind:?}"))
}
