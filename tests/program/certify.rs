//! `inspect` and `certify`, run as a user runs them: results, exit codes, and every kind of bad input.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use testing::networks::{Map, dense, generator, icnn};
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::model::{Dense, Graph, Layer, onnx};

const D: usize = 3;

fn write_f32(path: &Path, shape: &[usize], values: &[f32]) {
    write_npy(path, &NpyArray { shape: shape.to_vec(), values: NpyValues::F32(values.to_vec()) }).unwrap();
}

struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A folder with `model.onnx` (3 inputs, f > 0 around the middle) and `inputs.npy` (4 samples in [0, 1]).
    fn new() -> Desk {
        let desk = Desk { folder: TempDir::new().unwrap() };
        let mut rng = generator(5);
        let mut graph = icnn(&mut rng, D, &[6, 4], Map::Centred, 0.0);
        let lift = graph.output();
        graph.push("lift", Layer::Shift(vec![0.5]), &[lift]).unwrap();
        onnx::write(&graph, &desk.path("model.onnx")).unwrap();
        desk.inputs("inputs.npy", &[0.5, 0.5, 0.5, 0.1, 0.9, 0.4, 0.0, 1.0, 0.0, 0.25, 0.75, 1.0]);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn inputs(&self, name: &str, values: &[f32]) {
        write_f32(&self.path(name), &[values.len() / D, D], values);
    }

    /// (exit code, stdout, stderr).
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::cargo_bin("underplane").unwrap().current_dir(&self.folder).args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
    }

    /// The run must fail with exit code 2 and name all of `words`; nothing may be left behind.
    fn refused(&self, args: &[&str], words: &[&str]) {
        let before = files(self.folder.path());
        let (code, stdout, stderr) = self.run(args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert!(stdout.is_empty(), "{args:?}: {stdout}");
        for word in words {
            assert!(stderr.contains(word), "{args:?}: `{word}` is not in: {stderr}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert_eq!(before, files(self.folder.path()), "{args:?} left files behind");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

/// A network of one linear layer with the given last entry.
fn linear(weight: [f32; D], bias: f32) -> Graph {
    let mut graph = Graph::new("x", &[D]);
    graph
        .push("out", Layer::Dense(Dense { rows: 1, cols: D, weight: weight.to_vec(), bias: vec![bias] }), &[0])
        .unwrap();
    graph
}

/// −relu(x) summed: concave.
fn concave() -> Graph {
    let mut graph = Graph::new("x", &[D]);
    let mut layer = dense(&mut generator(1), 2, D, false);
    layer.weight.fill(1.0);
    graph.push("first", Layer::Dense(layer), &[0]).unwrap();
    graph.push("act", Layer::Kink(underplane::model::Kink::RELU), &[1]).unwrap();
    let readout = Dense { rows: 1, cols: 2, weight: vec![0.5, -0.0021], bias: vec![1.0] };
    graph.push("readout", Layer::Dense(readout), &[2]).unwrap();
    graph
}

#[test]
fn certify_prints_the_promised_columns_in_order() {
    let desk = Desk::new();
    let (code, stdout, stderr) = desk.run(&[
        "certify",
        "model.onnx",
        "inputs.npy",
        "--method",
        "closed-form,sharp,ibp,lp,best",
        "--norm",
        "l1,l2,linf",
    ]);
    assert_eq!(code, 0, "{stderr}");
    let mut lines = stdout.lines();
    let header = "input,label,logit,norm,method,subject,radius,upper,guarantee,status,seconds,detail";
    assert_eq!(lines.next(), Some(header));
    let rows: Vec<Vec<String>> = csv::Reader::from_reader(stdout.as_bytes())
        .records()
        .map(|row| row.unwrap().iter().map(String::from).collect())
        .collect();
    assert_eq!(rows.len(), 4 * 3 * 5);
    let mut certified = 0;
    // A row without a radius is not exact, and `best` is where its sides meet.
    for row in &rows {
        let meet =
            row[9] == "certified" && row[7].parse().is_ok_and(|d: f64| d <= row[6].parse::<f64>().unwrap() * 1.000001);
        let exact = meet && ["lp", "best"].contains(&row[4].as_str());
        assert_eq!(row[8], if exact { "exact" } else { "sound" }, "{row:?}");
    }
    for group in rows.chunks(5) {
        let radius: Vec<f64> =
            group.iter().filter(|row| row[9] == "certified").map(|row| row[6].parse().unwrap()).collect();
        if let [closed, sharp, ibp, lp, best] = radius[..] {
            certified += 1;
            assert!(closed <= sharp && sharp <= lp && lp <= best && ibp <= best, "{group:?}");
            let upper: f64 = group[3][7].parse().unwrap();
            assert!(best <= upper && upper <= lp * (1.0 + 1e-6), "{group:?}");
        } else {
            assert!(group.iter().all(|row| row[9] == "not-sensitive" && row[6].is_empty()), "{group:?}");
        }
    }
    assert!(certified >= 6, "{certified}");
}

#[test]
fn rows_go_to_a_file_as_csv_or_json_lines_and_are_the_same() {
    let desk = Desk::new();
    for name in ["out.csv", "out.jsonl"] {
        let (code, stdout, _) = desk.run(&["certify", "model.onnx", "inputs.npy", "--norm", "lp:1.5", "--out", name]);
        assert_eq!((code, stdout.as_str()), (0, ""));
    }
    let table = fs::read(desk.path("out.csv")).unwrap();
    let lines = fs::read_to_string(desk.path("out.jsonl")).unwrap();
    for (row, line) in csv::Reader::from_reader(&table[..]).records().zip(lines.lines()) {
        let (row, value): (_, serde_json::Value) = (row.unwrap(), serde_json::from_str(line).unwrap());
        assert_eq!(row[3], *value["norm"].as_str().unwrap());
        assert_eq!(row[6].parse::<f64>().ok(), value["radius"].as_f64());
        assert_eq!(row[9], *value["status"].as_str().unwrap());
    }
    assert_eq!(lines.lines().count(), 4);
}

#[test]
fn a_radius_without_bound_is_a_word() {
    let desk = Desk::new();
    onnx::write(&linear([0.0; D], 1.0), &desk.path("flat.onnx")).unwrap();
    let (code, stdout, _) = desk.run(&["certify", "flat.onnx", "inputs.npy", "--limit", "1", "--norm", "l2"]);
    assert_eq!(code, 0);
    assert!(stdout.lines().nth(1).unwrap().contains(",unbounded,"), "{stdout}");
}

#[test]
fn inputs_of_the_other_class_are_an_answer() {
    let desk = Desk::new();
    onnx::write(&linear([1.0; D], -100.0), &desk.path("never.onnx")).unwrap();
    let (code, stdout, _) = desk.run(&["certify", "never.onnx", "inputs.npy", "--method", "closed-form,sharp,ibp,lp"]);
    assert_eq!(code, 0, "{stdout}");
    assert_eq!(stdout.lines().skip(1).filter(|line| line.contains(",not-sensitive,")).count(), 4 * 3 * 4);
    let fractional = ["certify", "never.onnx", "inputs.npy", "--norm", "lp:1.5", "--method", "lp,best"];
    assert_eq!(desk.run(&fractional).0, 0, "not even a norm that lp cannot do leaves a question");
    // The other way round every input is sensitive.
    let (code, stdout, _) = desk.run(&["certify", "never.onnx", "inputs.npy", "--sensitive", "negative"]);
    assert_eq!(code, 0);
    assert_eq!(stdout.lines().skip(1).filter(|line| line.contains(",certified,")).count(), 4 * 3);
}

#[test]
fn an_exact_tie_belongs_to_the_other_class() {
    let desk = Desk::new();
    // 0.1x + 0.2y + 0.7z − 0.1 with float32 weights is exactly 0 at (1, 0, 0) and (0, ½, 0), which rounding hides.
    onnx::write(&linear([0.1, 0.2, 0.7], -0.1), &desk.path("tie.onnx")).unwrap();
    desk.inputs("ties.npy", &[1.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.5, 0.5, 0.5]);
    let args = ["certify", "tie.onnx", "ties.npy", "--norm", "l1,lp:1.5", "--method", "closed-form,sharp,ibp,lp,best"];
    let (code, stdout, stderr) = desk.run(&args);
    assert_eq!(code, 3, "lp says unknown for a fractional norm where there is something to certify: {stderr}");
    let status = |input: usize| -> Vec<&str> {
        let rows = stdout.lines().skip(1).filter(|row| row.starts_with(&format!("{input},")));
        rows.map(|row| row.split(',').nth(9).unwrap()).collect()
    };
    assert_eq!((status(0), status(1)), (vec!["not-sensitive"; 10], vec!["not-sensitive"; 10]), "{stdout}");
    assert_eq!(status(2).iter().filter(|status| **status == "certified").count(), 9);
}

#[test]
fn a_network_that_is_not_convex_is_unknown_and_the_weight_is_named() {
    let desk = Desk::new();
    onnx::write(&concave(), &desk.path("bent.onnx")).unwrap();
    let (code, stdout, stderr) = desk.run(&["certify", "bent.onnx", "inputs.npy", "--method", "closed-form,sharp,lp"]);
    assert_eq!(code, 3, "{stdout}");
    assert!(stdout.contains("W[0][1] = -2.1e-3 multiplies a convex, non-affine input"), "{stdout}");
    assert!(stderr.contains("bent.onnx: not convex"), "{stderr}");
    let (code, stdout, _) = desk.run(&["certify", "bent.onnx", "inputs.npy", "--method", "ibp"]);
    assert_eq!(code, 0, "interval bounds need no convexity: {stdout}");
    let (code, stdout, _) = desk.run(&["inspect", "bent.onnx"]);
    assert_eq!(code, 3);
    assert!(stdout.contains("W[0][1] = -2.1e-3"), "{stdout}");
}

#[test]
fn inspect_tells_the_split() {
    let desk = Desk::new();
    let mut rng = generator(9);
    onnx::write(&icnn(&mut rng, D, &[4], Map::Absolute, 0.0), &desk.path("abs.onnx")).unwrap();
    let (code, stdout, _) = desk.run(&["inspect", "abs.onnx"]);
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("Lip_p(φ)    2^(1/p)"), "{stdout}");
    let (code, stdout, _) = desk.run(&["inspect", "model.onnx", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, value["feature_map"]["identity"].as_bool()), (0, Some(true)));
}

#[test]
fn operators_are_listed_with_what_the_kernel_reads() {
    let desk = Desk::new();
    let (code, stdout, _) = desk.run(&["operators"]);
    assert_eq!(code, 0);
    let (code, json, _) = desk.run(&["operators", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    for reader in ["program", "kernel"] {
        let list = value[reader].as_array().unwrap();
        let is_relu = |row: &&serde_json::Value| row["operator"] == "Relu" && row["inputs"] == "1";
        assert_eq!((code, list.iter().filter(is_relu).count()), (0, 1), "{reader}");
    }
    for row in value["program"].as_array().unwrap() {
        let name = row["operator"].as_str().unwrap();
        assert!(stdout.lines().any(|line| line.starts_with(name)), "{name} is not in: {stdout}");
    }
}

#[test]
fn bad_models_are_refused() {
    let desk = Desk::new();
    desk.refused(&["certify", "missing.onnx", "inputs.npy"], &["missing.onnx"]);
    fs::write(desk.path("noise.onnx"), b"not an onnx file at all").unwrap();
    desk.refused(&["inspect", "noise.onnx"], &["noise.onnx: not a readable ONNX model: it is a text file"]);
    fs::write(desk.path("model.h5"), b"\x89HDF\r\n\x1a\n\0\0").unwrap();
    desk.refused(&["certify", "model.h5", "inputs.npy"], &["model.h5", "Keras", "tf2onnx"]);
    desk.refused(&["certify", "inputs.npy", "model.onnx"], &["inputs.npy", "NumPy file"]);
    desk.refused(&["certify", ".", "inputs.npy"], &["it is a folder: give the ONNX file in it"]);
    fs::write(desk.path("empty.onnx"), b"").unwrap();
    desk.refused(&["inspect", "empty.onnx"], &["empty.onnx"]);
    let whole = fs::read(desk.path("model.onnx")).unwrap();
    fs::write(desk.path("cut.onnx"), &whole[..whole.len() / 2]).unwrap();
    desk.refused(&["certify", "cut.onnx", "inputs.npy"], &["cut.onnx"]);
    let at = whole.windows(4).position(|w| w == 0.5_f32.to_le_bytes()).expect("the lift");
    for (name, value) in [("nan.onnx", f32::NAN), ("infinite.onnx", f32::INFINITY)] {
        let mut damaged = whole.clone();
        damaged[at..at + 4].copy_from_slice(&value.to_le_bytes());
        fs::write(desk.path(name), damaged).unwrap();
        desk.refused(&["certify", name, "inputs.npy"], &[name]);
    }
    desk.refused(&["certify", "model.onnx", "inputs.npy", "--sensitive", "1"], &["one output"]);
}

#[test]
fn bad_inputs_are_refused() {
    let desk = Desk::new();
    desk.refused(&["certify", "model.onnx", "missing.npy"], &["missing.npy"]);
    let whole = fs::read(desk.path("inputs.npy")).unwrap();
    fs::write(desk.path("cut.npy"), &whole[..whole.len() - 5]).unwrap();
    desk.refused(&["certify", "model.onnx", "cut.npy"], &["cut.npy"]);
    write_f32(&desk.path("wide.npy"), &[2, 4], &[0.5; 8]);
    desk.refused(&["certify", "model.onnx", "wide.npy"], &["wide.npy", "3", "4"]);
    write_f32(&desk.path("none.npy"), &[0, D], &[]);
    desk.refused(&["certify", "model.onnx", "none.npy"], &["none.npy"]);
    desk.inputs("nan.npy", &[0.5, 0.5, 0.5, 0.5, f32::NAN, 0.5]);
    desk.refused(&["certify", "model.onnx", "nan.npy"], &["nan.npy", "NaN"]);
    desk.inputs("infinite.npy", &[0.5, f32::INFINITY, 0.5]);
    desk.refused(&["certify", "model.onnx", "infinite.npy"], &["infinite.npy", "inf"]);
    fs::write(desk.path("ragged.csv"), "a,b,c\n0.1,0.2,0.3\n0.1,0.2\n").unwrap();
    desk.refused(&["certify", "model.onnx", "ragged.csv"], &["ragged.csv", "3"]);
    fs::write(desk.path("word.csv"), "a,b,c\n0.1,0.2,0.3\n0.1,spam,0.3\n").unwrap();
    desk.refused(&["certify", "model.onnx", "word.csv"], &["word.csv", "spam"]);
    desk.refused(&["certify", "model.onnx", "inputs.npy", "--limit", "0"], &["--limit", "at least 1"]);
    fs::write(desk.path("labels.txt"), "1\n0\n").unwrap();
    desk.refused(&["certify", "model.onnx", "inputs.npy", "--labels", "labels.txt"], &["labels.txt", "4", "2"]);
}

#[test]
fn bad_settings_are_refused() {
    let desk = Desk::new();
    let certify = |more: &[&'static str]| [&["certify", "model.onnx", "inputs.npy"], more].concat();
    desk.refused(&certify(&["--norm", "lp:0.5"]), &["0.5", "at least 1"]);
    desk.refused(&certify(&["--norm", "l3"]), &["l3"]);
    desk.refused(&certify(&["--method", "magic"]), &["magic", "closed-form"]);
    desk.refused(&certify(&["--box", "1,0"]), &["1,0"]);
    desk.refused(&certify(&["--box", "0.2,0.8"]), &["inputs.npy", "coordinate", "0.1"]);
    desk.refused(&certify(&["--lp-solver", "oracle"]), &["oracle"]);
    desk.refused(&certify(&["--alpha", "0"]), &["alpha"]);
    desk.refused(&certify(&["--sigma", "-1"]), &["sigma"]);
    desk.refused(&certify(&["--threads", "0"]), &["--threads"]);
    desk.refused(&certify(&["--threads", "100000"]), &["100000", "1 to"]);
    desk.refused(&certify(&["--out", "rows.xlsx"]), &["rows.xlsx", ".csv"]);
    desk.refused(&certify(&["--out", "no/such/folder/rows.csv"]), &["rows.csv"]);
    desk.refused(&certify(&["--header", "maybe"]), &["--header", "yes, no or auto"]);
}

#[test]
fn csv_inputs_with_labels_give_the_same_radii_as_npy() {
    let desk = Desk::new();
    let text = "a,b,c,kind\n0.5,0.5,0.5,spam\n0.1,0.9,0.4,ham\n0,1,0,spam\n0.25,0.75,1,spam\n";
    fs::write(desk.path("inputs.csv"), text).unwrap();
    let radii = |args: &[&str]| -> Vec<(String, String)> {
        let (code, stdout, stderr) = desk.run(args);
        assert_eq!(code, 0, "{stderr}");
        let rows: Vec<csv::StringRecord> =
            csv::Reader::from_reader(stdout.as_bytes()).records().map(Result::unwrap).collect();
        rows.iter().map(|row| (row[1].to_string(), row[6].to_string())).collect()
    };
    let table = radii(&["certify", "model.onnx", "inputs.csv", "--label-column", "kind", "--norm", "l2"]);
    let array = radii(&["certify", "model.onnx", "inputs.npy", "--norm", "l2"]);
    assert_eq!(table.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["spam", "ham", "spam", "spam"]);
    for (a, b) in table.iter().zip(&array) {
        assert_eq!(a.1, b.1);
    }
}

#[test]
fn what_is_read_is_not_written_over() {
    let desk = Desk::new();
    fs::write(desk.path("rows.csv"), "0.5,0.5,0.5\n").unwrap();
    fs::copy(desk.path("model.onnx"), desk.path("model.csv")).unwrap();
    for (model, inputs, out) in [
        ("model.onnx", "rows.csv", "rows.csv"),
        ("model.csv", "inputs.npy", "model.csv"),
        ("model.csv", "rows.csv", "./rows.csv"),
    ] {
        let before = [fs::read(desk.path(model)).unwrap(), fs::read(desk.path(inputs)).unwrap()];
        let mut command = Command::new(env!("CARGO_BIN_EXE_underplane"));
        let output = command.current_dir(&desk.folder).args(["certify", model, inputs, "--out", out]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("would replace"), "{error}");
        assert_eq!(before, [fs::read(desk.path(model)).unwrap(), fs::read(desk.path(inputs)).unwrap()]);
    }
}

#[test]
fn rows_do_not_replace_certificates() {
    let desk = Desk::new();
    fs::create_dir(desk.path("proofs")).unwrap();
    for out in ["proofs/certificates.jsonl", "./proofs/../proofs/certificates.jsonl"] {
        let certify =
            |out: &str| desk.run(&["certify", "model.onnx", "inputs.npy", "--proofs", "proofs", "--out", out]);
        let (code, _, error) = certify(out);
        assert!(code == 2 && error.contains("would replace a file of --proofs"), "{error}");
        assert_eq!(certify("proofs/rows.jsonl").0, 0);
        let (code, answers, _) = desk.run(&["check", "model.onnx", "inputs.npy", "proofs/certificates.jsonl"]);
        assert_eq!(code, 0, "{answers}");
    }
}
