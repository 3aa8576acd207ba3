//! `underplane audit` as a whole, on a tiny bundle.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use testing::networks::{Map, generator, icnn, inputs, model};
use underplane::audit::report;
use underplane::audit::tally::Tally;
use underplane::data::store::sha256;
use underplane::model::{Dense, Graph, Kink, Layer, onnx};
use underplane::report::records::{Found, Record, read_csv};
use underplane::report::run_info::RunInfo;

fn program(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("underplane").unwrap();
    command.current_dir(folder);
    command
}

/// A folder with two models, `box` and `curved`, and 8 inputs for each as CSV.
fn bundle() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("proofs-data");
    fs::create_dir(&bundle).unwrap();
    let mut manifest = String::new();
    for (seed, name, map, line) in
        [(1, "box", Map::Centred, "box = [0, 1]"), (2, "curved", Map::Absolute, "sigma = 0.1")]
    {
        let mut rng = generator(seed);
        let network = model(icnn(&mut rng, 4, &[6, 4], map, 0.0));
        onnx::write(network.graph(), &bundle.join(format!("{name}.onnx"))).unwrap();
        let values = inputs(&mut rng, 8, 4);
        let rows: Vec<String> =
            values.chunks(4).map(|x| x.iter().map(f64::to_string).collect::<Vec<_>>().join(",")).collect();
        fs::write(bundle.join(format!("{name}.csv")), rows.join("\n")).unwrap();
        let labels: Vec<&str> =
            network.enclose(&values).iter().map(|f| if f.value > 0.0 { "1" } else { "0" }).collect();
        fs::write(bundle.join(format!("{name}.txt")), labels.join("\n")).unwrap();
        manifest += &format!(
            "[[model]]\nname = '{name}'\nfile = '{name}.onnx'\ninputs = '{name}.csv'\nlabels = '{name}.txt'\n\
             unit = 'test units'\nabout = 'a random network'\n{line}\n"
        );
    }
    fs::write(bundle.join("bundle.toml"), manifest).unwrap();
    folder
}

/// What is in a report's folder.
fn read(folder: &Path) -> (RunInfo, Vec<Record>, Vec<Found>) {
    let run = serde_json::from_str(&fs::read_to_string(folder.join("run.json")).unwrap()).unwrap();
    let records = read_csv(&folder.join("records.csv")).unwrap().collect::<Result<_, _>>().unwrap();
    (run, records, read_csv(&folder.join("witnesses.csv")).unwrap().collect::<Result<_, _>>().unwrap())
}

#[test]
fn the_bundle_passes_and_leaves_records_and_a_report() {
    let folder = bundle();
    let output = program(folder.path()).args(["audit", "--samples", "500"]).output().unwrap();
    let (text, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{text}{error}");
    let methods = ["closed-form", "sharp", "tightened", "exact", "ibp", "lp", "smoothing"];
    for part in methods.iter().chain(&["attack", "n/a", "test units", "No violation"]) {
        assert!(text.contains(*part), "{part}: {text}");
    }
    let reports: Vec<_> = fs::read_dir(folder.path().join("reports")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(reports.len(), 1, "nothing unfinished is left: {reports:?}");
    let (run, records, found) = read(&reports[0]);
    assert_eq!(run.command, "underplane audit --samples 500");
    assert_eq!((run.models.len(), records.len()), (2, 2 * 8 * 3 * 7));
    assert!(!found.is_empty() && run.alpha == Some(0.001));
    let text = fs::read_to_string(reports[0].join("report.md")).unwrap();
    let tally = Tally::of(|hear| report::read(&reports[0], hear)).unwrap();
    assert_eq!(text, report::markdown(&run, &tally));
    let report = text;
    for name in ["box.onnx", "box.csv", "box.txt"] {
        let digest = sha256(&fs::read(folder.path().join("proofs-data").join(name)).unwrap());
        assert!(report.contains(&format!("- SHA-256 of {name}: {digest}")), "{report}");
    }
    assert!(report.contains("- labels: 0 (") || report.contains("- labels: 1 ("), "{report}");
    let settings = ["n = 500", "at most 1 s and 2000 passes", "[0, 1]", "probability at most α = 0.001"];
    for part in settings.iter().chain(&["clean accuracy", "accuracy of the smoothed"]) {
        assert!(report.contains(*part), "{part}: {report}");
    }
    let lines = fs::read_to_string(reports[0].join("records.jsonl")).unwrap();
    for (line, record) in lines.lines().zip(&records) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["model"], record.model.as_str());
        assert!(record.radius != "unbounded" && value["radius"].as_f64() == record.radius.parse().ok(), "{line}");
    }
    // A second run takes another folder and leaves the first alone.
    program(folder.path()).args(["audit", "--samples", "500", "--method", "sharp"]).assert().code(0);
    assert_eq!(fs::read_dir(folder.path().join("reports")).unwrap().count(), 2);
    assert_eq!(fs::read_to_string(reports[0].join("report.md")).unwrap(), report);
}

#[test]
fn a_users_own_model_is_audited_with_the_options_given() {
    let folder = bundle();
    let data = folder.path().join("proofs-data");
    let model = data.join("box.onnx");
    let arguments = ["--norm", "l2,lp:3", "--method", "closed-form,lp", "--limit", "3", "--reports", "out"];
    let output = program(folder.path())
        .arg("audit")
        .args([&model, &data.join("box.csv")])
        .args(["--box", "0,1"])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("lp does not apply: only for p = 1, 2 and ∞"), "{text}");
    let report = fs::read_dir(folder.path().join("out")).unwrap().next().unwrap().unwrap().path();
    let (run, records, _) = read(&report);
    assert_eq!((records.len(), run.alpha), (3 * 2 * 2, None));
    assert!(records.iter().all(|r| r.input < 3 && ["l2", "lp:3"].contains(&r.norm.as_str())));
}

/// f = relu(x₀ + …) − relu(… + x₃)/2 + 1, which is not convex.
fn bent() -> Graph {
    let mut graph = Graph::new("x", &[4]);
    graph
        .push("first", Layer::Dense(Dense { rows: 2, cols: 4, weight: vec![1.0; 8], bias: vec![0.0; 2] }), &[0])
        .unwrap();
    graph.push("act", Layer::Kink(Kink::RELU), &[1]).unwrap();
    let readout = Dense { rows: 1, cols: 2, weight: vec![1.0, -0.5], bias: vec![1.0] };
    graph.push("readout", Layer::Dense(readout), &[2]).unwrap();
    graph
}

#[test]
fn methods_that_answer_nothing_leave_the_question_open() {
    let folder = bundle();
    let data = folder.path().join("proofs-data");
    onnx::write(&bent(), &data.join("bent.onnx")).unwrap();
    let audit = |model: &str, more: &[&str]| {
        let mut command = program(folder.path());
        let output = command.arg("audit").args([data.join(model), data.join("box.csv")]).args(more).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    for (methods, idle) in [("closed-form,sharp", "sharp"), ("exact,ibp", "exact"), ("lp", "lp")] {
        let (code, text) = audit("bent.onnx", &["--method", methods]);
        assert_eq!(code, 3, "{text}");
        let why = format!("bent: {idle} was asked for and does not apply: not convex: node `readout`");
        assert!(text.contains(&why), "{text}");
        let nothing = text.contains("bent: no method that was asked for applies: not convex");
        assert_eq!(nothing, !methods.contains("ibp"), "{text}");
    }
    assert_eq!(audit("bent.onnx", &["--samples", "100"]).0, 0, "of all methods those that apply");
    assert_eq!(audit("bent.onnx", &["--method", "ibp"]).0, 0, "interval bounds need no convexity");
    // A norm that the only method does not know is no answer either, unless there is nothing to certify.
    let (code, text) = audit("box.onnx", &["--method", "lp", "--norm", "lp:3"]);
    assert!(code == 3 && text.contains("only for p = 1, 2 and ∞"), "{text}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    let folder = bundle();
    let data = folder.path().join("proofs-data");
    let path = |name: &str| data.join(name).display().to_string();
    fs::write(data.join("broken.onnx"), b"\x08\x07 nonsense").unwrap();
    fs::write(data.join("five.csv"), "1,2,3,4,5\n").unwrap();
    let elsewhere = folder.path().join("elsewhere").display().to_string();
    let cases: Vec<(Vec<String>, &str)> = vec![
        (vec!["--bundle".into(), elsewhere.clone()], "elsewhere"),
        (vec![path("box.onnx")], "INPUTS"),
        (vec![path("broken.onnx"), path("box.csv")], "broken.onnx"),
        (vec![path("box.onnx"), path("five.csv")], "five.csv"),
        (vec![path("box.onnx"), path("box.csv"), "--box".into(), "0,0.5".into()], "outside the box"),
        (vec![path("box.onnx"), path("box.csv"), "--norm".into(), "lp:0.5".into()], "at least 1"),
        (vec![path("box.onnx"), path("box.csv"), "--method".into(), "magic".into()], "magic"),
        (vec!["--labels".into(), path("box.txt")], "MODEL"),
        (vec![path("box.onnx"), path("box.csv"), "--bundle".into(), elsewhere], "cannot be used with"),
    ];
    for (arguments, says) in cases {
        let output = program(folder.path()).arg("audit").args(&arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(says) && output.stdout.is_empty(), "{arguments:?}: {error}");
    }
    assert!(!folder.path().join("reports").exists());
}
