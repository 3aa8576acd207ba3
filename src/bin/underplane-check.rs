//! `underplane-check`: replays certificates. Its build holds the trusted kernel and the two crates that it needs.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use underplane::kernel::{Class, front};

const USAGE: &str =
    "usage: underplane-check [--sensitive positive|negative|0|1] [--weights WEIGHTS.npy] MODEL.onnx INPUTS.npy CERTIFICATES.jsonl

Replays every certificate (proofs-data/FORMAT.md) in exact arithmetic and prints one CSV row for each.
Exit codes: 0 all valid, 1 something invalid, 2 usage or unreadable files.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (mut class, mut weights) = (Class::Positive, None);
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--sensitive" => class = rest.next().ok_or(USAGE)?.parse()?,
            "--weights" => weights = Some(Path::new(rest.next().ok_or(USAGE)?)),
            option if option.starts_with('-') => return Err(format!("unknown option `{option}`\n{USAGE}")),
            file => files.push(Path::new(file)),
        }
    }
    let [model, inputs, certificates] = files[..] else { return Err(USAGE.into()) };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let summary = front::run_with((model, inputs, certificates), (class, weights), &mut out, &mut |_| None)?;
    out.flush().map_err(|e| format!("writing the answers: {e}"))?;
    eprintln!("{} valid, {} invalid", summary.valid, summary.invalid);
    Ok(ExitCode::from(u8::from(summary.invalid > 0)))
}
