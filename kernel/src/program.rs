//! `underplane-check`: replays certificates. Nothing but this crate and the two that it needs is built for it.

use crate::{Class, Uint8, driver};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: underplane-check [OPTIONS] MODEL.onnx INPUTS.npy CERTIFICATES.jsonl

Replays every certificate (proofs-data/FORMAT.md) in exact arithmetic and prints one CSV row for each.

  --sensitive positive|negative|0|1  which output is the sensitive class (default: positive)
  --weights WEIGHTS.npy              the weights of the norms
  --uint8 unit|raw                   what a byte k among the inputs means: k/255 or k itself (default: unit, unless the
                                     largest is 1)
  --flatten                          inputs (and weights) of another shape are the model's as they stand
  --follow-links                     numbers of the model are read through links out of its folder, too

Exit codes: 0 all valid, 1 something invalid, 2 usage or unreadable files.";

/// The whole program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
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

fn run(arguments: &[OsString]) -> Result<ExitCode, String> {
    let mut options =
        driver::Options { class: Class::Positive, weights: None, uint8: None, flatten: false, follow_links: false };
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("--sensitive") => options.class = rest.next().ok_or(USAGE)?.to_string_lossy().parse()?,
            Some("--weights") => options.weights = Some(Path::new(rest.next().ok_or(USAGE)?)),
            Some("--uint8") => options.uint8 = Some(rest.next().ok_or(USAGE)?.to_string_lossy().parse::<Uint8>()?),
            Some("--flatten") => options.flatten = true,
            Some("--follow-links") => options.follow_links = true,
            Some(option) if option.starts_with('-') => return Err(format!("unknown option `{option}`\n{USAGE}")),
            _ => files.push(Path::new(argument)),
        }
    }
    let [model, inputs, certificates] = files[..] else { return Err(USAGE.into()) };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let summary =
        driver::run_with(driver::Files { model, inputs, certificates }, options, &mut out, &mut |_, _, _| None)?;
    out.flush().map_err(|e| format!("writing the answers: {e}"))?;
    eprintln!("{} valid, {} invalid", summary.valid, summary.invalid);
    Ok(ExitCode::from(u8::from(summary.invalid > 0)))
}
