//! `underplane-check`: replays certificates. Nothing but this crate and the two that it needs is built for it.

use crate::{Class, Logit, Uint8, driver};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: underplane-check [OPTIONS] MODEL.onnx INPUTS.npy CERTIFICATES.jsonl

Replays every certificate (proofs-data/FORMAT.md) in exact arithmetic and prints one CSV row for each.

  --sensitive positive|negative|K    which class is sensitive (default: positive): the sign of the one output, or the
                                     index of one of several, counted from 0
  --output NAME                      which output, where the model has several
  --threshold T                      what is taken off the logit (the nearest binary32)
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
    let mut logit = Logit::from(Class::Positive);
    let (mut weights, mut uint8, mut flatten, mut follow_links) = (None, None, false, false);
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(USAGE);
        match argument.to_str() {
            Some("--sensitive") => logit.class = value()?.to_string_lossy().parse()?,
            Some("--output") => logit.output = Some(value()?.to_str().ok_or(USAGE)?.into()),
            Some("--threshold") => logit.threshold = Some(value()?.to_string_lossy().parse()?),
            Some("--weights") => weights = Some(Path::new(value()?)),
            Some("--uint8") => uint8 = Some(value()?.to_string_lossy().parse::<Uint8>()?),
            Some("--flatten") => flatten = true,
            Some("--follow-links") => follow_links = true,
            Some(option) if option.starts_with('-') => return Err(format!("unknown option `{option}`\n{USAGE}")),
            _ => files.push(Path::new(argument)),
        }
    }
    let [model, inputs, certificates] = files[..] else { return Err(USAGE.into()) };
    let options = driver::Options { logit: &logit, weights, uint8, flatten, follow_links };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let summary =
        driver::run_with(driver::Files { model, inputs, certificates }, options, &mut out, &mut |_, _, _| None)?;
    out.flush().map_err(|e| format!("writing the answers: {e}"))?;
    eprintln!("{} valid, {} invalid", summary.valid, summary.invalid);
    Ok(ExitCode::from(u8::from(summary.invalid > 0)))
}
