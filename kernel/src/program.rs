//! `underplane-check`: replays certificates. Nothing but this crate and the two that it needs is built for it.

use crate::driver::Failure;
use crate::{Class, Logit, Threshold, Uint8, driver, separation};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: underplane-check [OPTIONS] MODEL.onnx INPUTS.npy CERTIFICATES.jsonl
       underplane-check --separation SENSITIVE.npy OTHER.npy CERTIFICATE.jsonl
       underplane-check --accuracy [OPTIONS] MODEL.onnx SENSITIVE.npy OTHER.npy

Replays every certificate (proofs-data/FORMAT.md) in exact arithmetic and prints one CSV row for each.

  --separation                       the certificate says which sensitive points lie outside the convex hull of the other
                                     class, and which inside
  --accuracy                         counts the points of each class that the model classifies correctly

  --sensitive positive|negative|K    which class is sensitive (default: positive): the sign of the one output, or the
                                     index of one of several, counted from 0
  --output NAME                      which output, where the model has several
  --threshold T                      what is taken off the logit (the nearest binary32)
  --probability P                    its logit ln(P/(1 - P)) is the threshold (the least binary32 not below it)
  --weights WEIGHTS.npy              the weights of the norms
  --box BOX.npy                      the box of certificates that name a file: lo and hi of every coordinate
  --uint8 unit|raw                   what a byte k among the inputs means: k/255 or k itself (default: unit, unless the
                                     largest is 1)
  --flatten                          inputs (weights, boxes) of another shape are the model's as they stand
  --follow-links                     numbers of the model are read through links out of its folder, too

  --version                          the version of this program

Exit codes: 0 all valid, 1 something invalid, 2 usage or unreadable files.";

/// What a program that SIGPIPE ends would exit with.
pub const CLOSED_PIPE: u8 = 141;

/// The whole program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        // Nobody may listen.
        let _ = writeln!(std::io::stdout(), "{USAGE}");
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|a| a == "--version" || a == "-V") {
        let _ = writeln!(std::io::stdout(), "underplane-check {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => ExitCode::from(CLOSED_PIPE),
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::from(2)
        }
    }
}

/// On stderr, where somebody listens.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn run(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let mut logit = Logit::from(Class::Positive);
    let mut mode = Mode::Certificates;
    let (mut weights, mut bounds, mut uint8, mut flatten, mut follow_links) = (None, None, None, false, false);
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| Failure::Input(USAGE.into()));
        match argument.to_str() {
            Some("--sensitive") => logit.class = value()?.to_string_lossy().parse()?,
            Some("--output") => logit.output = Some(value()?.to_str().ok_or_else(|| USAGE.to_string())?.into()),
            Some("--threshold" | "--probability") if logit.threshold.is_some() => {
                return Err(format!("expected one --threshold or --probability\n{USAGE}").into());
            }
            Some("--threshold") => logit.threshold = Some(value()?.to_string_lossy().parse()?),
            Some("--probability") => {
                let threshold = Threshold::of_probability(&value()?.to_string_lossy())?;
                say(&format!("note: --probability is --threshold {threshold}"));
                (logit.threshold, logit.of_probability) = (Some(threshold), true);
            }
            Some("--separation") => mode = Mode::Separation,
            Some("--accuracy") => mode = Mode::Accuracy,
            Some("--weights") => weights = Some(Path::new(value()?)),
            Some("--box") => bounds = Some(Path::new(value()?)),
            Some("--uint8") => uint8 = Some(value()?.to_string_lossy().parse::<Uint8>()?),
            Some("--flatten") => flatten = true,
            Some("--follow-links") => follow_links = true,
            Some(option) if option.starts_with('-') => return Err(format!("unknown option `{option}`\n{USAGE}").into()),
            _ => files.push(Path::new(argument)),
        }
    }
    let [first, second, third] = files[..] else { return Err(Failure::Input(USAGE.into())) };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let invalid = match mode {
        Mode::Certificates => {
            let options = driver::Options { logit: &logit, weights, bounds, uint8, flatten, follow_links };
            let files = driver::Files { model: first, inputs: second, certificates: third };
            let summary = driver::run_with(files, options, &mut out, &mut |_, _, _, _| None)?;
            say(&format!("{} valid, {} invalid", summary.valid, summary.invalid));
            summary.invalid
        }
        Mode::Separation => {
            let files = separation::driver::Files { sensitive: first, other: second, certificate: third };
            let summary = separation::driver::run(files, &mut out)?;
            say(&summary.to_string());
            summary.invalid
        }
        Mode::Accuracy => {
            let options = separation::driver::Options { logit: &logit, uint8, flatten, follow_links };
            let classes = separation::driver::accuracy(first, [second, third], options)?;
            separation::driver::write_accuracy(&classes, &mut out).map_err(Failure::Output)?;
            0
        }
    };
    Ok(ExitCode::from(u8::from(invalid > 0)))
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Mode {
    Certificates,
    Separation,
    Accuracy,
}
