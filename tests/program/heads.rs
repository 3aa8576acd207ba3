//! Which function of a model's outputs is f: heads, ends, thresholds and outputs by name, through the whole program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use testing::corpora::files::{Parts, bytes, integer, node, tensor, value};
use testing::naive_proofs::npy;

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

struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(TempDir::new().unwrap());
        fs::write(desk.at("m.onnx"), file(false)).unwrap();
        fs::write(desk.at("x.npy"), npy(&[1.0, 2.0])).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, program: &str, words: &str) -> (i32, String, String) {
        let own = env!("CARGO_BIN_EXE_underplane");
        let path = if program == "underplane" { own } else { env!("CARGO_BIN_EXE_underplane-check") };
        let output = Command::new(path).args(words.split(' ')).current_dir(self.0.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// (logit, radius) of every norm, which both checkers have accepted, and what was said.
    fn proven(&self, options: &str) -> (Vec<(f64, f64)>, String) {
        let words = format!("certify m.onnx x.npy --norm l1,l2,linf --method sharp --proofs proofs {options}");
        let (code, rows, told) = self.run("underplane", &words);
        assert_eq!(code, 0, "{options}: {told}");
        let command = told.lines().find_map(|line| line.strip_prefix("check them: underplane ")).expect("a command");
        let (code, out, why) = self.run("underplane", command);
        assert_eq!(code, 0, "{command}: {out}{why}");
        let (code, out, why) = self.run("underplane-check", command.strip_prefix("check ").expect("check"));
        assert_eq!(code, 0, "{command}: {out}{why}");
        assert!(out.lines().count() == 4, "{out}");
        let numbers = |row: &str| {
            let cells: Vec<&str> = row.split(',').collect();
            (cells[2].parse().expect("a logit"), cells[6].parse().expect("a radius"))
        };
        (rows.lines().skip(1).map(numbers).collect(), told)
    }
}

fn near(found: &[(f64, f64)], logit: f64, radii: [f64; 3]) {
    for ((f, radius), expected) in found.iter().zip(radii) {
        assert!((f - logit).abs() < 1e-6 && (radius / expected - 1.0).abs() < 1e-6, "{found:?}");
    }
}

#[test]
fn ends_are_taken_off_and_thresholds_too() {
    let (desk, root) = (Desk::new(), 2f64.sqrt());
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
}

#[test]
fn heads_are_certified_each() {
    let desk = Desk::new();
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
    let desk = Desk::new();
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
