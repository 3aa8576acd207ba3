//! Regression on verified radii: what is stored against what today's code finds and proves.
//!
//! A folder holds `verified.toml`, which says what to certify, and per entry `NAME.csv` with `NAME.jsonl`, whose line i
//! is the certificate of row i (`proofs-data/STORE.md`).

mod change;
mod definition;
mod files;
pub mod store;
mod today;

pub use change::{Change, Compared, TOLERANCE};
pub use definition::{DEFINITION, Definition, Entry, definition, find};
pub use files::Files;

use crate::data::Bounds;
use crate::files::write_atomically;
use crate::norm::Norm;
use crate::radius::Radius;
use crate::regress::store::{Asked, Proven, Stored, Verified};
use crate::report::rows::write_csv;
use anyhow::Result;
use rayon::prelude::*;
use std::path::Path;
use today::Today;

/// What came of an entry.
pub struct Outcome {
    /// Row by row.
    pub compared: Vec<Compared>,
    /// The model that is certified, where the entry's file computes constants that are rounded in it.
    pub folded: Option<Vec<u8>>,
    /// What its files are known by today.
    pub files: Files,
    /// Those that are others than when its radii were stored, in words.
    pub changed: Vec<String>,
}

/// Certifies an entry anew and compares, up to a relative `tolerance`; `tell` hears what is to be said about how its
/// files were read.
///
/// # Errors
/// When the entry's files cannot be read.
pub fn compare(folder: &Path, entry: &Entry, tolerance: f64, tell: &mut dyn FnMut(&str)) -> Result<Outcome> {
    let today = Today::read(folder, entry, tell)?;
    let names: Vec<String> = today.norms.iter().map(Norm::to_string).collect();
    for (what, list) in [("norms", &names), ("methods", &entry.methods)] {
        if let Some(k) = (1..list.len()).find(|&k| list[..k].contains(&list[k])) {
            return Err(entry.bad(folder, format!("expected {what} that differ, found `{}` twice", list[k])));
        }
    }
    let asked = Asked { count: today.count, norms: &names, methods: &entry.methods };
    let mut old = store::read(folder, &entry.name, asked)?;
    let before = store::files(folder, &entry.name)?;
    let changed = before.as_ref().map_or_else(|_| Vec::new(), |before| today.files.others_than(before));
    old.extend(before.err().map(store::broken));
    let terms = Terms { tolerance, changed: !changed.is_empty() };
    let mut all = renewed(&today, &old, terms);
    let rest = left_over(&old, &all);
    if all.is_empty() && old.iter().all(|stored| stored.row.input.is_empty()) {
        return Err(entry.bad(folder, "nothing to verify: none of the inputs is of the sensitive class".into()));
    }
    all.splice(0..0, rest);
    Ok(Outcome { compared: all, folded: today.folded, files: today.files, changed })
}

/// How then and now are compared.
#[derive(Clone, Copy)]
struct Terms {
    tolerance: f64,
    /// Whether files are others than then.
    changed: bool,
}

/// Every radius that the entry asks for, then and now, but for those that are nothing then and now.
fn renewed(today: &Today, old: &[Stored], terms: Terms) -> Vec<Compared> {
    let mut keys: Vec<(usize, Norm, usize)> = Vec::new();
    for i in 0..today.count {
        today.norms.iter().for_each(|&norm| keys.extend((0..today.methods.len()).map(|m| (i, norm, m))));
    }
    let one = |&(index, norm, m): &(usize, Norm, usize)| {
        let method = today.methods[m].as_ref();
        let key = [index.to_string(), norm.to_string(), method.name().to_string()];
        let before = old.iter().find(|stored| stored.row.key() == key.each_ref().map(String::as_str));
        verdict(today, key, (before, today.certify(method, index, norm)), terms)
    };
    keys.par_iter().filter_map(one).collect()
}

/// What is wrong in the store, beside the rows in `renewed`.
fn left_over(old: &[Stored], renewed: &[Compared]) -> Vec<Compared> {
    let first = |stored: &Stored| old.iter().find(|other| other.row.key() == stored.row.key());
    let compared = |stored: &&Stored| {
        let key = stored.row.key().map(String::from);
        renewed.iter().any(|c| c.key == key) && first(stored).is_some_and(|first| std::ptr::eq(first, *stored))
    };
    old.iter().filter(|stored| stored.fault.is_some() && !compared(stored)).map(no_radius).collect()
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

/// `None` where there was nothing and there is nothing.
fn verdict(
    today: &Today,
    key: [String; 3],
    (old, new): (Option<&Stored>, Result<Option<Proven>, String>),
    terms: Terms,
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
    let (change, detail) = change(today, stored, &new, terms);
    Some(Compared { key, old: Some(stored.row.clone()), new: new.ok().flatten(), change, detail })
}

/// What is stored, checked for itself, and then against what is found today.
fn change(today: &Today, stored: &Stored, new: &Result<Option<Proven>, String>, terms: Terms) -> (Change, String) {
    if let Some(faulty) = faulty(stored) {
        return faulty;
    }
    if let Err(why) = store::check(&today.prover, today.range.as_ref().map(Bounds::ranges), stored) {
        return (if terms.changed { Change::OtherFiles } else { Change::StoredProof }, why);
    }
    let before = &stored.row;
    let now = match new {
        Ok(Some(now)) => &now.row,
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
    (Change::between(then, radius, terms.tolerance), String::new())
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
pub fn bless(folder: &Path, entry: &Entry, outcome: &Outcome) -> Result<()> {
    let proven: Vec<&Proven> = outcome.compared.iter().filter_map(|c| c.new.as_ref()).collect();
    let table: Vec<&Verified> = proven.iter().map(|proven| &proven.row).collect();
    write_atomically(&folder.join(format!("{}.jsonl", entry.name)), |out| {
        proven.iter().try_for_each(|proven| writeln!(out, "{}", proven.certificate))
    })?;
    if let Some(folded) = &outcome.folded {
        write_atomically(&folder.join(format!("{}-folded.onnx", entry.name)), |out| out.write_all(folded))?;
    }
    write_atomically(&folder.join(format!("{}.json", entry.name)), |out| {
        serde_json::to_writer_pretty(&mut *out, &outcome.files)?;
        writeln!(out)
    })?;
    write_atomically(&folder.join(format!("{}.csv", entry.name)), |out| write_csv(&table, out))?;
    Ok(())
}

/// A radius for a table.
pub fn shown(row: Option<&Verified>) -> String {
    row.and_then(Verified::radius).map_or_else(|| "none".into(), |r| Radius::new(r).to_string())
}
