//! `certify --proofs`, `check` and `underplane-check` as a user runs them, and the kernel's independence.

use assert_cmd::Command;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use testing::naive_proofs;
use testing::networks::{MAPS, Map, generator, icnn, inputs};
use underplane::model::{Dense, Graph, Kink, Layer, Model, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::Prover;
use underplane::query::{Perturbation, Query};
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::exact::Exact;
use underplane::radius::ibp::Ibp;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Method, Samples};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data")
}

fn program(name: &str, arguments: &[&str]) -> (i32, String, String) {
    let path =
        if name == "underplane" { env!("CARGO_BIN_EXE_underplane") } else { env!("CARGO_BIN_EXE_underplane-check") };
    let output = Command::new(path).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Runs `certify --proofs` and both checkers; gives the certified rows and the certificates.
fn prove_and_check(model: &str, inputs: &str, folder: &str, options: &[&str]) -> (Vec<String>, String) {
    let arguments = [&["certify", model, inputs, "--proofs", folder], options].concat();
    let (code, rows, told) = program("underplane", &arguments);
    assert_eq!(code, 0, "{arguments:?}: {told}\n{rows}");
    let certificates = format!("{folder}/certificates.jsonl");
    let checked = program("underplane", &["check", model, inputs, &certificates]);
    assert_eq!(checked.0, 0, "{}", checked.1);
    let alone = program("underplane-check", &[model, inputs, &certificates]);
    assert_eq!((alone.0, &alone.1), (0, &checked.1), "both checkers say the same");
    let certified = rows.lines().filter(|row| row.contains(",certified,")).map(String::from).collect();
    (certified, std::fs::read_to_string(certificates).unwrap())
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_string()
}

#[test]
fn every_certified_row_of_the_bundled_models_has_a_valid_certificate() {
    let cases = [
        ("mnist-3-8", "mnist-3-8", "closed-form,sharp,lp", vec!["--box", "0,1"]),
        ("mnist-3-8-abs", "mnist-3-8", "closed-form,sharp", vec!["--box", "0,1"]),
        ("spambase", "spambase", "closed-form,sharp,lp,best", vec![]),
        ("drebin", "drebin", "closed-form,best", vec![]),
    ];
    for (model, inputs, methods, extra) in cases {
        let folder = TempDir::new().unwrap();
        let (model, inputs) =
            (root().join(format!("models/{model}.onnx")), root().join(format!("inputs/{inputs}.npy")));
        let options = [vec!["--limit", "4", "--method", methods], extra].concat();
        let (certified, certificates) =
            prove_and_check(model.to_str().unwrap(), inputs.to_str().unwrap(), &path(&folder, "proofs"), &options);
        assert!(!certified.is_empty());
        assert_eq!(certified.len(), certificates.lines().count());
        // A row says no more than its certificate.
        for (row, line) in certified.iter().zip(certificates.lines()) {
            let certificate: serde_json::Value = serde_json::from_str(line).unwrap();
            let radius: f64 = row.split(',').nth(6).unwrap().parse().unwrap();
            assert_eq!(certificate["radius"].as_str().unwrap().parse::<f64>().unwrap(), radius, "{row}");
        }
    }
}

#[test]
fn random_networks_of_every_kind_are_proven() {
    for seed in 0..20_u64 {
        let mut rng = generator(seed);
        let graph = icnn(&mut rng, 4, &[5, 3], MAPS[(seed % 5) as usize], [0.0, 0.25][(seed % 2) as usize]);
        let folder = TempDir::new().unwrap();
        let (model, samples) = (path(&folder, "m.onnx"), path(&folder, "x.npy"));
        std::fs::write(&model, onnx::encode(&graph).unwrap()).unwrap();
        // One sample per file keeps the naive writer simple.
        std::fs::write(&samples, naive_proofs::npy(&inputs(&mut rng, 1, 4))).unwrap();
        let options = ["--norm", "l1,l2,linf,lp:1.5,lp:3", "--method", "closed-form,sharp"];
        let first = path(&folder, "p");
        for extra in [&[][..], &["--box", "0,1"]] {
            let arguments = [&["certify", &model, &samples, "--proofs", &first], &options[..], extra].concat();
            let (code, rows, told) = program("underplane", &arguments);
            assert_eq!(code, 0, "seed {seed}: {told}\n{rows}");
            if rows.contains(",certified,") {
                prove_and_check(&model, &samples, &path(&folder, "q"), &[&options[..], extra].concat());
            }
        }
    }
}

#[test]
fn exit_codes_and_messages_of_the_checkers() {
    let valid = |name: &str| root().join("valid").join(name).to_str().unwrap().to_string();
    let (model, inputs, good) = (valid("linear.onnx"), valid("linear.npy"), valid("linear.jsonl"));
    let bad = root().join("invalid/not-proven.the-sphere-touches.linear.jsonl").to_str().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    let (empty, missing) = (path(&folder, "empty.jsonl"), path(&folder, "missing.jsonl"));
    std::fs::write(&empty, "\n\n").unwrap();
    for (name, first) in [("underplane", Some("check")), ("underplane-check", None)] {
        let run = |files: [&str; 3], extra: &[&str]| program(name, &[first.as_slice(), &files, extra].concat());
        assert_eq!(run([&model, &inputs, &good], &[]).0, 0);
        let (code, rows, _) = run([&model, &inputs, &bad], &[]);
        assert!(code == 1 && rows.contains("invalid,exact,not-proven,"), "{rows}");
        let (code, _, told) = run([&model, &inputs, &missing], &[]);
        assert!(code == 2 && told.contains("missing.jsonl"), "{told}");
        let (code, _, told) = run([&model, &inputs, &empty], &[]);
        assert!(code == 2 && told.contains("found none"), "{told}");
        let (code, _, told) = run([&good, &inputs, &good], &[]);
        assert!(code == 2 && told.contains("malformed-model"), "{told}");
        let (code, _, told) = run([&model, &valid("dense.npy"), &good], &[]);
        assert!(code == 2 && told.contains("input-size"), "{told}");
        assert_eq!(run([&model, &inputs, &good], &["--sensitive", "negative"]).0, 1);
        assert_eq!(run([&model, &inputs, &good], &["--sensitive", "perhaps"]).0, 2);
        assert_eq!(run([&model, &inputs, &good], &["--frobnicate"]).0, 2);
    }
}

/// Networks of one coordinate with about `count` nodes, of kinds that differ in what their nodes are looked for by.
fn long_networks(count: usize) -> Vec<(&'static str, Graph)> {
    let dense = |weight: Vec<f32>, bias: f32| Dense { rows: 1, cols: weight.len(), weight, bias: vec![bias] };
    let start = || Graph::new("x", &[1]);
    let end = |mut graph: Graph, weight: Vec<f32>, bias: f32| {
        let last = graph.output();
        graph.push("out", Layer::Dense(dense(weight, bias)), &[last]).unwrap();
        graph
    };
    let chain = |steps: &[Layer]| {
        let mut graph = start();
        for k in 0..count {
            let last = graph.output();
            graph.push(&format!("step{k}"), steps[k % steps.len()].clone(), &[last]).unwrap();
        }
        end(graph, vec![1.0], 0.5)
    };
    let shifts = |graph: &mut Graph| -> Vec<usize> {
        let shift = |k: usize| Layer::Shift(vec![f64::from(k as f32 / 1024.0)]);
        (0..count / 2).map(|k| graph.push(&format!("shift{k}"), shift(k), &[0]).unwrap()).collect()
    };
    let mut largest = start();
    let operands = shifts(&mut largest);
    largest.push("largest", Layer::Max, &operands).unwrap();
    let mut bent = start();
    for (k, shifted) in shifts(&mut bent).into_iter().enumerate() {
        bent.push(&format!("size{k}"), Layer::Kink(Kink::ABS), &[shifted]).unwrap();
    }
    let sizes: Vec<usize> = (count / 2 + 1..=count / 2 * 2).collect();
    bent.push("sizes", Layer::Concat { outer: 1 }, &sizes).unwrap();
    let leaky = Layer::Kink(Kink { below: 0.5, above: 1.0 });
    vec![
        ("shifts", chain(&[Layer::Shift(vec![0.5])])),
        ("factors and shifts", chain(&[Layer::Scale(vec![1.0]), Layer::Shift(vec![0.0])])),
        ("relus", chain(&[Layer::Kink(Kink::RELU), Layer::Shift(vec![-0.25])])),
        ("relus and factors", chain(&[Layer::Kink(Kink::RELU), Layer::Scale(vec![1.0])])),
        ("leaky", chain(&[leaky, Layer::Scale(vec![1.0])])),
        ("a maximum", end(largest, vec![1.0], 0.5)),
        ("a feature map", end(bent, vec![-1.0 / 4096.0; count / 2], 1000.0)),
    ]
}

/// Reads, certifies, proves and checks, by every part of the program that walks over the nodes.
fn through_everything(bytes: &[u8], methods: &[&dyn Method]) {
    let (x, size) = ([0.75], 1);
    let model = Model::new(onnx::decode(bytes).unwrap()).unwrap();
    let prover = Prover::new(bytes, Sensitive::Positive, &x, size).unwrap();
    let perturbation = Perturbation::new(Norm::Linf);
    for method in methods {
        let outcome = method.certify(&model, Samples::new(&x, size), perturbation).remove(0);
        let radius = outcome.radius().unwrap_or_else(|| panic!("{}: {:?}", method.name(), outcome.verdict));
        if method.has_evidence() && radius.value() > 0.0 {
            prover.prove(Query { model: &model, x: &x, index: 0, perturbation }, &outcome).unwrap();
        }
    }
}

#[test]
fn four_times_as_many_nodes_take_about_four_times_as_long() {
    const FEW: usize = 2500;
    for (few, many) in long_networks(FEW).into_iter().zip(long_networks(4 * FEW)) {
        let encoded = [&few.1, &many.1].map(|graph| onnx::encode(graph).unwrap());
        // The other methods compare all kinks of one coordinate with each other.
        let methods = [&ClosedForm as &dyn Method, &Sharp, &Exact::default(), &Ibp::default()];
        let methods = if few.0 == "a feature map" { &methods[..1] } else { &methods[..] };
        let seconds = |bytes: &[u8]| {
            let start = std::time::Instant::now();
            through_everything(bytes, methods);
            start.elapsed().as_secs_f64()
        };
        // A busy machine may disturb one measurement, not all: what grows with the square takes 16 times as long.
        let mut ratios: Vec<f64> = Vec::new();
        while ratios.len() < 8 && ratios.iter().all(|ratio| *ratio >= 9.0) {
            ratios.push(seconds(&encoded[1]) / seconds(&encoded[0]));
        }
        assert!(ratios.iter().any(|ratio| *ratio < 9.0), "{}: {ratios:?}", few.0);
    }
}

#[test]
fn the_kernel_knows_no_floats_and_no_bare_zips() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel/src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
                let code = line.split("//").next().unwrap();
                let place = format!("{}:{}", path.display(), number + 1);
                let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
                assert!(!words.any(|word| ["f32", "f64"].contains(&word)), "{place}: a float");
                assert!(!code.contains(".unwrap()"), "{place}: unwrap");
                // What differs in length must be refused, which a bare zip does not: `exact::pairs` does.
                assert!(!code.contains(".zip(") || path.ends_with("number/exact.rs"), "{place}: a bare zip");
            }
        }
    }
    assert!(files > 30, "only {files} files");
}

#[test]
fn a_fast_replay_proves_what_was_certified_in_a_block() {
    let folder = TempDir::new().unwrap();
    let (model, x, proofs) = (path(&folder, "wide.onnx"), path(&folder, "x.npy"), path(&folder, "proofs"));
    // With |x| in φ, ℓ1 and ℓ2 need a multiplier, which only an exact replay knows.
    for map in [Map::Identity, Map::Centred, Map::Scaled] {
        let mut rng = generator(5);
        onnx::write(&icnn(&mut rng, 48, &[600, 40], map, 0.0), Path::new(&model)).unwrap();
        std::fs::write(&x, underplane::proof::npy(&inputs(&mut rng, 40, 48), 48)).unwrap();
        let (certified, certificates) = prove_and_check(&model, &x, &proofs, &["--norm", "l1,l2,linf"]);
        let (code, rows, _) =
            program("underplane", &["check", "--fast", &model, &x, &format!("{proofs}/certificates.jsonl")]);
        assert!(code == 0 && certified.len() > 20 && certificates.lines().count() == certified.len(), "{map:?}");
        let fast = rows.lines().filter(|row| row.contains(",valid,fast,")).count();
        assert!(fast * 10 >= certified.len() * 9, "{map:?}: {fast} of {}", certified.len());
    }
}
