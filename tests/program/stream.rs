//! Rows that come as they are answered: runs that are broken off and gone on with, pipes, and runs that end by the clock.

use rand::RngExt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use testing::networks::{Map, generator, icnn, inputs};
use underplane::data::npy::{NpyArray, NpyValues, write_npy};
use underplane::model::onnx;

const D: usize = 20;

/// A folder with a model and inputs.
pub struct Desk(TempDir);

impl Desk {
    pub fn new(count: usize) -> Desk {
        let desk = Desk(TempDir::new().unwrap());
        let mut rng = generator(5);
        onnx::write(&icnn(&mut rng, D, &[16, 8], Map::Absolute, 0.0), &desk.path("model.onnx")).unwrap();
        desk.inputs("inputs.npy", count);
        desk
    }

    pub fn inputs(&self, name: &str, count: usize) {
        let values = inputs(&mut generator(6), count, D).iter().map(|&x| x as f32).collect();
        write_npy(&self.path(name), &NpyArray { shape: vec![count, D], values: NpyValues::F32(values) }).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &str) -> Command {
        self.program("certify", arguments)
    }

    pub fn program(&self, subcommand: &str, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_underplane"));
        command.current_dir(self.0.path()).args([subcommand, "model.onnx"]).args(arguments.split_whitespace());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

pub fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Rows without their seconds.
pub fn timeless(rows: &str) -> Vec<String> {
    let without = |row: &str| match row.strip_prefix('{') {
        Some(_) => {
            let mut row: serde_json::Value = serde_json::from_str(row).unwrap();
            row["seconds"] = 0.into();
            row.to_string()
        }
        None => {
            row.split(',').enumerate().filter(|(i, _)| *i != 10).map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
        }
    };
    rows.lines().map(without).collect()
}

/// Waits until `file` has more than so many bytes, or the program is done; then kills it.
pub fn kill_beyond(mut child: Child, file: &Path, bytes: u64) {
    while fs::metadata(file).map_or(0, |data| data.len()) <= bytes && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_run_that_is_killed_goes_on_and_ends_as_if_nothing_had_been() {
    let desk = Desk::new(300);
    let mut rng = generator(7);
    let options = "inputs.npy --method closed-form,smoothing,sharp --samples 3000 --box -9,9";
    for name in ["whole.csv", "whole.jsonl"] {
        assert!(desk.run(&format!("{options} --out {name}")).status.success());
        let (ending, whole) = (&name["whole.".len()..], desk.read(name));
        let (out, partial) = (format!("out.{ending}"), desk.path(&format!("out.{ending}.partial")));
        let mut resumed = 0;
        for _ in 0..4 {
            let child = desk.command(&format!("{options} --out {out} --resume")).spawn().unwrap();
            kill_beyond(child, &partial, rng.random_range(0..whole.len() as u64));
            assert!(!desk.path(&out).exists() || !partial.exists());
            if let Ok(bytes) = fs::read(&partial) {
                resumed += usize::from(!bytes.is_empty());
                // As if the last write had been cut anywhere.
                let cut = bytes.len() - rng.random_range(0..bytes.len().min(500));
                fs::write(&partial, &bytes[..cut]).unwrap();
            }
        }
        assert!(resumed > 0, "nothing was broken off");
        let output = desk.run(&format!("{options} --out {out} --resume --threads 1"));
        assert!(output.status.success(), "{}", told(&output));
        assert_eq!(timeless(&desk.read(&out)), timeless(&whole));
        assert_eq!(fs::read_dir(desk.0.path()).unwrap().filter(|f| is_partial(&f.as_ref().unwrap().path())).count(), 0);
    }
}

fn is_partial(path: &Path) -> bool {
    path.to_string_lossy().contains(".partial")
}

#[test]
fn certificates_go_on_with_their_rows() {
    let desk = Desk::new(60);
    let options = "inputs.npy --method closed-form,sharp";
    assert!(desk.run(&format!("{options} --proofs whole --out whole.csv")).status.success());
    let child = desk.command(&format!("{options} --proofs proofs --out out.csv")).spawn().unwrap();
    kill_beyond(child, &desk.path("out.csv.partial"), 0);
    // Cut in the first sample's rows: nothing is kept, neither rows nor certificates.
    let output = desk.run(&format!("{options} --proofs proofs --out out.csv --resume"));
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(timeless(&desk.read("out.csv")), timeless(&desk.read("whole.csv")));
    assert_eq!(desk.read("proofs/certificates.jsonl"), desk.read("whole/certificates.jsonl"));
    // Broken off between two rows, with more certificates than rows.
    for cut in [40, 41, 100] {
        let rows: String = desk.read("out.csv").split_inclusive('\n').take(cut).collect();
        fs::write(desk.path("again.csv.partial"), rows + "7,").unwrap();
        let state = begun(&desk, &format!("{options} --proofs again --out again.csv"), "again.csv");
        fs::write(desk.path("again.csv.partial.json"), state).unwrap();
        fs::write(desk.path("again/certificates.jsonl.partial"), desk.read("whole/certificates.jsonl") + "{").unwrap();
        let output = desk.run(&format!("{options} --proofs again --out again.csv --resume"));
        assert!(output.status.success(), "{}", told(&output));
        assert_eq!(timeless(&desk.read("again.csv")), timeless(&desk.read("whole.csv")));
        assert_eq!(desk.read("again/certificates.jsonl"), desk.read("whole/certificates.jsonl"));
    }
}

#[test]
fn rows_and_certificates_that_are_not_those_of_the_run_are_refused() {
    let desk = Desk::new(60);
    let options = "inputs.npy --method closed-form,sharp --proofs proofs --out out.csv";
    assert!(desk.run(options).status.success());
    let (rows, certificates) = (desk.read("out.csv"), desk.read("proofs/certificates.jsonl"));
    fs::write(desk.path("out.csv.partial"), &rows).unwrap();
    let state = begun(&desk, options, "out.csv");
    let lines: Vec<&str> = rows.split_inclusive('\n').collect();
    let without = |k: usize| [&lines[..k], &lines[k + 1..]].concat().concat();
    let twice = [&lines[..9], &lines[3..]].concat().concat();
    let fewer: String = certificates.split_inclusive('\n').skip(1).collect();
    for (rows, certificates, word) in [
        (without(40), &certificates, "row 40: expected input"),
        (twice, &certificates, "expected input"),
        (rows.replace(",linf,", ",l2,"), &certificates, "linf"),
        (rows.clone(), &fewer, "certificates, as the rows have"),
        (rows.clone(), &String::new(), "certificates, as the rows have"),
    ] {
        fs::write(desk.path("out.csv.partial"), &rows).unwrap();
        fs::write(desk.path("out.csv.partial.json"), &state).unwrap();
        fs::write(desk.path("proofs/certificates.jsonl.partial"), certificates).unwrap();
        let output = desk.run(&format!("{options} --resume"));
        assert_eq!(output.status.code(), Some(2));
        assert!(told(&output).contains(word) && told(&output).contains("begins anew"), "{}", told(&output));
    }
    // Broken off when the certificates had their name and the rows had not.
    fs::write(desk.path("out.csv.partial"), &rows).unwrap();
    let _ = fs::remove_file(desk.path("proofs/certificates.jsonl.partial"));
    let output = desk.run(&format!("{options} --resume"));
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(desk.read("proofs/certificates.jsonl"), certificates);
    assert_eq!(desk.read("out.csv"), rows, "nothing was left to be answered");
    // A run that nobody asks to go on says what it gives up.
    fs::write(desk.path("out.csv.partial"), &rows).unwrap();
    let output = desk.run(options);
    assert!(told(&output).contains("out.csv.partial is begun anew"), "{}", told(&output));
}

#[test]
fn nobody_needs_to_hear_what_is_said() {
    let desk = Desk::new(30);
    for arguments in ["inputs.npy --proofs proofs --out out.csv", "absent.npy"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let Ok(full) = full else { return };
        let code = desk.command(arguments).stderr(full).status().unwrap().code();
        assert_eq!(code, Some(if arguments.starts_with("absent") { 2 } else { 0 }), "{arguments}");
    }
    assert!(desk.path("proofs/run.json").exists() && desk.path("out.csv").exists());
}

/// What a run says of itself beside its rows; the rows that lie there already stay.
fn begun(desk: &Desk, arguments: &str, out: &str) -> String {
    let partial = desk.path(&format!("{out}.partial"));
    let rows = fs::read(&partial).unwrap();
    let state = desk.path(&format!("{out}.partial.json"));
    // It is there as long as the run.
    for _ in 0..100 {
        let mut child = desk.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut text = String::new();
        while text.is_empty() && child.try_wait().unwrap().is_none() {
            text = fs::read_to_string(&state).unwrap_or_default();
        }
        assert!(child.wait().unwrap().success());
        if text.ends_with("]\n") {
            fs::write(&partial, rows).unwrap();
            return text;
        }
    }
    panic!("the run was always over before it could be seen");
}

#[test]
fn only_the_same_run_is_gone_on_with() {
    let desk = Desk::new(400);
    let options = "inputs.npy --norm l2 --method smoothing --samples 3000 --out out.csv";
    kill_beyond(desk.command(options).spawn().unwrap(), &desk.path("out.csv.partial"), 0);
    let rows = desk.read("out.csv.partial");
    assert!(rows.lines().count() > 1 && !desk.path("out.csv").exists());
    desk.inputs("others.npy", 399);
    for (arguments, word) in [
        (options.replace("--norm l2", "--norm l1"), "--norm"),
        (options.replace("3000", "3001"), "--samples: 3000, now 3001"),
        (options.replace("smoothing", "smoothing,sharp"), "--method"),
        (format!("{options} --box -9,9"), "--box"),
        (format!("{options} --limit 200"), "--limit: none, now 200"),
        (options.replace("inputs.npy", "others.npy"), "SHA-256 of others.npy"),
    ] {
        let output = desk.run(&format!("{arguments} --resume"));
        assert_eq!(output.status.code(), Some(2));
        let told = told(&output);
        assert!(told.contains("out.csv.partial") && told.contains(word) && told.contains("begins anew"), "{told}");
        assert_eq!(desk.read("out.csv.partial"), rows, "{arguments}");
    }
    fs::remove_file(desk.path("out.csv.partial.json")).unwrap();
    assert!(told(&desk.run(&format!("{options} --resume"))).contains("out.csv.partial.json"));
    for arguments in ["inputs.npy --resume", "inputs.npy --out - --resume", "inputs.npy --out /dev/stdout --resume"] {
        assert_eq!(desk.run(arguments).status.code(), Some(2), "{arguments}");
    }
    // What cannot be gone on with is begun: there is nothing, or nobody asks for it.
    assert!(desk.run("inputs.npy --out new.csv --resume").status.success());
    assert!(desk.run("inputs.npy --out out.csv").status.success());
    assert_eq!(timeless(&desk.read("new.csv")), timeless(&desk.read("out.csv")));
}

#[test]
fn rows_come_on_a_pipe_before_the_last_input_is_answered() {
    let desk = Desk::new(3000);
    let mut child = desk.command("inputs.npy --method smoothing --samples 3000").spawn().unwrap();
    let rows: Vec<String> = BufReader::new(child.stdout.take().unwrap()).lines().take(4).map(Result::unwrap).collect();
    assert!(rows[0].starts_with("input,label,") && rows[3].starts_with("0,"), "{rows:?}");
    assert!(child.try_wait().unwrap().is_none(), "it was over before the first row was read");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_clock_ends_a_run_that_can_go_on() {
    let desk = Desk::new(400);
    let options = "inputs.npy --norm l2 --method smoothing --samples 3000";
    let whole = desk.run(options);
    // As much time as it takes to answer something, whatever the machine is like.
    let mut seconds = 0.02;
    while !desk.path("out.csv.partial").exists() {
        let output = desk.run(&format!("{options} --out out.csv --total-time {seconds}"));
        let words = told(&output);
        assert_eq!(output.status.code(), Some(3), "{words}");
        assert!(
            words.contains(&format!("--total-time {seconds} is over")) && words.contains("of 400 inputs"),
            "{words}"
        );
        assert!(!desk.path("out.csv").exists());
        seconds *= 1.25;
    }
    let output = desk.run(&format!("{options} --out out.csv --resume --total-time 600"));
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(timeless(&desk.read("out.csv")), timeless(&String::from_utf8(whole.stdout).unwrap()));
}

#[test]
fn neither_threads_nor_other_methods_change_a_row() {
    let desk = Desk::new(230);
    let rows = |options: &str| String::from_utf8(desk.run(&format!("inputs.npy {options}")).stdout).unwrap();
    let one = timeless(&rows("--method closed-form,sharp,ibp --threads 1"));
    for threads in [2, 3, 8] {
        assert_eq!(timeless(&rows(&format!("--method closed-form,sharp,ibp --threads {threads}"))), one);
    }
    for method in ["closed-form", "sharp"] {
        let alone = timeless(&rows(&format!("--method {method}")));
        let among: Vec<&String> = one.iter().filter(|row| row.contains(&format!(",{method},"))).collect();
        assert_eq!(alone[1..].iter().collect::<Vec<_>>(), among);
    }
}

#[test]
fn behind_the_limit_nothing_is_looked_at() {
    let desk = Desk::new(50);
    let path = desk.path("inputs.npy");
    let first = desk.run("inputs.npy --limit 7 --method closed-form");
    // The eighth sample is none, and the end of the file is missing.
    let mut bytes = fs::read(&path).unwrap();
    let start = bytes.len() - 50 * D * 4;
    bytes[start + 7 * D * 4..].iter_mut().take(4).for_each(|byte| *byte = 0xff);
    fs::write(&path, &bytes[..start + 9 * D * 4]).unwrap();
    let again = desk.run("inputs.npy --limit 7 --method closed-form");
    assert!(again.status.success(), "{}", told(&again));
    let rows = |output: Output| timeless(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(rows(again), rows(first));
    for (limit, words) in [("--limit 8", "finite number"), ("", "input")] {
        let output = desk.run(&format!("inputs.npy {limit}"));
        assert!(output.status.code() == Some(2) && told(&output).contains(words), "{}", told(&output));
    }
}

#[test]
fn a_reader_that_stops_ends_the_program_quietly() {
    let desk = Desk::new(200);
    assert!(desk.run("inputs.npy --method closed-form --proofs proofs").status.success());
    let files = "inputs.npy proofs/certificates.jsonl";
    let mut checker = Command::new(env!("CARGO_BIN_EXE_underplane-check"));
    checker.current_dir(desk.0.path()).arg("model.onnx").args(files.split_whitespace()).stderr(Stdio::piped());
    let mut operators = Command::new(env!("CARGO_BIN_EXE_underplane"));
    operators.arg("operators").stderr(Stdio::piped());
    let others =
        [desk.command("inputs.npy"), desk.program("check", files), desk.program("check", &format!("--fast {files}"))];
    for mut command in others.into_iter().chain([checker, operators]) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), told(&output)), (Some(141), String::new()), "{command:?}");
    }
}
