//! What `underplane regress` says to people and to scripts: other files once, rows for all radii, a tolerance.

use crate::folder::{Folder, Run};
use serde_json::Value;
use std::fs;
use underplane::model::{Dense, Graph, Kink, Layer, onnx};

/// relu(x₀) + relu(x₁) − `shift`.
fn model(shift: f32) -> Vec<u8> {
    let mut graph = Graph::new("x", &[2]);
    graph.push("a", Layer::Kink(Kink { below: 0.0, above: 1.0 }), &[0]).unwrap();
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0; 2], bias: vec![-shift] }), &[1]).unwrap();
    onnx::encode(&graph).unwrap()
}

/// A store of eight radii.
fn store() -> Folder {
    let desk = Folder::new();
    fs::write(desk.path("model.onnx"), model(1.0)).unwrap();
    fs::write(desk.path("inputs.npy"), underplane::proof::npy(&[2.0, 2.0, 0.5, 3.0], 2)).unwrap();
    desk.write(
        "verified.toml",
        "[[entry]]\nname = \"e\"\nmodel = \"model.onnx\"\ninputs = \"inputs.npy\"\nnorms = [\"l2\", \"linf\"]\n\
         methods = [\"sharp\", \"exact\"]\n",
    );
    desk.well(&["regress", ".", "--bless"]);
    desk
}

fn rows(run: &Run) -> Vec<Value> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn another_model_is_said_once() {
    let desk = store();
    fs::write(desk.path("model.onnx"), model(1.25)).unwrap();
    let run = desk.run(&["regress", "."]);
    assert_eq!(run.code, 1);
    assert_eq!(run.out.matches("files changed").count(), 1, "{}", run.out);
    assert!(
        run.out.contains("another model (SHA-256 ") && run.out.contains("8 stored proofs are about"),
        "{}",
        run.out
    );
    assert!(run.out.starts_with("8 verified radii: 0 as stored, 8 changed, 8 of them failures\n"), "{}", run.out);
    // The radii of both are below it.
    let moved = run.out.lines().filter(|line| line.contains("sharp") && line.contains("e-")).count();
    assert!(moved > 0, "{}", run.out);
    // Scripts are told of every radius.
    let all = rows(&desk.run(&["regress", ".", "--json"]));
    assert_eq!(all.len(), 8);
    assert!(all.iter().all(|row| row["verdict"] == "files changed" && row["relative_change"].as_f64().unwrap() < 0.0));
    desk.well(&["regress", ".", "--bless"]);
    desk.well(&["regress", "."]);

    // A store of before, which does not know its files, can only ask.
    fs::remove_file(desk.path("e.json")).unwrap();
    desk.well(&["regress", "."]);
    fs::write(desk.path("model.onnx"), model(1.5)).unwrap();
    let run = desk.run(&["regress", "."]);
    assert_eq!((run.code, run.out.matches("stored proof refused").count()), (1, 1), "{}", run.out);
    assert!(run.out.contains("all 8 of them: are model and inputs others?"), "{}", run.out);
}

#[test]
fn other_bytes_of_the_same_function_are_a_note() {
    let desk = store();
    let inputs = desk.path("inputs.npy");
    let longer = [fs::read(&inputs).unwrap(), Vec::new()].concat();
    fs::write(&inputs, longer).unwrap();
    desk.well(&["regress", "."]);
    fs::write(&inputs, underplane::proof::npy(&[2.0, 2.0, 0.5, 3.0, 1.0, 1.0], 2)).unwrap();
    let limited = fs::read_to_string(desk.path("verified.toml")).unwrap() + "limit = 2\n";
    desk.write("verified.toml", &limited);
    let run = desk.well(&["regress", "."]);
    assert!(run.err.contains("note: e: another inputs (SHA-256"), "{}{}", run.out, run.err);
}

#[test]
fn a_file_of_digests_that_is_none_is_a_failure() {
    let desk = store();
    for text in ["", "[]", "{\"model\": 1}", "garbage"] {
        desk.write("e.json", text);
        let run = desk.run(&["regress", "."]);
        assert!(run.code == 1 && run.out.contains("e.json: expected names and SHA-256"), "{text}: {}", run.out);
    }
    desk.write("e.json", "{\"model\": \"0\"}");
    let run = desk.well(&["regress", "."]);
    assert!(run.err.contains("another model"), "all certificates hold, so that it is a note: {}", run.err);
}

#[test]
fn rows_go_to_scripts_with_the_exit_code_of_the_table() {
    let desk = store();
    let run = desk.well(&["regress", ".", "--json"]);
    let all = rows(&run);
    assert_eq!(all.len(), 8);
    assert!(run.err.contains("8 verified radii: 8 as stored, 0 changed, 0 of them failures"), "{}", run.err);
    for row in &all {
        assert!(row["verdict"] == "same" && row["old"].is_number() && row["old"] == row["new"], "{row}");
    }
    let csv = desk.well(&["regress", ".", "--out", "-"]);
    assert_eq!(csv.out.lines().next(), Some("entry,input,norm,method,verdict,old,new,relative_change,detail"));
    assert_eq!(csv.column("verdict"), vec!["same"; 8]);
    for name in ["rows.csv", "rows.jsonl"] {
        assert_eq!(desk.well(&["regress", ".", "--out", name]).out, "");
    }
    assert_eq!(fs::read_to_string(desk.path("rows.csv")).unwrap(), csv.out);
    assert_eq!(fs::read_to_string(desk.path("rows.jsonl")).unwrap(), run.out);
    desk.run(&["regress", ".", "--out", "rows.txt"]).refused(&[".csv or .jsonl"]);
    desk.run(&["regress", ".", "--out", "rows.csv", "--json"]).refused(&["--json"]);
}

#[test]
fn a_tolerance_is_relative() {
    let desk = store();
    fs::write(desk.path("model.onnx"), model(0.999)).unwrap();
    desk.well(&["regress", ".", "--bless"]);
    fs::write(desk.path("model.onnx"), model(1.0)).unwrap();
    let run = desk.run(&["regress", ".", "--json", "--tolerance", "0.01"]);
    assert!(run.code == 1, "proofs of another model do not count, however near: {}", run.out);
    desk.well(&["regress", ".", "--bless"]);
    // The other way round: what was proven for less holds for more.
    fs::write(desk.path("model.onnx"), model(0.999)).unwrap();
    let up = |tolerance: &str| rows(&desk.run(&["regress", ".", "--json", "--tolerance", tolerance]));
    let sharp = |rows: &[Value]| {
        rows.iter().filter(|row| row["method"] == "sharp").map(|r| r["verdict"].clone()).collect::<Vec<_>>()
    };
    assert!(sharp(&up("1e-7")).iter().all(|verdict| verdict == "moved up"));
    assert!(sharp(&up("0.01")).iter().all(|verdict| verdict == "same"));
    for bad in ["0", "1", "-1", "nan", "x"] {
        assert_eq!(desk.run(&["regress", ".", "--tolerance", bad]).code, 2, "{bad}");
    }
}

#[test]
fn changes_are_shown_at_every_width() {
    let desk = store();
    let table = fs::read_to_string(desk.path("e.csv")).unwrap();
    let cut: Vec<&str> = table.lines().filter(|line| !line.starts_with("1,linf,exact")).collect();
    desk.write("e.csv", &(cut.join("\n") + "\n"));
    let lines = fs::read_to_string(desk.path("e.jsonl")).unwrap();
    desk.write("e.jsonl", &lines.lines().take(7).map(|line| format!("{line}\n")).collect::<String>());
    for columns in ["60", "80", "200"] {
        let mut command = assert_cmd::Command::cargo_bin("underplane").unwrap();
        let output =
            command.current_dir(desk.path(".")).args(["regress", "."]).env("COLUMNS", columns).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns.parse().unwrap() && text.contains("not stored"), "{text}");
        assert!(text.contains("--bless"), "the reason stands somewhere: {text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.starts_with("8 verified radii: 7 as stored, 1 changed, 1 of them a failure "), "{text}");
    }
}
