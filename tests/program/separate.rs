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

/// Six `ham` of twelve coordinates, and `spam` that are means of two of them but for the rounding to float32.
fn rounded() -> String {
    let entry = |i: usize, k: usize| f64::from(((((i * 12 + k) * 7919 + 13) % 1009) as f32 / 1009.0).sin());
    let row = |entries: &dyn Fn(usize) -> f64, kind: &str| {
        let words: Vec<String> = (0..12).map(|k| (entries(k) as f32).to_string()).collect();
        format!("{},{kind}\n", words.join(","))
    };
    let names: Vec<String> = (0..12).map(|k| format!("c{k}")).collect();
    let mut rows = format!("{},kind\n", names.join(","));
    for i in 0..6 {
        rows += &row(&|k| entry(i, k), "ham");
    }
    for i in 0..5 {
        rows += &row(&|k| (entry(i, k) + 2.0 * entry(i + 1, k)) / 3.0, "spam");
    }
    rows
}

#[test]
fn a_point_that_stays_unknown_has_a_distance_that_is_not_proven() {
    let desk = Desk::new();
    fs::write(desk.at("t.csv"), rounded()).unwrap();
    let (code, out, told) = desk.run("underplane", SEPARATE);
    assert_eq!(code, 3, "{out}{told}");
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(desk.at("s/spam-from-ham.json")).unwrap()).unwrap();
    let unknown = record["not_proven"].as_array().unwrap();
    assert_eq!(record["open"], unknown.len());
    assert!(out.contains(&format!("  {} unknown: ", unknown.len())), "{out}");
    assert!(out.contains(&format!("  not proven, all {}: distances and weights, in floating", unknown.len())), "{out}");
    let [spam, ham] = ["spam", "ham"].map(|name| floats(&fs::read(desk.at(&format!("s/{name}.npy"))).unwrap()));
    for found in unknown {
        let point = found["point"].as_u64().unwrap() as usize;
        let numbers =
            |key: &str| found[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
        let (of, weights) = (numbers("of"), numbers("weights"));
        let away = |k: usize| {
            let term = |(j, w): (&f64, &f64)| w * (ham[*j as usize * 12 + k] - spam[point * 12 + k]);
            of.iter().zip(&weights).map(term).sum::<f64>()
        };
        let naive = (0..12).map(|k| away(k).powi(2)).sum::<f64>().sqrt();
        let distance = found["distance"].as_f64().unwrap();
        assert!((distance - naive).abs() < 1e-9 * naive && distance > 0.0 && distance < 1e-6, "{found}: {naive:e}");
        let line = format!("  not proven: `spam` {point} is {distance:.3e} from the nearest point found of the hull");
        assert!(unknown.len() > 3 || out.contains(&line), "{out}");
    }
}

/// The float32 numbers of a .npy file.
fn floats(bytes: &[u8]) -> Vec<f64> {
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let words = bytes[header..].chunks_exact(4);
    words.map(|word| f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]]))).collect()
}

const CHECK: &str = "check --separation s/spam.npy s/ham.npy s/spam-from-ham.jsonl";

#[test]
fn points_are_held_against_the_data_that_they_came_from() {
    let desk = Desk::new();
    fs::write(desk.at("t.csv"), table(true)).unwrap();
    desk.succeed("underplane", SEPARATE);
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(desk.at("s/spam-from-ham.json")).unwrap()).unwrap();
    let whole = format!("{CHECK} --data t.csv --label-column kind --class spam");
    for words in [whole.clone(), format!("{whole} --other ham")] {
        let (code, rows, told) = desk.run("underplane", &words);
        assert_eq!(code, 0, "{told}");
        assert_eq!(rows, desk.succeed("underplane", CHECK));
        assert!(told.contains("s/spam.npy: the 21 points of `spam` in t.csv, row for row"), "{told}");
        assert!(told.contains("s/ham.npy: the 10 points of `ham` in t.csv, row for row"), "{told}");
        let digest = record["sources"]["t.csv"].as_str().unwrap();
        assert!(told.contains(&format!("t.csv: sha256:{digest}")), "{told}");
    }
    let refused = |rows: String, expected: &str| {
        fs::write(desk.at("t.csv"), rows).unwrap();
        let (code, rows, told) = desk.run("underplane", &whole);
        assert_eq!((code, rows.as_str()), (2, ""), "{told}");
        assert!(told.contains(expected), "{told}");
    };
    let spam = "s/spam.npy: not the points of `spam` in t.csv: row ";
    // The third row of the table is the second `spam`.
    let moved = table(true).replacen("0,-0.5,spam", "0,-0.625,spam", 1);
    assert_ne!(moved, table(true));
    refused(moved, &format!("{spam}1 (from 0), coordinate 1: expected -0.625, found -0.5"));
    refused(table(true) + "9,9,spam\n", &format!("{spam}21 (from 0) is missing: expected 22 rows, found 21"));
    refused(table(false), &format!("{spam}20 (from 0) is one too many: expected 20 rows, found 21"));
    let ham = table(true).replacen("0,4,ham", "0,3,ham", 1);
    assert_ne!(ham, table(true));
    refused(ham, "s/ham.npy: not the points of `ham` in t.csv: row 0 (from 0), coordinate 1: expected 3, found 4");
    let wider = table(true).replace(",ham", ",1,ham").replace(",spam", ",1,spam").replacen("a,b,", "a,b,c,", 1);
    refused(wider, "s/spam.npy: not the points of `spam` in t.csv: expected 3 coordinates, found 2");
}

#[test]
fn points_of_bytes_are_held_against_the_data_too() {
    let desk = Desk::new();
    let rows: String =
        (0..12).map(|i| format!("{},{},{}\n", i * 20, 255 - i, if i % 2 == 0 { "a" } else { "b" })).collect();
    fs::write(desk.at("t.csv"), format!("x,y,kind\n{rows}")).unwrap();
    desk.run("underplane", "separate t.csv --label-column kind --sensitive a --out s");
    let words = "check --separation s/a.npy s/b.npy s/a-from-b.jsonl --data t.csv --label-column kind";
    let (code, _, told) = desk.run("underplane", &format!("{words} --class a"));
    assert_eq!(code, 0, "{told}");
    let (code, _, told) = desk.run("underplane", &format!("{words} --class b"));
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("s/a.npy: not the points of `b` in t.csv: row 0 (from 0), coordinate 0"), "{told}");
    for (words, said) in [
        (words.to_string(), "expected --class, one of a (6), b (6)"),
        (format!("{words} --class c"), "--class c: expected one of the labels a (6), b (6)"),
        ("check --separation s/a.npy s/b.npy s/a-from-b.jsonl --class a".into(), "--data"),
        ("check s/a.npy s/b.npy s/a-from-b.jsonl --data t.csv".into(), "--separation"),
    ] {
        let (code, _, told) = desk.run("underplane", &words);
        assert_eq!(code, 2, "{words}: {told}");
        assert!(told.contains(said), "{words}: {told}");
    }
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
