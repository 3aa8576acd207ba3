//! `underplane regress`: the bundled verified radii stand, and what moves is reported.

use assert_cmd::Command;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use underplane::model::{Dense, Graph, Kink, Layer, onnx};

fn regress(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_underplane")).arg("regress").args(arguments).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr),
    )
}

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data")
}

/// A folder of its own with one bundled entry.
fn own(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = bundled().display().to_string();
    let definition = format!(
        "[[entry]]\nname = \"{name}\"\nmodel = \"{root}/models/{name}.onnx\"\ninputs = \"{root}/inputs/{name}.npy\"\n\
         limit = 4\nmethods = [\"closed-form\", \"sharp\", \"lp\"]\n"
    );
    std::fs::write(folder.path().join("verified.toml"), definition).unwrap();
    for ext in ["csv", "jsonl"] {
        std::fs::copy(bundled().join(format!("verified/{name}.{ext}")), folder.path().join(format!("{name}.{ext}")))
            .unwrap();
    }
    folder
}

/// Runs the entry with one edit of a stored file.
fn after(name: &str, ext: &str, edit: impl Fn(&str) -> String) -> (i32, String) {
    let folder = own(name);
    let path = folder.path().join(format!("{name}.{ext}"));
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = edit(&text);
    assert!(edited != text, "the edit changes nothing");
    std::fs::write(path, edited).unwrap();
    regress(&[folder.path().to_str().unwrap()])
}

#[test]
fn the_bundled_radii_stand() {
    let (code, told) = regress(&[bundled().join("verified").to_str().unwrap()]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(" 0 of them failures"), "{told}");
}

#[test]
fn a_row_without_its_certificate_is_reported() {
    // The stored radius says more than its certificate.
    let raised = |text: &str| {
        text.replacen(",closed-form,0.", ",closed-form,1.", 1).replacen(",closed-form,1", ",closed-form,2", 1)
    };
    let (code, told) = after("phishing", "csv", raised);
    assert!(code == 1 && told.contains("stored proof refused"), "{told}");
}

#[test]
fn a_damaged_certificate_is_reported() {
    let (code, told) = after("spambase", "jsonl", |text| text.replacen("\"codes\":\"", "\"codes\":\"/", 1));
    assert!(code == 1 && told.contains("stored proof refused"), "{told}");
}

#[test]
fn a_missing_certificate_is_a_failure_that_names_the_file() {
    let (code, told) = after("spambase", "jsonl", |text| text.lines().skip(1).map(|l| format!("{l}\n")).collect());
    assert!(code == 1 && told.contains("spambase.jsonl"), "{told}");
}

#[test]
fn bless_stores_what_a_run_then_finds() {
    let folder = own("phishing");
    let path = folder.path().to_str().unwrap();
    for ext in ["csv", "jsonl"] {
        std::fs::remove_file(folder.path().join(format!("phishing.{ext}"))).unwrap();
    }
    let (code, told) = regress(&[path]);
    assert!(code == 1 && told.contains("not stored"), "{told}");
    let (code, told) = regress(&[path, "--bless"]);
    assert!(code == 0 && told.contains("not stored"), "{told}");
    assert_eq!(regress(&[path]).0, 0);
}

#[test]
fn what_the_definition_no_longer_asks_for_is_reported() {
    let folder = own("phishing");
    let path = folder.path().join("verified.toml");
    let less = std::fs::read_to_string(&path).unwrap().replace("\"closed-form\", ", "");
    std::fs::write(path, less).unwrap();
    let (code, told) = regress(&[folder.path().to_str().unwrap()]);
    assert!(code == 1 && told.contains("lost its proof") && told.contains("does not ask for it"), "{told}");
}

#[test]
fn a_definition_that_verifies_nothing_or_is_ambiguous_is_an_error() {
    let folder = own("spambase");
    let path = folder.path().join("verified.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(folder.path().join("spambase.csv")).unwrap();
    // The first three inputs are of the other class.
    for (edited, says) in [
        (text.replace("limit = 4", "limit = 3"), "nothing to verify"),
        (text.replace("limit = 4", "limit = 0"), "expected at least 1 in `limit`"),
        (text.replace("limit", "norms = []\nlimit"), "expected at least one in `norms`"),
        (
            text.lines().filter(|l| !l.starts_with("methods")).map(|l| format!("{l}\n")).collect::<String>()
                + "methods = []",
            "expected at least one in `methods`",
        ),
        (text.replace("name = \"spambase\"", "name = \"../spambase\""), "expected a name"),
        (format!("{text}{text}"), "twice"),
        (text.replace("\"lp\"", "\"ibp\""), "method `ibp`"),
        (text.replace("\"lp\"", "\"sharp\""), "methods that differ"),
        (text.replace("limit", "norms = [\"l1\", \"L1\"]\nlimit"), "norms that differ"),
    ] {
        assert!(edited != text);
        std::fs::write(&path, edited).unwrap();
        let (code, told) = regress(&[folder.path().to_str().unwrap()]);
        assert!(code == 2 && told.contains(says), "{says}: {told}");
        assert_eq!(regress(&[folder.path().to_str().unwrap(), "--bless"]).0, 2, "{says}");
        assert!(!folder.path().join("spambase.csv").exists(), "{says}");
    }
}

#[test]
fn a_folder_that_is_none_is_an_error() {
    let folder = TempDir::new().unwrap();
    let (code, told) = regress(&[folder.path().to_str().unwrap()]);
    assert!(code == 2 && told.contains("verified.toml"), "{told}");
    std::fs::write(folder.path().join("verified.toml"), "entry = []").unwrap();
    assert_eq!(regress(&[folder.path().to_str().unwrap()]).0, 2);
}

/// A file of a store, or the two of an entry, as text.
type Files = [String; 3];

/// verified.toml, NAME.csv and NAME.jsonl of a small store.
fn small(folder: &TempDir) -> Files {
    let mut graph = Graph::new("x", &[2]);
    graph.push("a", Layer::Kink(Kink { below: 0.0, above: 1.0 }), &[0]).unwrap();
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0; 2], bias: vec![-1.0] }), &[1]).unwrap();
    std::fs::write(folder.path().join("model.onnx"), onnx::encode(&graph).unwrap()).unwrap();
    std::fs::write(folder.path().join("inputs.npy"), underplane::proof::npy(&[2.0, 2.0, 0.5, 3.0], 2)).unwrap();
    let definition = "[[entry]]\nname = \"e\"\nmodel = \"model.onnx\"\ninputs = \"inputs.npy\"\n\
                      norms = [\"l2\", \"linf\"]\nmethods = [\"sharp\", \"exact\"]\n";
    std::fs::write(folder.path().join("verified.toml"), definition).unwrap();
    let (code, told) = regress(&[folder.path().to_str().unwrap(), "--bless"]);
    assert_eq!(code, 0, "{told}");
    FILES.map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
}

const FILES: [&str; 3] = ["verified.toml", "e.csv", "e.jsonl"];

/// One line, from 0, of a text replaced.
fn line(text: &str, at: usize, change: impl Fn(&str) -> String) -> String {
    let lines: Vec<String> =
        text.lines().enumerate().map(|(i, l)| if i == at { change(l) } else { l.into() }).collect();
    lines.join("\n") + "\n"
}

/// One field of one row of the table, the first row being 1.
fn field(row: usize, column: usize, value: &str) -> impl Fn(&mut Files) {
    let value = value.to_string();
    move |files| {
        files[1] = line(&files[1], row, |l| {
            let mut fields: Vec<&str> = l.split(',').collect();
            fields[column] = &value;
            fields.join(",")
        });
    }
}

/// Keys of one certificate, the first one being 1, set or taken away.
fn keys(row: usize, keys: &'static [(&'static str, Option<&'static str>)]) -> impl Fn(&mut Files) {
    move |files| {
        files[2] = line(&files[2], row - 1, |l| {
            let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(l).unwrap();
            for (key, value) in keys {
                match value {
                    Some(value) => drop(object.insert((*key).into(), serde_json::from_str(value).unwrap())),
                    None => drop(object.remove(*key).expect("a key")),
                }
            }
            serde_json::Value::Object(object).to_string()
        });
    }
}

/// A line of one file of the store added, from another line of it.
fn copied(file: usize, from: usize) -> impl Fn(&mut Files) {
    move |files| {
        let line = files[file].lines().nth(from).unwrap().to_string() + "\n";
        files[file] += &line;
    }
}

fn dropped(file: usize, at: usize) -> impl Fn(&mut Files) {
    move |files| {
        let lines = files[file].lines().enumerate().filter(|(i, _)| *i != at);
        files[file] = lines.map(|(_, l)| format!("{l}\n")).collect();
    }
}

fn replaced(file: usize, from: &'static str, to: &'static str) -> impl Fn(&mut Files) {
    move |files| files[file] = files[file].replacen(from, to, 1)
}

/// One edit after another.
fn both(a: impl Fn(&mut Files), b: impl Fn(&mut Files)) -> impl Fn(&mut Files) {
    move |files| {
        a(files);
        b(files);
    }
}

type Edit = Box<dyn Fn(&mut Files)>;

macro_rules! edits {
    ($($words:literal => $edit:expr,)+) => { [$(($words, Box::new($edit) as Edit)),+] };
}

/// Row 1 is input 0, l2, sharp; row 2 the same with exact, which has a witness.
#[test]
fn every_tampering_with_a_store_is_a_failure_in_its_own_words() {
    let garbage = |files: &mut Files| files[2] += "garbage\n";
    let doubled = || both(copied(1, 1), copied(2, 0));
    let witness = &[("upper", None), ("witness", None)];
    let edits = edits! {
        "line 10: a second row" => doubled(),
        "the first one is line 2" => both(copied(1, 1), garbage),
        "a second row" => both(doubled(), field(9, 3, "1000000.0")),
        "`upper`: expected nothing or" => field(2, 4, "two"),
        "found `nan`" => field(2, 4, "nan"),
        "found `inf`" => field(1, 4, "inf"),
        "found `-1.0`" => field(1, 4, "-1.0"),
        "the row 0.5" => field(2, 4, "0.5"),
        "the row none" => field(2, 4, ""),
        "upper: the certificate says none, the row 9.5" => field(1, 4, "9.5"),
        "the row 1000000.0" => field(1, 3, "1000000.0"),
        "the row 0.5" => field(1, 3, "0.5"),
        "the row unbounded" => field(1, 3, "unbounded"),
        "`lower`: expected unbounded or a decimal" => field(1, 3, ""),
        "found `NaN`" => field(1, 3, "NaN"),
        "the row 1e0" => field(1, 3, "1e0"),
        "found `-0.0`" => field(1, 3, "-0.0"),
        "found `+1.5`" => field(1, 3, "+1.5"),
        "the row 2.1213203435596357000" => field(1, 3, "2.1213203435596357000"),
        "norm `l3`, expected l2, linf" => field(1, 1, "l3"),
        "norm `L2`" => field(1, 1, "L2"),
        "norm `l1`" => field(1, 1, "l1"),
        "method `ibp`, expected sharp, exact" => field(1, 2, "ibp"),
        "method ``" => field(1, 2, ""),
        "input `2`, expected one below 2" => field(1, 0, "2"),
        "`input`: expected an index, found `00`" => field(1, 0, "00"),
        "found `0.0`" => field(1, 0, "0.0"),
        "found `-1`" => field(1, 0, "-1"),
        "line 1: expected `input,norm,method,lower,upper`, found `input,norm,method,lower,upper,note`" =>
            replaced(1, "upper\n", "upper,note\n"),
        "found `input,norm,method,lower`" => replaced(1, ",upper", ""),
        "found `input,norm,method,upper,lower`" => replaced(1, "lower,upper", "upper,lower"),
        "line 1: expected" => dropped(1, 0),
        "line 1: expected `" => |files: &mut Files| files[1].clear(),
        "line 3: expected 5 fields, found 6" => |files: &mut Files| files[1] = line(&files[1], 2, |l| format!("{l},x")),
        "line 2: expected 5 fields, found 4" => replaced(1, ",\n", "\n"),
        "line 10: expected 5 fields, found 1" => |files: &mut Files| files[1] += "\n",
        "input: the certificate says 0, the row 1" => |files: &mut Files| {
            let lines: Vec<String> = files[1].lines().map(String::from).collect();
            let mut order: Vec<usize> = (0..lines.len()).collect();
            order.swap(1, 5);
            files[1] = order.iter().map(|&i| format!("{}\n", lines[i])).collect();
        },
        "e.jsonl line 8: a certificate without a row" => dropped(1, 8),
        "box: the certificate says 2,2, the row none" => keys(1, &[("box", Some(r#"["2","2"]"#))]),
        "box: the certificate says -100,100, the row none" => keys(2, &[("box", Some(r#"["-100","100"]"#))]),
        "ball: the certificate says open, the row closed" => keys(1, &[("ball", Some("\"open\""))]),
        "class-mismatch" => keys(1, &[("sensitive", Some("\"negative\""))]),
        "weights-mismatch" => keys(1, &[("weights", Some("\"yes\""))]),
        "input: the certificate says 1, the row 0" => keys(1, &[("input", Some("\"1\"")), ("radius", Some("\"1\""))]),
        "norm: the certificate says linf, the row l2" =>
            keys(1, &[("norm", Some("\"linf\"")), ("radius", Some("\"1\""))]),
        "norm: the certificate says lp:2, the row l2" => keys(1, &[("norm", Some("\"lp:2\""))]),
        "radius: the certificate says 0.5" => keys(1, &[("radius", Some("\"0.5\""))]),
        "radius: the certificate says none" => keys(2, &[("radius", None), ("slopes", None)]),
        "not-proven" => keys(1, &[("radius", Some("\"9\""))]),
        "upper: the certificate says 9, the row 2.12" => keys(2, &[("upper", Some("\"9\""))]),
        "upper: the certificate says none, the row 2.12" => keys(2, witness),
        "incomplete" => keys(2, &[("witness", None)]),
        "witness-too-far" => keys(2, &[("upper", Some("\"1\""))]),
        "witness missing" => both(keys(2, witness), field(2, 4, "")),
        "e.jsonl line 9: a certificate without a row" => copied(2, 0),
        "line 9: a certificate without" => |files: &mut Files| files[2] += "\n",
        "e.jsonl has no line 8" => dropped(2, 7),
        "its certificate is missing" => dropped(2, 0),
        "malformed-certificate" => |files: &mut Files| files[2] = line(&files[2], 3, |_| "garbage".into()),
        "has no line 1" => |files: &mut Files| files[2].clear(),
        "not stored" => both(dropped(1, 1), dropped(2, 0)),
        "does not ask for it: method `exact`" => replaced(0, ", \"exact\"", ""),
        "input `1`, expected one below 1" => replaced(0, "norms", "limit = 1\nnorms"),
        "box: the certificate says none, the row 0,4" => replaced(0, "norms", "box = \"0,4\"\nnorms"),
        "e.csv holds verified radii, but verified.toml has no such entry" =>
            replaced(0, "name = \"e\"", "name = \"other\""),
    };
    let folder = TempDir::new().unwrap();
    let files = small(&folder);
    let path = folder.path().to_str().unwrap();
    let after = |files: &Files| {
        FILES.iter().zip(files).for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        regress(&[path])
    };
    assert!(edits.len() > 60);
    let mut wrong = String::new();
    for (words, edit) in &edits {
        let mut tampered = files.clone();
        edit(&mut tampered);
        assert!(tampered != files, "{words}: the edit changes nothing");
        let (code, told) = after(&tampered);
        if code != 1 || !told.contains(words) {
            wrong += &format!("{words}: {code}, {told}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(after(&files).0, 0);
    for (name, words) in
        [("e.csv", "e.csv is missing, and e.jsonl is there"), ("e.jsonl", "its certificate is missing")]
    {
        std::fs::remove_file(folder.path().join(name)).unwrap();
        let (code, told) = regress(&[path]);
        assert!(code == 1 && told.contains(words), "{words}: {code}, {told}");
        assert_eq!(after(&files).0, 0);
    }
}
