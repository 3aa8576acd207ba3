//! Other versions, sizes and texts, as a file may have them.

use super::super::random::Random;
use super::super::schema::Kind;
use super::super::wire::{Message, Value, integer, text};
use super::super::write::message as submessage;
use super::{all, at, graph, one, position, text_of};

/// Another version of the format or of the operators.
pub fn versions(random: &mut Random, file: &mut Message) -> Option<String> {
    if random.one_in(2) {
        let i = file.iter().position(|field| field.number == 1)?;
        file[i] = integer(1, random.between(3, 11));
        return Some("meaning: another ir_version".into());
    }
    for field in file.iter_mut() {
        if let Value::Message(Kind::Opset, set) = &mut field.value
            && matches!(text_of(set, 1).as_deref(), None | Some("" | "ai.onnx"))
        {
            let version = set.iter().position(|field| field.number == 2)?;
            set[version] = integer(2, random.between(9, 25));
        }
    }
    Some("meaning: another opset".into())
}

/// Another batch size in what goes in, and mostly in what comes out.
pub fn batch(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let new = random.pick(&[vec![integer(1, 1)], vec![integer(1, 2)], vec![integer(1, 3)], vec![text(2, "N")], vec![]]);
    for number in [11, 12] {
        if number == 12 && random.one_in(3) {
            continue;
        }
        let i = graph.iter().position(|field| field.number == number)?;
        let Value::Message(_, info) = &mut graph[i].value else { return None };
        let paths: Vec<_> = all(info).into_iter().filter(|(kind, _)| *kind == Kind::Dimension).collect();
        if let Some((_, path)) = paths.first() {
            *at(info, path) = new.clone();
        }
    }
    Some("meaning: another batch size".into())
}

/// The sample's axes in another order, or one of size 1 more or less.
pub fn input_axes(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let i = graph.iter().position(|field| field.number == 11)?;
    let Value::Message(_, info) = &mut graph[i].value else { return None };
    let (_, path) = all(info).into_iter().find(|(kind, _)| *kind == Kind::Shape)?;
    let shape = at(info, &path);
    let axes = shape.len();
    match random.below(3) {
        0 if axes > 2 => {
            let (a, b) = (1 + random.below(axes - 1), 1 + random.below(axes - 1));
            shape.swap(a, b);
        }
        1 if axes > 2 => {
            shape.remove(1 + random.below(axes - 1));
        }
        _ => {
            let place = axes.min(1 + random.below(axes.max(1)));
            shape.insert(place, submessage(1, Kind::Dimension, vec![integer(1, 1)]));
        }
    }
    Some("meaning: other axes of the input".into())
}

/// An axis of the sample with more or fewer entries.
pub fn input_size(random: &mut Random, file: &mut Message) -> Option<String> {
    let graph = graph(file)?;
    let i = graph.iter().position(|field| field.number == 11)?;
    let Value::Message(_, info) = &mut graph[i].value else { return None };
    let sizes: Vec<_> = all(info).into_iter().filter(|(kind, _)| *kind == Kind::Dimension).skip(1).collect();
    let (_, path) = sizes.get(random.below(sizes.len().max(1)))?;
    let size = at(info, path);
    let place = size.iter().position(|field| field.number == 1)?;
    let Value::Integer(old, _) = size[place].value else { return None };
    size[place] = integer(1, (old as i64 + random.pick(&[-1, 1, 2])).max(1));
    Some("meaning: another size of the input".into())
}

/// Another text as attribute.
pub fn text_value(random: &mut Random, file: &mut Message) -> Option<String> {
    let attribute = one(random, file, Kind::Attribute)?;
    let i = position(random, attribute, 4)?;
    let new = random.pick(&[
        "SAME_UPPER",
        "SAME_LOWER",
        "VALID",
        "NOTSET",
        "constant",
        "edge",
        "reflect",
        "wrap",
        "DCR",
        "CRD",
        "NONE",
        "LOGISTIC",
        "SOFTMAX",
        "SOFTMAX_ZERO",
        "PROBIT",
        "LINEAR",
        "RBF",
        "POLY",
        "L1",
        "L2",
        "MAX",
        "bi,io->bo",
        "bi,oi->bo",
        "bi,oi->ob",
        "",
    ]);
    attribute[i] = text(4, new);
    Some(format!("meaning: another text · {} = {new}", text_of(attribute, 1)?))
}

/// Another version of the operators of ai.onnx.ml.
pub fn ml_version(random: &mut Random, file: &mut Message) -> Option<String> {
    let of_ml = |set: &Message| text_of(set, 1).as_deref() == Some("ai.onnx.ml");
    let sets = file.iter_mut().filter_map(|field| match &mut field.value {
        Value::Message(Kind::Opset, set) if of_ml(set) => Some(set),
        _ => None,
    });
    let set = sets.into_iter().next()?;
    let version = set.iter().position(|field| field.number == 2)?;
    set[version] = integer(2, random.between(0, 6));
    Some("meaning: another version of ai.onnx.ml".into())
}
