//! The corpora under `proofs-data/`: the kernel accepts all that is valid, and refuses everything else with the code in
//! the file's name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use testing::corpora;
use testing::naive_proofs;
use underplane_kernel::separation::{Points, Separation, Tally};
use underplane_kernel::{
    Attacker, Bounds, Class, Code, Inputs, Model, Rejection, Statement, Weights, check_against, check_line,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data")
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn valid(name: &str) -> (Model, Inputs) {
    let read = |ext: &str| std::fs::read(root().join(format!("valid/{name}.{ext}"))).unwrap();
    (Model::read(&read("onnx"), Class::Positive).unwrap(), Inputs::read(&read("npy")).unwrap())
}

/// The weights of a model of `valid/`, if it has some.
fn weights(name: &str) -> Option<Weights> {
    let bytes = std::fs::read(root().join(format!("valid/{name}.weights.npy"))).ok()?;
    Some(Weights::read(&bytes).unwrap())
}

fn parts(path: &Path) -> Vec<String> {
    path.file_name().unwrap().to_str().unwrap().split('.').map(String::from).collect()
}

/// The box of a model of `valid/`, if it has one.
fn bounds(name: &str) -> Option<Bounds> {
    let bytes = std::fs::read(root().join(format!("valid/{name}.box.npy"))).ok()?;
    Some(Bounds::read(&bytes).unwrap())
}

/// Checks a line about a model of `valid/`, with its weights and its box.
fn checked(name: &str, line: &str) -> Result<Statement, Rejection> {
    let ((model, inputs), weights, bounds) = (valid(name), weights(name), bounds(name));
    check_against(&model, &inputs, Attacker { weights: weights.as_ref(), bounds: bounds.as_ref() }, line)
}

/// Everything that the kernel says of one file: one answer per line of a certificate file, one for any other.
fn answers(path: &Path) -> Vec<Result<(), Rejection>> {
    let bytes = std::fs::read(path).unwrap();
    let parts = parts(path);
    match parts.last().unwrap().as_str() {
        "onnx" => vec![Model::read(&bytes, Class::Positive).and_then(|model| {
            // Reading may be fine where evaluating is not.
            let zeros = naive_proofs::npy(&vec![0.0; model.input_size()]);
            model.logit_sign(&Inputs::read(&zeros).unwrap(), 0).map(|_| ())
        })],
        "npy" => vec![Inputs::read(&bytes).and_then(|inputs| valid("linear").0.logit_sign(&inputs, 0).map(|_| ()))],
        "weights" => vec![Weights::read(&bytes).map(|_| ())],
        "separation" => vec![separated(&parts[2], &String::from_utf8_lossy(&bytes)).map(|_| ())],
        "box" => vec![Bounds::read(&bytes).map(|_| ())],
        _ => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.lines().map(|line| checked(&parts[2], line).map(|_| ())).collect()
        }
    }
}

/// What the lines of a separation certificate prove of the points of that name in `valid/`; the first refusal else.
fn separated(name: &str, lines: &str) -> Result<Tally, Rejection> {
    let points =
        |class| Points::read(&std::fs::read(root().join(format!("valid/{name}.{class}.npy"))).unwrap()).unwrap();
    let mut separation = Separation::new(points("sensitive"), points("other"))?;
    for (number, line) in (1..).zip(lines.lines()) {
        separation.check(number, line)?;
    }
    Ok(separation.tally())
}

#[test]
fn a_valid_separation_settles_every_point() {
    let lines = std::fs::read_to_string(root().join("valid/separated.separation")).unwrap();
    let tally = separated("separated", &lines).unwrap();
    assert_eq!(tally, Tally { points: 4, others: 4, outside: 2, inside: 2 });
    assert_eq!(tally.open(), 0);
    let header: String = lines.lines().take(1).collect();
    assert_eq!(separated("separated", &header).unwrap().open(), 4);
}

#[test]
fn accepts_every_valid_certificate() {
    let mut lines = 0;
    for path in files("valid").iter().filter(|path| path.extension().unwrap() == "jsonl") {
        for (i, line) in std::fs::read_to_string(path).unwrap().lines().enumerate() {
            checked(&parts(path)[0], line).unwrap_or_else(|r| panic!("{} line {}: {r}", path.display(), i + 1));
            lines += 1;
        }
    }
    assert!(lines >= 40, "only {lines} certificates");
}

#[test]
fn refuses_everything_else_with_the_code_in_its_name() {
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for folder in ["invalid", "malformed"] {
        let files = files(folder);
        assert!(files.len() >= 25, "only {} files in {folder}", files.len());
        for path in files {
            let expected = parts(&path)[0].clone();
            for answer in answers(&path) {
                match answer {
                    Ok(()) => wrong.push(format!("{} is accepted", path.display())),
                    Err(r) if r.code.text() != expected => wrong.push(format!("{}: {r}", path.display())),
                    Err(r) => drop(seen.insert(r.code)),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn the_files_are_what_the_generator_makes() {
    for (name, bytes) in corpora::all() {
        let found = std::fs::read(root().join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(found == bytes, "{name} differs: run `cargo run --release --example corpora`");
    }
}

#[test]
fn refuses_a_number_of_a_hundred_million_digits_at_once() {
    let (model, inputs) = valid("linear");
    for digits in [2_000, 60_000_000] {
        let radius = "7".repeat(digits);
        let line = format!(r#"{{"version":"1","input":"0","norm":"l1","radius":"{radius}","slopes":[]}}"#);
        let refused = check_line(&model, &inputs, &line).expect_err("too many digits");
        assert_eq!(refused.code, Code::TooLarge);
    }
}

#[test]
fn the_fast_replay_accepts_nothing_that_the_kernel_refuses() {
    let mut decided = 0;
    let mut certificates: Vec<(PathBuf, String)> = Vec::new();
    for folder in ["valid", "invalid"] {
        let lines = files(folder).into_iter().filter(|path| path.extension().unwrap() == "jsonl");
        certificates.extend(lines.map(|path| {
            let parts = parts(&path);
            let model = parts[parts.len() - 2].clone();
            (path, format!("valid/{model}"))
        }));
    }
    for path in files("verified").into_iter().filter(|path| path.extension().unwrap() == "jsonl") {
        let name = format!("models/{}", parts(&path)[0].replace("-box", ""));
        certificates.push((path, name));
    }
    for (path, name) in certificates {
        let onnx_path = root().join(format!("{name}.onnx"));
        let bytes = std::fs::read(&onnx_path).unwrap();
        let samples = name.replace("models/", "inputs/").replace("-abs", "");
        let samples =
            root().join(if name.starts_with("valid/") { format!("{name}.npy") } else { format!("{samples}.npy") });
        let values = underplane::data::read_inputs(&samples, &Default::default()).unwrap();
        let values = values.values.iter().map(|&v| f64::from(v)).collect();
        let network = underplane::model::Model::new(underplane::model::onnx::read(&onnx_path).unwrap()).unwrap();
        let fast = underplane::proof::fast::Fast::new(network, values);
        let (model, inputs) =
            (Model::read(&bytes, Class::Positive).unwrap(), Inputs::read(&std::fs::read(&samples).unwrap()).unwrap());
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some(statement) = fast.replay((&model, &inputs), Attacker::default(), line) else { continue };
            decided += 1;
            assert_eq!(check_line(&model, &inputs, line).as_ref(), Ok(&statement), "{}", path.display());
        }
    }
    assert!(decided > 100, "only {decided} certificates decided");
}
