//! The lines of a separation certificate (FORMAT.md, "Separation").

use crate::budget;
use crate::evidence::json;
use crate::evidence::object::Object;
use crate::number::exact::Exact;
use crate::rejection::{Code, Rejection};
use crate::text;
use dashu_int::IBig;

/// One line.
#[derive(Clone, Debug)]
pub enum Line {
    /// What the file is about: digests of the two files.
    Header { sensitive: String, other: String },
    /// a·x > t separates.
    Hyperplane(Hyperplane),
    /// A mean of other points.
    Combination(Combination),
}

/// Coefficients and a threshold, dyadic.
#[derive(Clone, Debug)]
pub struct Hyperplane {
    pub coefficients: Vec<Exact>,
    pub threshold: Exact,
}

/// Other points, each with an integer weight ≥ 0.
#[derive(Clone, Debug)]
pub struct Combination {
    pub point: usize,
    pub of: Vec<usize>,
    pub weights: Vec<IBig>,
}

/// Reads a line.
pub fn read(line: &str) -> Result<Line, Rejection> {
    budget::within("line", "bytes", line.len() as u64, budget::LINE_BYTES)?;
    let mut object = Object::of(json::read(line)?, "line")?;
    let read = if let Some(version) = object.text("separation")? {
        if version != "1" {
            return Err(Rejection::new(Code::Version, "separation", "1", version.escape_debug().to_string()));
        }
        let mut digest = |role: &'static str| text::digest(role, &object.required(role)?);
        Line::Header { sensitive: digest("sensitive")?, other: digest("other")? }
    } else if let Some(point) = object.text("inside")? {
        let (of, weights) = (object.required("of")?, object.required("weights")?);
        let of = words("of", &of, |word| text::index("of", word))?;
        let weights = words("weights", &weights, natural)?;
        if of.len() != weights.len() {
            let expected = format!("{} weights, one per point", of.len());
            return Err(Rejection::new(Code::Length, "weights", expected, weights.len().to_string()));
        }
        Line::Combination(Combination { point: text::index("inside", &point)?, of, weights })
    } else {
        let coefficients = object.required("coefficients")?;
        let coefficients = words("coefficients", &coefficients, |word| text::number("coefficients", word))?;
        Line::Hyperplane(Hyperplane {
            coefficients,
            threshold: text::number("threshold", &object.required("threshold")?)?,
        })
    };
    object.finish()?;
    Ok(read)
}

/// The words of a text with one space between them.
fn words<T>(place: &'static str, text: &str, read: impl Fn(&str) -> Result<T, Rejection>) -> Result<Vec<T>, Rejection> {
    let count = text.bytes().filter(|&b| b == b' ').count() as u64;
    budget::within(place, "words", count, budget::ENTRIES)?;
    text.split(' ').map(read).collect()
}

/// An integer ≥ 0.
fn natural(word: &str) -> Result<IBig, Rejection> {
    match text::decimal("weights", word)? {
        (value, 0) if value >= IBig::ZERO => Ok(value),
        _ => Err(Rejection::new(Code::Number, "weights", "an integer ≥ 0", word.escape_debug().to_string())),
    }
}
