//! Tables as users write them, through the program: headers of numbers, labels that are missing or misspelt, and where
//! results go.

use crate::folder::{Folder, Run};
use std::fs;
use std::path::Path;
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::data::store::sha256;
use underplane::model::{Dense, Graph, Kink, Layer, onnx};

/// A folder with `net.onnx`: f = relu(x₀) + relu(x₁) − 1.
fn desk() -> Folder {
    let desk = Folder::new();
    let mut graph = Graph::new("x", &[2]);
    let identity = Dense { rows: 2, cols: 2, weight: vec![1.0, 0.0, 0.0, 1.0], bias: vec![0.0; 2] };
    graph.push("first", Layer::Dense(identity), &[0]).unwrap();
    graph.push("act", Layer::Kink(Kink::RELU), &[1]).unwrap();
    graph.push("out", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0; 2], bias: vec![-1.0] }), &[2]).unwrap();
    onnx::write(&graph, &desk.path("net.onnx")).unwrap();
    desk
}

fn certify(desk: &Folder, inputs: &str, more: &[&str]) -> Run {
    let all = [&["certify", "net.onnx", inputs, "--norm", "l1", "--method", "sharp"], more].concat();
    desk.run(&all)
}

#[test]
fn a_first_line_that_counts_is_a_header_and_said_to_be() {
    let desk = desk();
    desk.write("x.csv", "0,1\n2.0,2.0\n0.5,3.0\n");
    desk.write("floats.csv", "0.0,1.0\n2.0,2.0\n0.5,3.0\n");
    desk.write("xy.csv", "0,1,2\n2.0,2.0,1\n0.5,3.0,0\n");
    for (inputs, more, labels) in [
        ("x.csv", vec![], ["", ""]),
        ("floats.csv", vec![], ["", ""]),
        ("xy.csv", vec!["--label-column", "2"], ["1", "0"]),
        ("xy.csv", vec!["--label-column", "2", "--header", "yes"], ["1", "0"]),
    ] {
        let run = certify(&desk, inputs, &more);
        assert_eq!(
            (run.code, run.column("input"), run.column("label")),
            (0, vec!["0".into(), "1".into()], labels.map(String::from).into())
        );
        assert_eq!(run.column("logit"), ["3.0", "2.5"]);
        assert!(
            more.len() > 2 || run.err.contains("counts the columns and is taken as their header (--header no"),
            "{}",
            run.err
        );
    }
    // A sample may look like that, and then the user says so.
    assert_eq!(certify(&desk, "x.csv", &["--header", "no"]).column("logit"), ["0.0", "3.0", "2.5"]);
    certify(&desk, "x.csv", &["--header", "perhaps"]).refused(&["yes, no or auto"]);
}

#[test]
fn a_label_column_is_found_by_its_exact_name_before_its_position() {
    let desk = desk();
    desk.write("named.csv", "a,b,2\n2.0,2.0,1\n0.5,3.0,0\n");
    desk.write("plain.csv", "2.0,7,2.0\n0.5,8,3.0\n");
    desk.write("from-one.csv", "1,2,3\n2.0,2.0,1\n0.5,3.0,0\n");
    desk.write("floats.csv", "0.0,1.0,2.0\n2.0,2.0,1\n0.5,3.0,0\n");
    let run = certify(&desk, "named.csv", &["--label-column", "2"]);
    assert_eq!(
        (run.column("label"), run.column("logit")),
        (vec!["1".into(), "0".into()], vec!["3.0".into(), "2.5".into()])
    );
    assert!(!run.err.contains("note:") && run.err.contains("labels: 0 (1), 1 (1)"), "{}", run.err);
    let run = certify(&desk, "named.csv", &["--label-column", "3"]);
    assert!(run.err.contains("no column is named `3`; labels are column 3, `2`"), "{}", run.err);
    let run = certify(&desk, "plain.csv", &["--label-column", "2"]);
    assert_eq!(
        (run.column("label"), run.column("logit")),
        (vec!["7".into(), "8".into()], vec!["3.0".into(), "2.5".into()])
    );
    assert!(run.err.contains("no header; labels are column 2"), "{}", run.err);
    // A header that counts from 1, or a sample? Nobody can tell.
    certify(&desk, "from-one.csv", &["--label-column", "3"]).refused(&[
        "from-one.csv: line 1",
        "--header yes",
        "--header no",
    ]);
    assert_eq!(certify(&desk, "from-one.csv", &["--label-column", "3", "--header", "yes"]).column("input").len(), 2);
    certify(&desk, "floats.csv", &["--label-column", "2"]).refused(&["label column `2`", "did you mean `2.0`?"]);
    certify(&desk, "named.csv", &["--label-column", "A"]).refused(&["label column `A`", "did you mean `a`?"]);
    certify(&desk, "named.csv", &["--label-column", "2", "--header", "no"]).refused(&["line 1, column 1", "`a`"]);
    certify(&desk, "named.csv", &["--label-column", "a", "--header", "no"]).refused(&["a label column `a`"]);
}

#[test]
fn two_columns_of_one_name_are_refused_with_both_places() {
    let desk = desk();
    desk.write("twice.csv", "a,kind,a\n1,x,2\n");
    certify(&desk, "twice.csv", &["--label-column", "kind"]).refused(&["twice.csv: line 1", "`a`", "columns 1 and 3"]);
    desk.write("labels.csv", "kind,a,b,kind\n1,2,3,1\n");
    certify(&desk, "labels.csv", &["--label-column", "kind"]).refused(&["`kind`", "columns 1 and 4"]);
    desk.write("own.csv", "a,kind,a\n1,x,2\n2,y,2\n");
    desk.write("own.toml", &config("own.csv", "label_column = \"kind\"\nsensitive = \"x\"\n"));
    desk.run(&["train", "own.toml"]).refused(&["own.csv: line 1", "`a`", "columns 1 and 3"]);
}

#[test]
fn missing_cells_are_refused_by_line_or_left_out_and_counted() {
    let desk = desk();
    desk.write("x.csv", "a,b,kind\n2,2,spam\n1,5,\n0.5,3,ham\n1,NA,ham\n3,3,?\n4,4,spam\n");
    certify(&desk, "x.csv", &["--label-column", "kind"]).refused(&[
        "x.csv: line 5, column 2",
        "`NA`",
        "--drop-missing",
    ]);
    desk.write("labels.csv", "a,b,kind\n2,2,spam\n1,5,\n0.5,3,ham\n3,3,nan\n");
    certify(&desk, "labels.csv", &["--label-column", "kind"]).refused(&[
        "labels.csv: lines 3, 5",
        "2 of 4",
        "--drop-missing",
    ]);
    let run = certify(&desk, "x.csv", &["--label-column", "kind", "--drop-missing", "--proofs", "proofs"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let told = "x.csv: 3 of 6 rows left out: 2 without a label (lines 3, 6), 1 with a missing feature (line 5)";
    assert!(run.err.contains(told) && run.err.contains("labels: ham (1), spam (2)"), "{}", run.err);
    // Inputs keep the numbers of their rows, in the certificates too.
    assert_eq!(
        (run.column("input"), run.column("logit")),
        (["0", "2", "5"].map(String::from).into(), ["3.0", "2.5", "7.0"].map(String::from).into())
    );
    let checked = desk.run(&["check", "net.onnx", "proofs/inputs.npy", "proofs/certificates.jsonl"]);
    assert_eq!(
        (checked.code, checked.column("input")),
        (0, ["0", "2", "5"].map(String::from).into()),
        "{}",
        checked.err
    );
    // Claims are about rows of the file, and none about a row that is left out.
    let claims = |input: usize| {
        desk.write("claims.csv", &format!("input,norm,radius\n{input},l1,1.5\n"));
        desk.run(&["audit", "net.onnx", "x.csv", "--label-column", "kind", "--drop-missing", "--claims", "claims.csv"])
    };
    assert_eq!((claims(5).code, claims(2).code), (0, 0));
    claims(3).refused(&["claims.csv: line 2", "row is left out"]);
}

#[test]
fn label_files_are_read_line_by_line() {
    let desk = desk();
    write_npy(
        &desk.path("x.npy"),
        &NpyArray { shape: vec![3, 2], values: NpyValues::F32(vec![2.0, 2.0, 0.5, 3.0, 4.0, 4.0]) },
    )
    .unwrap();
    for (text, line) in [("1\n\n0\n", "line 2"), ("kind\n1\nNA\n0\n", "line 3"), ("spam\nham\n?\n", "line 3")] {
        desk.write("labels.txt", text);
        certify(&desk, "x.npy", &["--labels", "labels.txt"]).refused(&["labels.txt", line, "--drop-missing"]);
        let run = certify(&desk, "x.npy", &["--labels", "labels.txt", "--drop-missing"]);
        assert!(run.code == 0 && run.err.contains("1 of 3 rows left out"), "{}", run.err);
        assert_eq!(run.column("input").len(), 2);
    }
    desk.write("labels.txt", "1\n\n0\n");
    assert_eq!(certify(&desk, "x.npy", &["--labels", "labels.txt", "--drop-missing"]).column("input"), ["0", "2"]);
    desk.write("labels.txt", "kind\nspam\nham\nspam\n");
    certify(&desk, "x.npy", &["--labels", "labels.txt"]).refused(&["3 labels", "found 4", "--header yes"]);
    assert_eq!(
        certify(&desk, "x.npy", &["--labels", "labels.txt", "--header", "yes"]).column("label"),
        ["spam", "ham", "spam"]
    );
    write_npy(&desk.path("y.npy"), &NpyArray { shape: vec![3], values: NpyValues::F64(vec![1.0, f64::NAN, 0.0]) })
        .unwrap();
    certify(&desk, "x.npy", &["--labels", "y.npy"]).refused(&["y.npy: sample 1", "--drop-missing"]);
    let run = certify(&desk, "x.npy", &["--labels", "y.npy", "--drop-missing", "--proofs", "proofs"]);
    assert_eq!(
        (run.column("input"), run.column("label")),
        (vec!["0".into(), "2".into()], vec!["1".into(), "0".into()])
    );
    let checked = desk.run(&["check", "net.onnx", "x.npy", "proofs/certificates.jsonl"]);
    assert_eq!((checked.code, checked.column("input")), (0, vec!["0".into(), "2".into()]), "{}", checked.err);
    let run: serde_json::Value = serde_json::from_slice(&fs::read(desk.path("proofs/run.json")).unwrap()).unwrap();
    for name in ["net.onnx", "x.npy", "y.npy"] {
        let digest = sha256(&fs::read(desk.path(name)).unwrap());
        let setting = serde_json::json!([format!("SHA-256 of {name}"), digest]);
        assert!(run["settings"].as_array().unwrap().contains(&setting), "{run}");
    }
}

fn config(file: &str, data: &str) -> String {
    format!("task = \"own\"\nepochs = 2\n[data]\nfile = \"{file}\"\n{data}[network]\nhidden = [2]\n")
}

/// 60 separable rows, every third of the sensitive ones labelled `other`, the rest `spam`; the others `ham`.
fn table(other: &str) -> String {
    let row = |i: usize| {
        let sensitive = i.is_multiple_of(2);
        let label = if sensitive && i.is_multiple_of(6) {
            other
        } else if sensitive {
            "spam"
        } else {
            "ham"
        };
        format!("{}.{i},{},{label}\n", if sensitive { 4 } else { 0 }, i % 7)
    };
    format!("u,v,class\n{}", (0..60).map(row).collect::<String>())
}

const SPAM: &str = "label_column = \"class\"\nsensitive = \"spam\"\n";

#[test]
fn labels_of_a_training_table_mean_what_they_say() {
    let desk = desk();
    desk.write("own.toml", &config("own.csv", SPAM));
    for missing in ["", "NA", "?", "nan", "null", " "] {
        desk.write("own.csv", &table(missing));
        desk.run(&["train", "own.toml", "--out", "made"]).refused(&[
            "own.csv: lines 2, 8, 14",
            "10 of 60",
            "drop_missing = true",
        ]);
        assert!(!desk.path("made").exists(), "a failed run leaves a folder");
    }
    desk.write("drop.toml", &config("own.csv", &format!("{SPAM}drop_missing = true\n")));
    let run = desk.run(&["train", "drop.toml", "--out", "made/here"]);
    assert!(
        run.out.contains("10 of 60 rows left out: 10 without a label") && run.out.contains("ham (30), spam (20)"),
        "{}{}",
        run.out,
        run.err
    );
    desk.write("own.csv", &table("NA"));
    desk.run(&["train", "own.toml"]).refused(&["10 of 60 without one (`NA`)"]);
    // Short names of classes are labels.
    desk.write("own.csv", &table("spam").replace("ham", "-"));
    let run = desk.run(&["train", "own.toml", "--out", "made"]);
    assert!(run.code == 0 && run.out.contains("- (30), spam (30)"), "{}{}", run.out, run.err);
    // Another spelling is another label, and shown.
    for other in ["Spam", "spam.", "spams"] {
        desk.write("own.csv", &table(other));
        let run = desk.run(&["train", "own.toml", "--out", "made"]);
        assert_eq!(run.code, 0, "{}", run.err);
        let record = fs::read_to_string(desk.path("made/own.json")).unwrap();
        for part in
            [format!("{other} (10)"), "ham (30)".into(), "spam (20)".into(), format!("warning: `{other}` (10 rows)")]
        {
            assert!(run.out.contains(&part) && record.contains(&part), "`{part}` is not in {}{record}", run.out);
        }
    }
}

#[test]
fn a_sensitive_label_that_no_row_bears_is_refused_with_those_that_there_are() {
    let desk = desk();
    desk.write("own.csv", &table("").replace("spam", "1.0").replace("ham", "0.0"));
    for sensitive in ["\"1\"", "1"] {
        desk.write("own.toml", &config("own.csv", &format!("label_column = \"class\"\nsensitive = {sensitive}\n")));
        let run = desk.run(&["train", "own.toml", "--out", "made"]);
        run.refused(&["own.csv", "labelled `1`", "0.0 (30), 1.0 (20), and 10 without one", "did you mean `1.0`?"]);
    }
    desk.write("own.toml", &config("own.csv", "label_column = \"class\"\nsensitive = 1.0\n"));
    desk.run(&["train", "own.toml"]).refused(&["own.csv: lines 2, 8, 14"]);
    desk.write("own.toml", &config("own.csv", "label_column = \"Class\"\nsensitive = 1.0\n"));
    desk.run(&["train", "own.toml"]).refused(&["a label column `Class`", "did you mean `class`?"]);
    desk.write("own.csv", &table("x").replacen("0,spam", ",spam", 1));
    desk.write("own.toml", &config("own.csv", SPAM));
    desk.run(&["train", "own.toml"]).refused(&["own.csv: line 16, column 2", "missing value", "drop_missing = true"]);
    // A file without a header keeps its first row.
    desk.write("own.csv", table("x").split_once('\n').unwrap().1);
    desk.write("own.toml", &config("own.csv", "label_column = \"3\"\nsensitive = \"spam\"\n"));
    let run = desk.run(&["train", "own.toml"]);
    assert!(run.out.contains("60 samples read") && run.out.contains("labels are column 3"), "{}{}", run.out, run.err);
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[cfg(unix)]
#[test]
fn results_go_through_links_and_into_pipes() {
    let desk = desk();
    desk.write("x.csv", "a,b\n2,2\n0.5,3\n");
    let expected = certify(&desk, "x.csv", &[]).column("radius");
    fs::create_dir(desk.path("store")).unwrap();
    for name in ["rows.csv", "rows.jsonl"] {
        std::os::unix::fs::symlink(format!("store/{name}"), desk.path(name)).unwrap();
        for _ in 0..2 {
            assert_eq!(certify(&desk, "x.csv", &["--out", name]).code, 0);
            assert!(desk.path(name).is_symlink() && desk.path("store").join(name).is_file());
        }
        assert_eq!(
            fs::read_to_string(desk.path(name)).unwrap().lines().count(),
            if name == "rows.csv" { 3 } else { 2 }
        );
    }
    assert_eq!(entries(&desk.path("store")), 2);
    for out in ["/dev/stdout", "/dev/fd/1", "-"] {
        let run = certify(&desk, "x.csv", &["--out", out]);
        assert_eq!((run.code, run.column("radius")), (0, expected.clone()), "{out}: {}", run.err);
    }
    let made = std::process::Command::new("mkfifo").arg(desk.path("pipe.jsonl")).status();
    if made.is_ok_and(|status| status.success()) {
        let pipe = desk.path("pipe.jsonl");
        let reader = std::thread::spawn(move || fs::read_to_string(pipe).unwrap());
        assert_eq!(certify(&desk, "x.csv", &["--out", "pipe.jsonl"]).code, 0);
        assert_eq!(reader.join().unwrap().lines().count(), 2);
        assert!(!fs::symlink_metadata(desk.path("pipe.jsonl")).unwrap().is_file(), "the pipe was replaced");
    }
    certify(&desk, "x.csv", &["--out", "store"]).refused(&["--out store"]);
    certify(&desk, "x.csv", &["--out", "absent/rows.csv"]).refused(&["--out absent/rows.csv"]);
}
