//! Regression on verified radii: what is stored against what today's code finds and proves.
//!
//! A folder holds `verified.toml`, which says what to certify, and per entry `NAME.csv` with `NAME.jsonl`, whose line i
//! is the certificate of row i (`proofs-data/STORE.md`).

pub mod store;

use crate::data::Reading;
use crate::data::tasks::Header;
use crate::data::{InputOptions, read_inputs};
use crate::model::sensitive::{Sensitive, select};
use crate::model::{Model, onnx};
use crate::norm::Norm;
use crate::proof::{KernelInputs, Prover, Wanted};
use crate::query::{Perturbation, Range};
use crate::radius::closed_form::ClosedForm;
use crate::radius::exact::{Exact, Limits, Tightened};
use crate::radius::lp::Lp;
use crate::radius::sharp::Sharp;
use crate::radius::{Method, Radius, Samples, Verdict};
use crate::regress::store::{Asked, Stored, Verified};
use anyhow::{Context, Result, anyhow, bail};
use rayon::prelude::*;
use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};
use underplane_kernel as kernel;

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
    /// What is stored is not what a store must be.
    Store,
    /// A witness is stored and not found today, or the other way round.
    Witness,
    /// Not stored yet.
    New,
    /// Neither stored nor certified today, though the input is of the sensitive class: nothing has moved.
    NotCertified,
}

impl Change {
    /// Whether it makes the run fail.
    pub fn fails(self) -> bool {
        !matches!(self, Change::Same | Change::Up | Change::NotCertified)
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
            Change::Store => "store refused",
            Change::Witness => "witness missing",
            Change::New => "not stored",
            Change::NotCertified => "not certified",
        })
    }
}

/// One radius then and now.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Input, norm, method.
    pub key: [String; 3],
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
    let checker = Checker { model: kernel::Model::read(&bytes, class)?, inputs: samples, range };
    let names: Vec<String> = norms.iter().map(Norm::to_string).collect();
    for (what, list) in [("norms", &names), ("methods", &entry.methods)] {
        if let Some(k) = (1..list.len()).find(|&k| list[..k].contains(&list[k])) {
            return Err(bad(format!("expected {what} that differ, found `{}` twice", list[k])));
        }
    }
    let asked = Asked { count, norms: &names, methods: &entry.methods };
    let old = store::read(folder, &entry.name, asked)?;
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
        let key = [index.to_string(), norm.to_string(), entry.methods[m].clone()];
        let before = old.iter().find(|stored| stored.row.key() == key.each_ref().map(String::as_str));
        checker.verdict(key, before, found)
    };
    let mut all: Vec<Compared> = keys.par_iter().filter_map(one).collect();
    let key = |stored: &Stored| stored.row.key().map(String::from);
    let first = |stored: &&Stored| old.iter().find(|other| other.row.key() == stored.row.key());
    let compared = |stored: &&Stored| {
        all.iter().any(|c| c.key == key(stored)) && first(stored).is_some_and(|first| std::ptr::eq(first, *stored))
    };
    let rest: Vec<Compared> =
        old.iter().filter(|stored| stored.fault.is_some() && !compared(stored)).map(no_radius).collect();
    if all.is_empty() && old.iter().all(|stored| stored.row.input.is_empty()) {
        return Err(bad("nothing to verify: none of the inputs is of the sensitive class".into()));
    }
    all.splice(0..0, rest);
    Ok(all)
}

/// A stored row that is none of the radii asked for, or not the first one for its key.
fn no_radius(stored: &Stored) -> Compared {
    let (change, detail) = faulty(stored).unwrap_or((Change::Store, String::new()));
    let key = stored.row.key().map(String::from);
    Compared { key, old: Some(stored.row.clone()), new: None, change, detail }
}

/// What is wrong with a stored row, for itself.
fn faulty(stored: &Stored) -> Option<(Change, String)> {
    let fault = stored.fault.as_ref()?;
    Some((if fault.unasked { Change::Lost } else { Change::Store }, fault.words.clone()))
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
        input: wanted.index.to_string(),
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
    range: Option<Range>,
}

impl Checker {
    /// `None` where there was nothing and there is nothing.
    fn verdict(
        &self,
        key: [String; 3],
        old: Option<&Stored>,
        new: Result<Option<(Verified, String)>, String>,
    ) -> Option<Compared> {
        let Some(stored) = old else {
            return match new {
                Ok(None) => None,
                Ok(Some(new)) => {
                    let detail = "run with --bless to store it".into();
                    Some(Compared { key, old: None, new: Some(new), change: Change::New, detail })
                }
                Err(detail) => Some(Compared { key, old: None, new: None, change: Change::NotCertified, detail }),
            };
        };
        let (change, detail) = self.change(stored, &new);
        Some(Compared { key, old: Some(stored.row.clone()), new: new.ok().flatten(), change, detail })
    }

    /// What is stored, checked for itself, and then against what is found today.
    fn change(&self, stored: &Stored, new: &Result<Option<(Verified, String)>, String>) -> (Change, String) {
        if let Some(faulty) = faulty(stored) {
            return faulty;
        }
        if let Err(why) = store::check((&self.model, &self.inputs), self.range, stored) {
            return (Change::StoredProof, why);
        }
        let before = &stored.row;
        let now = match new {
            Ok(Some((now, _))) => now,
            Ok(None) => return (Change::Lost, "f ≤ 0".into()),
            Err(why) => return (Change::Lost, why.clone()),
        };
        let (then, radius) = (before.radius().unwrap_or(0.0), now.radius().unwrap_or(0.0));
        if before.upper.parse().is_ok_and(|upper: f64| radius > upper) {
            return (Change::PastUpper, String::new());
        }
        if before.upper.is_empty() != now.upper.is_empty() {
            let shown = |upper: &str| if upper.is_empty() { "none" } else { upper }.to_string();
            let detail = format!("upper side: stored {}, today {}", shown(&before.upper), shown(&now.upper));
            return (Change::Witness, detail);
        }
        let change = if radius < then * (1.0 - TOLERANCE) {
            Change::Down
        } else if radius > then * (1.0 + TOLERANCE) {
            Change::Up
        } else {
            Change::Same
        };
        (change, String::new())
    }
}

/// Tables of verified radii that no entry names: nothing watches them.
///
/// # Errors
/// When the folder cannot be listed.
pub fn unnamed(folder: &Path, definition: &Definition) -> Result<Vec<(String, Compared)>> {
    let names: Vec<&str> = definition.entry.iter().map(|entry| entry.name.as_str()).collect();
    let one = |name: String| {
        let detail =
            format!("{name}.csv holds verified radii, but {DEFINITION} has no such entry: add it, or remove them");
        let key = [const { String::new() }; 3];
        (name, Compared { key, old: None, new: None, change: Change::Store, detail })
    };
    Ok(store::strays(folder, &names)?.into_iter().map(one).collect())
}

/// Writes what today's code proves over what is stored.
///
/// # Errors
/// When the files cannot be written.
pub fn bless(folder: &Path, entry: &Entry, compared: &[Compared]) -> Result<()> {
    let rows: Vec<&(Verified, String)> = compared.iter().filter_map(|c| c.new.as_ref()).collect();
    let table: Vec<&Verified> = rows.iter().map(|(row, _)| row).collect();
    use crate::files::write_atomically;
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
