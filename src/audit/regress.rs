//! Regression on verified radii: what is stored against what today's code finds and proves.
//!
//! A folder holds `verified.toml`, which says what to certify, and per entry `NAME.csv` (input, norm, method, lower,
//! upper) with `NAME.jsonl`, whose line i is the certificate of row i.

use crate::data::Reading;
use crate::data::inputs::{InputOptions, read_inputs};
use crate::data::tasks::Header;
use crate::kernel::{self, check_line};
use crate::model::sensitive::{Sensitive, select};
use crate::model::{Model, onnx};
use crate::perturbation::{Norm, Perturbation, Range};
use crate::proof::{KernelInputs, Prover, Wanted};
use crate::radius::closed_form::ClosedForm;
use crate::radius::exact::{Exact, Limits, Tightened};
use crate::radius::lp::Lp;
use crate::radius::sharp::Sharp;
use crate::radius::{Method, Radius, Samples, Verdict};
use anyhow::{Context, Result, anyhow, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// What is certified, in every folder of verified radii.
pub const DEFINITION: &str = "verified.toml";

/// Relative change that counts as none: solvers end a little differently on different machines.
pub const TOLERANCE: f64 = 1e-7;

/// A folder's definition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What to certify.
    pub entry: Vec<Entry>,
}

/// One model with inputs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Of its files.
    pub name: String,
    /// The ONNX file, from the folder.
    pub model: PathBuf,
    /// The inputs, from the folder.
    pub inputs: PathBuf,
    /// Number of inputs; all by default.
    pub limit: Option<usize>,
    /// `LO,HI`.
    pub r#box: Option<String>,
    /// positive by default.
    pub sensitive: Option<String>,
    /// What bytes among the inputs mean: unit or raw.
    pub uint8: Option<String>,
    /// Whether inputs of another shape are the model's entries as they stand.
    #[serde(default)]
    pub flatten: bool,
    /// Whether entries that are no float32 mean the nearest one.
    #[serde(default)]
    pub round: bool,
    /// Whether the first line of a table is a header; found out by default.
    #[serde(default)]
    pub header: Header,
    /// l1, l2, linf by default.
    pub norms: Option<Vec<String>>,
    /// closed-form, sharp, tightened, exact, lp.
    pub methods: Vec<String>,
}

/// A verified radius.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// Index of the input.
    pub input: usize,
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
    fn radius(&self) -> Option<f64> {
        if self.lower == "unbounded" { Some(f64::INFINITY) } else { self.lower.parse().ok() }
    }
}

/// How a radius compares with the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Within [`TOLERANCE`].
    Same,
    /// Larger, and not above the stored upper side: good news, and no failure.
    Up,
    /// Smaller.
    Down,
    /// Above the stored upper side: one of the two is wrong.
    PastUpper,
    /// Nothing was certified, or the kernel refused today's certificate.
    Lost,
    /// The kernel refuses the stored certificate, or it speaks of something else.
    StoredProof,
    /// Not stored yet.
    New,
    /// Neither stored nor certified today, though the input is of the sensitive class: nothing has moved.
    NotCertified,
}

impl Change {
    /// Whether it makes the run fail.
    pub fn fails(self) -> bool {
        matches!(self, Change::Down | Change::PastUpper | Change::Lost | Change::StoredProof | Change::New)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Same => "same",
            Change::Up => "moved up",
            Change::Down => "moved down",
            Change::PastUpper => "past the proven upper side",
            Change::Lost => "lost its proof",
            Change::StoredProof => "stored proof refused",
            Change::New => "not stored",
            Change::NotCertified => "not certified",
        })
    }
}

/// One radius then and now.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Input, norm, method.
    pub key: (usize, String, String),
    /// What is stored.
    pub old: Option<Verified>,
    /// What today's code proves, with its certificate.
    pub new: Option<(Verified, String)>,
    /// The verdict.
    pub change: Change,
    /// The reason, where there is one.
    pub detail: String,
}

impl Compared {
    /// new/old − 1, where both are finite.
    pub fn relative(&self) -> Option<f64> {
        let old = self.old.as_ref()?.radius()?;
        let new = self.new.as_ref()?.0.radius()?;
        (old > 0.0 && old.is_finite() && new.is_finite()).then(|| new / old - 1.0)
    }
}

/// Reads a folder's definition.
///
/// # Errors
/// When it cannot be read.
pub fn definition(folder: &Path) -> Result<Definition> {
    let path = folder.join(DEFINITION);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let definition: Definition = toml::from_str(&text).with_context(|| path.display().to_string())?;
    if definition.entry.is_empty() {
        bail!("{}: expected at least one [[entry]], found none", path.display());
    }
    for (i, entry) in definition.entry.iter().enumerate() {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if entry.name.is_empty() || entry.name.starts_with('.') || !entry.name.chars().all(plain) {
            bail!("{}: expected a name of letters, digits, - _ ., found `{}`", path.display(), entry.name);
        }
        if definition.entry[..i].iter().any(|before| before.name == entry.name) {
            bail!("{}: expected names that differ, found `{}` twice", path.display(), entry.name);
        }
    }
    Ok(definition)
}

/// The stored rows of an entry with their certificates; none where it was never blessed.
fn stored(folder: &Path, entry: &Entry) -> Result<Vec<(Verified, String)>> {
    let path = folder.join(format!("{}.csv", entry.name));
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_path(&path).with_context(|| path.display().to_string())?;
    let rows =
        reader.deserialize().collect::<Result<Vec<Verified>, _>>().with_context(|| path.display().to_string())?;
    if let Some(bad) = rows.iter().find(|row| row.radius().is_none()) {
        bail!("{}: expected a number or unbounded in column `lower`, found `{}`", path.display(), bad.lower);
    }
    let certificates = folder.join(format!("{}.jsonl", entry.name));
    let text = std::fs::read_to_string(&certificates).with_context(|| certificates.display().to_string())?;
    let lines: Vec<String> = text.lines().map(String::from).collect();
    if lines.len() != rows.len() {
        let found = lines.len();
        bail!("{}: expected {} certificates, one per row, found {found}", certificates.display(), rows.len());
    }
    Ok(rows.into_iter().zip(lines).collect())
}

/// Certifies an entry anew and compares, row by row; `tell` hears what is to be said about how the inputs were read.
///
/// # Errors
/// When the entry's files cannot be read.
pub fn compare(folder: &Path, entry: &Entry, tell: &mut dyn FnMut(&str)) -> Result<Vec<Compared>> {
    let path = folder.join(&entry.model);
    let bad = |reason: String| anyhow!("{}, entry `{}`: {reason}", folder.join(DEFINITION).display(), entry.name);
    let sensitive: Sensitive = entry.sensitive.as_deref().unwrap_or("positive").parse().map_err(bad)?;
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let graph = select(onnx::read(&path)?, sensitive).with_context(|| path.display().to_string())?;
    let model = Model::new(graph).with_context(|| path.display().to_string())?;
    let size = model.input_size();
    let place = folder.join(&entry.inputs);
    let reading = Reading {
        uint8: entry.uint8.as_deref().map(str::parse).transpose().map_err(bad)?,
        flatten: entry.flatten,
        round: entry.round,
    };
    let inputs =
        read_inputs(&place, &InputOptions { reading, header: entry.header.known(), ..InputOptions::default() })?;
    inputs.notes.iter().for_each(|note| tell(note));
    let shape = &model.graph().node(0).shape;
    inputs.fit(shape, entry.flatten).map_err(|why| anyhow!("{}: {why}", place.display()))?;
    let count = entry.limit.unwrap_or(usize::MAX).min(inputs.len());
    let x: Vec<f64> = inputs.values.iter().take(count * size).map(|&v| f64::from(v)).collect();
    let range: Option<Range> = entry.r#box.as_deref().map(str::parse).transpose().map_err(bad)?;
    let names = entry.norms.clone().unwrap_or_else(|| Norm::STANDARD.iter().map(Norm::to_string).collect());
    let norms = names.iter().map(|name| name.parse::<Norm>()).collect::<Result<Vec<_>, _>>();
    let norms = norms.map_err(|e| bad(e.to_string()))?;
    let methods = entry.methods.iter().map(|name| method(name)).collect::<Result<Vec<_>, _>>().map_err(bad)?;
    let samples = KernelInputs::of(&place, reading, &x, shape).with_context(|| place.display().to_string())?.read;
    let prover = Prover::about(&bytes, sensitive, samples.clone()).with_context(|| path.display().to_string())?;
    let class = sensitive.to_string().parse().map_err(bad)?;
    let checker = Checker { model: kernel::Model::read(&bytes, class)?, inputs: samples };
    let old = stored(folder, entry)?;
    let mut keys: Vec<(usize, Norm, usize)> = Vec::new();
    for i in 0..count {
        norms.iter().for_each(|&norm| keys.extend((0..methods.len()).map(|m| (i, norm, m))));
    }
    let one = |&(index, norm, m): &(usize, Norm, usize)| {
        let wanted = Wanted {
            index,
            x: &x[index * size..(index + 1) * size],
            perturbation: Perturbation { norm, range, weights: None },
            open: false,
        };
        let found = certify(&model, &prover, methods[m].as_ref(), wanted);
        let key = (index, norm.to_string(), entry.methods[m].clone());
        let before = old.iter().find(|(row, _)| (row.input, &row.norm, &row.method) == (key.0, &key.1, &key.2));
        checker.verdict(key, before, found)
    };
    let mut all: Vec<Compared> = keys.par_iter().filter_map(one).collect();
    let known =
        |row: &Verified| all.iter().any(|c| (c.key.0, &c.key.1, &c.key.2) == (row.input, &row.norm, &row.method));
    let dropped: Vec<Compared> = old.iter().filter(|(row, _)| !known(row)).map(|(row, _)| no_longer(row)).collect();
    all.extend(dropped);
    if all.is_empty() {
        return Err(bad("nothing to verify: none of the inputs is of the sensitive class".into()));
    }
    Ok(all)
}

/// A stored row that the definition does not ask for.
fn no_longer(row: &Verified) -> Compared {
    let detail = format!("stored, but {DEFINITION} does not ask for it; --bless drops it");
    let key = (row.input, row.norm.clone(), row.method.clone());
    Compared { key, old: Some(row.clone()), new: None, change: Change::Lost, detail }
}

/// Closes the gap so far that another way to the same radius ends within [`TOLERANCE`].
fn repeatable() -> Exact {
    Exact { limits: Limits { gap: 0.5 * TOLERANCE, ..Exact::default().limits } }
}

fn method(name: &str) -> Result<Box<dyn Method>, String> {
    Ok(match name {
        "closed-form" => Box::new(ClosedForm),
        "sharp" => Box::new(Sharp),
        "tightened" => Box::new(Tightened::default()),
        "exact" => Box::new(repeatable()),
        "lp" => Box::new(Lp::default()),
        other => {
            let names = "closed-form, sharp, tightened, exact or lp";
            return Err(format!("method `{other}`: expected {names}, whose radii have certificates"));
        }
    })
}

/// The proven radius, or why there is none; `Ok(None)` where nothing can be certified.
fn certify(
    model: &Model,
    prover: &Prover,
    method: &dyn Method,
    wanted: Wanted,
) -> Result<Option<(Verified, String)>, String> {
    let samples = Samples { values: wanted.x, size: wanted.x.len(), first: wanted.index };
    let outcome = method.certify(model, samples, wanted.perturbation).remove(0);
    if outcome.radius().is_none() {
        return match outcome.verdict {
            Verdict::NotSensitive => Ok(None),
            Verdict::Unknown(why) | Verdict::Abstain(why) => Err(why),
            Verdict::Certified(_) => unreachable!("it has no radius"),
        };
    }
    let proof = prover.prove(model, wanted, &outcome).map_err(|e| e.to_string())?;
    let upper = outcome.witness.as_ref().filter(|_| proof.has_witness).map(|w| format!("{:?}", w.distance));
    let row = Verified {
        input: wanted.index,
        norm: wanted.perturbation.norm.to_string(),
        method: method.name().into(),
        lower: proof.radius.to_string(),
        upper: upper.unwrap_or_default(),
    };
    Ok(Some((row, proof.line)))
}

struct Checker {
    model: kernel::Model,
    inputs: kernel::Inputs,
}

impl Checker {
    /// `None` where there was nothing and there is nothing.
    fn verdict(
        &self,
        key: (usize, String, String),
        old: Option<&(Verified, String)>,
        new: Result<Option<(Verified, String)>, String>,
    ) -> Option<Compared> {
        let compared = |change, new, detail: &str| {
            Some(Compared {
                key: key.clone(),
                old: old.map(|(row, _)| row.clone()),
                new,
                change,
                detail: detail.into(),
            })
        };
        let Some((before, certificate)) = old else {
            return match new {
                Ok(None) => None,
                Ok(Some(new)) => compared(Change::New, Some(new), "run with --bless to store it"),
                Err(why) => compared(Change::NotCertified, None, &why),
            };
        };
        let stored = self.stored_proof(before, certificate);
        let new = match new {
            Ok(Some(new)) => new,
            Ok(None) => return compared(Change::Lost, None, "f ≤ 0"),
            Err(why) => return compared(Change::Lost, None, &why),
        };
        if let Err(why) = stored {
            return compared(Change::StoredProof, Some(new), &why);
        }
        let (then, now) = (before.radius().unwrap_or(0.0), new.0.radius().unwrap_or(0.0));
        let upper = before.upper.parse().unwrap_or(f64::INFINITY);
        let change = if now > upper {
            Change::PastUpper
        } else if now < then * (1.0 - TOLERANCE) {
            Change::Down
        } else if now > then * (1.0 + TOLERANCE) {
            Change::Up
        } else {
            Change::Same
        };
        compared(change, Some(new), "")
    }

    /// The stored certificate is valid and says what its row says.
    fn stored_proof(&self, row: &Verified, certificate: &str) -> Result<(), String> {
        let statement = check_line(&self.model, &self.inputs, certificate).map_err(|r| r.to_string())?;
        let number = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<f64>().ok());
        let radius = match statement.radius.as_deref() {
            Some("unbounded") => Some(f64::INFINITY),
            _ => number(&statement.radius),
        };
        let same = statement.input == row.input as u64
            && statement.norm == row.norm
            && radius == row.radius()
            && number(&statement.upper) == row.upper.parse().ok();
        if same { Ok(()) } else { Err("the certificate speaks of something else than its row".into()) }
    }
}

/// Writes what today's code proves over what is stored.
///
/// # Errors
/// When the files cannot be written.
pub fn bless(folder: &Path, entry: &Entry, compared: &[Compared]) -> Result<()> {
    let rows: Vec<&(Verified, String)> = compared.iter().filter_map(|c| c.new.as_ref()).collect();
    let table: Vec<&Verified> = rows.iter().map(|(row, _)| row).collect();
    use crate::data::atomic::write_atomically;
    write_atomically(&folder.join(format!("{}.jsonl", entry.name)), |out| {
        rows.iter().try_for_each(|(_, line)| writeln!(out, "{line}"))
    })?;
    write_atomically(&folder.join(format!("{}.csv", entry.name)), |out| crate::report::rows::write_csv(&table, out))?;
    Ok(())
}

/// A radius for a table.
pub fn shown(row: Option<&Verified>) -> String {
    row.and_then(Verified::radius).map_or_else(|| "none".into(), |r| Radius::new(r).to_string())
}
