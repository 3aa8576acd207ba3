//! A folder of its own in which the two programs run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use testing::naive_proofs::npy;

pub struct Desk(TempDir);

impl Desk {
    /// With the input (1, 2) on it, as x.npy.
    pub fn new() -> Desk {
        let desk = Desk(TempDir::new().unwrap());
        fs::write(desk.at("x.npy"), npy(&[1.0, 2.0])).unwrap();
        desk
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exit code, standard output, standard error.
    pub fn run(&self, program: &str, words: &str) -> (i32, String, String) {
        let own = env!("CARGO_BIN_EXE_underplane");
        let path = if program == "underplane" { own } else { env!("CARGO_BIN_EXE_underplane-check") };
        let output = Command::new(path).args(words.split(' ')).current_dir(self.0.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Standard output.
    pub fn succeed(&self, program: &str, words: &str) -> String {
        let (code, out, told) = self.run(program, words);
        assert_eq!(code, 0, "{words}: {told}\n{out}");
        out
    }

    /// (logit, radius) of every norm for m.onnx, which both checkers have accepted, and what was said.
    pub fn proven(&self, options: &str) -> (Vec<(f64, f64)>, String) {
        let words = format!("certify m.onnx x.npy --norm l1,l2,linf --method sharp --proofs proofs {options}");
        let (code, rows, told) = self.run("underplane", &words);
        assert_eq!(code, 0, "{options}: {told}");
        let command = told.lines().find_map(|line| line.strip_prefix("check them: underplane ")).expect("a command");
        self.succeed("underplane", command);
        let out = self.succeed("underplane-check", command.strip_prefix("check ").expect("check"));
        assert!(out.lines().count() == 4, "{out}");
        let numbers = |row: &str| {
            let cells: Vec<&str> = row.split(',').collect();
            (cells[2].parse().expect("a logit"), cells[6].parse().expect("a radius"))
        };
        (rows.lines().skip(1).map(numbers).collect(), told)
    }
}

/// Whether the logit is that, and the radii are these.
pub fn near(found: &[(f64, f64)], logit: f64, radii: [f64; 3]) {
    for ((f, radius), expected) in found.iter().zip(radii) {
        assert!((f - logit).abs() < 1e-6 && (radius / expected - 1.0).abs() < 1e-6, "{found:?}");
    }
}
