//! `audit --claims`: every false claim is refuted, every true one confirmed.

use assert_cmd::Command;
use rand::RngExt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use testing::naive_proofs;
use testing::networks;
use testing::networks::{Map, generator, icnn};
use underplane::model::sensitive::{Sensitive, select};
use underplane::model::{Dense, Graph, Kink, Layer, Model, onnx};
use underplane::norm::Norm;
use underplane::query::{Perturbation, Range, Ranges};
use underplane::radius::lp::Lp;
use underplane::radius::{Method, Samples};

/// The answers, in the order of the claims, and the exit code; every certificate is replayed.
fn audit(model: &Path, inputs: &Path, claims: &str, extra: &[&str]) -> (i32, Vec<String>) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("claims.csv");
    std::fs::write(&file, claims).unwrap();
    let program = || Command::new(env!("CARGO_BIN_EXE_underplane"));
    let mut command = program();
    command
        .arg("audit")
        .args([model, inputs])
        .arg("--claims")
        .arg(&file)
        .arg("--reports")
        .arg(folder.path())
        .args(extra);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir());
    let report = report.unwrap_or_else(|| panic!("no report: {told}"));
    let mut reader = csv::Reader::from_path(report.join("claims.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let certificates = report.join("certificates.jsonl");
    program().arg("check").args([model, inputs, &certificates]).assert().success();
    (output.status.code().unwrap(), rows.iter().map(|row| row[4].to_string()).collect())
}

fn bundled(name: &str) -> (PathBuf, PathBuf) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs-data");
    (root.join(format!("models/{name}.onnx")), root.join(format!("inputs/{name}.npy")))
}

/// Lower and upper side of the exact radius of the first sensitive inputs.
fn exact(model: &Path, x: &[f64], norm: Norm, range: Option<Ranges<'static>>) -> Option<(f64, f64)> {
    let model = Model::new(select(onnx::read(model).unwrap(), Sensitive::Positive).unwrap()).unwrap();
    let outcome =
        Lp::default().certify(&model, Samples::new(x, x.len()), Perturbation { norm, range, weights: None }).remove(0);
    Some((outcome.radius()?.value(), outcome.witness?.distance))
}

#[test]
fn scaled_exact_radii_of_bundled_models() {
    for (name, range) in [("mnist-3-8", None), ("mnist-3-8", Some("0,1")), ("spambase", None), ("phishing", None)] {
        let (model, inputs) = bundled(name);
        let data = underplane::data::read_inputs(&inputs, &Default::default()).unwrap();
        let (mut claims, mut expected) = (String::from("input,norm,radius\n"), Vec::new());
        for i in 0..4 {
            let x: Vec<f64> = data.input(i).iter().map(|&v| f64::from(v)).collect();
            for norm in Norm::STANDARD {
                let Some((lower, upper)) = exact(&model, &x, norm, range.map(|r| r.parse::<Range>().unwrap().into()))
                else {
                    continue;
                };
                for (factor, answer) in
                    [(0.99, "confirmed"), (0.999_99, "confirmed"), (1.000_01, "refuted"), (1.01, "refuted")]
                {
                    let side = if factor < 1.0 { lower } else { upper };
                    claims += &format!("{i},{norm},{:?}\n", side * factor);
                    expected.push(answer);
                }
            }
        }
        let extra: Vec<&str> = range.map(|r| vec!["--box", r]).unwrap_or_default();
        assert!(expected.len() >= 12, "{name}");
        assert_eq!(
            audit(&model, &inputs, &claims, &extra),
            (1, expected.iter().map(|a| a.to_string()).collect()),
            "{name}"
        );
    }
}

/// An affine logit, for which the closed form is the exact radius.
fn affine(folder: &TempDir, seed: u64) -> (PathBuf, PathBuf, Vec<f32>, f32, Vec<f32>) {
    let mut rng = generator(seed);
    let d = 50;
    let weight: Vec<f32> = (0..d).map(|_| rng.random_range(-1.0..1.0)).collect();
    let x: Vec<f32> = (0..d).map(|_| rng.random_range(0.0..1.0)).collect();
    let bias: f32 = 1.0 - weight.iter().zip(&x).map(|(w, x)| w * x).sum::<f32>();
    let mut graph = Graph::new("x", &[d]);
    let layer = Dense { rows: 1, cols: d, weight: weight.clone(), bias: vec![bias] };
    graph.push("f", Layer::Dense(layer), &[0]).unwrap();
    let (model, inputs) = (folder.path().join("m.onnx"), folder.path().join("x.npy"));
    std::fs::write(&model, onnx::encode(&graph).unwrap()).unwrap();
    let wide: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    std::fs::write(&inputs, naive_proofs::npy(&wide)).unwrap();
    (model, inputs, weight, bias, x)
}

#[test]
fn a_float32_closed_form_is_right_or_wrong_in_its_last_digit() {
    let mut wrong = 0;
    for seed in 0..6 {
        let folder = TempDir::new().unwrap();
        let (model, inputs, weight, bias, x) = affine(&folder, seed);
        let logit = |w: &mut dyn Iterator<Item = f64>| w.sum::<f64>();
        let exact = logit(&mut weight.iter().zip(&x).map(|(&w, &x)| f64::from(w) * f64::from(x))) + f64::from(bias);
        let single: f32 = weight.iter().zip(&x).map(|(w, x)| w * x).sum::<f32>() + bias;
        let (mut claims, mut expected) = (String::from("input,norm,radius\n"), Vec::new());
        for norm in Norm::STANDARD {
            let wide: Vec<f64> = weight.iter().map(|&w| f64::from(w)).collect();
            let dual = norm.dual_upper(&wide);
            let truth = exact / dual;
            let claimed = single / dual as f32;
            for claim in [claimed, claimed.next_up(), (truth as f32).next_up(), (truth as f32).next_down()] {
                // Float64 tells the sides apart: neighbouring float32 numbers are a billion of its steps apart.
                claims += &format!("0,{norm},{:?}\n", f64::from(claim));
                let is_true = f64::from(claim) <= truth;
                wrong += usize::from(!is_true);
                expected.push(if is_true { "confirmed" } else { "refuted" }.to_string());
            }
        }
        assert_eq!(audit(&model, &inputs, &claims, &[]).1, expected, "seed {seed}");
    }
    assert!(wrong > 10, "only {wrong} wrong claims");
}

#[test]
fn l2_bounds_that_forget_the_layer_behind_a_mean_subtraction_are_refuted() {
    // A tool that keeps the l2 ball for the first layer alone, here the subtraction, and goes on with the box of its
    // coordinates' bounds divided wrongly by √d, claims radii that are too large by up to √d.
    let folder = TempDir::new().unwrap();
    let mut rng = generator(3);
    let graph = icnn(&mut rng, 6, &[5, 4], Map::Centred, 0.0);
    let (model, inputs) = (folder.path().join("m.onnx"), folder.path().join("x.npy"));
    std::fs::write(&model, onnx::encode(&graph).unwrap()).unwrap();
    let found = (0..50).find_map(|_| {
        let x = networks::inputs(&mut rng, 1, 6);
        std::fs::write(&inputs, naive_proofs::npy(&x)).unwrap();
        Some((exact(&model, &x, Norm::L2, None)?, exact(&model, &x, Norm::Linf, None)?))
    });
    let ((l2, _), (linf, _)) = found.expect("a sensitive input");
    let claimed = linf * 6.0_f64.sqrt() * 1.001;
    assert!(claimed > l2);
    // A tool that hands the input itself on as both ends of its interval bounds until the first linear layer makes use
    // of the ball finds no width at all behind a subtraction: its lower bound is f(x), whatever the radius.
    let blind = [1.001, 2.0, 100.0].map(|factor| (l2 * factor, "refuted"));
    let claims = blind.iter().fold(String::from("input,norm,radius\n"), |all, (r, _)| all + &format!("0,l2,{r:?}\n"));
    assert_eq!(audit(&model, &inputs, &claims, &[]), (1, blind.map(|(_, answer)| answer.to_string()).to_vec()));
    let claims =
        format!("input,norm,radius,box\n0,l2,{claimed:?},\n0,l2,{:?},\n0,l2,unbounded,\n0,l2,0,\n", l2 * 0.999);
    let answers = ["refuted", "confirmed", "refuted", "confirmed"].map(String::from).to_vec();
    assert_eq!(audit(&model, &inputs, &claims, &[]), (1, answers));
    // True claims alone are no failure.
    let claims = format!("input,norm,radius\n0,l2,{:?}\n", l2 * 0.999);
    assert_eq!(audit(&model, &inputs, &claims, &[]).0, 0);
}

#[test]
fn claims_that_are_none_are_refused_with_their_place() {
    let (model, inputs) = bundled("phishing");
    let folder = TempDir::new().unwrap();
    for (text, place) in [
        ("input,norm\n0,l1\n", "column `radius`"),
        ("input,norm,radius\n", "claim a radius of the base"),
        ("input,norm,radius\n0,l1,\n", "claim a radius of the base"),
        ("input,norm,radius\n0,l1,-1\n", "line 2"),
        ("input,norm,radius\n0,l1,nan\n", "line 2"),
        ("input,norm,radius\n0,l1,1\n99999,l1,1\n", "line 3"),
        ("input,norm,radius\n0,l0,1\n", "column `norm`"),
        ("input,norm,radius,box\n0,l1,1,\"5,6\"\n", "column `box`"),
        ("input,norm,radius\n0,l1\n", "line 2"),
    ] {
        let file = folder.path().join("claims.csv");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_underplane"));
        command.arg("audit").args([&model, &inputs]).arg("--claims").arg(&file).arg("--reports").arg(folder.path());
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}: {told}");
        assert!(told.contains(place) && told.contains("claims.csv"), "{text}: {told}");
    }
}

/// f(x) = relu(x0) + relu(x1) − 1 at (2, 2), whose radii are 3, 3/√2 and 1.5, and at (0.5, 3).
fn two_units(folder: &TempDir) -> (PathBuf, PathBuf) {
    let mut graph = Graph::new("x", &[2]);
    graph.push("r", Layer::Kink(Kink { below: 0.0, above: 1.0 }), &[0]).unwrap();
    graph.push("f", Layer::Dense(Dense { rows: 1, cols: 2, weight: vec![1.0; 2], bias: vec![-1.0] }), &[1]).unwrap();
    let (model, inputs) = (folder.path().join("net.onnx"), folder.path().join("x.npy"));
    std::fs::write(&model, onnx::encode(&graph).unwrap()).unwrap();
    std::fs::write(&inputs, underplane::proof::npy(&[2.0, 2.0, 0.5, 3.0], 2)).unwrap();
    (model, inputs)
}

/// Exit code, terminal, and the rows of claims.csv as (norm, radius, box, answer), for the bytes of a claims file.
fn told(bytes: &[u8]) -> (i32, String, Vec<[String; 4]>) {
    let folder = TempDir::new().unwrap();
    let (model, inputs) = two_units(&folder);
    let (file, reports) = (folder.path().join("claims.csv"), folder.path().join("reports"));
    std::fs::write(&file, bytes).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_underplane"));
    command.arg("audit").args([&model, &inputs]).arg("--claims").arg(&file).arg("--reports").arg(&reports);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let Ok(mut reports) = std::fs::read_dir(reports) else {
        return (output.status.code().unwrap(), text.into_owned(), Vec::new());
    };
    let report = reports.next().unwrap().unwrap().path();
    let certificates = report.join("certificates.jsonl");
    if std::fs::read(&certificates).unwrap() != b"" {
        let mut check = Command::new(env!("CARGO_BIN_EXE_underplane"));
        check.arg("check").args([&model, &inputs, &certificates]).assert().success();
    }
    let mut reader = csv::Reader::from_path(report.join("claims.csv")).unwrap();
    let row = |row: csv::StringRecord| [1, 2, 3, 4].map(|i| row[i].to_string());
    (output.status.code().unwrap(), text.into_owned(), reader.records().map(|r| row(r.unwrap())).collect())
}

#[test]
fn radii_as_other_tools_write_them_are_read() {
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"input,norm,radius\n0,l1,2.5\n").unwrap();
        encoder.finish().unwrap()
    };
    let texts: [(&[u8], [&str; 3]); 20] = [
        (b"input,norm,radius\n0,Linf,1.4\n", ["linf", "1.4", ""]),
        (b"input,norm,radius\n0,inf,1.4\n", ["linf", "1.4", ""]),
        (b"input,norm,radius\n0,2,1.4\n", ["l2", "1.4", ""]),
        (b"input,norm,radius\n0,L2,1.4\n", ["l2", "1.4", ""]),
        ("input,norm,radius\n0,ℓ_1,1.40\n".as_bytes(), ["l1", "1.40", ""]),
        (b"Input, Norm ,RADIUS\n0,l1,2.5\n", ["l1", "2.5", ""]),
        (b"\xef\xbb\xbfinput,norm,radius\n0,l1,2.5\n", ["l1", "2.5", ""]),
        (b"input,norm,radius\r\n0,l1,2.5\r\n", ["l1", "2.5", ""]),
        (b"input;norm;radius\n0;l1;2.5\n", ["l1", "2.5", ""]),
        (b"input;norm;box;radius\n0;l1;0,4;0.5\n", ["l1", "0.5", "0,4"]),
        (b"input\tnorm\tradius\ttime, in s\n0\tl1\t2.5\t1,5\n", ["l1", "2.5", ""]),
        (&gzip, ["l1", "2.5", ""]),
        (b"input,norm,radius\n0,l1,2.5E+0\n", ["l1", "2.5E+0", ""]),
        (b"input,norm,radius\n0,l1,+2.\n", ["l1", "+2.", ""]),
        (b"input,norm,radius\n0.0,l1,.5\n", ["l1", ".5", ""]),
        (b"input,norm,radius,box\n0,l1,2.5,\"[-5,5]\"\n", ["l1", "2.5", "-5,5"]),
        (b"input,norm,radius\n0,l1,\n\n1,l1,2.4\n", ["l1", "2.4", ""]),
        (b"input,norm,radius,subject\n0,l1,99,smoothed\n0,l1,2.5,base\n", ["l1", "2.5", ""]),
        // The open balls of the true radii.
        (b"input,norm,radius\n0,l1,3\n", ["l1", "3", ""]),
        (b"radius,norm,input\n1.5,linf,0\n", ["linf", "1.5", ""]),
    ];
    for (bytes, row) in texts {
        let (code, text, rows) = told(bytes);
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(code, 0, "{shown}: {text}");
        assert_eq!(rows, [[row[0], row[1], row[2], "confirmed"].map(String::from)], "{shown}");
        let left_out = shown.contains("smoothed") || shown.contains("l1,\n");
        assert_eq!(text.contains("1 row "), left_out, "{text}");
    }
}

#[test]
fn claims_are_compared_as_they_are_written() {
    // Float32 neighbours of 3/√2, and numbers that no float64 tells apart.
    let claims = "input,norm,radius\n0,l2,2.1213205\n0,l2,2.1213202\n0,l1,3.00000000000000000001\n0,l1,3.0\n\
                  0,linf,1.49999999999999999999\n0,linf,1e-400\n0,linf,1e400\n0,linf,inf\n0,l2,0e7\n\
                  0,l1,3.5\n0,l1,3.5\n";
    let (code, text, rows) = told(claims.as_bytes());
    let answers: Vec<&str> = rows.iter().map(|row| row[3].as_str()).collect();
    let (yes, no) = ("confirmed", "refuted");
    assert_eq!(code, 1, "{text}");
    // Just above 3 the witness at hand decides; it must not be confirmed.
    assert_ne!(answers[2], yes, "{text}");
    assert_eq!([&answers[..2], &answers[3..]].concat(), [no, yes, yes, yes, yes, no, no, yes, no, no], "{text}");
    for (line, row) in claims.lines().skip(1).zip(&rows) {
        assert!(line.ends_with(&format!(",{}", row[1])), "{line}: {row:?}");
        let printed = text.contains(&format!("radius {}: {}", row[1], row[3]));
        assert_eq!(printed, row[3] != yes, "{line}: {text}");
    }
}

#[test]
fn no_positive_radius_of_an_input_of_the_other_class_is_confirmed() {
    let folder = TempDir::new().unwrap();
    let (model, _) = two_units(&folder);
    let inputs = folder.path().join("zero.npy");
    std::fs::write(&inputs, naive_proofs::npy(&[0.0, 0.0])).unwrap();
    let tiny = format!("0.{}1", "0".repeat(3_000));
    let claims = format!("input,norm,radius\n0,linf,1e-400\n0,l2,2e-324\n0,l1,{tiny}\n0,l1,1e-5000\n0,l1,0\n");
    let answers = ["refuted", "refuted", "refuted", "refuted", "confirmed"].map(String::from).to_vec();
    assert_eq!(audit(&model, &inputs, &claims, &[]), (1, answers));
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    let digits = "1".repeat(5_001);
    for (text, words) in [
        (
            "idx\tlabel\tpredict\tradius\n0\t1\t1\t1.25\n",
            &["column `input`, column `norm`", "idx, label, predict, radius"][..],
        ),
        ("input,norm,radius,radius\n0,l1,2.5,9\n", &["line 1", "one column `radius`", "at 3 and 4"]),
        ("input,Norm,radius,norm\n0,l1,2.5,l2\n", &["one column `norm`", "at 2 and 4"]),
        ("input,norm,radius,box,box\n0,l1,2.5,,\n", &["one column `box`"]),
        ("", &["column `input`"]),
        ("input;norm;radius\n0;l1;2,5\n", &["line 2", "with a point", "`2,5`"]),
        ("input,norm,radius\n0,l1,2,5\n", &["line 2", "3 fields"]),
        ("input,norm,radius\n0,l1,1\n0,l1,-1e-400\n", &["line 3", "column `radius`", "-1e-400"]),
        ("input,norm,radius\n0,l1,NaN\n", &["line 2", "nothing where nothing is claimed", "NaN"]),
        ("input,norm,radius\n0,l1,1e5001\n", &["line 2", "at most 5000", "column `radius`"]),
        (&format!("input,norm,radius\n0,l1,{digits}\n"), &["line 2", "at most 5000 characters", "5001"]),
        ("input,norm,radius\n2,l1,1\n", &["line 2", "below 2", "`2`"]),
        ("input,norm,radius\n0.5,l1,1\n", &["line 2", "column `input`"]),
        ("input,norm,radius\n-0,l1,1\n", &["line 2", "column `input`"]),
        ("input,norm,radius\n,l1,1\n", &["line 2", "column `input`"]),
        ("input,norm,radius\n0,l7,1\n", &["line 2", "column `norm`", "`l7`"]),
        ("input,norm,radius\n0,lp:1.23456,1\n", &["line 2", "column `norm`", "up to 64"]),
        ("input,norm,radius,subject\n0,l1,1,other\n", &["line 2", "base or smoothed", "`other`"]),
        ("input,norm,radius,box\n0,l1,1,0;4\n", &["line 2", "LO,HI"]),
    ] {
        let (code, told, rows) = told(text.as_bytes());
        assert!(code == 2 && rows.is_empty() && told.contains("claims.csv"), "{text}: {told}");
        words.iter().for_each(|word| assert!(told.contains(word), "{text}: {word}: {told}"));
    }
}

/// Radii that the kernel proved come back confirmed, however close to the nearest witness.
#[test]
fn what_certify_proved_is_confirmed() {
    let (model, inputs) = bundled("spambase");
    let folder = TempDir::new().unwrap();
    let mut certify = Command::new(env!("CARGO_BIN_EXE_underplane"));
    certify.current_dir(&folder).arg("certify").args([&model, &inputs]);
    certify
        .args(["--limit", "16", "--method", "lp,exact", "--proofs", "proofs", "--out", "rows.csv"])
        .assert()
        .success();
    let rows = std::fs::read_to_string(folder.path().join("rows.csv")).unwrap();
    let (code, answers) = audit(&model, &inputs, &rows, &[]);
    assert_eq!((code, answers.iter().all(|answer| answer == "confirmed")), (0, true), "{answers:?}");
    assert!(answers.len() > 20);
}
