//! Audits of tables of one's own: units, limits, and whole rows that would pass.

use crate::folder::{Folder, Run};
use crate::own_tables::{CONFIG, rows, text};
use std::fs;
use std::path::PathBuf;

/// With t.csv and fraud.onnx, which is trained on it.
fn desk() -> Folder {
    let desk = Folder::new();
    desk.write("t.csv", &text(&rows(200), ';'));
    desk.write("fraud.toml", CONFIG);
    desk.well(&["train", "fraud.toml"]);
    desk
}

/// A run, and its folder.
fn audit(desk: &Folder, more: &[&str]) -> (Run, PathBuf) {
    let before: Vec<_> =
        fs::read_dir(desk.path("reports")).map_or_else(|_| Vec::new(), |all| all.flatten().map(|e| e.path()).collect());
    let words = ["audit", "fraud.onnx", "t.csv", "--split", "test", "--method", "closed-form,exact"];
    let run = desk.run(&[&words[..], more].concat());
    assert!([0, 3].contains(&run.code) && run.out.contains("report and records: "), "{}{}", run.out, run.err);
    let all = fs::read_dir(desk.path("reports")).unwrap().flatten().map(|entry| entry.path());
    (run, all.into_iter().find(|path| !before.contains(path)).expect("a new folder"))
}

/// All rows of a file, and where its columns stand.
fn table(path: PathBuf) -> (Vec<String>, Vec<csv::StringRecord>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names = reader.headers().unwrap().iter().map(String::from).collect();
    (names, reader.records().map(Result::unwrap).collect())
}

fn column(path: PathBuf, name: &str) -> Vec<String> {
    let (names, rows) = table(path);
    let at = names.iter().position(|other| other == name).unwrap();
    rows.iter().map(|row| row[at].to_string()).collect()
}

#[test]
fn an_audit_is_in_the_unit_that_is_asked_for() {
    let desk = desk();
    let options = ["--norm", "l2", "--limit", "8"];
    let (run, raw) = audit(&desk, &options);
    assert!(run.err.contains("radii are in the units of its columns"), "{}", run.err);
    assert!(run.out.contains("unit: the units of the table's columns"), "{}", run.out);
    assert!(run.out.contains("classified as `fraud`"), "{}", run.out);
    assert!(run.out.contains("clean accuracy: sensitive class ") && !run.out.contains("no accuracy"), "{}", run.out);
    let (run, model) = audit(&desk, &[&options[..], &["--unit", "model"]].concat());
    assert!(run.out.contains("unit: standard deviations"), "{}", run.out);
    let radii = |folder: &PathBuf| column(folder.join("records.csv"), "radius");
    let certify = |unit: &str| {
        let words =
            ["certify", "fraud.onnx", "t.csv", "--split", "test", "--method", "closed-form,exact", "--unit", unit];
        desk.well(&[&words[..], &options, &["--time", "1"]].concat()).column("radius")
    };
    let closed = |radii: Vec<String>| radii.into_iter().step_by(2).collect::<Vec<_>>();
    assert_ne!(closed(radii(&raw)), closed(radii(&model)));
    assert_eq!(closed(radii(&model)), closed(certify("model")));
    assert_eq!(closed(radii(&raw)), closed(certify("raw")));
    desk.run(&["audit", "fraud.onnx", "t.csv", "--unit", "euro"]).refused(&["raw or model"]);
    desk.run(&["audit", "--unit", "raw"]).refused(&["<MODEL>"]);

    // Claims in the model's unit are audited in it.
    let words = [
        "certify",
        "fraud.onnx",
        "t.csv",
        "--split",
        "test",
        "--method",
        "closed-form",
        "--unit",
        "model",
        "--out",
        "c.csv",
    ];
    desk.well(&[&words[..], &options].concat());
    let claims = ["audit", "fraud.onnx", "t.csv", "--split", "test", "--claims", "c.csv"];
    let run = desk.well(&[&claims[..], &["--limit", "8", "--unit", "model"]].concat());
    assert!(run.out.contains(" 0 refuted, 0 undecided"), "{}", run.out);
    desk.run(&claims).refused(&["weighted"]);
}

#[test]
fn an_audit_stops_where_it_is_told_to() {
    let desk = desk();
    let (_, folder) = audit(&desk, &["--norm", "l2", "--limit", "4", "--gap", "0.25", "--time", "7"]);
    let report = fs::read_to_string(folder.join("report.md")).unwrap();
    assert!(report.contains("- exact: gap 2.5e-1; at most 7 s and "), "{report}");
    let detail = column(folder.join("records.csv"), "detail").concat();
    assert!(!detail.contains("gap 1e-6"), "{detail}");
    for option in ["--gap", "--time"] {
        desk.run(&["audit", "fraud.onnx", "t.csv", option, "0"]).refused(&[option]);
        desk.run(&["audit", "fraud.onnx", "t.csv", "--claims", "c.csv", option, "1"]).refused(&[option, "--claims"]);
    }
}

#[test]
fn whole_rows_are_saved_that_pass_when_they_are_certified_again() {
    let desk = desk();
    let mut words = 0;
    for unit in ["raw", "model"] {
        let (run, folder) = audit(&desk, &["--norm", "l1,linf", "--unit", unit]);
        let path = folder.join("adversarial.csv");
        let (names, found) = table(path.clone());
        let own = ["row", "norm", "distance", "change", "txn id", "amount (EUR)", "age", "country", "size", "label"];
        assert_eq!(names, own);
        assert!(run.out.contains(&format!("{} whole rows of the table that would pass", found.len())), "{}", run.out);
        let sensitive =
            column(folder.join("records.csv"), "upper").iter().filter(|upper| !upper.is_empty()).count() / 2;
        assert!(found.len() > 10 && found.len() <= sensitive, "{} of {sensitive}", found.len());

        let options = ["--method", "closed-form", "--norm", "l1", "--delimiter", ","];
        let again = desk.run(&[&["certify", "fraud.onnx", path.to_str().unwrap()], &options[..]].concat());
        assert_eq!(again.code, 0, "{}", again.err);
        assert_eq!(again.column("status"), vec!["not-sensitive"; found.len()]);

        let original = rows(200);
        for row in &found {
            let (number, cells) =
                (row[0].parse::<usize>().unwrap(), original[row[0].parse::<usize>().unwrap()].clone());
            // What is no feature is as it was; and what has moved is said.
            assert_eq!(
                (&row[4], &row[9]),
                (cells.id.as_str(), if cells.fraud { "fraud" } else { "legit" }),
                "{number}"
            );
            assert!(row[3].ends_with("would pass") && row[2].parse::<f64>().unwrap() > 0.0, "{row:?}");
            let is_word = |at: usize, words: &[&str]| words.contains(&&row[at]);
            assert!(is_word(7, &["DE", "FR", "NG", "", "NA"]) && is_word(8, &["S", "M", "L"]), "{row:?}");
            for (at, name) in [(5, "amount (EUR)"), (6, "age")] {
                let was = if at == 5 { Some(cells.amount) } else { cells.age };
                let moved = row[at].parse::<f32>().ok() != was;
                assert!(moved || !row[3].contains(&format!("`{name}`")), "{row:?}");
            }
        }
        // A word has moved only where the row does not pass with its own.
        let mut back = names[4..].join(";") + "\n";
        for row in &found {
            let cells = &original[row[0].parse::<usize>().unwrap()];
            let own = [(7, cells.country.unwrap_or("NA")), (8, cells.size)];
            for (at, word) in own.into_iter().filter(|(at, word)| row[*at] != **word) {
                let cells: Vec<&str> = (4..10).map(|k| if k == at { word } else { &row[k] }).collect();
                back += &format!("{}\n", cells.join(";"));
            }
        }
        desk.write("back.csv", &back);
        words += back.lines().count() - 1;
        if back.lines().count() > 1 {
            let run = desk.well(&["certify", "fraud.onnx", "back.csv", "--method", "closed-form", "--norm", "l1"]);
            assert!(run.column("status").iter().all(|status| status != "not-sensitive"), "{}", run.out);
        }
        // No nearer than the witness of the network, which need be no row.
        let uppers: Vec<csv::StringRecord> = table(folder.join("records.csv")).1;
        for row in &found {
            let witness = uppers.iter().find(|record| record[1] == row[0] && record[4] == row[1]).unwrap();
            let (distance, upper) = (row[2].parse::<f64>().unwrap(), witness[8].parse::<f64>().unwrap());
            assert!(distance >= upper * 0.999_999, "{row:?}: {upper}");
        }
    }
    assert!(words > 0, "no word has moved");
}

#[test]
fn a_table_without_a_preparation_has_its_rows_too() {
    let desk = Folder::new();
    use underplane::model::{Dense, Graph, Layer, onnx};
    let mut graph = Graph::new("x", &[2]);
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0, 2.0], bias: vec![-1.0] }), &[0]).unwrap();
    onnx::write(&graph, &desk.path("m.onnx")).unwrap();
    desk.write("t.csv", "a,label,row\n0.5,x,1\n0.1,y,0.2\n2,x,0.7\n");
    let words = ["audit", "m.onnx", "t.csv", "--label-column", "label", "--norm", "l2", "--method", "sharp,exact"];
    desk.well(&words);
    let folder = fs::read_dir(desk.path("reports")).unwrap().next().unwrap().unwrap().path();
    let (names, found) = table(folder.join("adversarial.csv"));
    assert_eq!(names, ["row_", "norm", "distance", "change", "a", "label", "row"]);
    assert_eq!(found.iter().map(|row| row[0].to_string()).collect::<Vec<_>>(), ["0", "2"]);
    for row in &found {
        let (a, b): (f32, f32) = (row[4].parse().unwrap(), row[6].parse().unwrap());
        assert!(f64::from(a) + 2.0 * f64::from(b) - 1.0 <= 0.0 && &row[5] == "x", "{row:?}");
    }
    // Inputs without names have none.
    desk.write("plain.csv", "0.5,1\n0.1,0.2\n");
    desk.well(&["audit", "m.onnx", "plain.csv", "--norm", "l2", "--method", "sharp,exact", "--reports", "plain"]);
    let folder = fs::read_dir(desk.path("plain")).unwrap().next().unwrap().unwrap().path();
    assert!(!folder.join("adversarial.csv").exists());
}

#[test]
fn rows_that_would_pass_go_on_with_the_audit() {
    let desk = desk();
    let options = ["--norm", "l1"];
    let (_, whole) = audit(&desk, &options);
    let expected = fs::read_to_string(whole.join("adversarial.csv")).unwrap();
    let words = ["audit", "fraud.onnx", "t.csv", "--split", "test", "--method", "closed-form,exact", "--norm", "l1"];
    let run = desk.run(&[&words[..], &["--total-time", "0.000001", "--reports", "again"]].concat());
    assert_eq!(run.code, 3, "{}", run.err);
    let run = desk.run(&[&words[..], &["--resume", "--reports", "again"]].concat());
    assert!([0, 3].contains(&run.code), "{}", run.err);
    let folder = fs::read_dir(desk.path("again")).unwrap().next().unwrap().unwrap().path();
    let numbers = |text: &str| text.lines().map(|line| line.split(',').next().unwrap().to_string()).collect::<Vec<_>>();
    assert_eq!(numbers(&fs::read_to_string(folder.join("adversarial.csv")).unwrap()), numbers(&expected));
}

#[test]
fn raw_columns_in_front_of_a_model_without_a_record_are_warned_of_once() {
    use underplane::model::{Dense, Graph, Layer, onnx};
    let desk = Folder::new();
    let write = |name: &str, weight: [f32; 2]| {
        let mut graph = Graph::new("x", &[2]);
        let dense = Dense { rows: 1, cols: 2, weight: weight.to_vec(), bias: vec![1.0] };
        graph.push("f", Layer::Dense(dense), &[0]).unwrap();
        onnx::write(&graph, &desk.path(name)).unwrap();
    };
    write("m.onnx", [1.0, 0.5]);
    write("scaling.onnx", [1.0, 0.0001]);
    desk.write("t.csv", "rate,amount\n0.5,4200\n0.1,120\n0.9,9000.5\n");
    desk.write("plain.csv", "0.5,4200\n0.1,120\n0.9,9000.5\n");
    for quiet in [&[][..], &["--quiet"]] {
        for command in ["certify", "audit"] {
            let run = desk.well(&[&[command, "m.onnx", "t.csv", "--norm", "l2", "--method", "sharp"], quiet].concat());
            let warning = "warning: t.csv: `amount` (up to 9000.5) makes up nearly all that moves the logit";
            assert_eq!(run.err.matches(warning).count(), 1, "{}", run.err);
        }
    }
    for words in [["certify", "scaling.onnx", "t.csv"], ["certify", "m.onnx", "plain.csv"]] {
        assert!(!desk.well(&words).err.contains("warning"), "{words:?}");
    }
}
