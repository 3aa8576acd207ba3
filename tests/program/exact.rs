//! `certify` with the methods that close the gap, as a user runs them on a bundled model.

use assert_cmd::Command;
use serde_json::Value;
use std::path::Path;

/// (exit code, stdout, stderr) of a program in the folder of the bundled files.
fn run(program: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data");
    let output = Command::new(program).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

const MODEL: &str = "models/mnist-3-8.onnx";
const INPUTS: &str = "inputs/mnist-3-8.npy";

/// The bundled model on inputs that are all of the sensitive class.
fn certify(more: &[&str]) -> (i32, String, String) {
    run(env!("CARGO_BIN_EXE_underplane"), &[&["certify", MODEL, INPUTS, "--limit", "3"], more].concat())
}

#[derive(Debug)]
struct Row {
    method: String,
    radius: f64,
    upper: f64,
    detail: String,
}

impl Row {
    /// The gap that `detail` names.
    fn gap(&self) -> f64 {
        let rest = self.detail.split("gap ").nth(1).unwrap_or_else(|| panic!("no gap: {self:?}"));
        rest.split(',').next().unwrap().parse().unwrap()
    }
}

/// The rows of a run that must succeed, all of them certified.
fn rows(more: &[&str]) -> Vec<Row> {
    let (code, table, error) = certify(more);
    assert_eq!(code, 0, "{error}");
    let header = "input,label,logit,norm,method,subject,radius,upper,guarantee,status,seconds,detail";
    assert_eq!(table.lines().next(), Some(header));
    let row = |fields: csv::StringRecord| {
        assert_eq!(&fields[9], "certified", "{fields:?}");
        let upper = fields[7].parse().unwrap_or(f64::INFINITY);
        Row { method: fields[4].into(), radius: fields[6].parse().unwrap(), upper, detail: fields[11].into() }
    };
    csv::Reader::from_reader(table.as_bytes()).into_records().map(|fields| row(fields.unwrap())).collect()
}

#[test]
fn both_sides_meet_on_a_bundled_model_and_the_lp_agrees() {
    let limits = ["--gap", "1e-6", "--time", "30", "--passes", "1000"];
    for range in [&[][..], &["--box", "0,1"]] {
        let methods = ["--method", "closed-form,sharp,tightened,exact,lp,best"];
        let all = rows(&[&methods[..], &limits, range].concat());
        assert_eq!(all.len(), 3 * 3 * 6);
        for group in all.chunks(6) {
            let [closed, sharp, tightened, exact, lp, best] = group else { unreachable!("chunks of six") };
            assert!(closed.radius <= sharp.radius && sharp.radius <= tightened.radius, "{group:?}");
            for row in [tightened, exact] {
                assert!(row.gap() <= 1e-6 && row.upper <= row.radius * (1.0 + 1.1e-6), "{row:?}");
                assert!((row.radius / lp.radius - 1.0).abs() <= 1e-6, "{row:?} {lp:?}");
                assert!(row.radius <= lp.upper && lp.radius <= row.upper && row.radius <= best.upper, "{group:?}");
            }
            assert!(best.radius >= exact.radius.max(closed.radius), "{group:?}");
            assert!(best.detail.starts_with("exact: gap") || best.detail.starts_with("lp: gap"), "{best:?}");
        }
    }
}

#[test]
fn a_wide_gap_is_kept_and_a_limit_is_told() {
    let exact = rows(&["--method", "exact"]);
    let wide = rows(&["--method", "tightened", "--gap", "0.02"]);
    let short = rows(&["--method", "sharp,tightened", "--passes", "1"]);
    assert_eq!((exact.len(), wide.len(), short.len()), (9, 9, 18));
    for (exact, wide) in exact.iter().zip(&wide) {
        assert!(wide.gap() <= 0.02, "{wide:?}");
        assert!(wide.radius <= exact.upper && exact.radius <= wide.upper, "{wide:?} {exact:?}");
        assert!(exact.radius <= wide.radius * 1.02, "{wide:?} {exact:?}");
    }
    for (exact, pair) in exact.iter().zip(short.chunks(2)) {
        assert!(pair[0].radius <= pair[1].radius && pair[1].radius <= exact.upper, "{pair:?} {exact:?}");
        assert!(pair[1].detail.ends_with("1 passes; out of passes"), "{pair:?}");
    }
    let late = rows(&["--method", "exact", "--time", "1e-9"]);
    assert!(late.iter().all(|row| row.method == "exact" && row.detail.ends_with("out of time")), "{late:?}");
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    for (option, value) in [
        ("--gap", "0"),
        ("--gap", "-0.001"),
        ("--gap", "NaN"),
        ("--gap", "small"),
        ("--time", "0"),
        ("--time", "-5"),
        ("--time", "inf"),
        ("--passes", "0"),
        ("--passes", "-1"),
        ("--passes", "2.5"),
    ] {
        let (code, table, error) = certify(&["--method", "tightened,exact", option, value]);
        assert_eq!(code, 2, "{option} {value}: {error}");
        assert!(table.is_empty() && error.contains(option) && !error.contains("panicked"), "{option} {value}: {error}");
    }
    let (code, _, error) = certify(&["--method", "exactly"]);
    assert!(code == 2 && error.contains("exactly") && error.contains("tightened, exact"), "{error}");
}

#[test]
fn the_proofs_of_exact_radii_hold_and_carry_the_other_side() {
    for (range, name) in [(&[][..], "free"), (&["--box", "0,1"], "box")] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap();
        let all = rows(&[&["--method", "exact", "--proofs", place][..], range].concat());
        let certificates = format!("{place}/certificates.jsonl");
        let text = std::fs::read_to_string(&certificates).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), all.len(), "{name}");
        let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
        for (line, row) in lines.iter().zip(&all) {
            assert_eq!((number(&line["radius"]), number(&line["upper"])), (row.radius, row.upper), "{name}: {row:?}");
            assert!(row.upper <= row.radius * (1.0 + 1e-6), "{name}: {row:?}");
        }
        let checker = env!("CARGO_BIN_EXE_underplane-check");
        let (code, table, error) = run(checker, &[MODEL, INPUTS, &certificates]);
        assert_eq!(code, 0, "{name}: {table}{error}");
        assert_eq!(table.matches(",valid").count(), all.len(), "{name}: {table}");
    }
}
