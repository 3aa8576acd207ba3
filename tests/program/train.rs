//! `underplane train` on the command line: a whole run on a user's own table, and where it must refuse.

use assert_cmd::Command;
use std::path::Path;
use underplane::data::store::sha256;

fn train(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("underplane").unwrap();
    command.current_dir(folder).env_remove("UNDERPLANE_DATA").arg("train").args(arguments).output().unwrap()
}

/// Exit code 2, the message on stderr, nothing on stdout, and no model or record left behind.
fn refused(arguments: &[&str], parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("unknown-key.toml"), "task = \"mnist-3-8\"\nepoch = 3\n").unwrap();
    std::fs::write(folder.path().join("senseless.toml"), "task = \"mnist-3-8\"\n[optimiser]\nrate = -1.0\n").unwrap();
    std::fs::write(folder.path().join("unknown-task.toml"), "task = \"mnist\"\n").unwrap();
    let output = train(folder.path(), arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(output.stdout.is_empty());
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let written: Vec<_> = left.filter(|path| path.extension().is_some_and(|e| e == "onnx" || e == "json")).collect();
    assert!(written.is_empty(), "{written:?}");
    assert!(!folder.path().join("made").exists());
}

#[test]
fn an_unknown_name_lists_the_bundled_ones() {
    refused(&["mnist"], &["`mnist`", "mnist-3-8", "drebin"]);
}

#[test]
fn config_faults_name_file_and_key() {
    refused(&["absent.toml"], &["absent.toml"]);
    refused(&["unknown-key.toml"], &["unknown-key.toml", "epoch"]);
    refused(&["senseless.toml"], &["senseless.toml", "`optimiser.rate`", "-1"]);
    refused(&["unknown-task.toml"], &["mnist", "mnist-3-8"]);
}

#[test]
fn missing_data_says_where_to_put_it() {
    refused(&["drebin", "--data-dir", "nowhere", "--out", "made/here"], &["drebin215.csv", "nowhere"]);
}

#[test]
fn senseless_numbers_are_usage_errors() {
    refused(&["drebin", "--epochs", "0"], &["--epochs"]);
    refused(&["drebin", "--threads", "0"], &["--threads"]);
}

/// A disc (label `in`) inside a square, with one feature in other units, a repeated sample and a contradictory one.
fn table() -> String {
    let mut text = String::from("a,kind,b\n0.5,in,10\n0.5,in,10\n0.25,in,7\n0.25,out,7\n");
    for i in 0..40 {
        for j in 0..40 {
            let (x, y) = (f64::from(i) / 20.0 - 1.0, f64::from(j) / 20.0 - 1.0);
            let kind = if x * x + y * y > 0.6 { "out" } else { "in" };
            text += &format!("{x:.3},{kind},{:.2}\n", 100.0 + 40.0 * y);
        }
    }
    text
}

const OWN: &str = "task = \"square\"\nepochs = 20\nbatch = 32\n[data]\nfile = \"table.csv\"\n\
    label_column = \"kind\"\nsensitive = \"out\"\n[network]\nhidden = [16, 8]\n[optimiser]\nrate = 0.01\n\
    [radii]\nl1 = [0.05]\nl2 = [0.05]\nlinf = [0.05]\n";

#[test]
fn a_table_of_ones_own_becomes_a_network_that_certify_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("settings")).unwrap();
    std::fs::write(path("settings/table.csv"), table()).unwrap();
    std::fs::write(path("settings/square.toml"), OWN).unwrap();
    let output = train(folder.path(), &["settings/square.toml", "--out", "made"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1604 samples read") && text.contains("2 samples dropped with 1 vectors"), "{text}");
    assert!(text.contains("radius in standard deviations"), "{text}");

    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(path("made/square.json")).unwrap()).unwrap();
    let accuracy = record["accuracy"]["test"]["overall"].as_f64().unwrap();
    let line = record["baseline"]["test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.93 && accuracy > line, "{accuracy}, logistic regression {line}");
    assert_eq!(record["certified"].as_array().unwrap().len(), 12);
    for (name, path) in [("table.csv", path("settings/table.csv")), ("square.onnx", path("made/square.onnx"))] {
        assert_eq!(record["sha256"][name], sha256(&std::fs::read(path).unwrap()).as_str(), "{name}");
    }
    // The model takes raw rows, by the names of their columns.
    let columns = record["columns"].as_array().unwrap();
    assert_eq!(columns.iter().map(|c| c["name"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
    let corner = "b,a\n138,0.95\n100,0.0\n";
    std::fs::write(path("rows.csv"), corner).unwrap();
    let mut certify = Command::cargo_bin("underplane").unwrap();
    let rows = certify.current_dir(folder.path()).args(["certify", "made/square.onnx", "rows.csv"]).output().unwrap();
    let rows = String::from_utf8(rows.stdout).unwrap();
    let status: Vec<_> = rows.lines().skip(1).map(|row| row.split(',').nth(9).unwrap()).collect();
    assert_eq!(status, ["certified", "certified", "certified", "not-sensitive", "not-sensitive", "not-sensitive"]);
}

#[test]
fn faults_of_ones_own_table_name_file_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |config: &str, table: &str, parts: &[&str]| {
        std::fs::write(folder.path().join("own.toml"), config).unwrap();
        std::fs::write(folder.path().join("table.csv"), table).unwrap();
        let output = train(folder.path(), &["own.toml"]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    };
    refused(OWN, "a,kind,b\n1,out,2\n1,in,x\n", &["table.csv", "line 3, column 3", "`x`"]);
    refused(OWN, "a,kind,b\n1,out,2\n1,in,1e60\n", &["table.csv", "line 3, column 3", "1e60"]);
    refused(OWN, "a,class,b\n1,out,2\n", &["table.csv", "`kind`"]);
    refused(OWN, "a,kind,b\n1,spam,2\n2,ham,1\n", &["square", "both classes", "labelled `out`", "ham (1), spam (1)"]);
    refused(OWN, "a,kind,b\n1,out,2\n2,out,1\n", &["square", "both classes"]);
    refused(OWN, "a,kind,b\n1,out,2\n2,,1\n", &["table.csv: line 3: expected a label"]);
    refused(&OWN.replace("table.csv", "absent.csv"), "", &["absent.csv"]);
    refused(&OWN.replace("kind\"\n", "kind\"\nlabels = 3\n"), "", &["own.toml", "labels"]);
    let ranged = |more: &str| OWN.replace("kind\"\n", &format!("kind\"\nrange = [0, 1]\n{more}"));
    refused(&ranged(""), "", &["own.toml", "`data.range`", "standardise"]);
    let table = "a,kind,b\n1,out,0\n1,in,2\n";
    refused(&ranged("standardise = false\n"), table, &["table.csv", "line 3, column 3", "[0, 1]"]);
}
