//! `--weights` of `certify`, `check` and `underplane-check`, as a user runs them.

use assert_cmd::Command;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use testing::networks::{Map, generator, icnn};
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::model::{Layer, onnx};

const D: usize = 3;

struct Desk(TempDir);

impl Desk {
    /// `model.onnx`, `inputs.npy` and weights (1/3, ∞, 5) as `w.npy`, `row.csv` and `column.csv`.
    fn new() -> Desk {
        let desk = Desk(TempDir::new().unwrap());
        let mut graph = icnn(&mut generator(5), D, &[6, 4], Map::Absolute, 0.0);
        let lift = graph.output();
        graph.push("lift", Layer::Shift(vec![0.5]), &[lift]).unwrap();
        onnx::write(&graph, &desk.path("model.onnx")).unwrap();
        desk.npy("inputs.npy", &[2, D], &[0.5, 0.5, 0.5, 0.25, 0.75, 1.0]);
        desk.npy("w.npy", &[1, 1, D], &[1.0 / 3.0, f32::INFINITY, 5.0]);
        desk.text("row.csv", "0.333333333333,inf,5\n");
        desk.text("column.csv", "weight\n0.333333333333\ninf\n5\n");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn npy(&self, name: &str, shape: &[usize], values: &[f32]) {
        let array = NpyArray { shape: shape.to_vec(), values: NpyValues::F32(values.to_vec()) };
        write_npy(&self.path(name), &array).unwrap();
    }

    fn text(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, program: &str, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::cargo_bin(program).unwrap().current_dir(&self.0).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Rows without their seconds.
    fn certify(&self, extra: &[&str]) -> Vec<Vec<String>> {
        let methods = "closed-form,sharp,tightened,exact,best";
        let (code, rows, told) =
            self.run("underplane", &[&["certify", "model.onnx", "inputs.npy", "--method", methods], extra].concat());
        assert_eq!(code, 0, "{told}{rows}");
        let mut reader = csv::Reader::from_reader(rows.as_bytes());
        let row =
            |row: csv::StringRecord| row.iter().enumerate().filter(|(k, _)| *k != 10).map(|(_, c)| c.into()).collect();
        reader.records().map(|record| row(record.unwrap())).collect()
    }
}

#[test]
fn every_kind_of_file_gives_the_same_radii_and_certificates_that_both_checkers_accept() {
    let desk = Desk::new();
    for range in [&[][..], &["--box", "0,1"][..]] {
        let rows = desk.certify(&[&["--weights", "w.npy", "--proofs", "proofs"], range].concat());
        assert_eq!(rows.len(), 2 * 3 * 5);
        assert!(
            rows.iter().all(|row| row[10].starts_with("weighted") && ["l1", "l2", "linf"].contains(&row[3].as_str()))
        );
        let (code, answers, _) = desk.run(
            "underplane",
            &["check", "model.onnx", "inputs.npy", "proofs/certificates.jsonl", "--weights", "w.npy"],
        );
        assert_eq!(code, 0, "{answers}");
        assert!(answers.lines().skip(1).all(|row| row.contains(",valid,exact,") && row.ends_with(",weighted")));
        let alone = ["--weights", "w.npy", "model.onnx", "inputs.npy", "proofs/certificates.jsonl"];
        let fast = ["check", "--fast", "--weights", "w.npy", "model.onnx", "inputs.npy", "proofs/certificates.jsonl"];
        assert_eq!(desk.run("underplane-check", &alone).1, answers);
        assert_eq!(desk.run("underplane", &fast).1, answers);
        for table in ["row.csv", "column.csv"] {
            let others = desk.certify(&[&["--weights", table, "--proofs", "copies"], range].concat());
            assert_eq!(others, rows, "{table}");
            let copies = ["--weights", "copies/weights.npy", "model.onnx", "inputs.npy", "copies/certificates.jsonl"];
            assert_eq!(desk.run("underplane-check", &copies).0, 0, "{table}");
        }
        let (code, answers, _) =
            desk.run("underplane", &["check", "model.onnx", "inputs.npy", "proofs/certificates.jsonl"]);
        assert!(code == 1 && answers.contains("weights-mismatch") && !answers.contains(",valid,"));
    }
}

#[test]
fn plain_certificates_and_other_weights_are_refused() {
    let desk = Desk::new();
    desk.certify(&["--proofs", "plain"]);
    let plain = ["check", "model.onnx", "inputs.npy", "plain/certificates.jsonl", "--weights", "w.npy"];
    let (code, answers, _) = desk.run("underplane", &plain);
    assert!(code == 1 && answers.contains("weights-mismatch") && !answers.contains(",valid,"));
    desk.certify(&["--weights", "w.npy", "--proofs", "proofs"]);
    desk.npy("small.npy", &[D], &[0.1, f32::INFINITY, 1.0]);
    let other = ["check", "model.onnx", "inputs.npy", "proofs/certificates.jsonl", "--weights", "small.npy"];
    let (code, answers, _) = desk.run("underplane", &other);
    assert!(code == 1 && answers.contains("not-proven"), "{answers}");
}

#[test]
fn claims_are_about_the_weighted_norm() {
    let desk = Desk::new();
    let rows = desk.certify(&["--weights", "w.npy"]);
    let exact: Vec<(&str, &str, f64)> = rows
        .iter()
        .filter(|row| row[4] == "exact" && !row[7].is_empty() && row[6] != "unbounded")
        .map(|row| (row[0].as_str(), row[3].as_str(), row[6].parse().unwrap()))
        .collect();
    assert!(!exact.is_empty());
    let claims = |factor: f64| {
        let row = |(input, norm, radius): &(&str, &str, f64)| format!("{input},{norm},{}\n", radius * factor);
        "input,norm,radius\n".to_string() + &exact.iter().map(row).collect::<String>()
    };
    desk.text("low.csv", &claims(0.999));
    desk.text("high.csv", &claims(1.001));
    for (file, code, answer) in [("low.csv", 0, "confirmed"), ("high.csv", 1, "refuted")] {
        let options = ["--weights", "row.csv", "--reports", file.trim_end_matches(".csv")];
        let (found, told, errors) =
            desk.run("underplane", &[&["audit", "model.onnx", "inputs.npy", "--claims", file], &options[..]].concat());
        assert_eq!(found, code, "{told}{errors}");
        assert!(told.contains(&format!("{} {answer}", exact.len())), "{told}");
        let command = told.lines().find_map(|line| line.split("checked by: underplane ").nth(1)).unwrap();
        let (found, answers, _) = desk.run("underplane", &command.split(' ').collect::<Vec<_>>());
        assert!(found == 0 && answers.lines().count() == exact.len() + 1, "{answers}");
    }
    let (code, _, told) = desk.run("underplane", &["audit", "model.onnx", "inputs.npy", "--weights", "w.npy"]);
    assert!(code == 2 && told.contains("--claims"), "{told}");
}

#[test]
fn files_that_are_no_weights_are_named() {
    let desk = Desk::new();
    for (name, value, word) in [("zero", 0.0, "0"), ("minus", -2.0, "-2"), ("nan", f32::NAN, "NaN")] {
        desk.npy(&format!("{name}.npy"), &[D], &[1.0, value, 1.0]);
        desk.text(&format!("{name}.csv"), &format!("1\n{value}\n1\n"));
        for file in [format!("{name}.npy"), format!("{name}.csv")] {
            let (code, rows, told) =
                desk.run("underplane", &["certify", "model.onnx", "inputs.npy", "--weights", &file]);
            assert!(code == 2 && rows.is_empty() && told.contains(&file) && told.contains(word), "{told}");
            assert!(told.contains(if file.ends_with("csv") { "line 2" } else { "coordinate 1" }), "{told}");
        }
    }
    desk.npy("few.npy", &[2], &[1.0; 2]);
    desk.text("few.csv", "a,b\n1,2\n");
    desk.text("word.csv", "1,two,3\n");
    desk.text("square.csv", "1,2,3\n4,5,6\n7,8,9\n");
    desk.text("huge.csv", "1,1e60,3\n");
    desk.text("empty.csv", "");
    desk.text("w.txt", "1,2,3\n");
    for file in ["few.npy", "few.csv", "word.csv", "square.csv", "huge.csv", "empty.csv", "w.txt", "missing.npy"] {
        let (code, _, told) = desk.run("underplane", &["certify", "model.onnx", "inputs.npy", "--weights", file]);
        assert!(code == 2 && told.contains(file) && !told.contains("panicked"), "{told}");
    }
    desk.certify(&["--weights", "w.npy", "--proofs", "proofs"]);
    for file in ["few.npy", "zero.npy", "row.csv", "missing.npy"] {
        let files = ["model.onnx", "inputs.npy", "proofs/certificates.jsonl", "--weights", file];
        for (program, first) in [("underplane", &["check"][..]), ("underplane-check", &[][..])] {
            let (code, _, told) = desk.run(program, &[first, &files].concat());
            assert!(code == 2 && told.contains(file) && !told.contains("panicked"), "{program} {file}: {told}");
        }
    }
}

#[test]
fn rows_of_weighted_norms_are_no_claims_about_plain_ones() {
    let desk = Desk::new();
    let certify = ["certify", "model.onnx", "inputs.npy", "--weights", "w.npy", "--proofs", "p", "--out", "rows.csv"];
    assert_eq!(desk.run("underplane", &certify).0, 0);
    let audit = ["audit", "model.onnx", "inputs.npy", "--claims", "rows.csv", "--reports", "reports"];
    let (code, _, error) = desk.run("underplane", &audit);
    assert!(code == 2 && error.contains("rows.csv: line 2: expected --weights"), "{error}");
    let (code, told, _) = desk.run("underplane", &[&audit[..], &["--weights", "w.npy"]].concat());
    assert_eq!(code, 0, "{told}");
}
