//! Valid files with their parts exchanged: any operator on any values, odd axes, shapes and counts. Nothing may panic.

use prost::Message;
use prost::bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::operators::OPERATORS;
use super::proto::{INT64, ModelProto, TensorProto};
use super::{decode, encode};

fn fixtures() -> Vec<ModelProto> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/onnx");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "onnx"));
    files.sort();
    files.iter().map(|file| ModelProto::decode(&std::fs::read(file).unwrap()[..]).unwrap()).collect()
}

fn odd_number(rng: &mut StdRng) -> i64 {
    match rng.random_range(0..20) {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => 1 << rng.random_range(20..63),
        3 => -(1 << rng.random_range(20..63)),
        _ => rng.random_range(-4..9),
    }
}

fn mutate_tensor(rng: &mut StdRng, tensor: &mut TensorProto) {
    let wanted = odd_number(rng);
    if tensor.data_type == Some(INT64) && rng.random_bool(0.7) {
        let count = rng.random_range(0..5);
        let values: Vec<i64> = (0..count).map(|_| odd_number(rng)).collect();
        tensor.dims = if count == 1 && rng.random() { vec![] } else { vec![count] };
        tensor.raw_data = None;
        tensor.int64_data = values;
    } else if !tensor.dims.is_empty() && rng.random() {
        let axis = rng.random_range(0..tensor.dims.len());
        tensor.dims[axis] = wanted;
    } else if rng.random() {
        tensor.dims.insert(0, if rng.random() { 1 } else { wanted });
    } else if rng.random() {
        tensor.dims.reverse();
    } else if rng.random() {
        tensor.data_type = Some(rng.random_range(0..18));
    } else if let Some(raw) = &tensor.raw_data {
        let mut raw = raw.to_vec();
        raw.iter_mut().for_each(|byte| *byte = if rng.random_bool(0.1) { rng.random() } else { *byte });
        tensor.raw_data = Some(Bytes::from(raw));
    }
}

fn mutate(rng: &mut StdRng, model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else { return };
    if graph.node.is_empty() {
        return;
    }
    let names: Vec<String> = (graph.node.iter().flat_map(|node| node.output.clone()))
        .chain(graph.initializer.iter().filter_map(|tensor| tensor.name.clone()))
        .chain(["x".to_string(), String::new()])
        .collect();
    let some_name = |rng: &mut StdRng| names[rng.random_range(0..names.len())].clone();
    let at = rng.random_range(0..graph.node.len());
    let node = &mut graph.node[at];
    match rng.random_range(0..9) {
        0 => node.op_type = Some(OPERATORS[rng.random_range(0..OPERATORS.len())].name.into()),
        1 if !node.input.is_empty() => {
            let which = rng.random_range(0..node.input.len());
            node.input[which] = some_name(rng);
        }
        2 => node.input.push(some_name(rng)),
        3 => {
            node.input.pop();
        }
        4 if !node.attribute.is_empty() => {
            let which = rng.random_range(0..node.attribute.len());
            let attribute = &mut node.attribute[which];
            if let Some(tensor) = &mut attribute.t {
                mutate_tensor(rng, tensor);
            } else if attribute.ints.is_empty() {
                attribute.i = attribute.i.map(|_| odd_number(rng));
                attribute.f = attribute.f.map(|_| f32::from_bits(rng.random()));
            } else {
                let which = rng.random_range(0..attribute.ints.len());
                attribute.ints[which] = odd_number(rng);
            }
        }
        5 => {
            // An operator of other inputs keeps its attributes only by accident.
            let other = rng.random_range(0..graph.node.len());
            graph.node[at].attribute = graph.node[other].attribute.clone();
        }
        6 => {
            let other = rng.random_range(0..graph.node.len());
            graph.node.swap(at, other);
        }
        7 => {
            let shape = graph.input[0].r#type.as_mut().and_then(|kind| kind.tensor_type.as_mut());
            if let Some(dims) = shape.and_then(|tensor| tensor.shape.as_mut()).map(|shape| &mut shape.dim)
                && !dims.is_empty()
            {
                let axis = rng.random_range(0..dims.len());
                dims[axis].dim_value = Some(odd_number(rng));
            }
        }
        _ if !graph.initializer.is_empty() => {
            let which = rng.random_range(0..graph.initializer.len());
            mutate_tensor(rng, &mut graph.initializer[which]);
        }
        _ => {}
    }
}

#[test]
fn exchanged_parts_do_not_panic() {
    let mut rng = StdRng::seed_from_u64(1);
    let (mut read, mut refused) = (0, 0);
    for model in fixtures() {
        for _ in 0..100 {
            let mut model = model.clone();
            for _ in 0..rng.random_range(1..4) {
                mutate(&mut rng, &mut model);
            }
            match decode(&model.encode_to_vec()) {
                Ok(graph) => {
                    read += 1;
                    if let Ok(bytes) = encode(&graph) {
                        decode(&bytes).expect("what is written can be read");
                    }
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}
