//! Files without a batch axis: both readers give a vector as input the meaning of one sample.

use testing::corpora::files::{Parts, bytes, integer, node, tensor, value};
use testing::corpora::windows::{int, ints, list};
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Code};

type Bytes = Vec<u8>;

/// A name with the type float32 of these sizes.
fn declared(name: &str, dims: &[u64]) -> Bytes {
    let dims: Bytes = dims.iter().flat_map(|&d| bytes(1, &integer(1, d))).collect();
    let kind = [integer(1, 1), bytes(2, &dims)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &kind))].concat()
}

/// From x \[4\] to y \[1\], or from x \[N, 4\] to y \[N, 1\].
fn file(single: bool, nodes: Vec<Bytes>, constants: &[Bytes]) -> Bytes {
    let input = if single { declared("x", &[4]) } else { value("x", &[4]) };
    let whole = Parts { nodes, constants: constants.to_vec(), input, output: "y" }.file();
    let (old, new) = (value("y", &[1]), declared("y", &[1]));
    let at = whole.windows(old.len()).rposition(|window| window == old).unwrap();
    if single { resized(&whole, at, &old, &new) } else { whole }
}

/// The file with another declaration of its output, and the lengths of what it stands in.
fn resized(whole: &[u8], at: usize, old: &[u8], new: &[u8]) -> Bytes {
    // ir_version (2 bytes), the graph with its tag and length, the version of the operators (4 bytes).
    let tail = whole.len() - 4;
    let graph = bytes(7, &[]).len() - 1;
    let start = 2 + graph + whole[2 + graph..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    // The output's own tag and length stand before it.
    let field = [&whole[start..at - 2], &bytes(12, new), &whole[at + old.len()..tail]].concat();
    [&whole[..2], &bytes(7, &field), &whole[tail..]].concat()
}

fn one(operator: &str, inputs: &[&str], attributes: &[Bytes]) -> Bytes {
    node(operator, inputs, &["t"], attributes)
}

#[test]
fn a_vector_is_one_sample() {
    let constants = [
        tensor("w", &[4, 3], &[1.0, -2.0, 0.5, 0.25, 1.0, -1.0, 3.0, 0.5, 2.0, -0.5, 1.5, 1.0]),
        tensor("v", &[4], &[1.0, 0.5, -2.0, 3.0]),
        tensor("c", &[4], &[0.5, -1.0, 0.25, 2.0]),
        list("zero", &[0]),
        list("one", &[1]),
        list("two", &[2]),
        list("end", &[-1]),
        list("shape", &[2, 2]),
        list("rows", &[-1, 2, 2]),
        list("i", &[3, 0]),
    ];
    // Of one sample, and the same with a batch; how many axes t has besides the batch.
    let cases: [(Bytes, Bytes, usize); 17] = [
        (one("MatMul", &["x", "w"], &[]), one("MatMul", &["x", "w"], &[]), 1),
        (one("MatMul", &["x", "v"], &[]), one("MatMul", &["x", "v"], &[]), 0),
        (one("Add", &["x", "c"], &[]), one("Add", &["x", "c"], &[]), 1),
        (one("Max", &["x", "c"], &[]), one("Max", &["x", "c"], &[]), 1),
        (one("Abs", &["x"], &[]), one("Abs", &["x"], &[]), 1),
        (one("Unsqueeze", &["x", "zero"], &[]), one("Unsqueeze", &["x", "one"], &[]), 2),
        (one("Unsqueeze", &["x", "end"], &[]), one("Unsqueeze", &["x", "end"], &[]), 2),
        (one("Concat", &["x", "x"], &[int("axis", 0)]), one("Concat", &["x", "x"], &[int("axis", 1)]), 1),
        (one("Concat", &["x", "x"], &[int("axis", -1)]), one("Concat", &["x", "x"], &[int("axis", -1)]), 1),
        (one("Gather", &["x", "i"], &[]), one("Gather", &["x", "i"], &[int("axis", 1)]), 1),
        (one("Slice", &["x", "one", "end"], &[]), one("Slice", &["x", "one", "end", "one"], &[]), 1),
        (one("Slice", &["x", "one", "end", "zero"], &[]), one("Slice", &["x", "one", "end", "end"], &[]), 1),
        (one("Reshape", &["x", "shape"], &[]), one("Reshape", &["x", "rows"], &[]), 2),
        (one("ReduceSum", &["x"], &[]), one("ReduceSum", &["x", "one"], &[]), 1),
        (
            one("ReduceMax", &["x"], &[int("keepdims", 0)]),
            one("ReduceMax", &["x"], &[ints("axes", &[1]), int("keepdims", 0)]),
            0,
        ),
        (one("ReduceMean", &["x"], &[ints("axes", &[0])]), one("ReduceMean", &["x"], &[ints("axes", &[1])]), 1),
        (one("ReduceSum", &["x", "end"], &[]), one("ReduceSum", &["x", "end"], &[]), 1),
    ];
    let x = [0.5, -1.5, 2.0, 0.25];
    for (k, (single, batched, rank)) in cases.into_iter().enumerate() {
        let found = [(true, single), (false, batched)].map(|(is_single, first)| {
            let axes = |count: usize| (0..count as i64).map(|axis| axis + i64::from(!is_single)).collect::<Vec<_>>();
            // All entries, in one.
            let last = match rank {
                0 => node("Unsqueeze", &["r", if is_single { "zero" } else { "one" }], &["y"], &[]),
                _ => node("ReduceMax", &["r"], &["m"], &[ints("axes", &axes(rank)), int("keepdims", 0)]),
            };
            let mut nodes = vec![first, node("Relu", &["t"], &["r"], &[]), last];
            if rank > 0 {
                nodes.push(node("Unsqueeze", &["m", if is_single { "zero" } else { "one" }], &["y"], &[]));
            }
            let bytes = file(is_single, nodes, &constants);
            let graph = decode(&bytes).unwrap_or_else(|error| panic!("case {k}, {is_single}: {error}"));
            let value = testing::readings::logit(&bytes, Class::Positive, &x);
            (graph, value.unwrap_or_else(|refused| panic!("case {k}, {is_single}: {refused}")))
        });
        assert_eq!(found[0], found[1], "case {k}");
    }
}

#[test]
fn what_counts_on_a_batch_is_refused_without_one() {
    let constants = [
        tensor("w", &[4, 1], &[1.0; 4]),
        tensor("wide", &[1, 4], &[1.0; 4]),
        tensor("many", &[1, 4, 2], &[1.0; 8]),
        list("zero", &[0]),
        list("one", &[1]),
        list("before", &[-2]),
        list("most", &[i64::MAX - 1]),
    ];
    let cases = [
        one("Slice", &["x", "zero", "most", "before"], &[]),
        one("Gather", &["x", "zero"], &[int("axis", -2)]),
        one("Add", &["x", "wide"], &[]),
        one("MatMul", &["x", "many"], &[]),
        one("Max", &["wide", "x"], &[]),
        one("Squeeze", &["x"], &[]),
        one("Transpose", &["x"], &[]),
        one("Flatten", &["x"], &[int("axis", 0)]),
        one("Shape", &["x"], &[]),
        one("Softmax", &["x"], &[]),
        one("Gemm", &["x", "w"], &[]),
        one("Concat", &["x", "x"], &[int("axis", 1)]),
        one("Gather", &["x", "one"], &[int("axis", 1)]),
        one("ReduceSum", &["x", "one"], &[]),
        one("ReduceSum", &["x"], &[int("noop_with_empty_axes", 1)]),
        one("Unsqueeze", &["x", "zero"], &[int("axis", 1)]),
    ];
    for (k, first) in cases.into_iter().enumerate() {
        let nodes = vec![first, node("ReduceSum", &["t"], &["y"], &[])];
        let bytes = file(true, nodes, &constants);
        assert!(decode(&bytes).is_err(), "case {k} is read");
        assert!(testing::readings::logit(&bytes, Class::Positive, &[1.0; 4]).is_err(), "case {k} is read");
    }
    // What is said of sizes must be true, and the vector's size known.
    let relu = || vec![node("Relu", &["x"], &["t"], &[]), node("ReduceSum", &["t"], &["y"], &[])];
    let good = file(true, relu(), &[]);
    assert_eq!(testing::readings::logit(&good, Class::Positive, &[1.0, -1.0, 2.0, 0.5]), Ok(3.5));
    let open = Parts { nodes: relu(), constants: vec![], input: value("x", &[]), output: "y" }.file();
    assert!(decode(&open).is_err());
    assert_eq!(
        testing::readings::logit(&open, Class::Positive, &[1.0]).map_err(|refused| refused.code),
        Err(Code::ShapeMismatch)
    );
}

#[test]
fn axes_beyond_all_numbers_are_refused() {
    for far in [i64::MAX, i64::MIN] {
        let constants = [list("far", &[far])];
        for first in
            [node("Unsqueeze", &["x", "far"], &["t"], &[]), node("Concat", &["x"], &["t"], &[int("axis", far)])]
        {
            let bytes = file(true, vec![first, node("ReduceSum", &["t"], &["y"], &[])], &constants);
            assert!(decode(&bytes).is_err(), "axis {far}");
            assert!(testing::readings::logit(&bytes, Class::Positive, &[1.0; 4]).is_err(), "axis {far}");
        }
    }
}
