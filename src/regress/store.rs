//! What is stored about an entry of verified radii (`proofs-data/STORE.md`): rows, and one certificate for each.
//!
//! A store is believed as little as a certificate is: what is not just as it must be is a fault, in words, of a row.

use crate::proof::{Prover, distance, exact};
use crate::query::Ranges;
use crate::radius::Radius;
use crate::regress::files::Files;
use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;
use underplane_kernel::{StatedBox, Statement};

/// The first line of a table.
pub const HEADER: &str = "input,norm,method,lower,upper";

/// A verified radius.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// Index of the input.
    pub input: String,
    /// l1, l2, linf, lp:P.
    pub norm: String,
    /// As on the command line.
    pub method: String,
    /// The proven radius, or `unbounded`.
    pub lower: String,
    /// The proven upper side, or nothing.
    pub upper: String,
}

impl Verified {
    /// The proven radius; nothing where it is not written as it must be.
    pub fn radius(&self) -> Option<f64> {
        match self.lower.as_str() {
            "unbounded" => Some(f64::INFINITY),
            text => float(text),
        }
    }

    /// Whose radius it is.
    pub fn key(&self) -> [&str; 3] {
        [&self.input, &self.norm, &self.method]
    }
}

/// A finite float ≥ 0.
fn float(text: &str) -> Option<f64> {
    let plain = |c: char| c.is_ascii_digit() || ".e-".contains(c);
    let value: f64 = text.parse().ok()?;
    (text.chars().all(plain) && !text.starts_with('-') && value.is_finite()).then_some(value)
}

/// A radius that the kernel has accepted, as it is stored.
#[derive(Clone, Debug)]
pub struct Proven {
    /// Its row.
    pub row: Verified,
    /// Its certificate, a line.
    pub certificate: String,
}

/// A row as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it says; fields that are missing are empty.
    pub row: Verified,
    /// The certificate that belongs to it.
    pub certificate: String,
    /// Why it does not count.
    pub fault: Option<Fault>,
}

/// Why a row does not count.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Whether it is in order, but nobody asks for it.
    pub unasked: bool,
    /// What is wrong, and where.
    pub words: String,
}

/// What a definition asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// How many inputs, from the first one.
    pub count: usize,
    /// As they are printed.
    pub norms: &'a [String],
    /// As on the command line.
    pub methods: &'a [String],
}

/// Reads the rows and certificates of an entry; none where it was never blessed.
///
/// # Errors
/// When a file cannot be read at all.
pub fn read(folder: &Path, name: &str, asked: Asked) -> Result<Vec<Stored>> {
    let (table, certificates) = (format!("{name}.csv"), format!("{name}.jsonl"));
    let (rows, lines) = match (text(&folder.join(&table))?, text(&folder.join(&certificates))?) {
        (None, None) => return Ok(Vec::new()),
        (None, Some(_)) => return Ok(vec![broken(format!("{table} is missing, and {certificates} is there"))]),
        (Some(rows), lines) => (rows, lines.unwrap_or_default()),
    };
    let (mut rows, mut lines) = (rows.lines(), lines.lines().enumerate());
    let mut all = Vec::new();
    let header = rows.next().unwrap_or_default();
    if header != HEADER {
        all.push(broken(format!("{table} line 1: expected `{HEADER}`, found `{}`", header.escape_debug())));
    }
    let mut before: HashMap<[String; 3], usize> = HashMap::new();
    for (i, text) in rows.enumerate() {
        let (row, number) = (row(text), i + 2);
        let mut fault = row.fault(text, asked);
        let first = *before.entry(row.key().map(String::from)).or_insert(number);
        if first != number {
            let words = format!("a second row for this input, norm and method, the first one is line {first}");
            fault = Some(Fault { unasked: false, words });
        }
        let certificate = lines.next().map(|(_, line)| line.to_string());
        if certificate.is_none() {
            let words = format!("its certificate is missing, {certificates} has no line {}", i + 1);
            fault.get_or_insert(Fault { unasked: false, words });
        }
        let fault = fault.map(|f| Fault { words: format!("{table} line {number}: {}", f.words), ..f });
        all.push(Stored { row, certificate: certificate.unwrap_or_default(), fault });
    }
    let extra = |i: usize| broken(format!("{certificates} line {}: a certificate without a row in {table}", i + 1));
    all.extend(lines.map(|(i, _)| extra(i)));
    Ok(all)
}

/// What the files of an entry were known by when it was blessed; nothing where that was not stored.
///
/// # Errors
/// When the file cannot be read at all; inside, what is wrong with it.
pub fn files(folder: &Path, name: &str) -> Result<Result<Files, String>> {
    let Some(text) = text(&folder.join(format!("{name}.json")))? else { return Ok(Ok(Files::default())) };
    Ok(serde_json::from_str(&text).map_err(|error| format!("{name}.json: expected names and SHA-256, found {error}")))
}

/// A file's text, if there is such a file.
fn text(path: &Path) -> Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| path.display().to_string()),
    }
}

/// What is wrong with a file, beside its rows.
pub fn broken(words: String) -> Stored {
    Stored { row: row(""), certificate: String::new(), fault: Some(Fault { unasked: false, words }) }
}

/// One line of a table.
fn row(text: &str) -> Verified {
    let mut fields = text.split(',').map(String::from);
    let [input, norm, method, lower, upper] = std::array::from_fn(|_| fields.next().unwrap_or_default());
    Verified { input, norm, method, lower, upper }
}

impl Verified {
    /// Why this row, written as `text`, does not count.
    fn fault(&self, text: &str, asked: Asked) -> Option<Fault> {
        let broken = |words: String| Some(Fault { unasked: false, words });
        let unasked = |what: &str, found: &str, all: String| {
            let words =
                format!("verified.toml does not ask for it: {what} `{found}`, expected {all}; --bless drops it");
            Some(Fault { unasked: true, words })
        };
        let fields = text.split(',').count();
        let index = self.input.parse::<usize>().ok().filter(|i| i.to_string() == self.input);
        let number = "a decimal ≥ 0";
        if fields != 5 {
            return broken(format!("expected 5 fields, found {fields}"));
        }
        if index.is_none() {
            return broken(format!("`input`: expected an index, found `{}`", self.input));
        }
        if self.radius().is_none() {
            return broken(format!("`lower`: expected unbounded or {number}, found `{}`", self.lower));
        }
        if !self.upper.is_empty() && float(&self.upper).is_none() {
            return broken(format!("`upper`: expected nothing or {number}, found `{}`", self.upper));
        }
        if index >= Some(asked.count) {
            return unasked("input", &self.input, format!("one below {}", asked.count));
        }
        if !asked.norms.contains(&self.norm) {
            return unasked("norm", &self.norm, asked.norms.join(", "));
        }
        if !asked.methods.contains(&self.method) {
            return unasked("method", &self.method, asked.methods.join(", "));
        }
        None
    }
}

/// A row's certificate is valid, and says what the row says.
///
/// # Errors
/// When it is not, or does not, in words.
pub fn check(prover: &Prover, range: Option<Ranges>, stored: &Stored) -> Result<(), String> {
    let statement = prover.check(&stored.certificate).map_err(|r| format!("the certificate: {r}"))?;
    let found = differences(&statement, &stored.row, range.map(|ranges| prover.stated_box(ranges)).as_ref());
    if found.is_empty() { Ok(()) } else { Err(found.join("; ")) }
}

/// Everything in which they differ.
fn differences(statement: &Statement, row: &Verified, range: Option<&StatedBox>) -> Vec<String> {
    let stated = |end: &str| exact(end).map_or(end.to_string(), distance);
    let words = |range: Option<&StatedBox>| match range {
        None => "none".into(),
        Some(StatedBox::Ends(low, high)) => format!("{},{}", stated(low), stated(high)),
        Some(file) => file.to_string(),
    };
    let (wanted, found) = (words(range), words(statement.range.as_ref()));
    // A row has the shortest decimal of the very float that the certificate states.
    let shortest = |text: &str| match text {
        "unbounded" => Some("unbounded".into()),
        text => exact(text).map(|value| Radius::new(value).to_string()),
    };
    let same = |stated: &Option<String>, row: &str| match stated {
        None => row.is_empty(),
        Some(text) => shortest(text).is_some_and(|text| text == row),
    };
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    let upper = if row.upper.is_empty() { "none" } else { &row.upper };
    let ball = if statement.open { "open" } else { "closed" };
    [
        ("input", statement.input.to_string() == row.input, statement.input.to_string(), row.input.as_str()),
        ("norm", statement.norm == row.norm, statement.norm.clone(), &row.norm),
        ("box", found == wanted, found, &wanted),
        ("ball", !statement.open, ball.into(), "closed"),
        ("radius", same(&statement.radius, &row.lower), shown(&statement.radius), &row.lower),
        ("upper", same(&statement.upper, &row.upper), shown(&statement.upper), upper),
    ]
    .into_iter()
    .filter(|(_, same, ..)| !same)
    .map(|(what, _, certificate, row)| format!("{what}: the certificate says {certificate}, the row {row}"))
    .collect()
}

/// Tables of verified radii in `folder` that are none of `names`.
///
/// # Errors
/// When the folder cannot be listed.
pub fn strays(folder: &Path, names: &[&str]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_none_or(|e| e != "csv") || names.contains(&name.as_str()) {
            continue;
        }
        if text(&path).is_ok_and(|text| text.is_some_and(|text| text.lines().next() == Some(HEADER))) {
            found.push(name);
        }
    }
    found.sort_unstable();
    Ok(found)
}
