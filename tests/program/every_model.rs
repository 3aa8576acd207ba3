//! No model is certified without proofs, but for the reasons of the README's table.

use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use testing::naive_proofs::npy;
use underplane::model::{Sensitive, onnx};
use underplane::proof::{Prover, without};
use underplane::radius::Method;
use underplane::radius::catalogue::{Settings, all, names};
use underplane::workbench::ModelFile;
use underplane_kernel as kernel;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every model of the import tests, with inputs of its size.
fn models() -> Vec<(PathBuf, Vec<f64>)> {
    let folder = root().join("tests/fixtures/onnx");
    let text = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&text).unwrap();
    let mut models: Vec<(PathBuf, Vec<f64>)> = Vec::new();
    for (name, case) in expected {
        let inputs: Vec<Vec<f64>> = serde_json::from_value(case["inputs"].clone()).unwrap();
        models.push((folder.join(format!("{name}.onnx")), inputs.concat()));
    }
    for entry in std::fs::read_dir(root().join("proofs-data/valid")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "onnx")
            && let Ok(graph) = onnx::read(&path)
        {
            models.push((path, (0..2 * graph.input_size()).map(|i| i as f64 / 8.0 - 0.5).collect()));
        }
    }
    models
}

/// Exit code and output.
fn run(program: &str, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// What the program makes of a model whose logit is that of `sensitive`: how many certificates, or why there are none.
fn certificates(path: &Path, inputs: &[f64], sensitive: &str) -> Result<usize, String> {
    let logit = sensitive.parse::<Sensitive>().unwrap().into();
    let model = match ModelFile::read(path, false, &logit) {
        Ok(file) => file.model,
        // Minus the least of several heads is no logit.
        Err(error) if format!("{error:#}").contains("heads") => return Err("not convex".into()),
        Err(error) => return Err(format!("{error:#}")),
    };
    if model.broken().is_some() {
        return refused_as_not_convex(path, sensitive);
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("x.npy"), samples(inputs, model.input_size())).unwrap();
    let (file, x, proofs) = (path.display().to_string(), at("x.npy"), at("proofs"));
    let own = env!("CARGO_BIN_EXE_underplane");
    let words =
        ["certify", &file, &x, "--flatten", "--norm", "l1,l2,linf", "--method", "closed-form,exact", "--time", "1"];
    let (_, rows, told) = run(own, &[&words[..], &["--sensitive", sensitive, "--proofs", &proofs]].concat());
    let certified = rows.lines().filter(|row| row.contains(",certified,")).count();
    let lines =
        std::fs::read_to_string(format!("{proofs}/certificates.jsonl")).map_err(|error| error.to_string() + &told)?;
    assert_eq!(lines.lines().count(), certified, "{file}: {told}");
    if certified > 0 {
        let folded = format!("{proofs}/{}", onnx::FOLDED);
        let checked = if Path::new(&folded).exists() { &folded } else { &file };
        let certificates = format!("{proofs}/certificates.jsonl");
        let check = [checked, &x, &certificates, "--flatten", "--sensitive", sensitive];
        let (code, rows, told) = run(env!("CARGO_BIN_EXE_underplane-check"), &check);
        assert_eq!(code, 0, "{file}: {told}{rows}");
        if checked == &folded {
            let check = [&["check", &file], &check[1..]].concat();
            let (code, _, told) = run(own, &check);
            assert!(code == 2 && told.contains(&folded), "{file}: {told}");
            let audit = ["audit", &file, &x, "--flatten", "--method", "closed-form", "--reports", &at("reports")];
            run(own, &[&audit[..], &["--sensitive", sensitive]].concat());
            let report = std::fs::read_dir(at("reports")).unwrap().next().unwrap().unwrap().path();
            assert_eq!(std::fs::read(report.join(onnx::FOLDED)).unwrap(), std::fs::read(&folded).unwrap());
        }
    }
    Ok(certified)
}

/// The kernel does not certify what the program does not.
fn refused_as_not_convex(path: &Path, sensitive: &str) -> Result<usize, String> {
    let sensitive: Sensitive = sensitive.parse().unwrap();
    let file = ModelFile::read(path, false, &sensitive.into()).unwrap();
    let inputs = kernel::Inputs::read(&npy(&vec![0.0; file.model.input_size()])).unwrap();
    match Prover::about(&file.bytes().unwrap(), sensitive, inputs) {
        Err(refused) if refused.code == kernel::Code::NotConvex => Err("not convex".into()),
        Err(refused) => panic!("{}: {refused}", path.display()),
        Ok(_) => panic!("{}: the kernel finds it convex, and the program does not", path.display()),
    }
}

fn samples(inputs: &[f64], size: usize) -> Vec<u8> {
    let one: Vec<f32> = inputs.iter().map(|&v| v as f32).collect();
    let head = npy(&vec![0.0; size]);
    let header =
        String::from_utf8_lossy(&head[10..head.len() - 4 * size]).replace("(1,", &format!("({},", one.len() / size));
    let mut header = header.trim_end().to_string();
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [&head[..8], &length, header.as_bytes(), &one.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()].concat()
}

#[test]
fn every_model_that_is_read_is_proven() {
    let models = models();
    let all: Vec<(String, Result<usize, String>)> = models
        .par_iter()
        .flat_map_iter(|(path, inputs)| {
            let graph = onnx::read(path).unwrap();
            let classes = if graph.node(graph.output()).size() == 2 { ["0", "1"] } else { ["positive", "negative"] };
            classes.map(|class| (format!("{} {class}", path.display()), certificates(path, inputs, class)))
        })
        .collect();
    let odd: Vec<_> = all.iter().filter(|(_, found)| found.as_ref().is_err_and(|why| why != "not convex")).collect();
    assert!(odd.is_empty(), "{odd:#?}");
    let proven: usize = all.iter().filter_map(|(_, found)| found.as_ref().ok()).sum();
    let with = all.iter().filter(|(_, found)| found.as_ref().is_ok_and(|&count| count > 0)).count();
    assert!(models.len() > 100 && with > 80 && proven > 600, "{} models, {with} with {proven}", models.len());
}

#[test]
fn the_readme_has_the_table_of_what_has_no_certificate() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&without::table()), "the README's table should read:\n{}", without::table());
    let unproven = names(&all(&Settings::default(), false), |method: &dyn Method| !method.has_evidence());
    for name in unproven.iter().filter(|name| **name != "best") {
        assert!(without::WITHOUT[0].0.contains(&format!("`{name}`")), "{name}");
    }
}
