//! `underplane separate` and its checkers, on tables as a user has them.

use crate::desk::Desk;
use std::fs;

/// A square of `ham` with `spam` around it; with `inside` there is spam in the middle, too.
fn table(inside: bool) -> String {
    let mut rows = String::from("a,b,kind\n");
    for k in 0..10 {
        let t = f64::from(k) / 2.5;
        rows += &format!("{t},{},ham\n{},{t},spam\n{t},{},spam\n", 4.0 - t, 4.5 + t / 8.0, -0.5 - t / 4.0);
    }
    if inside {
        rows += "2,2,spam\n";
    }
    rows
}

const SEPARATE: &str = "separate t.csv --label-column kind --sensitive spam --out s";

#[test]
fn a_table_is_separated_replayed_and_classified() {
    let desk = Desk::new();
    fs::write(desk.at("t.csv"), table(false)).unwrap();
    let out = desk.succeed("underplane", SEPARATE);
    assert!(out.starts_with("20 of 20 `spam` lie outside the convex hull of 10 `ham`: proven, "), "{out}");
    assert!(out.contains("30 of 30 points right in exact arithmetic"), "{out}");
    for (start, right) in
        [("  replay: underplane ", "hyperplane"), ("  recount: underplane ", "sensitive,20,20\nother,10,10\n")]
    {
        let command = out.lines().find_map(|line| line.strip_prefix(start)).expect("a command");
        assert!(desk.succeed("underplane", command).contains(right));
        let own = command.strip_prefix("check ").expect("check");
        assert_eq!(desk.succeed("underplane-check", own), desk.succeed("underplane", command));
    }
    let inspected = desk.succeed("underplane", "inspect s/spam-from-ham.onnx");
    assert!(inspected.contains("f is convex in x"), "{inspected}");
    let rows = desk.succeed("underplane", "certify s/spam-from-ham.onnx s/spam.npy --norm l2 --proofs p");
    assert_eq!(rows.lines().filter(|row| row.contains(",certified,")).count(), 20, "{rows}");
}

#[test]
fn a_point_inside_is_proven_to_be_there_and_no_classifier_is_made() {
    let desk = Desk::new();
    fs::write(desk.at("t.csv"), table(true)).unwrap();
    let out = desk.succeed("underplane", &format!("{SEPARATE} --both"));
    assert!(out.contains("20 of 21 `spam` lie outside"), "{out}");
    assert!(out.contains("1 lie inside: proven"), "{out}");
    assert!(out.contains("`ham` lie outside the convex hull of 21 `spam`"), "{out}");
    assert!(!desk.at("s/spam-from-ham.onnx").exists());
    let (code, rows, told) = desk.run("underplane-check", "--separation s/spam.npy s/ham.npy s/spam-from-ham.jsonl");
    assert_eq!(code, 0, "{told}");
    assert!(rows.contains(",combination,20,,,valid,,"), "{rows}");
    assert!(told.contains("of 21 sensitive points 20 lie outside the convex hull of 10 others"), "{told}");
    assert!(told.contains("1 inside, 0 open; 0 invalid lines"), "{told}");
}

#[test]
fn what_is_tampered_with_is_refused() {
    let desk = Desk::new();
    fs::write(desk.at("t.csv"), table(false)).unwrap();
    desk.succeed("underplane", SEPARATE);
    let lines = fs::read_to_string(desk.at("s/spam-from-ham.jsonl")).unwrap();
    let digits = lines.lines().nth(1).and_then(|line| line.rsplit_once("\"threshold\":\"")).unwrap().1.to_string();
    let lower = lines.replacen(&format!("\"threshold\":\"{digits}"), "\"threshold\":\"-99999999\"}", 1);
    fs::write(desk.at("lower.jsonl"), lower).unwrap();
    for program in ["underplane", "underplane-check"] {
        let command = if program == "underplane" { "check --separation" } else { "--separation" };
        let (code, rows, _) = desk.run(program, &format!("{command} s/spam.npy s/ham.npy lower.jsonl"));
        assert_eq!(code, 1, "{rows}");
        assert!(rows.contains("invalid,wrong-side,"), "{rows}");
        let (code, rows, _) = desk.run(program, &format!("{command} s/ham.npy s/spam.npy s/spam-from-ham.jsonl"));
        assert_eq!(code, 1);
        assert!(rows.contains("invalid,data-mismatch,"), "{rows}");
        let (code, _, told) = desk.run(program, &format!("{command} s/spam.npy x.npy s/spam-from-ham.jsonl"));
        assert!(code == 1 || told.contains("input-size"), "{told}");
    }
}

#[test]
fn a_run_goes_on_behind_the_lines_that_are_valid() {
    let desk = Desk::new();
    fs::write(desk.at("t.csv"), table(true)).unwrap();
    desk.succeed("underplane", SEPARATE);
    let whole = fs::read_to_string(desk.at("s/spam-from-ham.jsonl")).unwrap();
    let cut = whole.len() - 7;
    fs::write(desk.at("s/spam-from-ham.jsonl.partial"), &whole[..cut]).unwrap();
    fs::remove_file(desk.at("s/spam-from-ham.jsonl")).unwrap();
    let (code, out, told) = desk.run("underplane", &format!("{SEPARATE} --resume"));
    assert_eq!(code, 0, "{told}");
    assert!(out.contains("20 of 21 `spam` lie outside") && out.contains("1 lie inside"), "{out}");
    let valid = whole.lines().count() - 2;
    assert!(told.contains(&format!("{valid} lines of an earlier run are valid")), "{told}");
    assert_eq!(fs::read_to_string(desk.at("s/spam-from-ham.jsonl")).unwrap(), whole);
}

#[test]
fn senseless_demands_are_told_what_is_wrong() {
    let desk = Desk::new();
    fs::write(desk.at("t.csv"), table(false)).unwrap();
    for (words, told) in [
        ("separate no.csv --out s", "`no.csv`: expected a file of points, or a task (mnist-3-8"),
        ("separate t.csv --label-column kind --out s", "expected --sensitive, one of ham (10), spam (20)"),
        ("separate t.csv --label-column kind --sensitive eggs --out s", "--sensitive eggs: expected one of the labels"),
        (
            "separate t.csv --label-column kind --sensitive ham --other ham --out s",
            "points of another class than `ham`",
        ),
        ("separate x.npy --sensitive 1 --out s", "expected --labels or --label-column"),
        ("separate mnist-3-8 --sensitive 4 --out s", "expected `digit 3` and `digit 8`, the classes of mnist-3-8"),
    ] {
        let (code, _, error) = desk.run("underplane", words);
        assert_eq!(code, 2, "{words}: {error}");
        assert!(error.contains(told), "{words}: {error}");
    }
}
