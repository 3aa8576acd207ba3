//! Checking whole files: one row of CSV per line of a separation certificate, or per class of points.

use super::{Accuracy, Points, Proven, Separation, Tally, count};
use crate::budget;
use crate::driver::{Failure, each_line, read};
use crate::{Folder, Inputs, Logit, Model, Place, Rejection, Uint8};
use std::fmt;
use std::io::Write;
use std::path::Path;

/// What is checked, and against what.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The points of the sensitive class.
    pub sensitive: &'a Path,
    /// The points of the other class.
    pub other: &'a Path,
    /// One header, hyperplane or combination per line.
    pub certificate: &'a Path,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Of the sensitive points.
    pub tally: Tally,
    /// Those of which nothing has been proven.
    pub open: Vec<usize>,
    /// Hyperplanes that are valid.
    pub hyperplanes: usize,
    /// Lines that are not.
    pub invalid: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { tally, hyperplanes, invalid, .. } = *self;
        let Tally { points, others, outside, inside } = tally;
        let planes = if hyperplanes == 1 { "hyperplane" } else { "hyperplanes" };
        write!(
            f,
            "of {points} sensitive points {outside} lie outside the convex hull of {others} others ({hyperplanes} \
             {planes}), {inside} inside, {} open; {invalid} invalid lines",
            tally.open()
        )
    }
}

/// The first line of the answers.
pub const HEADER: &str = "line,kind,point,beyond,new,verdict,code,detail";

/// Checks every line of a certificate, and writes one row per line to `out`.
///
/// # Errors
/// When a file cannot be read, or the answers cannot be written.
pub fn run(files: Files, out: &mut dyn Write) -> Result<Summary, Failure> {
    let mut separation = Separation::new(points(files.sensitive)?, points(files.other)?)?;
    writeln!(out, "{HEADER}").map_err(Failure::Output)?;
    let (mut hyperplanes, mut invalid) = (0, 0);
    each_line(files.certificate, &mut |number, line| {
        let answer = separation.check(number, line);
        hyperplanes += usize::from(matches!(answer, Ok(Proven::Hyperplane { .. })));
        invalid += usize::from(answer.is_err());
        writeln!(out, "{}", row(number, &answer)).map_err(Failure::Output)
    })?;
    out.flush().map_err(Failure::Output)?;
    Ok(Summary { tally: separation.tally(), open: separation.open(), hyperplanes, invalid })
}

fn row(number: u64, answer: &Result<Proven, Rejection>) -> String {
    match answer {
        Ok(Proven::Header) => format!("{number},header,,,,valid,,"),
        Ok(Proven::Hyperplane { beyond, new }) => format!("{number},hyperplane,,{beyond},{new},valid,,"),
        Ok(Proven::Inside(point)) => format!("{number},combination,{point},,,valid,,"),
        Err(r) => {
            let detail = format!("{}: expected {}, found {}", r.place, r.expected, r.found).replace('"', "\"\"");
            format!("{number},,,,,invalid,{},\"{detail}\"", r.code)
        }
    }
}

/// Reads a file of points.
///
/// # Errors
/// When it cannot be read, or is no .npy file of float32 or uint8.
pub fn points(path: &Path) -> Result<Points, Failure> {
    let points = Points::read(&read(path, budget::INPUTS_BYTES)?);
    points.map_err(|why| Failure::Input(format!("{}: {why}", path.display())))
}

/// A model, and how it and its inputs are read.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// What f is, of the model's outputs.
    pub logit: &'a Logit,
    /// What bytes as inputs mean.
    pub uint8: Option<Uint8>,
    /// Whether points of another shape are the model's inputs as they stand.
    pub flatten: bool,
    /// Whether the model's numbers are read through links out of its folder.
    pub follow_links: bool,
}

/// How many points of the sensitive class, and how many of the other one, a model classifies correctly.
///
/// # Errors
/// When a file cannot be read, or the points are no inputs of the model.
pub fn accuracy(model: &Path, classes: [&Path; 2], options: Options) -> Result<[Accuracy; 2], Failure> {
    let at = |path: &Path, why: Rejection| Failure::Input(format!("{}: {why}", path.display()));
    let folder = Folder::of(model, options.follow_links);
    let files = |place: Place| folder.bytes(place);
    let bytes = read(model, budget::MODEL_BYTES)?;
    let network = Model::read_with(&bytes, &files, options.logit.clone()).map_err(|why| at(model, why))?;
    let counted = |path: &Path, is_sensitive| {
        let mut points =
            Inputs::read_as(&read(path, budget::INPUTS_BYTES)?, options.uint8).map_err(|why| at(path, why))?;
        if options.flatten {
            points = points.flattened();
        }
        points.check_shape(network.input_shape()).map_err(|why| at(path, why))?;
        count(&network, &points, is_sensitive).map_err(|why| at(path, why))
    };
    Ok([counted(classes[0], true)?, counted(classes[1], false)?])
}

/// Writes the counts as CSV.
///
/// # Errors
/// When they cannot be written.
pub fn write_accuracy(classes: &[Accuracy; 2], out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "class,points,right")?;
    let [sensitive, other] = classes;
    for (class, Accuracy { points, right }) in [("sensitive", sensitive), ("other", other)] {
        writeln!(out, "{class},{points},{right}")?;
    }
    out.flush()
}
