//! Checking whole files: one answer per certificate, as CSV.

use crate::budget;
use crate::lines::check_against;
use crate::statement::StatedBox;
use crate::{Attacker, Bounds, Class, Folder, Inputs, Logit, Model, Place, Rejection, Statement, Uint8, Weights};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// How many certificates were valid and how many were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Accepted.
    pub valid: usize,
    /// Refused.
    pub invalid: usize,
}

/// What is checked, and against what.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The network.
    pub model: &'a Path,
    /// The samples.
    pub inputs: &'a Path,
    /// One certificate per line.
    pub certificates: &'a Path,
}

/// What the checker's user says beside the files, because it changes what certificates state.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// What f is, of the model's outputs.
    pub logit: &'a Logit,
    /// The file of the norms' weights.
    pub weights: Option<&'a Path>,
    /// The file of the box.
    pub bounds: Option<&'a Path>,
    /// What bytes as inputs mean.
    pub uint8: Option<Uint8>,
    /// Whether samples (weights and boxes, too) of another shape are the model's as they stand.
    pub flatten: bool,
    /// Whether the model's numbers are read through links out of its folder.
    pub follow_links: bool,
}

/// Why files were not checked to the end.
#[derive(Debug)]
pub enum Failure {
    /// A file cannot be read or is no model, inputs or text; the message names the file.
    Input(String),
    /// The answers cannot be written.
    Output(std::io::Error),
}

impl Failure {
    /// Whether somebody like `head` has stopped reading the answers.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Input(message) => f.write_str(message),
            Failure::Output(error) => write!(f, "writing the answers: {error}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Failure::Input(_) => None,
            Failure::Output(error) => Some(error),
        }
    }
}

impl From<Rejection> for Failure {
    fn from(why: Rejection) -> Failure {
        Failure::Input(why.to_string())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Input(message)
    }
}

/// The first line of the answers.
pub const HEADER: &str = "line,input,norm,box,ball,radius,upper,verdict,replay,code,detail";

/// Checks every line of `certificates` against `model` and `inputs`, and writes one row per certificate to `out`.
///
/// # Errors
/// When a file cannot be read, or the answers cannot be written.
pub fn run(
    model: &Path,
    inputs: &Path,
    certificates: &Path,
    class: Class,
    out: &mut dyn Write,
) -> Result<Summary, Failure> {
    let logit = &class.into();
    let options = Options { logit, weights: None, bounds: None, uint8: None, flatten: false, follow_links: false };
    run_with(Files { model, inputs, certificates }, options, out, &mut |_, _, _, _| None)
}

/// Answers a certificate about this model, these inputs and this attacker without a replay, or does not.
pub type Shortcut<'a> = &'a mut dyn FnMut(&Model, &Inputs, Attacker, &str) -> Option<Statement>;

/// The same with the options of the user; and a certificate that `shortcut` answers is not replayed here: its row says
/// `fast` then.
///
/// # Errors
/// As for [`run`].
pub fn run_with(files: Files, options: Options, out: &mut dyn Write, shortcut: Shortcut) -> Result<Summary, Failure> {
    let Files { model, inputs, certificates } = files;
    let at = |path: &Path, reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    let bytes = read(model, budget::MODEL_BYTES)?;
    let folder = Folder::of(model, options.follow_links);
    let files = |place: Place| folder.bytes(place);
    let network = Model::read_with(&bytes, &files, options.logit.clone()).map_err(|r| at(model, &r))?;
    drop(bytes);
    let mut samples =
        Inputs::read_as(&read(inputs, budget::INPUTS_BYTES)?, options.uint8).map_err(|r| at(inputs, &r))?;
    if options.flatten {
        samples = samples.flattened();
    }
    samples.check_shape(network.input_shape()).map_err(|r| at(inputs, &r))?;
    let weights = options.weights.map(|path| read_weights(path, &network, options.flatten)).transpose()?;
    let bounds = options.bounds.map(|path| read_bounds(path, &network, options.flatten)).transpose()?;
    let attacker = Attacker { weights: weights.as_ref(), bounds: bounds.as_ref() };
    writeln!(out, "{HEADER}").map_err(Failure::Output)?;
    let mut summary = Summary::default();
    each_line(certificates, &mut |number, line| {
        let (answer, replay) = match shortcut(&network, &samples, attacker, line) {
            Some(statement) => (Ok(statement), "fast"),
            None => (check_against(&network, &samples, attacker, line), "exact"),
        };
        if answer.is_ok() {
            summary.valid += 1
        } else {
            summary.invalid += 1
        }
        writeln!(out, "{}", row(number, &answer, replay)).map_err(Failure::Output)
    })?;
    out.flush().map_err(Failure::Output)?;
    Ok(summary)
}

/// Calls `check` for every line that is not empty, with its number from 1.
///
/// # Errors
/// When the file cannot be read or has no lines or too many, or `check` fails.
pub(crate) fn each_line(path: &Path, check: &mut dyn FnMut(u64, &str) -> Result<(), Failure>) -> Result<(), Failure> {
    let at = |reason: &dyn fmt::Display| format!("{}: {reason}", path.display());
    let mut lines = BufReader::new(File::open(path).map_err(|e| at(&e))?);
    let mut is_empty = true;
    for number in 1.. {
        let Some(line) = next_line(&mut lines).map_err(|e| at(&e))? else { break };
        if number > budget::LINES {
            return Err(at(&format!("expected at most {} lines", budget::LINES)).into());
        }
        if !line.trim().is_empty() {
            is_empty = false;
            check(number, &line)?;
        }
    }
    if is_empty { Err(at(&"expected certificates, found none").into()) } else { Ok(()) }
}

fn read_weights(path: &Path, network: &Model, flatten: bool) -> Result<Weights, String> {
    let at = |rejection: Rejection| format!("{}: {rejection}", path.display());
    let mut weights = Weights::read(&read(path, budget::INPUTS_BYTES)?).map_err(at)?;
    if flatten {
        weights = weights.flattened();
    }
    weights.check_shape(network.input_shape()).map_err(at)?;
    Ok(weights)
}

fn read_bounds(path: &Path, network: &Model, flatten: bool) -> Result<Bounds, String> {
    let at = |rejection: Rejection| format!("{}: {rejection}", path.display());
    let bytes = read(path, budget::INPUTS_BYTES).map_err(|why| match path.to_string_lossy().contains(',') {
        true => format!("{why}; a box LO,HI stands in the certificates: leave --box out"),
        false => why,
    })?;
    let mut bounds = Bounds::read(&bytes).map_err(at)?;
    if flatten {
        bounds = bounds.flattened();
    }
    bounds.check_shape(network.input_shape()).map_err(at)?;
    Ok(bounds)
}

/// The bytes of a file, one more than `most` at most.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let at = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let file = File::open(path).map_err(|e| at(&e))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|e| at(&e))?;
    Ok(bytes)
}

/// The next line, cut where it is longer than allowed (the check then refuses it); text that is no UTF-8 is replaced.
fn next_line(lines: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    lines.by_ref().take(budget::LINE_BYTES + 2).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() as u64 > budget::LINE_BYTES {
        skip_line(lines)?;
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn skip_line(lines: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = lines.fill_buf()?;
        let (used, done) = match buffer.iter().position(|&b| b == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        lines.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// One answer as a line of CSV.
pub fn row(number: u64, answer: &Result<Statement, Rejection>, replay: &str) -> String {
    match answer {
        Ok(s) => {
            let range = s.range.as_ref().map_or(String::new(), |range| match range {
                StatedBox::Ends(..) => format!("\"{range}\""),
                StatedBox::File(_) => range.to_string(),
            });
            let ball = if s.open { "open" } else { "closed" };
            let number_of = |text: &Option<String>| text.clone().unwrap_or_default();
            let (radius, upper) = (number_of(&s.radius), number_of(&s.upper));
            let weighted = s.weighted.then_some("weighted");
            let raw = (s.uint8 == Uint8::Raw).then_some("uint8 raw");
            let detail = [weighted, raw].into_iter().flatten().collect::<Vec<_>>().join("; ");
            format!("{number},{},{},{range},{ball},{radius},{upper},valid,{replay},,{detail}", s.input, s.norm)
        }
        Err(r) => {
            let detail = format!("{}: expected {}, found {}", r.place, r.expected, r.found).replace('"', "\"\"");
            format!("{number},,,,,,,invalid,{replay},{},\"{detail}\"", r.code)
        }
    }
}
