//! Raw records of a run over several models: what reports are generated from, and from nothing else.

use super::answer::{Detail, Status};
use super::rows::{self, Row};
use crate::data::DataError;
use crate::data::error::Place;
use crate::radius::{Guarantee, Subject};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The finder of witnesses that is no method.
pub const ATTACK: &str = "attack";

/// One line: (model, input, norm, method). The columns behind `model` are those of [`Row`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Record {
    /// The model's short name.
    pub model: String,
    /// Index of the input in its file, from 0.
    pub input: usize,
    /// The label that came with it, or empty.
    pub label: String,
    /// f(x), rounded to nearest.
    pub logit: f64,
    /// l1, l2, linf, lp:P.
    pub norm: String,
    /// As on the command line.
    pub method: String,
    /// base or smoothed.
    pub subject: Subject,
    /// Digits that read back as the same `f64`, or `unbounded`, or empty.
    pub radius: String,
    /// Distance of the nearest verified witness of this (model, input, norm), or empty.
    pub upper: String,
    /// exact, sound, probabilistic.
    pub guarantee: Guarantee,
    /// certified, not-sensitive, abstain, unknown.
    pub status: Status,
    /// Seconds of one thread.
    pub seconds: f64,
    /// The reason, or the settings.
    pub detail: Detail,
    /// What the kernel said of the radius.
    #[serde(default)]
    pub proof: Replay,
}

/// Whether the kernel has replayed a radius's evidence.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Replay {
    /// There was no radius or no evidence, or a witness had refuted it before.
    #[default]
    #[serde(rename = "")]
    Nothing,
    /// A certificate was accepted.
    #[serde(rename = "accepted")]
    Accepted,
    /// It was refused; `detail` says why, and the status is unknown.
    #[serde(rename = "refused")]
    Refused,
}

/// One verified point with f ≤ 0, by what found it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Found {
    /// The model's short name.
    pub model: String,
    /// Index of the input in its file, from 0.
    pub input: usize,
    /// The norm that measures the distance.
    pub norm: String,
    /// What found it: [`ATTACK`], or a method.
    pub finder: String,
    /// Distance from the input, rounded up; empty when nothing was found.
    pub distance: Option<f64>,
    /// Seconds of one thread that the search took, beyond a method's own time.
    pub seconds: f64,
    /// What moves, in the words of the table that the input is a row of; empty for other inputs.
    #[serde(default)]
    pub change: String,
}

impl Found {
    /// The columns, in order.
    pub const COLUMNS: [&str; 7] = ["model", "input", "norm", "finder", "distance", "seconds", "change"];
}

impl Record {
    /// The columns, in order.
    pub const COLUMNS: [&str; 14] = {
        let mut all = ["model"; 14];
        let mut i = 0;
        while i < rows::COLUMNS.len() {
            all[i + 1] = rows::COLUMNS[i];
            i += 1;
        }
        all[13] = "proof";
        all
    };

    /// A row of `model`.
    pub fn new(model: &str, row: Row) -> Record {
        Record {
            model: model.into(),
            input: row.input,
            label: row.label,
            logit: row.logit,
            norm: row.norm,
            method: row.method.into(),
            subject: row.subject,
            radius: row.radius,
            upper: row.upper,
            guarantee: row.guarantee,
            status: row.status,
            seconds: row.seconds,
            detail: row.detail,
            proof: Replay::Nothing,
        }
    }

    /// The certified radius, infinite where it is unbounded.
    pub fn certified(&self) -> Option<f64> {
        match (self.status, self.radius.as_str()) {
            (Status::Certified, "unbounded") => Some(f64::INFINITY),
            (Status::Certified, radius) => radius.parse().ok().filter(|r: &f64| !r.is_nan()),
            _ => None,
        }
    }

    /// The witness's distance.
    pub fn witness(&self) -> Option<f64> {
        self.upper.parse().ok().filter(|d: &f64| !d.is_nan())
    }

    /// Speaks of the network itself, not of its smoothed version.
    pub fn is_base(&self) -> bool {
        self.subject == Subject::Base
    }

    /// Why the kernel refused the radius.
    pub fn refusal(&self) -> Option<&str> {
        match &self.detail {
            Detail::NotProven { reason, .. } if self.proof == Replay::Refused => Some(reason),
            _ => None,
        }
    }

    /// The method does not apply, and why.
    pub fn not_applicable(&self) -> Option<&str> {
        match &self.detail {
            Detail::NotApplicable(why) if self.status == Status::Unknown => Some(why),
            _ => None,
        }
    }
}

/// Records as they are read.
pub type Rows<T> = Box<dyn Iterator<Item = Result<T, DataError>>>;

/// Reads records back from CSV, one after the other.
///
/// # Errors
/// When the file cannot be read; each one's, when a line has other columns.
pub fn read_csv<T: DeserializeOwned + 'static>(path: &Path) -> Result<Rows<T>, DataError> {
    let file = std::fs::File::open(path).map_err(|source| DataError::File { path: path.into(), source })?;
    let place = path.to_path_buf();
    let one = move |row: Result<T, csv::Error>| {
        row.map_err(|error| {
            let line = error.position().map_or(1, csv::Position::line);
            DataError::content(&place, Place::Line(line), "a record", error.to_string())
        })
    };
    Ok(Box::new(csv::Reader::from_reader(file).into_deserialize().map(one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rows::write_csv;

    #[test]
    fn columns_are_those_that_are_written() {
        let (model, input, norm, finder) = ("m".to_string(), 0, "l2".to_string(), ATTACK.to_string());
        let found = {
            let (model, norm, change) = (model.clone(), norm.clone(), String::new());
            Found { model, input, norm, finder, distance: None, seconds: 0.0, change }
        };
        let record = Record {
            model,
            input,
            label: String::new(),
            logit: 1.0,
            norm,
            method: "sharp".into(),
            subject: Subject::Base,
            radius: String::new(),
            upper: String::new(),
            guarantee: Guarantee::Sound,
            status: Status::Unknown,
            seconds: 0.0,
            detail: Detail::Plain(String::new()),
            proof: Replay::Nothing,
        };
        let (mut records, mut witnesses) = (Vec::new(), Vec::new());
        write_csv(&[record], &mut records).unwrap();
        write_csv(&[found], &mut witnesses).unwrap();
        for (text, columns) in [(records, &Record::COLUMNS[..]), (witnesses, &Found::COLUMNS)] {
            assert_eq!(String::from_utf8(text).unwrap().lines().next(), Some(columns.join(",").as_str()));
        }
    }
}
