//! `underplane train` on the command line, where it must refuse.

use assert_cmd::Command;
use std::path::Path;

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
    refused(&["drebin", "--data-dir", "nowhere"], &["drebin215.csv", "nowhere"]);
}

#[test]
fn senseless_numbers_are_usage_errors() {
    refused(&["drebin", "--epochs", "0"], &["--epochs"]);
    refused(&["drebin", "--threads", "0"], &["--threads"]);
}
