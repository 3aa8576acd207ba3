//! Arrays as people save them, through the programs: shapes, number types, layouts, archives and boxes; the command
//! that is printed works as pasted, and what is not understood is refused.

use assert_cmd::Command;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use underplane::model::{Dense, Graph, Layer, onnx};

/// An .npy file by hand.
fn npy(descr: &str, fortran: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|n| format!("{n},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({lengths}), }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub fn float32(shape: &[usize], values: &[f32]) -> Vec<u8> {
    npy("<f4", "False", shape, &floats(values))
}

/// A folder whose name needs quoting, and `model.onnx` in it.
struct Desk(TempDir);

impl Desk {
    /// A linear network on inputs of the given shape.
    fn new(shape: &[usize], weight: &[f32], bias: f32) -> Desk {
        let desk = Desk(tempfile::Builder::new().prefix("it's a folder ").tempdir().unwrap());
        let mut graph = Graph::new("x", shape);
        let layer = Dense { rows: 1, cols: weight.len(), weight: weight.to_vec(), bias: vec![bias] };
        let flat = if shape.len() > 1 { graph.push_reshape("flat", 0, &[weight.len()]).unwrap() } else { 0 };
        let _ = graph.push("out", Layer::Dense(layer), &[flat]).unwrap();
        onnx::write(&graph, &desk.path("model.onnx")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// (exit code, stdout, stderr).
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.output(Command::cargo_bin("underplane").unwrap().args(arguments))
    }

    fn output(&self, command: &mut Command) -> (i32, String, String) {
        let output = command.current_dir(&self.0).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
    }

    fn certify(&self, inputs: &str, extra: &[&str]) -> (i32, String, String) {
        self.run(&[&["certify", "model.onnx", inputs, "--norm", "l1", "--method", "exact"], extra].concat())
    }

    /// The radii of all rows.
    fn radii(&self, inputs: &str, extra: &[&str]) -> Vec<String> {
        let (code, rows, told) = self.certify(inputs, extra);
        assert_eq!(code, 0, "{inputs} {extra:?}: {told}");
        rows.lines().skip(1).map(|row| row.split(',').nth(6).unwrap().to_string()).collect()
    }

    /// Must end with exit code 2, nothing on stdout, and all `words`.
    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let (code, rows, told) = self.run(arguments);
        assert!(code == 2 && rows.is_empty(), "{arguments:?}: {code} {rows}{told}");
        words.iter().for_each(|word| assert!(told.contains(word), "{arguments:?}: `{word}` is not in: {told}"));
        assert!(!told.contains("panicked"), "{told}");
    }

    /// Runs the printed command as a shell does, by `underplane` and, with the same words, by `underplane-check`.
    fn paste(&self, told: &str) {
        let command = told.lines().find_map(|line| line.split(": underplane check ").nth(1)).expect(told);
        let bin = |name: &str| assert_cmd::cargo::cargo_bin(name).display().to_string();
        for program in [format!("'{}' check", bin("underplane")), format!("'{}'", bin("underplane-check"))] {
            let (code, rows, told) = self.output(Command::new("sh").args(["-c", &format!("{program} {command}")]));
            assert!(code == 0 && rows.contains(",valid,"), "{program} {command}: {told}{rows}");
        }
    }

    /// `audit --claims` of the first input's radius, and its printed command.
    fn audit(&self, inputs: &str, radius: &str, extra: &[&str]) -> (i32, String) {
        self.put("claims.csv", format!("input,norm,radius\n0,l1,{radius}\n"));
        let arguments = ["audit", "model.onnx", inputs, "--claims", "claims.csv", "--reports", "rep's orts"];
        let (code, rows, told) = self.run(&[&arguments[..], extra].concat());
        if code < 2 {
            self.paste(&rows);
        }
        (code, told)
    }
}

const ROWS: [f32; 6] = [2.0, 2.0, 0.5, 3.0, 4.0, 0.25];

#[test]
fn every_layout_gives_the_same_radii_and_commands_that_work_as_pasted() {
    let desk = Desk::new(&[2], &[1.0, 1.0], -1.0);
    let columns: Vec<f32> = [0, 2, 4, 1, 3, 5].map(|i| ROWS[i]).to_vec();
    let plain = float32(&[3, 2], &ROWS);
    let later = |version: u8| {
        let length = (plain.len() - 10 - 24) as u32;
        [b"\x93NUMPY", &[version, 0][..], &length.to_le_bytes(), &plain[10..]].concat()
    };
    let doubles: Vec<u8> = ROWS.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect();
    desk.put("plain.npy", &plain);
    desk.put("fortran.npy", npy("<f4", "True", &[3, 2], &floats(&columns)));
    desk.put("big.npy", npy(">f4", "False", &[3, 2], &ROWS.map(f32::to_be_bytes).concat()));
    desk.put("double.npy", npy("<f8", "False", &[3, 2], &doubles));
    desk.put("v2.npy", later(2));
    desk.put("v3.npy", later(3));
    desk.put("a 'quoted' name.npy", &plain);
    desk.put("-dash.npy", &plain);
    desk.put("table.csv", "a,b\n2,2\n0.5,3\n4,0.25\n");
    let expected = desk.radii("plain.npy", &[]);
    assert_eq!(expected.len(), 3);
    for name in ["plain", "fortran", "big", "double", "v2", "v3", "a 'quoted' name", "./-dash", "table.csv"] {
        let file = if name.ends_with("csv") { name.to_string() } else { format!("{name}.npy") };
        let (code, rows, told) = desk.certify(&file, &["--proofs", "my proofs"]);
        let radii: Vec<&str> = rows.lines().skip(1).map(|row| row.split(',').nth(6).unwrap()).collect();
        assert_eq!((code, radii.iter().map(|r| r.to_string()).collect()), (0, expected.clone()), "{name}: {told}");
        desk.paste(&told);
        assert_eq!(desk.audit(&file, "2.5", &[]).0, 0, "{name}");
    }
    // A copy never takes the place of the user's own file.
    let before = fs::read(desk.path("double.npy")).unwrap();
    fs::create_dir_all(desk.path("own")).unwrap();
    desk.put("own/inputs.npy", &before);
    desk.refused(&["certify", "model.onnx", "own/inputs.npy", "--proofs", "own"], &["own/inputs.npy", "overwrite"]);
    assert_eq!(fs::read(desk.path("own/inputs.npy")).unwrap(), before);
}

#[test]
fn zero_one_features_are_what_the_user_says_they_are() {
    let desk = Desk::new(&[4], &[1.0, 1.0, 1.0, -1.0], -0.5);
    let bits = [1_u8, 1, 0, 0, 1, 1, 1, 0];
    desk.put("f4.npy", float32(&[2, 4], &bits.map(f32::from)));
    desk.put("u1.npy", npy("|u1", "False", &[2, 4], &bits));
    desk.put("i1.npy", npy("|i1", "False", &[2, 4], &bits));
    desk.put("b1.npy", npy("|b1", "False", &[2, 4], &bits));
    desk.put("i8.npy", npy("<i8", "False", &[2, 4], &bits.map(|b| i64::from(b).to_le_bytes()).concat()));
    desk.put("u2.npy", npy(">u2", "False", &[2, 4], &bits.map(|b| u16::from(b).to_be_bytes()).concat()));
    let half = bits.map(|b| (u16::from(b) * 0x3c00).to_le_bytes()).concat();
    desk.put("f2.npy", npy("<f2", "False", &[2, 4], &half));
    let truth = desk.radii("f4.npy", &["--box", "0,1"]);
    for (radius, wanted) in truth.iter().zip([1.5, 2.5]) {
        assert!((radius.parse::<f64>().unwrap() - wanted).abs() < 1e-9, "{truth:?}");
    }
    let both = ["--uint8 unit", "--uint8 raw", "u1.npy"];
    desk.refused(&["certify", "model.onnx", "u1.npy"], &both);
    desk.refused(&["audit", "model.onnx", "u1.npy"], &both);
    for (name, said) in [("i1", "integers"), ("b1", "bool"), ("i8", "integers"), ("u2", "integers"), ("f2", "")] {
        let file = format!("{name}.npy");
        let (code, rows, told) = desk.certify(&file, &["--box", "0,1", "--proofs", "proofs"]);
        assert_eq!(code, 0, "{told}");
        assert!(truth.iter().all(|radius| rows.contains(radius)) && told.contains(said), "{told}{rows}");
        assert!(said.is_empty() || told.matches(said).count() == 1, "said once: {told}");
        desk.paste(&told);
        assert_eq!(desk.audit(&file, "1.25", &[]).0, 0);
    }
    let (_, _, told) = desk.certify("u1.npy", &["--uint8", "raw", "--proofs", "raw"]);
    assert!(told.contains("--uint8 raw"), "{told}");
    desk.paste(&told);
    assert_eq!(desk.radii("u1.npy", &["--uint8", "raw", "--box", "0,1"]), truth);
    assert_eq!(desk.audit("u1.npy", "1.25", &["--uint8", "raw"]).0, 0);
    assert_eq!(desk.radii("u1.npy", &["--uint8", "unit"]), ["", ""], "f ≤ 0 there");
    assert_eq!(desk.audit("u1.npy", "1.25", &["--uint8", "unit"]).0, 1);
    // The certificate states how bytes are read, and the checker's user must read them so.
    for check in [&["check"][..], &["check", "--fast"]] {
        let of = |inputs, option: &[&str]| {
            desk.run(&[check, &["model.onnx", inputs, "raw/certificates.jsonl"], option].concat())
        };
        assert_eq!(of("u1.npy", &["--uint8", "raw"]).0, 0);
        let (code, answers, _) = of("u1.npy", &["--uint8", "unit"]);
        assert!(code == 1 && answers.contains("uint8-mismatch") && !answers.contains(",valid,"), "{answers}");
        assert_eq!(of("u1.npy", &[]).0, 2);
        assert_eq!(of("f4.npy", &["--uint8", "raw"]).0, 2);
        assert!(of("f4.npy", &[]).1.contains("uint8-mismatch"));
    }
    // Bytes that the kernel does not read itself are copied as the numbers that they mean.
    let columns = [0, 4, 1, 5, 2, 6, 3, 7].map(|i| bits[i]);
    desk.put("columns.npy", npy("|u1", "True", &[2, 4], &columns));
    let (_, _, told) = desk.certify("columns.npy", &["--uint8", "raw", "--proofs", "copied"]);
    assert!(told.contains("copied/inputs.npy") && !told.contains("--uint8"), "{told}");
    desk.paste(&told);
    for wrong in [&["--uint8", "half"][..], &["--uint8"]] {
        desk.refused(&[&["certify", "model.onnx", "u1.npy"], wrong].concat(), &["--uint8"]);
    }
    desk.refused(&["audit", "--flatten"], &["MODEL"]);
}

#[test]
fn samples_have_the_shape_of_the_models_input() {
    let desk = Desk::new(&[3, 2, 2], &[-1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], 0.5);
    let values: Vec<f32> = (0..24).map(|i| i as f32 / 8.0).collect();
    for (name, shape) in
        [("own", &[2, 3, 2, 2][..]), ("flat", &[2, 12]), ("ones", &[2, 1, 3, 2, 1, 2]), ("nhwc", &[2, 2, 2, 3])]
    {
        desk.put(&format!("{name}.npy"), float32(shape, &values));
    }
    desk.put("one.npy", float32(&[3, 2, 2], &values[..12]));
    desk.put("last.npy", float32(&[3, 2, 2, 2], &values));
    desk.put("most.npy", float32(&[2, 6, 2], &values));
    let expected = desk.radii("own.npy", &[]);
    for name in ["flat.npy", "ones.npy"] {
        assert_eq!(desk.radii(name, &[]), expected);
    }
    desk.put("nothing.jsonl", "\n");
    for (name, words) in [
        ("nhwc.npy", &["[3, 2, 2]", "[2, 2, 3]", "transpose(0, 3, 1, 2)", "--flatten"][..]),
        ("one.npy", &["[3, 2, 2]", "[2, 2]", "[1, 3, 2, 2]"]),
        ("last.npy", &["[3, 2, 2]", "[2, 2, 2]", "transpose(3, 0, 1, 2)"]),
        ("most.npy", &["[3, 2, 2]", "[6, 2]", "--flatten"]),
    ] {
        desk.refused(&["certify", "model.onnx", name], &[words, &[name]].concat());
        desk.refused(&["audit", "model.onnx", name], words);
        desk.refused(&["check", "--fast", "model.onnx", name, "nothing.jsonl"], words);
        let mut check = Command::cargo_bin("underplane-check").unwrap();
        let (code, rows, told) = desk.output(check.args(["model.onnx", name, "nothing.jsonl"]));
        assert!(code == 2 && rows.is_empty() && told.contains("input-size"), "{told}");
        words.iter().for_each(|word| assert!(told.contains(word), "`{word}` is not in: {told}"));
    }
    for name in ["nhwc.npy", "most.npy"] {
        assert_eq!(desk.radii(name, &["--flatten"]), expected, "the entries as they stand");
        let (_, _, told) = desk.certify(name, &["--flatten", "--proofs", "proofs"]);
        assert!(told.contains(" --flatten"), "{told}");
        desk.paste(&told);
    }
    desk.refused(&["certify", "model.onnx", "one.npy", "--flatten"], &["[3, 2, 2]"]);
    // Weights are one per coordinate, so their axes are the input's too.
    desk.put("w.npy", float32(&[3, 2, 2], &[1.0; 12]));
    desk.put("w-nhwc.npy", float32(&[2, 2, 3], &[1.0; 12]));
    let (code, _, told) = desk.certify("own.npy", &["--weights", "w.npy", "--proofs", "proofs"]);
    assert_eq!(code, 0, "{told}");
    desk.paste(&told);
    desk.refused(&["certify", "model.onnx", "own.npy", "--weights", "w-nhwc.npy"], &["w-nhwc.npy", "[2, 2, 3]"]);
    let files = ["model.onnx", "own.npy", "proofs/certificates.jsonl", "--weights", "w-nhwc.npy"];
    desk.refused(&[&["check"], &files[..]].concat(), &["malformed-weights", "--flatten"]);
    let (code, _, told) = desk.certify("own.npy", &["--weights", "w-nhwc.npy", "--flatten", "--proofs", "proofs"]);
    assert_eq!(code, 0, "{told}");
    desk.paste(&told);
}

#[test]
fn images_for_a_flat_model_are_flattened_on_request_only() {
    let desk = Desk::new(&[4], &[1.0, 2.0, -1.0, 0.5], 0.25);
    desk.put("flat.npy", float32(&[1, 4], &[0.5, 0.25, 0.125, 1.0]));
    desk.put("image.npy", float32(&[1, 1, 2, 2], &[0.5, 0.25, 0.125, 1.0]));
    desk.refused(&["certify", "model.onnx", "image.npy"], &["[4]", "[1, 2, 2]", "--flatten"]);
    assert_eq!(desk.radii("image.npy", &["--flatten"]), desk.radii("flat.npy", &[]));
    assert_eq!(desk.audit("image.npy", "0.25", &["--flatten"]).0, 0);
}

#[test]
fn doubles_and_weights_are_rounded_on_request_only() {
    let desk = Desk::new(&[2], &[1.0, 1.0], 0.0);
    let doubles = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    desk.put("x.npy", npy("<f8", "False", &[1, 2], &doubles(&[0.1, 2.0])));
    desk.put("y.npy", float32(&[1, 2], &[0.1, 2.0]));
    desk.put("w.npy", npy("<f8", "False", &[2], &doubles(&[0.3, f64::INFINITY])));
    desk.put("w4.npy", float32(&[2], &[0.3, f32::INFINITY]));
    desk.put("i.npy", npy("<i4", "False", &[2], &[1, 0, 0, 0, 3, 0, 0, 0]));
    desk.refused(&["certify", "model.onnx", "x.npy"], &["coordinate 0", "0.1 ", "--round"]);
    desk.refused(&["certify", "model.onnx", "y.npy", "--weights", "w.npy"], &["w.npy", "coordinate 0", "--round"]);
    assert_eq!(desk.radii("x.npy", &["--round"]), desk.radii("y.npy", &[]));
    let (code, rows, told) = desk.certify("x.npy", &["--weights", "w.npy", "--round", "--proofs", "proofs"]);
    assert!(code == 0 && told.matches("1 of 2 entries rounded").count() == 2, "{told}");
    assert!(rows.contains(&desk.radii("y.npy", &["--weights", "w4.npy"])[0]));
    desk.paste(&told);
    assert_eq!(desk.radii("y.npy", &["--weights", "i.npy"]).len(), 1);
    desk.put("huge.npy", npy("<f8", "False", &[2], &doubles(&[1e300, 1.0])));
    desk.refused(&["certify", "model.onnx", "y.npy", "--weights", "huge.npy", "--round"], &["1e300", "range"]);
    desk.put("bytes.npy", npy("|u1", "False", &[2], &[1, 2]));
    desk.refused(&["certify", "model.onnx", "y.npy", "--weights", "bytes.npy"], &["bytes.npy", "uint8"]);
}

#[test]
fn the_ends_of_a_box_are_float32_as_inputs_are() {
    let desk = Desk::new(&[2], &[1.0, 1.0], -0.05);
    desk.put("x.csv", "a,b\n0.1,0.0\n0.05,0.1\n");
    let (code, rows, told) = desk.certify("x.csv", &["--box", "0,0.1", "--proofs", "proofs"]);
    assert_eq!(code, 0, "{told}");
    for (row, truth) in rows.lines().skip(1).zip([0.05, 0.1]) {
        let radius: f64 = row.split(',').nth(6).unwrap().parse().unwrap();
        assert!((radius - truth).abs() < 1e-7, "{rows}");
    }
    desk.paste(&told);
    let stated = format!("\"0\",\"{:.27}\"", f64::from(0.1_f32));
    let certificates = fs::read_to_string(desk.path("proofs/certificates.jsonl")).unwrap();
    assert!(certificates.lines().all(|line| line.contains(&stated)), "{stated}: {certificates}");
    assert_eq!(desk.audit("x.csv", "0.04", &["--box", "0,0.1"]).0, 0);
    desk.put("boxed.csv", "input,norm,radius,box\n0,l1,0.04,\"0,0.1\"\n1,l1,0.09,\"0.0,1e-1\"\n");
    let (code, told, _) = desk.run(&["audit", "model.onnx", "x.csv", "--claims", "boxed.csv", "--reports", "reports"]);
    assert!(code == 0 && told.contains("2 confirmed"), "{told}");
    // The next float32 is outside, and the message shows both as such.
    let outside = ["certify", "model.onnx", "x.csv", "--box", "0,0.09999999"];
    desk.refused(&outside, &["input 0, coordinate 0 (`a`): 0.1 lies outside the box [0,0.09999999]"]);
    desk.refused(&["certify", "model.onnx", "x.csv", "--box", "0,1e39"], &["float32"]);
    desk.put(
        "verified.toml",
        "[[entry]]\nname = 'e'\nmodel = 'model.onnx'\ninputs = 'x.csv'\nbox = '0,0.1'\nmethods = ['exact']\n",
    );
    assert_eq!(desk.run(&["regress", ".", "--bless"]).0, 0);
    assert_eq!(desk.run(&["regress", "."]).0, 0);
}

#[test]
fn regress_reads_inputs_as_its_definition_says() {
    let desk = Desk::new(&[2, 2], &[1.0, 2.0, -1.0, 0.5], 0.25);
    desk.put("u1.npy", npy("|u1", "False", &[1, 2, 2], &[1, 1, 0, 1]));
    desk.put("f8.npy", npy("<f8", "False", &[1, 2, 2], &[0.1_f64, 0.2, 0.3, 0.4].map(f64::to_le_bytes).concat()));
    desk.put("long.npy", float32(&[1, 1, 4, 1], &[0.5; 4]));
    desk.put("wide.npy", float32(&[1, 4, 2], &[0.5; 8]));
    desk.put("thin.npy", float32(&[1, 2, 1, 2], &[0.5; 4]));
    let entry = |inputs: &str, keys: &str| {
        let text =
            format!("[[entry]]\nname = 'e'\nmodel = 'model.onnx'\ninputs = '{inputs}'\nmethods = ['exact']\n{keys}\n");
        desk.put("verified.toml", text);
    };
    for (inputs, keys, word) in [
        ("u1.npy", "", "--uint8"),
        ("u1.npy", "uint8 = 'half'", "half"),
        ("f8.npy", "", "0.1"),
        ("thin.npy", "uint8 = 'raw'", "float32"),
        ("wide.npy", "", "[2, 2]"),
        ("wide.npy", "flatten = true", "[2, 2]"),
    ] {
        entry(inputs, keys);
        desk.refused(&["regress", "."], &[word]);
    }
    for (inputs, keys, option) in [
        ("u1.npy", "uint8 = 'raw'", &["--uint8", "raw"][..]),
        ("u1.npy", "uint8 = 'unit'", &["--uint8", "unit"]),
        ("long.npy", "", &[]),
        ("thin.npy", "", &[]),
    ] {
        entry(inputs, keys);
        let (code, told, errors) = desk.run(&["regress", ".", "--bless"]);
        assert_eq!(code, 0, "{inputs} {keys}: {told}{errors}");
        assert_eq!(desk.run(&["regress", "."]).0, 0, "{inputs} {keys}");
        let check = [&["check", "model.onnx", inputs, "e.jsonl"], option].concat();
        assert_eq!(desk.run(&check).0, 0, "{check:?}");
    }
    entry("f8.npy", "round = true");
    let (code, _, told) = desk.run(&["regress", ".", "--bless"]);
    assert!(code == 0 && told.contains("4 of 4 entries rounded"), "{told}");
}

#[test]
fn files_that_are_no_arrays_of_numbers_say_what_they_are() {
    let desk = Desk::new(&[2], &[1.0, 1.0], -1.0);
    let whole = float32(&[2, 2], &ROWS[..4]);
    desk.put("x.npy", &whole);
    for (name, bytes, words) in [
        ("objects.npy", npy("|O", "False", &[2, 2], &[0; 16]), &["`|O`", "Python objects"][..]),
        ("words.npy", npy("<U1", "False", &[2, 2], &[0; 16]), &["strings"]),
        ("complex.npy", npy("<c8", "False", &[2, 2], &[0; 32]), &["`<c8`"]),
        ("long.npy", npy("<f16", "False", &[2, 2], &[0; 64]), &["`<f16`", "float64"]),
        ("cut.npy", whole[..whole.len() - 3].to_vec(), &["16 bytes of array data"]),
        ("two.npy", [&whole[..], &whole[..]].concat(), &["the end of the file"]),
        ("pointer.npy", b"version https://git-lfs.github.com/spec/v1\nsize 144\n".to_vec(), &["git lfs pull"]),
        ("nan.npy", float32(&[1, 2], &[2.0, f32::NAN]), &["coordinate 1", "NaN"]),
        ("empty.npy", float32(&[0, 2], &[]), &["at least one sample"]),
        ("single.npy", float32(&[2], &[2.0, 2.0]), &["first axis counts samples"]),
    ] {
        desk.put(name, bytes);
        desk.refused(&["certify", "model.onnx", name], &[words, &[name]].concat());
        // NaN and no samples at all are found where a certificate speaks of them.
        if !["nan.npy", "empty.npy"].contains(&name) {
            desk.refused(&["check", "model.onnx", name, "x.npy"], &[name]);
        }
    }
    for (name, text, words) in [
        ("heading.txt", "label\nspam\nham\n", &["expected 2 labels", "found 3", "`label` a heading"][..]),
        ("blank.txt", "1\n\n0\n", &["line 2", "a label in every row"]),
        ("comma.txt", "spam, mail\nham\n", &["line 1", "2 fields"]),
        ("short.txt", "1\n", &["expected 2 labels", "found 1"]),
    ] {
        desk.put(name, text);
        desk.refused(&["certify", "model.onnx", "x.npy", "--labels", name], &[words, &[name]].concat());
    }
    let mark = |ones: [i64; 4]| npy("<i8", "False", &[2, 2], &ones.map(i64::to_le_bytes).concat());
    desk.put("onehot.npy", mark([0, 1, 1, 0]));
    desk.refused(&["certify", "model.onnx", "x.npy", "--labels", "onehot.npy"], &["onehot.npy", "argmax"]);
}
