//! Every option and file argument of every subcommand, with values that are extreme or make no sense: no panic, no
//! hang, and exit code 2 with the reason where the value means nothing. The options are those that `--help` lists: a
//! new one without an entry here fails.

mod calls;
mod values;

use assert_cmd::cargo::cargo_bin;
use calls::{CALLS, Call, WITHOUT_DATA};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::model::{Dense, Graph, Kink, Layer, onnx};
use values::Kind::*;
use values::{CLASS, NO_FILES, OUTPUT, no_text};

/// No run here takes a second: what takes this long hangs.
const HANGS: Duration = Duration::from_secs(120);

/// max(x₀, 0) + 2·max(x₁ − ½, 0) − ¼: f > 0 everywhere near the inputs, a kink of each coordinate.
fn graph() -> Graph {
    let mut graph = Graph::new("x", &[2]);
    let shifted = graph.push("shifted", Layer::Shift(vec![0.0, -0.5]), &[0]).unwrap();
    let kink = graph.push("kink", Layer::Kink(Kink::RELU), &[shifted]).unwrap();
    let out = Dense { rows: 1, cols: 2, weight: vec![1.0, 2.0], bias: vec![-0.25] };
    graph.push("out", Layer::Dense(out), &[kink]).unwrap();
    graph
}

const OWN: &str = "task = \"own\"\nepochs = 1\n[data]\nfile = \"table.csv\"\nlabel_column = \"kind\"\n\
    sensitive = \"out\"\n[network]\nhidden = [2]\n[radii]\nl2 = [0.1]\n";

fn run(folder: &Path, program: &str, arguments: &[OsString]) -> (Option<i32>, String) {
    let mut command = Command::new(cargo_bin(program));
    command.current_dir(folder).args(arguments).env_remove("UNDERPLANE_DATA").env("RAYON_NUM_THREADS", "2");
    let (out, told) = (folder.join("stdout.txt"), folder.join("stderr.txt"));
    let file = |path: &Path| Stdio::from(std::fs::File::create(path).unwrap());
    let mut child = command.stdin(Stdio::null()).stdout(file(&out)).stderr(file(&told)).spawn().unwrap();
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), String::from_utf8_lossy(&std::fs::read(&told).unwrap()).into_owned());
        }
        if start.elapsed() > HANGS {
            child.kill().unwrap();
            child.wait().unwrap();
            return (None, "it hangs".into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A folder with one file of every kind.
fn desk() -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    onnx::write(&graph(), &path("model.onnx")).unwrap();
    let values = [1.0, 0.5, 0.25, 1.0];
    write_npy(&path("inputs.npy"), &NpyArray { shape: vec![2, 2], values: NpyValues::F32(values.to_vec()) }).unwrap();
    let table: String =
        (0..60).map(|i| format!("{i},{},{}\n", i * i % 17, if i % 3 == 0 { "out" } else { "in" })).collect();
    for (name, text) in [
        ("inputs.csv", "a,b\n1,0.5\n0.25,1\n"),
        ("claims.csv", "input,norm,radius\n0,l2,0.01\n"),
        ("noise.csv", "\u{0}\u{1}ü\na\"b,,\n;;\n\n1\n2\n3\n"),
        ("noise.toml", "task = [\u{0}"),
        ("own.toml", OWN),
        ("table.csv", &format!("a,b,kind\n{table}")),
    ] {
        std::fs::write(path(name), text).unwrap();
    }
    std::fs::write(path("empty.npy"), "").unwrap();
    std::fs::write(path("empty.toml"), "").unwrap();
    for name in ["bundle", "verified"] {
        std::fs::create_dir(path(name)).unwrap();
        std::fs::copy(path("model.onnx"), path(name).join("model.onnx")).unwrap();
        std::fs::copy(path("inputs.npy"), path(name).join("inputs.npy")).unwrap();
    }
    let entry = "name = \"one\"\nmodel = \"model.onnx\"\ninputs = \"inputs.npy\"\n";
    std::fs::write(
        path("bundle/bundle.toml"),
        entry.replace("model =", "file =").replace("name", "[[model]]\nname") + "about = \"\"\nunit = \"\"\n",
    )
    .unwrap();
    let verified = format!("[[entry]]\n{entry}limit = 1\nnorms = [\"l2\"]\nmethods = [\"closed-form\"]\n");
    std::fs::write(path("verified/verified.toml"), verified).unwrap();
    for words in [
        "certify model.onnx inputs.npy --proofs proofs",
        "regress verified --bless",
        "separate table.csv --label-column kind --sensitive out --out separated",
    ] {
        let arguments: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        let (code, told) = run(folder.path(), "underplane", &arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {told}");
    }
    folder
}

/// The words of a call, without the marks of files.
fn words(call: &Call) -> Vec<OsString> {
    let words = call.command.split(' ').chain(call.arguments.split_whitespace());
    words.map(|word| word.strip_prefix('@').unwrap_or(word).into()).collect()
}

/// A run, and whether it must be refused (`None`: either).
struct Case {
    program: &'static str,
    arguments: Vec<OsString>,
    refused: Option<bool>,
}

/// A call with every value of every option, and with every file argument replaced by what is none.
fn cases(call: &Call, succeeds: bool) -> Vec<Case> {
    let base = words(call);
    let offered = listed(&call.command.split(' ').collect::<Vec<_>>(), "Options:");
    let refused = |refused: bool| if succeeds || refused { Some(refused) } else { None };
    let mut cases = vec![Case { program: "underplane", arguments: base.clone(), refused: refused(!succeeds) }];
    let mut add = |arguments: Vec<OsString>, refused| cases.push(Case { program: "underplane", arguments, refused });
    for (option, kind) in call.options.iter().filter(|(option, _)| offered.contains(*option)) {
        // The option's own value in the call gives way.
        let mut rest = base.clone();
        if let Some(at) = rest.iter().position(|word| *option == word.to_string_lossy()) {
            rest.drain(at..at + 2);
        }
        let with = |value: &OsString| [&rest[..], &[OsString::from(option), value.clone()]].concat();
        if let Flag = kind {
            add([&rest[..], &[OsString::from(option)]].concat(), None);
            continue;
        }
        let (bad, good) = kind.values();
        bad.iter().for_each(|value| add(with(&value.into()), refused(true)));
        good.iter().for_each(|value| add(with(&value.into()), refused(false)));
        add([&rest[..], &[OsString::from(option)]].concat(), Some(true));
        kind.others().iter().for_each(|value| add(with(value), None));
    }
    let places = call.command.split(' ').chain(call.arguments.split_whitespace()).enumerate();
    for (at, _) in places.filter(|(_, word)| word.starts_with('@')) {
        for file in NO_FILES {
            let mut arguments = base.clone();
            arguments[at] = file.into();
            add(arguments, refused_as(base[at].as_os_str(), file));
        }
    }
    cases
}

/// Whether a file must be refused in the place of another: lines that are no certificates are answered, each by itself.
fn refused_as(place: &OsStr, file: &str) -> Option<bool> {
    let lines = Path::new(place).extension().is_some_and(|end| end == "jsonl") && file == "noise.csv";
    if lines { None } else { Some(true) }
}

/// Runs every case in a folder of its own; what went wrong.
fn complaints(cases: &[Case], desk: &Path) -> Vec<String> {
    let one = |case: &Case| {
        let folder = TempDir::new().unwrap();
        copy(desk, folder.path());
        let (code, told) = run(folder.path(), case.program, &case.arguments);
        let fits = match (code, case.refused) {
            (Some(2), Some(true) | None) => told.contains("error:") && told.trim().len() > "error:".len(),
            (Some(0 | 1 | 3), Some(false) | None) => true,
            _ => false,
        };
        let end: String = told.chars().take(300).collect();
        let shown: Vec<String> =
            case.arguments.iter().map(|word| word.to_string_lossy().chars().take(60).collect()).collect();
        (!fits || told.contains("panicked"))
            .then(|| format!("{} {shown:?}: {code:?}, refused {:?}: {end}", case.program, case.refused))
    };
    cases.par_iter().filter_map(one).collect()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} cases:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_option_of_every_subcommand() {
    let desk = desk();
    let all: Vec<Case> = CALLS.iter().flat_map(|call| cases(call, true)).collect();
    let all = all.into_iter().chain(WITHOUT_DATA.iter().flat_map(|call| cases(call, false)));
    assert_none(&complaints(&all.collect::<Vec<_>>(), desk.path()));
}

#[test]
fn names_that_are_none() {
    let desk = desk();
    let of = |command: &[&str]| {
        let (bad, _) = Name.values();
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        let case = move |value: String| Case {
            program: "underplane",
            arguments: [&command[..], &[value.into()]].concat(),
            refused: Some(true),
        };
        bad.into_iter().map(case).collect::<Vec<_>>()
    };
    let commands: [&[&str]; 5] = [
        &["train"],
        &["data", "fetch"],
        &["data", "import", "--from", "noise.csv"],
        &["data", "export", "--split", "test", "--out", "new"],
        &[],
    ];
    assert_none(&complaints(&commands.into_iter().flat_map(of).collect::<Vec<_>>(), desk.path()));
}

#[test]
fn the_checker_alone() {
    let desk = desk();
    let files = ["model.onnx", "inputs.npy", "proofs/certificates.jsonl"];
    let case = |arguments: &[&str], refused| Case {
        program: "underplane-check",
        arguments: arguments.iter().map(OsString::from).collect(),
        refused,
    };
    let mut cases = vec![case(&files, Some(false)), case(&[], Some(true)), case(&files[..2], Some(true))];
    for at in 0..3 {
        for file in NO_FILES {
            let mut files = files;
            let refused = refused_as(OsStr::new(files[at]), file);
            files[at] = file;
            cases.push(case(&files, refused));
        }
    }
    let told = Command::new(cargo_bin("underplane-check")).arg("--help").output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    let offered: BTreeSet<&str> = told.split([' ', '\n', '[', ']']).filter(|word| word.starts_with("--")).collect();
    let flags = [
        ("--flatten", Flag),
        ("--follow-links", Flag),
        ("--separation", Flag),
        ("--accuracy", Flag),
        ("--version", Flag),
    ];
    let known = [
        &[
            ("--sensitive", CLASS),
            ("--output", OUTPUT),
            ("--threshold", Number),
            ("--probability", Share),
            ("--weights", File),
            ("--box", File),
            ("--uint8", Mode("unit raw")),
        ],
        &flags[..],
    ]
    .concat();
    let forgotten: Vec<_> = offered.iter().filter(|option| !known.iter().any(|(name, _)| name == *option)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?} are not tried here");
    for (option, kind) in known.into_iter().filter(|(option, _)| offered.contains(option)) {
        let (bad, good) = kind.values();
        bad.iter().for_each(|value| cases.push(case(&[&files[..], &[option, value]].concat(), Some(true))));
        good.iter().for_each(|value| cases.push(case(&[&files[..], &[option, value]].concat(), Some(false))));
        let alone = if let Flag = kind { None } else { Some(true) };
        cases.push(case(&[&files[..], &[option]].concat(), alone));
    }
    let words = [OsString::from("model.onnx"), no_text(), OsString::from("x")].to_vec();
    cases.push(Case { program: "underplane-check", arguments: words, refused: Some(true) });
    assert_none(&complaints(&cases, desk.path()));
}

/// What stands in `--help` at the beginning of a line, before two spaces or the end.
fn listed(command: &[&str], section: &str) -> BTreeSet<String> {
    let output = Command::new(cargo_bin("underplane")).args(command).arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.trim().is_empty());
    let heads = lines.filter(|line| line.len() - line.trim_start().len() <= 6);
    let names = heads.flat_map(|line| {
        line.trim().split("  ").next().unwrap().split([' ', ',']).map(String::from).collect::<Vec<_>>()
    });
    let fits = |name: &String| section == "Commands:" || name.starts_with("--");
    names.filter(|name| fits(name) && !["--help", "--version", "help"].contains(&name.as_str())).collect()
}

#[test]
fn no_option_is_forgotten() {
    let mut commands: Vec<Vec<String>> = listed(&[], "Commands:").into_iter().map(|name| vec![name]).collect();
    assert!(commands.len() >= 7, "{commands:?}");
    let mut k = 0;
    while k < commands.len() {
        let words: Vec<&str> = commands[k].iter().map(String::as_str).collect();
        let below = listed(&words, "Commands:");
        let options = listed(&words, "Options:");
        let name = words.join(" ");
        if below.is_empty() {
            let calls = CALLS.iter().chain(WITHOUT_DATA).filter(|call| call.command == name);
            let known: BTreeSet<String> =
                calls.flat_map(|call| call.options).map(|(option, _)| option.to_string()).collect();
            let forgotten: Vec<&String> = options.difference(&known).collect();
            assert!(forgotten.is_empty(), "`{name}`: {forgotten:?} are not tried here");
        }
        let parent = commands[k].clone();
        commands.extend(below.into_iter().map(|name| [&parent[..], &[name]].concat()));
        k += 1;
    }
}

/// Logits at the ends of the floats, one input of every size, and as many samples as none.
#[test]
fn models_and_inputs_at_the_limits_of_floats() {
    let desk = desk();
    let path = |name: &str| desk.path().join(name);
    let mut cases = Vec::new();
    for (k, (weight, bias)) in [
        (f32::MAX, f32::MAX),
        (f32::MAX, -f32::MAX),
        (1e-45, 1e-45),
        (0.0, f32::MAX),
        (0.0, 1e-45),
        (-f32::MAX, f32::MAX),
    ]
    .into_iter()
    .enumerate()
    {
        let mut graph = graph();
        let out = Dense { rows: 1, cols: 1, weight: vec![weight], bias: vec![bias] };
        let last = graph.output();
        graph.push("last", Layer::Dense(out), &[last]).unwrap();
        onnx::write(&graph, &path(&format!("model{k}.onnx"))).unwrap();
        for (i, values) in [[f32::MAX, f32::MAX], [1e-45, 1e-45], [-f32::MAX, f32::MAX], [0.0, -0.0]].iter().enumerate()
        {
            let array = NpyArray { shape: vec![1, 2], values: NpyValues::F32(values.to_vec()) };
            write_npy(&path(&format!("at{i}.npy")), &array).unwrap();
            for command in ["certify", "audit"] {
                let words = format!("{command} model{k}.onnx at{i}.npy --samples 50");
                let words = if command == "audit" {
                    words
                } else {
                    words + " --time 2 --proofs new --method closed-form,sharp,tightened,exact,ibp,lp,smoothing"
                };
                let arguments = words.split(' ').map(OsString::from).collect();
                cases.push(Case { program: "underplane", arguments, refused: Some(false) });
            }
        }
    }
    write_npy(&path("none.npy"), &NpyArray { shape: vec![0, 2], values: NpyValues::F32(vec![]) }).unwrap();
    std::fs::write(path("none.csv"), "a,b\n").unwrap();
    for words in [
        "certify model.onnx none.npy",
        "certify model.onnx none.csv",
        "audit model.onnx none.npy",
        "audit model.onnx none.csv --claims claims.csv",
        "certify model.onnx inputs.npy --labels none.npy",
        "certify model.onnx inputs.npy --weights none.npy",
        "check model.onnx none.npy proofs/certificates.jsonl --weights none.npy",
    ] {
        let arguments = words.split(' ').map(OsString::from).collect();
        cases.push(Case { program: "underplane", arguments, refused: Some(true) });
    }
    assert_none(&complaints(&cases, desk.path()));
}
