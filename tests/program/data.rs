//! `underplane data` as a program: output, exit codes, messages.

use assert_cmd::Command;
use std::fs;

/// The subcommand on an empty data directory; exit code, stdout, stderr.
fn data(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("underplane").unwrap();
    command.args(["data", "--data-dir"]).arg(folder.path()).args(arguments);
    let output = command.output().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_list_shows_every_task() {
    let (code, out, _) = data(&["list"]);
    assert_eq!(code, 0);
    for name in underplane::data::task_names() {
        let line = out.lines().find(|line| line.contains(&format!(" {name} "))).unwrap();
        assert!(line.contains(" no "), "{line}: nothing is there");
    }
    for heading in ["samples", "features", "sensitive class", "unit of a radius", "licence"] {
        assert!(out.lines().nth(1).unwrap().contains(heading), "{out}");
    }
}

#[test]
fn failures_exit_with_2_and_say_why() {
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["import", "spambase", "--from", empty], "spambase.data"),
        (&["import", "spambase", "--from", "no such file"], "no such file"),
        (&["import", "nothing", "--from", empty], "no source `nothing`"),
        (&["export", "drebin", "--split", "test", "--out", empty], "drebin215.csv of `drebin` is not in"),
        (&["export", "nothing", "--split", "test", "--out", empty], "no task `nothing`"),
        (&["export", "drebin", "--split", "half", "--out", empty], "possible values: train, validation, test"),
    ];
    for (arguments, part) in cases {
        let (code, out, err) = data(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(part), "{err}: no `{part}`");
    }
}
