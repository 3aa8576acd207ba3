//! Which function of a model's outputs is f: heads, ends, thresholds and outputs by name, through the whole program.

use crate::desk::{Desk, near};
use std::fs;
use testing::corpora::files::{Parts, bytes, integer, node, tensor, value};

/// z = relu(x₀) + x₁ + ¼, which is 3¼ at the input with the gradient (1, 1), and outputs behind it; `odd` is one that is
/// read nowhere.
fn file(odd: bool) -> Vec<u8> {
    let axis = [bytes(1, b"axis"), integer(3, 1), integer(20, 2)].concat();
    let mut nodes = vec![
        node("MatMul", &["x", "A"], &["a"], &[]),
        node("Relu", &["a"], &["r"], &[]),
        node("MatMul", &["x", "B"], &["b"], &[]),
        node("Add", &["r", "b"], &["s"], &[]),
        node("Add", &["s", "c"], &["z"], &[]),
        node("Sigmoid", &["z"], &["p"], &[]),
        node("Sub", &["one", "p"], &["q"], &[]),
        node("Concat", &["q", "p"], &["qp"], std::slice::from_ref(&axis)),
        node("Add", &["r", "one"], &["z2"], &[]),
        node("Min", &["z", "z2"], &["least"], &[]),
        node("MatMul", &["z", "W"], &["three"], &[]),
        node("Softmax", &["three"], &["shares"], &[axis]),
    ];
    let constants = vec![
        tensor("A", &[2, 1], &[1.0, 0.0]),
        tensor("B", &[2, 1], &[0.0, 1.0]),
        tensor("c", &[1], &[0.25]),
        tensor("one", &[1], &[1.0]),
        tensor("W", &[1, 3], &[1.0, 0.5, 0.25]),
    ];
    let more = [("p", 1), ("q", 1), ("qp", 2), ("least", 1), ("three", 3), ("shares", 3)];
    let more = [&more[..], if odd { &[("odd", 1)] } else { &[] }].concat();
    if odd {
        nodes.push(node("Add", &["p", "one"], &["odd"], &[]));
    }
    let more: Vec<u8> = more.iter().flat_map(|(name, size)| bytes(12, &value(name, &[*size]))).collect();
    Parts { nodes, constants, input: value("x", &[2]), output: "z" }.file_with(&more, 17)
}

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.at("m.onnx"), file(false)).unwrap();
    desk
}

#[test]
fn ends_are_taken_off_and_thresholds_too() {
    let (desk, root) = (desk(), 2f64.sqrt());
    let radii = |f: f64| [f, f / root, f / 2.0];
    let (found, told) = desk.proven("--output z");
    near(&found, 3.25, radii(3.25));
    assert!(!told.contains("note:"), "{told}");
    for options in ["--output p", "--output qp --sensitive 1", "--output q --sensitive negative"] {
        let (found, told) = desk.proven(options);
        near(&found, 3.25, radii(3.25));
        assert!(told.contains("is taken off"), "{told}");
    }
    near(&desk.proven("--output p --threshold 1.25").0, 2.0, radii(2.0));
    near(&desk.proven("--output z --threshold -0.75").0, 4.0, radii(4.0));
    let (found, told) = desk.proven("--output p --probability 0.9");
    // ln 9 = 2.197224577…
    near(&found, 3.25 - 2.197_224_6, radii(3.25 - 2.197_224_6));
    assert!(told.contains("--threshold 2.197"), "{told}");
    // The same certificates, asked for by the probability.
    let words = "m.onnx x.npy proofs/certificates.jsonl --output p";
    for (program, check) in [("underplane-check", ""), ("underplane", "check "), ("underplane", "check --fast ")] {
        let (code, out, told) = desk.run(program, &format!("{check}{words} --probability 0.9"));
        assert!(code == 0 && told.contains("--threshold 2.197"), "{out}{told}");
        let (code, out, told) = desk.run(program, &format!("{check}{words} --probability 0.91"));
        assert!(code == 1 && out.contains("logit-mismatch"), "{out}{told}");
    }
}

#[test]
fn heads_are_certified_each() {
    let desk = desk();
    // z and relu(x₀) + 1, which is 2 with the gradient (1, 0).
    let (found, told) = desk.proven("--output least");
    near(&found, 2.0, [2.0, 2.0, 1.625]);
    assert!(told.contains("the least of 2 heads"), "{told}");
    // z/2 and 3z/4.
    for options in ["--output three --sensitive 0", "--output shares --sensitive 0"] {
        near(&desk.proven(options).0, 1.625, [3.25, 3.25 / 2f64.sqrt(), 1.625]);
    }
}

#[test]
fn what_is_no_output_and_what_no_end_is_refused_by_both() {
    let desk = desk();
    desk.proven("--output z");
    for (options, words) in [
        ("", ["--output", "`least`"]),
        ("--output absent", ["absent", "`least`"]),
        ("--output three", ["3 outputs", "from 0 to 2"]),
        ("--output three --sensitive 3", ["3 outputs", "from 0 to 2"]),
        ("--output z --sensitive 0", ["one output", "positive or negative"]),
        ("--output z --threshold inf", ["finite", "inf"]),
        ("--output three --sensitive 0 --probability 0.9", ["--probability", "--threshold"]),
        ("--output z --probability 1", ["between 0 and 1", "1"]),
        ("--output z --probability 0", ["between 0 and 1", "0"]),
        ("--output z --probability 0.5 --threshold 1", ["cannot be used", "--threshold"]),
    ] {
        let words_of = |rest: &str| format!("{rest} {options}").trim().to_string();
        let (code, _, told) = desk.run("underplane", &words_of("certify m.onnx x.npy"));
        assert!(code == 2 && words.iter().all(|word| told.contains(word)), "{options}: {code} {told}");
        let (code, out, _) = desk.run("underplane-check", &words_of("m.onnx x.npy proofs/certificates.jsonl"));
        assert_eq!(code, 2, "{options}: {out}");
    }
    fs::write(desk.at("odd.onnx"), file(true)).unwrap();
    let (code, _, told) = desk.run("underplane", "certify odd.onnx x.npy --output odd");
    assert!(code == 2 && told.contains("behind a Sigmoid"), "{told}");
    let (code, ..) = desk.run("underplane-check", "odd.onnx x.npy proofs/certificates.jsonl --output odd");
    assert_eq!(code, 2);
    // Certificates of one logit are none of another.
    for (options, code) in [
        ("--output p", "logit-mismatch"),
        ("--output z --threshold 0.5", "logit-mismatch"),
        ("--output z --sensitive negative", "class-mismatch"),
    ] {
        let (exit, rows, _) =
            desk.run("underplane-check", &format!("m.onnx x.npy proofs/certificates.jsonl {options}"));
        assert!(exit == 1 && rows.contains(code), "{options}: {exit} {rows}");
    }
}
