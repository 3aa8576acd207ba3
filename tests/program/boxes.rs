//! `--box F` of `certify`, `audit`, `audit --claims`, `check`, `underplane-check` and `regress`, as a user runs them.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use testing::networks::{Map, generator, icnn};
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::data::store::sha256;
use underplane::model::{Layer, onnx};

const D: usize = 3;
const INF: f32 = f32::INFINITY;

/// Around both inputs; the second coordinate has no upper end, the third no end at all.
const ENDS: [f32; 2 * D] = [0.25, 0.625, 0.1, INF, -INF, INF];

struct Desk(TempDir);

impl Desk {
    /// `model.onnx`, `inputs.npy`, and one box as `box.npy`, `shaped.npy`, `double.npy`, `box.csv` and `plain.csv`.
    fn new() -> Desk {
        let desk = Desk(TempDir::new().unwrap());
        let mut graph = icnn(&mut generator(5), D, &[6, 4], Map::Absolute, 0.0);
        let lift = graph.output();
        graph.push("lift", Layer::Shift(vec![0.5]), &[lift]).unwrap();
        onnx::write(&graph, &desk.path("model.onnx")).unwrap();
        desk.npy("inputs.npy", &[2, D], &[0.5, 0.5, 0.5, 0.25, 0.75, 1.0]);
        desk.npy("box.npy", &[D, 2], &ENDS);
        desk.npy("shaped.npy", &[1, 1, D, 2], &ENDS);
        let doubles = NpyValues::F64(ENDS.iter().map(|&end| end.into()).collect());
        write_npy(&desk.path("double.npy"), &NpyArray { shape: vec![D, 2], values: doubles }).unwrap();
        desk.text("box.csv", "hi,column,lo\n0.625,age,0.25\ninf,height,0.1\n Infinity ,weight,-inf\n");
        desk.text("plain.csv", "0.25,0.625\n0.1,inf\n-inf,inf\n");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn npy(&self, name: &str, shape: &[usize], values: &[f32]) {
        let array = NpyArray { shape: shape.to_vec(), values: NpyValues::F32(values.to_vec()) };
        write_npy(&self.path(name), &array).unwrap();
    }

    fn text(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, program: &str, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::cargo_bin(program).unwrap().current_dir(&self.0).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Rows without their seconds, and what was told.
    fn certify(&self, extra: &[&str]) -> (Vec<Vec<String>>, String) {
        let methods = "closed-form,sharp,tightened,exact,best";
        let (code, rows, told) =
            self.run("underplane", &[&["certify", "model.onnx", "inputs.npy", "--method", methods], extra].concat());
        assert_eq!(code, 0, "{told}{rows}");
        let mut reader = csv::Reader::from_reader(rows.as_bytes());
        let row =
            |row: csv::StringRecord| row.iter().enumerate().filter(|(k, _)| *k != 10).map(|(_, c)| c.into()).collect();
        (reader.records().map(|record| row(record.unwrap())).collect(), told)
    }

    /// The answers of both checkers, which must be the same.
    fn check(&self, certificates: &str, extra: &[&str]) -> (i32, String) {
        let files = ["model.onnx", "inputs.npy", certificates];
        let own = self.run("underplane", &[&["check"], &files[..], extra].concat());
        let alone = self.run("underplane-check", &[&files[..], extra].concat());
        assert_eq!((own.0, &own.1), (alone.0, &alone.1), "{}{}", own.2, alone.2);
        let fast = self.run("underplane", &[&["check", "--fast"], &files[..], extra].concat());
        assert_eq!((own.0, &own.1), (fast.0, &fast.1.replace(",fast,", ",exact,")), "{}", fast.2);
        (own.0, own.1)
    }

    fn refused(&self, arguments: &[&str], told: &[&str]) {
        let (code, rows, error) = self.run("underplane", arguments);
        let all = told.iter().all(|word| error.contains(word));
        assert!(code == 2 && rows.is_empty() && all && !error.contains("panicked"), "{arguments:?}: {error}");
    }
}

#[test]
fn every_kind_of_file_gives_the_same_radii_and_certificates_that_the_checkers_accept() {
    let desk = Desk::new();
    let (rows, _) = desk.certify(&["--box", "box.npy", "--proofs", "proofs"]);
    assert_eq!(rows.len(), 2 * 3 * 5);
    let certificates = "proofs/certificates.jsonl";
    let (code, answers) = desk.check(certificates, &["--box", "box.npy"]);
    let digest = sha256(&fs::read(desk.path("box.npy")).unwrap());
    let of_file = |row: &str| row.contains(",valid,exact,") && row.contains(&format!(",sha256:{digest},"));
    assert!(code == 0 && answers.lines().skip(1).all(of_file), "{answers}");
    assert!(
        fs::read_to_string(desk.path(certificates)).unwrap().lines().all(|line| line.contains("\"version\":\"2\""))
    );
    assert!(fs::read_to_string(desk.path("proofs/run.json")).unwrap().contains(&digest));
    assert!(!desk.path("proofs/box.npy").exists(), "the user's file is good enough");
    for file in ["shaped.npy", "double.npy", "box.csv", "plain.csv"] {
        let (others, told) = desk.certify(&["--box", file, "--proofs", "copies"]);
        assert_eq!(others, rows, "{file}");
        let own = file == "shaped.npy";
        let copy = if own { file } else { "copies/box.npy" };
        assert_eq!(desk.check("copies/certificates.jsonl", &["--box", copy]).0, 0, "{file}");
        assert!(told.contains(&format!("--box {copy}")), "{told}");
        let named = fs::read_to_string(desk.path("copies/run.json")).unwrap();
        assert!(named.contains(&sha256(&fs::read(desk.path(file)).unwrap())), "{file}");
    }
    // The same range for each coordinate is one for all.
    desk.text("same.csv", "lo,hi\n0,1\n0,1\n0,1\n");
    assert_eq!(desk.certify(&["--box", "same.csv"]).0, desk.certify(&["--box", "0,1"]).0);
    let free = desk.certify(&[]).0;
    let radius = |row: &[String]| row[6].parse().unwrap_or(f64::INFINITY);
    assert!(rows.iter().zip(&free).any(|(own, free)| radius(own) > radius(free)), "the box must matter");
}

#[test]
fn a_checker_takes_the_file_that_the_certificate_names_and_no_other() {
    let desk = Desk::new();
    desk.certify(&["--box", "box.npy", "--proofs", "proofs"]);
    let certificates = "proofs/certificates.jsonl";
    let digest = sha256(&fs::read(desk.path("box.npy")).unwrap());
    let (code, answers) = desk.check(certificates, &[]);
    assert!(code == 1 && answers.contains("box-mismatch") && !answers.contains(",valid,"), "{answers}");
    assert!(answers.contains(&format!("--box FILE, the file with SHA-256 {digest}")), "{answers}");
    let mut wider = ENDS;
    wider[0] = 0.0;
    desk.npy("wider.npy", &[D, 2], &wider);
    let (code, answers) = desk.check(certificates, &["--box", "wider.npy"]);
    assert!(code == 1 && answers.contains("box-mismatch") && answers.contains(&digest), "{answers}");
    // A certificate that is made to name the wider box proves nothing there, where it makes a difference.
    let text = fs::read_to_string(desk.path(certificates)).unwrap();
    let other = sha256(&fs::read(desk.path("wider.npy")).unwrap());
    desk.text("forged.jsonl", &text.replace(&digest, &other));
    let (code, answers) = desk.check("forged.jsonl", &["--box", "wider.npy"]);
    assert!(code == 1 && answers.contains("not-proven"), "{answers}");
    for (proofs, extra) in [("plain", &[][..]), ("ends", &["--box", "-9,9"][..])] {
        desk.certify(&[&["--proofs", proofs], extra].concat());
        let certificates = format!("{proofs}/certificates.jsonl");
        assert_eq!(desk.check(&certificates, &[]).0, 0);
        let (code, answers) = desk.check(&certificates, &["--box", "box.npy"]);
        assert!(code == 1 && answers.contains("box-mismatch") && !answers.contains(",valid,"), "{answers}");
    }
    desk.npy("few.npy", &[2, 2], &[0.0, 1.0, 0.0, 1.0]);
    let ends = ["check", "model.onnx", "inputs.npy", certificates, "--box", "0,1"];
    desk.refused(&ends, &["0,1", "leave --box out"]);
    for file in ["few.npy", "box.csv", "double.npy", "missing.npy"] {
        let files = ["model.onnx", "inputs.npy", certificates, "--box", file];
        for (program, first) in [("underplane", &["check"][..]), ("underplane-check", &[][..])] {
            let (code, _, told) = desk.run(program, &[first, &files].concat());
            assert!(code == 2 && told.contains(file) && !told.contains("panicked"), "{program} {file}: {told}");
        }
    }
}

#[test]
fn weights_and_a_box_go_together() {
    let desk = Desk::new();
    desk.npy("w.npy", &[D], &[1.0 / 3.0, INF, 5.0]);
    let both = ["--weights", "w.npy", "--box", "box.npy"];
    let (rows, _) = desk.certify(&[&both[..], &["--proofs", "proofs"]].concat());
    assert!(rows.iter().all(|row| row[10].starts_with("weighted")));
    assert_eq!(desk.check("proofs/certificates.jsonl", &both).0, 0);
    assert_eq!(desk.check("proofs/certificates.jsonl", &both[2..]).0, 1);
}

#[test]
fn claims_are_about_the_box_of_the_file() {
    let desk = Desk::new();
    desk.text("box.csv", "lo,hi\n-9,9\n-9,inf\n-inf,inf\n");
    let (rows, _) = desk.certify(&["--box", "box.csv"]);
    let exact: Vec<(&str, &str, f64)> = rows
        .iter()
        .filter(|row| row[4] == "exact" && !row[7].is_empty() && row[6] != "unbounded")
        .map(|row| (row[0].as_str(), row[3].as_str(), row[6].parse().unwrap()))
        .collect();
    assert!(!exact.is_empty());
    let claims = |factor: f64, cell: &str| {
        let row = |(input, norm, r): &(&str, &str, f64)| format!("{input},{norm},{},{cell}\n", r * factor);
        format!("input,norm,radius,box\n{}", exact.iter().map(row).collect::<String>())
    };
    let audit = ["audit", "model.onnx", "inputs.npy", "--claims", "claims.csv", "--reports", "reports"];
    let boxed = [&audit[..], &["--box", "box.csv"]].concat();
    for (factor, cell, expected) in [(0.999_999, "", 0), (0.999_999, "some/where/box.csv", 0), (1.001, "", 1)] {
        desk.text("claims.csv", &claims(factor, cell));
        let (code, told, error) = desk.run("underplane", &boxed);
        assert_eq!(code, expected, "{told}{error}");
        let command = told.lines().find_map(|line| line.strip_prefix("every answer is checked by: underplane "));
        let words: Vec<&str> = command.unwrap().split(' ').collect();
        assert!(words.contains(&"--box"), "{told}");
        assert_eq!(desk.run("underplane", &words).0, 0, "{words:?}");
        let report = Path::new(words[3]).with_file_name("claims.csv");
        let table = fs::read_to_string(desk.path(report.to_str().unwrap())).unwrap();
        assert!(table.lines().skip(1).all(|row| row.contains(",box.csv,")), "{table}");
    }
    // Where boxes matter, another one is another claim; one checker knows one file.
    desk.text("claims.csv", &claims(0.5, "\"0,1\""));
    desk.refused(&boxed, &["claims.csv: line 2", "box.csv", "the one file of --box"]);
    desk.text("claims.csv", &claims(0.5, "box.csv"));
    desk.refused(&audit, &["claims.csv: line 2", "LO,HI", "which is not given (--box box.csv)"]);
    desk.text("narrow.csv", "lo,hi\n0.3,1\n0,1\n0,inf\n");
    desk.text("claims.csv", "input,norm,radius\n0,l1,0.01\n1,l1,0.01\n");
    desk.refused(&[&audit[..], &["--box", "narrow.csv"]].concat(), &["line 3", "coordinate 0 of input 1", "0.25"]);
}

#[test]
fn an_audit_and_verified_radii_take_the_file_too() {
    let desk = Desk::new();
    let audit = ["audit", "model.onnx", "inputs.npy", "--box", "box.csv", "--samples", "50", "--reports", "reports"];
    let (code, told, error) = desk.run("underplane", &audit);
    assert!(code == 0 && told.contains("box [box.csv]"), "{told}{error}");
    let report = fs::read_dir(desk.path("reports")).unwrap().map(|entry| entry.unwrap().path()).next().unwrap();
    let run = fs::read_to_string(report.join("run.json")).unwrap();
    assert!(run.contains(&sha256(&fs::read(desk.path("box.csv")).unwrap())), "{run}");
    fs::create_dir(desk.path("mine")).unwrap();
    for name in ["model.onnx", "inputs.npy", "box.csv"] {
        fs::copy(desk.path(name), desk.path("mine").join(name)).unwrap();
    }
    let entry = "[[entry]]\nname = 'e'\nmodel = 'model.onnx'\ninputs = 'inputs.npy'\nbox = 'box.csv'\n\
                 methods = ['sharp', 'exact']\n";
    desk.text("mine/verified.toml", entry);
    assert_eq!(desk.run("underplane", &["regress", "mine", "--bless"]).0, 0);
    let (code, told, _) = desk.run("underplane", &["regress", "mine"]);
    assert!(code == 0 && told.contains(" 0 changed"), "{told}");
    desk.text("mine/box.csv", "lo,hi\n0,2\n0.1,inf\n-inf,inf\n");
    let (code, told, _) = desk.run("underplane", &["regress", "mine"]);
    assert!(code == 1 && told.contains("box-mismatch"), "{told}");
}

#[test]
fn an_input_outside_is_an_error_that_names_its_coordinate() {
    let desk = Desk::new();
    desk.text("named.csv", "column,lo,hi\nage,0,1\nheight,0,0.5\nweight,-inf,inf\n");
    let certify = ["certify", "model.onnx", "inputs.npy", "--box", "named.csv"];
    let told = ["input 1, coordinate 1 (`height`): 0.75 lies outside the box [0,0.5] of named.csv"];
    desk.refused(&certify, &told);
    desk.refused(&["audit", "model.onnx", "inputs.npy", "--box", "named.csv"], &told);
    // Of a table the columns are known without a file of the box.
    desk.text("x.csv", "age,height,weight\n0.5,0.5,0.5\n0.25,0.75,1\n");
    desk.refused(
        &["certify", "model.onnx", "x.csv", "--box", "0,0.9"],
        &["input 1, coordinate 2 (`weight`): 1 lies outside the box [0,0.9]"],
    );
}

#[test]
fn the_checker_says_its_version() {
    let (code, out, _) = Desk::new().run("underplane-check", &["--version"]);
    assert_eq!((code, out.as_str()), (0, concat!("underplane-check ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn a_box_is_read_as_tables_are() {
    let desk = Desk::new();
    let (rows, _) = desk.certify(&["--box", "box.csv"]);
    for (name, text, told) in [
        ("semicolons.csv", "hi;column;lo\n0,625;age;0,25\ninf;height;0,1\ninf;weight;-inf\n", "by semicolons"),
        ("tabs.tsv", "lo\thi\n0.25\t0.625\n0.1\tinf\n-inf\tinf\n", "by tabs"),
        ("bare.csv", "0,25;0,625\n0,1;inf\n-inf;inf\n", "decimal commas are read as points"),
    ] {
        desk.text(name, text);
        let (same, said) = desk.certify(&["--box", name]);
        assert!(same == rows && said.contains(told), "{name}: {said}");
    }
}

#[test]
fn a_file_that_is_no_box_is_refused_with_its_place() {
    let desk = Desk::new();
    for (text, told) in [
        ("lo,hi\n0,1\nnan,1\n0,1\n", &["line 3, column 1", "`nan`"][..]),
        ("lo,hi\n0,1\n,1\n0,1\n", &["line 3, column 1", "-inf", "``"]),
        ("lo,hi\n0,1\n0,two\n0,1\n", &["line 3, column 2", "`two`"]),
        ("lo,hi\n0,1\n0,1e39\n0,1\n", &["line 3, column 2", "float32", "1e39"]),
        ("lo,hi\n0,1\n0,1\n1,0\n", &["line 4", "lo ≤ hi", "lo 1, hi 0"]),
        ("lo,hi\n0,1\n0,1\ninf,inf\n", &["line 4", "a number between"]),
        ("lo,hi\n0,1\n0,1\n", &["3 lines", "found 2"]),
        ("lo,hi\n0,1\n0,1\n0,1\n0,1\n", &["3 lines", "found 4"]),
        ("lo,hi\n0,1\n0,1,2\n0,1\n", &["line 3", "2 fields", "found 3"]),
        ("low,high\n0,1\n0,1\n0,1\n", &["line 1", "`lo`", "`hi`", "`low,high`"]),
        ("lo,lo,hi\n0,0,1\n0,0,1\n0,0,1\n", &["line 1", "one column `lo`"]),
        ("lo;hi\n0;1,250\n0;1\n0;1\n", &["line 2, column 2", "decimals or thousands"]),
        ("column,lo,hi\na,0,1\n", &["3 lines", "found 1"]),
        ("1,2,3\n1,2,3\n1,2,3\n", &["line 1", "`1,2,3`"]),
        ("", &["none"]),
    ] {
        desk.text("bad.csv", text);
        desk.refused(&["certify", "model.onnx", "inputs.npy", "--box", "bad.csv"], &[&["bad.csv"], told].concat());
    }
    for (shape, values, told) in [
        (&[D, 2][..], vec![0.0, 1.0, f32::NAN, 1.0, 0.0, 1.0], &["row 1", "NaN"][..]),
        (&[D, 2], vec![0.0, 1.0, 2.0, 1.0, 0.0, 1.0], &["row 1", "lo ≤ hi"]),
        (&[D, 2], vec![0.0, 1.0, 0.0, 1.0, -INF, -INF], &["row 2", "a number between"]),
        (&[2, D], vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0], &["[3, 2]", "transpose"]),
        (&[2 * D], vec![0.0, 1.0, 0.0, 1.0, 0.0, 1.0], &["[3, 2]", "[6]"]),
        (&[2, 2], vec![0.0, 1.0, 0.0, 1.0], &["[3, 2]", "[2, 2]"]),
    ] {
        desk.npy("bad.npy", shape, &values);
        desk.refused(&["certify", "model.onnx", "inputs.npy", "--box", "bad.npy"], &[&["bad.npy"], told].concat());
    }
    let tenth = NpyArray { shape: vec![D, 2], values: NpyValues::F64(vec![0.1, 1.0, 0.1, 1.0, 0.1, 1.0]) };
    write_npy(&desk.path("tenth.npy"), &tenth).unwrap();
    desk.refused(&["certify", "model.onnx", "inputs.npy", "--box", "tenth.npy"], &["tenth.npy: row 0", "--round"]);
    let (_, told) = desk.certify(&["--box", "tenth.npy", "--round"]);
    assert!(told.contains("3 of 6 entries rounded"), "{told}");
    for file in ["missing.csv", "box.txt", "0;1"] {
        desk.refused(&["certify", "model.onnx", "inputs.npy", "--box", file], &[file]);
    }
}

#[test]
fn a_run_is_gone_on_with_in_the_same_box_alone() {
    let desk = Desk::new();
    desk.npy("inputs.npy", &[4000, D], &[0.5; 4000 * D]);
    let certify = ["certify", "model.onnx", "inputs.npy", "--method", "exact", "--out", "rows.csv", "--box", "box.csv"];
    let begun = |seconds: &&str| {
        let (code, ..) = desk.run("underplane", &[&certify[..], &["--total-time", seconds]].concat());
        code == 3 && fs::read(desk.path("rows.csv.partial")).is_ok_and(|rows| !rows.is_empty())
    };
    assert!(["0.2", "0.5", "1", "3", "9"].iter().any(begun), "no run is broken off behind a row");
    let text = fs::read_to_string(desk.path("box.csv")).unwrap();
    desk.text("box.csv", &text.replace("0.625", "0.75"));
    let resumed = [&certify[..], &["--resume"]].concat();
    desk.refused(&resumed, &["rows.csv", "SHA-256 of box.csv"]);
    desk.text("box.csv", &text);
    let (code, _, told) = desk.run("underplane", &[&resumed[..], &["--total-time", "0.2"]].concat());
    assert_ne!(code, 2, "{told}");
}

#[test]
fn what_is_proven_in_fractional_norms_keeps_the_order_of_methods() {
    let desk = Desk::new();
    for (k, (norm, ends)) in [("lp:1.5", "box.csv"), ("lp:3", "box.csv"), ("lp:3", "0,1")].into_iter().enumerate() {
        let (rows, _) = desk.certify(&["--norm", norm, "--box", ends, "--proofs", &format!("proofs{k}")]);
        let of = |method: &str| -> Vec<f64> {
            rows.iter().filter(|row| row[4] == method).map(|row| row[6].parse().expect("a radius")).collect()
        };
        let sharp = of("sharp");
        assert_eq!(sharp.len(), 2);
        for method in ["tightened", "exact"] {
            let above = of(method).iter().zip(&sharp).all(|(radius, sharp)| *radius >= sharp * (1.0 - 1e-12));
            assert!(above, "{norm} {ends} {method}: {rows:?}");
        }
        let told = |row: &&Vec<String>| row[10].contains("is not proven, this radius is");
        assert!(rows.iter().any(|row| told(&row)), "{norm} {ends}: {rows:?}");
    }
}
