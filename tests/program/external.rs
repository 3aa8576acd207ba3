//! Models whose numbers stand in other files.

use crate::desk::Desk;
use std::fs;
use std::path::{Path, PathBuf};
use testing::corpora::files::{Parts, bytes, integer, node, tensor, value};

/// A constant `[dims]` of 32-bit floats (type 1) or 64-bit integers (type 7) in a file.
fn elsewhere(name: &str, kind: u64, dims: &[u64], file: &str, offset: usize) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&d| integer(1, d)).collect();
    let entry = |key: &str, value: &str| bytes(13, &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat());
    let place = [entry("location", file), entry("offset", &offset.to_string()), entry("checksum", "none")].concat();
    [dims, integer(2, kind), bytes(8, name.as_bytes()), place, integer(14, 1)].concat()
}

/// f = w·relu(x₁, x₀) + b, w in one file, b and the order in another: first the model, then the two.
fn parts(weight: [f32; 2], bias: f32) -> [Vec<u8>; 3] {
    let axis = [bytes(1, b"axis"), integer(3, 1), integer(20, 2)].concat();
    let model = Parts {
        nodes: vec![
            node("Gather", &["x", "order"], &["g"], &[axis]),
            node("Relu", &["g"], &["r"], &[]),
            node("Gemm", &["r", "W", "b"], &["y"], &[]),
        ],
        constants: vec![
            elsewhere("W", 1, &[2, 1], "model.onnx.data", 0),
            elsewhere("b", 1, &[1], "sub/rest.data", 16),
            elsewhere("order", 7, &[2], "sub/rest.data", 0),
        ],
        input: value("x", &[2]),
        output: "y",
    };
    let words = |floats: &[f32]| floats.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let order: Vec<u8> = [1_i64, 0].iter().flat_map(|i| i.to_le_bytes()).collect();
    [model.file(), words(&weight), [order, words(&[bias])].concat()]
}

/// The same model in one file.
fn whole(weight: [f32; 2], bias: f32) -> Vec<u8> {
    let swapped = [weight[1], weight[0]];
    let nodes = vec![node("Relu", &["x"], &["r"], &[]), node("Gemm", &["r", "W", "b"], &["y"], &[])];
    let constants = vec![tensor("W", &[2, 1], &swapped), tensor("b", &[1], &[bias])];
    Parts { nodes, constants, input: value("x", &[2]), output: "y" }.file()
}

fn write(folder: &Path, parts: &[Vec<u8>; 3]) -> PathBuf {
    fs::create_dir_all(folder.join("sub")).unwrap();
    for (name, bytes) in ["model.onnx", "model.onnx.data", "sub/rest.data"].iter().zip(parts) {
        fs::write(folder.join(name), bytes).unwrap();
    }
    folder.join("model.onnx")
}

#[test]
fn numbers_in_other_files_are_the_models() {
    let desk = Desk::new();
    write(&desk.at("m"), &parts([0.5, -0.0], 1.5));
    fs::write(desk.at("whole.onnx"), whole([0.5, -0.0], 1.5)).unwrap();
    let rows = |out: String| -> Vec<String> {
        out.lines().skip(1).map(|row| row.split(',').take(7).collect::<Vec<_>>().join(",")).collect()
    };
    let options = "--norm l1 --method sharp,exact";
    let found = rows(desk.succeed("underplane", &format!("certify m/model.onnx x.npy {options} --proofs proofs")));
    assert_eq!(found, rows(desk.succeed("underplane", &format!("certify whole.onnx x.npy {options}"))));
    assert!(found.iter().all(|row| row.starts_with("0,,2.5,")), "{found:?}");
    let checked = desk.succeed("underplane", "check m/model.onnx x.npy proofs/certificates.jsonl");
    assert_eq!(checked, desk.succeed("underplane-check", "m/model.onnx x.npy proofs/certificates.jsonl"));
    desk.succeed("underplane", "check --fast m/model.onnx x.npy proofs/certificates.jsonl");
    // Just the numbers of the files are proven about: with a smaller bias the same radii are not.
    write(&desk.at("m"), &parts([0.5, -0.0], -0.75));
    let (code, rows, _) = desk.run("underplane-check", "m/model.onnx x.npy proofs/certificates.jsonl");
    assert_eq!(code, 1, "{rows}");
    assert!(rows.contains("not-proven") || rows.contains("witness"), "{rows}");
}

#[test]
fn every_file_is_named_with_its_digest_and_going_on_looks_at_all_of_them() {
    let desk = Desk::new();
    write(&desk.at("m"), &parts([0.5, 0.25], 1.0));
    fs::write(desk.at("claims.csv"), "input,norm,radius\n0,l1,0.5\n").unwrap();
    desk.succeed("underplane", "certify m/model.onnx x.npy --norm l1 --method sharp --proofs proofs");
    desk.succeed("underplane", "audit m/model.onnx x.npy --claims claims.csv --reports reports");
    desk.succeed("underplane", "audit m/model.onnx x.npy --norm l1 --method sharp --reports reports");
    let mut reports: Vec<PathBuf> =
        fs::read_dir(desk.at("reports")).unwrap().map(|e| e.unwrap().path().join("run.json")).collect();
    reports.push(desk.at("proofs/run.json"));
    assert_eq!(reports.len(), 3);
    for report in reports {
        let text = fs::read_to_string(&report).unwrap();
        for name in ["model.onnx\"", "model.onnx.data\"", "sub/rest.data\""] {
            assert!(text.contains(&format!("SHA-256 of {name}")), "{}: {name}", report.display());
        }
    }
    going_on_looks_at(&desk, ["model.onnx", "model.onnx.data", "sub/rest.data"]);
}

/// What an interrupted run was about is learnt from refusals, a line at a time; then one file changes.
fn going_on_looks_at(desk: &Desk, files: [&str; 3]) {
    let certify = "certify m/model.onnx x.npy --norm l1 --method sharp --out rows.csv";
    desk.succeed("underplane", certify);
    let rows = fs::read(desk.at("rows.csv")).unwrap();
    let mut about: Vec<[String; 2]> = Vec::new();
    let resume = |about: &[[String; 2]]| {
        fs::write(desk.at("rows.csv.partial"), &rows).unwrap();
        fs::write(desk.at("rows.csv.partial.json"), serde_json::to_string(about).unwrap()).unwrap();
        desk.run("underplane", &format!("{certify} --resume"))
    };
    let told = loop {
        let (code, _, told) = resume(&about);
        let Some((name, rest)) = told.split_once("made with another ").and_then(|(_, t)| t.split_once(": none, now "))
        else {
            break (code, told);
        };
        let value = rest.split_once("; without --resume").unwrap().0;
        about.push([name.into(), value.into()]);
    };
    assert_eq!(told.0, 0, "{}", told.1);
    let all: Vec<&str> = about.iter().map(|[name, _]| name.as_str()).collect();
    for file in files {
        assert!(all.contains(&format!("SHA-256 of {file}").as_str()), "{file}: {all:?}");
        let old = fs::read(desk.at("m").join(file)).unwrap();
        // A byte that changes nothing but the file.
        let last = if file == "model.onnx" { vec![0x32, 1, b'!'] } else { vec![0] };
        fs::write(desk.at("m").join(file), [&old[..], &last[..]].concat()).unwrap();
        let (code, _, told) = resume(&about);
        assert!(code == 2 && told.contains(&format!("another SHA-256 of {file}")), "{file}: {told}");
        fs::write(desk.at("m").join(file), old).unwrap();
    }
}

#[test]
fn a_data_file_that_is_missing_or_short_is_named() {
    let desk = Desk::new();
    let refused = |words: &str| {
        let told = desk.run("underplane", "inspect m/model.onnx");
        let (code, _, kernel) = desk.run("underplane-check", "m/model.onnx x.npy none.jsonl");
        assert_eq!((told.0, code), (2, 2));
        assert!(told.2.contains(words), "{}", told.2);
        assert!(kernel.contains("external-data") && kernel.contains("sub/rest.data"), "{kernel}");
    };
    let [model, weights, rest] = parts([0.5, 0.25], 1.0);
    write(&desk.at("m"), &[model.clone(), weights.clone(), rest[..19].to_vec()]);
    refused("sub/rest.data`: expected 4 bytes from 16 on, found 19 bytes in all");
    write(&desk.at("m"), &[model, weights, rest]);
    fs::remove_file(desk.at("m/sub/rest.data")).unwrap();
    refused("sub/rest.data`: No such file");
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_followed_on_request_alone() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    write(&desk.at("blobs"), &parts([0.5, 0.25], 1.0));
    fs::create_dir_all(desk.at("snapshots/1/sub")).unwrap();
    let link = |to: &str, name: &str| symlink(to, desk.at("snapshots/1").join(name)).unwrap();
    link("../../blobs/model.onnx", "model.onnx");
    link("../../blobs/model.onnx.data", "model.onnx.data");
    link("../../../blobs/sub/rest.data", "sub/rest.data");
    fs::write(desk.at("claims.csv"), "input,norm,radius\n0,l1,0.5\n").unwrap();
    fs::create_dir(desk.at("verified")).unwrap();
    let entry =
        "[[entry]]\nname = 'a'\nmodel = '../snapshots/1/model.onnx'\ninputs = '../x.npy'\nmethods = ['sharp']\n";
    fs::write(desk.at("verified/verified.toml"), entry).unwrap();
    let model = "snapshots/1/model.onnx";
    let calls = [
        ("underplane", format!("inspect {model}")),
        ("underplane", format!("certify {model} x.npy --method sharp --proofs proofs")),
        ("underplane", format!("check {model} x.npy proofs/certificates.jsonl")),
        ("underplane-check", format!("{model} x.npy proofs/certificates.jsonl")),
        ("underplane", format!("audit {model} x.npy --norm l1 --method sharp --reports reports")),
        ("underplane", format!("audit {model} x.npy --claims claims.csv --reports reports")),
        ("underplane", "regress verified --bless".into()),
    ];
    for (program, words) in calls {
        let (code, _, told) = desk.run(program, &words);
        assert_eq!(code, 2, "{words}: {told}");
        assert!(told.contains(".data") && told.contains("--follow-links"), "{words}: {told}");
        desk.succeed(program, &format!("{words} --follow-links"));
    }
    // The command that is printed is whole.
    let told = desk.run("underplane", &format!("certify {model} x.npy --method sharp --proofs p --follow-links")).2;
    assert!(told.contains("p/certificates.jsonl --follow-links"), "{told}");
}
